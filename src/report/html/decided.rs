//! From probabilities to the tags that would be submitted.

use super::facts::{Facts, Validation};
use crate::decide::tags::threshold::decide;
use crate::decide::{self, Decision, Judged};
use crate::metric::usual_threshold;
use crate::target::TargetKind;

/// The standard error of the score on held-out images, where the metric is a mean over these.
pub(super) fn standard_error(facts: &Facts) -> Option<f64> {
    let validation = facts.validation.as_ref().filter(|validation| validation.len() > 1)?;
    let Validation { predictions, kind, truth, .. } = validation;
    let answers = facts.decision.as_ref()?.apply(predictions.clone()).ok()?;
    let judged = Judged::new(*kind, predictions, truth);
    let (mean, error) = decide::score_and_error(&facts.about.metric, &judged, &answers)?;
    // Where several images have one answer, it is another score.
    let is_same = (mean - facts.about.score).abs() <= 1e-4 * facts.about.score.abs().max(1e-3);
    (is_same && error.is_finite()).then_some(error)
}

/// The tags of every image; without a decision, those above the usual threshold.
pub(super) fn decided(validation: &Validation, decision: Option<&Decision>) -> Vec<Vec<usize>> {
    let tags = decision.and_then(|decision| decision.tags(&validation.predictions).ok());
    tags.unwrap_or_else(|| {
        if validation.kind == TargetKind::Ordinal {
            let top = validation.n_classes().saturating_sub(1) as f32;
            return validation
                .rows()
                .map(|row| vec![row[0].round().clamp(0.0, top) as usize])
                .collect();
        }
        validation.rows().map(|row| decide(row, |_| usual_threshold(2.0))).collect()
    })
}
