//! What lies in a data folder: tables under the names Kaggle gives them, images by their ids.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::fs;

/// An image of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageFile {
    /// The file's name without its extension.
    pub(super) id: String,
    pub(super) path: PathBuf,
}

/// Finds the file `name` of a data folder.
///
/// Kaggle serves some tables as a folder of the same name (`train_v2.csv/train_v2.csv`), and a name
/// with folders in it may have been unpacked without them.
pub fn find_file(folder: &Path, name: &str) -> Option<PathBuf> {
    let bare = Path::new(name).file_name()?;
    let whole = folder.join(name);
    [whole.join(bare), whole, folder.join(bare)].into_iter().find(|path| path.is_file())
}

/// The folder `name` of a data folder, or the one of the same name inside it when images lie there,
/// as some mirrors have them (`test-jpg-additional/test-jpg-additional/file_0.jpg`).
pub(super) fn find_folder(folder: &Path, name: &str, extension: &str) -> Result<Option<PathBuf>> {
    let outer = folder.join(name);
    if !outer.is_dir() {
        return Ok(None);
    }
    let Some(bare) = Path::new(name).file_name() else { return Ok(Some(outer)) };
    let inner = outer.join(bare);
    if inner.is_dir() && images_of(&outer, extension)?.is_empty() {
        return Ok(Some(inner));
    }
    Ok(Some(outer))
}

/// The images right in a folder, in natural order of their ids; hidden files are passed over, and
/// the extension may be in any case.
pub(super) fn images_of(folder: &Path, extension: &str) -> Result<Vec<ImageFile>> {
    let mut images = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let wanted = path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension));
        if hidden || !wanted || entry.file_type()?.is_dir() {
            continue;
        }
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        images.push(ImageFile { id, path });
    }
    images.sort_by(|a, b| natural_order(&a.id, &b.id).then_with(|| a.path.cmp(&b.path)));
    Ok(images)
}

/// The folders in a folder, by name.
pub(super) fn folders_of(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.path().is_dir() {
            folders.push((name, entry.path()));
        }
    }
    folders.sort();
    Ok(folders)
}

/// Fails when two images have the same id: which of them a row of a table means cannot be known.
pub(super) fn check_ids(images: &[ImageFile]) -> Result<()> {
    let mut seen: BTreeMap<&str, &Path> = BTreeMap::new();
    for image in images {
        if let Some(first) = seen.insert(&image.id, &image.path) {
            bail!(
                "two images have the id `{}`: `{}` and `{}`\nhint: delete one of them",
                image.id,
                first.display(),
                image.path.display()
            );
        }
    }
    Ok(())
}

/// What else a folder without images holds: `12 .png files`, for the error that says so.
pub(super) fn other_files(folder: &Path) -> Result<Option<String>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(extension) = path.extension() {
            *counts.entry(extension.to_string_lossy().to_lowercase()).or_default() += 1;
        }
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    Ok(most.map(|(extension, count)| {
        format!("{count} `.{extension}` {}", if count == 1 { "file" } else { "files" })
    }))
}

/// Compares ids as people do: runs of digits by their value, everything else by its bytes.
///
/// `1, 2, 10`, `train_9, train_10`, `cat.2, cat.10`; ids that differ only in leading zeros go by
/// their bytes, so that the order is total.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let (Some(&x), Some(&y)) = (left.first(), right.first()) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (number_x, rest_x) = split_number(left);
            let (number_y, rest_y) = split_number(right);
            let by_value = number_x.len().cmp(&number_y.len()).then_with(|| number_x.cmp(number_y));
            if by_value.is_ne() {
                return by_value;
            }
            (left, right) = (rest_x, rest_y);
        } else if x == y {
            (left, right) = (&left[1..], &right[1..]);
        } else {
            return x.cmp(&y);
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The digits at the start, without leading zeros, and what follows them.
fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let zeros = text[..end].iter().take_while(|byte| **byte == b'0').count();
    (&text[zeros..end], &text[end..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_go_by_value() {
        let mut ids = ["train_10", "10", "cat.10", "train_9", "2", "1", "cat.2", "01", "", "b"];
        ids.sort_by(|a, b| natural_order(a, b));
        assert_eq!(ids, ["", "01", "1", "2", "10", "b", "cat.2", "cat.10", "train_9", "train_10"]);
    }

    proptest! {
        #[test]
        fn the_order_is_total(ids in prop::collection::vec("[0-2a.]{0,5}", 3)) {
            let [a, b, c] = [&ids[0], &ids[1], &ids[2]];
            prop_assert_eq!(natural_order(a, b), natural_order(b, a).reverse());
            prop_assert_eq!(natural_order(a, b).is_eq(), a == b);
            if natural_order(a, b).is_le() && natural_order(b, c).is_le() {
                prop_assert!(natural_order(a, c).is_le());
            }
        }
    }
}
