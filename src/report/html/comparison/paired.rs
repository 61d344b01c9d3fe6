//! Two runs image by image: the same images are easy or hard for both, so the difference is known
//! far better than either score.

use std::collections::HashMap;

use super::super::decided::decided;
use super::super::facts::{Facts, Validation};
use crate::decide::compare::mean_and_error;
use crate::decide::{Decision, log_loss};
use crate::metric::{Confusion, TagCounts, most_probable, sample_fbeta};
use crate::target::TargetKind;

/// Kaggle's own clip.
const TINY: f64 = 1e-15;

/// How much the second run's score lies above the first's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Images that both held out.
    pub n: usize,
    /// The mean difference of their scores, second less first.
    pub difference: f64,
    pub standard_error: f64,
}

/// Compares two runs on the images that both held out with the same labels; none where there is no
/// such image. The metric is taken image by image, with each run's own decision.
pub fn paired(a: &Facts, b: &Facts) -> Option<Paired> {
    let (one, other) = (a.validation.as_ref()?, b.validation.as_ref()?);
    if one.predictions.classes != other.predictions.classes || one.kind != other.kind {
        return None;
    }
    let (of_a, of_b) = (scores(a, one), scores(b, other));
    let places: HashMap<&str, usize> =
        other.predictions.ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let differences: Vec<f64> = one
        .predictions
        .ids
        .iter()
        .enumerate()
        .filter_map(|(row, id)| Some((row, *places.get(id.as_str())?)))
        .filter(|&(row, place)| one.truth.select(&[row]) == other.truth.select(&[place]))
        .map(|(row, place)| of_b[place] - of_a[row])
        .collect();
    if differences.is_empty() {
        return None;
    }
    let (difference, standard_error) = mean_and_error(&differences);
    Some(Paired { n: differences.len(), difference, standard_error })
}

/// The metric of every image.
fn scores(facts: &Facts, validation: &Validation) -> Vec<f64> {
    let decision = facts.decision.as_ref();
    match validation.kind {
        TargetKind::SingleLabel => {
            let mut rows = validation.predictions.probabilities.clone();
            if let Some(Decision::Calibration(found)) = decision {
                log_loss::apply(&mut rows, found.temperature, found.epsilon);
            }
            let truth = validation.classes_true();
            rows.rows()
                .zip(truth)
                .map(|(row, class)| -f64::from(row[class]).max(TINY).ln())
                .collect()
        }
        TargetKind::Ordinal | TargetKind::Number => Vec::new(),
        TargetKind::MultiLabel => {
            let answers = decided(validation, decision);
            validation
                .classes()
                .iter()
                .zip(answers)
                .map(|(truth, answer)| {
                    let n_right = truth.iter().filter(|tag| answer.contains(tag)).count();
                    sample_fbeta(
                        n_right,
                        truth.len(),
                        answer.len(),
                        facts.about.metric.number().unwrap_or(2.0),
                    )
                })
                .collect()
        }
    }
}

/// The share of each class's images in which it was found; none for a class without images.
pub(super) fn found(facts: &Facts, validation: &Validation) -> Vec<Option<f64>> {
    let n_classes = validation.n_classes();
    match validation.kind {
        TargetKind::SingleLabel => {
            let answers = validation.rows().map(most_probable);
            let confusion =
                Confusion::count(validation.classes_true().into_iter().zip(answers), n_classes);
            (0..n_classes).map(|class| confusion.recall(class)).collect()
        }
        TargetKind::Ordinal | TargetKind::Number => vec![None; n_classes],
        TargetKind::MultiLabel => {
            let answers = decided(validation, facts.decision.as_ref());
            let of = |tag: usize| {
                let pairs = validation.classes().iter().zip(&answers);
                let counts =
                    TagCounts::count(pairs.map(|(t, a)| (t.contains(&tag), a.contains(&tag))));
                (counts.truth > 0).then(|| counts.recall())
            };
            (0..n_classes).map(of).collect()
        }
    }
}
