//! Whether a file of weights in a cache is what it was when it came. A flipped bit in it would be trained
//! on for hours, and end in a score a little worse, without a word.
//!
//! What came is known by its SHA-256: of what `make setup` makes from here, of a download from the file
//! `<name>.safetensors.sha256` beside it, which `sha256sum -c` reads too, of what Hugging Face's library
//! has kept from the name that it gave the file. A file that somebody has put there is written down when
//! it is first used.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::source::WeightFile;
use super::{legacy, looks_like, place};
use crate::fs;
use crate::hash::{Hash, hash_file};
use crate::lines;
use crate::zoo::Architecture;

/// What `scripts/setup.py` makes: name, SHA-256, and its size, by which another file under that name, as
/// timm's own is, is told from it.
const SET_UP: [(&str, &str, u64); 1] = [(
    "tf_efficientnet_lite0",
    "57f92a8d5a8fe26c1ff93ba7b7cac13275d95a1c2f6c9a9ff12e743e2c8fcb20",
    18_798_136,
)];

/// What a check says of weights.
#[derive(Debug)]
pub enum Cached {
    /// They are what came.
    Right { bytes: u64 },
    /// Nobody knows what came; they have this hash now.
    Unknown { bytes: u64, hash: Hash },
}

impl Cached {
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Right { bytes } | Self::Unknown { bytes, .. } => *bytes,
        }
    }
}

/// The weights of `architecture` in our cache, or beside the program; `None` where nothing is there. Fails where what is there
/// is no file, no weights, or not what came. Writes nothing.
pub fn check(architecture: &Architecture, cache: &Path) -> Result<Option<Cached>> {
    let path = place(architecture, cache);
    if fs::metadata(&path).is_err() {
        return Ok(None);
    }
    let checked = known(architecture, &path).and_then(|known| compare(&path, known.as_ref()));
    Ok(Some(checked.with_context(|| unusable(architecture, &path))?))
}

/// The same for a file that Hugging Face's library has kept.
pub fn check_downloaded(architecture: &Architecture, path: &Path) -> Result<Cached> {
    // `snapshots/<revision>/model.safetensors` is a link to `blobs/<SHA-256>`.
    let file = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let is_hash = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    compare(path, is_hash.then_some(name).as_ref()).with_context(|| unusable(architecture, path))
}

/// Writes down what came, once it is on the disk.
pub fn record(path: &Path, hash: Hash) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    fs::write_record(beside(path), format!("{hash}  {name}\n"), &[path])
}

/// Takes back what was written down of a file that is about to be replaced.
pub fn forget(path: &Path) -> Result<()> {
    fs::remove_flushed(&beside(path))
}

/// How many bytes of weights a file has. Fails where it is no file, or visibly no weights; only its
/// beginning is read.
pub fn look(path: &Path) -> Result<u64> {
    let mut source = WeightFile::open(path)?;
    let length = source.length();
    let start = source.at(0, length.min(512))?;
    // Archives and pickles have checks of their own, when they are read.
    if start.starts_with(b"PK\x03\x04") || legacy::begins(&start) {
        return Ok(length);
    }
    ensure!(is_whole(&mut source)?, "`{}`: {}", path.display(), looks_like(&start));
    Ok(length)
}

/// Whether the tensors that a safetensors file lists end where it ends.
fn is_whole(source: &mut WeightFile) -> Result<bool> {
    let length = source.length();
    let Some((size, n)) = source.at(0, length.min(8))?.first_chunk().and_then(|size| {
        let size = u64::from_le_bytes(*size);
        Some((size, size.checked_add(8).filter(|n| *n <= length)?))
    }) else {
        return Ok(false);
    };
    let header = source.at(8, size)?;
    let Ok(header) = serde_json::from_slice::<serde_json::Map<String, _>>(&header) else {
        return Ok(false);
    };
    let end = |tensor: &serde_json::Value| tensor.get("data_offsets")?.get(1)?.as_u64();
    let last = header.values().filter_map(end).max();
    Ok(last.is_some_and(|last| last == length - n))
}

fn compare(path: &Path, known: Option<&String>) -> Result<Cached> {
    let bytes = look(path)?;
    let hash = hash_file(path)?;
    let Some(right) = known else { return Ok(Cached::Unknown { bytes, hash }) };
    ensure!(
        *right == hash.to_string(),
        "`{}` has changed since it came: its SHA-256 is {hash}, not {right}\nhint: if it is meant, name \
         the file with `--weights`",
        path.display()
    );
    Ok(Cached::Right { bytes })
}

/// The hash that the file should have; `None` where nobody knows.
fn known(architecture: &Architecture, path: &Path) -> Result<Option<String>> {
    let beside = beside(path);
    if fs::metadata(&beside).is_ok() {
        let text = lines::read_text(&beside)?;
        return Ok(Some(text.split_whitespace().next().unwrap_or("nothing").to_owned()));
    }
    let bytes = fs::metadata(path)?.len();
    let made = SET_UP.iter().find(|(name, _, size)| *name == architecture.name && *size == bytes);
    Ok(made.map(|(_, hash, _)| (*hash).to_owned()))
}

/// That there are none, and how they are had again. What is no file is not replaced by itself.
fn unusable(architecture: &Architecture, path: &Path) -> String {
    let name = architecture.name;
    if let Some(net) = architecture.imported() {
        let import = &net.described.name;
        return format!(
            "no usable weights of `{name}`\nhint: run `kaggle-kit models import {import}` again"
        );
    }
    let is_made = SET_UP.iter().any(|(made, ..)| *made == name);
    format!(
        "no usable weights of `{name}`\nhint: {}run {}`kaggle-kit models pull {name}`",
        if path.is_file() { "" } else { "remove it, then " },
        if is_made { "`make setup` or " } else { "" }
    )
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".sha256");
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::super::cached_path;
    use super::*;
    use crate::weights::made::safetensors;
    use crate::zoo;

    struct Place {
        folder: tempfile::TempDir,
        path: PathBuf,
    }

    fn place(name: &str, bytes: &[u8]) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = cached_path(zoo::find(name).unwrap(), folder.path());
        fs::write_atomic(&path, bytes).unwrap();
        Place { folder, path }
    }

    fn checked(place: &Place, name: &str) -> Result<Option<Cached>> {
        check(zoo::find(name).unwrap(), place.folder.path())
    }

    #[test]
    fn one_flipped_bit_is_noticed_once_it_is_known_what_came() {
        let place = place("resnet18", &safetensors());
        let Some(Cached::Unknown { bytes, hash }) = checked(&place, "resnet18").unwrap() else {
            panic!("nobody knows it yet")
        };
        assert_eq!((bytes, hash), (safetensors().len() as u64, Hash::of(&safetensors())));
        record(&place.path, hash).unwrap();
        let beside = place.path.with_file_name("resnet18.safetensors.sha256");
        let line = fs::read_to_string(&beside).unwrap();
        assert_eq!(line, format!("{hash}  resnet18.safetensors\n"), "as sha256sum has it");
        assert!(matches!(checked(&place, "resnet18").unwrap(), Some(Cached::Right { .. })));
        // The sign of the last number.
        let mut flipped = safetensors();
        *flipped.last_mut().unwrap() ^= 0x80;
        fs::write_atomic(&place.path, &flipped).unwrap();
        let error = format!("{:#}", checked(&place, "resnet18").unwrap_err());
        assert!(
            error.starts_with("no usable weights of `resnet18`\nhint: run `kaggle-kit models pull")
        );
        assert!(error.contains("has changed since it came: its SHA-256 is"), "{error}");
        forget(&place.path).unwrap();
        assert!(matches!(checked(&place, "resnet18").unwrap(), Some(Cached::Unknown { .. })));
        fs::write_atomic(&beside, "").unwrap();
        assert!(checked(&place, "resnet18").is_err(), "an empty record vouches for nothing");
    }

    #[test]
    fn what_set_up_makes_is_known_from_here() {
        let (name, hash, size) = SET_UP[0];
        assert_eq!(name, zoo::DEFAULT.name);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/setup.py");
        let script = fs::read_to_string(script).unwrap();
        assert!(script.contains(&format!("WEIGHTS_SHA256 = \"{hash}\"")));
        // Of the same size and not the same.
        let header =
            format!(r#"{{"a":{{"dtype":"U8","shape":[1],"data_offsets":[0,{}]}}}}"#, size - 100);
        let mut bytes = vec![b' '; size as usize];
        bytes[..8].copy_from_slice(&92_u64.to_le_bytes());
        bytes[8..8 + header.len()].copy_from_slice(header.as_bytes());
        let place = place(name, &bytes);
        let error = format!("{:#}", checked(&place, name).unwrap_err());
        assert!(error.contains("hint: run `make setup` or") && error.contains(hash), "{error}");
        // Another size is another file, such as timm's own.
        fs::write_atomic(&place.path, safetensors()).unwrap();
        assert!(matches!(checked(&place, name).unwrap(), Some(Cached::Unknown { .. })));
    }

    #[test]
    fn a_stub_is_no_weights() {
        for (bytes, what) in [
            (&b""[..], "it is empty"),
            (&[0; 1000], "it is nothing but zeros in place of the file"),
            (b"<html>", "it is an HTML page"),
            (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer"),
            (&safetensors()[..safetensors().len() - 1], "it is damaged"),
            (&[safetensors(), vec![0]].concat(), "it is damaged"),
            (&[0xff; 9], "it is damaged"),
        ] {
            let place = place("resnet18", bytes);
            let error = format!("{:#}", checked(&place, "resnet18").unwrap_err());
            assert!(error.contains(what), "{error}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert!(check(zoo::DEFAULT, empty.path()).unwrap().is_none());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_file_is_told_for_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = cached_path(zoo::DEFAULT, folder.path());
        fs::create_dir_all(&path).unwrap();
        let error = format!("{:#}", check(zoo::DEFAULT, folder.path()).unwrap_err());
        assert!(error.contains("is a folder, no plain file"), "{error}");
        assert!(error.contains("hint: remove it, then run `make setup`"), "{error}");
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let error = format!("{:#}", check(zoo::DEFAULT, folder.path()).unwrap_err());
        assert!(error.contains("is a device, no plain file"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn what_hugging_faces_library_keeps_is_known_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let blob = folder.path().join("blobs").join(Hash::of(&safetensors()).to_string());
        fs::write_atomic(&blob, safetensors()).unwrap();
        let path = folder.path().join("model.safetensors");
        std::os::unix::fs::symlink(&blob, &path).unwrap();
        let checked = || check_downloaded(zoo::DEFAULT, &path);
        assert!(matches!(checked().unwrap(), Cached::Right { .. }));
        let mut flipped = safetensors();
        *flipped.last_mut().unwrap() ^= 0x80;
        fs::write_atomic(&blob, &flipped).unwrap();
        assert!(format!("{:#}", checked().unwrap_err()).contains("has changed since it came"));
    }
}
