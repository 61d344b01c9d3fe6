//! Activations to read: a mapped file, or memory where no file could be kept.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use memmap2::Mmap;
use rayon::prelude::*;

use super::format::{self, Head, Shape};
use super::key::ActivationsKey;
use crate::cache::lock::Lock;
use crate::cache::map::map;
use crate::fs;

/// The activations of some images in some views.
///
/// A mapped file may be larger than memory: the system keeps of it what there is room for, and counts
/// it as this process's only until somebody else needs the room.
pub struct ActivationRows {
    shape: Shape,
    body: Body,
}

enum Body {
    File {
        map: Mmap,
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

    pub(super) fn mapped(mapping: Mapping, lock: Option<Lock>) -> Self {
        let Mapping { map, start, shape } = mapping;
        Self { shape, body: Body::File { map, start, _lock: lock } }
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

    /// The rows at `indices`, one after another: `[indices, width]`.
    ///
    /// # Panics
    ///
    /// If there is no row at an index.
    pub fn rows(&self, indices: &[usize]) -> Vec<f32> {
        let (bytes, row) = (self.bytes(), self.shape.row_bytes());
        let mut numbers = Vec::with_capacity(indices.len() * self.shape.width);
        let mut bits = Vec::new();
        for &index in indices {
            let place = index * row..(index + 1) * row;
            self.shape.dtype.decode(&bytes[place], &mut numbers, &mut bits);
        }
        numbers
    }

    /// Why these rows are in memory only, if they are: the next run computes them again.
    pub fn unsaved(&self) -> Option<&str> {
        match &self.body {
            Body::File { .. } => None,
            Body::Memory { reason, .. } => Some(reason),
        }
    }

    /// Of all rows, as they are kept.
    fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::File { map, start, .. } => &map[*start..*start + self.shape.bytes()],
            Body::Memory { bytes, .. } => bytes,
        }
    }
}

impl fmt::Debug for ActivationRows {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("ActivationRows")
            .field("shape", &self.shape)
            .field("unsaved", &self.unsaved())
            .finish_non_exhaustive()
    }
}

/// A finished file in memory.
pub(super) struct Mapping {
    map: Mmap,
    start: usize,
    shape: Shape,
}

impl Mapping {
    /// Maps the file of `key` and verifies all of it; an error says what is wrong with it.
    ///
    /// A checksum runs as fast as memory, or as the disk where the file is not in memory yet; and
    /// every row is needed in the first epoch anyway, then from places all over the disk.
    pub(super) fn open(path: &Path, key: &ActivationsKey) -> Result<Self> {
        let mut file = fs::File::open(path)?;
        let Head { about, shape, start } = format::read_head(&mut file)?;
        ensure!(about.key == key.about.key && shape == key.shape, "it belongs to another key");
        let map = map(&file).with_context(|| format!("failed to map `{}`", path.display()))?;
        let whole = start + shape.bytes() + 4 * shape.blocks();
        ensure!(map.len() == whole, "{} bytes instead of {whole}", map.len());
        advise(&map, Reading::Through);
        let (rows, sums) = map[start..].split_at(shape.bytes());
        let (sums, _) = sums.as_chunks::<4>();
        let bad = sums.par_iter().enumerate().find_any(|(block, sum)| {
            crc32c::crc32c(&rows[shape.block_bytes(*block)]) != u32::from_le_bytes(**sum)
        });
        ensure!(bad.is_none(), "a checksum does not fit");
        advise(&map, Reading::AnyOrder);
        Ok(Self { map, start, shape })
    }
}

/// How a map is about to be read.
#[derive(Clone, Copy)]
enum Reading {
    /// From its start to its end.
    Through,
    /// A row here and a row there. Where a file is larger than memory, a row is then read without
    /// its neighbours, which nobody asked for.
    AnyOrder,
}

/// It is only advice: what comes of it does not matter.
#[cfg(unix)]
fn advise(map: &Mmap, reading: Reading) {
    let _ = map.advise(match reading {
        Reading::Through => memmap2::Advice::Sequential,
        Reading::AnyOrder => memmap2::Advice::Random,
    });
}

#[cfg(not(unix))]
fn advise(_: &Mmap, _: Reading) {}
