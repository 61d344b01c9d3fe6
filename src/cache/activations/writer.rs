//! A cache being written: block after block into a file that the next writer can go on with, and
//! into memory once the disk takes no more.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};

use super::format::{self, Dtype, Head, Shape};
use super::key::ActivationsKey;
use super::rows::{ActivationRows, WholeFile};
use crate::cache::shelf::Claim;
use crate::{fs, term};

/// The whole file, the one being written, and the checksums of the blocks in that.
pub(in crate::cache) const DATA: &str = "activations.safetensors";
pub(in crate::cache) const PART: &str = "activations.part";
pub(in crate::cache) const SUMS: &str = "activations.part.crc32c";

/// Takes the rows of a [`ActivationsKey`] in their order: all images in view 0, then in view 1, and so on.
///
/// Dropped before [`Writer::finish`], or killed, it leaves what it has for the next one.
pub struct Writer {
    shape: Shape,
    /// Bytes of a block that is not whole yet.
    pending: Vec<u8>,
    /// Of the blocks that are.
    sums: Vec<u32>,
    /// Where those are; none once they are in memory.
    part: Option<PartFile>,
    memory: Vec<u8>,
    /// Why they are there.
    reason: String,
}

impl Writer {
    /// A writer that keeps nothing beyond this run; `reason` is told by [`ActivationRows::unsaved`].
    pub fn in_memory(shape: Shape, reason: impl Into<String>) -> Self {
        Self::new(shape, None, Vec::new(), reason.into())
    }

    /// Goes on where the last writer stood, or begins.
    pub(super) fn open(claim: Claim, key: &ActivationsKey) -> Result<Self> {
        let (part, sums) = PartFile::open(claim, key)?;
        Ok(Self::new(key.shape, Some(part), sums, String::new()))
    }

    fn new(shape: Shape, part: Option<PartFile>, sums: Vec<u32>, reason: String) -> Self {
        let (pending, memory) = (Vec::new(), Vec::new());
        Self { shape, pending, sums, part, memory, reason }
    }

    /// What is still to be appended: each view with the images it lacks, in order. Where a writer
    /// was killed before, a view's images go on at a multiple of 256.
    pub fn missing(&self) -> Vec<(usize, Range<usize>)> {
        let shape = &self.shape;
        if self.sums.len() == shape.blocks() {
            return Vec::new();
        }
        let (first, images) = shape.block(self.sums.len());
        let start = |view| if view == first { images.start } else { 0 };
        (first..shape.views).map(|view| (view, start(view)..shape.images)).collect()
    }

    /// Takes the next rows, `[n, width]`, any number of them.
    ///
    /// An error is about the numbers: those that are not finite, or too large for `f16`.
    pub fn append(&mut self, numbers: &[f32]) -> Result<()> {
        let shape = self.shape;
        ensure!(
            numbers.len().is_multiple_of(shape.width.max(1)),
            "{} numbers are no rows of {}",
            numbers.len(),
            shape.width
        );
        let bytes = numbers.len() * shape.dtype.bytes();
        ensure!(
            self.written() + self.pending.len() + bytes <= shape.bytes(),
            "more activations than {} images have in {} views",
            shape.images,
            shape.views
        );
        if let Err(bad) = shape.dtype.encode(numbers, &mut self.pending) {
            let row = (self.written() + self.pending.len()) / shape.row_bytes() + bad / shape.width;
            return refuse(numbers[bad], row % shape.images, shape.dtype);
        }
        while self.sums.len() < shape.blocks() {
            let length = shape.block_bytes(self.sums.len()).len();
            if self.pending.len() < length {
                break;
            }
            let rest = self.pending.split_off(length);
            let block = std::mem::replace(&mut self.pending, rest);
            self.write(&block)?;
        }
        Ok(())
    }

    /// The rows, to be found by the next run from now on.
    pub fn finish(mut self) -> Result<ActivationRows> {
        let shape = self.shape;
        let missing: usize = self.missing().iter().map(|(_, images)| images.len()).sum();
        ensure!(missing == 0, "{missing} of {} activations were not computed", shape.rows());
        if let Some(mut part) = self.part.take() {
            match part.publish(&self.sums) {
                Ok(whole) => {
                    // Without it others wait for this run's end, or compute for themselves.
                    return Ok(ActivationRows::of_file(whole, part.claim.share().ok()));
                }
                Err(error) => self.retreat(part, &error)?,
            }
        }
        Ok(ActivationRows::held(shape, self.memory, self.reason))
    }

    /// Of whole blocks, in bytes.
    fn written(&self) -> usize {
        match self.sums.len() {
            0 => 0,
            n => self.shape.block_bytes(n - 1).end,
        }
    }

    fn write(&mut self, block: &[u8]) -> Result<()> {
        let sum = crc32c::crc32c(block);
        if let Some(mut part) = self.part.take() {
            match part.write(block, sum) {
                Ok(()) => self.part = Some(part),
                Err(error) => self.retreat(part, &error.into())?,
            }
        }
        if self.part.is_none() {
            let missing = self.shape.bytes() - self.memory.len();
            self.memory.try_reserve_exact(missing).with_context(|| {
                format!("activations take {} in memory", term::bytes(missing as u64))
            })?;
            self.memory.extend_from_slice(block);
        }
        self.sums.push(sum);
        Ok(())
    }

    /// The disk takes no more: what it has is read back, and its space given to others.
    fn retreat(&mut self, mut part: PartFile, error: &anyhow::Error) -> Result<()> {
        self.reason = format!("{error:#}");
        self.memory = part.read_back(self.written()).with_context(|| self.reason.clone())?;
        // What cannot be removed now is listed as unfinished, and can be cleaned.
        let _ = part.claim.clear();
        Ok(())
    }
}

fn refuse(bad: f32, image: usize, dtype: Dtype) -> Result<()> {
    if bad.is_finite() {
        bail!(
            "an activation of image {image} is {bad}, which is too large for {}\nhint: keep \
             activations as f32",
            dtype.name()
        )
    }
    bail!(
        "an activation of image {image} is {bad}\nhint: look at the image, and at the weights of \
         the backbone"
    )
}

/// The files of a cache being written.
struct PartFile {
    key: ActivationsKey,
    data: fs::File,
    sums: fs::File,
    /// Where the first row is.
    start: usize,
    claim: Claim,
}

impl PartFile {
    fn open(claim: Claim, key: &ActivationsKey) -> Result<(Self, Vec<u32>)> {
        let mut options = fs::File::options();
        options.read(true).write(true).create(true).truncate(false);
        let mut open = |name| fs::open_own(claim.file(name), &mut options);
        let (data, sums) = (open(PART)?, open(SUMS)?);
        let mut part = Self { key: key.clone(), data, sums, start: 0, claim };
        let sums = part.take_over().unwrap_or_default();
        if sums.is_empty() {
            let head = format::head(&key.about, &key.shape)?;
            part.start = head.len();
            part.data.set_len(0)?;
            part.data.rewind()?;
            part.data.write_all(&head)?;
        }
        let end = sums.len().checked_sub(1).map_or(0, |last| key.shape.block_bytes(last).end);
        part.data.set_len((part.start + end) as u64)?;
        part.data.seek(SeekFrom::End(0))?;
        part.sums.set_len(4 * sums.len() as u64)?;
        part.sums.seek(SeekFrom::End(0))?;
        Ok((part, sums))
    }

    /// The checksums of the blocks that an earlier writer left whole; an error where there is
    /// nothing of use.
    fn take_over(&mut self) -> Result<Vec<u32>> {
        let Head { about, shape, start } = format::read_head(&mut self.data)?;
        let key = &self.key;
        ensure!(about.key == key.about.key && shape == key.shape, "it belongs to another key");
        self.start = start;
        let mut journal = Vec::new();
        self.sums.read_to_end(&mut journal)?;
        let mut good = Vec::new();
        let mut block = Vec::new();
        for (number, sum) in journal.as_chunks().0.iter().enumerate().take(shape.blocks()) {
            let sum = u32::from_le_bytes(*sum);
            kaggle_kit_pixels::set_length(&mut block, shape.block_bytes(number).len());
            if self.data.read_exact(&mut block).is_err() || crc32c::crc32c(&block) != sum {
                break;
            }
            good.push(sum);
        }
        Ok(good)
    }

    /// The block first, so that a checksum stands for one that is there.
    fn write(&mut self, block: &[u8], sum: u32) -> io::Result<()> {
        self.data.write_all(block)?;
        self.sums.write_all(&sum.to_le_bytes())
    }

    /// Ends the file, gives it its name, and opens it.
    fn publish(&mut self, sums: &[u32]) -> Result<WholeFile> {
        let bytes: Vec<u8> = sums.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        self.data.write_all(&bytes)?;
        self.data.sync_all()?;
        let whole = self.claim.file(DATA);
        fs::rename(self.claim.file(PART), &whole)?;
        // What it leaves behind if that fails is small, and removed with the cache.
        let _ = fs::remove_file(self.claim.file(SUMS));
        self.claim.stamp();
        WholeFile::open(&whole, &self.key)
            .with_context(|| format!("`{}` is not what was written", whole.display()))
    }

    /// The first `length` bytes of the rows.
    fn read_back(&mut self, length: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length)?;
        kaggle_kit_pixels::set_length(&mut bytes, length);
        self.data.seek(SeekFrom::Start(self.start as u64))?;
        self.data.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::cache::{ActivationsSource, Slot, Store};
    use crate::hash::Hash;

    const IMAGES: usize = 500;

    fn begun() -> (TempDir, Store, ActivationsKey, Writer) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path(), None);
        let key = ActivationsKey::new(&ActivationsSource {
            label: "",
            backbone: "",
            weights: Hash([0; 32]),
            engine: "",
            transform: "",
            size: 1,
            images: &[Hash([0; 32]); IMAGES],
            views: 1,
            width: 1,
            dtype: Dtype::F32,
        });
        let Slot::Empty(mut writer) = store.claim(&key, &()) else { panic!("it is there") };
        append(&mut writer, 0..300);
        (folder, store, key, writer)
    }

    fn append(writer: &mut Writer, images: Range<usize>) {
        writer.append(&images.map(|image| image as f32).collect::<Vec<_>>()).unwrap();
    }

    fn assert_held(writer: Writer, store: &Store, key: &ActivationsKey, expected: &str) {
        let rows = writer.finish().unwrap();
        let all: Vec<usize> = (0..IMAGES).collect();
        assert_eq!(rows.rows(&all).unwrap(), all.iter().map(|&i| i as f32).collect::<Vec<_>>());
        let reason = rows.unsaved().unwrap();
        assert!(reason.contains(expected), "{reason}");
        // Nothing is left on the full disk, and the next run may try again.
        assert_eq!(store.entries().unwrap().len(), 0);
        assert!(matches!(store.claim(key, &()), Slot::Empty(_)));
    }

    #[test]
    fn a_disk_that_takes_no_more_loses_nothing() {
        let (_folder, store, key, mut writer) = begun();
        let part = writer.part.as_mut().unwrap();
        part.data = fs::File::open(part.claim.file(PART)).unwrap();
        append(&mut writer, 300..IMAGES);
        assert_held(writer, &store, &key, PART);
    }

    #[test]
    fn nor_does_one_on_which_the_file_cannot_get_its_name() {
        let (_folder, store, key, mut writer) = begun();
        append(&mut writer, 300..IMAGES);
        fs::create_dir_all(writer.part.as_ref().unwrap().claim.file(DATA)).unwrap();
        let rows = writer.finish().unwrap();
        assert!(rows.unsaved().unwrap().contains(DATA), "{rows:?}");
        assert_eq!(rows.rows(&[499]).unwrap(), [499.0]);
        drop((rows, store, key));
    }
}
