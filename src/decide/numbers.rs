//! Probabilities and logits, there and back.

use crate::target::TargetKind;

/// Single precision tells no more of a probability near zero or one.
const FLOOR: f64 = 1e-7;

/// `ln p` and `ln (1 - p)`, none of them infinite.
pub(super) fn logarithms(p: f32) -> (f64, f64) {
    let p = f64::from(p);
    (p.max(FLOOR).ln(), (1.0 - p).max(FLOOR).ln())
}

/// `ln p - ln (1 - p)`.
pub(super) fn logit(p: f32) -> f64 {
    let (with, without) = logarithms(p);
    with - without
}

/// What a network gives before its last step: `ln p`, which is enough for a softmax, or `logit p`.
pub(super) fn logits(kind: TargetKind, row: &[f32]) -> Vec<f64> {
    let of = |&p: &f32| match kind {
        TargetKind::SingleLabel => logarithms(p).0,
        TargetKind::MultiLabel => logit(p),
        TargetKind::Ordinal | TargetKind::Number => f64::from(p),
    };
    row.iter().map(of).collect()
}

/// `exp(x) / sum exp(x)`.
pub(super) fn softmax(logits: &[f64]) -> Vec<f64> {
    softmax_and_log_sum(logits).0
}

/// The same, and `ln sum exp(x)`.
pub(super) fn softmax_and_log_sum(logits: &[f64]) -> (Vec<f64>, f64) {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    (exponentials.into_iter().map(|e| e / sum).collect(), largest + sum.ln())
}

/// `1 / (1 + exp(-x))`.
pub(super) fn sigmoid(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

/// To four decimals: no fit knows more, and files stay small.
pub(super) fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}
