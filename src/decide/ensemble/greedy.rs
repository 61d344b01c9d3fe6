//! Ensemble selection from libraries of models: Caruana, Niculescu-Mizil, Crew and Ksikes, ICML
//! 2004.
//!
//! From the best member on, the member is added, with replacement, that helps the mean most; how
//! often each was taken is its weight. The paper draws random subsets of its library ("bagging"),
//! which has two thousand models in it; with a handful of members there is nothing to draw from, so
//! every member may be taken at every step. What is lowered is the metric itself, as in the paper,
//! where it scores what members say: numbers, and probabilities. Of labels and tags it is log loss, and
//! of levels the squared error: accuracy, F2 and kappa go by steps, and on steps a selection fits noise.

use super::Pool;
use crate::metric::{Form, Metric, Misfit, Scoring, Serving};
use crate::table::Table;
use crate::target::{Said, TargetKind};

/// The most members that are taken; their weights are multiples of its inverse.
const MAX_TAKEN: usize = 50;
/// So many steps without a gain end the selection.
const PATIENCE: usize = 10;
/// A cell's likelihood counts as no less.
const FLOOR: f64 = 1e-7;
/// Cells that are scored at a step; of more, images are left out evenly: a sort of these takes some
/// milliseconds, and there are fifty steps, with each member, in each fold.
const MOST_CELLS: usize = 50_000;

/// A weight a member; they sum to one.
pub(super) fn weights(pool: &Pool) -> Vec<f64> {
    let n = pool.ids.len();
    let most = MOST_CELLS / pool.kind.n_outputs(pool.classes.len()).max(1);
    let cost = Cost::of(pool);
    if n > most.max(1) && matches!(cost, Cost::Itself) {
        let taken: Vec<usize> = (0..n).step_by(n.div_ceil(most.max(1))).collect();
        let thinned = pool.select(&taken);
        return selected(&thinned, Cost::of(&thinned));
    }
    selected(pool, cost)
}

fn selected(pool: &Pool, cost: Cost) -> Vec<f64> {
    let members: Vec<Vec<f64>> = pool.members.iter().map(|rows| cost.cells(pool, rows)).collect();
    let n_cells = members.first().map_or(0, Vec::len);
    let mut taken = vec![0usize; members.len()];
    let mut sum = vec![0.0; n_cells];
    let mut best = (f64::INFINITY, taken.clone());
    let mut idle = 0;
    for n_taken in 1..=MAX_TAKEN {
        let scale = 1.0 / n_taken as f64;
        let losses = members.iter().map(|member| {
            cost.of_cells(pool, sum.iter().zip(member).map(|(sum, cell)| (sum + cell) * scale))
        });
        let Some((next, loss)) = losses.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)) else {
            return Vec::new();
        };
        taken[next] += 1;
        sum.iter_mut().zip(&members[next]).for_each(|(sum, cell)| *sum += cell);
        // The first counts even where the metric has no value.
        if n_taken == 1 || loss < best.0 - 1e-12 {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    /// The metric, where it scores what members say.
    Itself,
    /// `-ln` of the probability that is given to what is true.
    LogLoss,
    /// Of levels.
    Squared,
}

impl Cost {
    fn of(pool: &Pool) -> Self {
        let scores_numbers = pool.kind == TargetKind::Number;
        let scores_probabilities = pool.kind != TargetKind::Ordinal
            && pool.metric.takes(pool.kind, Form::Probabilities)
            && !is_plain_log_loss(&pool.metric);
        match pool.kind {
            _ if scores_numbers || scores_probabilities => {
                let itself =
                    |rows| Self::Itself.of_cells(pool, Self::Itself.cells(pool, rows).into_iter());
                // Of one class alone there is no curve.
                let has_value = pool.members.iter().all(|rows| itself(rows).is_finite());
                if has_value || scores_numbers { Self::Itself } else { Self::LogLoss }
            }
            TargetKind::Ordinal => Self::Squared,
            _ => Self::LogLoss,
        }
    }

    /// Numbers of a member whose means over members have the cost of the blend: what it says,
    /// likelihoods, or errors.
    fn cells(self, pool: &Pool, rows: &Table) -> Vec<f64> {
        match self {
            Self::Itself => rows.as_slice().iter().map(|&said| f64::from(said)).collect(),
            Self::LogLoss => likelihoods(pool, rows),
            Self::Squared => errors(pool, rows),
        }
    }

    fn of_cells(self, pool: &Pool, cells: impl ExactSizeIterator<Item = f64>) -> f64 {
        let n = cells.len().max(1) as f64;
        match self {
            Self::Itself => {
                let score = score(pool, cells.collect()).ok().filter(|score| !score.is_nan());
                let is_higher_better = pool.metric.better(1.0, 0.0);
                score.map_or(f64::INFINITY, |score| if is_higher_better { -score } else { score })
            }
            Self::LogLoss => mean_loss(cells),
            Self::Squared => cells.map(|error| error * error).sum::<f64>() / n,
        }
    }
}

/// A log loss of which every class counts alike: what follows from likelihoods alone, and faster.
fn is_plain_log_loss(metric: &Metric) -> bool {
    metric.family().serves == Serving::Calibrated && metric.options().weights.is_none()
}

/// What the metric gives for a blend, with numbers where they may be.
fn score(pool: &Pool, mut cells: Vec<f64>) -> Result<f64, Misfit> {
    let width = pool.kind.n_outputs(pool.classes.len());
    let said = if pool.kind == TargetKind::Number {
        if let Some([low, high]) = pool.options.range.filter(|[low, high]| low <= high) {
            for cell in &mut cells {
                *cell = cell.clamp(low, high);
            }
        }
        Said::Numbers(Table::new(cells, width))
    } else {
        Said::Probabilities(Table::new(cells, width))
    };
    let Pool { metric, kind, ids, classes, truth, .. } = pool;
    metric.score(&Scoring { kind: *kind, ids, classes, truth, said: &said })
}

/// By how much a member says a higher level than the true one.
fn errors(pool: &Pool, rows: &Table) -> Vec<f64> {
    let truth = pool.truth.classes().iter().map(|of| of.first().map_or(0.0, |&class| class as f64));
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
