//! What a good data folder opens as.

use kaggle_kit::competition;
use kaggle_kit::dataset::{self, SampleSubmission};
use kaggle_kit::target::TargetKind;

use super::{Folder, ids};
use crate::support;

#[test]
fn a_table_of_single_labels() {
    let folder = Folder::breeds();
    folder.image("train/extra.jpg");
    folder.image("test/extra.JPG");
    folder.text("train/._a1.jpg", "what macOS leaves behind");
    let data = folder.open();
    assert_eq!(data.kind, TargetKind::SingleLabel);
    assert_eq!(data.classes.names(), ["pug", "beagle", "dingo", "husky"]);
    assert_eq!(ids(&data.train), ["a1", "a2", "a10", "b"]);
    let targets: Vec<&[usize]> = data.train.iter().map(|s| s.target.as_slice()).collect();
    assert_eq!(targets, [[0], [0], [1], [2]]);
    assert_eq!(ids(&data.test), ["t2", "t1"]);
    assert_eq!(data.test[0].path, folder.path("test/t2.jpg"));
    assert_eq!((data.unlabelled, data.unlisted), (1, 1));
}

#[test]
fn labels_in_file_names() {
    let data = Folder::pets().open();
    assert_eq!(data.classes.names(), ["cat", "dog"]);
    assert_eq!(ids(&data.train), ["cat.0", "cat.9", "cat.10", "dog.0"]);
    assert_eq!(data.train[3].target, [1]);
    assert_eq!(ids(&data.test), ["1", "2", "10"]);
}

#[test]
fn tags_and_several_test_folders() {
    let folder = Folder::tiles();
    let data = folder.open();
    assert_eq!(data.classes.names(), ["clear", "water"]);
    let targets: Vec<&[usize]> = data.train.iter().map(|s| s.target.as_slice()).collect();
    assert_eq!(targets, [&[0, 1][..], &[], &[0]]);
    assert_eq!(ids(&data.test), ["test_0", "file_0"]);
    // Some mirrors have the additional folder inside itself.
    folder.remove("test-jpg-additional");
    folder.image("test-jpg-additional/test-jpg-additional/file_0.jpg");
    assert_eq!(ids(&folder.open().test), ["test_0", "file_0"]);
}

#[test]
fn labels_in_folders() {
    let folder = Folder::of("dogs-vs-cats")
        .with_spec("[target.labels.file-name]\nseparator = \".\"", "[target.labels.folder]");
    for name in ["train/dog/1.jpg", "train/cat/1.jpg", "train/cat/2.jpg", "test/1.jpg"] {
        folder.image(name);
    }
    folder.text("sample_submission.csv", "id,label\n1,0.5\n");
    let data = folder.open();
    assert_eq!(ids(&data.train), ["cat/1", "cat/2", "dog/1"]);
    assert_eq!(data.train[2].target, [1]);
}

#[test]
fn tables_from_windows_are_read() {
    let folder = Folder::breeds();
    folder.text(
        "labels.csv",
        "\u{feff}breed,note,id\r\npug,x,a1\r\npug, ,a2 \r\ndingo,\"1,2\",b\r\n",
    );
    let data = folder.open();
    assert_eq!(ids(&data.train), ["a1", "a2", "b"]);
    assert_eq!(data.unlabelled, 1);
}

#[test]
fn ids_may_be_file_names_and_stay_as_they_are() {
    let folder = Folder::breeds();
    folder.text("labels.csv", "id,breed\na10.jpg,beagle\na2.jpg,pug\na1,pug\nb.jpg,dingo\n");
    folder.text(
        "sample_submission.csv",
        "id,pug,beagle,dingo,husky\nt2.jpg,0,0,0,1\nt1.jpg,0,0,0,1\n",
    );
    let data = folder.open();
    assert_eq!(ids(&data.train), ["a1", "a2.jpg", "a10.jpg", "b.jpg"]);
    assert_eq!(ids(&data.test), ["t2.jpg", "t1.jpg"]);
    assert_eq!(data.test[0].path, folder.path("test/t2.jpg"));
}

#[test]
fn images_in_the_folders_of_their_classes_are_found_by_a_table() {
    let folder = Folder::breeds();
    folder.remove("train");
    for name in ["pug/a1", "pug/deep/a2", "beagle/a10", "dingo/b"] {
        folder.image(&format!("train/{name}.jpg"));
    }
    let data = folder.open();
    assert_eq!(ids(&data.train), ["a1", "a2", "a10", "b"]);
    assert_eq!(data.train[1].path, folder.path("train/pug/deep/a2.jpg"));
}

#[test]
fn a_column_a_class() {
    let folder = Folder::breeds().with_spec("label = \"breed\"\n", "");
    folder.text("labels.csv", "id,husky,dingo,pug,beagle\na1,0,0,1,0\na2,0.0,0,1.0,0\nb,1,0,0,0\n");
    let data = folder.open();
    let targets: Vec<&[usize]> = data.train.iter().map(|s| s.target.as_slice()).collect();
    assert_eq!(targets, [[0], [0], [3]]);
    for (table, expected) in [
        ("id,husky,dingo,pug,beagle\na1,0,0,1,1\n", "line 2: 2 classes have a 1: `pug`, `beagle`"),
        ("id,husky,dingo,pug,beagle\na1,0,0,0,0\n", "no labelled training image"),
        ("id,husky,dingo,pug,beagle\na1,0,0,0.5,0\n", "line 2: `0.5` in the column `pug`"),
        ("id,husky,dingo,pug\na1,0,0,1\n", "line 1: no column for the class `beagle`"),
    ] {
        folder.text("labels.csv", table);
        let error = folder.error();
        assert!(error.contains(expected) && error.contains("\nhint: "), "{error}");
    }
}

#[test]
fn tags_with_a_separator_of_their_own() {
    let separated =
        Folder::tiles().with_spec("label = \"tags\"", "label = \"tags\"\nseparator = \"|\"");
    let table = "train_v2.csv/train_v2.csv";
    separated.text(
        table,
        "image_name,tags\ntrain_0,water|clear\ntrain_1,\ntrain_2,clear | haze|cloudy|partly_cloudy\n",
    );
    let data = separated.open();
    assert_eq!(data.classes.names(), ["clear", "cloudy", "haze", "partly_cloudy", "water"]);
    assert_eq!(data.train[0].target, [0, 4]);
    separated.text(table, "image_name,tags\ntrain_0,muddy water|clear\n");
    assert!(separated.error().contains("the tag `muddy water` has a blank in it"));
}

#[test]
fn an_index_that_pandas_wrote_is_passed_over_in_the_sample() {
    let folder = Folder::pets();
    folder.text("sample_submission.csv", ",id,label\n0,1,0.5\n4,2,0.5\n5,10,0.5\n");
    let data = folder.open();
    assert_eq!(ids(&data.test), ["1", "2", "10"]);
    assert!(data.found.notes[0].contains("no name and is passed over"), "{:?}", data.found);
    let sample = SampleSubmission::find(&folder.competition, folder.folder.path()).unwrap();
    assert_eq!(sample.header, ["id", "label"]);
}

#[test]
fn a_float_is_the_class_of_its_whole_number() {
    let folder = Folder::breeds();
    folder.text("labels.csv", "id,breed\na1,0.0\na2,1.0\nb,1\n");
    folder.text("sample_submission.csv", "id,0,1\nt2,0.5,0.5\nt1,0.5,0.5\n");
    let data = folder.open();
    let targets: Vec<&[usize]> = data.train.iter().map(|s| s.target.as_slice()).collect();
    assert_eq!(targets, [[0], [1], [1]]);
    assert_eq!(data.found.notes, ["labels such as `0.0` are taken for `0`"]);
}

/// What was found, once, with a warning only where there is something to do.
#[test]
fn what_is_left_out_and_what_is_odd_is_told() {
    let found = |folder: &Folder| folder.open().found;
    let tiles = |table: &str| {
        let folder = Folder::tiles().with_spec(super::GROUPS, "");
        for id in 3..44 {
            folder.image(&format!("train-jpg/train_{id}.jpg"));
        }
        let rows: Vec<String> =
            table.split(' ').enumerate().map(|(i, tag)| format!("train_{i},\"{tag}\"")).collect();
        let table = format!("image_name,tags\n{}\n", rows.join("\n"));
        folder.text("train_v2.csv/train_v2.csv", &table);
        folder
    };
    let plain = ["blue"; 20].join(" ") + " " + &["red"; 20].join(" ");
    let told = |table: &str| {
        let warnings = found(&tiles(table)).warnings;
        warnings.into_iter().filter(|w| !w.contains("have no row")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(told(&plain), "");
    for (odd, expected) in [
        ("nan None nan", "`None` (1 image, line 43), `nan` (2 images, lines 42, 44) are tags here"),
        (
            "Red",
            "differ in upper and lower case or signs alone: `Red` (1 image, line 42) and `red`",
        ),
        (
            "bleu",
            "differ in one letter: `bleu` (1 image, line 42) and `blue` (20 images, from line 2)",
        ),
        ("green", ""),
    ] {
        let told = told(&format!("{plain} {odd}"));
        assert!(told.contains(expected) && told.is_empty() == expected.is_empty(), "{odd}: {told}");
    }
    for separator in ["|", ",", ";"] {
        let told = told(&plain.replace("red", &format!("red{separator}big")));
        assert!(told.contains(&format!("say `separator = \"{separator}\"`")), "{told}");
    }

    let breeds = Folder::breeds();
    breeds.image("train/extra.jpg");
    breeds.image("test/extra.jpg");
    breeds.text("train/notes.txt", "");
    let told = found(&breeds);
    assert_eq!(told.warnings.len(), 3, "{told:?}");
    assert!(told.warnings[0].starts_with("1 of 5 images in `train` have no row in `labels.csv`"));
    assert!(told.warnings[1].starts_with("1 of 3 images in `test` have no row in `sample_sub"));
    assert_eq!(told.warnings[2], "1 of 4 classes has no training image: `husky`");
    let lines = told.lines().join("\n");
    for expected in ["train: .jpg", "train: .txt", "left out", "from the sample's columns"] {
        assert!(lines.contains(expected), "{lines}");
    }
    breeds.text("labels.csv", "id,breed\na1,pug\na2,pug\n");
    let told = found(&breeds).warnings.join("\n");
    assert!(told.contains("all 2 training images are `pug`"), "{told}");
    assert!(told.contains("3 of 4 classes have no training image: `beagle`"), "{told}");
}

#[test]
fn one_folder_of_all_images_leaves_none_out() {
    let folder = Folder::pets()
        .with_spec("train = [\"train\"]", "train = [\"all\"]")
        .with_spec("test = [\"test\"]", "test = [\"all\"]")
        .with_spec(
            "[target.labels.file-name]\nseparator = \".\"",
            "[target.labels.csv]\nfile = \"t.csv\"\nid = \"id\"\nlabel = \"label\"",
        );
    for id in ["c1", "d1", "1", "2", "10"] {
        folder.image(&format!("all/{id}.jpg"));
    }
    folder.text("t.csv", "id,label\nc1,cat\nd1,dog\n");
    let data = folder.open();
    assert_eq!((data.unlabelled, data.unlisted, data.train.len()), (0, 0, 2));
    assert_eq!(data.found.warnings, Vec::<String>::new());
}

#[test]
fn test_images_alone() {
    let folder = Folder::breeds();
    let classes = folder.open().classes;
    folder.remove("train");
    folder.remove("labels.csv");
    let open = |classes| dataset::open_test(&folder.competition, folder.folder.path(), classes);
    assert_eq!(ids(&open(&classes).unwrap()), ["t2", "t1"]);
    let other = vec!["pug".to_owned(), "collie".to_owned()].into();
    let error = open(&other).unwrap_err().to_string();
    assert!(error.contains("no column for class `collie`"), "{error}");
}

#[test]
fn the_sample_is_read_as_it_is() {
    let folder = Folder::tiles();
    let path = dataset::find_file(folder.folder.path(), "sample_submission_v2.csv").unwrap();
    let sample = SampleSubmission::read(&path).unwrap();
    assert_eq!(sample.header, ["image_name", "tags"]);
    assert_eq!(sample.ids, ["test_0", "file_0"]);
    let table = dataset::find_file(folder.folder.path(), "train_v2.csv").unwrap();
    assert_eq!(table, folder.path("train_v2.csv/train_v2.csv"));
    folder.text("deep.csv", "");
    let bare = dataset::find_file(folder.folder.path(), "some/where/deep.csv");
    assert_eq!(bare, Some(folder.path("deep.csv")));
    assert_eq!(dataset::find_file(folder.folder.path(), "nowhere.csv"), None);
}

#[test]
fn real_competitions_open() {
    for (name, folder, n_train, n_test, n_classes) in [
        ("dogs-vs-cats", "dogs-vs-cats-redux-kernels-edition", 1202, 300, 2),
        ("dog-breed", "dog-breed-identification", 1200, 450, 10),
        ("dog-breed", "dog-breed-identification-120", 300, 300, 120),
        ("planet", "planet-understanding-the-amazon-from-space", 600, 150, 17),
        ("planet", "ucmerced-multilabel", 1279, 320, 17),
    ] {
        let Some(folder) = support::shared(&format!("data/{folder}")) else { return };
        let data = dataset::open(&competition::find(name).unwrap(), &folder).unwrap();
        assert_eq!(
            (data.train.len(), data.test.len(), data.classes.len()),
            (n_train, n_test, n_classes),
            "{}",
            folder.display()
        );
        let all: Vec<_> = data.train.iter().chain(&data.test).cloned().collect();
        let scratch = tempfile::tempdir().unwrap();
        assert!(dataset::find_broken(&all, scratch.path(), &()).is_empty());
        let split = dataset::split(&data.train, n_classes, data.kind, 0.2, 1);
        let share = split.valid.len() as f64 / n_train as f64;
        assert!((share - 0.2).abs() < 0.02, "{}: {share}", folder.display());
    }
}
