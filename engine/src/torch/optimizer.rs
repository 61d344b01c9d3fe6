//! `AdamW` over named tensors (Loshchilov and Hutter 2017, <https://arxiv.org/abs/1711.05101>).
//!
//! Our own, because tch's optimisers can neither save their state nor give it back
//! (tch-rs issue 360), and the learning-rate finder must leave no trace.

use tch::{Tensor, no_grad};

use kaggle_kit::learn::Rates;

const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// One variable and what the optimiser remembers of it.
#[derive(Debug)]
struct Slot {
    variable: Tensor,
    group: usize,
    decay: f64,
    mean: Tensor,
    square: Tensor,
}

/// The optimiser with its state.
#[derive(Debug)]
pub(super) struct AdamW {
    slots: Vec<Slot>,
    steps: i32,
    momentum: f64,
}

/// The state at one moment.
#[derive(Debug)]
pub(super) struct State {
    moments: Vec<(Tensor, Tensor)>,
    steps: i32,
}

impl AdamW {
    /// A fresh optimiser over variables with their layer group and decay.
    pub(super) fn new(variables: Vec<(Tensor, usize, f64)>, momentum: f64) -> Self {
        let slots = variables.into_iter().map(|(variable, group, decay)| Slot {
            mean: variable.zeros_like(),
            square: variable.zeros_like(),
            // Norms and biases are vectors; pulling them to zero does no good.
            decay: if variable.dim() > 1 { decay } else { 0.0 },
            group,
            variable,
        });
        Self { slots: slots.collect(), steps: 0, momentum }
    }

    /// Forgets the gradients of the step before.
    pub(super) fn zero_grad(&mut self) {
        for slot in &mut self.slots {
            slot.variable.zero_grad();
        }
    }

    /// One step, each layer group at its rate.
    pub(super) fn step(&mut self, rates: &Rates) {
        self.steps += 1;
        let beta1 = self.momentum;
        let (bias1, bias2) = (1.0 - beta1.powi(self.steps), 1.0 - BETA2.powi(self.steps));
        no_grad(|| {
            for slot in &mut self.slots {
                let gradient = slot.variable.grad();
                if !gradient.defined() {
                    continue;
                }
                let rate = rates[slot.group];
                if slot.decay > 0.0 {
                    let _ = slot.variable.g_mul_scalar_(1.0 - rate * slot.decay);
                }
                let _ = slot.mean.lerp_(&gradient, 1.0 - beta1);
                let _ = slot.square.lerp_(&gradient.square(), 1.0 - BETA2);
                let spread = (&slot.square / bias2).sqrt_() + EPSILON;
                let _ = slot.variable.g_sub_(&((&slot.mean / spread) * (rate / bias1)));
            }
        });
    }

    pub(super) fn state(&self) -> State {
        let moments = self.slots.iter().map(|slot| (slot.mean.copy(), slot.square.copy()));
        State { moments: moments.collect(), steps: self.steps }
    }

    pub(super) fn restore(&mut self, state: &State) {
        self.steps = state.steps;
        for (slot, (mean, square)) in self.slots.iter_mut().zip(&state.moments) {
            slot.mean.copy_(mean);
            slot.square.copy_(square);
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;

    /// The gradient of the variable's weighted sum is the weights.
    fn step(optimizer: &mut AdamW, variable: &Tensor, weights: &[f32], rate: f64) -> Vec<f32> {
        optimizer.zero_grad();
        (variable * Tensor::from_slice(weights).view([1, -1])).sum(Kind::Float).backward();
        optimizer.step(&[0.0, 0.0, rate]);
        Vec::try_from(variable.view([-1])).unwrap()
    }

    #[test]
    fn agrees_with_pytorch() {
        // p = torch.nn.Parameter(torch.tensor([[1., -2., 3.]]))
        // o = torch.optim.AdamW([p], lr=.1, weight_decay=.1)
        // for w in ([.5, -1, 2], [.1, .2, -.3]): o.zero_grad(); (p * torch.tensor(w)).sum().backward(); o.step()
        let variable =
            Tensor::from_slice(&[1.0_f32, -2.0, 3.0]).view([1, 3]).set_requires_grad(true);
        let mut optimizer = AdamW::new(vec![(variable.shallow_clone(), 2, 0.1)], 0.9);
        let _ = step(&mut optimizer, &variable, &[0.5, -1.0, 2.0], 0.1);
        let values = step(&mut optimizer, &variable, &[0.1, 0.2, -0.3], 0.1);
        let expected = reference(&[1.0, -2.0, 3.0], [&[0.5, -1.0, 2.0], &[0.1, 0.2, -0.3]]);
        for (value, expected) in values.iter().zip(expected) {
            assert!((f64::from(*value) - expected).abs() < 1e-6, "{value} {expected}");
        }
    }

    /// Algorithm 2 of the paper, as it is written there, in f64.
    fn reference(start: &[f64], gradients: [&[f64]; 2]) -> Vec<f64> {
        let mut values = start.to_vec();
        for (i, value) in values.iter_mut().enumerate() {
            let (mut m, mut v) = (0.0, 0.0);
            for (t, gradient) in gradients.iter().enumerate() {
                let (g, t) = (gradient[i], t as i32 + 1);
                m = 0.9 * m + 0.1 * g;
                v = 0.999 * v + 0.001 * g * g;
                let (m_hat, v_hat) = (m / (1.0 - 0.9_f64.powi(t)), v / (1.0 - 0.999_f64.powi(t)));
                *value -= 0.1 * (m_hat / (v_hat.sqrt() + 1e-8) + 0.1 * *value);
            }
        }
        values
    }

    #[test]
    fn a_state_restored_takes_the_same_step() {
        let variable = Tensor::ones([1, 2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let mut optimizer = AdamW::new(vec![(variable.shallow_clone(), 2, 0.0)], 0.9);
        step(&mut optimizer, &variable, &[1.0, 2.0], 0.1);
        let (before, state) = (variable.detach().copy(), optimizer.state());
        let first = step(&mut optimizer, &variable, &[3.0, -1.0], 0.1);
        no_grad(|| variable.shallow_clone().copy_(&before));
        optimizer.restore(&state);
        assert_eq!(step(&mut optimizer, &variable, &[3.0, -1.0], 0.1), first);
    }
}
