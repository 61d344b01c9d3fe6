//! Every metric that there is, with every kind of target and form of answer that it takes.

use super::{levels, said, skewed, tagged};
use crate::decide::{Decision, Judged, Options};
use crate::metric::{Form, Metric};
use crate::run::{DECISION, Run};
use crate::table::Table;
use crate::target::{Predictions, Said, TargetKind, Truth};

/// What a model says about images of that kind, and what is true.
fn images(kind: TargetKind) -> (Predictions, Truth) {
    match kind {
        TargetKind::SingleLabel => skewed(120, 3, 1),
        TargetKind::MultiLabel => tagged(120, &[0.0, 1.0, -1.0], 1),
        TargetKind::Ordinal => levels(120, 4, 1),
        TargetKind::Number => {
            let truth: Vec<f64> = (0..240).map(|i| f64::from(i * 7 % 50)).collect();
            let cells = truth.iter().enumerate().map(|(i, y)| *y as f32 + (i % 5) as f32 - 2.5);
            (said(cells.collect(), 2, 2), Truth::Numbers(Table::new(truth, 2)))
        }
    }
}

#[test]
fn every_metric_is_served_in_every_form_that_it_takes() {
    for metric in Metric::every() {
        for &(kind, form) in metric.family().forms {
            let (predictions, truth) = images(kind);
            let judged = Judged::new(kind, &predictions, &truth);
            let range = (kind == TargetKind::Number).then_some([0.0, 49.0]);
            let options = Options { form: Some(form), range, ..Options::default() };
            let what = format!("{} {kind:?} {form:?}", metric.name());
            let decision = Decision::fit(&metric, &judged, &options).unwrap();
            let answers = decision.apply(predictions.clone()).unwrap();
            let is_so = match (form, &answers.said) {
                (Form::Probabilities, Said::Probabilities(rows)) => rows.n_rows() == 120,
                (Form::Label, Said::Lists(lists)) => lists.iter().all(|list| list.len() == 1),
                (Form::Ranking, Said::Lists(lists)) => lists.iter().all(|list| list.len() >= 2),
                (Form::Tags, Said::Lists(lists)) => lists.len() == 120,
                (Form::ScoredLabel, Said::Scored(scored)) => scored.iter().all(Option::is_some),
                (Form::Numbers, Said::Numbers(rows)) => {
                    rows.as_slice().iter().all(|number| (0.0..=49.0).contains(number))
                }
                _ => false,
            };
            assert!(is_so, "{what}: {:?}", answers.said);
            let score = judged.score(&metric, &answers).unwrap();
            assert!(score.is_finite() && decision.score().is_finite(), "{what}: {score}");
            let folder = tempfile::tempdir().unwrap();
            let run = Run { folder: folder.path().to_owned() };
            run.write_toml(DECISION, &decision).unwrap();
            let read = Decision::of(&run, &metric, &predictions.classes).unwrap();
            assert_eq!(read, decision, "{what}");
            let told = decision.to_string();
            assert!(!told.is_empty() && !told.contains("NaN"), "{what}: {told}");
            let quick = Decision::quick(&metric, &judged, &options).unwrap();
            assert!(quick.score().is_finite(), "{what}: {quick}");
        }
    }
}
