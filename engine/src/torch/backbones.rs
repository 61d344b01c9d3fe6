//! The backbones of a network: one, or several whose pooled features stand side by side, of which
//! the head then has more to choose from.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Result, bail};
use kaggle_kit::recipe::Precision;
use kaggle_kit::zoo::{Architecture, N_GROUPS};
use tch::{Device, Kind, Tensor, nn, no_grad};

use super::backbone::{Backbone, Dropping};
use super::input::{Normalise, kind_of};

/// All backbones, in the order of their features.
#[derive(Debug)]
pub(super) struct Backbones {
    branches: Vec<Branch>,
}

/// One of several side by side.
#[derive(Debug)]
struct Branch {
    architecture: &'static Architecture,
    backbone: Backbone,
    normalise: Normalise,
    /// What its variables' names begin with; nothing if it is the only one.
    prefix: String,
}

/// How a batch goes through the backbones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NormMode {
    /// Without gradients.
    Still,
    /// With gradients; norms have the statistics that they have.
    Fixed,
    /// With gradients; norms have the batch's statistics, and learn them.
    Moving,
}

impl Backbones {
    /// Registers all variables, in timm's names behind each architecture's [prefix](Architecture::prefix).
    pub(super) fn new(
        root: &nn::Path,
        architectures: &[&'static Architecture],
        device: Device,
        precision: Precision,
    ) -> Result<Self> {
        let branch = |&architecture: &&'static Architecture| {
            let prefix = architecture.prefix(architectures.len() == 1);
            let path = match prefix.strip_suffix('.') {
                Some(folder) => root / folder,
                None => root.clone(),
            };
            // A graph has its precision by itself, operation by operation.
            let of_pixels =
                if architecture.imported().is_some() { Precision::F32 } else { precision };
            Ok(Branch {
                architecture,
                backbone: Backbone::with_kind(&path, architecture, device, kind_of(precision))?,
                normalise: Normalise::new(architecture, device, of_pixels),
                prefix,
            })
        };
        Ok(Self { branches: architectures.iter().map(branch).collect::<Result<_>>()? })
    }

    /// Lays the kernels of convolutions out as their pictures are, channels last: else that is done in each
    /// pass, by cuDNN and by oneDNN, and gradients are added up across. The numbers stay the same; an imported
    /// network is left as it was traced, of which some break where colours lie side by side.
    pub(super) fn lay_out(&self, variables: &BTreeMap<String, Tensor>) {
        let is_ours = |name| {
            let found = self.local(name);
            found.is_some_and(|(branch, _)| branch.architecture.imported().is_none())
        };
        for (name, variable) in variables {
            if let [_, inputs, height, width] = *variable.size()
                && inputs > 1
                && height * width > 1
                && is_ours(name)
            {
                let kernel = variable.detach().permute([0, 2, 3, 1]).contiguous();
                variable.shallow_clone().set_data(&kernel.permute([0, 3, 1, 2]));
            }
        }
    }

    /// Pooled features of each backbone, in numbers an image.
    pub(super) fn widths(&self) -> Vec<usize> {
        self.branches.iter().map(|branch| branch.architecture.pooled() as usize).collect()
    }

    /// The architectures, each with what its variables' names begin with.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = (&'static Architecture, &str)> {
        self.branches.iter().map(|branch| (branch.architecture, branch.prefix.as_str()))
    }

    /// Of pictures as bytes, `[n, size, size, 3]`.
    pub(super) fn features(&self, bytes: &Tensor, mode: NormMode) -> Vec<Tensor> {
        self.branches.iter().map(|branch| branch.features(bytes, mode)).collect()
    }

    /// Lets images leave residual branches out until what it gives is dropped, in a step with a seed; see
    /// [`Backbone::drop_paths`].
    pub(super) fn drop_paths(
        &self,
        rate: f64,
        seed: u64,
        images: &Range<usize>,
        device: Device,
    ) -> Vec<Dropping> {
        let branches = (0..).zip(&self.branches);
        let drop = |(number, branch): (u64, &Branch)| {
            branch.backbone.drop_paths(rate, (seed, number), images.clone(), device)
        };
        branches.map(drop).collect()
    }

    /// Features of one backbone, pooled: `[n, width]`.
    pub(super) fn pooled_by(&self, backbone: usize, bytes: &Tensor) -> Tensor {
        let branch = &self.branches[backbone];
        branch.backbone.pool(&branch.features(bytes, NormMode::Still))
    }

    /// Features of each backbone to what the head takes, `[n, sum of widths]`. Its first norm
    /// standardises each of these numbers, so no backbone outweighs another by its scale.
    pub(super) fn pool(&self, features: &[Tensor]) -> Tensor {
        let branches = self.branches.iter().zip(features);
        let pooled: Vec<Tensor> =
            branches.map(|(branch, features)| branch.backbone.pool(features)).collect();
        match pooled.as_slice() {
            [one] => one.shallow_clone(),
            all => Tensor::cat(all, 1),
        }
    }

    /// Each backbone's features, or their gradients, by place: `[n, width, h, w]`. Those that pool by
    /// themselves have none.
    pub(super) fn maps(&self, features: &[Tensor]) -> Vec<Tensor> {
        let branches = self.branches.iter().zip(features);
        branches.filter_map(|(branch, features)| branch.backbone.maps(features)).collect()
    }

    /// Of each backbone that pools by itself, gradients at its pixels times these, `[n, 3, side, side]`, from
    /// the gradients that its pooled features got. Variables' own gradients stay as they are.
    pub(super) fn moved_by_pixels(
        &self,
        bytes: &Tensor,
        gradients: &[Tensor],
    ) -> Result<Vec<Tensor>> {
        let branches = self.branches.iter().zip(gradients);
        let pooling = branches.filter(|(branch, of)| branch.backbone.maps(of).is_none());
        let moved = |(branch, gradients): (&Branch, &Tensor)| -> Result<Tensor> {
            let pixels = branch.normalise.apply(bytes).detach().set_requires_grad(true);
            let features = branch.backbone.features(&pixels, false).to_kind(Kind::Float);
            let answer = (features * gradients).sum(Kind::Float);
            let found = Tensor::f_run_backward(&[answer], &[&pixels], false, false)?;
            let [gradient] = &found[..] else { bail!("a gradient of the pixels is missing") };
            Ok((gradient * pixels.detach()).to_kind(Kind::Float))
        };
        pooling.map(moved).collect()
    }

    /// The layer group of a variable; the head's for one that is no backbone's.
    pub(super) fn group_of(&self, name: &str) -> usize {
        self.local(name).map_or(N_GROUPS, |(branch, name)| branch.architecture.group_of(name))
    }

    /// Whether weight decay pulls at a backbone's variable.
    pub(super) fn decays(&self, name: &str) -> bool {
        self.local(name).is_none_or(|(branch, name)| branch.architecture.decays(name))
    }

    /// Whether gradients change a variable.
    pub(super) fn learns(&self, name: &str) -> bool {
        // A head's norms have statistics as others do.
        let of_head = !name.ends_with("running_mean") && !name.ends_with("running_var");
        self.local(name).map_or(of_head, |(branch, name)| branch.architecture.learns(name))
    }

    /// The part of the rate that each variable learns at, when layers learn the slower the further
    /// they are from the head: see [`Architecture::rate_shares`].
    pub(super) fn rate_shares(&self, names: &[String], decay: f64) -> Vec<f64> {
        let mut shares = vec![1.0; names.len()];
        for branch in &self.branches {
            let own = names.iter().enumerate().filter_map(|(place, name)| {
                let (of, name) = self.local(name)?;
                std::ptr::eq(of, branch).then(|| (place, name.to_owned()))
            });
            let (places, names): (Vec<usize>, Vec<String>) = own.unzip();
            let found = branch.architecture.rate_shares(&names, decay);
            places.into_iter().zip(found).for_each(|(place, share)| shares[place] = share);
        }
        shares
    }

    /// The backbone that a variable belongs to, and its name there.
    fn local<'a>(&self, name: &'a str) -> Option<(&Branch, &'a str)> {
        self.branches.iter().find_map(|branch| Some((branch, name.strip_prefix(&branch.prefix)?)))
    }
}

impl Branch {
    fn features(&self, bytes: &Tensor, mode: NormMode) -> Tensor {
        let pixels = self.normalise.apply(bytes);
        let features = || self.backbone.features(&pixels, mode == NormMode::Moving);
        if mode == NormMode::Still { no_grad(features) } else { features() }
    }
}
