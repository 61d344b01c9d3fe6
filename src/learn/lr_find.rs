//! The learning-rate finder: a sweep of ever higher rates over a few batches, and what it says
//! (Smith 2015, <https://arxiv.org/abs/1506.01186>; fast.ai's `lr_find`).

use anyhow::Result;
use serde::Serialize;

use super::event::Event;
use super::learner::{FeedKind, Learner};
use super::model::Model;
use crate::recipe::FindRate;
use crate::schedule::{differential, exponential};

/// A sweep and the rate read off it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RateCurve {
    /// The last group's rate at each step.
    pub rates: Vec<f64>,
    /// The batch losses, smoothed by an exponential mean with its bias corrected.
    pub losses: Vec<f64>,
    /// The batch losses as they were.
    pub batch_losses: Vec<f64>,
    /// Why the sweep ended.
    pub end: SweepEnd,
    /// The highest rate at which the loss still clearly improves; none if it never does.
    pub suggestion: Option<f64>,
}

/// Why a sweep ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SweepEnd {
    /// The last rate was reached.
    LastRate,
    /// The smoothed loss rose above four times its best.
    Exploded,
    /// The loss was not a number.
    NotFinite,
}

/// fast.ai's rule: the sweep is over once the loss is so many times its best.
const EXPLOSION: f64 = 4.0;

/// fast.ai smooths 100 losses with a weight of 0.98 for the past; shorter sweeps look back over the
/// same part of the sweep.
const MEMORY_STEPS_PER_100: f64 = 10.0;

/// The slope that still counts as a clear improvement, as a part of the steepest.
const CLEAR: f64 = 0.5;

/// Sweeps start where nothing is learnt yet: what falls in the first fifth is the batches' luck.
const IDLE: usize = 5;

/// How many standard errors the loss must fall to have clearly improved.
const CLEARLY: f64 = 3.0;

impl<M: Model> Learner<'_, M> {
    /// Sweeps the rates; the model, its optimiser and the learner's clock end where they began,
    /// whatever happens. Earlier groups learn `factor` times slower, as they will afterwards.
    pub fn find_rate(
        &mut self,
        settings: &FindRate,
        factor: f64,
        feed: FeedKind,
    ) -> Result<RateCurve> {
        let before = self.model.snapshot();
        let swept = self.sweep(settings, factor, feed);
        self.model.restore(&before);
        swept
    }

    fn sweep(&mut self, settings: &FindRate, factor: f64, feed: FeedKind) -> Result<RateCurve> {
        let activations = self.activations.take();
        let mut sweep = Sweep::new(settings);
        self.listener.event(&Event::PassStarted { unit: "steps", total: settings.steps });
        // Epochs that training never reaches: the finder's order and views are its own.
        let mut epochs = (0..).map(|i| u64::MAX - i);
        let result = loop {
            let Some(epoch) = epochs.next() else { break Ok(()) };
            let mut batches = self.data.train_batches(feed.with(activations.as_ref()), epoch);
            let going_on = batches.try_for_each(|batch| {
                let (input, targets) = batch.map_err(Some)?;
                let rates = differential(sweep.next_rate(), factor);
                let seed = self.step_seed() ^ epoch.rotate_left(32) ^ sweep.rates.len() as u64;
                let loss = self.model.step(&input, &targets, &rates, seed).map_err(Some)?;
                self.listener.event(&Event::Advanced { units: 1 });
                if sweep.add(loss) { Ok(()) } else { Err(None) }
            });
            match going_on {
                Ok(()) => {}
                Err(None) => break Ok(()),
                Err(Some(error)) => break Err(error),
            }
        };
        self.activations = activations;
        result.map(|()| sweep.finish())
    }
}

/// A sweep in progress.
struct Sweep<'a> {
    settings: &'a FindRate,
    rates: Vec<f64>,
    losses: Vec<f64>,
    batch_losses: Vec<f64>,
    memory: f64,
    mean: f64,
    end: SweepEnd,
}

impl<'a> Sweep<'a> {
    fn new(settings: &'a FindRate) -> Self {
        let memory = 1.0 - 1.0 / (MEMORY_STEPS_PER_100 * settings.steps as f64 / 100.0).max(2.0);
        let (rates, losses, batch_losses) = (Vec::new(), Vec::new(), Vec::new());
        let end = SweepEnd::LastRate;
        Self { settings, rates, losses, batch_losses, memory, mean: 0.0, end }
    }

    fn next_rate(&self) -> f64 {
        let t = self.rates.len() as f64 / (self.settings.steps - 1) as f64;
        exponential(self.settings.start, self.settings.end, t)
    }

    /// Takes a loss; tells whether the sweep goes on.
    fn add(&mut self, loss: f64) -> bool {
        if !loss.is_finite() {
            self.end = SweepEnd::NotFinite;
            return false;
        }
        self.rates.push(self.next_rate());
        self.batch_losses.push(loss);
        self.mean = self.memory * self.mean + (1.0 - self.memory) * loss;
        let smoothed = self.mean / (1.0 - self.memory.powi(self.rates.len() as i32));
        self.losses.push(smoothed);
        // The first losses are too noisy to be called a best (golden rule, A6).
        let settled = self.losses.len() > self.settings.steps / 10;
        // A network that is nearly always right has losses of nearly nothing, with a bad batch now
        // and then: that is no explosion.
        let calm = least(&self.losses).1.max(spread(&self.batch_losses));
        if settled && smoothed > EXPLOSION * calm {
            self.end = SweepEnd::Exploded;
            return false;
        }
        self.losses.len() < self.settings.steps
    }

    fn finish(self) -> RateCurve {
        let Self { settings, rates, losses, batch_losses, memory, end, .. } = self;
        let doubt = doubt(&losses, &batch_losses, memory);
        let suggestion = suggest(&rates, &losses, settings.steps, doubt);
        RateCurve { rates, losses, batch_losses, end, suggestion }
    }
}

impl RateCurve {
    /// The rate to train with: the suggestion, else `usual`, but never within a tenth of a rate at
    /// which the loss exploded.
    pub fn rate(&self, usual: f64) -> f64 {
        match (self.suggestion, self.end, self.rates.last()) {
            (Some(rate), ..) => rate,
            (None, SweepEnd::Exploded | SweepEnd::NotFinite, Some(last)) => usual.min(last / 10.0),
            (None, ..) => usual,
        }
    }
}

/// The highest rate, left of the loss's minimum, at which its slope over the logarithm of the rate
/// is still at least half of the steepest.
///
/// Slopes are taken over a window of a tenth of the sweep. None if the loss never falls by more
/// than three times its `doubt`, the standard error of a smoothed loss.
fn suggest(rates: &[f64], losses: &[f64], n_steps: usize, doubt: f64) -> Option<f64> {
    let window = (losses.len() / 10).max(2);
    let first = n_steps / IDLE;
    let (minimum, lowest) = least(losses);
    if minimum < first + window {
        return None;
    }
    // The height that the loss falls from: before the descent, not one lucky or unlucky batch.
    let early = &losses[first..=minimum];
    let height = early.iter().sum::<f64>() / early.len() as f64;
    if height - lowest < CLEARLY * doubt {
        return None;
    }
    let slope = |i: usize| {
        let (low, high) = (i.saturating_sub(window / 2), (i + window.div_ceil(2)).min(minimum));
        if high <= low {
            return 0.0;
        }
        (losses[high] - losses[low]) / (rates[high] / rates[low]).ln()
    };
    let slopes: Vec<f64> = (first..minimum).map(slope).collect();
    let steepest = slopes.iter().copied().fold(0.0, f64::min);
    let last = slopes.iter().rposition(|&s| s < 0.0 && s <= CLEAR * steepest)?;
    Some(rates[first + last])
}

/// The standard error of a smoothed loss: the batches' spread, less by as much as an exponential
/// mean with this memory lessens it. Taken over the part before the minimum.
fn doubt(losses: &[f64], batch_losses: &[f64], memory: f64) -> f64 {
    let (minimum, _) = least(losses);
    let n = (minimum + 1).min(batch_losses.len());
    spread(&batch_losses[..n]) * ((1.0 - memory) / (1.0 + memory)).sqrt()
}

/// The standard deviation of a batch's loss, from the differences of neighbours, in which the
/// curve's own fall plays no part (von Neumann et al. 1941).
fn spread(batch_losses: &[f64]) -> f64 {
    let squares = batch_losses.windows(2).map(|pair| (pair[1] - pair[0]).powi(2));
    let n = batch_losses.len().saturating_sub(1).max(1);
    (squares.sum::<f64>() / (2.0 * n as f64)).sqrt()
}

/// Where the least of the losses is, and what it is.
fn least(losses: &[f64]) -> (usize, f64) {
    losses
        .iter()
        .copied()
        .enumerate()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((0, f64::INFINITY))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(n: usize) -> Vec<f64> {
        (0..n).map(|i| exponential(1e-6, 1.0, i as f64 / (n - 1) as f64)).collect()
    }

    #[test]
    fn the_suggestion_lies_on_the_descent() {
        // Flat, then falling from 1e-4 to 1e-2, then exploding.
        let rates = rates(100);
        let losses: Vec<f64> = rates
            .iter()
            .map(|&rate| {
                let t = (rate.log10() / 2.0 + 2.0).clamp(0.0, 1.0);
                1.0 - 0.8 * t + (rate * 20.0).powi(2)
            })
            .collect();
        let suggestion = suggest(&rates, &losses, 100, 0.02).unwrap();
        assert!((1e-3..1e-2).contains(&suggestion), "{suggestion}");
    }

    #[test]
    fn losses_of_nearly_nothing_with_a_bad_batch_are_neither_a_fall_nor_an_explosion() {
        // As seen on cats and dogs, with a head that is nearly always right.
        let batch_losses = [
            0.261, 0.045, 0.004, 0.002, 0.12, 0.0, 0.019, 0.002, 0.0, 0.056, 0.052, 0.078, 0.204,
            0.046, 0.188,
        ];
        let settings = FindRate { run: true, start: 1e-6, end: 0.1, steps: 40, rate: 1e-4 };
        let mut sweep = Sweep::new(&settings);
        for loss in batch_losses {
            assert!(sweep.add(loss), "exploded at {:?}", sweep.losses);
        }
        let curve = sweep.finish();
        assert_eq!((curve.suggestion, curve.rate(1e-4)), (None, 1e-4));
    }

    #[test]
    fn a_sweep_that_exploded_bounds_the_usual_rate() {
        let curve = |end| RateCurve {
            rates: vec![1e-5, 1e-4, 1e-3],
            losses: vec![1.0, 1.0, 5.0],
            batch_losses: vec![1.0, 1.0, 9.0],
            end,
            suggestion: None,
        };
        assert_eq!(curve(SweepEnd::Exploded).rate(3e-3), 1e-3 / 10.0);
        assert_eq!(curve(SweepEnd::LastRate).rate(3e-3), 3e-3);
    }

    #[test]
    fn nothing_is_read_off_a_loss_that_only_wobbles() {
        let losses: Vec<f64> = (0..100).map(|i| 1.0 + 0.01 * f64::from(i % 2)).collect();
        assert_eq!(
            suggest(&rates(100), &losses, 100, doubt(&losses, &losses, 0.9).max(0.005)),
            None
        );
        let rising: Vec<f64> = (0..100).map(|i| 1.0 + 0.01 * f64::from(i)).collect();
        assert_eq!(suggest(&rates(100), &rising, 100, 0.0), None);
    }
}
