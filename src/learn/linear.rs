//! Step 3's other half: logistic or ridge regression on the activations, which no later step may fall
//! below.
//!
//! What a hidden layer learns in a few hundred steps is noisy, what a linear layer is fitted to is not,
//! and the mean of their logits was nearly always better than the better one (docs/decisions.md).

use anyhow::{Context, Result};

use super::golden_rule::describe;
use super::learner::Learner;
use super::model::Model;
use super::stop::Stop;
use crate::run::{Entry, Score, Stage};

/// Logits of features that have mean 0 and variance 1.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearLayer {
    /// `[outputs, width]`.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// From one that lets hardly anything through to one that hardly holds back, on a thousand images.
pub(super) const STRENGTHS: [f64; 9] = [3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003];

/// More images than these change a linear layer little.
pub(super) const MOST_FITTED: usize = 1 << 16;

impl<M: Model> Learner<'_, M> {
    /// Fits linear layers to the training images' activations and keeps the head that has the lowest loss
    /// on the held-out images: the best that it was before, the best of these layers, or the mean of both.
    /// Says what came of it.
    pub(super) fn fit_linear(&mut self, stage: Stage) -> Result<String> {
        let recipe = &self.data.recipe;
        if !(recipe.head.linear && recipe.precompute.run) {
            return Ok(String::new());
        }
        let before = self.best_score();
        let read = |entry: &Entry| match entry {
            Entry::Fitted { stage: of, strength, linear, mean } if *of == stage => {
                Some((*strength, *linear, *mean))
            }
            _ => None,
        };
        let (strength, linear, mean) = self.once(read, |learner| {
            let (strength, linear, mean) = learner.linear_layers(stage)?;
            Ok(((strength, linear, mean), Entry::Fitted { stage, strength, linear, mean }))
        })?;
        let told = |score: Score| describe(self.data, Some(&score));
        let kept_loss = before.map_or(f64::INFINITY, |score| score.loss);
        let kept = match () {
            () if mean.loss.min(linear.loss) >= kept_loss => "the hidden layer's",
            () if mean.loss <= linear.loss => "the mean",
            () => "the linear layer's",
        };
        Ok(format!(
            "; at its best {kept_loss:.4}; a linear layer fitted with strength {strength}: {}; the mean of \
             both: {}; kept: {kept}",
            told(linear),
            told(mean)
        ))
    }

    /// The strength of the best layer, its score, and that of the mean.
    fn linear_layers(&mut self, stage: Stage) -> Result<(f64, Score, Score)> {
        let data = self.data;
        // The same images on every rank, whatever their number.
        let mut places = data.order(0)?;
        places.truncate(MOST_FITTED);
        let activations = self.activations.clone().context("no activations to fit to")?;
        let rows = activations.of_epoch(0, &places)?;
        let planned = data.plan.as_ref().map(|plan| plan.fitted(stage)).transpose()?;
        // Each is fitted from the one before.
        let last = planned.and_then(|(strength, ..)| STRENGTHS.iter().position(|s| *s == strength));
        let strengths = &STRENGTHS[..last.map_or(STRENGTHS.len(), |last| last + 1)];
        let layers = self.model.linear_path(&rows, &data.targets(&places), strengths)?;
        drop(rows);
        self.restore_best();
        let before = self.model.snapshot();
        if let Some((strength, linear, mean)) = planned {
            let layer = layers.last().context("no linear layer was fitted")?;
            self.add_linear(&before, layer, 1.0, Some(linear))?;
            self.add_linear(&before, layer, 0.5, Some(mean))?;
            self.restore_best();
            return Ok((strength, linear, mean));
        }
        let mut best: Option<(f64, Score, &LinearLayer)> = None;
        for (&strength, layer) in STRENGTHS.iter().zip(&layers) {
            let score = self.add_linear(&before, layer, 1.0, None)?;
            if best.is_none_or(|(_, best, _)| score.loss < best.loss) {
                best = Some((strength, score, layer));
            }
        }
        let (strength, linear, layer) = best.context("no linear layer was fitted")?;
        let mean = self.add_linear(&before, layer, 0.5, None)?;
        self.restore_best();
        Ok((strength, linear, mean))
    }

    /// The score, unless it is `planned`, of the head as it was with `share` of a layer's logits in it.
    fn add_linear(
        &mut self,
        before: &M::Snapshot,
        layer: &LinearLayer,
        share: f64,
        planned: Option<Score>,
    ) -> Result<Score> {
        self.model.restore(before);
        self.model.add_linear(layer, share);
        self.align()?;
        let score = planned.map_or_else(|| self.validate(), Ok)?;
        if !score.loss.is_finite() {
            return Err(Stop::NoAnswer.into());
        }
        self.keep_if_best(score);
        Ok(score)
    }
}
