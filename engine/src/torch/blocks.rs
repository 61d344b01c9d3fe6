//! Variables side by side in memory: all that learn alike are views of one tensor, and so are their
//! gradients and what the optimiser remembers of them. What would be an operation a variable, thousands
//! of launches a step on a GPU, is one a block then, and what several processes add up is a few tensors.

use std::collections::BTreeMap;
use std::rc::Rc;

use kaggle_kit::zoo::N_GROUPS;
use tch::{Device, Kind, Tensor, no_grad};

use super::{changes, libtorch};

/// Every variable begins at a multiple of so many numbers (256 bytes): kernels take aligned memory best.
const ALIGNED: i64 = 64;

/// What the variables of a block have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Alike {
    /// Their layer group, which has a rate.
    pub(super) group: usize,
    /// Their own part of that rate.
    pub(super) share: f64,
    pub(super) decay: f64,
    /// Whether they learn by gradients; statistics of norms do not.
    pub(super) learns: bool,
}

/// Variables that learn alike.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) alike: Alike,
    places: Vec<Place>,
    /// `[numbers]`, f32: all of them, and zeros between.
    pub(super) values: Tensor,
}

/// One of them.
#[derive(Debug)]
struct Place {
    name: String,
    variable: Tensor,
    start: i64,
    shape: Vec<i64>,
    /// Of a kernel: whether its numbers lie as those of pictures do, channels last.
    channels_last: bool,
}

impl Block {
    /// Moves variables to a device, into as few blocks as there are kinds of them. Whoever has one of
    /// the variables has it still; one whose channels lie last keeps that.
    pub(super) fn of(variables: Vec<(String, Tensor, Alike)>, device: Device) -> Vec<Rc<Self>> {
        let mut kinds: Vec<(Alike, Vec<Place>, i64)> = Vec::new();
        for (name, variable, alike) in variables {
            let known = kinds.iter().position(|(known, ..)| *known == alike);
            let kind = known.unwrap_or_else(|| {
                kinds.push((alike, Vec::new(), 0));
                kinds.len() - 1
            });
            let (_, places, n) = &mut kinds[kind];
            let (start, shape) = (*n, variable.size());
            let numbers: i64 = shape.iter().product();
            *n += (numbers + ALIGNED - 1) / ALIGNED * ALIGNED;
            let channels_last = shape.len() == 4 && !variable.is_contiguous();
            places.push(Place { name, variable, start, shape, channels_last });
        }
        let block = |(alike, places, n): (Alike, Vec<Place>, i64)| {
            let values = Tensor::zeros([n], (Kind::Float, device));
            let block = Self { alike, places, values };
            no_grad(|| {
                for (place, mut view) in block.places.iter().zip(block.views(&block.values)) {
                    view.copy_(&place.variable);
                }
            });
            block.show(&block.values);
            Rc::new(block)
        };
        kinds.into_iter().map(block).collect()
    }

    /// As many zeros as it has numbers.
    pub(super) fn zeros(&self) -> Tensor {
        self.values.zeros_like()
    }

    /// Each variable's part of a tensor that has as many numbers as the block.
    fn views<'a>(&'a self, of: &'a Tensor) -> impl Iterator<Item = Tensor> + 'a {
        self.places.iter().map(|place| {
            let numbers: i64 = place.shape.iter().product();
            let numbers = of.narrow(0, place.start, numbers);
            match *place.shape {
                [outputs, inputs, height, width] if place.channels_last => {
                    numbers.view([outputs, height, width, inputs]).permute([0, 3, 1, 2])
                }
                _ => numbers.view(place.shape.as_slice()),
            }
        })
    }

    /// The same with the variables' names.
    pub(super) fn named<'a>(
        &'a self,
        of: &'a Tensor,
    ) -> impl Iterator<Item = (String, Tensor)> + 'a {
        self.places.iter().map(|place| place.name.clone()).zip(self.views(of))
    }

    /// Lets the variables have their values in other memory; no number is copied.
    pub(super) fn show(&self, values: &Tensor) {
        no_grad(|| {
            for (place, view) in self.places.iter().zip(self.views(values)) {
                place.variable.shallow_clone().set_data(&view);
            }
        });
        self.note_change();
    }

    /// To be called after its values have changed. Nothing is kept of what comes of a head's.
    pub(super) fn note_change(&self) {
        if self.alike.group < N_GROUPS {
            changes::changed();
        }
    }

    /// Whether gradients are computed, and where they are added up; without a place, the memory of the
    /// last ones is free.
    pub(super) fn set_gradients(&self, place: Option<&Tensor>) {
        let learns = place.is_some();
        for variable in self.variables() {
            let _ = variable.set_requires_grad(learns);
            libtorch::set_gradient(variable, None);
        }
        for (variable, view) in
            self.variables().zip(place.into_iter().flat_map(|of| self.views(of)))
        {
            libtorch::set_gradient(variable, Some(&view));
        }
    }

    /// Where each variable begins in the block, in order.
    pub(super) fn starts(&self) -> impl DoubleEndedIterator<Item = (i64, &Tensor)> {
        self.places.iter().map(|place| (place.start, &place.variable))
    }

    pub(super) fn is_of_head(&self) -> bool {
        self.alike.group == N_GROUPS
    }

    fn variables(&self) -> impl Iterator<Item = &Tensor> {
        self.places.iter().map(|place| &place.variable)
    }
}

/// Copies of blocks' values, by the variables' names, that no step changes.
pub(super) fn copies<'a>(blocks: impl Iterator<Item = &'a Rc<Block>>) -> BTreeMap<String, Tensor> {
    named(blocks.map(|block| (block, block.values.copy())))
}

/// Tensors of blocks by the variables' names.
pub(super) fn named<'a>(
    blocks: impl Iterator<Item = (&'a Rc<Block>, Tensor)>,
) -> BTreeMap<String, Tensor> {
    let mut all = BTreeMap::new();
    for (block, tensor) in blocks {
        all.extend(block.named(&tensor));
    }
    all
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
    changes::changed();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(group: usize) -> Alike {
        Alike { group, share: 1.0, decay: 0.0, learns: true }
    }

    #[test]
    fn variables_are_views_of_their_block_and_keep_their_values() {
        let tensor = |numbers: &[f32]| Tensor::from_slice(numbers);
        let (a, b, c) = (tensor(&[1.0, 2.0, 3.0]), tensor(&[4.0; 4]).view([2, 2]), tensor(&[5.0]));
        let named = |name: &str, tensor: &Tensor| (name.to_owned(), tensor.shallow_clone());
        let variables = [(named("a", &a), 0), (named("c", &c), 1), (named("b", &b), 0)];
        let variables = variables.map(|((name, variable), group)| (name, variable, alike(group)));
        let blocks = Block::of(variables.into(), Device::Cpu);
        assert_eq!(blocks.iter().map(|b| b.values.size1().unwrap()).collect::<Vec<_>>(), [128, 64]);
        let _ = no_grad(|| blocks[0].values.shallow_clone().g_mul_scalar_(2.0));
        assert_eq!(Vec::<f32>::try_from(&a).unwrap(), [2.0, 4.0, 6.0]);
        assert_eq!(
            (b.size(), b.double_value(&[1, 1]), c.double_value(&[0])),
            (vec![2, 2], 8.0, 5.0)
        );
        let names: Vec<String> = copies(blocks.iter()).into_keys().collect();
        assert_eq!(names, ["a", "b", "c"]);
        // Elsewhere for a while.
        let other = blocks[0].zeros();
        blocks[0].show(&other);
        assert_eq!(a.double_value(&[0]), 0.0);
        blocks[0].show(&blocks[0].values);
        assert_eq!(a.double_value(&[0]), 2.0);
    }

    #[test]
    fn channels_that_lie_last_stay_there_and_gradients_lie_as_their_kernels() {
        let numbers = Tensor::arange(2 * 3 * 5 * 5, (Kind::Float, Device::Cpu));
        let plain = numbers.view([2, 3, 5, 5]);
        let kernel = plain.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
        let variables = vec![("k".to_owned(), kernel.shallow_clone(), alike(0))];
        let blocks = Block::of(variables, Device::Cpu);
        assert_eq!((kernel.stride(), kernel.equal(&plain)), (vec![75, 1, 15, 3], true));
        let gradient = blocks[0].zeros();
        blocks[0].set_gradients(Some(&gradient));
        for _ in 0..2 {
            (&kernel * &plain).sum(Kind::Float).backward();
        }
        assert!(kernel.grad().equal(&(&plain * 2.0)) && kernel.grad().stride() == kernel.stride());
        // The second number there is of the second channel.
        assert_eq!(gradient.double_value(&[1]), 2.0 * plain.double_value(&[0, 1, 0, 0]));
        assert!(copies(blocks.iter())["k"].equal(&plain));
    }

    #[test]
    fn gradients_of_all_are_one_tensor() {
        let (a, b) = (Tensor::from_slice(&[1.0_f32, 2.0]), Tensor::from_slice(&[3.0_f32]));
        let variables = [("a", &a), ("b", &b)]
            .map(|(name, variable)| (name.to_owned(), variable.shallow_clone(), alike(0)));
        let blocks = Block::of(variables.into(), Device::Cpu);
        let gradient = blocks[0].zeros();
        blocks[0].set_gradients(Some(&gradient));
        for _ in 0..2 {
            (a.sum(Kind::Float) * 2.0 + b.sum(Kind::Float) * 3.0).backward();
        }
        assert_eq!(gradient.double_value(&[1]), 4.0);
        assert_eq!(gradient.double_value(&[64]), 6.0);
        assert_eq!(gradient.sum(Kind::Float).double_value(&[]), 14.0);
        blocks[0].set_gradients(None);
        assert!(!a.requires_grad() && !a.grad().defined());
    }
}
