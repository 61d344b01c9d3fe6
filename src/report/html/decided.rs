//! From probabilities to the tags that would be submitted.

use super::facts::Validation;
use crate::decide::Decision;
use crate::decide::tags::threshold::decide;
use crate::metric::usual_threshold;
use crate::target::TargetKind;

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
