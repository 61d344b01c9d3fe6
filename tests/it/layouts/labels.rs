//! What images are labelled with.

use super::{Drawn, Spec, TAGS, USUAL, told};

const IMAGES: &str = "train/a.png train/b.png train/c.png test/t1.png";
const SAMPLE: &str = "id,label\nt1,x\n";

fn drawn(table: &str) -> Drawn {
    Drawn::new(IMAGES).with("sample.csv", SAMPLE).with("train.csv", table)
}

#[test]
fn rows_without_a_label_are_left_out_and_counted() {
    let data = drawn("id,label\na,x\nb,\nc,y\n").open(&USUAL);
    assert_eq!((told(&data).as_str(), data.found.skipped), ("a:x c:y", 1));
    // It has a row, if no label.
    assert_eq!(data.unlabelled, 0);
    assert!(
        data.found.warnings[0].contains("1 row without a label in `train.csv`"),
        "{:?}",
        data.found
    );
    let tags = drawn("id,label\na,x\nb,\nc,y\n").open(&TAGS);
    assert_eq!((told(&tags).as_str(), tags.found.without_tags), ("a:x b: c:y", 1));
}

#[test]
fn a_row_that_is_there_twice_counts_once() {
    let data = drawn("id,label\na,x\nb,y\na.png,x\na,x\n").open(&USUAL);
    assert_eq!((told(&data).as_str(), data.found.doubled), ("a:x b:y", 2));
    let error = drawn("id,label\na,x\nb,y\na.png,y\n").error(&USUAL);
    assert!(
        error
            .starts_with("`DATA/train.csv`, line 4: `a.png` is `y`, and `x` on line 2\nhint: keep"),
        "{error}"
    );
    let tags = drawn("id,label\na,x\nb,y\na,y z\na,z\na,x y z\n").open(&TAGS);
    assert_eq!(told(&tags), "a:x+y+z b:y");
    assert_eq!((tags.found.merged, tags.found.doubled), (2, 1));
}

#[test]
fn levels_go_by_their_numbers() {
    let spec = Spec { target: "kind = \"ordinal\"", ..USUAL };
    let data = drawn("id,label\na,10\nb,9\nc,2.0\n").open(&spec);
    assert_eq!(data.classes.names(), ["2.0", "9", "10"]);
    assert_eq!(data.train[0].target, [2]);
    let named = Spec { target: "kind = \"ordinal\"\nclasses = [\"lo\", \"hi\"]", ..USUAL };
    let data = drawn("id,label\na,hi\nb,lo\nc,hi\n").open(&named);
    assert_eq!(told(&data), "a:hi b:lo c:hi");
}

#[test]
fn labels_may_be_renamed_and_several_become_one() {
    let spec = Spec {
        target: "kind = \"single-label\"\nclasses = [\"0\", \"1\"]\n\
                 rename = { Cover = \"0\", JMiPOD = \"1\", UERD = \"1\" }",
        labels: "[target.labels.folder]",
        ..USUAL
    };
    let drawn = Drawn::new("train/Cover/1.jpg train/JMiPOD/1.jpg train/UERD/1.jpg test/t1.jpg")
        .with("sample.csv", SAMPLE);
    let data = drawn.open(&spec);
    assert_eq!(told(&data), "Cover/1:0 JMiPOD/1:1 UERD/1:1");
    let error =
        Spec { target: &spec.target.replace("UERD = \"1\"", "UERD = \"2\""), ..spec }.error();
    assert!(error.contains("makes `2` of `UERD`, which is none of `target.classes`"), "{error}");
    let odd = Spec { target: "kind = \"single-label\"\nrename = { dgo = \"dog\" }", ..USUAL };
    let warnings = self::drawn("id,label\na,x\nb,y\nc,y\n").open(&odd).found.warnings;
    assert_eq!(warnings, ["`target.rename` names what no training image has: `dgo`"]);
}

#[test]
fn folders_of_classes_may_lie_anywhere() {
    let open = |images: &str, train: &str| {
        let files = format!("train = [{train}]\ntest = [\"Test\"]\nsample = \"sample.csv\"");
        let drawn = Drawn::new(&format!("{images} Test/t1.png")).with("sample.csv", SAMPLE);
        told(&drawn.open(&Spec { files: &files, labels: "[target.labels.folder]", ..USUAL }))
    };
    // Beside the test images, each a training folder, or deeper than one.
    assert_eq!(open("cat/1.png dog/1.png", "\".\""), "cat/1:cat dog/1:dog");
    assert_eq!(open("a/cat/1.png a/dog/1.png", "\"a/cat\", \"a/dog\""), "cat/1:cat dog/1:dog");
    assert_eq!(open("a/cat/x/1.png a/dog/y/2.png", "\"a\""), "cat/1:cat dog/2:dog");
    // Two folders with the same names in them.
    assert_eq!(
        open("a/cat/1.png b/cat/1.png b/dog/2.png", "\"a\", \"b\""),
        "a/cat/1:cat b/cat/1:cat b/dog/2:dog"
    );
}

#[test]
fn an_unknown_class_need_not_be_met_in_training() {
    let spec = Spec { target: "kind = \"single-label\"\nunknown = \"Other\"", ..USUAL };
    let data = drawn("id,label\na,x\nb,y\nc,x\n").open(&spec);
    assert_eq!(data.classes.names(), ["x", "y"]);
    // What is never met is never answered, which is said.
    let warned = data.found.warnings.join("\n");
    assert!(warned.contains("no answer will be `Other`"), "{warned}");
    let met = drawn("id,label\na,x\nb,Other\nc,x\n").open(&spec);
    assert_eq!(met.classes.names(), ["Other", "x"]);
    assert!(met.found.lines().join("\n").contains("`Other` where none is likely"));
    assert!(!met.found.warnings.join("\n").contains("no answer will be"));
    let wrong = Spec { target: "kind = \"ordinal\"\nunknown = \"Other\"", ..USUAL };
    assert!(wrong.error().contains("`target.unknown` needs `target.kind = \"single-label\"`"));
}

#[test]
fn a_pattern_finds_the_label_in_a_name() {
    let labels = "[target.labels.file-name]\npattern = '^\\d+_(?<label>[a-z]+)'";
    let drawn =
        Drawn::new("train/1_cat_x.png train/2_dog.png test/t1.png").with("sample.csv", SAMPLE);
    let data = drawn.open(&Spec { labels, ..USUAL });
    assert_eq!(told(&data), "1_cat_x:cat 2_dog:dog");
    drawn.text("train/cat.png", "");
    let error = drawn.error(&Spec { labels, ..USUAL });
    assert!(
        error.starts_with("no label that `^\\d+_(?<label>[a-z]+)` finds in the name of"),
        "{error}"
    );
    for (labels, expected) in [
        ("[target.labels.file-name]", "needs either a `separator`, such as \".\", or a `pattern`"),
        ("[target.labels.file-name]\npattern = '('", "is no regular expression"),
        ("[target.labels.file-name]\npattern = 'a'", "needs a capture `label`"),
    ] {
        let error = Spec { labels, ..USUAL }.error();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn without_a_label_the_columns_are_the_samples() {
    let no_label = "[target.labels.csv]\nfile = \"train.csv\"\nid = \"id\"";
    let spec = Spec { labels: no_label, ..USUAL };
    // One column of answers that the table has as well.
    let data = drawn("id,note,label\na,1,x\nb,0,y\nc,0,y\n").open(&spec);
    assert_eq!(told(&data), "a:x b:y c:y");
    // A column a class, of which an image may have none.
    let tags = Spec {
        metric: "\"log-loss\"",
        labels: no_label,
        submission: "[submission.probability-per-class]\nid = \"id\"",
        target: "kind = \"multi-label\"",
        ..USUAL
    };
    let drawn = Drawn::new(IMAGES)
        .with("sample.csv", "id,ETT - Abnormal,NGT\nt1,0,0\n")
        .with("train.csv", "id,NGT,ETT - Abnormal,who\na,1,1,p\nb,0,0,p\nc,0,1,q\n");
    match tags.parse() {
        Ok(_) => assert_eq!(told(&drawn.open(&tags)), "a:ETT - Abnormal+NGT b: c:ETT - Abnormal"),
        Err(error) => panic!("{error:#}"),
    }
}

#[test]
fn many_classes_are_probably_numbers() {
    let images: Vec<String> = (0..30).map(|i| format!("train/{i}.png")).collect();
    let rows: Vec<String> = (0..30).map(|i| format!("{i},{}", i * 3 % 20)).collect();
    let drawn = Drawn::new(&format!("{} test/t1.png", images.join(" ")))
        .with("sample.csv", SAMPLE)
        .with("train.csv", &format!("id,label\n{}\n", rows.join("\n")));
    let warnings = drawn.open(&USUAL).found.warnings;
    assert_eq!(
        warnings,
        [
            "20 classes for 30 training images: are they numbers? then say `target.kind = \"number\"`"
        ]
    );
}
