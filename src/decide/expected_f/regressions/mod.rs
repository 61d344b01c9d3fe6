//! What a model of the joint gets wrong about tags and their number, learned from images.
//!
//! The best answer needs `P(tag i is set and s tags are set)` for every `i` and `s`. A multinomial
//! logistic regression a tag can learn it without assuming anything of how tags go together: its
//! classes are "not set" and "set among s", its inputs the logits of all tags (Dembczynski et al.
//! 2013, "Optimizing the F-measure in multi-label classification: plug-in rule approach versus
//! structured loss minimization", PMLR 28(3):1130-1138). But the number of tags is no linear
//! matter of logits. So each regression starts from what a model of the joint says, and learns how
//! that should be corrected: its logarithms are offsets, and a ridge draws the corrections to zero.
//!
//! Measured on the labels of planet, 20,239 images to learn from and as many to score, each tag
//! with Gaussian evidence that lies `d` standard deviations higher where the tag is set.
//! Probabilities follow from a tag's own evidence, as of a network that sees no context, or exactly
//! from the evidence of all tags. Gains in F2 over one threshold (standard errors are near .0003;
//! without offsets, a ridge of 10 and logits up to 10 were best):
//!
//! | context | d | threshold | joint with rules | regressions without offsets | corrected joint |
//! |---|---|---|---|---|---|
//! | unseen | 2.2 | .866 | +.017 | +.038 | +.043 |
//! | unseen | 3.5 | .955 | +.011 | +.019 | +.021 |
//! | seen | 2.2 | .914 | +.0005 | -.0007 | +.0003 |
//! | seen | 3.5 | .980 | .0000 | -.0018 | -.0003 |
//!
//! So there is much to win where networks leave something in their logits, and little to lose where
//! they do not. Nothing here makes the corrected numbers those of one joint; the best answer does
//! not need that.

mod minimise;
mod multinomial;
#[cfg(test)]
mod tests;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::multinomial::{Levels, Outcomes};

/// With fewer images corrections are not worth trying. In the table above, what they lose where
/// context was seen is .0008 and .0004 F2 with this many, and .0011 and .0006 with half as many.
pub const MIN_IMAGES: usize = 1000;
/// With more tags they take long, and much memory: both grow with the square of their number.
pub const MAX_CLASSES: usize = 60;
/// The prior's precision of a weight: a correction by one nat where a tag's logit is a standard
/// deviation off costs half of this in log loss. Where context was unseen, 30 wins .002 to .003 F2
/// more with 1,000 images, and less than .001 with 20,000; where it was seen, it loses .0003 to
/// .001 more with 1,000, and .0001 with 20,000. With 300 it is the other way round.
const RIDGE: f64 = 100.0;
/// The input that is always the same. Large, so that the ridge hardly holds the bias.
const BIAS: f64 = 10.0;
/// Logits count as no further from zero: how sure the sure are says little. 10 wins less, by .001.
const LIMIT: f64 = 5.0;
/// Sizes that a tag was seen with, or should have been seen with, less often go together with
/// their neighbours.
const MIN_SEEN: f64 = 10.0;
/// Images from which follows what should have been seen.
const SAMPLE: usize = 4000;
/// Is added to what the joint says, as what it takes for impossible was seen after all.
const FLOOR: f64 = 1e-6;

/// A regression a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Regressions {
    /// The mean logit of each tag.
    pub means: Vec<f64>,
    /// The standard deviation of each tag's logit.
    pub spreads: Vec<f64>,
    /// One a tag.
    pub tags: Vec<Regression>,
}

/// How the probabilities of one tag with so many others are corrected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Regression {
    /// Classes of sizes, in ascending order: each is from this number of tags to the next one's.
    pub from: Vec<usize>,
    /// The size that each class was seen with most often.
    pub usual: Vec<usize>,
    /// `[classes, 1 + tags]`: what is added to the logarithm of `P(class) / P(not set)`, the bias
    /// and for every tag's logit, in standard deviations.
    pub weights: Vec<Vec<f64>>,
}

/// Room for [`Regressions::correct`], so that it allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    inputs: Vec<f64>,
    scores: Vec<f64>,
}

/// Learns from `probabilities` and `truth` (both `[n, classes]`, row-major) to correct a model of
/// the joint: `joint` gets an image's probabilities, `[classes]`, and writes its `p_is`,
/// `[classes, classes]`, where `p_is[i * classes + s - 1]` is the probability that tag `i` is set
/// and `s` tags are set in all.
pub fn fit(
    probabilities: &[f32],
    truth: &[bool],
    n_classes: usize,
    joint: impl Fn(&[f32], &mut [f64]) + Sync,
) -> Regressions {
    let (means, spreads) = moments(probabilities, n_classes);
    let expected = expected(probabilities, n_classes, &joint);
    let tags = regressions(truth, &expected, n_classes);
    let mut fitted = Regressions { means, spreads, tags };
    let mut inputs = Vec::with_capacity(probabilities.len() + probabilities.len() / n_classes);
    for row in probabilities.chunks_exact(n_classes) {
        inputs.push(BIAS);
        inputs.extend(fitted.standardised(row));
    }
    let levels = Levels::new(&inputs, 1 + n_classes);
    let said = fitted.said(probabilities, joint);
    let images: Vec<&[bool]> = truth.chunks_exact(n_classes).collect();
    let sizes: Vec<usize> = images.iter().map(|truth| size(truth)).collect();

    let width: usize = fitted.tags.iter().map(Regression::n_outcomes).sum();
    let starts = fitted.tags.iter().scan(0, |end, tag| {
        *end += tag.n_outcomes();
        Some(*end - tag.n_outcomes())
    });
    let starts: Vec<usize> = starts.collect();
    fitted.tags.par_iter_mut().enumerate().for_each(|(i, tag)| {
        let n_classes = tag.n_outcomes();
        let class = |(truth, &size): (&&[bool], &usize)| if truth[i] { tag.class(size) } else { 0 };
        let classes: Vec<usize> = images.iter().zip(&sizes).map(class).collect();
        let of_tag = said.chunks_exact(width).flat_map(|said| &said[starts[i]..][..n_classes]);
        let offsets: Vec<f64> = of_tag.map(|&offset| f64::from(offset)).collect();
        let outcomes = Outcomes { classes: &classes, offsets: &offsets, n_classes };
        tag.keep(&levels.fit(&outcomes, RIDGE));
    });
    fitted
}

impl Regressions {
    /// Corrects the `p_is` (`[classes, classes]`) that the model of the joint, for which this was
    /// fitted, gives to an image with the probabilities `row` (`[classes]`).
    pub fn correct(&self, row: &[f32], p_is: &mut [f64], scratch: &mut Scratch) {
        let Scratch { inputs, scores } = scratch;
        inputs.clear();
        inputs.extend(self.standardised(row));
        for (tag, p) in self.tags.iter().zip(p_is.chunks_exact_mut(row.len())) {
            tag.correct(inputs, p, scores);
        }
    }

    /// Logits, in standard deviations from the mean.
    fn standardised(&self, row: &[f32]) -> impl Iterator<Item = f64> {
        let moments = self.means.iter().zip(&self.spreads);
        row.iter().zip(moments).map(|(&p, (mean, spread))| (logit(p) - mean) / spread)
    }

    /// The logarithms of what the model of the joint says: for each image the outcomes of all
    /// tags, one after another.
    fn said(&self, rows: &[f32], joint: impl Fn(&[f32], &mut [f64]) + Sync) -> Vec<f32> {
        let n_classes = self.tags.len();
        let of_image = |room: &mut (Vec<f64>, Vec<f64>), row: &[f32]| {
            let (p_is, offsets) = room;
            p_is.resize(n_classes * n_classes, 0.0);
            joint(row, p_is);
            let mut said = Vec::new();
            for (tag, p) in self.tags.iter().zip(p_is.chunks_exact(n_classes)) {
                tag.offsets(p, offsets);
                said.extend(offsets.iter().map(|&offset| offset as f32));
            }
            said
        };
        let said: Vec<Vec<f32>> =
            rows.par_chunks_exact(n_classes).map_init(Default::default, of_image).collect();
        said.concat()
    }
}

impl Regression {
    /// Of a tag that was seen `counts[s - 1]` times among `s` tags, and should have been seen
    /// `expected[s - 1]` times.
    fn new(counts: &[usize], expected: &[f64]) -> Self {
        let mut from = vec![1];
        let (mut n_seen, mut n_expected) = (0.0, 0.0);
        for (i, (&count, expected)) in counts.iter().zip(expected).enumerate() {
            if f64::max(n_seen, n_expected) >= MIN_SEEN {
                from.push(i + 1);
                (n_seen, n_expected) = (0.0, 0.0);
            }
            n_seen += count as f64;
            n_expected += expected;
        }
        if f64::max(n_seen, n_expected) < MIN_SEEN && from.len() > 1 {
            from.pop();
        }
        let ends = from.iter().skip(1).copied().chain([counts.len() + 1]);
        let usual = |(&from, end): (&usize, usize)| {
            (from..end).rev().max_by_key(|&size| counts[size - 1]).unwrap_or(from)
        };
        let usual = from.iter().zip(ends).map(usual).collect();
        Self { from, usual, weights: Vec::new() }
    }

    /// The number of outcomes: "not set", and the classes of sizes.
    fn n_outcomes(&self) -> usize {
        1 + self.from.len()
    }

    /// The outcome of images where the tag is one of `size`.
    fn class(&self, size: usize) -> usize {
        self.from.iter().take_while(|&&from| from <= size).count()
    }

    /// The sizes of a class, counted from zero, among those of `p`.
    fn sizes(&self, class: usize, n_sizes: usize) -> std::ops::Range<usize> {
        let end = self.from.get(class + 1).map_or(n_sizes, |from| from - 1);
        self.from[class] - 1..end
    }

    /// The logarithms of what the tag's row `p` of a `p_is` says of each outcome.
    fn offsets(&self, p: &[f64], offsets: &mut Vec<f64>) {
        let floored = |p: f64| (p.max(0.0) + FLOOR).ln();
        offsets.clear();
        offsets.push(floored(1.0 - p.iter().sum::<f64>()));
        for class in 0..self.from.len() {
            offsets.push(floored(p[self.sizes(class, p.len())].iter().sum()));
        }
    }

    /// Keeps the weights, `[outcomes, 1 + tags]`, less those of "not set".
    fn keep(&mut self, weights: &[f64]) {
        let mut rows = weights.chunks_exact(weights.len() / self.n_outcomes());
        let unset = rows.next().unwrap_or_default();
        let kept = rows.map(|row| {
            let differences = row.iter().zip(unset).map(|(weight, unset)| weight - unset);
            let scales = [BIAS].into_iter().chain(std::iter::repeat(1.0));
            differences.zip(scales).map(|(weight, scale)| rounded(weight * scale)).collect()
        });
        self.weights = kept.collect();
    }

    fn correct(&self, inputs: &[f64], p: &mut [f64], scores: &mut Vec<f64>) {
        self.offsets(p, scores);
        for (score, weights) in scores[1..].iter_mut().zip(&self.weights) {
            *score += weights[0];
            *score += weights[1..].iter().zip(inputs).map(|(w, x)| w * x).sum::<f64>();
        }
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        for score in scores.iter_mut() {
            *score = (*score - largest).exp();
        }
        let total: f64 = scores.iter().sum();
        for (class, score) in scores[1..].iter().enumerate() {
            let sizes = self.sizes(class, p.len());
            // Within a class, sizes share as the joint has it.
            p[self.usual[class] - 1] += FLOOR;
            let said: f64 = p[sizes.clone()].iter().sum();
            p[sizes].iter_mut().for_each(|p| *p *= score / total / said);
        }
    }
}

/// For each tag its classes of sizes; `expected` is `[classes, classes]`.
fn regressions(truth: &[bool], expected: &[f64], n_classes: usize) -> Vec<Regression> {
    let mut counts = vec![0; n_classes * n_classes];
    for truth in truth.chunks_exact(n_classes) {
        let size = size(truth);
        for (counts, &is_set) in counts.chunks_exact_mut(n_classes).zip(truth) {
            if is_set {
                counts[size - 1] += 1;
            }
        }
    }
    let tags = counts.chunks_exact(n_classes).zip(expected.chunks_exact(n_classes));
    tags.map(|(counts, expected)| Regression::new(counts, expected)).collect()
}

/// How often the joint expects to see each tag among so many, `[classes, classes]`.
fn expected(rows: &[f32], n_classes: usize, joint: impl Fn(&[f32], &mut [f64])) -> Vec<f64> {
    let share = (rows.len() / n_classes).div_ceil(SAMPLE).max(1);
    let mut sums = vec![0.0; n_classes * n_classes];
    let mut p_is = sums.clone();
    for row in rows.chunks_exact(n_classes).step_by(share) {
        joint(row, &mut p_is);
        sums.iter_mut().zip(&p_is).for_each(|(sum, p)| *sum += share as f64 * p);
    }
    sums
}

/// How many tags are set.
fn size(truth: &[bool]) -> usize {
    truth.iter().filter(|is_set| **is_set).count()
}

/// The mean and the standard deviation of each tag's logit.
fn moments(rows: &[f32], n_classes: usize) -> (Vec<f64>, Vec<f64>) {
    let n = (rows.len() / n_classes).max(1) as f64;
    let of_tag = |tag: usize| {
        let logits = || rows.iter().skip(tag).step_by(n_classes).map(|&p| logit(p));
        let mean = logits().sum::<f64>() / n;
        let variance = logits().map(|logit| (logit - mean).powi(2)).sum::<f64>() / n;
        // What never changes tells nothing, whatever it is divided by.
        let spread = if variance > 1e-6 { variance.sqrt() } else { 1.0 };
        (rounded(mean), rounded(spread))
    };
    (0..n_classes).map(of_tag).unzip()
}

fn logit(p: f32) -> f64 {
    let p = f64::from(p);
    (p / (1.0 - p)).ln().clamp(-LIMIT, LIMIT)
}

/// Four decimals are more than is known, and keep files small.
fn rounded(number: f64) -> f64 {
    (number * 1e4).round() / 1e4
}
