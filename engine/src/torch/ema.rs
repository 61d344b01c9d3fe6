//! The exponential moving average of the weights (Polyak and Juditsky 1992; timm's `ModelEmaV3`):
//! steadier than the weights themselves where the rate is high.

use std::collections::BTreeMap;
use std::rc::Rc;

use tch::{Tensor, no_grad};

use super::blocks::{Block, named};

/// Mean weights beside the ones that train.
#[derive(Debug)]
pub(super) struct Ema {
    decay: f64,
    /// Steps that are in it.
    pub(super) steps: i64,
    /// Each block with its means, `[numbers]`.
    means: Vec<(Rc<Block>, Tensor)>,
}

impl Ema {
    /// Starts at the weights as they are.
    pub(super) fn new(decay: f64, blocks: impl Iterator<Item = Rc<Block>>) -> Self {
        let means = blocks.map(|block| {
            let mean = block.values.copy();
            (block, mean)
        });
        Self { decay, steps: 0, means: means.collect() }
    }

    /// Takes in the weights after a step. Early on the mean follows faster, so that it does not stick
    /// to its start.
    pub(super) fn update(&mut self) {
        self.steps += 1;
        let t = self.steps as f64;
        let decay = self.decay.min((1.0 + t) / (10.0 + t));
        no_grad(|| {
            for (block, mean) in &mut self.means {
                let _ = mean.lerp_(&block.values, 1.0 - decay);
            }
        });
    }

    /// The means by the variables' names, in the memory where they are.
    pub(super) fn weights(&self) -> BTreeMap<String, Tensor> {
        named(self.means.iter().map(|(block, mean)| (block, mean.shallow_clone())))
    }

    /// Each block with its means.
    pub(super) fn means(&self) -> impl Iterator<Item = (&Rc<Block>, &Tensor)> {
        self.means.iter().map(|(block, mean)| (block, mean))
    }

    /// Copies of them.
    pub(super) fn copies(&self) -> BTreeMap<String, Tensor> {
        named(self.means.iter().map(|(block, mean)| (block, mean.copy())))
    }

    /// Puts the means in the place of the weights, until the guard that it gives is dropped. No number
    /// is copied: the variables only refer to the means' memory meanwhile.
    pub(super) fn swap_in(&self) -> Raw {
        self.means.iter().for_each(|(block, mean)| block.show(mean));
        Raw(self.means.iter().map(|(block, _)| Rc::clone(block)).collect())
    }
}

/// The weights that train, which it puts back when it is dropped.
#[derive(Debug)]
pub(super) struct Raw(Vec<Rc<Block>>);

impl Drop for Raw {
    fn drop(&mut self) {
        for block in &self.0 {
            block.show(&block.values);
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::torch::blocks::{Alike, fill};

    #[test]
    fn the_mean_is_the_formula_s_and_the_weights_come_back() {
        let weight = Tensor::from_slice(&[1.0_f32, 2.0]);
        let alike = Alike { group: 0, share: 1.0, decay: 0.0, learns: true };
        let blocks = Block::of(vec![("w".to_owned(), weight.shallow_clone(), alike)], Device::Cpu);
        blocks[0].set_gradients(Some(&blocks[0].zeros()));
        let mut ema = Ema::new(0.9, blocks.iter().cloned());
        let mut expected = 1.0;
        let variables = BTreeMap::from([("w".to_owned(), weight.shallow_clone())]);
        for step in 1..=30 {
            let value = f64::from(step * step);
            let values = Tensor::from_slice(&[value as f32, 0.0]);
            fill(&variables, &BTreeMap::from([("w".to_owned(), values)]));
            ema.update();
            let t = f64::from(step);
            let decay = f64::min(0.9, (1.0 + t) / (10.0 + t));
            expected = decay * expected + (1.0 - decay) * value;
        }
        let first = |tensor: &Tensor| tensor.double_value(&[0]);
        assert!((first(&ema.weights()["w"]) / expected - 1.0).abs() < 1e-5);
        let raw = ema.swap_in();
        assert!((first(&weight) / expected - 1.0).abs() < 1e-5 && weight.requires_grad());
        drop(raw);
        assert_eq!(first(&weight), 900.0);
        assert!((first(&ema.copies()["w"]) / expected - 1.0).abs() < 1e-5);
    }
}
