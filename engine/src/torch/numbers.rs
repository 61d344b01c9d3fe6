//! Levels and numbers as a network sees them, and back in their own units.

use tch::{Kind, Tensor};

use kaggle_kit::outputs::Outputs;

/// Targets in their own units, `[n, outputs]`, as the network sees them.
pub(super) fn scaled(outputs: &Outputs, targets: &Tensor) -> Tensor {
    match outputs {
        Outputs::Classes { .. } | Outputs::Tags { .. } => targets.shallow_clone(),
        Outputs::Standardised { mean, deviation, logarithm, .. } => {
            let targets =
                if *logarithm { targets.clamp_min(0.0).log1p() } else { targets.shallow_clone() };
            (&targets - row(mean, &targets)) / row(deviation, &targets)
        }
        Outputs::Ranged { low, high, .. } => ((targets - *low) / (high - low)).clamp(0.0, 1.0),
    }
}

/// What the network's last numbers, `[n, outputs]`, say: probabilities, or numbers in their own units.
pub(super) fn answers(outputs: &Outputs, logits: &Tensor) -> Tensor {
    match outputs {
        Outputs::Classes { .. } => logits.softmax(-1, Kind::Float),
        Outputs::Tags { .. } => logits.sigmoid(),
        Outputs::Standardised { mean, deviation, logarithm, .. } => {
            let numbers = logits * row(deviation, logits) + row(mean, logits);
            if *logarithm { numbers.expm1() } else { numbers }
        }
        Outputs::Ranged { low, high, .. } => logits.sigmoid() * (high - low) + *low,
    }
}

/// One number a column, on the device of `like`.
fn row(numbers: &[f64], like: &Tensor) -> Tensor {
    Tensor::from_slice(numbers).to_kind(Kind::Float).to_device(like.device())
}

#[cfg(test)]
mod tests {
    use kaggle_kit::outputs::NumberError;

    use super::*;

    #[test]
    fn what_was_scaled_comes_back() {
        let targets = Tensor::from_slice(&[1.0_f32, 50.0, 99.0, 20.0]).view([2, 2]);
        let standardised = |logarithm| Outputs::Standardised {
            mean: vec![2.0, 3.0],
            deviation: vec![0.5, 7.0],
            error: NumberError::Squared,
            logarithm,
        };
        let ranged = Outputs::Ranged { n: 2, low: 0.0, high: 100.0 };
        for outputs in [standardised(false), standardised(true), ranged.clone()] {
            let mut seen = scaled(&outputs, &targets);
            if outputs == ranged {
                // Logits of shares.
                seen = seen.logit(None::<f64>);
            }
            let back = answers(&outputs, &seen);
            let off = (back - &targets).abs().max().double_value(&[]);
            assert!(off < 1e-3, "{outputs:?}: {off}");
        }
    }
}
