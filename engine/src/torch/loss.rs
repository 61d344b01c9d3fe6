//! What training minimises, over logits and targets `[n, classes]`; every loss is a mean over images.

use anyhow::{Context, Result};
use tch::{Kind, Reduction, Tensor};

use kaggle_kit::outputs::{NumberError, Outputs};
use kaggle_kit::recipe::{LossKind, LossSettings};

use super::numbers;

/// The mean loss of a batch: each micro-batch's share of the images, and its mean, on the device.
#[derive(Debug)]
pub(super) struct BatchLoss(pub(super) Vec<(f64, Tensor)>);

impl BatchLoss {
    /// Waits until the device has it.
    pub(super) fn value(&self) -> Result<f64> {
        let mut sum = 0.0;
        for (share, loss) in &self.0 {
            sum += share * loss.f_double_value(&[]).context("failed to compute the loss")?;
        }
        Ok(sum)
    }
}

/// The paper's settings: how much less a tag counts that is rightly taken for absent, or present,
/// and the probability below which an absent tag does not count at all.
const GAMMA_ABSENT: f64 = 4.0;
const GAMMA_PRESENT: f64 = 1.0;
const SHIFT: f64 = 0.05;

/// Recall counts so many times as much as precision, squared.
const BETA_SQUARED: f64 = 4.0;

/// The loss of a batch, a number; `weights` are how much each class counts, `[classes]`.
pub(super) fn loss(
    settings: &LossSettings,
    outputs: &Outputs,
    weights: Option<&Tensor>,
    logits: &Tensor,
    targets: &Tensor,
) -> Tensor {
    match (outputs, settings.kind) {
        (Outputs::Classes { .. }, LossKind::Focal) => {
            focal(logits, targets, settings.gamma, weights)
        }
        (Outputs::Classes { .. }, _) => cross_entropy(logits, targets, weights),
        (Outputs::Tags { .. }, LossKind::Auto) => binary_cross_entropy(logits, targets, weights),
        (Outputs::Tags { .. }, LossKind::SoftF2) => soft_f2(logits, targets),
        (Outputs::Tags { .. }, LossKind::Asymmetric) => asymmetric(logits, targets),
        (Outputs::Tags { .. }, LossKind::Focal) => {
            binary_focal(logits, targets, settings.gamma, weights)
        }
        (Outputs::Ranged { .. }, _) => {
            binary_cross_entropy(logits, &numbers::scaled(outputs, targets), None)
        }
        (Outputs::Standardised { error, .. }, _) => {
            let difference = logits - numbers::scaled(outputs, targets);
            match error {
                NumberError::Squared => difference.square().mean(Kind::Float),
                NumberError::Absolute => difference.abs().mean(Kind::Float),
            }
        }
    }
}

/// Targets may be any distribution over the classes.
fn cross_entropy(logits: &Tensor, targets: &Tensor, weights: Option<&Tensor>) -> Tensor {
    let cells = logits.log_softmax(-1, Kind::Float) * targets;
    -weighted(cells, weights).sum_dim_intlist(-1, false, Kind::Float).mean(Kind::Float)
}

/// A tag's loss, the mean over tags and images.
fn binary_cross_entropy(logits: &Tensor, targets: &Tensor, weights: Option<&Tensor>) -> Tensor {
    logits.binary_cross_entropy_with_logits::<&Tensor>(targets, weights, None, Reduction::Mean)
}

/// Cross-entropy times `(1 - p)^gamma` (Lin et al. 2017, <https://arxiv.org/abs/1708.02002>, eq. 4).
fn focal(logits: &Tensor, targets: &Tensor, gamma: f64, weights: Option<&Tensor>) -> Tensor {
    let log_p = logits.log_softmax(-1, Kind::Float);
    let doubt = (-log_p.exp() + 1.0).clamp_min(0.0).pow_tensor_scalar(gamma);
    let cells = log_p * targets * doubt;
    -weighted(cells, weights).sum_dim_intlist(-1, false, Kind::Float).mean(Kind::Float)
}

/// The same for tags: `p` is that of what is true, tag by tag.
fn binary_focal(logits: &Tensor, targets: &Tensor, gamma: f64, weights: Option<&Tensor>) -> Tensor {
    let loss =
        logits.binary_cross_entropy_with_logits::<&Tensor>(targets, None, None, Reduction::None);
    let p = logits.sigmoid();
    let truth = &p * targets + (-&p + 1.0) * (-targets + 1.0);
    let doubt = (-truth + 1.0).clamp_min(0.0).pow_tensor_scalar(gamma);
    weighted(loss * doubt, weights).mean(Kind::Float)
}

/// Each column times its weight.
fn weighted(cells: Tensor, weights: Option<&Tensor>) -> Tensor {
    match weights {
        Some(weights) => cells * weights,
        None => cells,
    }
}

/// One minus F2 of each image, with probabilities in place of decisions, as planet's first place
/// had one: `1 - 5 tp / (4 (tp + fn) + tp + fp)`.
fn soft_f2(logits: &Tensor, targets: &Tensor) -> Tensor {
    let sum = |x: Tensor| x.sum_dim_intlist(-1, false, Kind::Float);
    let p = logits.sigmoid();
    let tp = sum(&p * targets);
    let all = sum(targets.shallow_clone()) * BETA_SQUARED + sum(p);
    let f2: Tensor = tp * (1.0 + BETA_SQUARED) / (all + 1e-8);
    1.0 - f2.mean(Kind::Float)
}

/// The asymmetric loss of Ben-Baruch et al. 2020 (<https://arxiv.org/abs/2009.14119>, eq. 7), summed
/// over the tags of an image.
fn asymmetric(logits: &Tensor, targets: &Tensor) -> Tensor {
    let p = logits.sigmoid();
    let log = |x: &Tensor| x.clamp_min(1e-8).log();
    let but = |x: &Tensor| -x + 1.0;
    let q = (but(&p) + SHIFT).clamp_max(1.0);
    let present = targets * log(&p) * but(&p).pow_tensor_scalar(GAMMA_PRESENT);
    let absent = but(targets) * log(&q) * but(&q).pow_tensor_scalar(GAMMA_ABSENT);
    -(present + absent).sum_dim_intlist(-1, false, Kind::Float).mean(Kind::Float)
}

#[cfg(test)]
mod tests {
    use kaggle_kit::recipe;

    use super::*;

    const LOGITS: [f32; 6] = [2.0, -1.0, 0.5, -2.0, 0.0, 3.0];
    const TARGETS: [f32; 6] = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0];

    const CLASSES: Outputs = Outputs::Classes { n: 3 };
    const TAGS: Outputs = Outputs::Tags { n: 3 };

    fn of(kind: LossKind, outputs: &Outputs, targets: &[f32]) -> f64 {
        weighted_of(kind, outputs, targets, None)
    }

    fn weighted_of(
        kind: LossKind,
        outputs: &Outputs,
        targets: &[f32],
        weights: Option<&Tensor>,
    ) -> f64 {
        let [logits, targets] =
            [&LOGITS, targets].map(|values| Tensor::from_slice(values).view([2, 3]));
        let settings = LossSettings { kind, ..recipe::resolve(&[]).unwrap().loss };
        loss(&settings, outputs, weights, &logits, &targets).double_value(&[])
    }

    #[test]
    fn a_focal_loss_without_focus_is_cross_entropy_and_weights_are_pytorch_s() {
        let one = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0];
        let weights = Tensor::from_slice(&[0.5_f32, 1.0, 2.0]);
        // torch.nn.functional.cross_entropy(logits, one, weight=torch.tensor([.5, 1., 2.])), which
        // divides probabilities' losses by the batch: (.5 * .2413 + 2 * .0550) / 2
        let log_softmax = |row: &[f32], class: usize| {
            let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
            f64::from(row[class]) - sum.ln()
        };
        let [first, second] = [log_softmax(&LOGITS[..3], 0), log_softmax(&LOGITS[3..], 2)];
        let expected = -f64::midpoint(0.5 * first, 2.0 * second);
        let found = weighted_of(LossKind::Auto, &CLASSES, &one, Some(&weights));
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        // (1 - p)^2 ln p
        let focal =
            -[first, second].map(|ln| (1.0 - ln.exp()).powi(2) * ln).iter().sum::<f64>() / 2.0;
        let found = of(LossKind::Focal, &CLASSES, &one);
        assert!((found - focal).abs() < 1e-6, "{found} {focal}");
        let sigmoid = |x: f32| 1.0 / (1.0 + (-f64::from(x)).exp());
        let cell = |(&x, &y): (&f32, &f32)| {
            let p = if y == 1.0 { sigmoid(x) } else { 1.0 - sigmoid(x) };
            -(1.0 - p).powi(2) * p.ln()
        };
        let tags = LOGITS.iter().zip(&TARGETS).map(cell).sum::<f64>() / 6.0;
        let found = of(LossKind::Focal, &TAGS, &TARGETS);
        assert!((found - tags).abs() < 1e-6, "{found} {tags}");
    }

    #[test]
    fn numbers_are_compared_as_the_network_sees_them() {
        let numbers = [10.0, 20.0, 30.0, 10.0, 20.0, 30.0];
        let standardised = |error| Outputs::Standardised {
            mean: vec![10.0, 20.0, 20.0],
            deviation: vec![1.0, 5.0, 10.0],
            error,
            logarithm: false,
        };
        // Scaled, both rows are 0, 0, 1.
        let differences = LOGITS.iter().zip([0.0_f32, 0.0, 1.0].iter().cycle()).map(|(a, b)| a - b);
        let differences: Vec<f64> = differences.map(f64::from).collect();
        let squared = differences.iter().map(|d| d * d).sum::<f64>() / 6.0;
        let absolute = differences.iter().map(|d| d.abs()).sum::<f64>() / 6.0;
        for (error, expected) in
            [(NumberError::Squared, squared), (NumberError::Absolute, absolute)]
        {
            let found = of(LossKind::Auto, &standardised(error), &numbers);
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        let ranged = Outputs::Ranged { n: 3, low: 10.0, high: 30.0 };
        let sigmoid = |x: f32| 1.0 / (1.0 + (-f64::from(x)).exp());
        let cell =
            |(&x, y): (&f32, &f64)| -(y * sigmoid(x).ln() + (1.0 - y) * (1.0 - sigmoid(x)).ln());
        let expected =
            LOGITS.iter().zip([0.0, 0.5, 1.0].iter().cycle()).map(cell).sum::<f64>() / 6.0;
        let found = of(LossKind::Auto, &ranged, &numbers);
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }

    #[test]
    fn numbers_are_those_of_the_formulas_in_double_precision() {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        let pairs: Vec<(f64, f64)> = LOGITS
            .iter()
            .zip(TARGETS)
            .map(|(&x, y)| (sigmoid(f64::from(x)), f64::from(y)))
            .collect();
        let bce = pairs.iter().map(|(p, y)| -(y * p.ln() + (1.0 - y) * (1.0 - p).ln()));
        let bce: f64 = bce.sum::<f64>() / 6.0;
        assert!((of(LossKind::Auto, &TAGS, &TARGETS) - bce).abs() < 1e-6);
        let f2 = |row: &[(f64, f64)]| {
            let tp: f64 = row.iter().map(|(p, y)| p * y).sum();
            let all: f64 = row.iter().map(|(p, y)| 4.0 * y + p).sum();
            5.0 * tp / all
        };
        let soft = 1.0 - f64::midpoint(f2(&pairs[..3]), f2(&pairs[3..]));
        assert!((of(LossKind::SoftF2, &TAGS, &TARGETS) - soft).abs() < 1e-6);
        let one = |&(p, y): &(f64, f64)| {
            let q = (1.0 - p + 0.05).min(1.0);
            -(y * (1.0 - p) * p.ln() + (1.0 - y) * (1.0 - q).powi(4) * q.ln())
        };
        let asymmetric = pairs.iter().map(one).sum::<f64>() / 2.0;
        let found = of(LossKind::Asymmetric, &TAGS, &TARGETS);
        assert!((found - asymmetric).abs() < 1e-6, "{found} {asymmetric}");
    }

    #[test]
    fn smoothed_cross_entropy_is_pytorch_s() {
        // torch.nn.functional.cross_entropy(torch.tensor([[2., -1., .5], [-2., 0., 3.]]),
        //     torch.tensor([0, 1]), label_smoothing=0.1)
        let smoothed =
            |class: usize| (0..3).map(move |i| 0.1 / 3.0 + if i == class { 0.9 } else { 0.0 });
        let targets: Vec<f32> = smoothed(0).chain(smoothed(1)).map(|y| y as f32).collect();
        let log_softmax = |row: &[f32]| {
            let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
            row.iter().map(|&x| f64::from(x) - sum.ln()).collect::<Vec<f64>>()
        };
        let expected: f64 = LOGITS
            .chunks(3)
            .zip([0, 1])
            .map(|(row, class)| {
                let logs = log_softmax(row);
                -0.9 * logs[class] - 0.1 * logs.iter().sum::<f64>() / 3.0
            })
            .sum::<f64>()
            / 2.0;
        let found = of(LossKind::Auto, &CLASSES, &targets);
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}
