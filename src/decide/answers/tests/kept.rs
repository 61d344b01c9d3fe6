//! Decisions as files.

use std::path::Path;

use super::classes;
use crate::decide::Decision;
use crate::decide::answers::{AnswerDecision, Candidate, Rule, Tried, Way, compare};
use crate::run::checked;
use crate::target::TargetKind;

#[test]
fn every_rule_comes_back_as_it_was_and_an_edited_one_is_refused() {
    let (kind, one) = (TargetKind::MultiLabel, TargetKind::SingleLabel);
    let rules = [
        (kind, Rule::AsTheyAre {}),
        (one, Rule::Softened { temperature: 1.5, clip: 0.01 }),
        (kind, Rule::Clipped { clip: 0.01, calibration: None }),
        (TargetKind::Ordinal, Rule::Around { spread: 0.5 }),
        (one, Rule::Largest { k: 2, unknown: None }),
        (one, Rule::Largest { k: 1, unknown: Some(0.25) }),
        (one, Rule::Surest {}),
        (one, Rule::Priors { shares: vec![0.5, 0.25, 0.25], power: 0.85 }),
        (kind, Rule::Above { threshold: 0.25, never_empty: true, calibration: None }),
        (kind, Rule::AboveEach { thresholds: vec![0.5, 0.25, 0.125], never_empty: false }),
        (kind, Rule::Hardened { threshold: 0.5 }),
        (TargetKind::Ordinal, Rule::CutPoints { points: vec![0.5, 1.75] }),
        (TargetKind::Number, Rule::Within { range: None }),
        (TargetKind::Number, Rule::Within { range: Some([1.0, 100.0]) }),
    ];
    let read = |text: &str| checked::parse::<Decision>(text, Path::new("decision.toml"));
    for (kind, rule) in rules {
        let tried = Tried { way: Way::Largest };
        let spread = compare::Spread::StandardError(0.5);
        let candidate = Candidate { what: tried, in_sample: 0.5, nested: 0.5, gain: 0.0, spread };
        let decision = Decision::Answers(Box::new(AnswerDecision {
            metric: "accuracy".to_owned(),
            kind,
            chosen: tried,
            images: 60,
            folds: 5,
            unknown: Some("Other".to_owned()),
            classes: classes(3),
            candidates: vec![candidate],
            rule,
        }));
        let text = toml::to_string(&decision).unwrap();
        assert_eq!(read(&text).unwrap(), decision, "{text}");
        for (old, new, expected) in [
            (
                "points = [0.5, 1.75]",
                "points = [1.75, 0.5]",
                "`answers.rule.cut-points.points` are",
            ),
            ("points = [0.5, 1.75]", "points = [0.5]", "`answers.rule.cut-points.points` has 1"),
            ("points = [0.5, 1.75]", "points = [0.5, nan]", "points.1` is NaN"),
            ("k = 2", "k = 0", "`answers.rule.largest.k` is 0"),
            ("unknown = 0.25", "unknown = 7.0", "`answers.rule.largest.unknown` is 7"),
            ("threshold = 0.25", "threshold = -1.0", "`answers.rule.above.threshold` is -1"),
            ("0.125]", "0.125, 0.5]", "`answers.rule.above-each.thresholds` has 4 numbers"),
            ("shares = [0.5", "shares = [0.0", "`answers.rule.priors.shares.0` is 0"),
            ("power = 0.85", "power = inf", "`answers.rule.priors.power` is inf"),
            ("range = [1.0", "range = [101.0", "`answers.rule.within.range` is from 101 to 100"),
            ("spread = 0.5", "spread = 0.0", "`answers.rule.around.spread` is 0"),
            ("temperature = 1.5", "temperature = 0.0", "`answers.rule.softened.temperature` is 0"),
            ("way = \"largest\"", "way = \"surest\"", "`answers.chosen` is none of the candidates"),
            ("\"2\"]", "\"1\"]", "`answers.classes` has `1` twice"),
        ] {
            let edited = text.replacen(old, new, 1);
            if edited != text {
                let error = format!("{:#}", read(&edited).unwrap_err());
                assert!(error.contains(expected) && error.contains("line "), "{new}: {error}");
            }
        }
    }
}
