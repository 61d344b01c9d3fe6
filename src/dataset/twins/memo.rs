//! What is known of a data folder's images from an earlier look, so that the next run decodes none.
//!
//! `<data>/.kaggle-kit/looks.bin`: the [`Fingerprint`] of each file, found by the hash of the file's
//! bytes and by nothing else: names, sizes and times say nothing of what is in a file. Whatever is
//! wrong with the record, it is ignored and written anew.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::fingerprint::Fingerprint;
use super::perceptual_hash::PerceptualHash;
use crate::fs::{self, AtomicFile};
use crate::hash::Hash;

/// The file's first bytes. A change of what a look is, of a decoder, or of the format, is a new number.
const MAGIC: &[u8] = b"kaggle-kit looks 4\n";
/// The brightest value of a picture without 16 bits a value.
const NONE: u32 = u32::MAX;
/// More images than any competition has. Beyond it those are forgotten that are not there any more.
const MOST: usize = 1_000_000;

/// The fingerprints of files, by the hash of their bytes.
#[derive(Debug, Default)]
pub(super) struct Memo {
    file: PathBuf,
    entries: HashMap<[u8; 32], Fingerprint>,
    /// Those that were asked for or found in this look.
    seen: HashSet<[u8; 32]>,
}

impl Memo {
    /// Reads what is there; nothing is known where it cannot be read.
    pub(super) fn read(folder: &Path) -> Self {
        let file = folder.join(".kaggle-kit/looks.bin");
        let entries = fs::read(&file).ok().and_then(|bytes| parsed(&bytes)).unwrap_or_default();
        Self { file, entries, seen: HashSet::new() }
    }

    pub(super) fn get(&self, file: Hash) -> Option<Fingerprint> {
        self.entries.get(&file.0).copied()
    }

    /// This one is there.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint) {
        self.seen.insert(fingerprint.file.0);
        self.entries.insert(fingerprint.file.0, fingerprint);
    }

    /// Writes everything that is known.
    pub(super) fn write(&self) -> Result<()> {
        let is_kept = |file: &[u8; 32]| self.entries.len() <= MOST || self.seen.contains(file);
        let mut files: Vec<&[u8; 32]> = self.entries.keys().filter(|file| is_kept(file)).collect();
        files.sort_unstable();
        let mut bytes = MAGIC.to_vec();
        for file in files {
            let fingerprint = &self.entries[file];
            bytes.extend(file);
            bytes.extend(fingerprint.pixels);
            bytes.extend(fingerprint.sides.map(u32::to_le_bytes).as_flattened());
            bytes.extend(fingerprint.look.0.map(i8::cast_unsigned));
            bytes.extend(fingerprint.brightest.map_or(NONE, u32::from).to_le_bytes());
        }
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        let mut file = AtomicFile::create(&self.file)?;
        file.write_all(&bytes)?;
        file.commit()
    }
}

/// The entries of a whole file; `None` when it is none.
fn parsed(bytes: &[u8]) -> Option<HashMap<[u8; 32], Fingerprint>> {
    let (body, sum) = bytes.split_last_chunk()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let mut rest = body.strip_prefix(MAGIC)?;
    let mut entries = HashMap::with_capacity(rest.len() / Fingerprint::BYTES);
    while !rest.is_empty() {
        let file = take(&mut rest)?;
        let fingerprint = Fingerprint {
            file: Hash(file),
            pixels: take(&mut rest)?,
            sides: [u32::from_le_bytes(take(&mut rest)?), u32::from_le_bytes(take(&mut rest)?)],
            look: PerceptualHash(take(&mut rest)?.map(u8::cast_signed)),
            brightest: u16::try_from(u32::from_le_bytes(take(&mut rest)?)).ok(),
        };
        entries.insert(file, fingerprint);
    }
    Some(entries)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*first)
}
