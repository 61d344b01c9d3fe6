//! The name of a cache: a hash of everything that its numbers follow from.

use sha2::{Digest, Sha256};

use super::format::{AboutActivations, Dtype, FORMAT, Shape};
use crate::cache::shelf;
use crate::hash::Hash;

/// What activations are computed from, and how.
#[derive(Clone, Copy, Debug)]
pub struct ActivationsSource<'a> {
    /// What they are for, told to people. It is no part of the key.
    pub label: &'a str,
    pub backbone: &'a str,
    /// Of the file with its weights.
    pub weights: Hash,
    /// What computes them, such as `libtorch 2.13.0 on cpu`: others round otherwise.
    pub engine: &'a str,
    /// How pixels become the network's input: every setting of it, with the seed of random views.
    pub transform: &'a str,
    /// Side of the square that the network sees, in pixels.
    pub size: usize,
    /// Of each image's file, in the order of the rows. Ids and labels do not matter: a backbone does
    /// not see them.
    pub images: &'a [Hash],
    pub views: usize,
    /// Numbers a view of an image.
    pub width: usize,
    pub dtype: Dtype,
}

/// The name under which the activations of a [`ActivationsSource`] are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivationsKey {
    pub(super) about: AboutActivations,
    pub(super) shape: Shape,
}

impl ActivationsKey {
    /// The key of `source`: half of a SHA-256 over all of it but the label, and over the format of
    /// the file.
    ///
    /// Images count by their bytes, not by size and time: times survive `cp -p` and archives, change
    /// when a data set is fetched again, and differ between the machines that train a model's folds.
    pub fn new(source: &ActivationsSource) -> Self {
        // Every field is written with its length, so that no two sources make the same bytes.
        let mut all = Sha256::new();
        let mut field = |bytes: &[u8]| {
            all.update((bytes.len() as u64).to_le_bytes());
            all.update(bytes);
        };
        for text in [FORMAT, source.backbone, source.engine, source.transform, source.dtype.name()]
        {
            field(text.as_bytes());
        }
        for number in [source.size, source.views, source.width, source.images.len()] {
            field(&(number as u64).to_le_bytes());
        }
        field(&source.weights.0);
        source.images.iter().for_each(|hash| field(&hash.0));
        let name = shelf::name(all);
        Self {
            about: AboutActivations {
                format: FORMAT.to_owned(),
                key: name,
                label: source.label.to_owned(),
                backbone: source.backbone.to_owned(),
                weights: source.weights.to_string(),
                engine: source.engine.to_owned(),
                transform: source.transform.to_owned(),
                size: source.size.to_string(),
            },
            shape: Shape {
                views: source.views,
                images: source.images.len(),
                width: source.width,
                dtype: source.dtype,
            },
        }
    }

    /// The name itself, 32 hexadecimal digits.
    pub fn name(&self) -> &str {
        &self.about.key
    }

    /// How many numbers there are, and how they are kept.
    pub fn shape(&self) -> Shape {
        self.shape
    }
}
