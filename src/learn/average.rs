//! Stochastic weight averaging (Izmailov et al. 2018, <https://arxiv.org/abs/1803.05407>): the mean of the
//! whole network's weights at the ends of cycles, or of all epochs, in one network. It predicts unless the
//! best of those epochs is clearly better on the held-out images.
//!
//! Norms' statistics are averaged as weights are. The paper measures them anew; with statistics as pretrained,
//! which is the default, there is nothing to measure.

use anyhow::Result;

use super::choose::{CLEARLY, standard_errors};
use super::golden_rule::describe;
use super::learner::Learner;
use super::model::Model;
use super::stop::Stop;
use crate::recipe::WeightAverage;
use crate::run::{Entry, Stage};

impl<M: Model> Learner<'_, M> {
    /// Takes the weights as they are into their mean, where the recipe has them at such a moment.
    pub(super) fn average_at(&mut self, moment: WeightAverage, stage: Stage) {
        let wanted = self.data.recipe.whole_network.average;
        if stage != Stage::WholeNetwork || wanted != moment {
            return;
        }
        let now = self.model.snapshot();
        let n = self.journal.averaged;
        self.average = Some(match self.average.take() {
            None => now,
            Some(mean) => {
                self.model.go_towards(&mean, n as f64 / (n + 1) as f64);
                let mean = self.model.snapshot();
                self.model.restore(&now);
                mean
            }
        });
        self.journal.averaged = n + 1;
        self.is_kept.average = false;
    }

    /// Goes to the mean, where there is one of several moments and the best weights, which the model has, are
    /// not clearly better. Says which of the two it is.
    pub(super) fn keep_average(&mut self) -> Result<Option<String>> {
        let read = |entry: &Entry| match entry {
            Entry::Averaged { is_kept, mean, best } => Some((*is_kept, *mean, *best)),
            _ => None,
        };
        let n = self.journal.averaged;
        if self.has_averaged || n < 2 {
            return Ok(None);
        }
        self.has_averaged = true;
        let (is_kept, mean, best) = self.once(read, |learner| {
            let Some(weights) = learner.average.take() else { return Err(Stop::NoAnswer.into()) };
            let (is_kept, mean, best) = if let Some(plan) = &learner.data.plan {
                learner.model.restore(&weights);
                plan.averaged()?
            } else {
                let best = learner.judge()?;
                learner.model.restore(&weights);
                let mean = learner.judge()?;
                (standard_errors(&mean, &best) < CLEARLY, mean.score, best.score)
            };
            if is_kept {
                learner.keep_as_best(mean);
            } else {
                learner.restore_best();
            }
            Ok(((is_kept, mean, best), Entry::Averaged { is_kept, mean, best }))
        })?;
        let [mean, best] = [mean, best].map(|score| describe(self.data, Some(&score)));
        Ok(Some(if is_kept {
            format!("mean of the weights at {n} moments: {mean}; the best of them: {best}")
        } else {
            format!("mean of the weights at {n} moments: {mean}; left for the best of them: {best}")
        }))
    }
}
