//! The golden rule on a mock network: steps, order, restarts and stops, without libtorch.

mod average;
mod feeds;
mod finder;
mod pace;
mod ranks;
mod refit;
mod stops;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use image::{Rgb, RgbImage};

use super::fit::FeedKind;
use super::learner::Learner;
use super::model::{Input, Model, StepLoss, StepOutcome, StepRates, Trainable};
use super::stop::{Limits, Stop};
use super::{Data, LinearLayer, Moments, SplitSide, golden_rule, plan};
use crate::dataset::{Images, Sample};
use crate::fs;
use crate::metric::Metric;
use crate::outputs::Outputs;
use crate::recipe::{self, Layer, Recipe};
use crate::run::checkpoint::Checkpoints;
use crate::run::{Entry, Epoch, Event, Journal, Kept, Listener, Score, Stage};
use crate::schedule::Rates;
use crate::target::TargetKind;
use stops::outcome;

/// Logistic regression on an image's mean colour; what it does is written down.
#[derive(Default)]
struct Mock {
    weights: [f32; 4],
    trainable: Option<Trainable>,
    steps: Vec<(Option<Trainable>, Rates, u64)>,
    /// Of the images of each step.
    sizes: Vec<usize>,
    /// After so many steps it fails, as if the process were killed.
    dies_after: Option<usize>,
    /// After so many steps its loss is no number.
    breaks_after: Option<usize>,
    /// After so many steps what it says is no number, though its losses are.
    mute_after: Option<usize>,
    /// Its losses are asked for a step later.
    ahead: bool,
}

impl Mock {
    fn colours(input: &Input) -> Vec<[f32; 4]> {
        let with_one = |c: &[f32]| [c[0], c[1], c[2], 1.0];
        match input {
            Input::Activations(values) => values.chunks(3).map(with_one).collect(),
            Input::Images(images) => mean_colours(images).chunks(3).map(with_one).collect(),
        }
    }

    fn outcome(&self, loss: f64) -> StepOutcome {
        let pending = || StepLoss::Pending(Box::new(move || Ok(loss)));
        let loss = if self.ahead { pending() } else { StepLoss::Known(loss) };
        StepOutcome { loss, note: None }
    }

    fn probability(&self, colour: &[f32; 4]) -> f32 {
        let logit: f32 = colour.iter().zip(&self.weights).map(|(c, w)| c * w).sum();
        1.0 / (1.0 + (-logit).exp())
    }
}

fn mean_colours(images: &Images) -> Vec<f32> {
    let n_pixels = images.size * images.size;
    let mean = |image: &[u8], channel: usize| {
        let sum: f32 = image.chunks(3).map(|pixel| f32::from(pixel[channel])).sum();
        sum / n_pixels as f32 / 255.0 - 0.5
    };
    let images = images.pixels.chunks(n_pixels * 3);
    images.flat_map(|image| [0, 1, 2].map(|channel| mean(image, channel))).collect()
}

impl Model for Mock {
    type Snapshot = [f32; 4];

    fn begin(&mut self, trainable: Trainable) {
        self.trainable = Some(trainable);
    }

    fn n_outputs(&self) -> usize {
        2
    }

    /// One backbone sees red and green, the other blue.
    fn widths(&self) -> Vec<usize> {
        vec![2, 1]
    }

    fn activations(&mut self, backbone: usize, images: &Images) -> Result<Vec<f32>> {
        let colours = mean_colours(images);
        let seen = [0..2, 2..3][backbone].clone();
        Ok(colours.chunks(3).flat_map(|colour| &colour[seen.clone()]).copied().collect())
    }

    fn standardise(&mut self, _: &Moments) {}

    /// A few steps down the gradient, fewer for larger strengths.
    fn linear_path(
        &mut self,
        activations: &[f32],
        targets: &[f32],
        strengths: &[f64],
    ) -> Result<Vec<LinearLayer>> {
        let inputs = Input::Activations(activations.to_vec());
        let layer = |&strength: &f64| {
            let mut fitted = Self::default();
            for seed in 0..(1.0 / strength) as u64 % 20 {
                let at = StepRates { rates: [0.01; 3], momentum: 0.9 };
                fitted.step(&inputs, targets, &at, seed)?;
            }
            let [a, b, c, bias] = fitted.weights;
            Ok(LinearLayer { weights: vec![a, b, c], bias: vec![bias] })
        };
        strengths.iter().map(layer).collect()
    }

    fn go_towards(&mut self, to: &[f32; 4], share: f64) {
        for (own, to) in self.weights.iter_mut().zip(to) {
            *own += share as f32 * (to - *own);
        }
    }

    fn add_linear(&mut self, layer: &LinearLayer, share: f64) {
        let theirs = layer.weights.iter().chain(&layer.bias);
        for (own, theirs) in self.weights.iter_mut().zip(theirs) {
            *own += share as f32 * (theirs - *own);
        }
    }

    fn step(
        &mut self,
        input: &Input,
        targets: &[f32],
        rates: &StepRates,
        seed: u64,
    ) -> Result<StepOutcome> {
        ensure!(self.dies_after != Some(self.steps.len()), "killed");
        self.steps.push((self.trainable, rates.rates, seed));
        if let Input::Images(images) = input {
            self.sizes.push(images.size);
        }
        if self.breaks_after.is_some_and(|n| self.steps.len() > n) {
            return Ok(self.outcome(f64::NAN));
        }
        let (colours, mut loss) = (Self::colours(input), 0.0);
        let n = colours.len() as f32;
        let mut gradient = [0.0; 4];
        for (colour, target) in colours.iter().zip(targets.chunks(2)) {
            let p = self.probability(colour);
            let truth = target[1];
            loss -= f64::from(if truth > 0.5 { p } else { 1.0 - p }).max(1e-9).ln();
            for (g, c) in gradient.iter_mut().zip(colour) {
                *g += (p - truth) * c / n;
            }
        }
        for (weight, g) in self.weights.iter_mut().zip(gradient) {
            *weight -= 100.0 * rates.rates[2] as f32 * g;
        }
        Ok(self.outcome(loss / f64::from(n)))
    }

    fn predict(&mut self, input: &Input) -> Result<Vec<f32>> {
        let colours = Self::colours(input);
        if self.mute_after.is_some_and(|n| self.steps.len() >= n) {
            return Ok(vec![f32::NAN; 2 * colours.len()]);
        }
        Ok(colours.iter().map(|c| self.probability(c)).flat_map(|p| [1.0 - p, p]).collect())
    }

    fn snapshot(&self) -> [f32; 4] {
        self.weights
    }

    fn restore(&mut self, snapshot: &[f32; 4]) {
        self.weights = *snapshot;
    }

    fn to_bytes(snapshot: &[f32; 4]) -> Result<Vec<u8>> {
        Ok(snapshot.iter().flat_map(|w| w.to_le_bytes()).collect())
    }

    fn snapshot_of(&self, bytes: &[u8]) -> Result<[f32; 4]> {
        ensure!(bytes.len() == 16, "four weights");
        let (words, _) = bytes.as_chunks::<4>();
        Ok(std::array::from_fn(|i| f32::from_le_bytes(words[i])))
    }

    fn save(&self, path: &Path) -> Result<()> {
        fs::write_atomic(path, Self::to_bytes(&self.weights)?)
    }
}

/// Remembers which stages ran, and each epoch's cycle.
#[derive(Default)]
struct Diary {
    stages: Vec<Stage>,
    epochs: Vec<(Stage, usize, usize)>,
    found: Vec<String>,
    stopped: Vec<String>,
}

impl Listener for Diary {
    fn event(&mut self, event: &Event) {
        match event {
            Event::StageStarted { stage } => self.stages.push(*stage),
            Event::Epoch(Epoch { stage, epoch, cycle, .. }) => {
                self.epochs.push((*stage, *epoch, *cycle));
            }
            Event::StageFinished { found, .. } => self.found.push(found.clone()),
            Event::Stopped { why, .. } => self.stopped.push(why.clone()),
            _ => {}
        }
    }
}

/// Presses Ctrl-C after so many steps.
struct Impatient(Arc<AtomicBool>, u64);

impl Listener for Impatient {
    fn event(&mut self, event: &Event) {
        if matches!(event, Event::Step(step) if step.step == self.1) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Reddish and bluish images, `noisy` of which are labelled wrongly.
fn data(folder: &Path, n: usize, noisy: usize, settings: &[&str]) -> Data {
    let samples: Vec<Sample> = (0..n)
        .map(|i| {
            let path = folder.join(format!("{i}.png"));
            let (class, shade) = (i % 2, 60 + (i * 37 % 120) as u8);
            let colour = if class == 0 { [200, shade, 90] } else { [90, shade, 200] };
            RgbImage::from_pixel(16, 16, Rgb(colour)).save(&path).unwrap();
            let label = if i / 2 < noisy { 1 - class } else { class };
            Sample::new(i.to_string(), path, vec![label])
        })
        .collect();
    let (train, valid): (Vec<usize>, Vec<usize>) = (0..n).partition(|i| i / 2 % 4 != 0);
    Data {
        train: SplitSide::new(&samples, &train, TargetKind::SingleLabel, 2),
        n_pseudo: 0,
        plan: None,
        valid: SplitSide::new(&samples, &valid, TargetKind::SingleLabel, 2),
        classes: vec!["red".to_owned(), "blue".to_owned()].into(),
        kind: TargetKind::SingleLabel,
        outputs: Outputs::Classes { n: 2 },
        metric: Metric::log_loss(),
        recipe: recipe(settings),
        at_once: None,
    }
}

fn recipe(settings: &[&str]) -> Recipe {
    let small = [
        "batch-size=8",
        "size=32",
        "crop=1.0",
        "seed=7",
        "head-on-activations.min-steps=6",
        "find-full-rate.steps=20",
        "find-full-rate.share=0",
    ];
    let layers: Vec<Layer> =
        small.iter().chain(settings).map(|typed| Layer::assignment(typed).unwrap()).collect();
    recipe::resolve(&layers).unwrap()
}

#[test]
fn all_eight_steps_run_in_order_and_the_network_learns() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &[]);
    let (mut mock, mut diary) = (Mock::default(), Diary::default());
    let mut learner = Learner::new(&mut mock, &data, &mut diary);
    let before = learner.validate().unwrap();
    let after = golden_rule(&mut learner).unwrap();
    assert!(after.loss < before.loss / 2.0, "{before:?} {after:?}");
    assert_eq!(
        diary.stages,
        [
            Stage::Precompute,
            Stage::FindHeadRate,
            Stage::HeadOnActivations,
            Stage::HeadWithAugmentation,
            Stage::Unfreeze,
            Stage::EarlierLayers,
            Stage::FindFullRate,
            Stage::WholeNetwork
        ]
    );
    // Steps 3 and 4 train the head, step 8 everything, earlier groups three times slower each.
    let [first, second, last] = mock.steps.last().unwrap().1;
    assert!((last / second - 3.0).abs() < 1e-9 && (second / first - 3.0).abs() < 1e-9);
    assert_eq!(mock.steps.first().unwrap().0, Some(Trainable::Head));
    assert_eq!(mock.steps.last().unwrap().0, Some(Trainable::Everything));
}

#[test]
fn step_three_ends_no_worse_than_the_linear_layer_and_the_mean_of_both() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), 48, 0, &["unfreeze.run=false"]);
    let (mut mock, mut diary) = (Mock::default(), Diary::default());
    let mut learner = Learner::new(&mut mock, &data, &mut diary);
    let score = golden_rule(&mut learner).unwrap();
    let fitted = learner.journal().done.iter().find_map(|entry| match entry {
        Entry::Fitted { linear, mean, .. } => Some((linear.loss, mean.loss)),
        _ => None,
    });
    let (linear, mean) = fitted.unwrap();
    assert!(linear.is_finite() && score.loss <= linear.min(mean), "{score:?} {linear} {mean}");
    assert!(diary.found.iter().any(|found| found.contains("a linear layer fitted with strength")));
}

#[test]
fn the_network_midway_is_kept_unless_one_side_is_clearly_better() {
    let folder = tempfile::tempdir().unwrap();
    // With a rate of nearly nothing the whole network is the head alone; with a high one, and labels that
    // can be learnt, it is far better than what two epochs have made of the head.
    let kept = |settings: &[&str]| {
        let data = data(folder.path(), 48, 0, settings);
        let (mut mock, mut diary) = (Mock::default(), Diary::default());
        let mut learner = Learner::new(&mut mock, &data, &mut diary);
        let score = golden_rule(&mut learner).unwrap();
        assert_eq!(learner.validate().unwrap(), score);
        let done = &learner.journal().done;
        done.iter().find_map(|entry| match entry {
            Entry::Chosen { kept, .. } => Some(*kept),
            _ => None,
        })
    };
    let rate = |rate| {
        kept(&[
            "find-full-rate.run=false",
            rate,
            "head.linear=false",
            "find-head-rate.run=false",
            "find-head-rate.rate=1e-5",
        ])
    };
    assert_eq!(rate("find-full-rate.rate=1e-9"), Some(Kept::Midway));
    assert_eq!(rate("find-full-rate.rate=0.1"), Some(Kept::Whole));
    assert_eq!(kept(&["unfreeze.run=false"]), None);
}

#[test]
fn steps_that_are_switched_off_do_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ["precompute.run=false", "find-head-rate.run=false", "unfreeze.run=false"];
    let data = data(folder.path(), 32, 0, &settings);
    let (mut mock, mut diary) = (Mock::default(), Diary::default());
    let mut learner = Learner::new(&mut mock, &data, &mut diary);
    golden_rule(&mut learner).unwrap();
    assert_eq!(diary.stages, [Stage::HeadOnActivations, Stage::HeadWithAugmentation]);
    let off = plan(&data).iter().filter(|(_, text)| text.starts_with("off")).count();
    assert_eq!(off, 6);
}

#[test]
fn cycles_double_and_stop_once_they_over_fit() {
    let folder = tempfile::tempdir().unwrap();
    // Labels that contradict the rest: more training makes the held-out images worse.
    let settings =
        ["find-full-rate.run=false", "find-full-rate.rate=0.05", "whole-network.max-cycles=8"];
    let data = data(folder.path(), 48, 6, &settings);
    let (mut mock, mut diary) = (Mock::default(), Diary::default());
    let mut learner = Learner::new(&mut mock, &data, &mut diary);
    let score = golden_rule(&mut learner).unwrap();
    let kept = learner.validate().unwrap();
    assert_eq!(kept, score, "the best weights are the ones in the model");
    let cycles: Vec<usize> = diary
        .epochs
        .iter()
        .filter(|(stage, ..)| *stage == Stage::WholeNetwork)
        .map(|(.., cycle)| *cycle)
        .collect();
    assert!(cycles.starts_with(&[1, 2, 2]), "{cycles:?}");
    assert!(*cycles.last().unwrap() < 8, "{cycles:?}");
    assert!(diary.found.last().unwrap().starts_with("over-fitting"), "{:?}", diary.found);
}
