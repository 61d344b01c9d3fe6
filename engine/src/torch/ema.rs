//! The exponential moving average of the weights (Polyak and Juditsky 1992; timm's `ModelEmaV3`):
//! steadier than the weights themselves where the rate is high.

use std::collections::BTreeMap;

use tch::{Tensor, no_grad};

/// Mean weights beside the ones that train.
#[derive(Debug)]
pub(super) struct Ema {
    decay: f64,
    /// Steps that are in it.
    pub(super) steps: i64,
    pub(super) weights: BTreeMap<String, Tensor>,
}

impl Ema {
    /// Starts at the weights as they are.
    pub(super) fn new(decay: f64, variables: &BTreeMap<String, Tensor>) -> Self {
        Self { decay, steps: 0, weights: copies(variables) }
    }

    /// Takes in the weights after a step. Early on the mean follows faster, so that it does not stick
    /// to its start.
    pub(super) fn update(&mut self, variables: &BTreeMap<String, Tensor>) {
        self.steps += 1;
        let t = self.steps as f64;
        let decay = self.decay.min((1.0 + t) / (10.0 + t));
        no_grad(|| {
            for (name, mean) in &mut self.weights {
                let _ = mean.lerp_(&variables[name], 1.0 - decay);
            }
        });
    }

    /// Puts the means in the place of the weights, until the guard that it gives is dropped. No number
    /// is copied: the variables only refer to the means' memory meanwhile.
    pub(super) fn swap_in(&self, variables: BTreeMap<String, Tensor>) -> Raw {
        let swap = |(name, mut variable): (String, Tensor)| {
            let raw = variable.detach();
            variable.set_data(&self.weights[&name]);
            (variable, raw)
        };
        Raw(variables.into_iter().map(swap).collect())
    }
}

/// The weights that train, which it puts back when it is dropped.
#[derive(Debug)]
pub(super) struct Raw(Vec<(Tensor, Tensor)>);

impl Drop for Raw {
    fn drop(&mut self) {
        for (variable, raw) in &mut self.0 {
            variable.set_data(raw);
        }
    }
}

/// Copies that no step changes.
pub(super) fn copies(variables: &BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    variables.iter().map(|(name, variable)| (name.clone(), variable.detach().copy())).collect()
}

/// Gives every variable that `values` has the value there.
pub(super) fn fill(variables: &BTreeMap<String, Tensor>, values: &BTreeMap<String, Tensor>) {
    no_grad(|| {
        for (name, value) in values {
            if let Some(variable) = variables.get(name) {
                variable.shallow_clone().copy_(value);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_the_formula_s_and_the_weights_come_back() {
        let weight = Tensor::from_slice(&[1.0_f32, 2.0]).set_requires_grad(true);
        let variables = || BTreeMap::from([("w".to_owned(), weight.shallow_clone())]);
        let mut ema = Ema::new(0.9, &variables());
        let mut expected = 1.0;
        for step in 1..=30 {
            let value = f64::from(step * step);
            fill(
                &variables(),
                &BTreeMap::from([("w".to_owned(), Tensor::from_slice(&[value as f32, 0.0]))]),
            );
            ema.update(&variables());
            let t = f64::from(step);
            let decay = f64::min(0.9, (1.0 + t) / (10.0 + t));
            expected = decay * expected + (1.0 - decay) * value;
        }
        let first = |tensor: &Tensor| tensor.double_value(&[0]);
        assert!((first(&ema.weights["w"]) / expected - 1.0).abs() < 1e-5);
        let raw = ema.swap_in(variables());
        assert!((first(&weight) / expected - 1.0).abs() < 1e-5 && weight.requires_grad());
        drop(raw);
        assert_eq!(first(&weight), 900.0);
        assert!((first(&ema.weights["w"]) / expected - 1.0).abs() < 1e-5);
    }
}
