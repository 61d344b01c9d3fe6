//! `AdamW` and SGD with decoupled decay over named tensors (Loshchilov and Hutter 2017,
//! <https://arxiv.org/abs/1711.05101>, algorithms 2 and 1).
//!
//! Our own, because tch's optimisers can neither save their state nor give it back (tch-rs issue
//! 360), and neither the learning-rate finder nor a killed run may leave a trace.

use std::collections::BTreeMap;

use kaggle_kit::learn::StepRates;
use kaggle_kit::recipe::OptimizerKind;
use tch::{Kind, Tensor, no_grad};

const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// A variable to train, and how.
#[derive(Debug)]
pub(super) struct Param {
    pub(super) name: String,
    pub(super) variable: Tensor,
    /// Its layer group, which has a rate.
    pub(super) group: usize,
    /// Its own part of that rate.
    pub(super) share: f64,
    pub(super) decay: f64,
}

/// One variable and what the optimiser remembers of it.
#[derive(Debug)]
struct Slot {
    param: Param,
    mean: Tensor,
    /// `AdamW` alone has one.
    square: Option<Tensor>,
}

#[derive(Debug)]
pub(super) struct Optimizer {
    slots: Vec<Slot>,
    steps: i32,
}

impl Optimizer {
    pub(super) fn new(kind: OptimizerKind, variables: Vec<Param>) -> Self {
        let slots = variables.into_iter().map(|mut param| {
            // Norms and biases are vectors; pulling them to zero does no good.
            if param.variable.dim() < 2 {
                param.decay = 0.0;
            }
            Slot {
                mean: param.variable.zeros_like(),
                square: (kind == OptimizerKind::Adamw).then(|| param.variable.zeros_like()),
                param,
            }
        });
        Self { slots: slots.collect(), steps: 0 }
    }

    /// Forgets the gradients of the step before.
    pub(super) fn zero_grad(&mut self) {
        for slot in &mut self.slots {
            slot.param.variable.zero_grad();
        }
    }

    /// Multiplies all gradients, and then shortens them together to `longest` (L2) if they are longer
    /// (0: any length). Gives their length before that.
    pub(super) fn scale_and_clip(&mut self, scale: f64, longest: f64) -> Tensor {
        no_grad(|| {
            let mut gradients: Vec<Tensor> = self
                .slots
                .iter()
                .map(|slot| slot.param.variable.grad())
                .filter(Tensor::defined)
                .collect();
            if scale != 1.0 {
                for gradient in &mut gradients {
                    let _ = gradient.g_mul_scalar_(scale);
                }
            }
            let squares = gradients.iter().map(|g| g.square().sum(Kind::Float));
            let length = squares.reduce(|a, b| a + b).unwrap_or_else(|| Tensor::from(0_f32)).sqrt();
            if longest > 0.0 {
                // As torch.nn.utils.clip_grad_norm_ does, which asks the device for no number either.
                let factor = (longest / (&length + 1e-6)).clamp_max(1.0);
                for gradient in &mut gradients {
                    let _ = gradient.g_mul_(&factor);
                }
            }
            length
        })
    }

    /// One step, each layer group at its rate.
    pub(super) fn step(&mut self, at: &StepRates) {
        self.steps += 1;
        let (steps, momentum) = (self.steps, at.momentum);
        no_grad(|| {
            for slot in &mut self.slots {
                let gradient = slot.param.variable.grad();
                if !gradient.defined() {
                    continue;
                }
                let Param { variable, group, share, decay, .. } = &mut slot.param;
                let rate = at.rates[*group] * *share;
                if *decay > 0.0 {
                    let _ = variable.g_mul_scalar_(1.0 - rate * *decay);
                }
                if let Some(square) = &mut slot.square {
                    let _ = slot.mean.lerp_(&gradient, 1.0 - momentum);
                    let _ = square.lerp_(&gradient.square(), 1.0 - BETA2);
                    let bias1 = 1.0 - momentum.powi(steps);
                    let bias2 = 1.0 - BETA2.powi(steps);
                    let spread = (&*square / bias2).sqrt_() + EPSILON;
                    let _ = variable.g_sub_(&((&slot.mean / spread) * (rate / bias1)));
                } else {
                    // PyTorch's momentum: a running sum.
                    let _ = slot.mean.g_mul_scalar_(momentum);
                    let _ = slot.mean.g_add_(&gradient);
                    let _ = variable.g_sub_(&(&slot.mean * rate));
                }
            }
        });
    }

    pub(super) fn steps(&self) -> i32 {
        self.steps
    }

    /// Copies of the means of gradients, and of those of their squares.
    pub(super) fn memory(&self) -> [BTreeMap<String, Tensor>; 2] {
        let copies = |of: fn(&Slot) -> Option<&Tensor>| {
            let named = self
                .slots
                .iter()
                .filter_map(|slot| Some((slot.param.name.clone(), of(slot)?.copy())));
            named.collect()
        };
        [copies(|slot| Some(&slot.mean)), copies(|slot| slot.square.as_ref())]
    }

    /// Remembers what [`Optimizer::memory`] gave, after so many steps.
    pub(super) fn restore(
        &mut self,
        means: &BTreeMap<String, Tensor>,
        squares: &BTreeMap<String, Tensor>,
        steps: i32,
    ) {
        self.steps = steps;
        for slot in &mut self.slots {
            if let Some(mean) = means.get(&slot.param.name) {
                slot.mean.copy_(mean);
            }
            if let (Some(square), Some(found)) = (&mut slot.square, squares.get(&slot.param.name)) {
                square.copy_(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    fn param(variable: &Tensor, share: f64, decay: f64) -> Param {
        Param { name: "w".to_owned(), variable: variable.shallow_clone(), group: 2, share, decay }
    }

    fn at_rate(rate: f64) -> StepRates {
        StepRates { rates: [0.0, 0.0, rate], momentum: 0.9 }
    }

    /// The gradient of the variable's weighted sum is the weights.
    fn step(optimizer: &mut Optimizer, variable: &Tensor, weights: &[f32]) -> Vec<f64> {
        optimizer.zero_grad();
        (variable * Tensor::from_slice(weights).view([1, -1])).sum(Kind::Float).backward();
        optimizer.step(&at_rate(0.1));
        Vec::try_from(variable.view([-1]).to_kind(Kind::Double)).unwrap()
    }

    fn start(values: &[f32]) -> Tensor {
        Tensor::from_slice(values).view([1, -1]).set_requires_grad(true)
    }

    const GRADIENTS: [[f32; 3]; 2] = [[0.5, -1.0, 2.0], [0.1, 0.2, -0.3]];

    /// Both rules as the paper writes them, in f64.
    fn reference(kind: OptimizerKind, start: &[f64]) -> Vec<f64> {
        let mut values = start.to_vec();
        for (i, value) in values.iter_mut().enumerate() {
            let (mut m, mut v) = (0.0, 0.0);
            for (t, gradient) in (1..).zip(GRADIENTS) {
                let g = f64::from(gradient[i]);
                let step = match kind {
                    OptimizerKind::Adamw => {
                        m = 0.9 * m + 0.1 * g;
                        v = 0.999 * v + 0.001 * g * g;
                        let m_hat = m / (1.0 - 0.9_f64.powi(t));
                        let v_hat: f64 = v / (1.0 - 0.999_f64.powi(t));
                        m_hat / (v_hat.sqrt() + 1e-8)
                    }
                    OptimizerKind::Sgd => {
                        m = 0.9 * m + g;
                        m
                    }
                };
                *value -= 0.1 * (step + 0.1 * *value);
            }
        }
        values
    }

    #[test]
    fn both_rules_agree_with_the_paper() {
        // And with PyTorch: p = torch.nn.Parameter(torch.tensor([[1., -2., 3.]]))
        // o = torch.optim.AdamW([p], lr=.1, weight_decay=.1)
        // for w in ([.5, -1, 2], [.1, .2, -.3]): o.zero_grad(); (p * torch.tensor(w)).sum().backward(); o.step()
        for kind in [OptimizerKind::Adamw, OptimizerKind::Sgd] {
            let variable = start(&[1.0, -2.0, 3.0]);
            let mut optimizer = Optimizer::new(kind, vec![param(&variable, 1.0, 0.1)]);
            let _ = step(&mut optimizer, &variable, &GRADIENTS[0]);
            let values = step(&mut optimizer, &variable, &GRADIENTS[1]);
            for (value, expected) in values.iter().zip(reference(kind, &[1.0, -2.0, 3.0])) {
                assert!((value - expected).abs() < 1e-6, "{kind:?}: {value} {expected}");
            }
        }
    }

    #[test]
    fn a_share_is_a_part_of_the_group_s_rate() {
        let (whole, half) = (start(&[1.0, 1.0]), start(&[1.0, 1.0]));
        let mut moved = [(&whole, 1.0), (&half, 0.5)].into_iter().map(|(variable, share)| {
            let variables = vec![param(variable, share, 0.0)];
            let mut optimizer = Optimizer::new(OptimizerKind::Sgd, variables);
            1.0 - step(&mut optimizer, variable, &[1.0, 2.0])[0]
        });
        let (whole, half) = (moved.next().unwrap(), moved.next().unwrap());
        assert!((whole / half - 2.0).abs() < 1e-5);
    }

    #[test]
    fn gradients_are_shortened_together() {
        let variable = start(&[0.0, 0.0]);
        let variables = vec![param(&variable, 1.0, 0.0)];
        let mut optimizer = Optimizer::new(OptimizerKind::Sgd, variables);
        (&variable * Tensor::from_slice(&[3.0_f32, 4.0]).view([1, -1])).sum(Kind::Float).backward();
        assert!((optimizer.scale_and_clip(2.0, 1.0).double_value(&[]) - 10.0).abs() < 1e-6);
        let shortened = Vec::<f64>::try_from(variable.grad().view([-1])).unwrap();
        assert!((shortened[0] - 0.6).abs() < 1e-6 && (shortened[1] - 0.8).abs() < 1e-6);
        assert!((optimizer.scale_and_clip(1.0, 5.0).double_value(&[]) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_memory_restored_takes_the_same_step() {
        for kind in [OptimizerKind::Adamw, OptimizerKind::Sgd] {
            let variable = Tensor::ones([1, 2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
            let mut optimizer = Optimizer::new(kind, vec![param(&variable, 1.0, 0.0)]);
            step(&mut optimizer, &variable, &[1.0, 2.0]);
            let (before, [means, squares]) = (variable.detach().copy(), optimizer.memory());
            let first = step(&mut optimizer, &variable, &[3.0, -1.0]);
            no_grad(|| variable.shallow_clone().copy_(&before));
            optimizer.restore(&means, &squares, 1);
            assert_eq!(step(&mut optimizer, &variable, &[3.0, -1.0]), first);
        }
    }
}
