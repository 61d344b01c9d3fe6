//! Tables of every shape: numbers, rows that are an image and a class, JSON, labels of several images.

use kaggle_kit::dataset;

use super::{Drawn, Spec, TAGS, USUAL, ids, told};

const NUMBERS: Spec = Spec {
    metric: "\"rmse\"",
    target: "kind = \"number\"\nrange = [1, 100]",
    labels: "[target.labels.csv]\nfile = \"train.csv\"\nid = \"id\"",
    submission: "[submission.numbers]\nid = \"id\"",
    ..USUAL
};
const IMAGES: &str = "train/a.png train/b.png train/c.png test/t1.png test/t2.png";

#[test]
fn numbers_are_read_from_the_samples_columns() {
    let drawn = Drawn::new(IMAGES)
        .with("sample.csv", "id,height,width\nt1,1,2\nt2,1,2\n")
        .with("train.csv", "id,width,x,height\na,10,no,20.5\nb,30,no,\nc,5e1,no,400\n");
    let data = drawn.open(&NUMBERS);
    assert_eq!(data.classes.names(), ["height", "width"]);
    let numbers: Vec<&[f64]> = data.train.iter().map(|s| s.numbers.as_slice()).collect();
    assert_eq!(numbers, [[20.5, 10.0], [400.0, 50.0]]);
    assert!(data.train.iter().all(|sample| sample.target.is_empty()));
    assert_eq!(data.found.skipped, 1);
    let warnings = data.found.warnings.join("\n");
    assert!(
        warnings.contains("outside of `target.range` (1 to 100): 1 number, such as 400 of `c`")
    );
    drawn.text("train.csv", "id,width,height\na,10,tall\n");
    let error = drawn.error(&NUMBERS);
    assert!(
        error.contains("line 2: `tall` in the column `height` is no number\nhint: "),
        "{error}"
    );
    drawn.text("train.csv", "id,width\na,10\n");
    assert!(drawn.error(&NUMBERS).contains("no column for the number `height`"));
    let renamed = Spec { target: "kind = \"number\"\nrename = { tall = \"height\" }", ..NUMBERS };
    drawn.text("train.csv", "id,width,tall\na,10,7\n");
    assert_eq!(drawn.open(&renamed).train[0].numbers, [7.0, 10.0]);
    let one = Spec { labels: USUAL.labels, ..NUMBERS };
    drawn.text("train.csv", "id,label\na,10\n");
    assert!(drawn.error(&one).contains("the labels have 1 number, but `sample.csv` has 2 columns"));
}

#[test]
fn a_row_may_be_an_image_and_a_class() {
    let labels = "[target.labels.csv]\nfile = \"train.csv\"\nid = \"id\"\nlabel = \"label\"\n\
                  row = \"{id}_{class}\"";
    let spec = Spec {
        metric: "\"log-loss\"",
        target: "kind = \"multi-label\"",
        labels,
        submission: "[submission.long]\nid = \"id\"\ncolumn = \"label\"\nrow = \"{id}_{class}\"",
        ..USUAL
    };
    let drawn = Drawn::new("train/ID_1.png train/ID_2.png test/ID_9.png test/ID_8.png")
        .with(
            "sample.csv",
            "id,label\nID_9_any,0\nID_9_all_of,0\nID_9_of,0\nID_8_any,0\nID_8_all_of,0\nID_8_of,0\n",
        )
        .with(
            "train.csv",
            "id,label\nID_1_any,1\nID_1_all_of,1\nID_1_of,0\nID_2_any,0\nID_2_all_of,0\nID_2_of,1\n\
             ID_1_any,1\n",
        );
    let data = drawn.open(&spec);
    assert_eq!(told(&data), "ID_1:all_of+any ID_2:of");
    assert_eq!(ids(&data.test), "ID_9 ID_8");
    assert_eq!((data.found.doubled, data.found.sample.rows, data.found.test_images), (1, 6, 2));
    drawn.text("train.csv", "id,label\nID_1_any,1\nID_1_of,0\nID_1_any,0\n");
    let error = drawn.error(&spec);
    assert!(error.contains("line 4: `ID_1_any` is 0, and 1 on line 2\nhint: "), "{error}");
    drawn.text("train.csv", "id,label\nID_7_any,1\n");
    let error = drawn.error(&spec);
    assert!(
        error.contains("line 2: `ID_7_any` is no image and class, as in `{id}_{class}`"),
        "{error}"
    );
    drawn.text("train.csv", "id,label\nID_1_any,2\n");
    assert!(drawn.error(&spec).contains("line 2: `2` for `ID_1_any`, where 0 or 1 is expected"));
    let named = Spec { target: "kind = \"multi-label\"\nclasses = [\"any\", \"of\"]", ..spec };
    drawn.text("train.csv", "id,label\nID_1_any,1\nID_2_of,1\n");
    let error = drawn.error(&named);
    assert!(error.contains("have no image in `test`: `ID_9_all`"), "{error}");
    let error = Spec { labels: &labels.replace("_{class}", ""), ..spec }.error();
    assert!(error.contains("must name `{id}` and `{class}`, each once"), "{error}");
}

#[test]
fn coco_is_a_table_whose_columns_are_the_fields_of_both() {
    let labels =
        "[target.labels.json]\nfile = \"train.json\"\nid = \"id\"\nlabel = \"category_id\"";
    let files = "train = [\"train/{file_name}\"]\ntest = [\"test/{file_name}\"]\n\
                 sample = \"sample.csv\"\ntest-table = \"test.json\"";
    let split = "[split]\ngroup = \"location\"";
    let drawn = Drawn::new("train/0/a.jpg train/1/b.jpg train/1/c.jpg test/x/7.jpg")
        .with(
            "train.json",
            r#"{"images": [{"id": "A", "file_name": "0/a.jpg", "location": 3},
                           {"id": "B", "file_name": "1/b.jpg", "location": 4},
                           {"id": "C", "file_name": "1/c.jpg", "location": 3}],
                "annotations": [{"id": 1, "image_id": "B", "category_id": 8},
                                {"id": 2, "image_id": "A", "category_id": 7},
                                {"id": 3, "image_id": "A", "category_id": 7}]}"#,
        )
        .with("test.json", r#"{"images": [{"id": 70, "file_name": "x/7.jpg"}]}"#)
        .with("sample.csv", "Id,Predicted\n70,8\n");
    let spec = Spec {
        files,
        labels,
        split,
        submission: "[submission.label]\nid = \"Id\"\ncolumn = \"Predicted\"",
        ..USUAL
    };
    let data = drawn.open(&spec);
    assert_eq!(told(&data), "A:7 B:8");
    assert_eq!((data.found.skipped, data.found.doubled), (1, 1));
    assert_eq!(drawn.paths(&data.train[1]), ["train/1/b.jpg"]);
    assert_eq!(
        (ids(&data.test), drawn.paths(&data.test[0])),
        ("70".into(), vec!["test/x/7.jpg".into()])
    );
    drawn.text(
        "train.json",
        r#"[{"id": "A", "file_name": "0/a.jpg", "location": 3, "category_id": 7},
            {"id": "A", "file_name": "0/a.jpg", "location": 3, "category_id": 8}]"#,
    );
    let error = drawn.error(&spec);
    assert!(error.contains("train.json`, record 2: `A` is `8`, and `7` on record 1"), "{error}");
    drawn.text("train.json", "{");
    let error = drawn.error(&spec);
    assert!(error.contains("failed to read `DATA/train.json`\nhint: JSON of `images`"), "{error}");
}

#[test]
fn records_in_several_files_may_hold_lists_of_tags() {
    let labels =
        "[target.labels.json]\nfile = [\"a.json\", \"b.json\"]\nid = \"name\"\nlabel = \"tags\"";
    let drawn = Drawn::new(IMAGES)
        .with("sample.csv", "id,label\nt1,x\nt2,x\n")
        .with("a.json", r#"[{"name": "a", "tags": ["x", "y z"]}, {"name": "b.png", "tags": []}]"#)
        .with("b.json", r#"{"c": {"name": "c", "tags": "x w"}}"#);
    let spec = Spec {
        metric: "\"log-loss\"",
        labels,
        submission: "[submission.probability-per-class]\nid = \"id\"",
        ..TAGS
    };
    drawn.text("sample.csv", "id,w,x,y z\nt1,0,0,0\nt2,0,0,0\n");
    assert_eq!(told(&drawn.open(&spec)), "a:x+y z b.png: c:w+x");
}

#[test]
fn labels_may_be_of_what_images_belong_to() {
    let labels = "[target.labels.csv]\nfile = \"train.csv\"\nid = \"business\"\nlabel = \"labels\"\n\
                  photos = { file = \"photos.csv\", id = \"photo\", of = \"business\" }";
    let files = "train = [\"train\"]\ntest = [\"test\"]\nsample = \"sample.csv\"\n\
                 test-table = \"test_photos.csv\"";
    let spec = Spec {
        files,
        labels,
        submission: "[submission.tag-list]\nid = \"business\"\ncolumn = \"labels\"\npool = \"mean\"",
        ..TAGS
    };
    let drawn = Drawn::new("train/1.jpg train/2.jpg train/3.jpg train/4.jpg test/7.jpg test/8.jpg")
        .with("train.csv", "business,labels\nA,0 2\nB,1\n")
        .with("photos.csv", "photo,business\n1,A\n2,A\n3,B\n4,C\n1,B\n")
        .with("test_photos.csv", "photo,business\n7,X\n8,X\n8,Y\n")
        .with("sample.csv", "business,labels\nX,0\nY,0\n");
    let data = drawn.open(&spec);
    assert_eq!(told(&data), "1:0+1+2 2:0+2 3:1");
    assert_eq!((data.found.skipped, data.found.merged), (1, 1));
    // All images of a business stay together, and photo 1 is of two.
    assert_eq!(data.groups, [[0, 1, 2]]);
    assert_eq!(ids(&data.test), "7 8");
    let competition = spec.parse().unwrap();
    let pools = dataset::pools(&competition, drawn.folder.path(), &data.classes);
    let pools = pools.unwrap().unwrap();
    let told: Vec<String> =
        pools.iter().map(|pool| format!("{}:{}", pool.id, pool.images.join("+"))).collect();
    assert_eq!(told, ["X:7+8", "Y:8"]);
    let no_table = Spec { files: USUAL.files, ..spec };
    assert!(no_table.error().contains("`submission.tag-list.pool` needs `files.test-table`"));
}

#[test]
fn names_for_reports_come_from_json_or_a_table() {
    let named = |file: &str| format!("kind = \"single-label\"\nnames = \"{file}\"");
    let drawn = Drawn::new(IMAGES)
        .with("map.json", r#"{"0": "blight", "1": "healthy"}"#)
        .with("list.json", r#"[{"category_id": 0, "name": "oak"}]"#)
        .with("names.csv", "label,what\n0,zero\n1,one\n")
        .with("odd.csv", "a,b,c\n0,zero,1\n")
        .with("sample.csv", "id,label\nt1,0\nt2,0\n")
        .with("train.csv", "id,label\na,0\nb,1\nc,1\n");
    for (file, expected) in
        [("map.json", "0 blight 1 healthy"), ("list.json", "0 oak"), ("names.csv", "0 zero 1 one")]
    {
        let competition = Spec { target: &named(file), ..USUAL }.parse().unwrap();
        let names = dataset::names(&competition, drawn.folder.path()).unwrap();
        let told: Vec<String> = names.iter().map(|(id, name)| format!("{id} {name}")).collect();
        assert_eq!(told.join(" "), expected, "{file}");
        let data = dataset::open(&competition, drawn.folder.path()).unwrap();
        assert_eq!(data.found.names, names);
    }
    let competition = Spec { target: &named("odd.csv"), ..USUAL }.parse().unwrap();
    let error = dataset::names(&competition, drawn.folder.path()).unwrap_err().to_string();
    assert!(error.contains("has no column of names: `a,b,c`\nhint: "), "{error}");
}

#[test]
fn a_table_of_tabs_is_known_by_its_ending() {
    let drawn = Drawn::new("train/a.png train/b.png test/t1.png")
        .with("train.tsv", "id\tlabel\na\tred, mostly\nb\tblue\n")
        .with("sample.csv", "id,label\nt1,blue\n");
    let labels = USUAL.labels.replace("train.csv", "train.tsv");
    assert_eq!(told(&drawn.open(&Spec { labels: &labels, ..USUAL })), "a:red, mostly b:blue");
}
