//! What the learning-rate finder saw, and the rate that was taken.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::checked::{self, Fault, finite, hold};
use super::number;
use super::stage::Stage;

/// A learning-rate finder that ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    pub stage: Stage,
    pub curve: RateCurve,
    /// The rate that training goes on with.
    pub chosen: RateChoice,
}

/// A sweep and the rates read off it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateCurve {
    /// The last group's rate at each step.
    pub rates: Vec<f64>,
    /// The batch losses, smoothed by an exponential mean with its bias corrected.
    #[serde(deserialize_with = "number::each_or_nan")]
    pub losses: Vec<f64>,
    /// The batch losses as they were.
    #[serde(deserialize_with = "number::each_or_nan")]
    pub batch_losses: Vec<f64>,
    pub end: SweepEnd,
    pub suggestions: Suggestions,
}

impl Sweep {
    /// Finds what no curve can be drawn of.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let RateCurve { rates, losses, batch_losses, suggestions, .. } = &self.curve;
        let is_rate = |rate: f64| rate > 0.0 && finite("rate", rate).is_ok();
        let rate = |key: &str, rate: f64| hold(is_rate(rate), key, || format!("is {rate}"));
        let all = [rates.len(), losses.len(), batch_losses.len()];
        hold(all == [rates.len(); 3], "losses", || format!("are {} of {} rates", all[1], all[0]))?;
        for (i, &value) in rates.iter().enumerate() {
            rate(&format!("rates.{i}"), value)?;
        }
        for (i, &loss) in losses.iter().chain(batch_losses).enumerate() {
            checked::loss(&format!("losses.{i}"), loss)?;
        }
        for (name, found) in suggestions.named() {
            rate(name, found.unwrap_or(1.0))?;
        }
        if let RateReason::Explodes(last) = self.chosen.why {
            rate("explodes", last)?;
        }
        rate("chosen", self.chosen.rate)
    }
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

/// What each rule says of one sweep; none where it says nothing. The rules are in
/// `learn/lr_find/suggest.rs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Suggestions {
    /// The golden rule's: the highest rate at which the loss still clearly improves.
    pub clear: Option<f64>,
    pub valley: Option<f64>,
    pub steep: Option<f64>,
    pub slide: Option<f64>,
    pub minimum: Option<f64>,
}

impl Suggestions {
    /// The rules' names and what they say, the golden rule's own first.
    pub fn named(&self) -> [(&'static str, Option<f64>); 5] {
        [
            ("clear", self.clear),
            ("valley", self.valley),
            ("steep", self.steep),
            ("slide", self.slide),
            ("minimum", self.minimum),
        ]
    }
}

/// `clear 1.2e-3, valley 5.2e-4, ...`, without those that say nothing.
impl fmt::Display for Suggestions {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = |(name, rate): (&str, Option<f64>)| Some(format!("{name} {:.1e}", rate?));
        let all: Vec<String> = self.named().into_iter().filter_map(text).collect();
        f.write_str(&all.join(", "))
    }
}

/// The rate that training takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RateChoice {
    /// The last group's.
    pub rate: f64,
    pub why: RateReason,
}

/// Where a rate comes from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateReason {
    /// It is the highest one at which the loss still clearly improves.
    Clear,
    /// The loss never clearly improves, so that nothing can be read off the curve: the usual rate.
    NeverImproves,
    /// The loss never clearly improves, and explodes at this rate, less than ten times the usual
    /// one: a tenth of it.
    Explodes(f64),
}

impl fmt::Display for RateChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { rate, why } = self;
        match why {
            RateReason::Clear => {
                write!(f, "{rate:.1e}, the highest rate at which the loss still clearly improves")
            }
            RateReason::NeverImproves => write!(
                f,
                "the loss never clearly improves at any rate: {rate:.1e}, the recipe's own, is taken"
            ),
            RateReason::Explodes(last) => write!(
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

    #[test]
    fn a_curve_is_read_back_as_it_was_logged() {
        let curve = RateCurve {
            rates: vec![1e-5, 1e-4, 1e-3],
            losses: vec![1.0, 1.0, 5.0],
            batch_losses: vec![1.0, 1.0, 9.0],
            end: SweepEnd::Exploded,
            suggestions: Suggestions { clear: Some(2e-4), ..Suggestions::default() },
        };
        let text = serde_json::to_string(&curve).unwrap();
        assert_eq!(serde_json::from_str::<RateCurve>(&text).unwrap(), curve);
    }

    #[test]
    fn suggestions_are_told_on_one_line() {
        let found = Suggestions { valley: Some(5.214e-4), steep: Some(0.1), ..Default::default() };
        assert_eq!(found.to_string(), "valley 5.2e-4, steep 1.0e-1");
    }
}
