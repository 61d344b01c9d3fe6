//! Prepared pictures kept for later epochs, which then need not open a file.

use std::sync::Arc;

use anyhow::Result;

use super::twins::PictureId;
use super::view::{Pixels, Prepared};
use crate::cache::{PictureFile, PictureSource, PicturesKey, Store};

/// A place for the prepared picture of each sample.
#[derive(Clone, Debug)]
pub struct PictureCache {
    pictures: Arc<PictureFile>,
    prepared: Prepared,
    /// Of each sample: its place among the pictures, and the sides of what is kept there.
    places: Arc<[(usize, [usize; 2])]>,
}

/// Pictures that could be kept.
#[derive(Debug)]
pub struct PictureCachePlan {
    key: PicturesKey,
    prepared: Prepared,
    sides: Vec<[usize; 2]>,
}

impl PictureCachePlan {
    /// All of `pictures`, prepared in one way; `label` is told to people.
    pub fn new(label: &str, pictures: &[PictureId], prepared: Prepared) -> Self {
        let sides: Vec<_> = pictures.iter().map(|picture| prepared.sides(picture.sides)).collect();
        let pixels: Vec<_> = pictures.iter().map(|picture| picture.pixels).collect();
        let key = PicturesKey::new(&PictureSource {
            label,
            transform: &prepared.describe(),
            size: prepared.size(),
            pixels: &pixels,
            sides: &sides,
        });
        Self { key, prepared, sides }
    }

    /// How much room they take, on disk and in memory.
    pub fn bytes(&self) -> u64 {
        self.key.bytes()
    }

    /// Opens the place for them.
    pub fn open(self, store: &Store) -> Result<PictureCache> {
        let pictures = Arc::new(store.pictures(&self.key)?);
        let places = self.sides.into_iter().enumerate().collect();
        Ok(PictureCache { pictures, prepared: self.prepared, places })
    }
}

impl PictureCache {
    /// The places of some samples among all: of those at `indices`, in their order.
    #[must_use]
    pub fn of(&self, indices: &[usize]) -> Self {
        Self { places: indices.iter().map(|&i| self.places[i]).collect(), ..self.clone() }
    }

    /// What the pictures are prepared for.
    pub fn prepared(&self) -> Prepared {
        self.prepared
    }

    pub(super) fn get(&self, sample: usize) -> Option<Pixels<'_>> {
        let (place, sides) = self.places[sample];
        self.pictures.get(place).map(|bytes| Pixels { bytes, sides })
    }

    pub(super) fn put(&self, sample: usize, pixels: Pixels) {
        let (place, sides) = self.places[sample];
        // A file that was replaced since its picture was looked at has no place.
        if pixels.sides == sides {
            self.pictures.put(place, pixels.bytes);
        }
    }

    /// How many pictures are there, of all runs that share them.
    pub fn count(&self) -> usize {
        self.pictures.kept()
    }

    /// Why no more are kept, if so.
    pub fn trouble(&self) -> Option<&str> {
        self.pictures.trouble()
    }
}
