//! The end of the golden rule: the head alone, the whole network, or the one midway between them.
//!
//! A few hundred held-out images cannot tell two good networks apart, and the lower of two losses is as
//! often the luckier one. Midway between a fine-tuned network and the one that it began as lies one that is
//! nearly as good as the better of them, or better than both (Wortsman et al. 2021,
//! <https://arxiv.org/abs/2109.01903>): it is kept unless one of the two is clearly better, image by image.

use anyhow::Result;

use super::golden_rule::describe;
use super::held_out::{losses, standard_error};
use super::learner::Learner;
use super::model::Model;
use super::stop::Stop;
use crate::run::{Entry, Kept, Score};

/// How many standard errors of the difference are clear.
pub(super) const CLEARLY: f64 = 2.0;

/// A network's score on the held-out images, and its loss on each of them.
pub(super) struct Judged {
    pub(super) score: Score,
    losses: Vec<f64>,
}

impl<M: Model> Learner<'_, M> {
    /// Goes to the network that is kept, where the backbone has trained and nothing is chosen yet. Says which
    /// it is, and why.
    pub(super) fn choose(&mut self) -> Result<Option<String>> {
        let averaged = self.keep_average()?;
        let chosen = self.choose_of_three()?;
        let told: Vec<String> = averaged.into_iter().chain(chosen).collect();
        Ok((!told.is_empty()).then(|| told.join("; ")))
    }

    fn choose_of_three(&mut self) -> Result<Option<String>> {
        let read = |entry: &Entry| match entry {
            Entry::Chosen { kept, frozen, midway, whole } => {
                Some((*kept, [*frozen, *midway, *whole]))
            }
            _ => None,
        };
        let has_both = self.journal.frozen.is_some() && self.journal.best.is_some();
        if self.has_chosen || !has_both {
            return Ok(None);
        }
        self.has_chosen = true;
        let (kept, [frozen, midway, whole]) = self.once(read, |learner| {
            let (kept, [frozen, midway, whole]) = learner.compare()?;
            let entry = Entry::Chosen { kept, frozen, midway, whole };
            Ok(((kept, [frozen, midway, whole]), entry))
        })?;
        let (name, score) = match kept {
            Kept::Frozen => ("the head alone, which is clearly better", frozen),
            Kept::Midway => {
                ("the network midway between both, since neither is clearly better", midway)
            }
            Kept::Whole => ("the whole network, which is clearly better", whole),
        };
        let told = describe(self.data, Some(&score));
        Ok(Some(format!(
            "held-out loss of the head alone {:.4}, of the whole network {:.4}; kept: {name}: {told}",
            frozen.loss, whole.loss
        )))
    }

    /// The model is the best of the whole network.
    fn compare(&mut self) -> Result<(Kept, [Score; 3])> {
        let Some(frozen) = self.frozen.take() else { return Err(Stop::NoAnswer.into()) };
        if let Some(plan) = &self.data.plan {
            let (kept, scores) = plan.chosen()?;
            let [of_frozen, of_midway, of_whole] = scores;
            self.restore_best();
            let of_kept = match kept {
                Kept::Frozen => {
                    self.model.restore(&frozen);
                    of_frozen
                }
                Kept::Midway => {
                    self.model.go_towards(&frozen, 0.5);
                    self.align()?;
                    of_midway
                }
                Kept::Whole => of_whole,
            };
            self.keep_as_best(of_kept);
            return Ok((kept, scores));
        }
        let whole = self.judge()?;
        self.model.restore(&frozen);
        let head = self.judge()?;
        self.restore_best();
        self.model.go_towards(&frozen, 0.5);
        self.align()?;
        let midway = self.judge()?;
        let scores = [head.score, midway.score, whole.score];
        let by_head = standard_errors(&midway, &head);
        let by_whole = standard_errors(&midway, &whole);
        let (kept, of_kept) = if by_head.max(by_whole) < CLEARLY {
            (Kept::Midway, midway.score)
        } else if by_head > by_whole {
            self.model.restore(&frozen);
            (Kept::Frozen, head.score)
        } else {
            self.restore_best();
            (Kept::Whole, whole.score)
        };
        self.keep_as_best(of_kept);
        Ok((kept, scores))
    }

    pub(super) fn judge(&mut self) -> Result<Judged> {
        let said = self.held_out()?;
        let score = self.score_of(&said)?;
        if !score.loss.is_finite() {
            return Err(Stop::NoAnswer.into());
        }
        Ok(Judged { score, losses: losses(self.data, &said) })
    }
}

/// By how many standard errors of the mean difference `other` loses less.
pub(super) fn standard_errors(one: &Judged, other: &Judged) -> f64 {
    let pairs = one.losses.iter().zip(&other.losses);
    let differences: Vec<f64> = pairs.map(|(one, other)| one - other).collect();
    let mean = differences.iter().sum::<f64>() / differences.len().max(1) as f64;
    match standard_error(&differences) {
        Some(error) if error > 0.0 => mean / error,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_counts_by_its_own_spread() {
        let judged = |losses: &[f64]| Judged {
            score: Score { loss: 0.0, metric: 0.0, accuracy: None, error: None },
            losses: losses.to_vec(),
        };
        let (one, other) = (judged(&[0.5, 0.1, 0.9, 0.3]), judged(&[0.4, 0.0, 0.8, 0.21]));
        // Differences .1 .1 .1 .09: mean .0975, deviation .005.
        assert!((standard_errors(&one, &other) - 0.0975 / 0.0025).abs() < 1e-6);
        // The same mean by one image alone.
        let lucky = judged(&[0.5, 0.1, 0.51, 0.3]);
        let found = standard_errors(&one, &lucky);
        assert!((found - 1.0).abs() < 1e-9, "{found}");
        assert_eq!(standard_errors(&one, &one), 0.0);
    }
}
