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
