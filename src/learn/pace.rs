//! How fast this machine is at what training does, measured in a few batches before it begins; and how long
//! a run will take by that.

use std::time::Instant;

use anyhow::Result;

use super::data::{Data, Feed};
use super::linear::{MOST_FITTED, STRENGTHS};
use super::model::{Input, Model, StepRates, Trainable};
use super::workload::{Work, workload};
use crate::place::Share;
use crate::recipe::Recipe;
use crate::schedule::GROUPS;

/// Whether images are read while the device computes, or by the cores that compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cores {
    Shared,
    Apart,
}

/// Seconds that things take here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// To read an image and make a view of it.
    pub read: f64,
    /// To look at an image.
    pub look: f64,
    /// To learn from one with all of the network.
    pub learn: f64,
    /// A step of the head on activations.
    pub head: f64,
    /// To fit linear layers to an image's activations.
    pub fit: f64,
}

/// Batches of which each measurement is made; the first of them, in which libraries choose their ways, does
/// not count.
const BATCHES: usize = 3;

impl Pace {
    /// Measures a model that is thrown away after it: it learns nothing, but its layers unfreeze.
    pub fn measure<M: Model>(model: &mut M, data: &Data) -> Result<Self> {
        let rates = StepRates { rates: [0.0; GROUPS], momentum: 0.9 };
        let feed = Feed::Images { size: data.recipe.size };
        let (mut batches, mut images) = (Vec::new(), 0);
        let start = Instant::now();
        for batch in data.train_batches(feed, 0, 0, Share::WHOLE)?.take(BATCHES) {
            let (input, targets) = batch?;
            images += targets.len() / model.n_outputs().max(1);
            batches.push((input, targets));
        }
        let read = start.elapsed().as_secs_f64() / images.max(1) as f64;
        let look = seconds_each(&batches, |(input, targets)| {
            model.predict(input)?;
            Ok(targets.len() / data.outputs.n().max(1))
        })?;
        let width: usize = model.widths().iter().sum();
        let head = seconds_each(&batches, |(_, targets)| {
            let n = targets.len() / data.outputs.n().max(1);
            let rows = vec![0.5; n * width];
            model.step(&Input::Activations(rows), targets, &rates, 0)?.loss.wait()?;
            Ok(1)
        })?;
        let fit = if fits_linear(&data.recipe) { fit(model, &batches)? } else { 0.0 };
        let learn = if data.recipe.unfreeze.run {
            model.begin(Trainable::Everything);
            seconds_each(&batches, |(input, targets)| {
                model.step(input, targets, &rates, 0)?.loss.wait()?;
                Ok(targets.len() / data.outputs.n().max(1))
            })?
        } else {
            0.0
        };
        Ok(Self { read, look, learn, head, fit })
    }

    /// Seconds that a run on these images takes, if nothing ends it before. What is done once for several
    /// folds is left out of all but the `first`.
    pub fn seconds(&self, data: &Data, cores: Cores, first: bool) -> f64 {
        let image = |compute: f64| match cores {
            Cores::Shared => self.read + compute,
            Cores::Apart => self.read.max(compute),
        };
        let pieces = workload(data);
        let precomputed =
            pieces.first().filter(|piece| piece.stage == crate::run::Stage::Precompute);
        let once = precomputed.filter(|_| data.recipe.precompute.cache && !first);
        let all: f64 = pieces
            .iter()
            .map(|piece| {
                let own = match piece.work {
                    Work::Head => piece.amount * self.head,
                    Work::Look => piece.amount * image(self.look),
                    Work::Learn => piece.amount * image(self.learn),
                };
                own + piece.looks * image(self.look)
            })
            .sum();
        let fitted = if fits_linear(&data.recipe) { data.train.len().min(MOST_FITTED) } else { 0 };
        all + fitted as f64 * self.fit - once.map_or(0.0, |piece| piece.amount * image(self.look))
    }
}

fn fits_linear(recipe: &Recipe) -> bool {
    recipe.head.linear && recipe.precompute.run && recipe.head_on_activations.run
}

/// Seconds an image of fitting linear layers to what the backbones make of these.
fn fit<M: Model>(model: &mut M, batches: &[(Input, Vec<f32>)]) -> Result<f64> {
    let (mut rows, mut targets, mut n) = (Vec::new(), Vec::new(), 0);
    for (input, of_batch) in batches {
        let Input::Images(images) = input else { continue };
        let widths = model.widths();
        let each = (0..widths.len()).map(|backbone| model.activations(backbone, images));
        let each = each.collect::<Result<Vec<_>>>()?;
        for image in 0..images.n {
            for (values, &width) in each.iter().zip(&widths) {
                rows.extend_from_slice(&values[image * width..][..width]);
            }
        }
        targets.extend_from_slice(of_batch);
        n += images.n;
    }
    let start = Instant::now();
    model.linear_path(&rows, &targets, &STRENGTHS)?;
    Ok(start.elapsed().as_secs_f64() / n.max(1) as f64)
}

/// Seconds for each of what `work` says that it did, by all batches but the first.
fn seconds_each<B>(batches: &[B], mut work: impl FnMut(&B) -> Result<usize>) -> Result<f64> {
    let (mut n, mut seconds) = (0, 0.0);
    for (i, batch) in batches.iter().enumerate() {
        let start = Instant::now();
        let done = work(batch)?;
        if i > 0 || batches.len() == 1 {
            seconds += start.elapsed().as_secs_f64();
            n += done;
        }
    }
    Ok(seconds / n.max(1) as f64)
}
