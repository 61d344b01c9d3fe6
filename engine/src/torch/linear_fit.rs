//! A linear layer on features that stand still, fitted to convergence: logistic or ridge regression, for
//! a path of strengths.
//!
//! L-BFGS with a backtracking line search (Nocedal and Wright 2006, algorithms 7.4, 7.5 and 3.1). libtorch
//! has one, for which tch has no door.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use kaggle_kit::learn::LinearLayer;
use tch::{Kind, Tensor, no_grad};

use super::input::to_host;

/// Pairs of steps and changes of the gradient that are remembered.
const MEMORY: usize = 10;

/// Steps a strength; each strength starts where the one before has ended.
const MOST_STEPS: usize = 100;

/// It has converged once a step lessens the loss by less than this part of it.
const LEAST_GAIN: f64 = 1e-6;

/// A step must lessen the loss by this part of what its slope promises (Armijo).
const SUFFICIENT: f64 = 1e-4;

/// Halvings of a step before it is given up.
const MOST_HALVINGS: usize = 30;

/// What is fitted.
pub(super) struct Problem<'a> {
    /// Of mean 0 and variance 1 each, `[n, width]`.
    pub(super) features: &'a Tensor,
    pub(super) n_outputs: i64,
    /// The mean over the images, of logits `[n, outputs]`.
    pub(super) loss: &'a dyn Fn(&Tensor) -> Tensor,
}

/// The layers that minimise the loss and half of a strength times the sum of their squared weights, a
/// layer a strength, in turn.
pub(super) fn path(problem: &Problem, strengths: &[f64]) -> Result<Vec<LinearLayer>> {
    let width = problem.features.size()[1];
    let numbers = (width + 1) * problem.n_outputs;
    let mut at = Tensor::zeros([numbers], (Kind::Float, problem.features.device()));
    let mut layers = Vec::with_capacity(strengths.len());
    for &strength in strengths {
        at = problem.minimum(at, strength).context("failed to fit a linear layer")?;
        let [weights, bias] = problem.parts(&at);
        let layer = LinearLayer { weights: to_host(&weights)?, bias: to_host(&bias)? };
        layers.push(layer);
    }
    Ok(layers)
}

/// Steps and changes of the gradient, the newest last, which stand for the curvature.
#[derive(Default)]
struct Memory(VecDeque<(Tensor, Tensor, f64)>);

impl Problem<'_> {
    /// Weights, `[outputs, width]`, and bias, `[outputs]`.
    fn parts(&self, at: &Tensor) -> [Tensor; 2] {
        let width = self.features.size()[1];
        let n = width * self.n_outputs;
        [at.narrow(0, 0, n).view([self.n_outputs, width]), at.narrow(0, n, self.n_outputs)]
    }

    fn minimum(&self, start: Tensor, strength: f64) -> Result<Tensor> {
        let (mut at, mut memory) = (start, Memory::default());
        let (mut value, mut gradient) = self.value(&at, strength)?;
        for _ in 0..MOST_STEPS {
            let direction = memory.direction(&gradient)?;
            let slope = dot(&direction, &gradient)?;
            // The first step has no curvature to go by.
            let mut length = if memory.0.is_empty() {
                1.0 / gradient.abs().sum(Kind::Float).f_double_value(&[])?.max(1.0)
            } else {
                1.0
            };
            let mut found = None;
            for _ in 0..MOST_HALVINGS {
                let next = no_grad(|| &at + &direction * length);
                let (value_there, gradient_there) = self.value(&next, strength)?;
                if value_there <= value + SUFFICIENT * length * slope {
                    found = Some((next, value_there, gradient_there));
                    break;
                }
                length /= 2.0;
            }
            let Some((next, value_there, gradient_there)) = found else { break };
            memory.add(&next - &at, &gradient_there - &gradient)?;
            let gain = value - value_there;
            (at, value, gradient) = (next, value_there, gradient_there);
            if gain <= LEAST_GAIN * value.abs() {
                break;
            }
        }
        Ok(at)
    }

    /// What is minimised, and its gradient.
    fn value(&self, at: &Tensor, strength: f64) -> Result<(f64, Tensor)> {
        let at = at.detach().set_requires_grad(true);
        let [weights, bias] = self.parts(&at);
        let logits = self.features.f_linear(&weights, Some(&bias))?;
        let squares = weights.square().sum(Kind::Float);
        let value = (self.loss)(&logits) + squares * (strength / 2.0);
        value.f_backward()?;
        Ok((value.f_double_value(&[])?, at.grad()))
    }
}

impl Memory {
    /// Of what has no positive curvature nothing can be learnt.
    fn add(&mut self, step: Tensor, change: Tensor) -> Result<()> {
        let curvature = dot(&step, &change)?;
        if curvature > 0.0 {
            self.0.push_back((step, change, curvature));
            if self.0.len() > MEMORY {
                self.0.pop_front();
            }
        }
        Ok(())
    }

    /// Downhill from where the gradient is `gradient`.
    fn direction(&self, gradient: &Tensor) -> Result<Tensor> {
        let mut q = gradient.neg();
        let mut shares = Vec::with_capacity(self.0.len());
        for (step, change, curvature) in self.0.iter().rev() {
            let share = dot(step, &q)? / curvature;
            q -= change * share;
            shares.push(share);
        }
        if let Some((_, change, curvature)) = self.0.back() {
            q *= curvature / dot(change, change)?;
        }
        for ((step, change, curvature), share) in self.0.iter().zip(shares.into_iter().rev()) {
            let other = dot(change, &q)? / curvature;
            q += step * (share - other);
        }
        Ok(q)
    }
}

fn dot(a: &Tensor, b: &Tensor) -> Result<f64> {
    Ok(a.f_dot(b)?.f_double_value(&[])?)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Reduction};

    use super::*;

    /// `[n, 3]`, the same each time, and a truth that hangs on it.
    fn features(n: i64) -> Tensor {
        let i = Tensor::arange(n * 3, (Kind::Float, Device::Cpu));
        ((i * 12.9898).sin() * 43758.547).frac().view([n, 3]) * 2.0
    }

    #[test]
    fn squares_have_the_answer_of_ridge_regression() {
        let x = features(50);
        let truth = &x.narrow(1, 0, 1) * 2.0 - x.narrow(1, 2, 1) + 3.0;
        let loss = |said: &Tensor| said.mse_loss(&truth, Reduction::Mean);
        let problem = Problem { features: &x, n_outputs: 1, loss: &loss };
        let layers = path(&problem, &[1.0, 1e-7]).unwrap();
        let free = &layers[1];
        for (found, right) in free.weights.iter().zip([2.0, 0.0, -1.0]) {
            assert!((found - right).abs() < 1e-2, "{layers:?}");
        }
        assert!((free.bias[0] - 3.0).abs() < 1e-2, "{layers:?}");
        // (X'X / n * 2 + strength I) w = X'y / n * 2, of centred X and y.
        let (centred, y) =
            (&x - x.mean_dim(0, true, Kind::Float), &truth - truth.mean(Kind::Float));
        let squares = centred.tr().matmul(&centred) * (2.0 / 50.0)
            + Tensor::eye(3, (Kind::Float, Device::Cpu));
        let right = squares.inverse().matmul(&(centred.tr().matmul(&y) * (2.0 / 50.0)));
        let right = to_host(&right.view([3])).unwrap();
        for (found, right) in layers[0].weights.iter().zip(right) {
            assert!((found - right).abs() < 1e-3, "{layers:?}");
        }
    }

    #[test]
    fn at_the_minimum_of_a_cross_entropy_the_gradient_is_nothing() {
        let x = features(80);
        let truth = x.narrow(1, 1, 1).gt(0.1).to_kind(Kind::Float).view([80]);
        let truth = Tensor::stack(&[truth.shallow_clone(), 1.0 - truth], 1);
        let loss = |logits: &Tensor| {
            -(logits.log_softmax(-1, Kind::Float) * &truth).sum(Kind::Float) / 80.0
        };
        let problem = Problem { features: &x, n_outputs: 2, loss: &loss };
        let layer = &path(&problem, &[1.0, 0.1, 0.01]).unwrap()[2];
        let numbers: Vec<f32> = layer.weights.iter().chain(&layer.bias).copied().collect();
        let (_, gradient) = problem.value(&Tensor::from_slice(&numbers), 0.01).unwrap();
        let longest = gradient.abs().max().double_value(&[]);
        assert!(longest < 1e-3, "{longest}");
    }
}
