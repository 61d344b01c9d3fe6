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
    memory: f64,
    mean: f64,
    end: SweepEnd,
}

impl<'a> Sweep<'a> {
    fn new(settings: &'a FindRate) -> Self {
        let memory = 1.0 - 1.0 / (MEMORY_STEPS_PER_100 * settings.steps as f64 / 100.0).max(2.0);
        let (rates, losses) = (Vec::new(), Vec::new());
        Self { settings, rates, losses, memory, mean: 0.0, end: SweepEnd::LastRate }
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
        self.mean = self.memory * self.mean + (1.0 - self.memory) * loss;
        let smoothed = self.mean / (1.0 - self.memory.powi(self.rates.len() as i32));
        self.losses.push(smoothed);
        // The first losses are too noisy to be called a best (golden rule, A6).
        let settled = self.losses.len() > self.settings.steps / 10;
        if settled && smoothed > EXPLOSION * least(&self.losses).1 {
            self.end = SweepEnd::Exploded;
            return false;
        }
        self.losses.len() < self.settings.steps
    }

    fn finish(self) -> RateCurve {
        let suggestion = suggest(&self.rates, &self.losses);
        RateCurve { rates: self.rates, losses: self.losses, end: self.end, suggestion }
    }
}

/// The highest rate, left of the loss's minimum, at which its slope over the logarithm of the rate
/// is still at least half of the steepest.
///
/// Slopes are taken over a window of a tenth of the sweep. None if the loss never falls by more
/// than its own noise: the spread of its second differences.
fn suggest(rates: &[f64], losses: &[f64]) -> Option<f64> {
    let window = (losses.len() / 10).max(2);
    let first = losses.len() / 20;
    if losses.len() < first + 2 * window {
        return None;
    }
    let (minimum, lowest) = least(losses);
    let highest_before = losses[first..=minimum.max(first)].iter().copied().fold(0.0, f64::max);
    if highest_before - lowest < 3.0 * noise(losses) {
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

/// Where the least of the losses is, and what it is.
fn least(losses: &[f64]) -> (usize, f64) {
    losses
        .iter()
        .copied()
        .enumerate()
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .unwrap_or((0, f64::INFINITY))
}

/// The typical size of a wobble: the median absolute second difference.
fn noise(losses: &[f64]) -> f64 {
    let mut wobbles: Vec<f64> =
        losses.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs()).collect();
    wobbles.sort_by(f64::total_cmp);
    wobbles.get(wobbles.len() / 2).copied().unwrap_or(0.0)
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
                let t = ((rate.log10() + 4.0) / 2.0).clamp(0.0, 1.0);
                1.0 - 0.8 * t + (rate * 20.0).powi(2)
            })
            .collect();
        let suggestion = suggest(&rates, &losses).unwrap();
        assert!((1e-3..1e-2).contains(&suggestion), "{suggestion}");
    }

    #[test]
    fn nothing_is_read_off_a_loss_that_only_wobbles() {
        let losses: Vec<f64> = (0..100).map(|i| 1.0 + 0.01 * f64::from(i % 2)).collect();
        assert_eq!(suggest(&rates(100), &losses), None);
        let rising: Vec<f64> = (0..100).map(|i| 1.0 + 0.01 * f64::from(i)).collect();
        assert_eq!(suggest(&rates(100), &rising), None);
    }
}
