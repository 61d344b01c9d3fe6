//! Two runs image by image: the same images are easy or hard for both, so the difference is known
//! far better than either score.

use std::collections::HashMap;

use anyhow::Result;

use super::super::decided::decided;
use super::super::facts::{Facts, Validation};
use crate::decide::compare::Spread;
use crate::decide::{Judged, difference};
use crate::metric::{Confusion, TagCounts, most_probable, plain};
use crate::target::{Answers, TargetKind};

/// How much the second run's score lies above the first's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// Images that both held out.
    pub n: usize,
    /// What the second scores on them, less what the first does.
    pub difference: f64,
    /// A standard error where the metric is a mean over images, else an interval from resampling.
    pub spread: Spread,
}

impl Paired {
    /// Whether the difference is more than luck, so far as that is known.
    pub fn is_clear(&self) -> bool {
        match self.spread {
            Spread::StandardError(error) => self.difference.abs() >= 2.0 * error,
            Spread::Interval(interval) => interval.low > 0.0 || interval.high < 0.0,
        }
    }
}

/// Compares two runs on the images that both held out with the same truth; none where there is no
/// such image. Each run answers by its own decision.
pub fn paired(a: &Facts, b: &Facts) -> Option<Paired> {
    let (one, other) = (a.validation.as_ref()?, b.validation.as_ref()?);
    if one.predictions.classes != other.predictions.classes || one.kind != other.kind {
        return None;
    }
    let places: HashMap<&str, usize> =
        other.predictions.ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let both: Vec<(usize, usize)> = one
        .predictions
        .ids
        .iter()
        .enumerate()
        .filter_map(|(row, id)| Some((row, *places.get(id.as_str())?)))
        .filter(|&(row, place)| one.truth.select(&[row]) == other.truth.select(&[place]))
        .collect();
    if both.is_empty() {
        return None;
    }
    let (rows, places): (Vec<usize>, Vec<usize>) = both.into_iter().unzip();
    let of_a = answers(a, one).ok()?.select(&rows);
    let of_b = answers(b, other).ok()?.select(&places);
    let predictions = one.predictions.select(&rows);
    let truth = one.truth.select(&rows);
    let judged = Judged::new(one.kind, &predictions, &truth);
    let (difference, spread) = difference(&a.about.metric, &judged, &of_a, &of_b).ok()?;
    Some(Paired { n: rows.len(), difference, spread })
}

/// What the run would submit about the images that it held out; without a decision, the simplest
/// answers.
fn answers(facts: &Facts, validation: &Validation) -> Result<Answers> {
    let Validation { predictions, kind, .. } = validation;
    if let Some(decision) = &facts.decision {
        return decision.apply(predictions.clone());
    }
    let (ids, classes) = (predictions.ids.clone(), predictions.classes.clone());
    let said = plain(&facts.about.metric, *kind, classes.len(), &predictions.probabilities);
    Ok(Answers { ids, classes, said })
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
