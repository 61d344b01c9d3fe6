//! The learning-rate finder: a sweep of ever higher rates over a few batches, and what it says
//! (Smith 2015, <https://arxiv.org/abs/1506.01186>; fast.ai's `lr_find`).
//!
//! `sweep.rs` makes the sweep, `suggest.rs` reads rates off it. Which one is taken is decided here.

pub mod suggest;
mod sweep;

use crate::run::{RateChoice, RateCurve, RateReason, SweepEnd};

/// The rate to train with: the golden rule's own suggestion, else `usual`, but never within a tenth
/// of a rate at which the loss exploded. A curve that never improves is not guessed from.
pub fn choose_rate(curve: &RateCurve, usual: f64) -> RateChoice {
    if let Some(rate) = curve.suggestions.clear {
        return RateChoice { rate, why: RateReason::Clear };
    }
    match (curve.end, curve.rates.last()) {
        (SweepEnd::Exploded | SweepEnd::NotFinite, Some(&last)) if last / 10.0 < usual => {
            RateChoice { rate: last / 10.0, why: RateReason::Explodes(last) }
        }
        _ => RateChoice { rate: usual, why: RateReason::NeverImproves },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Suggestions;

    fn curve(clear: Option<f64>, end: SweepEnd) -> RateCurve {
        RateCurve {
            rates: vec![1e-5, 1e-4, 1e-3],
            losses: vec![1.0, 1.0, 5.0],
            batch_losses: vec![1.0, 1.0, 9.0],
            end,
            suggestions: Suggestions { clear, valley: clear, ..Suggestions::default() },
        }
    }

    #[test]
    fn a_choice_says_where_it_comes_from() {
        let described = |clear, end, usual| choose_rate(&curve(clear, end), usual).to_string();
        assert_eq!(
            described(Some(2e-4), SweepEnd::Exploded, 3e-3),
            "2.0e-4, the highest rate at which the loss still clearly improves"
        );
        assert_eq!(
            described(None, SweepEnd::LastRate, 3e-3),
            "the loss never clearly improves at any rate: 3.0e-3, the recipe's own, is taken"
        );
        assert_eq!(
            described(None, SweepEnd::Exploded, 3e-3),
            "the loss never clearly improves and explodes at 1.0e-3: 1.0e-4, a tenth of that, is \
             taken"
        );
    }

    #[test]
    fn a_sweep_that_exploded_bounds_the_usual_rate() {
        let rate = |end| choose_rate(&curve(None, end), 3e-3).rate;
        assert_eq!(rate(SweepEnd::Exploded), 1e-3 / 10.0);
        assert_eq!(rate(SweepEnd::NotFinite), 1e-3 / 10.0);
        assert_eq!(rate(SweepEnd::LastRate), 3e-3);
        let within = choose_rate(&curve(None, SweepEnd::Exploded), 5e-5);
        assert_eq!(within, RateChoice { rate: 5e-5, why: RateReason::NeverImproves });
    }
}
