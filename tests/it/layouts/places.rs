//! Where images lie.

use super::{Drawn, Spec, TAGS, USUAL, ids, told};

const SAMPLE: &str = "id,label\nt1,a\nt2,a\n";
const TEST: &str = "test/t1.png test/t2.png";

#[test]
fn an_id_is_a_whole_name_or_a_stem_and_is_never_cut() {
    let drawn =
        Drawn::new("train/1.2.826.77.jpg train/1.2.826.8.jpg train/c.jpg test/9.1.jpg test/u.JPG")
            .with("train.csv", "id,label\n1.2.826.77,a\n1.2.826.8,b\nc.jpg,a\n")
            .with("sample.csv", "id,label\n9.1,a\nu.JPG,a\n");
    let data = drawn.open(&USUAL);
    assert_eq!(told(&data), "1.2.826.8:b 1.2.826.77:a c.jpg:a");
    assert_eq!(ids(&data.test), "9.1 u.JPG");
}

#[test]
fn any_format_is_an_image_unless_the_spec_says_which() {
    let drawn =
        Drawn::new("train/a.png train/b.JPEG train/c.tif train/d.csv test/t1.webp test/t2.gif")
            .with("train.csv", "id,label\na,x\nb,y\nc,x\n")
            .with("sample.csv", SAMPLE);
    let data = drawn.open(&USUAL);
    assert_eq!(told(&data), "a:x b:y c:x");
    let lines = data.found.lines().join("\n");
    for line in ["train: .jpeg", "train: .png", "train: .tif", "train: .csv", "left out"] {
        assert!(lines.contains(line), "{lines}");
    }
    let named = |extension: &str| format!("{}\nextension = {extension}", USUAL.files);
    let files = named("[\"png\", \"webp\", \"gif\"]");
    let error = drawn.error(&Spec { files: &files, ..USUAL });
    assert!(
        error.starts_with("2 of the 3 images in `DATA/train.csv` are not in `train`: `b`, `c`")
    );
    let files = named("\"bmp\"");
    let error = drawn.error(&Spec { files: &files, ..USUAL });
    assert!(error.starts_with("no `.bmp` images in `DATA/train` (it holds "), "{error}");
    let files = named("\".png\"");
    assert!(Spec { files: &files, ..USUAL }.error().contains("give it without a dot"));
    let files = named("3");
    assert!(
        Spec { files: &files, ..USUAL }.error().contains("expected a text, or a list of texts")
    );
}

#[test]
fn folders_are_searched_to_the_bottom_and_ids_may_name_them() {
    let drawn = Drawn::new(&format!("train/0/1/a.png train/0/2/a.png train/9/b.png {TEST}"))
        .with("sample.csv", SAMPLE);
    drawn.text("train.csv", "id,label\nb,x\n");
    assert_eq!(told(&drawn.open(&USUAL)), "b:x");
    drawn.text("train.csv", "id,label\nb,x\na,x\n");
    let error = drawn.error(&USUAL);
    assert!(error.starts_with("two images have the id `a`: `DATA/train/0/1/a.png` and"), "{error}");
    assert!(error.contains("\nhint: "), "{error}");
    drawn.text("train.csv", "id,label\n1/a,x\n0/2/a.png,y\n9/b,x\n");
    let data = drawn.open(&USUAL);
    assert_eq!(told(&data), "0/2/a.png:y 1/a:x 9/b:x");
    assert_eq!(drawn.paths(&data.train[1]), ["train/0/1/a.png"]);
}

/// Tables are often written where the data lay elsewhere.
#[test]
fn paths_may_begin_on_another_machine() {
    let drawn = Drawn::new(&format!("img/train/0/a.png img/train/1/a.png img/t1.png {TEST}"))
        .with(
            "train.csv",
            "path,label\n/kaggle/input/it/img/train/0/a.png,x\n../it/img/train/1/a.png,y\n",
        )
        .with("sample.csv", SAMPLE);
    let files = USUAL.files.replace("[\"train\"]", "[\"img\"]");
    let labels = USUAL.labels.replace("id = \"id\"", "id = \"path\"");
    let usual = Spec { labels: &labels, ..USUAL };
    let spec = Spec { files: &files, ..usual };
    let error = drawn.error(&spec);
    assert!(error.contains("2 of the 2 images"), "{error}");
    let files = USUAL.files.replace("[\"train\"]", "[\"img/train\"]");
    let data = drawn.open(&Spec { files: &files, ..usual });
    assert_eq!(told(&data), "../it/img/train/1/a.png:y /kaggle/input/it/img/train/0/a.png:x");
    // In a template likewise, for rows of the sample that have other ids.
    let drawn = drawn
        .with("test.csv", "id,path\n1,/kaggle/input/it/test/t1.png\n2,C:\\it\\test\\t2.png\n")
        .with("sample.csv", "id,label\n1,x\n2,x\n");
    let files = "train = [\"img/train\"]\ntest = [\"{path}\"]\nsample = \"sample.csv\"\n\
                 test-table = \"test.csv\"";
    let error = drawn.error(&Spec { files, ..usual });
    assert!(error.contains("which is no path in the data folder"), "{error}");
    drawn.text("test.csv", "id,path\n1,/kaggle/input/it/test/t1.png\n2,../test/t2.png\n");
    let data = drawn.open(&Spec { files, ..usual });
    assert_eq!(drawn.paths(&data.test[0]), ["test/t1.png"]);
    assert_eq!(drawn.paths(&data.test[1]), ["test/t2.png"]);
}

#[test]
fn templates_are_filled_from_the_table() {
    let drawn = Drawn::new(
        "train/E1/Plate1/B03_s1.png train/E1/Plate2/B03_s1.png train/E2/Plate1/C4_s1.png \
         test/E3/Plate1/A1_s1.png",
    )
    .with(
        "train.csv",
        "id,experiment,plate,well,label\nx1,E1,1,B03,a\nx2,E1,2,B03,b\nx3,E2,1,C4,a\n",
    )
    .with("test.csv", "id,experiment,plate,well\nt1,E3,1,A1\n")
    .with("sample.csv", "id,label\nt1,a\n");
    let files = "train = [\"train/{experiment}/Plate{plate}/{well}_s1\"]\n\
                 test = [\"test/{experiment}/Plate{plate}/{well}_s1.png\"]\n\
                 sample = \"sample.csv\"\ntest-table = \"test.csv\"";
    let spec = Spec { files, ..USUAL };
    let data = drawn.open(&spec);
    assert_eq!(told(&data), "x1:a x2:b x3:a");
    assert_eq!(drawn.paths(&data.train[1]), ["train/E1/Plate2/B03_s1.png"]);
    assert_eq!(drawn.paths(&data.test[0]), ["test/E3/Plate1/A1_s1.png"]);

    drawn.text("train.csv", "id,experiment,plate,well,label\nx1,E1,7,B03,a\n");
    let error = drawn.error(&spec);
    assert!(error.contains("hint: `train/E1/Plate7/B03_s1` is not there"), "{error}");
    drawn.text("train.csv", "id,experiment,plate,well,label\nx1,../..,7,B03,a\n");
    let error = drawn.error(&spec);
    assert!(error.contains("which is no path in the data folder\nhint: "), "{error}");
}

#[test]
fn of_several_places_the_first_that_has_the_image_counts() {
    let drawn = Drawn::new(&format!("small/a_thumb.png full/a.png full/b.png {TEST}"))
        .with("train.csv", "id,label\na,x\nb,y\n")
        .with("sample.csv", SAMPLE);
    let files = "train = [\"small/{id}_thumb\", \"full\"]\ntest = [\"none/{id}\", \"test/{id}\"]\n\
                 sample = \"sample.csv\"";
    let data = drawn.open(&Spec { files, ..USUAL });
    assert_eq!(drawn.paths(&data.train[0]), ["small/a_thumb.png"]);
    assert_eq!(drawn.paths(&data.train[1]), ["full/b.png"]);
    assert_eq!((ids(&data.test), data.unlabelled), ("t1 t2".to_owned(), 0));
}

#[test]
fn channels_are_the_files_of_an_image() {
    let drawn = Drawn::new(
        "train/a_red.png train/a_green.png train/a_blue.png train/b_red.png train/b_green.png \
         train/b_blue.png test/t1_red.tif test/t1_green.tif test/t1_blue.tif",
    )
    .with("train.csv", "id,label\na,x y\nb,\n")
    .with("sample.csv", "id,label\nt1,x\n");
    let files = "train = [\"train/{id}_{channel}\"]\ntest = [\"test/{id}_{channel}\"]\n\
                 sample = \"sample.csv\"\nchannels = [\"red\", \"green\", \"blue\"]";
    let data = drawn.open(&Spec { files, ..TAGS });
    assert_eq!(told(&data), "a:x+y b:");
    assert_eq!(
        drawn.paths(&data.train[0]),
        ["train/a_red.png", "train/a_green.png", "train/a_blue.png"]
    );
    assert!(data.found.lines().join("\n").contains("files an image"));
    let used = format!("{files}\nuse = [\"blue\", \"red\"]");
    let data = drawn.open(&Spec { files: &used, ..TAGS });
    assert_eq!(drawn.paths(&data.test[0]), ["test/t1_blue.tif", "test/t1_red.tif"]);

    // Without a word about them, the hint says what to write.
    let error = drawn.error(&TAGS);
    assert!(
        error.contains(
            "each image is several files: say `train = [\"train/{id}_{channel}\"]` and `channels = \
             [\"blue\", \"green\", \"red\"]`"
        ),
        "{error}"
    );
    kaggle_kit::fs::remove_file(drawn.path("train/b_blue.png")).unwrap();
    let error = drawn.error(&Spec { files, ..TAGS });
    assert!(error.contains("no `train/b_blue`, a channel of `b`, beside `DATA/train/b_red.png`"));
}

#[test]
fn what_is_missing_around_ids_is_said_as_a_template() {
    let drawn = Drawn::new(&format!("train/a_thumb.png train/b_thumb.png {TEST}"))
        .with("train.csv", "id,label\na,x\nb,y\n")
        .with("sample.csv", SAMPLE);
    let error = drawn.error(&USUAL);
    assert!(error.contains("`_thumb` at the end is missing: say `train = [\"train/{id}_thumb\"]`"));
    assert!(!error.contains("delete"), "{error}");
}
