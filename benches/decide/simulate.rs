//! Probabilities for labels that are known.
//!
//! Of each tag of an image there is Gaussian evidence, `d` standard deviations higher where the tag
//! is set: its log-likelihood ratio is `N(d^2/2, d^2)` there and `N(-d^2/2, d^2)` elsewhere. What a
//! network makes of it has three forms. One that sees no context says of each tag what follows from
//! the evidence of that tag alone: rules among tags are news to it, and two weathers err
//! independently, so methods that know the rules win more than they ever will. One with a softmax
//! weighs the evidence of weathers against each other, and is blind to all other context. One that
//! sees all context says what follows from all evidence and the label sets that there are, exactly,
//! so that its marginals keep every rule. All are then wrong as networks are: too sure by the same
//! factor, and each tag too high or too low.

use std::collections::HashMap;

use kaggle_kit::decide::structure::{self, One};
use kaggle_kit::rng::{self, Purpose};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use crate::Labels;

/// By how much logits are too large.
const TOO_SURE: f64 = 1.3;
/// How much they are off, a standard deviation among tags.
const OFFSET: f64 = 0.3;
/// Probabilities are no closer to zero and one.
const FLOOR: f64 = 1e-7;
/// Halvings of the interval that holds `d`.
const HALVINGS: usize = 12;

/// What a network knows of an image when it tells of one tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// What speaks for this tag.
    Unseen,
    /// What speaks for tags that exclude this one, too.
    Softmax,
    /// What speaks for any tag.
    Seen,
}

/// Where labels come from: the sets of tags that there are, with how often.
pub struct World {
    /// The tags of each set, and the logarithm of its frequency.
    sets: Vec<(Vec<usize>, f64)>,
    /// The logit of each tag's frequency.
    priors: Vec<f64>,
    /// Tags of which an image has exactly one.
    groups: Vec<Vec<usize>>,
}

/// Images as a network tells of them.
pub struct Simulated {
    /// The log-likelihood ratio of each tag, `[n, tags]`, as all else here.
    pub evidence: Vec<f64>,
    /// What follows from it, if nothing is wrong.
    pub right: Vec<f32>,
    /// What the network says.
    pub said: Vec<f32>,
}

impl World {
    pub fn new(labels: &Labels) -> Self {
        let mut counts: HashMap<Vec<usize>, usize> = HashMap::new();
        for row in labels.rows() {
            *counts.entry((0..row.len()).filter(|&tag| row[tag]).collect()).or_default() += 1;
        }
        let n = labels.len() as f64;
        let frequency = |tag: usize| labels.rows().filter(|row| row[tag]).count() as f64 / n;
        let mut sets: Vec<(Vec<usize>, f64)> =
            counts.into_iter().map(|(tags, count)| (tags, (count as f64 / n).ln())).collect();
        sets.sort_by(|(a, _), (b, _)| a.cmp(b));
        let priors = (0..labels.n_tags).map(|tag| logit(frequency(tag))).collect();
        let groups = structure::find(&labels.truth, labels.n_tags).groups.into_iter();
        let groups = groups.filter(|group| group.one == One::Exactly).map(|group| group.members);
        Self { sets, priors, groups: groups.collect() }
    }

    /// Calls `take` with every set of tags and its probability, given an image's evidence.
    pub fn sets(&self, evidence: &[f64], mut take: impl FnMut(&[usize], f64)) {
        let score = |(tags, frequency): &(Vec<usize>, f64)| -> f64 {
            frequency + tags.iter().map(|&tag| evidence[tag]).sum::<f64>()
        };
        let scores: Vec<f64> = self.sets.iter().map(score).collect();
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|score| (score - most).exp()).sum();
        for ((tags, _), score) in self.sets.iter().zip(scores) {
            take(tags, (score - most).exp() / sum);
        }
    }

    /// The logits of an image's tags.
    fn logits(&self, context: Context, evidence: &[f64]) -> Vec<f64> {
        if context == Context::Seen {
            let mut marginals = vec![0.0; evidence.len()];
            self.sets(evidence, |tags, p| tags.iter().for_each(|&tag| marginals[tag] += p));
            return marginals.into_iter().map(logit).collect();
        }
        let of_tag = |(prior, own): (&f64, &f64)| prior + own;
        let mut logits: Vec<f64> = self.priors.iter().zip(evidence).map(of_tag).collect();
        if context == Context::Softmax {
            for group in &self.groups {
                let weight =
                    |&tag: &usize| f64::from(sigmoid(self.priors[tag])) * evidence[tag].exp();
                let sum: f64 = group.iter().map(weight).sum();
                for tag in group {
                    logits[*tag] = logit(weight(tag) / sum);
                }
            }
        }
        logits
    }

    /// What a network says that tells tags by `d` standard deviations.
    pub fn simulate(&self, labels: &Labels, context: Context, d: f64, seed: u64) -> Simulated {
        let m = labels.n_tags;
        let mut rng = stream(seed, 0);
        let offsets: Vec<f64> = (0..m).map(|_| OFFSET * normal(&mut rng)).collect();
        let evidence: Vec<f64> = labels
            .truth
            .iter()
            .map(|&is_set| d * d * if is_set { 0.5 } else { -0.5 } + d * normal(&mut rng))
            .collect();
        let of_image = |row: &[f64]| self.logits(context, row);
        let logits: Vec<f64> = evidence.par_chunks(m).flat_map_iter(of_image).collect();
        let wrong = |(i, &logit): (usize, &f64)| sigmoid(TOO_SURE * logit + offsets[i % m]);
        let said = logits.iter().enumerate().map(wrong).collect();
        Simulated { evidence, right: logits.iter().copied().map(sigmoid).collect(), said }
    }

    /// The `d` with which what is said has the score `wanted`.
    pub fn sharpness(
        &self,
        labels: &Labels,
        context: Context,
        wanted: f64,
        score: impl Fn(&[f32]) -> f64,
    ) -> f64 {
        let (mut low, mut high) = (0.5, 6.0);
        for _ in 0..HALVINGS {
            let d = f64::midpoint(low, high);
            let is_low = score(&self.simulate(labels, context, d, 0).said) < wanted;
            *if is_low { &mut low } else { &mut high } = d;
        }
        f64::midpoint(low, high)
    }
}

/// The images in any order.
pub fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    order.shuffle(&mut stream(seed, 1));
    order
}

/// As `f2_sklearn.py` has it: `sigmoid(3 (2 y - 1) + N(0, 1.5) - 0.5)`.
pub fn like_the_reference(labels: &Labels) -> Vec<f32> {
    let mut rng = stream(0, 2);
    let logit = |&is_set: &bool| if is_set { 3.0 } else { -3.0 } + 1.5 * normal(&mut rng) - 0.5;
    labels.truth.iter().map(logit).map(sigmoid).collect()
}

/// Any `n` images of so many.
pub fn drawn(n: usize, of: usize) -> Vec<usize> {
    let mut rng = stream(0, 3);
    (0..n).map(|_| rng.random_range(0..of)).collect()
}

/// The stream that belongs to a seed, and to what it is for.
fn stream(seed: u64, purpose: u64) -> ChaCha8Rng {
    rng::stream(Purpose::Draw, seed, purpose, 0)
}

fn normal(rng: &mut impl Rng) -> f64 {
    rng.sample(StandardNormal)
}

fn logit(p: f64) -> f64 {
    let p = p.clamp(FLOOR, 1.0 - FLOOR);
    (p / (1.0 - p)).ln()
}

fn sigmoid(logit: f64) -> f32 {
    (1.0 / (1.0 + (-logit).exp())) as f32
}
