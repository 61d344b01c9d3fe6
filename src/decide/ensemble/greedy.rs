//! Ensemble selection from libraries of models: Caruana, Niculescu-Mizil, Crew and Ksikes, ICML
//! 2004.
//!
//! From the best member on, the member is added, with replacement, that helps the mean most; how
//! often each was taken is its weight. The paper draws random subsets of its library ("bagging"),
//! which has two thousand models in it; with a handful of members there is nothing to draw from, so
//! every member may be taken at every step. What is lowered is log loss, for tags too: F2 goes by
//! steps, and on steps a selection fits noise. Of levels and numbers it is the squared or absolute
//! error, by which they were trained.

use super::Pool;
use crate::metric::Training;
use crate::table::Table;
use crate::target::{TargetKind, Truth};

/// The most members that are taken; their weights are multiples of its inverse.
const MAX_TAKEN: usize = 50;
/// So many steps without a gain end the selection.
const PATIENCE: usize = 10;
/// A cell's likelihood counts as no less.
const FLOOR: f64 = 1e-7;

/// A weight a member; they sum to one.
pub(super) fn weights(pool: &Pool) -> Vec<f64> {
    let cost = Cost::of(pool);
    let members: Vec<Vec<f64>> = pool.members.iter().map(|rows| cost.cells(pool, rows)).collect();
    let n_cells = members.first().map_or(0, Vec::len);
    let mut taken = vec![0usize; members.len()];
    let mut sum = vec![0.0; n_cells];
    let mut best = (f64::INFINITY, taken.clone());
    let mut idle = 0;
    for n_taken in 1..=MAX_TAKEN {
        let scale = 1.0 / n_taken as f64;
        let losses = members.iter().map(|member| {
            cost.mean(sum.iter().zip(member).map(|(sum, cell)| (sum + cell) * scale))
        });
        let Some((next, loss)) = losses.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return Vec::new();
        };
        taken[next] += 1;
        sum.iter_mut().zip(&members[next]).for_each(|(sum, cell)| *sum += cell);
        if loss < best.0 - 1e-12 {
            best = (loss, taken.clone());
            idle = 0;
        } else {
            idle += 1;
            if idle == PATIENCE {
                break;
            }
        }
    }
    let n_taken: usize = best.1.iter().sum();
    best.1.into_iter().map(|n| n as f64 / n_taken as f64).collect()
}

/// What is lowered.
#[derive(Clone, Copy)]
enum Cost {
    /// `-ln` of the probability that is given to what is true.
    LogLoss,
    Squared,
    Absolute,
}

impl Cost {
    fn of(pool: &Pool) -> Self {
        match (pool.kind, pool.metric.family().trains) {
            (TargetKind::SingleLabel | TargetKind::MultiLabel, _) => Self::LogLoss,
            (_, Training::AbsoluteError) => Self::Absolute,
            _ => Self::Squared,
        }
    }

    /// Numbers of a member whose means over members have the cost of the blend: likelihoods, or
    /// errors.
    fn cells(self, pool: &Pool, rows: &Table) -> Vec<f64> {
        match self {
            Self::LogLoss => likelihoods(pool, rows),
            Self::Squared | Self::Absolute => errors(pool, rows),
        }
    }

    fn mean(self, cells: impl ExactSizeIterator<Item = f64>) -> f64 {
        let n = cells.len().max(1) as f64;
        match self {
            Self::LogLoss => mean_loss(cells),
            Self::Squared => cells.map(|error| error * error).sum::<f64>() / n,
            Self::Absolute => cells.map(f64::abs).sum::<f64>() / n,
        }
    }
}

/// What a member says more than is true: of each level, or of each number.
fn errors(pool: &Pool, rows: &Table) -> Vec<f64> {
    let truth: Vec<f64> = match &pool.truth {
        Truth::Numbers(numbers) => numbers.as_slice().to_vec(),
        Truth::Classes(classes) => {
            classes.iter().map(|of| of.first().map_or(0.0, |&class| class as f64)).collect()
        }
    };
    rows.as_slice().iter().zip(truth).map(|(&said, truth)| f64::from(said) - truth).collect()
}

/// The probability that a member gives to what is true: one number an image, or one a tag. The
/// log loss of a mean of probabilities follows from these alone.
fn likelihoods(pool: &Pool, rows: &Table) -> Vec<f64> {
    let mut likelihoods = Vec::new();
    for (row, target) in rows.rows().zip(pool.truth.classes()) {
        if pool.kind.has_one_class() {
            likelihoods.extend(target.first().map(|&class| f64::from(row[class])));
        } else {
            likelihoods.extend(row.iter().enumerate().map(|(class, &p)| {
                let p = f64::from(p);
                if target.contains(&class) { p } else { 1.0 - p }
            }));
        }
    }
    likelihoods
}

/// The mean of `-ln p`; logarithms are slow, so each is of a product of several.
fn mean_loss(likelihoods: impl ExactSizeIterator<Item = f64>) -> f64 {
    const TOGETHER: usize = 16;
    let n = likelihoods.len();
    let (mut loss, mut product, mut n_in_product) = (0.0, 1.0, 0);
    for p in likelihoods {
        product *= p.max(FLOOR);
        n_in_product += 1;
        if n_in_product == TOGETHER {
            loss -= product.ln();
            (product, n_in_product) = (1.0, 0);
        }
    }
    (loss - product.ln()) / n.max(1) as f64
}
