//! Images that show the same picture: twins inside the training set, which a split must not part,
//! and test images whose picture is in the training set.
//!
//! Equal files and equal pixels are found by hash, what was only recompressed, resized, recoloured,
//! mirrored or trimmed by its [perceptual hash](perceptual_hash). Two views of one scene are twins only if they are as
//! near as that; a crop of less than nine tenths is not noticed.

mod depth;
mod examine;
mod fingerprint;
mod memo;
mod perceptual_hash;
mod report;
mod search;
mod sent;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, bail};

use self::examine::examine;
pub use self::examine::find_broken;
use self::fingerprint::Fingerprint;
use self::perceptual_hash::PerceptualHash;
use self::search::{Pair, similar_pairs};
use super::bad_image::{self, BadImage, BadImages};
use super::sample::Sample;
use super::sets::Sets;
use super::view::Symmetry;
use crate::hash::Hash;
use crate::progress::Progress;

/// The similarity from which two pictures are twins, and what is tried in turn where the pictures
/// of a set are so alike by nature that this one would make a heap of them.
///
/// Measured on 3,752 photographs of dogs and cats, 750 satellite chips and 1,599 aerial tiles, and
/// on changed copies of 400 each. At .85, .998 and more of the copies are found that were halved,
/// made 64 x 64, gray or brighter, mirrored, or trimmed by a fiftieth; of those recompressed at
/// quality 30 .988, with a mark in a corner .97, trimmed by a twentieth .84 to .94, by a tenth one
/// in eight. Of 7 million pairs of photographs 13 are above .8, and are the same photographs; the
/// first two different ones are at .78. Of 281,000 pairs of chips none is above .66. Of 1.3 million
/// pairs of tiles 34 are above .85, nearly all the same runway or road a little further along.
/// Where the tails lead, 37,500 photographs would have five false pairs.
const LEVELS: [f32; 4] = [0.85, 0.9, 0.94, 0.97];
/// A heap: similar pictures that are more than this share of all, and more than a handful.
const HEAP: f64 = 0.05;
const HANDFUL: usize = 8;

/// How alike the images of a group are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// Byte for byte.
    SameFile,
    /// Pixel for pixel.
    SamePixels,
    /// The same to the eye, each with another at least.
    Similar,
}

/// A decoded image, without its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureId {
    /// Width and height, in pixels.
    pub sides: [usize; 2],
    /// A hash of width, height and pixels.
    pub pixels: [u8; 16],
    /// Of its file's bytes.
    pub file: Hash,
}

/// Images of a data set that show the same pictures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Twins {
    /// What each training image shows.
    pub pictures: Vec<PictureId>,
    /// Training images of one picture, as sorted indices, two or more a group; the groups by their
    /// first images. No image is in two.
    pub groups: Vec<Vec<usize>>,
    /// How alike the least alike of each group are.
    pub likeness: Vec<Likeness>,
    /// The groups, as indices into `groups`, whose images have different labels.
    pub conflicts: Vec<usize>,
    /// Test images whose picture is in the training set: the first such training image and the test
    /// image, in the order of the test set.
    pub across: Vec<(usize, usize)>,
    /// Test images of one picture.
    pub test_groups: Vec<Vec<usize>>,
    /// The similarity that made twins; `None` where the pictures of the set are so alike that none
    /// could, and only equal pixels count.
    pub least: Option<f32>,
    /// Test images that cannot be used, by their places: training does without them.
    pub broken: Vec<(usize, BadImage)>,
    /// What a person should do something about, seen in the pixels.
    pub warnings: Vec<String>,
}

/// Finds the twins in and between training and test images.
///
/// Pictures that one of `symmetries` makes equal are twins too: a network that learns from one
/// with augmentation has seen the other. What was found out about each file is kept in `folder`,
/// the data folder, where that can be written to. Fails with [`BadImages`] when a training image
/// cannot be decoded, and names all bad ones, test images too.
pub fn find_twins(
    train: &[Sample],
    test: &[Sample],
    folder: &Path,
    symmetries: &[Symmetry],
    progress: &dyn Progress,
) -> Result<Twins> {
    let Looked { fingerprints, test_places, broken } = look(train, test, folder, progress)?;
    let (sets, least) = sets_of_twins(&fingerprints, symmetries);
    let picture = |print: &Fingerprint| PictureId {
        sides: print.sides.map(|side| side as usize),
        pixels: print.pixels,
        file: print.file,
    };
    let pictures = fingerprints[..train.len()].iter().map(picture).collect();
    let (of_train, of_test) = fingerprints.split_at(train.len());
    let warnings = depth::warnings(of_train, of_test);
    let mut found = Twins { pictures, least, broken, warnings, ..Twins::default() };
    for members in sets.members() {
        let (of_train, of_test) = members.split_at(members.partition_point(|&i| i < train.len()));
        let of_test: Vec<usize> = of_test.iter().map(|i| test_places[i - train.len()]).collect();
        if let Some(&first) = of_train.first() {
            found.across.extend(of_test.iter().map(|&test| (first, test)));
        }
        if of_test.len() > 1 {
            found.test_groups.push(of_test);
        }
        if of_train.len() > 1 {
            if of_train.iter().any(|&i| train[i].target != train[of_train[0]].target) {
                found.conflicts.push(found.groups.len());
            }
            found.likeness.push(likeness(of_train, &fingerprints));
            found.groups.push(of_train.to_vec());
        }
    }
    found.test_groups.sort();
    found.across.sort_unstable_by_key(|(_, test)| *test);
    Ok(found)
}

/// What a look at all images found.
struct Looked {
    /// Of all training images, and of those test images that can be used.
    fingerprints: Vec<Fingerprint>,
    /// Which these are.
    test_places: Vec<usize>,
    broken: Vec<(usize, BadImage)>,
}

fn look(
    train: &[Sample],
    test: &[Sample],
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Looked> {
    let mut results = examine(train.iter().chain(test), folder, progress).into_iter();
    let (mut fingerprints, mut bad) = (Vec::with_capacity(train.len()), Vec::new());
    for result in results.by_ref().take(train.len()) {
        result.map_or_else(|error| bad.push(error), |print| fingerprints.push(print));
    }
    let (mut test_places, mut broken) = (Vec::with_capacity(test.len()), Vec::new());
    for (place, result) in results.enumerate() {
        match result {
            Ok(print) => {
                test_places.push(place);
                fingerprints.push(print);
            }
            Err(error) => broken.push((place, error)),
        }
    }
    let any_in_train = !bad.is_empty();
    bad.extend(broken.iter().map(|(_, bad)| bad.clone()));
    if any_in_train {
        bail!(BadImages::listed(bad, train.len() + test.len(), folder));
    }
    if bad.is_empty() {
        bad_image::forget_list(folder);
    } else {
        // Who reads the warning sees them there as well.
        let _ = bad_image::list(&bad, folder);
    }
    Ok(Looked { fingerprints, test_places, broken })
}

/// The images of each picture, and the similarity that made twins.
fn sets_of_twins(fingerprints: &[Fingerprint], symmetries: &[Symmetry]) -> (Sets, Option<f32>) {
    let mut sets = Sets::new(fingerprints.len());
    let mut firsts: HashMap<[u8; 16], usize> = HashMap::new();
    let mut pictures: Vec<usize> = Vec::new();
    for (i, fingerprint) in fingerprints.iter().enumerate() {
        let first = *firsts.entry(fingerprint.pixels).or_insert(i);
        if first == i {
            pictures.push(i);
        }
        sets.join(first, i);
    }
    let looks: Vec<PerceptualHash> = pictures.iter().map(|&i| fingerprints[i].look).collect();
    let pairs = similar_pairs(&looks, symmetries, LEVELS[0]);
    let least =
        LEVELS.into_iter().find(|&level| largest(&pairs, level, looks.len()) <= heap(looks.len()));
    if let Some(least) = least {
        for pair in pairs.iter().filter(|pair| pair.similarity >= least) {
            sets.join(pictures[pair.a], pictures[pair.b]);
        }
    }
    (sets, least)
}

/// How many of `n` similar pictures may hang together.
fn heap(n: usize) -> usize {
    HANDFUL.max((n as f64 * HEAP) as usize)
}

/// The pictures in the largest group that pairs of this similarity make.
fn largest(pairs: &[Pair], least: f32, n: usize) -> usize {
    let mut sets = Sets::new(n);
    for pair in pairs.iter().filter(|pair| pair.similarity >= least) {
        sets.join(pair.a, pair.b);
    }
    sets.members().iter().map(Vec::len).max().unwrap_or_default()
}

fn likeness(members: &[usize], fingerprints: &[Fingerprint]) -> Likeness {
    let first = &fingerprints[members[0]];
    let all = |same: fn(&Fingerprint, &Fingerprint) -> bool| {
        members.iter().all(|&i| same(first, &fingerprints[i]))
    };
    if all(|a, b| a.file == b.file) {
        Likeness::SameFile
    } else if all(|a, b| a.pixels == b.pixels) {
        Likeness::SamePixels
    } else {
        Likeness::Similar
    }
}
