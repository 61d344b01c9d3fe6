//! Stochastic depth (Huang et al. 2016, <https://arxiv.org/abs/1603.09382>): in training an image leaves out
//! residual branches at random, the later ones more often, as timm's `drop_path_rate` has it.
//!
//! What is left out follows from the step's seed, the branch and the image's number in its batch alone, so
//! that the pieces of a batch, and the ranks that share it, leave out what the whole batch does.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use kaggle_kit::rng::{self, Purpose};
use tch::{Device, Tensor};

/// What each branch is multiplied by for each image, `[branches, n]`, while branches are left out.
type Scales = Arc<Mutex<Option<Tensor>>>;

/// The residual branches of a backbone.
#[derive(Debug, Default)]
pub(super) struct DropPaths {
    scales: Scales,
    /// How far down each is, from 0 to 1.
    depths: Vec<f64>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct DropPath {
    scales: Scales,
    number: usize,
}

/// While it lives, branches are left out.
#[derive(Debug)]
pub struct Dropping(Scales);

impl Drop for Dropping {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl DropPaths {
    /// Another branch, in a block that is so far down, from 0 to 1.
    pub(super) fn add(&mut self, depth: f64) -> DropPath {
        self.depths.push(depth);
        DropPath { scales: Arc::clone(&self.scales), number: self.depths.len() - 1 }
    }

    /// Leaves branches out with a probability of `rate` times their depth. `images` are the numbers in their
    /// batch of those that come; `key` is the step's seed and the backbone's number.
    pub(super) fn draw(
        &self,
        rate: f64,
        (seed, backbone): (u64, u64),
        images: Range<usize>,
        device: Device,
    ) -> Dropping {
        let (n, n_branches) = (images.len(), self.depths.len());
        let mut scales = vec![0.0_f32; n * n_branches];
        for (place, image) in images.enumerate() {
            let key = [seed, backbone, image as u64];
            let numbers = rng::uniform(Purpose::DropPath, key, n_branches);
            for (branch, (depth, number)) in self.depths.iter().zip(numbers).enumerate() {
                let kept = 1.0 - rate * depth;
                // What is expected of a branch stays what it was.
                if number < kept {
                    scales[branch * n + place] = (1.0 / kept) as f32;
                }
            }
        }
        let scales = Tensor::from_slice(&scales).view([n_branches as i64, n as i64]);
        let scales = scales.to_device(device);
        *self.scales.lock().unwrap_or_else(PoisonError::into_inner) = Some(scales);
        Dropping(Arc::clone(&self.scales))
    }
}

impl DropPath {
    /// What a branch adds, `[n, ...]`: nothing to images that leave it out.
    pub(super) fn apply(&self, branch: Tensor) -> Tensor {
        let scales = self.scales.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(scales) = scales.as_ref() else { return branch };
        let mut shape = vec![1; branch.dim()];
        shape[0] = branch.size()[0];
        let scale = scales.get(self.number as i64).view(&shape[..]).to_kind(branch.kind());
        branch * scale
    }
}

#[cfg(test)]
mod tests {
    use kaggle_kit::zoo;
    use tch::{Kind, nn, no_grad};

    use super::super::Backbone;
    use super::*;

    fn backbone(name: &str) -> (nn::VarStore, Backbone) {
        tch::manual_seed(1);
        let store = nn::VarStore::new(Device::Cpu);
        let backbone = Backbone::new(&store.root(), zoo::find(name).unwrap()).unwrap();
        (store, backbone)
    }

    #[test]
    fn branches_are_left_out_as_often_as_in_timm() {
        // >>> m = timm.create_model(name, drop_path_rate=.3)      # timm 1.0.31
        // >>> [d.drop_prob for d in m.modules() if isinstance(d, timm.layers.DropPath)]
        // with those of 0, and without those of blocks that have no shortcut; the first ones and the last.
        let cases: [(&str, usize, &[f64], f64); 5] = [
            ("resnet18", 8, &[0.0, 0.0429, 0.0857, 0.1286], 0.3),
            ("tf_efficientnet_lite0", 9, &[0.0375, 0.075, 0.1125, 0.1313], 0.2625),
            ("mobilenetv2_100", 10, &[0.0353, 0.0706, 0.0882, 0.1235], 0.2647),
            ("convnext_small", 36, &[0.0, 0.0086, 0.0171, 0.0257], 0.3),
            ("vit_small_patch14_dinov2", 24, &[0.0, 0.0, 0.0273, 0.0273], 0.3),
        ];
        for (name, n, first, last) in cases {
            let (_store, backbone) = backbone(name);
            let rates: Vec<f64> = backbone.paths.depths.iter().map(|depth| 0.3 * depth).collect();
            assert_eq!(rates.len(), n, "{name}");
            let expected = first.iter().chain([&last]);
            for (rate, expected) in rates.iter().take(4).chain(rates.last()).zip(expected) {
                assert!((rate - expected).abs() < 1e-4, "{name}: {rates:?}");
            }
        }
    }

    #[test]
    fn a_branch_adds_what_it_did_on_the_average() {
        let mut paths = DropPaths::default();
        let (early, late) = (paths.add(0.25), paths.add(1.0));
        let n = 4000;
        let _dropping = paths.draw(0.4, (7, 0), 0..n, Device::Cpu);
        for (path, rate) in [(early, 0.1), (late, 0.4)] {
            let ones = Tensor::ones([n as i64, 2, 1], (Kind::Float, Device::Cpu));
            let found = path.apply(ones);
            let none = found.eq(0.0).to_kind(Kind::Double).mean(Kind::Double).double_value(&[]);
            assert!((none - rate).abs() < 0.025, "{none}");
            let most = found.max().double_value(&[]);
            assert!((most - 1.0 / (1.0 - rate)).abs() < 1e-6, "{most}");
            let mean = found.mean(Kind::Double).double_value(&[]);
            assert!((mean - 1.0).abs() < 0.05, "{mean}");
            // All of an image, or nothing.
            assert!(found.select(1, 0).equal(&found.select(1, 1)));
        }
    }

    #[test]
    fn pieces_of_a_batch_leave_out_what_the_whole_does() {
        let names =
            ["resnet18", "tf_efficientnet_lite0", "convnext_tiny", "vit_small_patch14_dinov2"];
        for name in names {
            let (_store, backbone) = backbone(name);
            let pictures = Tensor::randn([5, 3, 56, 56], (Kind::Float, Device::Cpu));
            let seen = |images: Range<usize>, seed: Option<u64>| {
                let own = pictures.narrow(0, images.start as i64, images.len() as i64);
                let drop = |seed| backbone.drop_paths(0.5, (seed, 0), images.clone(), Device::Cpu);
                let _dropping = seed.map(drop);
                no_grad(|| backbone.features(&own, false))
            };
            let apart =
                |a: &Tensor, b: &Tensor| ((a - b).abs().max() / a.abs().max()).double_value(&[]);
            let whole = seen(0..5, Some(3));
            let pieces = Tensor::cat(&[seen(0..2, Some(3)), seen(2..5, Some(3))], 0);
            assert!(apart(&whole, &pieces) < 1e-4, "{name}");
            assert!(whole.equal(&seen(0..5, Some(3))), "{name}");
            // Layers of the others add next to nothing before they are trained.
            if name.starts_with("resnet") || name.starts_with("tf") {
                assert!(apart(&whole, &seen(0..5, Some(4))) > 1e-3, "{name}");
                assert!(apart(&whole, &seen(0..5, None)) > 1e-3, "{name}");
            }
        }
    }
}
