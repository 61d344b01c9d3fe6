//! Learning rates as pure functions of where training stands: no state, nothing to restore.

use std::f64::consts::PI;

/// From `start` to `end` along half a cosine, `t` in `[0, 1]`
/// (SGDR, eq. 5: <https://arxiv.org/abs/1608.03983>).
pub fn cosine(start: f64, end: f64, t: f64) -> f64 {
    end + (start - end) * (1.0 + (PI * t).cos()) / 2.0
}

/// From `start` to `end` by a constant factor a step, `t` in `[0, 1]`.
pub fn exponential(start: f64, end: f64, t: f64) -> f64 {
    start * (end / start).powf(t)
}

/// One cosine cycle of a rate: fast.ai's `CosAnneal`, with a linear climb in place of its flat
/// first twentieth at `rate / 100`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cycle {
    /// The rate at its height.
    pub rate: f64,
    /// Fraction of the cycle in which the rate climbs to it; 0 in cycles after a restart.
    pub warm_up: f64,
}

impl Cycle {
    /// The rate at `t` in `[0, 1)` of the cycle. The cosine runs over the whole cycle and the climb
    /// multiplies it, so that cycles with and without a climb end alike.
    pub fn at(self, t: f64) -> f64 {
        let climb = if t < self.warm_up { 0.01 + 0.99 * t / self.warm_up } else { 1.0 };
        climb * cosine(self.rate, 0.0, t)
    }
}

/// The epochs of each cycle: `len`, `len * mult`, `len * mult^2`, ...
pub fn cycle_epochs(len: usize, mult: usize, cycles: usize) -> impl Iterator<Item = usize> {
    (0..cycles).scan(len, move |epochs, _| {
        let this = *epochs;
        *epochs = this.saturating_mul(mult);
        Some(this)
    })
}

/// The rate of each layer group, earliest first, when the last learns at `rate` and each one
/// before it `factor` times slower.
pub fn differential<const GROUPS: usize>(rate: f64, factor: f64) -> [f64; GROUPS] {
    std::array::from_fn(|group| rate / factor.powi((GROUPS - 1 - group) as i32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_restart_where_fastai_restarts() {
        // fit(lrs, 3, cycle_len=1, cycle_mult=2) is seven epochs (golden rule, A7).
        assert_eq!(cycle_epochs(1, 2, 3).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(cycle_epochs(2, 1, 3).collect::<Vec<_>>(), [2, 2, 2]);
    }

    #[test]
    fn the_cosine_has_fastai_s_values() {
        // [SchedCos(1e-2, 0)(i / 4) for i in range(5)]
        let expected = [0.01, 0.008_535_533_9, 0.005, 0.001_464_466_1, 0.0];
        for (i, expected) in expected.into_iter().enumerate() {
            assert!((cosine(1e-2, 0.0, i as f64 / 4.0) - expected).abs() < 1e-10);
        }
        // [SchedExp(1e-7, 10)(i / 4)]
        for (i, expected) in [1e-7, 1e-5, 1e-3, 1e-1, 10.0].into_iter().enumerate() {
            assert!((exponential(1e-7, 10.0, i as f64 / 4.0) / expected - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_warm_up_climbs_and_then_leaves_the_cosine_alone() {
        let cycle = Cycle { rate: 1.0, warm_up: 0.1 };
        assert!(cycle.at(0.0) < 0.02 && cycle.at(0.05) < cycle.at(0.1));
        assert_eq!(cycle.at(0.5), Cycle { rate: 1.0, warm_up: 0.0 }.at(0.5));
    }

    #[test]
    fn earlier_groups_learn_slower() {
        assert_eq!(differential::<3>(9.0, 3.0), [1.0, 3.0, 9.0]);
    }
}
