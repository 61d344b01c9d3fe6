//! What can be tested without Python; `scripts/export_test.py` does the rest with it.

use std::path::Path;

use serde_json::{Value, json};

use super::decision::{Portable, rows, rule_among_tags};
use super::described::shared;
use super::{clear, ensure_ours, python};
use crate::dataset::Symmetry;
use crate::decide::answers::Rule;
use crate::decide::tags::calibrate::{Calibration, Curve, Kind, Softmax};
use crate::decide::tags::rules::{Group, One, TagRules};
use crate::decide::tags::{By, Fitted, Rows, Settings};
use crate::decide::{Decision, Judged, Options};
use crate::fs;
use crate::metric::Metric;
use crate::table::Table;
use crate::target::{Classes, Predictions, TargetKind, Truth};

/// What each rule answers, which `model.py` must answer as well.
const DECISIONS: &str = "src/commands/export/decisions.json";

fn said(width: usize, cells: &[f32]) -> Predictions {
    let classes: Classes = ["a", "b", "c"].map(str::to_owned)[..width.max(2)].to_vec().into();
    let ids = (0..cells.len() / width).map(|row| row.to_string()).collect();
    Predictions { ids, probabilities: Table::new(cells.to_vec(), width), classes }
}

fn rules() -> Vec<(TargetKind, Rule, Predictions)> {
    use TargetKind::{MultiLabel, Number, Ordinal, SingleLabel};
    let three = || said(3, &[0.5, 0.25, 0.25, 0.0, 1.0, 0.0, 0.125, 0.25, 0.625]);
    let two = || said(2, &[0.75, 0.25, 0.375, 0.625]);
    let tags = || said(3, &[0.875, 0.25, 0.5, 0.0, 0.125, 0.25, 1.0, 0.625, 0.75]);
    let level = || said(1, &[-0.25, 0.75, 1.0]);
    let curves = || {
        Some(Calibration {
            curves: vec![
                Curve::Platt { slope: 0.75, offset: -0.25 },
                Curve::Identity,
                Curve::Identity,
            ],
            groups: vec![Softmax {
                members: vec![1, 2],
                slope: 1.25,
                against: 0.5,
                offsets: vec![0.125, -0.125],
            }],
        })
    };
    let unknown = |k, likely| Rule::Largest { k, unknown: Some(likely) };
    vec![
        (SingleLabel, Rule::AsTheyAre {}, three()),
        (SingleLabel, Rule::Softened { temperature: 1.5, clip: 0.01 }, three()),
        (SingleLabel, Rule::Softened { temperature: 1.0, clip: 0.01 }, three()),
        (MultiLabel, Rule::Clipped { clip: 0.05, calibration: None }, tags()),
        (MultiLabel, Rule::Clipped { clip: 0.05, calibration: curves() }, tags()),
        (Ordinal, Rule::Around { spread: 0.25 }, level()),
        (SingleLabel, Rule::Largest { k: 1, unknown: None }, three()),
        (SingleLabel, Rule::Largest { k: 2, unknown: None }, three()),
        (SingleLabel, unknown(2, 0.3), three()),
        (SingleLabel, unknown(1, 0.6), three()),
        (SingleLabel, Rule::Surest {}, three()),
        (SingleLabel, Rule::Priors { shares: vec![0.5, 0.125, 0.375], power: 0.5 }, three()),
        (
            SingleLabel,
            Rule::Above { threshold: 0.25, never_empty: false, calibration: None },
            two(),
        ),
        (MultiLabel, Rule::Above { threshold: 0.5, never_empty: true, calibration: None }, tags()),
        (
            MultiLabel,
            Rule::Above { threshold: 0.5, never_empty: false, calibration: curves() },
            tags(),
        ),
        (
            MultiLabel,
            Rule::AboveEach { thresholds: vec![0.9, 0.2, 0.6], never_empty: true },
            tags(),
        ),
        (SingleLabel, Rule::Hardened { threshold: 0.5 }, two()),
        (MultiLabel, Rule::Hardened { threshold: 0.5 }, tags()),
        (Ordinal, Rule::CutPoints { points: vec![0.75] }, level()),
        (SingleLabel, Rule::CutPoints { points: vec![0.5, 1.0] }, three()),
        (Number, Rule::Within { range: Some([0.0, 0.8]) }, said(2, &[-0.25, 0.75, 1.0, 0.5])),
        (Number, Rule::Within { range: None }, said(2, &[-0.25, 0.75])),
    ]
}

/// Ways to decide about seven tags together: weather of which there is one, `d` by itself, `f` and `g` only
/// with `e`; and without rules.
fn among_tags() -> Vec<(Settings, Fitted)> {
    let group = |members: &[usize], one| Group { members: members.to_vec(), one };
    let rules = |groups, alone: &[usize], implies: &[(usize, usize)]| {
        TagRules::new(groups, alone.to_vec(), implies.to_vec(), SEVEN).unwrap()
    };
    let structures = [
        TagRules::default(),
        rules(vec![group(&[0, 1, 2], One::Exactly)], &[1], &[]),
        rules(vec![group(&[0, 1, 2], One::AtMost)], &[3], &[(5, 4), (6, 5)]),
        rules(
            vec![group(&[0, 1], One::Exactly), group(&[2, 3], One::AtMost)],
            &[],
            &[(5, 4), (6, 4)],
        ),
    ];
    let curves = Calibration {
        curves: vec![Curve::Platt { slope: 0.75, offset: -0.25 }; SEVEN],
        groups: Vec::new(),
    };
    let ways = [
        (By::Expected, None),
        (By::Expected, Some(curves)),
        (By::Above(0.5), None),
        (By::AboveEach(vec![0.25, 0.5, 0.75, 0.5, 0.375, 0.25, 0.5]), None),
    ];
    let mut all = Vec::new();
    for structure in &structures {
        for rows in [Rows::Any, Rows::Possible] {
            for (by, calibration) in &ways {
                let settings = Settings::new(2.0, structure.clone(), rows, Kind::None);
                let (by, calibration) = (by.clone(), calibration.clone());
                all.push((settings.clone(), Fitted { rows: settings.rows, calibration, by }));
            }
        }
    }
    all
}

const SEVEN: usize = 7;

/// Rows of seven probabilities, as from a small generator of random numbers.
fn drawn_rows(n: usize) -> Table {
    let mut state = 20_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // In 64ths, which are whole in every precision.
        ((state >> 26) as f32) / 64.0
    };
    let cells: Vec<f32> = (0..n * SEVEN).map(|_| next()).collect();
    Table::new(cells, SEVEN)
}

#[test]
fn what_each_rule_answers_is_what_model_py_is_tested_with() {
    let of = |(kind, rule, said): (TargetKind, Rule, Predictions)| {
        let unknown = matches!(rule, Rule::Largest { unknown: Some(_), .. }).then_some("new");
        let answers = rule.answers(kind, said.clone(), unknown);
        let rows_said: Vec<&[f32]> = said.rows().collect();
        json!({
            "kind": kind,
            "decision": rule,
            "unknown": unknown,
            "classes": said.classes,
            "said": rows_said,
            "answers": rows(&answers),
        })
    };
    let mut lines: Vec<String> = rules().into_iter().map(|rule| of(rule).to_string()).collect();
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    lines.extend(among_tags().into_iter().map(|(settings, fitted)| {
        let said = drawn_rows(9);
        let named = |tags: &Vec<usize>| tags.iter().map(|&tag| names[tag]).collect::<Vec<_>>();
        let answers = settings.decide(&fitted, &said);
        let rows: Vec<&[f32]> = said.rows().collect();
        json!({
            "kind": TargetKind::MultiLabel,
            "decision": rule_among_tags(&settings, &fitted),
            "unknown": null,
            "classes": names,
            "said": rows,
            "answers": answers.iter().map(named).collect::<Vec<_>>(),
        })
        .to_string()
    }));
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(DECISIONS);
    if fs::read_to_string(place).unwrap() != text {
        // For whoever has changed a rule on purpose.
        let anew = std::env::temp_dir().join("kaggle-kit-decisions.json");
        fs::write_atomic(&anew, &text).unwrap();
        panic!("`{DECISIONS}` is not what rules answer: see `{}`", anew.display());
    }
}

#[test]
fn tags_by_a_threshold_are_exported_and_those_in_another_order_are_not() {
    let said = said(3, &[0.9, 0.3, 0.1, 0.8, 0.1, 0.4, 0.7, 0.25, 0.1]);
    let truth = Truth::Classes(vec![vec![0, 1], vec![0, 2], vec![0]]);
    let judged = Judged::new(TargetKind::MultiLabel, &said, &truth);
    let quick = Decision::quick(&Metric::mean_fbeta(2.0), &judged, &Options::default()).unwrap();
    let portable = Portable::of(&quick, &said.classes);
    assert_eq!(portable.rule["above"]["threshold"], json!(quick.threshold().unwrap()));
    assert_eq!(portable.why_not, None);

    let others: Classes = ["b", "a", "c"].map(str::to_owned).to_vec().into();
    let portable = Portable::of(&quick, &others);
    assert_eq!(portable.rule, json!({"as-they-are": {}}));
    assert!(portable.why_not.unwrap().contains("predict <run> <photos>` answers"));
}

#[test]
fn without_a_python_there_is_no_torchscript_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("python");
    let outcome = python::convert(&absent, folder.path(), &[], false).unwrap();
    assert!(outcome.lacks_python() && outcome.made.is_empty());
    assert!(outcome.left_out[0].1.contains("does not start"), "{:?}", outcome.left_out);
}

#[cfg(unix)]
#[test]
fn what_python_says_last_is_what_came_of_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("python");
    let with = |text: &str| {
        fs::write_atomic(&script, format!("#!/bin/sh\ncat >/dev/null\n{text}\n")).unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        python::convert(&script, folder.path(), &[], false)
    };
    let found: Value = json!({
        "made": ["model.pt"], "left_out": [["model.onnx", "no onnx"]], "torch": "2.13",
        "checks": [{"file": "model.py", "worst": 1e-6, "picture": "a"}],
    });
    let outcome = with(&format!("echo a warning\necho '{found}'")).unwrap();
    assert_eq!(outcome.compared().collect::<Vec<_>>(), [("model.py", 1e-6)]);
    assert!(!outcome.lacks_python());
    let error = with("echo 'ValueError: no such network' >&2; exit 1").unwrap_err().to_string();
    assert!(error.contains("ValueError: no such network") && error.contains("hint: "), "{error}");
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("empty")).unwrap();
    fs::write_atomic(at("ours/model.json"), "{}").unwrap();
    fs::write_atomic(at("photos/a.jpg"), "").unwrap();
    let is_ours = |name: &str| ensure_ours(Path::new(&at(name))).is_ok();
    assert_eq!(
        ["absent", "empty", "ours", "photos", "photos/a.jpg"].map(is_ours),
        [true, true, true, false, false]
    );
}

#[test]
fn networks_of_an_earlier_export_do_not_stay() {
    let folder = tempfile::tempdir().unwrap();
    let networks = ["model.pt", "model-2.safetensors", "fold-3.safetensors", "network-0.onnx"];
    let others = ["model.json", "model.py", "mine.pt", "notes.txt"];
    for name in networks.iter().chain(&others) {
        fs::write_atomic(folder.path().join(name), "").unwrap();
    }
    clear(folder.path()).unwrap();
    clear(&folder.path().join("absent")).unwrap();
    let is_there = |name: &&str| folder.path().join(name).exists();
    assert!(!networks.iter().any(is_there) && others.iter().all(is_there));
}

#[test]
fn folds_that_weigh_views_in_their_own_ways_have_a_weight_each() {
    let (plain, flipped) = ((1.0, Symmetry::ALL[0]), (0.875, Symmetry::ALL[1]));
    let same = vec![vec![(plain, 0.5), (flipped, 0.5)]; 2];
    let weights =
        |of: &[Vec<_>]| shared(of).iter().map(|view| view["weight"].clone()).collect::<Vec<_>>();
    assert_eq!(weights(&same), [json!(0.5), json!(0.5)]);
    // The second looks at one view alone.
    let others = [vec![(plain, 0.75), (flipped, 0.25)], vec![(plain, 1.0)]];
    assert_eq!(weights(&others), [json!([0.75, 1.0]), json!([0.25, 0.0])]);
    assert_eq!(shared(&others)[1]["mirrored"], json!(flipped.1.is_mirrored()));
}
