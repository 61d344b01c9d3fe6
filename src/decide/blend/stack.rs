//! Ridge stacking over tags in two levels, as the winner of Planet did it.
//!
//! First each member's predictions of all classes are mapped to each class, so that what a member
//! says of clouds may correct what it says of roads; then each class has weights of its own over
//! the members so refined. Both are ridge regressions in closed form, drawn not to zero but to
//! what stands without them - to the member's own prediction, to the mean of members - so that a
//! strong penalty gives the plain mean back. Each level's penalty is chosen by cross-validation
//! over the folds, and the second level sees refinements that were fitted without an image's fold.
//!
//! Both maps are linear, so one matrix does the work of both in the end.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::method::Fitted;
use super::moments::{Line, Moments};
use super::{Pool, Rule};
use crate::target::n_hot;

/// In images: how much data speaks as loudly as the prior.
const PENALTIES: [f64; 10] = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e6];

/// Fits both levels.
pub(super) fn fit(pool: &Pool) -> Fitted {
    let n_classes = pool.classes.len();
    let truth = n_hot(pool.targets.iter().map(Vec::as_slice), n_classes);
    let refined: Vec<Refined> =
        pool.members.par_iter().map(|rows| refine(rows, &truth, &pool.folds, n_classes)).collect();

    let share = 1.0 / refined.len() as f64;
    let inputs = |i: usize, class: usize| -> Vec<f64> {
        refined.iter().map(|member| member.rows[i * n_classes + class]).collect()
    };
    let mean = |inputs: &[f64]| inputs.iter().sum::<f64>() * share;
    let by_class: Vec<ByFold> = (0..n_classes)
        .into_par_iter()
        .map(|class| {
            ByFold::collect(refined.len(), 1, &pool.folds, |i| {
                let x = inputs(i, class);
                let y = f64::from(truth[i * n_classes + class]) - mean(&x);
                (x, vec![y])
            })
        })
        .collect();
    let penalty = best_penalty(&by_class);
    let fitted: Vec<FoldLines> = by_class.iter().map(|sums| sums.lines(penalty)).collect();

    let mut predictions = Vec::with_capacity(truth.len());
    for (i, fold) in pool.folds.iter().enumerate() {
        predictions.extend(fitted.iter().enumerate().map(|(class, lines)| {
            let x = inputs(i, class);
            (mean(&x) + lines.without[fold].at(&x)[0]).clamp(0.0, 1.0) as f32
        }));
    }
    Fitted { rule: compose(&refined, &fitted, n_classes), predictions }
}

/// A member's predictions, each class corrected by all of them.
struct Refined {
    /// What is added to a row.
    line: Line,
    /// `[n, classes]`, each corrected by a line that was fitted without the image's fold.
    rows: Vec<f64>,
}

fn refine(rows: &[f32], truth: &[f32], folds: &[usize], n_classes: usize) -> Refined {
    let row = |i: usize| -> Vec<f64> {
        rows[i * n_classes..][..n_classes].iter().map(|&p| f64::from(p)).collect()
    };
    let sums = ByFold::collect(n_classes, n_classes, folds, |i| {
        let x = row(i);
        let truth = &truth[i * n_classes..][..n_classes];
        let y = truth.iter().zip(&x).map(|(&y, x)| f64::from(y) - x).collect();
        (x, y)
    });
    let lines = sums.lines(best_penalty(std::slice::from_ref(&sums)));
    let refined = folds.iter().enumerate().flat_map(|(i, fold)| {
        let x = row(i);
        let added = lines.without[fold].at(&x);
        x.into_iter().zip(added).map(|(x, added)| x + added).collect::<Vec<f64>>()
    });
    Refined { rows: refined.collect(), line: lines.all }
}

/// One matrix that does what both levels do.
fn compose(refined: &[Refined], by_class: &[FoldLines], n_classes: usize) -> Rule {
    let share = 1.0 / refined.len() as f64;
    let mut bias: Vec<f64> = by_class.iter().map(|lines| lines.all.bias[0]).collect();
    let mut weights = Vec::with_capacity(refined.len() * n_classes);
    for (member, Refined { line, .. }) in refined.iter().enumerate() {
        let of_member: Vec<f64> =
            by_class.iter().map(|lines| share + lines.all.weights[member]).collect();
        for class in 0..n_classes {
            bias[class] += of_member[class] * line.bias[class];
        }
        for (input, row) in line.weights.chunks_exact(n_classes).enumerate() {
            let own = |class: usize| f64::from(u8::from(class == input));
            let composed =
                row.iter().enumerate().map(|(class, w)| of_member[class] * (own(class) + w));
            weights.push(composed.collect());
        }
    }
    Rule::Linear { bias, weights }
}

/// The sums of each fold.
struct ByFold {
    folds: BTreeMap<usize, Moments>,
    all: Moments,
}

/// What was fitted on all images, and without each fold.
struct FoldLines {
    all: Line,
    without: BTreeMap<usize, Line>,
}

impl ByFold {
    fn collect(
        n_inputs: usize,
        n_outputs: usize,
        folds: &[usize],
        image: impl Fn(usize) -> (Vec<f64>, Vec<f64>),
    ) -> Self {
        let mut sums: BTreeMap<usize, Moments> = BTreeMap::new();
        for (i, &fold) in folds.iter().enumerate() {
            let (x, y) = image(i);
            sums.entry(fold).or_insert_with(|| Moments::new(n_inputs, n_outputs)).add(&x, &y);
        }
        let mut all = Moments::new(n_inputs, n_outputs);
        for fold in sums.values() {
            all.combine(fold, 1.0);
        }
        Self { folds: sums, all }
    }

    fn lines(&self, penalty: f64) -> FoldLines {
        let without = self.folds.iter().map(|(&fold, sums)| {
            let mut others = self.all.clone();
            others.combine(sums, -1.0);
            (fold, others.ridge(penalty))
        });
        FoldLines { without: without.collect(), all: self.all.ridge(penalty) }
    }

    /// The squared error of each fold by what was fitted without it.
    fn held_out_error(&self, penalty: f64) -> f64 {
        let lines = self.lines(penalty).without;
        self.folds.iter().map(|(fold, sums)| sums.squared_error(&lines[fold])).sum()
    }
}

/// The penalty with the least error on held-out folds, summed over `problems`.
fn best_penalty(problems: &[ByFold]) -> f64 {
    let error = |penalty: f64| problems.iter().map(|sums| sums.held_out_error(penalty)).sum();
    let errors: Vec<(f64, f64)> = PENALTIES.map(|penalty| (error(penalty), penalty)).to_vec();
    let best = errors.into_iter().min_by(|a: &(f64, f64), b| a.0.total_cmp(&b.0));
    best.map_or(PENALTIES[PENALTIES.len() - 1], |(_, penalty)| penalty)
}
