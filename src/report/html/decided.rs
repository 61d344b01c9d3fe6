//! From probabilities to the tags that would be submitted.

use super::facts::Outcome;
use crate::decide::Decision;
use crate::decide::tags::threshold::decide;
use crate::metric::usual_threshold;
use crate::target::Predictions;

/// The tags of every image; without a decision, those above the usual threshold.
pub(super) fn decided(outcome: &Outcome, decision: Option<&Decision>) -> Vec<Vec<usize>> {
    let predictions = || Predictions {
        ids: outcome.ids.clone(),
        probabilities: outcome.probabilities.clone(),
        classes: outcome.classes.clone(),
    };
    let tags = decision.and_then(|decision| decision.tags(&predictions()).ok());
    tags.unwrap_or_else(|| {
        outcome.rows().map(|row| decide(row, |_| usual_threshold(2.0))).collect()
    })
}
