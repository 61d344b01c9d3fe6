//! Whether pictures of 16 bits use them. White is 65,535 in every picture alike, so that a set whose
//! values end at 255 or at 4,095, as cameras and scanners of 8 or 12 bits leave them, looks black: no
//! error, and nothing to be seen by a network. It is the whole set that tells; one dark picture does not.

use super::fingerprint::Fingerprint;
use crate::term::{count, thousands};

/// Detectors have so many bits, and fewer than 16.
const USUAL: [u32; 4] = [8, 10, 12, 14];

/// Of the pictures of 16 bits in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Depth {
    pictures: usize,
    brightest: u16,
}

impl Depth {
    fn of(fingerprints: &[Fingerprint]) -> Option<Self> {
        let deep = || fingerprints.iter().filter_map(|fingerprint| fingerprint.brightest);
        Some(Self { brightest: deep().max()?, pictures: deep().count() })
    }

    /// Bits that the values have, where they are far from 16.
    fn bits(self) -> Option<u32> {
        USUAL.into_iter().find(|&bits| u32::from(self.brightest) < 1 << bits)
    }
}

/// A sentence on the training images and one on the test images, where they look black.
pub(super) fn warnings(train: &[Fingerprint], test: &[Fingerprint]) -> Vec<String> {
    let of_sets = [("training", train), ("test", test)];
    of_sets
        .into_iter()
        .filter_map(|(set, fingerprints)| {
            let depth = Depth::of(fingerprints)?;
            let bits = depth.bits()?;
            Some(format!(
                "no value of the {} with 16 bits is above {}, where 65,535 is white: they look {} here; \
                 {}",
                count(depth.pictures, &format!("{set} image")),
                thousands(usize::from(depth.brightest)),
                if bits > 12 { "dark" } else { "black" },
                if bits == 8 {
                    "save them with 8 bits: in Python `Image.fromarray(numpy.array(image)\
                     .astype(\"uint8\"))`"
                        .to_owned()
                } else {
                    let factor = 1 << (16 - bits);
                    format!(
                        "multiply all of them by {factor}: in Python \
                         `Image.fromarray(numpy.array(image) * {factor})`"
                    )
                }
            ))
        })
        .collect()
}
