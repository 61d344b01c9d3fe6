//! The backbones of a network: one, or several whose pooled features stand side by side, of which
//! the head then has more to choose from.

use anyhow::Result;
use kaggle_kit::dataset::Images;
use kaggle_kit::recipe::Precision;
use kaggle_kit::zoo::{Architecture, N_GROUPS};
use tch::{Device, Tensor, nn, no_grad};

use super::backbone::Backbone;
use super::input::Normalise;

/// All backbones, in the order of their features.
#[derive(Debug)]
pub(super) struct Stack {
    parts: Vec<Part>,
}

/// One of them.
#[derive(Debug)]
struct Part {
    architecture: &'static Architecture,
    backbone: Backbone,
    normalise: Normalise,
    /// What its variables' names begin with; nothing if it is the only one.
    prefix: String,
}

/// How a batch goes through the backbones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Nobody will ask for gradients.
    Still,
    /// With gradients; norms have the statistics that they have.
    Fixed,
    /// With gradients; norms have the batch's statistics, and learn them.
    Moving,
}

impl Stack {
    /// Registers all variables: under timm's names for a single backbone, under
    /// `<architecture>.<timm's name>` for several.
    pub(super) fn new(
        root: &nn::Path,
        architectures: &[&'static Architecture],
        device: Device,
        precision: Precision,
    ) -> Self {
        let part = |&architecture: &&'static Architecture| {
            let (path, prefix) = match architectures {
                [_] => (root.clone(), String::new()),
                _ => (root / architecture.name, format!("{}.", architecture.name)),
            };
            Part {
                architecture,
                backbone: Backbone::new(&path, architecture),
                normalise: Normalise::new(architecture, device, precision),
                prefix,
            }
        };
        Self { parts: architectures.iter().map(part).collect() }
    }

    /// Pooled features of each backbone, in numbers an image.
    pub(super) fn widths(&self) -> Vec<usize> {
        self.parts.iter().map(|part| 2 * part.architecture.width as usize).collect()
    }

    /// The architectures, each with what its variables' names begin with.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'static Architecture, &str)> {
        self.parts.iter().map(|part| (part.architecture, part.prefix.as_str()))
    }

    /// Features of each backbone.
    pub(super) fn features(&self, images: &Images, pass: Pass) -> Result<Vec<Tensor>> {
        self.parts.iter().map(|part| part.features(images, pass)).collect()
    }

    /// Features of one backbone, pooled: `[n, width]`.
    pub(super) fn pooled_by(&self, backbone: usize, images: &Images) -> Result<Tensor> {
        let part = &self.parts[backbone];
        Ok(part.backbone.pool(&part.features(images, Pass::Still)?))
    }

    /// Features of each backbone to what the head takes, `[n, sum of widths]`. Its first norm
    /// standardises each of these numbers, so no backbone outweighs another by its scale.
    pub(super) fn pool(&self, features: &[Tensor]) -> Tensor {
        let parts = self.parts.iter().zip(features);
        let pooled: Vec<Tensor> =
            parts.map(|(part, features)| part.backbone.pool(features)).collect();
        match pooled.as_slice() {
            [one] => one.shallow_clone(),
            all => Tensor::cat(all, 1),
        }
    }

    /// Each backbone's features, or their gradients, by place: `[n, width, h, w]`.
    pub(super) fn maps(&self, features: &[Tensor]) -> Vec<Tensor> {
        let parts = self.parts.iter().zip(features);
        parts.map(|(part, features)| part.backbone.maps(features)).collect()
    }

    /// The layer group of a variable; the head's for one that is no backbone's.
    pub(super) fn group_of(&self, name: &str) -> usize {
        let local = self.local(name);
        local.map_or(N_GROUPS, |(part, name)| self.parts[part].architecture.group_of(name))
    }

    /// Whether weight decay pulls at a backbone's variable.
    pub(super) fn decays(&self, name: &str) -> bool {
        let local = self.local(name);
        local.is_none_or(|(part, name)| self.parts[part].architecture.decays(name))
    }

    /// The part of the rate that each variable learns at, when layers learn the slower the further
    /// they are from the head: see [`Architecture::rate_shares`].
    pub(super) fn rate_shares(&self, names: &[String], decay: f64) -> Vec<f64> {
        let mut shares = vec![1.0; names.len()];
        for (i, part) in self.parts.iter().enumerate() {
            let own = names.iter().enumerate().filter_map(|(place, name)| {
                let (part, name) = self.local(name)?;
                (part == i).then(|| (place, name.to_owned()))
            });
            let (places, names): (Vec<usize>, Vec<String>) = own.unzip();
            let found = part.architecture.rate_shares(&names, decay);
            places.into_iter().zip(found).for_each(|(place, share)| shares[place] = share);
        }
        shares
    }

    /// The backbone that a variable belongs to, and its name there.
    fn local<'a>(&self, name: &'a str) -> Option<(usize, &'a str)> {
        let mut parts = self.parts.iter().enumerate();
        parts.find_map(|(i, part)| Some((i, name.strip_prefix(&part.prefix)?)))
    }
}

impl Part {
    fn features(&self, images: &Images, pass: Pass) -> Result<Tensor> {
        let pixels = self.normalise.apply(images)?;
        let features = || self.backbone.features(&pixels, pass == Pass::Moving);
        Ok(if pass == Pass::Still { no_grad(features) } else { features() })
    }
}
