//! `AdamW` and SGD with decoupled decay (Loshchilov and Hutter 2017,
//! <https://arxiv.org/abs/1711.05101>, algorithms 2 and 1), over blocks of variables.
//!
//! Our own, because tch's optimisers can neither save their state nor give it back (tch-rs issue
//! 360), and neither the learning-rate finder nor a killed run may leave a trace.

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::Result;
use kaggle_kit::learn::StepRates;
use kaggle_kit::recipe::OptimizerKind;
use tch::{Kind, Tensor, no_grad};

use super::blocks::{Block, named};
use super::libtorch::{self, Adamw};

const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// A block that trains, its gradients and what the optimiser remembers of it: tensors of one shape.
#[derive(Debug)]
struct Part {
    block: Rc<Block>,
    gradient: Tensor,
    mean: Tensor,
    /// `AdamW` alone has one.
    square: Option<Tensor>,
}

#[derive(Debug)]
pub(super) struct Optimizer {
    parts: Vec<Part>,
    steps: i32,
    /// The same as a tensor, where the blocks are: a GPU need not wait for a number of the host.
    step: Tensor,
}

impl Optimizer {
    /// For blocks that learn; their gradients are computed from now on.
    pub(super) fn new(kind: OptimizerKind, blocks: Vec<Rc<Block>>) -> Self {
        let part = |block: Rc<Block>| {
            let gradient = block.zeros();
            block.set_gradients(Some(&gradient));
            let square = (kind == OptimizerKind::Adamw).then(|| block.zeros());
            Part { gradient, mean: block.zeros(), square, block }
        };
        let parts: Vec<Part> = blocks.into_iter().map(part).collect();
        let step = parts.first().map_or_else(
            || Tensor::from(0_f32),
            |part| Tensor::zeros([] as [i64; 0], (Kind::Float, part.mean.device())),
        );
        Self { parts, steps: 0, step }
    }

    /// The gradients of everything that trains, a tensor a block, `[numbers]`: what several processes
    /// add up.
    pub(super) fn gradients(&self) -> Vec<Tensor> {
        self.parts.iter().map(|part| part.gradient.shallow_clone()).collect()
    }

    /// Forgets the gradients of the step before.
    pub(super) fn zero_grad(&mut self) {
        for mut gradient in self.gradients() {
            let _ = gradient.zero_();
        }
    }

    /// Multiplies all gradients, and then shortens them together to `longest` (L2) if they are longer
    /// (0: any length). Gives their length before that.
    pub(super) fn scale_and_clip(&mut self, scale: f64, longest: f64) -> Tensor {
        no_grad(|| {
            let scaled = |mut gradient: Tensor| {
                if scale != 1.0 {
                    let _ = gradient.g_mul_scalar_(scale);
                }
                gradient.norm().square()
            };
            let squares = self.gradients().into_iter().map(scaled);
            let length = squares.reduce(|a, b| a + b).unwrap_or_else(|| Tensor::from(0_f32)).sqrt();
            if longest > 0.0 {
                // As torch.nn.utils.clip_grad_norm_ does, which asks the device for no number either.
                let factor = (longest / (&length + 1e-6)).clamp_max(1.0);
                for mut gradient in self.gradients() {
                    let _ = gradient.g_mul_(&factor);
                }
            }
            length
        })
    }

    /// One step, each layer group at its rate.
    pub(super) fn step(&mut self, at: &StepRates) -> Result<()> {
        self.steps += 1;
        let _ = no_grad(|| self.step.g_add_scalar_(1.0));
        for part in &mut self.parts {
            let Part { block, gradient, mean, square } = part;
            block.note_change();
            let rate = at.rates[block.alike.group] * block.alike.share;
            if let Some(square) = square {
                libtorch::adamw(&Adamw {
                    values: &block.values,
                    gradient,
                    mean,
                    square,
                    step: &self.step,
                    rate,
                    betas: [at.momentum, BETA2],
                    decay: block.alike.decay,
                    epsilon: EPSILON,
                })?;
                continue;
            }
            no_grad(|| {
                let mut values = block.values.shallow_clone();
                if block.alike.decay > 0.0 {
                    let _ = values.g_mul_scalar_(1.0 - rate * block.alike.decay);
                }
                // PyTorch's momentum: a running sum.
                let _ = mean.g_mul_scalar_(at.momentum);
                let _ = mean.g_add_(gradient);
                let _ = values.g_sub_(&(&*mean * rate));
            });
        }
        Ok(())
    }

    pub(super) fn steps(&self) -> i32 {
        self.steps
    }

    /// Copies of the means of gradients, and of those of their squares, by the variables' names.
    pub(super) fn memory(&self) -> [BTreeMap<String, Tensor>; 2] {
        let copies = |of: fn(&Part) -> Option<&Tensor>| {
            named(self.parts.iter().filter_map(|part| Some((&part.block, of(part)?.copy()))))
        };
        [copies(|part| Some(&part.mean)), copies(|part| part.square.as_ref())]
    }

    /// Remembers what [`Optimizer::memory`] gave, after so many steps.
    pub(super) fn restore(
        &mut self,
        means: &BTreeMap<String, Tensor>,
        squares: &BTreeMap<String, Tensor>,
        steps: i32,
    ) {
        self.steps = steps;
        let _ = no_grad(|| self.step.fill_(f64::from(steps)));
        for Part { block, mean, square, .. } in &self.parts {
            for (tensor, found) in [(Some(mean), means), (square.as_ref(), squares)] {
                let Some(tensor) = tensor else { continue };
                for (name, mut place) in block.named(tensor) {
                    if let Some(value) = found.get(&name) {
                        place.copy_(value);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::torch::blocks::Alike;
    use crate::torch::libtorch::Threads;

    fn alike(group: usize, share: f64, decay: f64) -> Alike {
        Alike { group, share, decay, learns: true }
    }

    fn of_one(kind: OptimizerKind, variable: &Tensor, share: f64, decay: f64) -> Optimizer {
        let one = ("w".to_owned(), variable.shallow_clone(), alike(2, share, decay));
        Optimizer::new(kind, Block::of(vec![one], Device::Cpu))
    }

    fn start(values: &[f32]) -> Tensor {
        Tensor::from_slice(values).view([1, -1])
    }

    fn rates(rate: f64) -> StepRates {
        StepRates { rates: [0.0, 0.0, rate], momentum: 0.9 }
    }

    fn step(optimizer: &mut Optimizer, variable: &Tensor, gradient: &[f32]) -> Vec<f64> {
        optimizer.zero_grad();
        (variable * Tensor::from_slice(gradient).view([1, -1])).sum(Kind::Float).backward();
        optimizer.step(&rates(0.1)).unwrap();
        Vec::try_from(variable.detach().to_kind(Kind::Double).view([-1])).unwrap()
    }

    const GRADIENTS: [[f32; 3]; 2] = [[0.5, -1.0, 2.0], [0.1, 0.2, -0.3]];

    /// The paper's rules in double precision.
    fn reference(kind: OptimizerKind, start: &[f64; 3]) -> [f64; 3] {
        let mut values = *start;
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
            let mut optimizer = of_one(kind, &variable, 1.0, 0.1);
            let _ = step(&mut optimizer, &variable, &GRADIENTS[0]);
            let values = step(&mut optimizer, &variable, &GRADIENTS[1]);
            for (value, expected) in values.iter().zip(reference(kind, &[1.0, -2.0, 3.0])) {
                assert!((value - expected).abs() < 1e-6, "{kind:?}: {value} {expected}");
            }
        }
    }

    /// A variable alone and what was remembered of it, as `AdamW` was here before blocks were.
    struct Alone {
        variable: Tensor,
        mean: Tensor,
        square: Tensor,
        alike: Alike,
    }

    impl Alone {
        fn step(&mut self, gradient: &Tensor, at: &StepRates, steps: i32) {
            let rate = at.rates[self.alike.group] * self.alike.share;
            if self.alike.decay > 0.0 {
                let _ = self.variable.g_mul_scalar_(1.0 - rate * self.alike.decay);
            }
            let _ = self.mean.lerp_(gradient, 1.0 - at.momentum);
            let _ = self.square.lerp_(&gradient.square(), 1.0 - BETA2);
            let bias1 = 1.0 - at.momentum.powi(steps);
            let spread = (&self.square / (1.0 - BETA2.powi(steps))).sqrt() + EPSILON;
            let _ = self.variable.g_sub_(&(&self.mean / spread * (rate / bias1)));
        }
    }

    #[test]
    fn blocks_take_the_steps_that_each_variable_would_take_alone() {
        let options = (Kind::Float, Device::Cpu);
        let shapes: [&[i64]; 5] = [&[64, 3, 3, 3], &[64], &[1000], &[17, 5], &[1]];
        let (mut alone, mut variables) = (Vec::new(), Vec::new());
        for (i, shape) in shapes.into_iter().cycle().take(24).enumerate() {
            let variable = Tensor::randn(shape, options);
            let decay = if shape.len() > 1 { 0.3 } else { 0.0 };
            let alike = alike(i % 3, if i < 12 { 1.0 } else { 0.5 }, decay);
            let [mean, square] = [variable.zeros_like(), variable.zeros_like()];
            alone.push(Alone { variable: variable.copy(), mean, square, alike });
            variables.push((format!("v{i}"), variable, alike));
        }
        let known: Vec<Tensor> = variables.iter().map(|(_, v, _)| v.shallow_clone()).collect();
        let blocks = Block::of(variables, Device::Cpu);
        assert_eq!(blocks.len(), 12);
        let mut optimizer = Optimizer::new(OptimizerKind::Adamw, blocks);
        for steps in 1..=20 {
            let at = StepRates {
                rates: [1e-3, 3e-3, 1e-2].map(|rate| rate * f64::from(steps)),
                momentum: if steps % 2 == 0 { 0.85 } else { 0.95 },
            };
            optimizer.zero_grad();
            for (variable, alone) in known.iter().zip(&mut alone) {
                let gradient = Tensor::randn(variable.size().as_slice(), options);
                (variable * &gradient).sum(Kind::Float).backward();
                no_grad(|| alone.step(&gradient, &at, steps));
            }
            optimizer.step(&at).unwrap();
        }
        for (variable, alone) in known.iter().zip(&alone) {
            let off = (variable - &alone.variable).abs().max().double_value(&[]);
            // Steps round as what they pass through, which need not be where they end: near 0, say.
            let passed = 1.0 + alone.variable.abs().max().double_value(&[]);
            assert!(off < 1e-6 * passed, "{off} of {passed}");
        }
    }

    #[test]
    fn a_step_is_a_handful_of_operations_however_many_variables_there_are() {
        let variables = (0..500).map(|i| {
            let variable = Tensor::ones([8], (Kind::Float, Device::Cpu));
            (format!("v{i}"), variable, alike(i % 3, 1.0, 0.0))
        });
        let blocks = Block::of(variables.collect(), Device::Cpu);
        let mut optimizer = Optimizer::new(OptimizerKind::Adamw, blocks);
        let ((), n) = libtorch::count_operations(Threads::This, || {
            optimizer.zero_grad();
            let _ = optimizer.scale_and_clip(0.5, 1.0);
            optimizer.step(&rates(0.1)).unwrap();
        });
        // Twenty-five for each of three blocks, those that operations are made of among them.
        assert!(n < 120, "{n}");
    }

    #[test]
    fn a_share_is_a_part_of_the_group_s_rate() {
        let (whole, half) = (start(&[1.0, 1.0]), start(&[1.0, 1.0]));
        let mut moved = [(&whole, 1.0), (&half, 0.5)].into_iter().map(|(variable, share)| {
            let mut optimizer = of_one(OptimizerKind::Sgd, variable, share, 0.0);
            1.0 - step(&mut optimizer, variable, &[1.0, 2.0])[0]
        });
        let (whole, half) = (moved.next().unwrap(), moved.next().unwrap());
        assert!((whole / half - 2.0).abs() < 1e-5);
    }

    #[test]
    fn gradients_are_shortened_together() {
        let variable = start(&[0.0, 0.0]);
        let mut optimizer = of_one(OptimizerKind::Sgd, &variable, 1.0, 0.0);
        (&variable * Tensor::from_slice(&[3.0_f32, 4.0]).view([1, -1])).sum(Kind::Float).backward();
        assert!((optimizer.scale_and_clip(2.0, 1.0).double_value(&[]) - 10.0).abs() < 1e-6);
        let shortened = Vec::<f64>::try_from(variable.grad().view([-1])).unwrap();
        assert!((shortened[0] - 0.6).abs() < 1e-6 && (shortened[1] - 0.8).abs() < 1e-6);
        assert!((optimizer.scale_and_clip(1.0, 5.0).double_value(&[]) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_memory_restored_takes_the_same_step() {
        for kind in [OptimizerKind::Adamw, OptimizerKind::Sgd] {
            let variable = start(&[1.0, 1.0]);
            let mut optimizer = of_one(kind, &variable, 1.0, 0.0);
            step(&mut optimizer, &variable, &[1.0, 2.0]);
            let (before, [means, squares]) = (variable.detach().copy(), optimizer.memory());
            let first = step(&mut optimizer, &variable, &[3.0, -1.0]);
            no_grad(|| variable.shallow_clone().copy_(&before));
            optimizer.restore(&means, &squares, 1);
            assert_eq!(step(&mut optimizer, &variable, &[3.0, -1.0]), first);
        }
    }
}
