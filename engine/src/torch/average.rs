//! The running mean of the weights (Polyak and Juditsky 1992; timm's `ModelEmaV3`): steadier than
//! the weights themselves where the rate is high.

use std::collections::BTreeMap;

use tch::{Tensor, no_grad};

/// Mean weights beside the ones that train.
#[derive(Debug)]
pub(super) struct Average {
    decay: f64,
    /// Steps that are in it.
    pub(super) steps: i64,
    pub(super) weights: BTreeMap<String, Tensor>,
    /// The ones that train, while the means stand in for them.
    aside: Option<BTreeMap<String, Tensor>>,
}

impl Average {
    /// Starts at the weights as they are.
    pub(super) fn new(decay: f64, variables: &BTreeMap<String, Tensor>) -> Self {
        Self { decay, steps: 0, weights: copies(variables), aside: None }
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

    /// Puts the means in the place of the weights; [`Average::step_back`] undoes it.
    pub(super) fn stand_in(&mut self, variables: &BTreeMap<String, Tensor>) {
        if self.aside.is_none() {
            self.aside = Some(copies(variables));
            fill(variables, &self.weights);
        }
    }

    /// The ones that train, while the means stand in for them.
    pub(super) fn aside(&self) -> Option<&BTreeMap<String, Tensor>> {
        self.aside.as_ref()
    }

    pub(super) fn step_back(&mut self, variables: &BTreeMap<String, Tensor>) {
        if let Some(aside) = self.aside.take() {
            fill(variables, &aside);
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
        let variables = BTreeMap::from([("w".to_owned(), Tensor::from_slice(&[1.0_f32, 2.0]))]);
        let mut average = Average::new(0.9, &variables);
        let mut expected = 1.0;
        for step in 1..=30 {
            let value = f64::from(step * step);
            fill(
                &variables,
                &BTreeMap::from([("w".to_owned(), Tensor::from_slice(&[value as f32, 0.0]))]),
            );
            average.update(&variables);
            let t = f64::from(step);
            let decay = f64::min(0.9, (1.0 + t) / (10.0 + t));
            expected = decay * expected + (1.0 - decay) * value;
        }
        let first = |tensor: &Tensor| tensor.double_value(&[0]);
        assert!((first(&average.weights["w"]) / expected - 1.0).abs() < 1e-5);
        average.stand_in(&variables);
        average.stand_in(&variables);
        assert!((first(&variables["w"]) / expected - 1.0).abs() < 1e-5);
        average.step_back(&variables);
        assert_eq!(first(&variables["w"]), 900.0);
    }
}
