//! Stacking for one class an image: `softmax(sum of weight * ln p)` over members, the weights free.
//!
//! Log loss of it is convex in the weights, so Newton's method finds them; a ridge draws them to
//! those of the logit mean, as strongly as a few dozen images speak. They need not sum to one: what
//! is too sure is softened on the way. (A linear map of probabilities, which serves tags well, says
//! zero too readily for log loss.)

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::method::Fitted;
use super::{Pool, Rule, equal};
use crate::decide::cholesky::solve;
use crate::decide::temperature::{logits, softmax};

/// The prior's spread of a weight around that of the logit mean.
const PRIOR_SPREAD: f64 = 0.2;
const MAX_STEPS: usize = 30;

/// Fits a weight a member; predictions come from weights that were fitted without an image's fold.
pub(super) fn fit(pool: &Pool) -> Fitted {
    let rule = |pool: &Pool| Rule::Logits { weights: weights(pool) };
    let folds: Vec<usize> = pool.fold_set().into_iter().collect();
    let n_classes = pool.classes.len();
    let mut by_fold: BTreeMap<usize, std::vec::IntoIter<f32>> = folds
        .into_par_iter()
        .map(|fold| {
            let without = rule(&pool.part(|f| f != fold));
            (fold, pool.part(|f| f == fold).blended(&without).into_iter())
        })
        .collect();
    let mut predictions = Vec::with_capacity(pool.ids.len() * n_classes);
    for fold in &pool.folds {
        predictions.extend(by_fold.get_mut(fold).into_iter().flat_map(|rows| rows.take(n_classes)));
    }
    Fitted { rule: rule(pool), predictions }
}

fn weights(pool: &Pool) -> Vec<f64> {
    let n_classes = pool.classes.len();
    let images: Vec<Image> = (0..pool.ids.len())
        .map(|i| {
            let of_member =
                |rows: &Vec<f32>| logits(pool.kind, &rows[i * n_classes..][..n_classes]);
            Image {
                logits: pool.members.iter().map(of_member).collect(),
                class: pool.targets[i].first().copied().unwrap_or_default(),
            }
        })
        .collect();
    let mut weights = equal(pool.members.len());
    let mut here = objective(&images, &weights);
    for _ in 0..MAX_STEPS {
        let mut step = here.slope.clone();
        solve(&mut here.curvature, &mut step, weights.len(), 1);
        // Newton's step is right near the end; far from it, it may have to be shortened.
        let mut share = 1.0;
        let next = loop {
            let tried: Vec<f64> = weights.iter().zip(&step).map(|(w, s)| w - share * s).collect();
            let there = objective(&images, &tried);
            if there.loss <= here.loss || share < 1e-3 {
                break (tried, there);
            }
            share /= 2.0;
        };
        (weights, here) = next;
        if step.iter().all(|step| step.abs() < 1e-6) {
            break;
        }
    }
    weights
}

/// What the members say of an image, `[members][classes]`, and what is true.
struct Image {
    logits: Vec<Vec<f64>>,
    class: usize,
}

/// The summed loss and the prior, with their derivatives by the weights.
struct Objective {
    loss: f64,
    slope: Vec<f64>,
    /// `[members, members]`.
    curvature: Vec<f64>,
}

fn objective(images: &[Image], weights: &[f64]) -> Objective {
    let n_members = weights.len();
    let precision = 1.0 / (PRIOR_SPREAD * PRIOR_SPREAD);
    let usual = 1.0 / n_members as f64;
    let mut sum = Objective {
        loss: weights.iter().map(|w| 0.5 * precision * (w - usual).powi(2)).sum(),
        slope: weights.iter().map(|w| precision * (w - usual)).collect(),
        curvature: vec![0.0; n_members * n_members],
    };
    for member in 0..n_members {
        sum.curvature[member * n_members + member] = precision;
    }
    let mut means = vec![0.0; n_members];
    for Image { logits, class } in images {
        let mut mixed = vec![0.0; logits[0].len()];
        for (logits, weight) in logits.iter().zip(weights) {
            mixed.iter_mut().zip(logits).for_each(|(sum, logit)| *sum += weight * logit);
        }
        let p = softmax(&mixed);
        sum.loss -= p[*class].max(f64::MIN_POSITIVE).ln();
        for (mean, logits) in means.iter_mut().zip(logits) {
            *mean = p.iter().zip(logits).map(|(p, logit)| p * logit).sum();
        }
        for a in 0..n_members {
            sum.slope[a] += means[a] - logits[a][*class];
            for b in 0..n_members {
                let products = p.iter().zip(&logits[a]).zip(&logits[b]);
                let square: f64 = products.map(|((p, a), b)| p * a * b).sum();
                sum.curvature[a * n_members + b] += square - means[a] * means[b];
            }
        }
    }
    sum
}
