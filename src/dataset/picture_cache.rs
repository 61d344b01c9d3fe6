//! Prepared pictures kept for later epochs, which then need not open a file.

use std::sync::Arc;

use anyhow::Result;
use kaggle_kit_pixels::Pixels;

use super::twins::PictureId;
use super::view::Prepared;
use crate::cache::{PictureFile, PictureSource, PicturesKey, Store};
use crate::hash::Hash;

/// A place for the prepared picture of each sample.
#[derive(Clone, Debug)]
pub struct PictureCache {
    pictures: Arc<PictureFile>,
    prepared: Prepared,
    places: Arc<[Place]>,
}

/// Of a sample.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Among the pictures.
    number: usize,
    /// Of what is kept there.
    sides: [usize; 2],
    /// Of the file that it is made of.
    file: Hash,
}

/// Pictures that could be kept.
#[derive(Debug)]
pub struct PictureCachePlan {
    key: PicturesKey,
    prepared: Prepared,
    sides: Vec<[usize; 2]>,
    files: Vec<Hash>,
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
        let files = pictures.iter().map(|picture| picture.file).collect();
        Self { key, prepared, sides, files }
    }

    /// How much room they take, on disk and in memory.
    pub fn bytes(&self) -> u64 {
        self.key.bytes()
    }

    /// Opens the place for them.
    pub fn open(self, store: &Store) -> Result<PictureCache> {
        let pictures = Arc::new(store.pictures(&self.key)?);
        let places = self.sides.into_iter().zip(self.files).enumerate();
        let places = places.map(|(number, (sides, file))| Place { number, sides, file }).collect();
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

    /// A sample's picture, read into `room`.
    pub(super) fn get<'a>(&self, sample: usize, room: &'a mut Vec<u8>) -> Option<Pixels<'a>> {
        let Place { number, sides, .. } = self.places[sample];
        self.pictures.read(number, room).then_some(Pixels { bytes: room, sides })
    }

    /// Keeps what was prepared of the file of this hash, if that is the one that the place is for.
    pub(super) fn put(&self, sample: usize, file: Hash, pixels: Pixels) {
        let place = self.places[sample];
        if (pixels.sides, file) == (place.sides, place.file) {
            self.pictures.put(place.number, pixels.bytes);
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
