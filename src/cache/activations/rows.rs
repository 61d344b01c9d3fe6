//! Activations to read: a file, or memory where no file could be kept.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rayon::prelude::*;

use super::format::{self, Head, Shape};
use super::key::ActivationsKey;
use crate::cache::lock::Lock;
use crate::fs;

/// The activations of some images in some views.
///
/// A file may be larger than memory: the system keeps of it what there is room for. It is read and not
/// mapped: a map of a file that another program cuts short ends the process that looks at it.
pub struct ActivationRows {
    shape: Shape,
    body: Body,
}

enum Body {
    File {
        file: fs::File,
        path: PathBuf,
        /// Where the first row is.
        start: usize,
        /// Keeps others from removing the file; none where locks are not to be had.
        _lock: Option<Lock>,
    },
    Memory {
        bytes: Vec<u8>,
        reason: String,
    },
}

impl ActivationRows {
    /// Rows that are not kept anywhere else.
    pub(super) fn held(shape: Shape, bytes: Vec<u8>, reason: String) -> Self {
        debug_assert_eq!(bytes.len(), shape.bytes());
        Self { shape, body: Body::Memory { bytes, reason } }
    }

    pub(super) fn of_file(whole: WholeFile, lock: Option<Lock>) -> Self {
        let WholeFile { file, path, start, shape } = whole;
        Self { shape, body: Body::File { file, path, start, _lock: lock } }
    }

    /// How many rows there are, and of what.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The index of a view of an image, for [`ActivationRows::rows`].
    pub fn index(&self, view: usize, image: usize) -> usize {
        debug_assert!(view < self.shape.views && image < self.shape.images);
        view * self.shape.images + image
    }

    /// The rows at `indices`, one after another: `[indices, width]`. An error where the file was changed
    /// since it was opened.
    ///
    /// # Panics
    ///
    /// If there is no row at an index.
    pub fn rows(&self, indices: &[usize]) -> Result<Vec<f32>> {
        let row = self.shape.row_bytes();
        let mut numbers = Vec::with_capacity(indices.len() * self.shape.width);
        let (mut bits, mut room) = (Vec::new(), vec![0; row]);
        for &index in indices {
            assert!(index < self.shape.rows(), "row {index} of {}", self.shape.rows());
            let place = index * row..(index + 1) * row;
            let bytes = match &self.body {
                Body::Memory { bytes, .. } => &bytes[place],
                Body::File { file, path, start, .. } => {
                    let place = (start + place.start) as u64;
                    fs::read_at(file, &mut room, place).with_context(|| changed(path))?;
                    &room
                }
            };
            self.shape.dtype.decode(bytes, &mut numbers, &mut bits);
        }
        Ok(numbers)
    }

    /// Why these rows are in memory only, if they are: the next run computes them again.
    pub fn unsaved(&self) -> Option<&str> {
        match &self.body {
            Body::File { .. } => None,
            Body::Memory { reason, .. } => Some(reason),
        }
    }
}

fn changed(path: &Path) -> String {
    format!(
        "`{}` was changed by another program while it was in use\nhint: run the command again: what \
         is missing is computed anew",
        path.display()
    )
}

impl fmt::Debug for ActivationRows {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("ActivationRows")
            .field("shape", &self.shape)
            .field("unsaved", &self.unsaved())
            .finish_non_exhaustive()
    }
}

/// A finished file, opened.
pub(super) struct WholeFile {
    file: fs::File,
    path: PathBuf,
    start: usize,
    shape: Shape,
}

impl WholeFile {
    /// Opens the file of `key` and verifies all of it; an error says what is wrong with it.
    ///
    /// A checksum runs as fast as memory, or as the disk where the file is not in memory yet; and
    /// every row is needed in the first epoch anyway, then from places all over the disk.
    pub(super) fn open(path: &Path, key: &ActivationsKey) -> Result<Self> {
        let mut file = fs::open(path)?;
        let Head { about, shape, start } = format::read_head(&mut file)?;
        ensure!(about.key == key.about.key && shape == key.shape, "it belongs to another key");
        let (whole, found) =
            ((start + shape.bytes() + 4 * shape.blocks()) as u64, file.metadata()?.len());
        ensure!(found == whole, "{found} bytes instead of {whole}");
        let mut sums = vec![0; 4 * shape.blocks()];
        fs::read_at(&file, &mut sums, (start + shape.bytes()) as u64)?;
        let is_whole = |room: &mut Vec<u8>, block: usize, sum: [u8; 4]| -> std::io::Result<bool> {
            let place = shape.block_bytes(block);
            kaggle_kit_pixels::set_length(room, place.len());
            fs::read_at(&file, room, (start + place.start) as u64)?;
            Ok(crc32c::crc32c(room) == u32::from_le_bytes(sum))
        };
        let blocks = sums.as_chunks().0.par_iter().enumerate();
        let whole = blocks
            .map_init(Vec::new, |room, (block, sum)| is_whole(room, block, *sum))
            .try_reduce(|| true, |a, b| Ok(a && b))?;
        ensure!(whole, "a checksum does not fit");
        read_here_and_there(&file);
        Ok(Self { file, path: path.to_owned(), start, shape })
    }
}

/// Says that a row is read here and a row there. Where a file is larger than memory, a row is then read
/// without its neighbours, which nobody asked for. It is only advice: what comes of it does not matter.
#[cfg(target_os = "linux")]
fn read_here_and_there(file: &fs::File) {
    let _ = rustix::fs::fadvise(file.file(), 0, None, rustix::fs::Advice::Random);
}

#[cfg(not(target_os = "linux"))]
fn read_here_and_there(_: &fs::File) {}
