//! What several ranks decide together. Whether to stop, to write a checkpoint, or what a score is:
//! no rank answers that for itself, or two of them would do different things and wait for one another.

use anyhow::{Context, Result, bail};
use thiserror::Error;

use super::group::agreed;
use super::learner::Learner;
use super::model::Model;
use super::stop::Stop;
use crate::run::checkpoint::Loaded;
use crate::run::{Journal, Score};

/// Weights may differ by so much of their length at an epoch's end: processors of several kinds round
/// differently, which an epoch makes no more than a ten-thousandth of.
const MOST_APART: f64 = 1e-2;

/// Ranks that do not train the same network any more.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error(
    "the ranks have drifted apart: their weights differ by {apart:.1e} of their length\nhint: see that all \
     machines have the same version, then run the same command again, without `--anew`, to go on from the \
     checkpoint"
)]
pub struct DriftedApart {
    pub apart: f64,
}

/// What is true on some rank, and so counts for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(super) struct Signs {
    pub(super) is_interrupted: bool,
    pub(super) is_out_of_time: bool,
    pub(super) is_checkpoint_due: bool,
    /// Whether losses should be asked for.
    pub(super) is_asking_time: bool,
}

impl<M: Model> Learner<'_, M> {
    /// One small sum over all ranks. Nothing else asks the clock, Ctrl-C, or the checkpoints' date.
    pub(super) fn signs(&self) -> Result<Signs> {
        self.signs_and(false)
    }

    /// The same, with whether losses should be asked for.
    pub(super) fn signs_and(&self, asks: bool) -> Result<Signs> {
        let limits = &self.limits;
        let own =
            [limits.is_interrupted(), limits.is_out_of_time(), self.is_checkpoint_time(), asks];
        let mut numbers = own.map(|sign| f64::from(u8::from(sign)));
        self.group.sum(&mut numbers)?;
        let [is_interrupted, is_out_of_time, is_checkpoint_due, is_asking_time] =
            numbers.map(|n| n > 0.0);
        Ok(Signs { is_interrupted, is_out_of_time, is_checkpoint_due, is_asking_time })
    }

    /// Ends here after Ctrl-C; work since the last checkpoint will be done again.
    pub(super) fn check_interrupt(&self) -> Result<()> {
        if self.signs()?.is_interrupted { Err(self.interrupted()) } else { Ok(()) }
    }

    /// Ends here after Ctrl-C, or once the time is over; the step is the one that would come now.
    pub(super) fn check_stop(&self, signs: Signs, epoch: usize, step: usize) -> Result<()> {
        if signs.is_interrupted {
            return Err(self.interrupted());
        }
        if signs.is_out_of_time {
            return Err(Stop::OutOfTime { epoch, step }.into());
        }
        Ok(())
    }

    fn interrupted(&self) -> anyhow::Error {
        Stop::Interrupted { steps: self.journal.steps }.into()
    }

    /// The first rank's score. All have computed it of the same predictions.
    pub(super) fn agreed_score(&self, score: Score) -> Result<Score> {
        let accuracy = score.accuracy.unwrap_or_default();
        let error = score.error.unwrap_or_default();
        let own = [score.loss, score.metric, accuracy, error];
        let [loss, metric, of_all, of_loss] = agreed(&*self.group, own)?;
        let (accuracy, error) = (score.accuracy.map(|_| of_all), score.error.map(|_| of_loss));
        Ok(Score { loss, metric, accuracy, error })
    }

    /// The ranks' weights, made the same before anybody looks at what they say.
    pub(super) fn align(&mut self) -> Result<()> {
        let apart = self.model.align()?;
        // What is no number is found by the look at the validation images.
        if apart > MOST_APART {
            bail!(DriftedApart { apart });
        }
        Ok(())
    }

    /// What the first rank has read of a run that was stopped; any number of ranks goes on from it.
    pub(super) fn followed(
        &self,
        loaded: Option<Loaded<M::Snapshot>>,
    ) -> Result<Option<Loaded<M::Snapshot>>> {
        let share = self.group.share();
        if !share.is_one_of_several() {
            return Ok(loaded);
        }
        let [mut journal, mut state, mut best, mut frozen, mut average] = <[Vec<u8>; 5]>::default();
        if let Some(loaded) = &loaded {
            journal = toml::to_string(&loaded.journal)?.into_bytes();
            state = M::to_bytes(&loaded.state)?;
            best = loaded.best.as_ref().map(M::to_bytes).transpose()?.unwrap_or_default();
            frozen = loaded.frozen.as_ref().map(M::to_bytes).transpose()?.unwrap_or_default();
            average = loaded.average.as_ref().map(M::to_bytes).transpose()?.unwrap_or_default();
        }
        for bytes in [&mut journal, &mut state, &mut best, &mut frozen, &mut average] {
            self.group.follow(bytes)?;
        }
        if share.is_first() || journal.is_empty() {
            return Ok(loaded);
        }
        let journal: Journal = toml::from_str(std::str::from_utf8(&journal)?)
            .context("what the first rank goes on from is no journal")?;
        let read = |bytes: &[u8]| {
            if bytes.is_empty() { Ok(None) } else { self.model.snapshot_of(bytes).map(Some) }
        };
        let [best, frozen, average] = [read(&best)?, read(&frozen)?, read(&average)?];
        Ok(Some(Loaded { journal, state: self.model.snapshot_of(&state)?, best, frozen, average }))
    }
}
