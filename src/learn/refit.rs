//! What a finished run decided by the images that it held out, for a network that trains on these as well.
//!
//! The golden rule is done again, and wherever it would ask the held-out images it is told what they said the
//! first time: how many epochs, which of them was the best, how strong a linear layer, which of three networks.
//! So the second network is the first one's with more images, and needs no images to choose by.

use anyhow::{Context, Result, ensure};

use crate::recipe::{WeightAverage, WholeNetwork};
use crate::run::{Entry, Journal, Kept, Score, Stage};

/// What a journal does not tell, though the run that follows it needs it.
fn no_plan(missing: &str) -> String {
    format!(
        "the run whose plan is followed went another way, or its `journal.toml` was edited: {missing}\nhint: \
         train both again with `--anew`"
    )
}

/// The journal of a finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    journal: Journal,
}

impl Plan {
    /// An error where the run did not come to its end.
    pub fn new(journal: Journal) -> Result<Self> {
        ensure!(
            !journal.diverged,
            "its training ended at a number that is none, so it is no plan\nhint: lower the rate, such as `--set \
             find-full-rate.run=false --set find-full-rate.rate=1e-4`, or set `optimizer.clip-norm=1`"
        );
        ensure!(
            !journal.was_stopped,
            "its training was ended before its end, so it is no plan\nhint: train it again with `--anew`, and \
             without `--max-minutes`"
        );
        Ok(Self { journal })
    }

    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The rate that a finder chose, if one ran.
    pub(super) fn rate(&self, wanted: Stage) -> Option<f64> {
        self.find(|entry| match entry {
            Entry::Rate { stage, rate } if *stage == wanted => Some(*rate),
            _ => None,
        })
    }

    /// The score after each epoch of a cycle.
    pub(super) fn scores(&self, wanted: Stage, cycle: usize) -> Result<&[Score]> {
        let found = self.find(|entry| match entry {
            Entry::Cycle { stage, number, scores } if (*stage, *number) == (wanted, cycle) => {
                Some(scores.as_slice())
            }
            _ => None,
        });
        found.with_context(|| no_plan(&format!("no cycle {cycle} of `{}`", wanted.title())))
    }

    /// The scores after each epoch of each cycle of a stage, in their order.
    pub(super) fn cycles(&self, wanted: Stage) -> Vec<&[Score]> {
        let cycles = self.journal.done.iter().filter_map(|entry| match entry {
            Entry::Cycle { stage, scores, .. } if *stage == wanted => Some(scores.as_slice()),
            _ => None,
        });
        cycles.collect()
    }

    /// So many of step 8's cycles lead to what is kept of it.
    pub(super) fn whole_cycles(&self, settings: &WholeNetwork) -> usize {
        let done = self.cycles(Stage::WholeNetwork);
        if settings.average != WeightAverage::None || settings.snapshots > 0 {
            return done.len();
        }
        let best = |scores: &[Score]| scores.iter().map(|s| s.loss).fold(f64::INFINITY, f64::min);
        let wanted = (0..done.len()).min_by(|&a, &b| best(done[a]).total_cmp(&best(done[b])));
        wanted.map_or(0, |last| last + 1)
    }

    /// The share of step 8's epochs that are trained again.
    pub fn whole_share(&self, settings: &WholeNetwork) -> f64 {
        let done = self.cycles(Stage::WholeNetwork);
        let epochs = |of: &[&[Score]]| of.iter().map(|scores| scores.len()).sum::<usize>() as f64;
        epochs(&done[..self.whole_cycles(settings)]) / epochs(&done).max(1.0)
    }

    /// The strength of the linear layer, its score, and that of the mean.
    pub(super) fn fitted(&self, wanted: Stage) -> Result<(f64, Score, Score)> {
        let found = self.find(|entry| match entry {
            Entry::Fitted { stage, strength, linear, mean } if *stage == wanted => {
                Some((*strength, *linear, *mean))
            }
            _ => None,
        });
        found.with_context(|| no_plan("no linear layer"))
    }

    /// Whether the mean of weights was kept, its score, and that of the best of them.
    pub(super) fn averaged(&self) -> Result<(bool, Score, Score)> {
        self.find(|entry| match entry {
            Entry::Averaged { is_kept, mean, best } => Some((*is_kept, *mean, *best)),
            _ => None,
        })
        .with_context(|| no_plan("no mean of weights"))
    }

    /// Which network was kept, and the scores of the three.
    pub(super) fn chosen(&self) -> Result<(Kept, [Score; 3])> {
        self.find(|entry| match entry {
            Entry::Chosen { kept, frozen, midway, whole } => {
                Some((*kept, [*frozen, *midway, *whole]))
            }
            _ => None,
        })
        .with_context(|| no_plan("no network was kept"))
    }

    fn find<'a, T>(&'a self, read: impl FnMut(&'a Entry) -> Option<T>) -> Option<T> {
        self.journal.done.iter().find_map(read)
    }
}
