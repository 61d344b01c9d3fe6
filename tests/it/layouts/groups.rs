//! Which images stay together, and that they do.

use kaggle_kit::dataset::{self, Dataset, Split};
use kaggle_kit::target::TargetKind;

use super::{Drawn, Spec, TAGS, USUAL};

/// Sixty images of six patients, whose ids say so, with labels, numbers and a table of patients.
fn drawn() -> Drawn {
    let ids: Vec<String> = (0..60)
        .map(|i| {
            format!("{}_{}", i % 6 + 10, if i < 30 { "left" } else { "right" }) + &i.to_string()
        })
        .collect();
    let images: Vec<String> = ids.iter().map(|id| format!("train/{id}.png")).collect();
    let rows = |cell: &dyn Fn(usize) -> String| {
        let rows: Vec<String> =
            ids.iter().enumerate().map(|(i, id)| format!("{id},{}", cell(i))).collect();
        rows.join("\n")
    };
    Drawn::new(&format!("{} test/t1.png", images.join(" ")))
        .with("sample.csv", "id,label\nt1,0\n")
        .with(
            "train.csv",
            &format!("id,label,who\n{}\n", rows(&|i| format!("{},p{}", i / 7 % 3, i % 6))),
        )
        .with("people.csv", &format!("img,who\n{}\n", rows(&|i| format!("p{}", i % 6))))
}

/// Every group is on one side, whatever is asked for.
fn check(data: &Dataset) {
    assert_eq!(data.groups.len(), 6);
    assert!(data.groups.iter().all(|group| group.len() == 10));
    let n = data.classes.len();
    for seed in 0..5 {
        let folds = dataset::folds(&data.train, &data.groups, n, data.kind, 3, seed);
        for group in &data.groups {
            assert!(group.iter().all(|&i| folds[i] == folds[group[0]]));
        }
        assert!((0..3).all(|fold| Split::of_fold(&folds, fold).valid.len() == 20));
        let split = dataset::hold_out(&data.train, &data.groups, n, data.kind, 0.2, seed);
        for group in &data.groups {
            let held_out = group.iter().filter(|i| split.valid.contains(i)).count();
            assert!(held_out == 0 || held_out == 10, "{held_out}");
        }
        assert!([10, 20].contains(&split.valid.len()), "{}", split.valid.len());
    }
}

#[test]
fn groups_come_from_a_column_a_table_or_a_pattern_and_are_never_parted() {
    let drawn = drawn();
    for split in [
        "[split]\ngroup = \"who\"",
        "[split]\ngroup = \"who\"\nfile = \"people.csv\"\nid = \"img\"",
        "[split]\npattern = '^(\\d+)_'",
        "[split]\npattern = '^(?<group>\\d+)_'",
    ] {
        let data = drawn.open(&Spec { split, ..USUAL });
        check(&data);
        let lines = data.found.lines();
        let line = lines.iter().find(|line| line.contains("groups that stay together")).unwrap();
        assert!(line.contains(" 6  by `"), "{line}");
        check(&drawn.open(&Spec { split, ..TAGS }));
        check(&drawn.open(&Spec { split, target: "kind = \"ordinal\"", ..USUAL }));
        let data = drawn.open(&Spec {
            split,
            metric: "\"rmse\"",
            target: "kind = \"number\"",
            submission: "[submission.numbers]\nid = \"id\"",
            ..USUAL
        });
        assert_eq!(data.kind, TargetKind::Number);
        check(&data);
    }
}

#[test]
fn images_without_a_group_are_told() {
    let drawn = drawn();
    drawn.text("people.csv", "img,who\n10_left0.png,p0\n10_left6,p0\n11_left1,\n");
    let split = "[split]\ngroup = \"who\"\nfile = \"people.csv\"\nid = \"img\"";
    let data = drawn.open(&Spec { split, ..USUAL });
    assert_eq!(data.groups.len(), 1);
    let warnings = data.found.warnings.join("\n");
    assert!(
        warnings.contains("`who` of people.csv tells no group of 58 training images"),
        "{warnings}"
    );
    drawn.text("people.csv", "img,who\nx,p0\n");
    let error = drawn.error(&Spec { split, ..USUAL });
    assert!(error.contains("tells a group of none of the 60 training images"), "{error}");
    drawn.text("people.csv", "image,who\nx,p0\n");
    let error = drawn.error(&Spec { split, ..USUAL });
    assert!(error.contains("has no column `img`\n  found `image,who`\nhint: "), "{error}");
    let error = drawn.error(&Spec { split: "[split]\ngroup = \"Who\"", ..USUAL });
    assert!(error.contains("the table calls it `who`: say so in `split.group`"), "{error}");
    let error = drawn.error(&Spec { split: "[split]\ngroup = \"dicom:PatientID\"", ..USUAL });
    assert!(error.contains("nothing tells `PatientID` of the images"), "{error}");
    let warnings = drawn.open(&Spec { split: "[split]\npattern = '^1'", ..USUAL }).found.warnings;
    assert!(warnings.join("\n").contains("is the same for all training images"), "{warnings:?}");
}

#[test]
fn numbers_are_shared_out_by_their_size() {
    let images: Vec<String> = (0..200).map(|i| format!("train/{i}.png")).collect();
    let rows: Vec<String> = (0..200).map(|i| format!("{i},{}", i * i)).collect();
    let data = Drawn::new(&format!("{} test/t1.png", images.join(" ")))
        .with("sample.csv", "id,label\nt1,0\n")
        .with("train.csv", &format!("id,label\n{}\n", rows.join("\n")))
        .open(&Spec {
            metric: "\"rmse\"",
            target: "kind = \"number\"",
            submission: "[submission.numbers]\nid = \"id\"",
            ..USUAL
        });
    let split = dataset::split(&data.train, 1, data.kind, 0.2, 3);
    assert_eq!(split.valid.len(), 40);
    // Four of every twenty from the smallest to the largest.
    let of_bin = |bin: usize| split.valid.iter().filter(|&&i| i / 20 == bin).count();
    assert!((0..10).all(|bin| of_bin(bin) == 4), "{:?}", split.valid);
    let folds = dataset::folds(&data.train, &[], 1, data.kind, 5, 3);
    for fold in 0..5 {
        let valid = Split::of_fold(&folds, fold).valid;
        assert!((0..10).all(|bin| valid.iter().filter(|&&i| i / 20 == bin).count() == 4));
    }
}
