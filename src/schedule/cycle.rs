//! What one cycle of training looks like: the rate and the momentum over its course.

use serde::{Deserialize, Serialize};

use super::curve::{cosine, two_cosines};

/// The course of the rate over a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Half a cosine from the full rate to nothing, after a linear climb where there is a warm-up.
    Cosine,
    /// fast.ai v0.7's `CosAnneal`: the same cosine, but the warm-up stands at a hundredth of the
    /// rate and then jumps.
    CosAnneal,
    /// Up and further down, momentum down and up (Smith and Topin 2017,
    /// <https://arxiv.org/abs/1708.07120>; fastai's `fit_one_cycle`). The climb is its own.
    OneCycle,
    /// The full rate for three quarters, then half a cosine down (fastai's `fit_flat_cos`).
    FlatCosine,
}

/// A warm-up starts at this part of the rate, as fast.ai v0.7 does.
const WARM_UP_START: f64 = 0.01;

/// fastai's `pct_start`, `1 / div` and `1 / div_final` of `fit_one_cycle`.
const CLIMB: f64 = 0.25;
const CLIMB_START: f64 = 1.0 / 25.0;
const LANDING: f64 = 1e-5;

/// fastai's `moms`: momentum at the start, at the rate's height, at the end.
const MOMENTA: [f64; 3] = [0.95, 0.85, 0.95];

/// fastai's `pct_start` of `fit_flat_cos`.
const FLAT: f64 = 0.75;

impl Schedule {
    /// The rate at `t` in `[0, 1]` of the cycle, as a part of its full height.
    ///
    /// `warm_up` is the fraction of the cycle that warms up; 0 in cycles after a restart. The curve
    /// runs over the whole cycle and the climb multiplies it, so that cycles with and without one
    /// end alike.
    pub fn height(self, warm_up: f64, t: f64) -> f64 {
        match self {
            Self::Cosine => climb(warm_up, t) * cosine(1.0, 0.0, t),
            Self::CosAnneal if t < warm_up => WARM_UP_START,
            Self::CosAnneal => cosine(1.0, 0.0, t),
            Self::OneCycle => two_cosines(CLIMB, [CLIMB_START, 1.0, LANDING], t),
            Self::FlatCosine => climb(warm_up, t) * two_cosines(FLAT, [1.0, 1.0, LANDING], t),
        }
    }

    /// The momentum (`AdamW`'s beta 1) at `t` in `[0, 1]`: `usual`, but for the one-cycle's.
    pub fn momentum(self, usual: f64, t: f64) -> f64 {
        match self {
            Self::Cosine | Self::CosAnneal | Self::FlatCosine => usual,
            Self::OneCycle => two_cosines(CLIMB, MOMENTA, t),
        }
    }
}

/// A linear climb to 1.
fn climb(warm_up: f64, t: f64) -> f64 {
    if t < warm_up { WARM_UP_START + (1.0 - WARM_UP_START) * t / warm_up } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::super::curve::tests::{assert_close, reference};
    use super::super::cycle_epochs;
    use super::*;

    const ALL: [Schedule; 4] =
        [Schedule::Cosine, Schedule::CosAnneal, Schedule::OneCycle, Schedule::FlatCosine];

    #[test]
    fn a_warm_up_climbs_and_then_leaves_the_cosine_alone() {
        for schedule in [Schedule::Cosine, Schedule::FlatCosine] {
            let height = |t| schedule.height(0.1, t);
            assert_eq!(height(0.0), 0.01);
            assert!(height(0.05) < height(0.0999) && height(0.0999) <= height(0.1));
            for t in [0.1, 0.5, 1.0] {
                assert_eq!(height(t), schedule.height(0.0, t));
            }
        }
    }

    #[test]
    fn cos_anneal_has_the_values_of_fastai_0_7() {
        let expected = reference(
            "v0.7 CosAnneal lr 1, 100 batches a cycle (first 5 % at 1/100), batches 0,4,5,6,50,99",
        );
        for (batch, expected) in [0, 4, 5, 6, 50, 99].into_iter().zip(expected) {
            let t = f64::from(batch) / 100.0;
            assert_close(Schedule::CosAnneal.height(0.05, t), expected);
        }
    }

    /// `calc_lr` of v0.7, replayed batch by batch through three cycles of 100, 200 and 400.
    #[test]
    fn restarts_come_at_the_batches_of_fastai_0_7() {
        let mut theirs = Vec::new();
        let (mut n_batches, mut batch_of_cycle, mut cycle) = (100, 0, 0);
        for batch in 0.. {
            if batch < n_batches / 20 {
                batch_of_cycle += 1;
                theirs.push(0.01);
                continue;
            }
            let angle = std::f64::consts::PI * f64::from(batch_of_cycle) / f64::from(n_batches);
            theirs.push(0.5 * (angle.cos() + 1.0));
            batch_of_cycle += 1;
            if batch_of_cycle == n_batches {
                (n_batches, batch_of_cycle, cycle) = (2 * n_batches, 0, cycle + 1);
                if cycle == 3 {
                    break;
                }
            }
        }
        let ours: Vec<f64> = cycle_epochs(1, 2, 3)
            .enumerate()
            .flat_map(|(cycle, epochs)| {
                let (n, warm_up) = (100 * epochs, if cycle == 0 { 0.05 } else { 0.0 });
                (0..n).map(move |i| Schedule::CosAnneal.height(warm_up, i as f64 / n as f64))
            })
            .collect();
        assert_eq!(ours.len(), 700);
        assert_eq!((ours[99] < 1e-3, ours[100], ours[300]), (true, 1.0, 1.0));
        for (i, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert!((ours - theirs).abs() < 1e-12, "batch {i}: {ours} is not {theirs}");
        }
    }

    #[test]
    fn one_cycle_has_fastai_s_rates_and_momenta() {
        let expected = reference("one-cycle pct .25: 4e-4 -> 1e-2 -> 1e-7");
        for (t, expected) in reference("positions").into_iter().zip(expected) {
            assert_close(1e-2 * Schedule::OneCycle.height(0.05, t), expected);
        }
        // [combined_cos(.25, .95, .85, .95)(i / 4) for i in range(5)]
        for (i, expected) in [0.95, 0.85, 0.875, 0.925, 0.95].into_iter().enumerate() {
            assert_close(Schedule::OneCycle.momentum(0.9, i as f64 / 4.0), expected);
        }
        assert_eq!(Schedule::Cosine.momentum(0.9, 0.25), 0.9);
    }

    #[test]
    fn flat_cosine_is_flat_for_three_quarters() {
        // [combined_cos(.75, 1, 1, 1e-5)(t) for t in (0, .5, .75, .875, 1)]
        for (t, expected) in [(0.0, 1.0), (0.5, 1.0), (0.75, 1.0), (0.875, 0.500_005), (1.0, 1e-5)]
        {
            assert_close(Schedule::FlatCosine.height(0.0, t), expected);
        }
    }

    #[test]
    fn no_schedule_leaves_its_range() {
        for schedule in ALL {
            for i in 0..=1000 {
                let t = f64::from(i) / 1000.0;
                let (height, momentum) = (schedule.height(0.05, t), schedule.momentum(0.9, t));
                assert!((0.0..=1.0).contains(&height), "{schedule:?} is {height} at {t}");
                assert!((0.85..=0.95).contains(&momentum), "{schedule:?} has {momentum} at {t}");
            }
        }
    }

    #[test]
    fn recipes_name_schedules_in_kebab_case() {
        let names = ALL.map(|schedule| serde_json::to_string(&schedule).unwrap());
        assert_eq!(names, ["\"cosine\"", "\"cos-anneal\"", "\"one-cycle\"", "\"flat-cosine\""]);
    }
}
