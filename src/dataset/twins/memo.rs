//! What is known of a data folder's images from an earlier look, so that the next run decodes none.
//!
//! `<data>/.kaggle-kit/looks.bin`: for each file its path in the folder, its size and time of last
//! change, and its [`Fingerprint`]. A file whose size or time differ is looked at again; one that
//! is rewritten with the same size within the clock's tick is not noticed. Whatever is wrong with
//! the file, it is ignored and written anew.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use anyhow::Result;

use super::fingerprint::Fingerprint;
use super::perceptual_hash::PerceptualHash;
use crate::fs::{self, AtomicFile};

/// The file's first bytes. A change of what a look is, or of the format, is a new number.
const MAGIC: &[u8] = b"kaggle-kit looks 2\n";
/// More images than any competition has: what is beyond is not kept.
const MOST: usize = 1_000_000;
/// Bytes an image without its path.
const ENTRY: usize = 2 + 8 + 8 + 4 + Fingerprint::BYTES;

/// A file's size and time of last change: seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    seconds: u64,
    nanoseconds: u32,
}

impl Stamp {
    /// `None` where the system does not tell a time.
    pub(super) fn of(path: &Path) -> Result<Option<Self>> {
        let metadata = fs::metadata(path)?;
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Ok(since.map(|since| Self {
            size: metadata.len(),
            seconds: since.as_secs(),
            nanoseconds: since.subsec_nanos(),
        }))
    }
}

/// The fingerprints of a data folder's files, by path in it.
#[derive(Debug, Default)]
pub(super) struct Memo {
    file: PathBuf,
    folder: PathBuf,
    entries: HashMap<String, (Stamp, Fingerprint)>,
}

impl Memo {
    /// Reads what is there; nothing is known where it cannot be read.
    pub(super) fn read(folder: &Path) -> Self {
        let file = folder.join(".kaggle-kit/looks.bin");
        let entries = fs::read(&file).ok().and_then(|bytes| parsed(&bytes)).unwrap_or_default();
        Self { file, folder: folder.to_owned(), entries }
    }

    /// The path's name here; `None` for one that is not text.
    fn name<'a>(&self, path: &'a Path) -> Option<&'a str> {
        path.strip_prefix(&self.folder).unwrap_or(path).to_str()
    }

    pub(super) fn get(&self, path: &Path, stamp: Stamp) -> Option<Fingerprint> {
        let (known, fingerprint) = self.entries.get(self.name(path)?)?;
        (*known == stamp).then_some(*fingerprint)
    }

    pub(super) fn insert(&mut self, path: &Path, stamp: Stamp, fingerprint: Fingerprint) {
        let Some(name) = self.name(path).filter(|name| name.len() <= u16::MAX.into()) else {
            return;
        };
        if self.entries.len() < MOST || self.entries.contains_key(name) {
            self.entries.insert(name.to_owned(), (stamp, fingerprint));
        }
    }

    /// Writes everything known of files that are still there.
    pub(super) fn write(&self) -> Result<()> {
        let mut names: Vec<&String> = self.entries.keys().collect();
        names.retain(|name| self.folder.join(name.as_str()).exists());
        names.sort();
        let mut bytes = MAGIC.to_vec();
        for name in names {
            let (stamp, fingerprint) = &self.entries[name];
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.extend(stamp.size.to_le_bytes());
            bytes.extend(stamp.seconds.to_le_bytes());
            bytes.extend(stamp.nanoseconds.to_le_bytes());
            bytes.extend(fingerprint.file);
            bytes.extend(fingerprint.pixels);
            bytes.extend(fingerprint.sides.map(u32::to_le_bytes).as_flattened());
            bytes.extend(fingerprint.look.0.map(i8::cast_unsigned));
        }
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        let mut file = AtomicFile::create(&self.file)?;
        file.write_all(&bytes)?;
        file.commit()
    }
}

/// The entries of a whole file; `None` when it is none.
fn parsed(bytes: &[u8]) -> Option<HashMap<String, (Stamp, Fingerprint)>> {
    let (body, sum) = bytes.split_last_chunk()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let mut entries = HashMap::with_capacity(rest.len() / (ENTRY + 30));
    while !rest.is_empty() {
        let length = u16::from_le_bytes(take(&mut rest)?);
        let (name, after) = rest.split_at_checked(length.into())?;
        rest = after;
        let stamp = Stamp {
            size: u64::from_le_bytes(take(&mut rest)?),
            seconds: u64::from_le_bytes(take(&mut rest)?),
            nanoseconds: u32::from_le_bytes(take(&mut rest)?),
        };
        let fingerprint = Fingerprint {
            file: take(&mut rest)?,
            pixels: take(&mut rest)?,
            sides: [u32::from_le_bytes(take(&mut rest)?), u32::from_le_bytes(take(&mut rest)?)],
            look: PerceptualHash(take(&mut rest)?.map(u8::cast_signed)),
        };
        entries.insert(str::from_utf8(name).ok()?.to_owned(), (stamp, fingerprint));
    }
    Some(entries)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}
