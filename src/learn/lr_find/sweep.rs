//! The sweep itself: a step a rate, on a model that is put back afterwards, whatever happens.

use anyhow::{Result, ensure};

use super::suggest::{least, suggestions};
use crate::learn::fit::FeedKind;
use crate::learn::learner::Learner;
use crate::learn::model::{Model, StepRates};
use crate::recipe::FindRate;
use crate::run::{Event, RateCurve, SweepEnd};
use crate::schedule::{LayerRates, exponential, rates_of};

/// fast.ai's rule: the sweep is over once the loss is so many times its best.
const EXPLOSION: f64 = 4.0;

/// `AdamW`'s usual one: the finder looks at rates, not at schedules.
const MOMENTUM: f64 = 0.9;

/// fast.ai smooths 100 losses with a weight of 0.98 for the past; shorter sweeps look back over the
/// same part of the sweep.
const MEMORY_STEPS_PER_100: f64 = 10.0;

impl<M: Model> Learner<'_, M> {
    /// Sweeps the rates; the model, its optimiser and the learner's clock end where they began,
    /// whatever happens. Earlier groups learn slower by `how`, as they will afterwards; 0 steps are
    /// one epoch.
    pub fn find_rate(
        &mut self,
        settings: &FindRate,
        how: impl Into<LayerRates>,
        feed: FeedKind,
    ) -> Result<RateCurve> {
        let epoch = self.data.steps();
        ensure!(epoch > 0, "there is no batch to find a learning rate with");
        let steps = if settings.steps == 0 { epoch } else { settings.steps };
        let before = self.model.snapshot();
        let swept = self.sweep(&FindRate { steps, ..*settings }, &how.into(), feed);
        self.model.restore(&before);
        swept
    }

    fn sweep(
        &mut self,
        settings: &FindRate,
        how: &LayerRates,
        feed: FeedKind,
    ) -> Result<RateCurve> {
        let (data, activations) = (self.data, self.activations.clone());
        let mut sweep = RunningSweep::new(settings);
        self.listener.event(&Event::PassStarted { unit: "steps", total: settings.steps });
        // Epochs that training never reaches: the finder's order and views are its own.
        let mut epoch = u64::MAX;
        loop {
            let feed = feed.with(activations.as_deref(), data.recipe.size);
            for batch in data.train_batches(feed, epoch, 0, self.group.share())? {
                let (input, targets) = batch?;
                self.check_stop(self.signs()?, 1, sweep.rates.len() + 1)?;
                let rates =
                    StepRates { rates: rates_of(sweep.next_rate(), how)?, momentum: MOMENTUM };
                let seed = self.step_seed() ^ epoch.rotate_left(32) ^ sweep.rates.len() as u64;
                let loss = self.step(&input, &targets, &rates, seed)?.wait()?;
                self.listener.event(&Event::Advanced { units: 1 });
                if !sweep.add(loss) {
                    return Ok(sweep.finish());
                }
            }
            epoch -= 1;
        }
    }
}

/// A sweep in progress.
struct RunningSweep<'a> {
    settings: &'a FindRate,
    rates: Vec<f64>,
    losses: Vec<f64>,
    batch_losses: Vec<f64>,
    memory: f64,
    mean: f64,
    end: SweepEnd,
}

impl<'a> RunningSweep<'a> {
    fn new(settings: &'a FindRate) -> Self {
        let memory = 1.0 - 1.0 / (MEMORY_STEPS_PER_100 * settings.steps as f64 / 100.0).max(2.0);
        let (rates, losses, batch_losses) = (Vec::new(), Vec::new(), Vec::new());
        let end = SweepEnd::LastRate;
        Self { settings, rates, losses, batch_losses, memory, mean: 0.0, end }
    }

    fn next_rate(&self) -> f64 {
        let t = self.rates.len() as f64 / (self.settings.steps - 1).max(1) as f64;
        exponential(self.settings.start, self.settings.end, t)
    }

    /// Takes a loss; whether the sweep goes on.
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
        let suggestions = suggestions(&rates, &losses, settings.steps, doubt);
        RateCurve { rates, losses, batch_losses, end, suggestions }
    }
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

#[cfg(test)]
mod tests {
    use super::super::choose_rate;
    use super::*;
    use crate::run::Suggestions;

    fn settings(steps: usize) -> FindRate {
        FindRate { run: true, start: 1e-6, end: 0.1, steps, share: 0.0, rate: 1e-4 }
    }

    #[test]
    fn losses_of_nearly_nothing_with_a_bad_batch_are_neither_a_fall_nor_an_explosion() {
        // As seen on cats and dogs, with a head that is nearly always right.
        let batch_losses = [
            0.261, 0.045, 0.004, 0.002, 0.12, 0.0, 0.019, 0.002, 0.0, 0.056, 0.052, 0.078, 0.204,
            0.046, 0.188,
        ];
        let settings = settings(40);
        let mut sweep = RunningSweep::new(&settings);
        for loss in batch_losses {
            assert!(sweep.add(loss), "exploded at {:?}", sweep.losses);
        }
        let curve = sweep.finish();
        assert_eq!(
            (curve.suggestions, choose_rate(&curve, 1e-4).rate),
            (Suggestions::default(), 1e-4)
        );
    }

    #[test]
    fn a_loss_that_only_wobbles_has_not_improved() {
        let losses: Vec<f64> = (0..100).map(|i| 1.0 + 0.01 * f64::from(i % 2)).collect();
        let doubt = doubt(&losses, &losses, 0.9).max(0.005);
        let rates: Vec<f64> =
            (0..100).map(|i| exponential(1e-6, 1.0, f64::from(i) / 99.0)).collect();
        assert_eq!(suggestions(&rates, &losses, 100, doubt), Suggestions::default());
    }

    #[test]
    fn rates_go_from_the_first_to_the_last_by_one_factor() {
        for steps in [1, 2, 41] {
            let settings = settings(steps);
            let mut sweep = RunningSweep::new(&settings);
            while sweep.add(1.0) {}
            let curve = sweep.finish();
            assert_eq!((curve.rates.len(), curve.end), (steps, SweepEnd::LastRate));
            assert_eq!(curve.rates[0], 1e-6);
            if steps > 1 {
                assert!((curve.rates[steps - 1] / 0.1 - 1.0).abs() < 1e-12);
                let factor = 1e5_f64.powf(1.0 / (steps - 1) as f64);
                let even = |pair: &[f64]| (pair[1] / pair[0] / factor - 1.0).abs() < 1e-9;
                assert!(curve.rates.windows(2).all(even), "{:?}", curve.rates);
            }
        }
    }

    #[test]
    fn a_sweep_ends_when_the_loss_explodes_or_is_no_number() {
        let settings = settings(100);
        let mut sweep = RunningSweep::new(&settings);
        assert!((0..50).all(|_| sweep.add(1.0)));
        let n_rising = (0..50).take_while(|&i| sweep.add(1.2_f64.powi(i))).count();
        assert_eq!(sweep.finish().end, SweepEnd::Exploded);
        // 1.2^13 = 10.7, of which an exponential mean over ten steps has seen about 4.
        assert!((10..16).contains(&n_rising), "{n_rising}");
        let mut sweep = RunningSweep::new(&settings);
        assert!(sweep.add(1.0) && !sweep.add(f64::NAN));
        let curve = sweep.finish();
        assert_eq!((curve.end, curve.losses.len()), (SweepEnd::NotFinite, 1));
    }
}
