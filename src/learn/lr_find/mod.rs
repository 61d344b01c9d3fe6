//! The learning-rate finder: a sweep of ever higher rates over a few batches, and what it says
//! (Smith 2015, <https://arxiv.org/abs/1506.01186>; fast.ai's `lr_find`).
//!
//! `sweep.rs` makes the sweep, `suggest.rs` reads rates off it. Which one is taken is decided here.

pub mod suggest;
mod sweep;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use suggest::Suggestions;

/// A sweep and the rates read off it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateCurve {
    /// The last group's rate at each step.
    pub rates: Vec<f64>,
    /// The batch losses, smoothed by an exponential mean with its bias corrected.
    pub losses: Vec<f64>,
    /// The batch losses as they were.
    pub batch_losses: Vec<f64>,
    /// Why the sweep ended.
    pub end: SweepEnd,
    /// What each rule says.
    pub suggestions: Suggestions,
}

/// Why a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SweepEnd {
    /// The last rate was reached.
    LastRate,
    /// The smoothed loss rose above four times its best.
    Exploded,
    /// The loss was not a number.
    NotFinite,
}

/// The rate that training takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The last group's.
    pub rate: f64,
    /// Where it comes from.
    pub why: Why,
}

/// Where a rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It is the highest one at which the loss still clearly improves.
    Clear,
    /// The loss never clearly improves, so that nothing can be read off the curve: the usual rate.
    NeverImproves,
    /// The loss never clearly improves, and explodes at this rate, less than ten times the usual
    /// one: a tenth of it.
    Explodes(f64),
}

impl RateCurve {
    /// The rate to train with: the golden rule's own suggestion, else `usual`, but never within a
    /// tenth of a rate at which the loss exploded. A curve that never improves is not guessed from.
    pub fn choice(&self, usual: f64) -> Choice {
        if let Some(rate) = self.suggestions.clear {
            return Choice { rate, why: Why::Clear };
        }
        match (self.end, self.rates.last()) {
            (SweepEnd::Exploded | SweepEnd::NotFinite, Some(&last)) if last / 10.0 < usual => {
                Choice { rate: last / 10.0, why: Why::Explodes(last) }
            }
            _ => Choice { rate: usual, why: Why::NeverImproves },
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { rate, why } = self;
        match why {
            Why::Clear => {
                write!(f, "{rate:.1e}, the highest rate at which the loss still clearly improves")
            }
            Why::NeverImproves => write!(
                f,
                "the loss never clearly improves at any rate: {rate:.1e}, the recipe's own, is taken"
            ),
            Why::Explodes(last) => write!(
                f,
                "the loss never clearly improves and explodes at {last:.1e}: {rate:.1e}, a tenth \
                 of that, is taken"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let told = |clear, end, usual| curve(clear, end).choice(usual).to_string();
        assert_eq!(
            told(Some(2e-4), SweepEnd::Exploded, 3e-3),
            "2.0e-4, the highest rate at which the loss still clearly improves"
        );
        assert_eq!(
            told(None, SweepEnd::LastRate, 3e-3),
            "the loss never clearly improves at any rate: 3.0e-3, the recipe's own, is taken"
        );
        assert_eq!(
            told(None, SweepEnd::Exploded, 3e-3),
            "the loss never clearly improves and explodes at 1.0e-3: 1.0e-4, a tenth of that, is \
             taken"
        );
    }

    #[test]
    fn a_sweep_that_exploded_bounds_the_usual_rate() {
        let rate = |end| curve(None, end).choice(3e-3).rate;
        assert_eq!(rate(SweepEnd::Exploded), 1e-3 / 10.0);
        assert_eq!(rate(SweepEnd::NotFinite), 1e-3 / 10.0);
        assert_eq!(rate(SweepEnd::LastRate), 3e-3);
        let within = curve(None, SweepEnd::Exploded).choice(5e-5);
        assert_eq!(within, Choice { rate: 5e-5, why: Why::NeverImproves });
    }

    #[test]
    fn a_curve_is_read_back_as_it_was_logged() {
        let curve = curve(Some(2e-4), SweepEnd::Exploded);
        let text = serde_json::to_string(&curve).unwrap();
        assert_eq!(serde_json::from_str::<RateCurve>(&text).unwrap(), curve);
    }
}
