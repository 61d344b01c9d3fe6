//! An answer for several images goes the whole way: what is said about them is pooled, then decided.

use std::collections::BTreeMap;

use kaggle_kit::fs;

use super::{draw, only};
use crate::support::Scratch;

const SPEC: &str = r#"
title = "Pairs"
slug = "pairs"
metric = "auc"
[files]
train = ["train"]
test = ["test"]
sample = "sample_submission.csv"
test-table = "test.csv"
[target]
kind = "single-label"
classes = ["cat", "dog"]
[target.labels.csv]
file = "train.csv"
id = "image"
label = "animal"
[split]
group = "pair"
[submission.probability-of]
id = "pair"
column = "animal"
class = "dog"
pool = "mean"
"#;

/// Rows of two cells.
fn read(here: &Scratch, path: &str) -> Vec<(String, String)> {
    let text = here.read(path);
    let mut table = csv::Reader::from_reader(text.as_bytes());
    table
        .records()
        .map(|row| row.unwrap())
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect()
}

#[test]
fn an_answer_for_several_images_is_their_mean() {
    let here = Scratch::new();
    let drawn = draw("dogs-vs-cats");
    drawn.write(&here.path().join("kaggle")).unwrap();
    let stems = |folder: &str| -> Vec<String> {
        let start = format!("{folder}/");
        let inside = drawn.files.iter().filter_map(|file| file.path.strip_prefix(&start));
        inside.filter_map(|name| Some(name.strip_suffix(".jpg")?.to_owned())).collect()
    };
    let (train, test) = (stems("train"), stems("test"));
    let rows: String = train
        .iter()
        .enumerate()
        .map(|(i, stem)| format!("{stem},{},{}\n", &stem[..3], i / 2))
        .collect();
    here.write("kaggle/train.csv", format!("image,animal,pair\n{rows}"));
    let pair_of = |i: usize| format!("pair_{}", i % 5);
    let rows: String =
        test.iter().enumerate().map(|(i, stem)| format!("{stem},{}\n", pair_of(i))).collect();
    here.write("kaggle/test.csv", format!("image,pair\n{rows}"));
    let rows: String = (0..5).rev().map(|pair| format!("pair_{pair},0.5\n")).collect();
    here.write("kaggle/sample_submission.csv", format!("pair,animal\n{rows}"));
    here.write("pairs.toml", SPEC);
    for args in [
        vec!["fetch", "./pairs.toml", "--from", "kaggle"],
        vec!["train", "./pairs.toml", "--smoke", "--set", "unfreeze.run=false"],
        vec!["submit"],
    ] {
        here.kaggle_kit().args(args).assert().success();
    }
    let run = only(&here.path().join("runs/pairs"));
    let said = fs::read_to_string(run.join("test-predictions.csv")).unwrap();
    assert!(said.starts_with("id,cat,dog\n"), "{said}");
    let mut of_pair: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in said.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let place = test.iter().position(|stem| stem == cells[0]).unwrap();
        of_pair.entry(pair_of(place)).or_default().push(cells[2].parse().unwrap());
    }
    assert_eq!(of_pair.values().map(Vec::len).sum::<usize>(), test.len());
    let csv = only(&here.path().join("submissions"));
    let rows = read(&here, csv.strip_prefix(here.path()).unwrap().to_str().unwrap());
    let ids: Vec<&str> = rows.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["pair_4", "pair_3", "pair_2", "pair_1", "pair_0"]);
    for (id, value) in &rows {
        let of = &of_pair[id];
        let mean = of.iter().sum::<f64>() / of.len() as f64;
        assert!((value.parse::<f64>().unwrap() - mean).abs() < 1e-5, "{id}: {value}, {mean}");
    }
    // What belongs together is written down with the split.
    let split = fs::read_to_string(run.join("split.csv")).unwrap();
    assert!(split.starts_with("id,part,labels,set\n"), "{split}");
}
