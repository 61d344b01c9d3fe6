//! Folders that are one, and tables that are cut off or quoted halfway.

use super::Folder;

/// To delete one of the two, as for two pictures of a name, would be to lose it.
#[test]
fn one_folder_under_two_names() {
    let folder = Folder::tiles().with_spec("train = [\"train-jpg\"]", "train = [\"a\", \"b\"]");
    folder.image("b/train_0.jpg");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path("b"), folder.path("a")).unwrap();
    #[cfg(unix)]
    assert!(
        folder.error().contains("`files.train` names a folder twice: the image `train_0` is found"),
        "{}",
        folder.error()
    );
    let nested = Folder::tiles().with_spec(
        "test = [\"test-jpg\", \"test-jpg-additional\"]",
        "test = [\"all\", \"all/one\"]",
    );
    nested.image("all/one/test_0.jpg");
    let error = nested.error();
    assert!(error.contains("`files.test` names a folder twice: the image `test_0`"), "{error}");
    assert!(error.contains("hint: name each folder once") && !error.contains("delete"), "{error}");
    // With pictures right in it, a folder's inner ones are not its own.
    nested.image("all/file_0.jpg");
    assert_eq!(nested.open().test.len(), 2);
}

#[test]
fn a_table_without_rows_or_with_an_open_quote() {
    for (labels, expected) in [
        ("", "`DATA/labels.csv` is empty\nhint: it was cut off"),
        ("id,breed\n", "`DATA/labels.csv` has a header and no row\nhint: "),
        (
            "id,breed\na1,\"pug\na2,beagle\na3,pug\n",
            "`DATA/labels.csv`, line 2: the value `pug` goes on over 3 lines\nhint: a quote",
        ),
        ("id,breed\n\"a1,pug\na2,beagle\na3,pug\n", "hint: a quote (`\"`) is left open there"),
        ("sep=,\nid,breed\na1,pug\n", "hint: the first line is Excel's own (`sep=`)"),
    ] {
        let folder = Folder::breeds();
        folder.text("labels.csv", labels);
        let error = folder.error();
        assert!(error.contains(expected), "{labels:?}: {error}");
    }
}
