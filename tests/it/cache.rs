//! `kaggle-kit cache`, on caches that the library wrote.

use std::path::Path;

use assert_cmd::Command;
use kaggle_kit::cache::{ActivationsKey, ActivationsSource, Dtype, Slot, Store};
use kaggle_kit::hash::Hash;

use crate::support::kaggle_kit;

/// Two caches, the second one unfinished, in a cache folder of their own.
fn filled(folder: &Path) {
    let store = Store::new(folder.join("kept"), None);
    for (backbone, n_rows) in [("resnet34", 2), ("resnet50", 1)] {
        let key = ActivationsKey::new(&ActivationsSource {
            label: "dogs-vs-cats",
            backbone,
            weights: Hash([1; 32]),
            engine: "libtorch on cpu",
            transform: "centre crop 0.875",
            size: 224,
            images: &[Hash([2; 32]), Hash([3; 32])],
            views: 1,
            width: 4,
            dtype: Dtype::F16,
        });
        let Slot::Empty(mut writer) = store.claim(&key, &()) else { panic!("it is there") };
        writer.append(&vec![0.5; n_rows * 4]).unwrap();
        assert_eq!(writer.finish().is_ok(), n_rows == 2);
    }
}

fn cache(folder: &Path, args: &[&str]) -> Command {
    let mut command = kaggle_kit();
    command.env("KAGGLE_KIT_CACHE", folder).arg("cache").args(args);
    command
}

fn json(folder: &Path, args: &[&str]) -> serde_json::Value {
    let output = cache(folder, args).assert().success().get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

#[test]
fn what_is_kept_is_listed_and_cleaned() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(json(folder, &["--json"])["caches"].as_array().unwrap().len(), 0);
    filled(folder);
    let listed = cache(folder, &[]).assert().success();
    let table = String::from_utf8(listed.get_output().stdout.clone()).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(table.contains("dogs-vs-cats  resnet34 at 224  2       1      4 f16"), "{table}");
    assert!(table.contains("unfinished"), "{table}");

    let cleaned = json(folder, &["clean", "--json"]);
    assert_eq!(cleaned["removed"].as_array().unwrap().len(), 1);
    let left = json(folder, &["list", "--json"]);
    assert_eq!(left["caches"][0]["backbone"], "resnet34");
    assert_eq!(left["bytes"], left["caches"][0]["bytes"]);
    cache(folder, &["clean", "--older-than", "1"]).assert().success();
    assert_eq!(json(folder, &["--json"])["caches"].as_array().unwrap().len(), 1);
    cache(folder, &["clean", "--all"]).assert().success();
    assert_eq!(json(folder, &["--json"])["caches"].as_array().unwrap().len(), 0);
    cache(folder, &["clean", "--all", "--older-than", "1"]).assert().code(2);
}

#[test]
fn a_limit_that_is_no_number_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = cache(folder.path(), &[]);
    let output = command.env("KAGGLE_KIT_CACHE_GB", "lots").assert().code(1);
    let message = String::from_utf8(output.get_output().stderr.clone()).unwrap();
    assert!(message.contains("`KAGGLE_KIT_CACHE_GB` is `lots`"), "{message}");
    assert!(message.contains("hint: such as `KAGGLE_KIT_CACHE_GB=40`"), "{message}");
}
