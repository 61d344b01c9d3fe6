//! Pictures as bytes, decoded and resized once, and read by every later epoch of this run and others.
//!
//! The sides of all pictures are known before the first is decoded, so the file has its whole length
//! from the beginning, and each picture its place in it: who needs one that is not there yet makes it
//! and writes it, on any thread and in any process. Two that write the same place write the same
//! bytes. A checksum says that a picture is there, so a run that was killed leaves what it had.
//!
//! `<key>/pictures.safetensors` has the tensors `pixels`, one picture after another, and `sums`, a
//! number for each.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::header::{Tensor, framed, read_framed};
use super::lock::Lock;
use super::shelf::{self, Claim, Shelf};
use crate::fs;

/// As the format of activations: a change of anything that decides about a byte is a new number.
pub(super) const FORMAT: &str = "kaggle-kit pictures 1";

pub(super) const PICTURES: &str = "pictures.safetensors";

/// In a picture's number, above its CRC-32C: it is there.
const THERE: u64 = 1 << 32;
/// Bytes of such a number.
const SUM: usize = 8;

/// What pictures are made from, and how.
#[derive(Clone, Copy, Debug)]
pub struct PictureSource<'a> {
    /// What they are for, told to people. It is no part of the key.
    pub label: &'a str,
    /// How a decoded file becomes what is kept.
    pub transform: &'a str,
    /// Side of what a network sees, in pixels; told to people.
    pub size: usize,
    /// Of each decoded file: a hash of its pixels.
    pub pixels: &'a [[u8; 16]],
    /// Width and height of what is kept of each, in pixels.
    pub sides: &'a [[usize; 2]],
}

/// The name under which the pictures of a [`PictureSource`] are kept.
#[derive(Clone, Debug)]
pub struct PicturesKey {
    about: AboutPictures,
    /// Of each picture and of the end, in bytes from the first.
    starts: Vec<usize>,
}

impl PicturesKey {
    /// Pictures count by what they show, not by their files: the same photographs in another folder,
    /// or saved without loss in another format, are found again.
    pub fn new(source: &PictureSource) -> Self {
        let mut all = Sha256::new();
        for text in [FORMAT, source.transform] {
            all.update((text.len() as u64).to_le_bytes());
            all.update(text);
        }
        let mut starts = vec![0];
        for (pixels, sides) in source.pixels.iter().zip(source.sides) {
            all.update(pixels);
            for &side in sides {
                all.update((side as u64).to_le_bytes());
            }
            starts.push(starts[starts.len() - 1] + sides[0] * sides[1] * 3);
        }
        let about = AboutPictures {
            format: FORMAT.to_owned(),
            key: shelf::name(all),
            label: source.label.to_owned(),
            transform: source.transform.to_owned(),
            size: source.size.to_string(),
            pictures: (starts.len() - 1).to_string(),
        };
        Self { about, starts }
    }

    /// The name itself, 32 hexadecimal digits.
    pub fn name(&self) -> &str {
        &self.about.key
    }

    /// How much room all pictures take, in bytes.
    pub fn bytes(&self) -> u64 {
        self.end() as u64
    }

    fn end(&self) -> usize {
        self.starts.last().copied().unwrap_or_default()
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn header(&self) -> Header {
        let (n, end) = (self.len(), self.end());
        let tensor = |dtype: &str, shape, data_offsets| Tensor {
            dtype: dtype.to_owned(),
            shape: vec![shape],
            data_offsets,
        };
        Header {
            about: self.about.clone(),
            pixels: tensor("U8", end, [0, end]),
            sums: tensor("U64", n, [end, end + SUM * n]),
        }
    }
}

/// What pictures are, for who looks into the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutPictures {
    /// Of the file.
    pub format: String,
    pub key: String,
    pub label: String,
    /// How a decoded file became what is kept.
    pub transform: String,
    /// Side of what a network saw, in pixels.
    pub size: String,
    /// How many there is room for.
    pub pictures: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    about: AboutPictures,
    pixels: Tensor,
    sums: Tensor,
}

/// What the file at `path` says it is.
pub(super) fn describe(path: &Path) -> Result<AboutPictures> {
    let (header, _): (Header, usize) = read_framed(&mut fs::open(path)?)?;
    Ok(header.about)
}

/// The pictures of a key: those that are there, and places for the others.
///
/// They are read and not mapped: a map of a file that another program cuts short ends the process that
/// looks at it.
pub struct PictureFile {
    file: fs::File,
    /// As the key's, but from the file's first byte.
    starts: Vec<usize>,
    /// Of each picture that is there, as the file said when it was opened or was written since; 0 of the
    /// others.
    sums: Vec<AtomicU64>,
    /// Why no more are kept.
    trouble: OnceLock<String>,
    /// Keeps others from removing the file; none where locks are not to be had.
    _lock: Option<Lock>,
}

impl PictureFile {
    /// How many there is room for.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Whether there is room for none.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }

    /// Reads the picture at `place` into `room`, if it is there and whole. A checksum is a tenth of what
    /// reading takes, so each time tells.
    pub fn read(&self, place: usize, room: &mut Vec<u8>) -> bool {
        let sum = self.sums[place].load(Ordering::Acquire);
        if sum & THERE == 0 {
            return false;
        }
        kaggle_kit_pixels::set_length(room, self.starts[place + 1] - self.starts[place]);
        let whole = fs::read_at(&self.file, room, self.starts[place] as u64).is_ok();
        if whole && sum_of(room) == sum {
            return true;
        }
        self.sums[place].store(0, Ordering::Release);
        false
    }

    /// Keeps a picture. Where that does not work, on a full disk for one, none is kept from then on,
    /// and nothing else happens.
    ///
    /// # Panics
    ///
    /// If it has another length than the place.
    pub fn put(&self, place: usize, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.starts[place + 1] - self.starts[place], "picture {place}");
        let sum = sum_of(bytes);
        if self.trouble.get().is_some() || self.sums[place].load(Ordering::Acquire) == sum {
            return;
        }
        match self.write(place, bytes, sum) {
            Ok(()) => self.sums[place].store(sum, Ordering::Release),
            Err(error) => {
                let _ = self.trouble.set(error.to_string());
            }
        }
    }

    /// The pixels first, so that a checksum stands for what is there.
    fn write(&self, place: usize, bytes: &[u8], sum: u64) -> std::io::Result<()> {
        fs::write_at(&self.file, bytes, self.starts[place] as u64)?;
        let sums = self.starts[self.len()];
        fs::write_at(&self.file, &sum.to_le_bytes(), (sums + SUM * place) as u64)
    }

    /// Why no more are kept, if so.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.get().map(String::as_str)
    }

    /// How many are there, as far as was told when the file was opened or happened since.
    pub fn kept(&self) -> usize {
        self.sums.iter().filter(|sum| sum.load(Ordering::Acquire) & THERE != 0).count()
    }

    fn open(path: &Path, key: &PicturesKey, lock: Option<Lock>) -> Result<Self> {
        let mut options = fs::File::options();
        // Where it cannot be written to, it can still be read: the first `put` finds out.
        let file = fs::open_own(path, options.read(true).write(true));
        let mut file = file.or_else(|_| fs::open(path))?;
        let (header, start): (Header, usize) = read_framed(&mut file)?;
        let same = AboutPictures { label: header.about.label.clone(), ..key.about.clone() };
        ensure!(header.about == same && header.sums == key.header().sums, "another key's");
        let starts: Vec<usize> = key.starts.iter().map(|place| start + place).collect();
        let length = start + key.end() + SUM * key.len();
        let found = file.metadata()?.len();
        ensure!(found == length as u64, "{found} bytes instead of {length}");
        file.seek(SeekFrom::Start((start + key.end()) as u64))?;
        let mut sums = Vec::new();
        file.read_to_end(&mut sums)?;
        let sum = |bytes: &[u8; SUM]| AtomicU64::new(u64::from_le_bytes(*bytes));
        let sums = sums.as_chunks().0.iter().map(sum).collect();
        Ok(Self { file, starts, sums, trouble: OnceLock::new(), _lock: lock })
    }
}

impl fmt::Debug for PictureFile {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("PictureFile").field("kept", &self.kept()).finish_non_exhaustive()
    }
}

fn sum_of(bytes: &[u8]) -> u64 {
    THERE | u64::from(crc32c::crc32c(bytes))
}

/// The pictures of `key`: a file that other runs use or have left, or a new one.
pub(super) fn open(shelf: &Shelf, key: &PicturesKey) -> Result<PictureFile> {
    let read = |path: &Path, lock| PictureFile::open(path, key, lock);
    shelf.read_or_make(key.name(), PICTURES, read, |claim| make(shelf, key, claim), || ())
}

fn make(shelf: &Shelf, key: &PicturesKey, claim: Claim) -> Result<PictureFile> {
    let path = claim.file(PICTURES);
    if PictureFile::open(&path, key, None).is_err() {
        if path.is_file() {
            // Nobody can use it, so nobody will miss it.
            fs::remove_file(&path)?;
        }
        if let Err(error) = shelf.make_room(key.name(), key.bytes(), 0) {
            // An empty folder is not worth a line in the list.
            let _ = claim.clear();
            return Err(error);
        }
        create(&path, key)?;
    }
    claim.stamp();
    PictureFile::open(&path, key, claim.share().ok())
}

/// An empty file of the whole length, under its name once it has that.
fn create(path: &Path, key: &PicturesKey) -> Result<()> {
    let head = framed(&key.header())?;
    let mut file = fs::AtomicFile::create(path)?;
    file.write_all(&head)?;
    file.set_length((head.len() + key.end() + SUM * key.len()) as u64)?;
    file.commit()
}
