//! What tells an image from others: the SHA-256 of its file's bytes.
//!
//! Whatever vouches for pictures (kept activations and pictures, predictions, a run that goes on)
//! asks here, so that a set of pictures is known by what is in its files, and by nothing else. A file
//! is hashed once a command: one whose size, times and place on the disk are as before is not read
//! again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, Result};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::image_file;
use super::sample::Sample;
use crate::hash::{Hash, PIECE, hash_reader};
use crate::progress::Progress;

/// What was hashed by this process, and which file that was.
static KNOWN: LazyLock<Mutex<HashMap<PathBuf, (Stamp, Hash)>>> = LazyLock::new(Mutex::default);

/// Of each image's file, in their order; `progress` counts images. Fails for one that cannot be read.
pub fn digests(samples: &[Sample], progress: &dyn Progress) -> Result<Vec<Hash>> {
    progress.total(samples.len() as u64);
    samples
        .par_iter()
        .map_init(
            || vec![0; PIECE],
            |piece, sample| {
                let digest = of_sample(sample, piece)?;
                progress.advance(1);
                Ok(digest)
            },
        )
        .collect()
}

/// One hash of a set of images: of their ids and [digests], in their order.
pub fn digest_of_set(samples: &[Sample], progress: &dyn Progress) -> Result<Hash> {
    let mut all = Sha256::new();
    for (sample, digest) in samples.iter().zip(digests(samples, progress)?) {
        all.update((sample.id.len() as u64).to_le_bytes());
        all.update(&sample.id);
        all.update(digest.0);
    }
    Ok(all.into())
}

/// Of an image: that of its file, or of those of its channels' files.
pub(super) fn of_sample(sample: &Sample, piece: &mut [u8]) -> Result<Hash> {
    let first = digest(&sample.path, piece)?;
    if sample.planes.is_empty() {
        return Ok(first);
    }
    let mut all = Sha256::new();
    all.update(first.0);
    for path in &sample.planes {
        all.update(digest(path, piece)?.0);
    }
    Ok(all.into())
}

/// Of one file; `piece` is room to read into.
fn digest(path: &Path, piece: &mut [u8]) -> Result<Hash> {
    let (mut file, metadata) = image_file::open(path)?;
    let stamp = Stamp::of(&metadata);
    if let Some(known) = known(path, stamp) {
        return Ok(known);
    }
    let hash = hash_reader(&mut file, piece, |_| ())
        .with_context(|| format!("failed to read `{}`", path.display()))?;
    remember(path, stamp, hash);
    Ok(hash)
}

/// Of a file that was opened and read whole.
pub(super) fn of_bytes(path: &Path, metadata: &std::fs::Metadata, bytes: &[u8]) -> Hash {
    let stamp = Stamp::of(metadata);
    known(path, stamp).unwrap_or_else(|| {
        let hash = Hash::of(bytes);
        remember(path, stamp, hash);
        hash
    })
}

fn known(path: &Path, stamp: Stamp) -> Option<Hash> {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.get(path).filter(|(then, _)| *then == stamp).map(|(_, hash)| *hash)
}

fn remember(path: &Path, stamp: Stamp, hash: Hash) {
    // Where the system tells no time, a change would not be seen.
    if stamp.modified.is_some() {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(path.to_owned(), (stamp, hash));
    }
}

/// Which file it is, and in what state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Device, inode, and when anything about the file last changed, which nobody can set.
    place: [i64; 4],
}

impl Stamp {
    fn of(metadata: &std::fs::Metadata) -> Self {
        let modified = metadata.modified().ok();
        Self { size: metadata.len(), modified, place: place(metadata) }
    }
}

#[cfg(unix)]
fn place(metadata: &std::fs::Metadata) -> [i64; 4] {
    use std::os::unix::fs::MetadataExt;
    let (device, inode) = (metadata.dev().cast_signed(), metadata.ino().cast_signed());
    [device, inode, metadata.ctime(), metadata.ctime_nsec()]
}

#[cfg(not(unix))]
fn place(_: &std::fs::Metadata) -> [i64; 4] {
    [0; 4]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fs;

    fn sample(path: PathBuf) -> Sample {
        Sample::new("a".to_owned(), path, Vec::new())
    }

    #[test]
    fn another_file_of_the_same_size_and_time_has_another_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.bmp");
        let put = |bytes: &str| {
            fs::write_atomic(&path, bytes).unwrap();
            let file = fs::File::options().write(true).open(&path).unwrap();
            // As `tar -x`, `cp -p` and `rsync -t` leave it.
            file.file().set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        };
        let digest = || digests(&[sample(path.clone())], &()).unwrap()[0];
        put("abc");
        let first = digest();
        assert_eq!(first, Hash::of(b"abc"));
        assert_eq!(digest(), first, "known");
        put("abd");
        assert_eq!(digest(), Hash::of(b"abd"));
    }

    #[test]
    fn a_set_is_told_by_ids_bytes_and_order() {
        let folder = tempfile::tempdir().unwrap();
        let named = |id: &str, bytes: &str| {
            let path = folder.path().join(format!("{id}-{bytes}"));
            fs::write_atomic(&path, bytes).unwrap();
            Sample::new(id.to_owned(), path, vec![1])
        };
        let of = |samples: &[Sample]| digest_of_set(samples, &()).unwrap();
        let [a, b] = [named("a", "1"), named("b", "2")];
        let all = of(&[a.clone(), b.clone()]);
        assert_eq!(of(&[a.clone(), Sample { target: Vec::new(), ..b.clone() }]), all);
        for other in [
            vec![b.clone(), a.clone()],
            vec![a.clone()],
            vec![a.clone(), named("b", "3")],
            vec![a, named("c", "2")],
        ] {
            assert_ne!(of(&other), all);
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let error = digests(&[sample(folder.path().to_owned())], &()).unwrap_err();
        assert!(format!("{error:#}").contains("is a folder"), "{error:#}");
        let error = digests(&[sample("/dev/null".into())], &()).unwrap_err();
        assert!(format!("{error:#}").contains("is a device"), "{error:#}");
    }
}
