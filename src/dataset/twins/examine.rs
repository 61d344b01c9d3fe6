//! A look at every image: each is read once, hashed, and decoded unless its bytes are known from an
//! earlier look. Whatever is wrong with any of them is found in this one round.

use std::cell::Cell;
use std::path::Path;

use anyhow::Result;
use rayon::prelude::*;

use super::fingerprint::Fingerprint;
use super::memo::Memo;
use crate::dataset::bad_image::{self, BadImage};
use crate::dataset::digest;
use crate::dataset::sample::Sample;
use crate::dataset::view::{DecodeBuffers, decode_planes};
use crate::hash::PIECE;
use crate::progress::Progress;

/// What each image is, or what is wrong with it; `progress` counts images. What was found out is kept in
/// the data folder, where that can be written to.
pub(super) fn examine<'a>(
    samples: impl Iterator<Item = &'a Sample>,
    folder: &Path,
    progress: &dyn Progress,
) -> Vec<Result<Fingerprint, BadImage>> {
    let samples: Vec<&Sample> = samples.collect();
    let mut memo = Memo::read(folder);
    progress.total(samples.len() as u64);
    let looked_at: Vec<Result<(Fingerprint, bool), BadImage>> = samples
        .par_iter()
        .map_init(DecodeBuffers::default, |buffers, sample| {
            let result = look(sample, &memo, buffers);
            progress.advance(1);
            result.map_err(|error| BadImage::new(sample, &error))
        })
        .collect();
    let found = looked_at.iter().flatten();
    let mut any_new = false;
    for (fingerprint, is_new) in found {
        memo.insert(*fingerprint);
        any_new |= is_new;
    }
    // A data folder may be for reading only (Kaggle's own is): then it is done again next time.
    if any_new && memo.write().is_err() {
        progress.note("the data folder cannot be written to: the next run looks for twins again");
    }
    looked_at.into_iter().map(|result| result.map(|(fingerprint, _)| fingerprint)).collect()
}

/// The images that cannot be used, by their places; they are listed in the data folder.
pub fn find_broken(
    samples: &[Sample],
    folder: &Path,
    progress: &dyn Progress,
) -> Vec<(usize, BadImage)> {
    let found = examine(samples.iter(), folder, progress).into_iter().enumerate();
    let broken: Vec<_> = found.filter_map(|(i, result)| Some((i, result.err()?))).collect();
    let bad: Vec<BadImage> = broken.iter().map(|(_, bad)| bad.clone()).collect();
    if bad.is_empty() {
        bad_image::forget_list(folder);
    } else {
        // Who reads the error sees them there as well.
        let _ = bad_image::list(&bad, folder);
    }
    broken
}

/// A fingerprint, and whether it was not known.
fn look(sample: &Sample, memo: &Memo, buffers: &mut DecodeBuffers) -> Result<(Fingerprint, bool)> {
    if !sample.planes.is_empty() {
        let hash = digest::of_sample(sample, &mut vec![0; PIECE])?;
        return Ok(match memo.get(hash) {
            Some(known) => (known, false),
            None => (Fingerprint::of(hash, &decode_planes(sample)?, None)?, true),
        });
    }
    let path = &sample.path;
    let digest = Cell::new(None);
    buffers.read_and_decoded(
        path,
        |file| {
            let hash = digest::of_bytes(path, &file.metadata, file.bytes);
            digest.set(Some(hash));
            memo.get(hash).map(|known| (known, false))
        },
        |file, image, brightest| {
            let hash =
                digest.get().unwrap_or_else(|| digest::of_bytes(path, &file.metadata, file.bytes));
            Ok((Fingerprint::of(hash, image, brightest)?, true))
        },
    )
}
