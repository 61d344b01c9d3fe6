//! What lies in a data folder: tables under the names Kaggle gives them, images by their ids.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::competition::{Competition, Files};
use crate::dataset::format;
use crate::fs;
use crate::term;

/// Characters of a name that an error shows.
const SHOWN: usize = 60;

/// What files of images end with: those of the spec, or every format that is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endings<'s>(pub(super) &'s [String]);

impl<'s> Endings<'s> {
    /// Those of a competition's images; of what `fetch` made pictures of, those of pictures.
    pub(super) fn of(competition: &'s Competition) -> Self {
        Self(if competition.raw().is_some() { &[] } else { &competition.files.extension })
    }

    /// Whether a file is an image by its name, in any case of letters.
    pub(super) fn has(self, path: &Path) -> bool {
        let Some(ending) = path.extension().and_then(|ending| ending.to_str()) else {
            return false;
        };
        if self.0.is_empty() {
            return format::ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending));
        }
        self.0.iter().any(|known| known.eq_ignore_ascii_case(ending))
    }

    /// For people: "`.png` images".
    pub(super) fn images(self) -> String {
        if self.0.is_empty() {
            return "images".to_owned();
        }
        let endings: Vec<String> = self.0.iter().map(|ending| format!("`.{ending}`")).collect();
        format!("{} images", endings.join(" or "))
    }
}

/// Whether a file is an image of a competition by its name.
pub fn is_image(files: &Files, path: &Path) -> bool {
    Endings(&files.extension).has(path)
}

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
pub(super) fn find_folder(folder: &Path, name: &str, endings: Endings) -> Result<Option<PathBuf>> {
    let outer = folder.join(name);
    if !outer.is_dir() {
        return Ok(None);
    }
    let Some(bare) = Path::new(name).file_name() else { return Ok(Some(outer)) };
    let inner = outer.join(bare);
    if inner.is_dir() && list(&outer, endings)?.images.is_empty() {
        return Ok(Some(inner));
    }
    Ok(Some(outer))
}

/// What lies in a folder; hidden files are passed over.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// In natural order of their ids.
    pub(super) images: Vec<ImageFile>,
    /// How many other files there are of each ending, in lower case and without its dot.
    pub(super) others: BTreeMap<String, usize>,
    /// Sorted.
    pub(super) folders: Vec<PathBuf>,
}

/// What lies right in a folder.
pub(super) fn list(folder: &Path, endings: Endings) -> Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let wanted = endings.has(&path);
        let kind = entry.file_type()?;
        if kind.is_dir() || kind.is_symlink() && !wanted && path.is_dir() {
            listing.folders.push(path);
        } else if wanted {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            listing.images.push(ImageFile { id, path });
        } else {
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            *listing.others.entry(ending).or_default() += 1;
        }
    }
    listing.sort();
    Ok(listing)
}

/// The images right in a folder; where there are none, those in the folders below it, to the bottom
/// (`train/<class>/<id>.jpg`).
pub(super) fn list_deep(folder: &Path, endings: Endings) -> Result<Listing> {
    let mut all = list(folder, endings)?;
    if !all.images.is_empty() {
        return Ok(all);
    }
    // Links may lead in circles.
    let mut seen: BTreeSet<PathBuf> = folder.canonicalize().into_iter().collect();
    let mut below = all.folders.clone();
    while let Some(folder) = below.pop() {
        if !folder.canonicalize().is_ok_and(|real| seen.insert(real)) {
            continue;
        }
        let listing = list(&folder, endings)?;
        all.images.extend(listing.images);
        below.extend(listing.folders);
        for (ending, n) in listing.others {
            *all.others.entry(ending).or_default() += n;
        }
    }
    all.sort();
    Ok(all)
}

impl Listing {
    fn sort(&mut self) {
        self.images.sort_by(|a, b| natural_order(&a.id, &b.id).then_with(|| a.path.cmp(&b.path)));
        self.folders.sort();
    }

    /// What a folder without images holds: `2 folders with 12 .png files`, for the error that says
    /// so; none where there is nothing.
    pub(super) fn holds(&self) -> Option<String> {
        let files = self.others.iter().max_by_key(|(_, n)| **n).map(|(ending, n)| {
            let files = if *n == 1 { "file" } else { "files" };
            if ending.is_empty() {
                return format!("{n} {files} without an ending");
            }
            format!("{n} `.{}` {files}", term::short(ending, SHOWN))
        });
        let folders = (!self.folders.is_empty()).then(|| term::count(self.folders.len(), "folder"));
        match (folders, files) {
            (None, files) => files,
            (Some(folders), Some(files)) => Some(format!("{folders} with {files}")),
            (Some(folders), None) => Some(folders),
        }
    }
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
/// `field` names their folders in the spec: `files.train`.
pub(super) fn check_ids(images: &[ImageFile], field: &str) -> Result<()> {
    let mut seen: BTreeMap<&str, &Path> = BTreeMap::new();
    for image in images {
        if let Some(first) = seen.insert(&image.id, &image.path) {
            bail!(two(&image.id, first, &image.path, field));
        }
    }
    Ok(())
}

/// What to say of two images with one id.
pub(super) fn two(id: &str, first: &Path, second: &Path, field: &str) -> String {
    let (id, first_path, second_path) = (term::short(id, SHOWN), first.display(), second.display());
    if is_one(first, second) {
        // To delete it would be to lose it.
        return format!(
            "`{field}` names a folder twice: the image `{id}` is found as `{first_path}` and as \
             `{second_path}`, which are one file\nhint: name each folder once, and none that lies in \
             another"
        );
    }
    format!(
        "two images have the id `{id}`: `{first_path}` and `{second_path}`\nhint: give one another name, \
         or move it away if it is a copy; where images lie may also be said in `{field}`, such as \
         `train/{{id}}.png`"
    )
}

/// Whether two paths are one, links on the way aside.
fn is_one(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
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

    #[test]
    fn images_are_known_by_their_endings() {
        let png = ["png".to_owned(), "TIF".to_owned()];
        for (name, any, some) in [
            ("a.png", true, true),
            ("a.JPEG", true, false),
            ("a.tif", true, true),
            ("a.webp", true, false),
            ("a.csv", false, false),
            ("png", false, false),
        ] {
            let path = Path::new(name);
            assert_eq!((Endings(&[]).has(path), Endings(&png).has(path)), (any, some), "{name}");
        }
        assert_eq!(Endings(&png).images(), "`.png` or `.TIF` images");
    }

    #[cfg(unix)]
    #[test]
    fn folders_below_are_listed_once_where_there_is_no_image() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["red/a.PNG", "blue/deep/b.png", "blue/notes.txt", ".hidden/c.png"] {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write_atomic(path(name), "").unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), path("blue/circle")).unwrap();
        let found = list_deep(folder.path(), Endings(&["png".to_owned()])).unwrap();
        let ids: Vec<&str> = found.images.iter().map(|image| image.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(found.others, BTreeMap::from([("txt".to_owned(), 1)]));
        let none = list_deep(folder.path(), Endings(&["gif".to_owned()])).unwrap();
        assert_eq!(none.holds().as_deref(), Some("2 folders with 2 `.png` files"));
        // With an image right in it, what lies below is something else.
        fs::write_atomic(path("c.png"), "").unwrap();
        assert_eq!(list_deep(folder.path(), Endings(&["png".to_owned()])).unwrap().images.len(), 1);
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
