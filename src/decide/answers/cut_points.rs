//! Limits between the levels of classes that have an order.
//!
//! A level that was trained by squared error lies nearer to the middle than what is true, the more the
//! less is known, so halves are no good limits for kappa. `n - 1` limits are moved one after another to
//! their best places, the others standing, until none moves; from halves, and from the limits by
//! which classes are answered as often as they are true, since kappa punishes other margins.

use super::search::{best_place, places_between};
use crate::target::Said;

/// It usually stands still after three.
const MAX_ROUNDS: usize = 12;
/// What a move must gain.
const GAIN: f64 = 1e-12;

/// The class at a level: how many limits it has reached.
pub(super) fn class_at(level: f64, points: &[f64]) -> usize {
    points.iter().filter(|&&point| level >= point).count()
}

/// A half between each two of `n_classes`.
pub(super) fn halves(n_classes: usize) -> Vec<f64> {
    (1..n_classes).map(|class| class as f64 - 0.5).collect()
}

/// The limits with the largest score that moving one at a time finds; `truth` is a class a level.
pub(super) fn fit(
    levels: &[f64],
    truth: &[usize],
    n_classes: usize,
    mut score: impl FnMut(&Said) -> f64,
) -> Vec<f64> {
    let mut best: Option<(f64, Vec<f64>)> = None;
    for start in [halves(n_classes), as_often(levels, truth, n_classes)] {
        let mut search = Search::new(levels, start);
        let found = search.run(&mut score);
        if best.as_ref().is_none_or(|(most, _)| found > most + GAIN) {
            best = Some((found, search.points));
        }
    }
    best.map_or_else(|| halves(n_classes), |(_, points)| points)
}

/// The limits by which each class is answered as often as it is true.
fn as_often(levels: &[f64], truth: &[usize], n_classes: usize) -> Vec<f64> {
    let mut rising = levels.to_vec();
    rising.sort_unstable_by(f64::total_cmp);
    let below = |class: usize| truth.iter().filter(|&&of| of < class).count();
    let point = |class: usize| match below(class) {
        _ if rising.is_empty() => class as f64 - 0.5,
        0 => rising[0] - 0.5,
        n if n >= rising.len() => rising[rising.len() - 1] + 0.5,
        n => f64::midpoint(rising[n - 1], rising[n]),
    };
    (1..n_classes).map(point).collect()
}

struct Search<'a> {
    levels: &'a [f64],
    points: Vec<f64>,
    /// The answers by these points; changed in place, since there are many.
    said: Said,
}

impl<'a> Search<'a> {
    fn new(levels: &'a [f64], points: Vec<f64>) -> Self {
        let said = Said::Lists(levels.iter().map(|_| vec![0]).collect());
        Self { levels, points, said }
    }

    fn run(&mut self, score: &mut impl FnMut(&Said) -> f64) -> f64 {
        let mut best = self.scored(score);
        for _ in 0..MAX_ROUNDS {
            let before = best;
            for moved in 0..self.points.len() {
                best = best.max(self.move_one(moved, best, score));
            }
            if best <= before + GAIN {
                break;
            }
        }
        best
    }

    /// Moves a limit to its best place between its neighbours, if that gains; gives the score then.
    fn move_one(&mut self, moved: usize, best: f64, score: &mut impl FnMut(&Said) -> f64) -> f64 {
        let from = self.points[moved];
        let ends = self.levels.iter().fold((from, from), |(low, high), &level| {
            (low.min(level - 0.5), high.max(level + 0.5))
        });
        let low = if moved == 0 { ends.0 } else { self.points[moved - 1] };
        let high = self.points.get(moved + 1).copied().unwrap_or(ends.1);
        let places = places_between(self.levels.to_vec(), low, high);
        let found = best_place(&places, |place| {
            self.points[moved] = place;
            self.scored(score)
        });
        self.points[moved] = found.unwrap_or(from);
        let now = self.scored(score);
        if now <= best + GAIN {
            self.points[moved] = from;
        }
        now
    }

    fn scored(&mut self, score: &mut impl FnMut(&Said) -> f64) -> f64 {
        if let Said::Lists(lists) = &mut self.said {
            for (list, &level) in lists.iter_mut().zip(self.levels) {
                list[0] = class_at(level, &self.points);
            }
        }
        score(&self.said)
    }
}
