//! What is said about specs that contradict themselves.

use super::{Spec, USUAL};
use crate::support::Scratch;

const COCO: &str = "[target.labels.json]\nfile = \"a.json\"\nid = \"id\"\nlabel = \"x\"";
const FOLDER: &str = "[target.labels.folder]";

#[test]
fn contradictions_are_told_with_the_field() {
    let files = |train: &str, more: &str| {
        format!("train = [\"{train}\"]\ntest = [\"test\"]\nsample = \"sample.csv\"\n{more}")
    };
    for (train, more, expected) in [
        ("t/{id", "", "`files.train` has `t/{id`: a `{` without a `}`"),
        ("t/{id}_{channel}", "", "say what `{channel}` stands for in `files.channels`"),
        (
            "train",
            "channels = [\"a\", \"b\"]",
            "it must tell where a channel is, such as `train/{id}_",
        ),
        ("t/{channel}", "channels = [\"a\", \"a\"]", "`files.channels` names a channel twice"),
        (
            "t/{channel}",
            "channels = [\"a\"]\nuse = [\"b\"]",
            "`files.use` names `b`, which is none of",
        ),
        ("train", "extension = \"\"", "`files.extension` is ``: give it without a dot"),
        ("../up", "", "a path that leaves the folder"),
    ] {
        let files = files(train, more);
        let error = Spec { files: &files, ..USUAL }.error();
        assert!(error.contains(expected), "{error}");
    }
    let of_test = "train = [\"train\"]\ntest = [\"test/{well}\"]\nsample = \"sample.csv\"";
    let error = Spec { files: of_test, ..USUAL }.error();
    assert!(error.contains("the table that has the column `well` for test images"), "{error}");
    let of_folder = files("t/{id}", "");
    let error = Spec { files: &of_folder, labels: FOLDER, ..USUAL }.error();
    assert!(error.contains("names in braces are filled from a table of labels"), "{error}");
}

#[test]
fn targets_and_labels_that_do_not_fit_are_told() {
    let csv = |more: &str| format!("{}\n{more}", USUAL.labels);
    let kind = |more: &str| format!("{}\n{more}", USUAL.target);
    for (target, labels, expected) in [
        (kind("range = [0, 1]"), csv(""), "`target.range` needs `target.kind = \"number\"`"),
        (
            "kind = \"number\"\nrange = [1, 0]".into(),
            csv(""),
            "give the least and the largest number",
        ),
        ("kind = \"number\"".into(), FOLDER.into(), "needs a table: `target.labels.csv` or `json`"),
        (kind("rename = { a = \" b\" }"), csv(""), "a name neither begins nor ends with a blank"),
        ("kind = \"ordinal\"\nclasses = [\"1\"]".into(), csv(""), "there is nothing to tell apart"),
        (
            kind(""),
            csv("separator = \";\""),
            "it needs `label` and `target.kind = \"multi-label\"`",
        ),
        (kind(""), csv("row = \"{id}\""), "must name `{id}` and `{class}`, each once"),
        (kind(""), COCO.replace("x\"", "x\"\nid2 = 1"), "unexpected keys in table: id2"),
        (
            "kind = \"sorted\"".into(),
            csv(""),
            "unknown variant `sorted`, expected one of `single-label`",
        ),
    ] {
        let error = Spec { target: &target, labels: &labels, ..USUAL }.error();
        assert!(error.contains(expected), "{error}");
    }
    for (split, labels, expected) in [
        ("[split]", USUAL.labels, "needs either `group`, a column, or `pattern`"),
        ("[split]\ngroup = \"a\"\npattern = 'b'", USUAL.labels, "needs either `group`"),
        ("[split]\ngroup = \"a\"\nfile = \"b.csv\"", USUAL.labels, "belong together"),
        ("[split]\npattern = '('", USUAL.labels, "is no regular expression"),
        ("[split]\ngroup = \"a\"", FOLDER, "a column of the table of labels, and there is none"),
        ("[split]\ngruop = \"a\"", USUAL.labels, "unknown field `gruop`, expected one of `group`"),
    ] {
        let error = Spec { labels, split, ..USUAL }.error();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_competition_of_notebooks_says_so() {
    let text = USUAL.text().replace("slug =", "upload = \"notebook\"\nslug =");
    let parse =
        |text: &str| kaggle_kit::competition::Competition::parse("drawn", text, "drawn.toml");
    let told = parse(&text).unwrap().takes_notebooks_only().unwrap();
    assert!(told.starts_with("`drawn` takes notebooks only"), "{told}");
    assert_eq!(USUAL.parse().unwrap().takes_notebooks_only(), None);
    let error = format!("{:#}", parse(&text.replace("notebook", "post")).unwrap_err());
    assert!(error.contains("unknown variant `post`, expected `csv` or `notebook`"), "{error}");
}

#[test]
fn an_upload_to_a_competition_of_notebooks_is_refused_before_anything_else() {
    let here = Scratch::new();
    let text = USUAL.text().replace("slug =", "upload = \"notebook\"\nslug =");
    here.write("mine.toml", text);
    // Neither data nor credentials are there, and nobody asks for them.
    let mut command = here.kaggle_kit();
    command.args(["submit", "./mine.toml", "--csv", "none.csv", "--upload", "-m", "x"]);
    let failed = command.assert().failure();
    let told = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    assert!(told.contains("`drawn` takes notebooks only"), "{told}");
    assert!(told.contains("hint: `kaggle-kit submit ./mine.toml --kernel -m TEXT`"), "{told}");
    assert!(told.contains("what `kaggle-kit pack ./mine.toml` makes"), "{told}");
}
