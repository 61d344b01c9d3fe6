//! What is said about a data folder that is incomplete or wrong.

use kaggle_kit::competition::{self, Competition};
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
        "no images in `DATA/train` (it holds 1 `.txt` file)\nhint: `files.extension` in \
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
        ("", "`DATA/labels.csv` is empty\nhint: "),
        (
            "id,breed\na1,pug\na2\n",
            "`DATA/labels.csv`, line 3: 1 fields, but the header has 2: `id,breed`\n",
        ),
        (
            "id,breed\na1,pug\nb,dingo\n\na1,dingo\n",
            "`DATA/labels.csv`, line 5: `a1` is `dingo`, and `pug` on line 2\nhint: keep one of the two",
        ),
        ("id,breed\n,pug\n", "`DATA/labels.csv`, line 2: no id\n"),
        (
            "id,breed\na1,\n",
            "no labelled training image in `DATA`\nhint: 1 row of `labels.csv` without",
        ),
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
        ("id,breed\n", "`DATA/labels.csv` has a header and no row\nhint: "),
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
    assert!(error.contains("`DATA/labels.csv`, line 2: not UTF-8\nhint: "), "{error}");
    assert!(error.contains("Latin-1"), "{error}");
}

/// One explainer for labels and sample: each slip is told with what to do.
#[test]
fn ids_that_are_nearly_those_of_the_images_are_explained() {
    for (from, to, reason) in [
        ("a", "A", "they differ in upper and lower case"),
        ("a", "other/a", "a folder in front"),
        (",", ".png,", "another extension"),
        (",", ".0,", "they are floats"),
        ("a", "'a", "quotes around"),
        ("\na", "\nimg_a", "run `kaggle-kit fetch dog-breed` again"),
    ] {
        let folder = Folder::breeds();
        let digits = reason.contains("floats");
        let name = |id: &str| if digits { id.replace('a', "") } else { id.to_owned() };
        if digits {
            for id in ["1", "2", "10"] {
                folder.image(&format!("train/{id}.jpg"));
            }
        }
        let table = format!("\n{},beagle\n{},pug\n{},pug", name("a10"), name("a2"), name("a1"));
        folder.text("labels.csv", &format!("id,breed{}\n", table.replace(from, to)));
        let error = folder.error();
        let (told, hint) = error.split_once("\nhint: ").unwrap();
        assert!(
            told.starts_with("3 of the 3 images in `DATA/labels.csv` are not in `train`"),
            "{error}"
        );
        assert!(hint.contains(reason), "{to}: {error}");
    }
    let folder = Folder::breeds();
    folder.text("sample_submission.csv", "id,pug,beagle,dingo,husky\nT2,0,0,0,1\nT1,0,0,0,1\n");
    let error = folder.error();
    assert!(error.contains("2 of the 2 ids in `sample_submission.csv` have no image"), "{error}");
    assert!(error.contains("hint: `T2` is `t2` among the images: they differ in upper"), "{error}");
    let zeros = Folder::pets();
    for id in ["0001", "0002"] {
        zeros.image(&format!("test/{id}.jpg"));
    }
    for id in [1, 2, 10] {
        zeros.remove(&format!("test/{id}.jpg"));
    }
    zeros.text("sample_submission.csv", "id,label\n1,0.5\n2,0.5\n");
    let error = zeros.error();
    assert!(error.contains("leading zeros differ") && error.contains("dtype=str"), "{error}");
}

#[test]
fn tables_of_another_kind_are_explained() {
    let utf_16: Vec<u8> = "id,breed\na1,pug\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (bytes, expected) in [
        (
            &b"id;breed\na1;pug\n"[..],
            "hint: columns are separated by semicolons here, not by commas",
        ),
        (b"id\tbreed\na1\tpug\n", "hint: columns are separated by tabs"),
        (&utf_16, "is in UTF-16 (little-endian), not in UTF-8\nhint: save it as UTF-8"),
        (
            b"PK\x03\x04..[Content_Types].xml",
            "is an Excel workbook (.xlsx), not a CSV\nhint: export",
        ),
        (b"\x1f\x8b\x08", "is a gzip archive, not a CSV\nhint: unpack"),
        (b"Id,breed\na1,pug\n", "the spec says `id`, the table `Id`"),
        (b"id,breed,breed\na1,pug,pug\n", "two columns are called `breed`"),
        (b"id,pug,beagle,dingo,husky\na1,1,0,0,0\n", "found    `id,pug"),
    ] {
        for table in ["labels.csv", "sample_submission.csv"] {
            // The last three are about labels.
            if table != "labels.csv" && !expected.contains("hint: ") {
                continue;
            }
            let folder = Folder::breeds();
            fs::write_atomic(folder.path(table), bytes).unwrap();
            let error = folder.error();
            assert!(error.contains(expected) && error.contains("\nhint: "), "{table}: {error}");
            assert!(error.contains(&format!("DATA/{table}")), "{error}");
        }
    }
}

#[test]
fn a_column_a_class_is_explained_where_one_column_is_named() {
    let folder = Folder::breeds().with_spec("label = \"breed\"", "label = \"pug\"");
    folder.text("labels.csv", "id,pug,beagle,dingo,husky\na1,1,0,0,0\n");
    let error = folder.error();
    assert!(
        error.contains(
            "line 2: unknown label `1`\nhint: the table has one column a class (one-hot)"
        ),
        "{error}"
    );
}

#[test]
fn two_rows_that_are_one_image() {
    let folder = Folder::breeds();
    folder.text("labels.csv", "id,breed\na1,pug\nb,pug\na1.jpg,pug\n");
    assert_eq!((folder.open().train.len(), folder.open().found.doubled), (2, 1));
    folder.text("labels.csv", "id,breed\na1,pug\nb,pug\na1.jpg,dingo\n");
    let error = folder.error();
    assert!(error.contains("line 4: `a1.jpg` is `dingo`, and `pug` on line 2\nhint: "), "{error}");
}

#[test]
fn a_class_twice_in_the_sample_is_no_guess() {
    for (header, expected) in [
        ("id,pug,beagle,dingo,pug", "line 1: two columns are called `pug`\nhint: "),
        ("id,pug,beagle,,husky", "line 1: a column has no name"),
        ("id,pug,id,dingo,husky", "line 1: two columns are called `id`"),
    ] {
        let folder = Folder::breeds();
        folder.text("sample_submission.csv", &format!("{header}\nt2,0,0,0,1\nt1,0,0,0,1\n"));
        let error = folder.error();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn classes_of_the_spec_that_the_sample_does_not_have() {
    for (classes, expected) in [
        (r#"["pug", "collie"]"#, "has no column for the class `collie`\nhint: "),
        (r#"["pug", "beagle", "dingo"]"#, "has a column `husky`, which is none of the classes"),
    ] {
        let kind = "kind = \"single-label\"";
        let folder = Folder::breeds().with_spec(kind, &format!("{kind}\nclasses = {classes}"));
        let error = folder.error();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn endless_names_are_shortened_in_errors() {
    let long = "x".repeat(3_000_000);
    for labels in [
        format!("id,breed\n{long},pug\n"),
        format!("id,breed\na1,{long}\n"),
        format!("id,{long}\na1,pug\n"),
        format!("id,breed\n{long},pug\n{long},pug\n"),
    ] {
        let folder = Folder::breeds();
        folder.text("labels.csv", &labels);
        assert!(folder.error().len() < 2000, "{}", folder.error().len());
    }
    for sample in [
        format!("id,pug,beagle,dingo,husky\n{long},0,0,0,1\n"),
        format!("id,{long},{long}\nt1,0,1\n"),
    ] {
        let folder = Folder::breeds();
        folder.text("sample_submission.csv", &sample);
        assert!(folder.error().len() < 2000, "{}", folder.error().len());
    }
}

#[test]
fn a_rule_about_an_unknown_tag_is_an_error_before_training() {
    let spec = |groups: &str| {
        let folder = Folder::tiles().with_spec(super::GROUPS, groups);
        folder.text("train_v2.csv/train_v2.csv", "image_name,tags\ntrain_0,water clear\n");
        folder
    };
    for groups in [
        "exclusive = [[\"clear\", \"unicorn\"]]",
        "at-most-one = [[\"unicorn\", \"water\"]]",
        "alone = [\"unicorn\"]",
        "implies = [[\"water\", \"unicorn\"]]",
    ] {
        let error = spec(groups).error();
        assert!(error.starts_with("`target.groups` names `unicorn`"), "{error}");
        assert!(error.contains("\nhint: "), "{error}");
        let told = spec(&format!("{groups}\nmay-be-absent = true")).open().found.warnings;
        assert!(
            told.iter().any(|told| told.ends_with("no training image has: `unicorn`")),
            "{told:?}"
        );
    }
    let told = spec("exclusive = [[\"clear\", \"water\"]]").open().found.warnings;
    assert!(told.iter().all(|told| !told.contains("groups")), "{told:?}");
    let of_spec = competition::find("planet").unwrap().source;
    let of_spec =
        of_spec.replace("kind = \"multi-label\"", "kind = \"multi-label\"\nclasses = [\"clear\"]");
    let of_spec = of_spec.replace("may-be-absent = true", "");
    let error = Competition::parse("x", &of_spec, "x.toml").unwrap_err();
    assert!(format!("{error:#}").contains("names `cloudy`, which is none of `target.classes`"));
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
