//! Prepared pictures kept for later epochs, which then need not open a file; and when that pays.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Result;

use super::duplicates::Picture;
use super::prepared::{Pixels, Prepared};
use crate::cache::{PictureSource, Pictures, PicturesKey, Store};
use crate::term;

/// A place for the prepared picture of each sample.
#[derive(Clone, Debug)]
pub struct Kept {
    pictures: Arc<Pictures>,
    prepared: Prepared,
    /// Of each sample: its place among the pictures, and the sides of what is kept there.
    places: Arc<[(usize, [usize; 2])]>,
}

/// Pictures that could be kept.
#[derive(Debug)]
pub struct Keepable {
    key: PicturesKey,
    prepared: Prepared,
    sides: Vec<[usize; 2]>,
}

impl Keepable {
    /// All of `pictures`, prepared in one way; `label` is told to people.
    pub fn new(label: &str, pictures: &[Picture], prepared: Prepared) -> Self {
        let sides: Vec<_> = pictures.iter().map(|picture| prepared.sides(picture.sides)).collect();
        let pixels: Vec<_> = pictures.iter().map(|picture| picture.pixels).collect();
        let key = PicturesKey::new(&PictureSource {
            label,
            transform: &prepared.told(),
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
    pub fn open(self, store: &Store) -> Result<Kept> {
        let pictures = Arc::new(store.pictures(&self.key)?);
        let places = self.sides.into_iter().enumerate().collect();
        Ok(Kept { pictures, prepared: self.prepared, places })
    }
}

impl Kept {
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

/// When to keep pictures, as it is typed: `auto`, `always` or `never`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Where it [pays](Keep::heed).
    #[default]
    Auto,
    /// Wherever the disk takes them.
    Always,
    /// Never.
    Never,
}

impl FromStr for Keep {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        match typed {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err("known are auto, always and never".to_owned()),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        })
    }
}

/// So often every picture must be wanted at least.
const PASSES: usize = 3;

impl Keep {
    /// Whether to keep pictures that take `bytes` and are wanted `passes` times; if not, why.
    ///
    /// The first pass writes them, which costs a tenth of decoding them; each later one saves nine
    /// tenths of it, as long as they are read from memory. From a disk they may come slower than files
    /// are decoded, for a kept picture is ten times as large as its JPEG. So all of them must fit into
    /// half of the memory that is `free` now; where the system does not tell, none is kept.
    pub fn heed(self, bytes: u64, passes: usize, free: Option<u64>) -> Result<(), String> {
        let told = term::bytes;
        match (self, free) {
            (Self::Always, _) => Ok(()),
            (Self::Never, _) => Err("`--keep-pictures never`".to_owned()),
            _ if passes < PASSES => Err(format!("each is looked at {passes} times at most")),
            (_, None) => Err("this system does not tell how much memory is free".to_owned()),
            (_, Some(free)) if bytes > free / 2 => Err(format!(
                "they take {}, more than half of the free memory, {}",
                told(bytes),
                told(free / 2)
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_kept_where_it_pays_or_where_it_was_asked_for() {
        let heed = |keep: Keep, bytes, passes, free| keep.heed(bytes, passes, free).is_ok();
        assert!(heed(Keep::Auto, 50, 3, Some(100)));
        assert!(!heed(Keep::Auto, 51, 3, Some(100)));
        assert!(!heed(Keep::Auto, 50, 2, Some(100)));
        assert!(!heed(Keep::Auto, 50, 9, None));
        assert!(heed(Keep::Always, 5000, 1, None) && !heed(Keep::Never, 1, 9, Some(100)));
        for keep in [Keep::Auto, Keep::Always, Keep::Never] {
            assert_eq!(keep.to_string().parse(), Ok(keep));
        }
        assert!("sometimes".parse::<Keep>().is_err());
    }
}
