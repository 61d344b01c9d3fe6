//! What training minimises, over logits and targets `[n, classes]`; every loss is a mean over images.

use anyhow::{Context, Result};
use tch::{Kind, Reduction, Tensor};

use kaggle_kit::recipe::LossKind;
use kaggle_kit::target::TargetKind;

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

/// The loss of a batch, a number.
pub(super) fn loss(
    kind: LossKind,
    target: TargetKind,
    logits: &Tensor,
    targets: &Tensor,
) -> Tensor {
    match (target, kind) {
        (TargetKind::SingleLabel, _) => cross_entropy(logits, targets),
        (TargetKind::MultiLabel, LossKind::Auto) => {
            logits.binary_cross_entropy_with_logits::<Tensor>(targets, None, None, Reduction::Mean)
        }
        (TargetKind::MultiLabel, LossKind::SoftF2) => soft_f2(logits, targets),
        (TargetKind::MultiLabel, LossKind::Asymmetric) => asymmetric(logits, targets),
        (TargetKind::Ordinal | TargetKind::Number, _) => squared_error(logits, targets),
    }
}

/// The mean over all numbers of an image, and over images.
fn squared_error(logits: &Tensor, targets: &Tensor) -> Tensor {
    (logits - targets).square().mean(Kind::Float)
}

/// Targets may be any distribution over the classes.
fn cross_entropy(logits: &Tensor, targets: &Tensor) -> Tensor {
    -(logits.log_softmax(-1, Kind::Float) * targets)
        .sum_dim_intlist(-1, false, Kind::Float)
        .mean(Kind::Float)
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
    use super::*;

    const LOGITS: [f32; 6] = [2.0, -1.0, 0.5, -2.0, 0.0, 3.0];
    const TARGETS: [f32; 6] = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0];

    fn of(kind: LossKind, target: TargetKind, targets: &[f32]) -> f64 {
        let [logits, targets] =
            [&LOGITS, targets].map(|values| Tensor::from_slice(values).view([2, 3]));
        loss(kind, target, &logits, &targets).double_value(&[])
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
        assert!((of(LossKind::Auto, TargetKind::MultiLabel, &TARGETS) - bce).abs() < 1e-6);
        let f2 = |row: &[(f64, f64)]| {
            let tp: f64 = row.iter().map(|(p, y)| p * y).sum();
            let all: f64 = row.iter().map(|(p, y)| 4.0 * y + p).sum();
            5.0 * tp / all
        };
        let soft = 1.0 - f64::midpoint(f2(&pairs[..3]), f2(&pairs[3..]));
        assert!((of(LossKind::SoftF2, TargetKind::MultiLabel, &TARGETS) - soft).abs() < 1e-6);
        let one = |&(p, y): &(f64, f64)| {
            let q = (1.0 - p + 0.05).min(1.0);
            -(y * (1.0 - p) * p.ln() + (1.0 - y) * (1.0 - q).powi(4) * q.ln())
        };
        let asymmetric = pairs.iter().map(one).sum::<f64>() / 2.0;
        let found = of(LossKind::Asymmetric, TargetKind::MultiLabel, &TARGETS);
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
        let found = of(LossKind::Auto, TargetKind::SingleLabel, &targets);
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
}
