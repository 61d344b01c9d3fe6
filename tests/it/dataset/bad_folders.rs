//! What is said about a data folder that is incomplete or wrong.

use kaggle_kit::fs;

use super::Folder;

#[test]
fn no_data_at_all() {
    let folder = Folder::of("dog-breed");
    let expected = "no data for `dog-breed` in `DATA`\nhint: run `kaggle-kit fetch dog-breed`";
    assert_eq!(folder.error(), expected);
    folder.remove("");
    assert_eq!(folder.error(), expected);
}

#[test]
fn images_not_there() {
    let folder = Folder::breeds();
    folder.remove("test");
    assert_eq!(
        folder.error(),
        "no folder `test` with images in `DATA`\nhint: run `kaggle-kit fetch dog-breed`"
    );
    folder.remove("train");
    folder.text("train/readme.txt", "");
    assert_eq!(
        folder.error(),
        "no `.jpg` images in `DATA/train` (it holds 1 `.txt` file)\nhint: `files.extension` in \
         the spec says which files are images"
    );
    folder.remove("train");
    assert!(folder.error().starts_with("no folder `train` with images in `DATA`\n"));
}

#[test]
fn images_that_kaggle_no_longer_gives() {
    let folder = Folder::tiles();
    folder.remove("train-jpg");
    let error = folder.error();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert_eq!(lines[0], "no folder `train-jpg` with images in `DATA`");
    assert!(lines[1].starts_with("hint: Kaggle took planet's images off its API"), "{error}");
    // Without tables nothing was fetched yet.
    folder.remove("train_v2.csv");
    assert!(folder.error().ends_with("hint: run `kaggle-kit fetch planet`"));
}

#[test]
fn tables_not_there() {
    for name in ["labels.csv", "sample_submission.csv"] {
        let folder = Folder::breeds();
        folder.remove(name);
        assert_eq!(
            folder.error(),
            format!("no `{name}` in `DATA`\nhint: run `kaggle-kit fetch dog-breed`")
        );
    }
}

#[test]
fn rows_that_do_not_fit() {
    for (labels, expected) in [
        (
            "id,race\na1,pug\n",
            "`DATA/labels.csv`, line 1: the header is not that of `dog-breed`\n  expected \
             `id,breed`\n  found    `id,race`\n",
        ),
        (
            "<!DOCTYPE html>\n<html>\n",
            "`DATA/labels.csv`, line 1: the header is not that of `dog-breed`\n  expected \
             `id,breed`\n  found    `<!DOCTYPE html>`\n",
        ),
        ("", "found    ``\n"),
        (
            "id,breed\na1,pug\na2\n",
            "`DATA/labels.csv`, line 3: 1 fields, but the header has 2: `id,breed`\n",
        ),
        (
            "id,breed\na1,pug\nb,dingo\n\na1,pug\n",
            "`DATA/labels.csv`, line 5: id `a1` is also on line 2\nhint: keep one of the two rows",
        ),
        ("id,breed\n,pug\n", "`DATA/labels.csv`, line 2: no id\n"),
        ("id,breed\na1,\n", "`DATA/labels.csv`, line 2: no label for `a1`\n"),
        (
            "id,breed\na1,pug\nb,dingho\n",
            "`DATA/labels.csv`, line 3: unknown label `dingho`\nhint: did you mean `dingo`? the 4 \
             known",
        ),
        ("id,breed\na1,xyzzy\n", "line 2: unknown label `xyzzy`\nhint: the 4 known come from"),
        (
            "id,breed\na1,pug\nn1,pug\nn2,pug\nn3,pug\nn4,pug\n",
            "4 of the 5 images in `DATA/labels.csv` are not in `train`: `n1`, `n2`, `n3` and 1 \
             more\nhint: run `kaggle-kit fetch dog-breed` again, or delete their rows",
        ),
        ("id,breed\n", "no labelled training image in `DATA`\nhint: run"),
    ] {
        let folder = Folder::breeds();
        folder.text("labels.csv", labels);
        let error = folder.error();
        assert!(error.contains(expected), "{labels:?} gave\n{error}\nnot\n{expected}");
        assert!(error.contains("\nhint: "), "{error}");
    }
}

#[test]
fn bytes_that_are_no_text() {
    let folder = Folder::breeds();
    fs::write_atomic(folder.path("labels.csv"), b"id,breed\na1,p\xffg\n").unwrap();
    let error = folder.error();
    assert!(error.contains("failed to read `DATA/labels.csv`"), "{error}");
    assert!(error.contains("UTF-8"), "{error}");
}

#[test]
fn tags_that_do_not_fit() {
    let known = Folder::tiles().with_spec(
        "kind = \"multi-label\"",
        "kind = \"multi-label\"\nclasses = [\"clear\", \"water\", \"blow_down\"]",
    );
    assert_eq!(known.open().classes.len(), 3);
    let table = "train_v2.csv/train_v2.csv";
    known.text(table, "image_name,tags\ntrain_0,clear blowdown\n");
    assert!(known.error().contains(
        "`DATA/train_v2.csv/train_v2.csv`, line 2: unknown tag `blowdown`\nhint: did you mean \
         `blow_down`?"
    ));
    // Planet's own table does that in 75 rows.
    known.text(table, "image_name,tags\ntrain_0,water clear water\n");
    assert_eq!(known.open().train[0].target, [0, 1]);
}

#[test]
fn a_sample_that_does_not_fit() {
    for (sample, expected) in [
        (
            "id,label\nt1,0\n",
            "`DATA/sample_submission.csv`, line 1: the header is not that of `dog-breed`\n  \
             expected `id,<class>,<class>,...`\n  found    `id,label`\nhint: ",
        ),
        ("id,pug,beagle,dingo\n", "`DATA/sample_submission.csv` has no rows\nhint: "),
        (
            "id,pug,beagle,dingo\nt1,1,0,0\nt1,1,0,0\n",
            "`DATA/sample_submission.csv`, line 3: id `t1` is also on line 2\nhint: ",
        ),
        (
            "id,pug,beagle,dingo\nt1,1,0,0\nx1,1,0,0\nx2,1,0,0\n",
            "2 of the 3 ids in `sample_submission.csv` have no image in `test`: `x1`, \
             `x2`\nhint: ",
        ),
    ] {
        let folder = Folder::breeds();
        folder.text("sample_submission.csv", sample);
        let error = folder.error();
        assert!(error.contains(expected), "{sample:?} gave\n{error}\nnot\n{expected}");
    }
}

#[test]
fn a_name_without_a_label() {
    let folder = Folder::pets();
    folder.image("train/unknown.jpg");
    assert!(
        folder.error().contains("no label before a `.` in the name of `DATA/train/unknown.jpg`")
    );
    folder.remove("train/unknown.jpg");
    folder.image("train/cow.1.jpg");
    let error = folder.error();
    assert!(error.contains("`DATA/train/cow.1.jpg`: unknown label `cow`\nhint: "), "{error}");
}

#[test]
fn two_images_with_one_id() {
    let folder = Folder::tiles();
    folder.image("test-jpg-additional/test_0.jpg");
    assert!(folder.error().contains("two images have the id `test_0`: `DATA/test-jpg/test_0.jpg`"));
}
