//! What names of files say: which are archives, what they are archives of, and which are pieces of one.

use std::path::Path;

/// The name of an archive without its archive extensions: `test-jpg` for `test-jpg.tar.7z`,
/// `labels.csv` for `labels.csv.zip`, `train` for `train.zip.002`. It is one that a file can have: `...zip` stays as it is.
pub fn stem(archive: &Path) -> String {
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut stem = whole_name(&name);
    while let Some((rest, extension)) = stem.rsplit_once('.') {
        if matches!(rest, "" | "." | "..") || !is_archive_extension(extension) {
            break;
        }
        stem = rest;
    }
    stem.to_owned()
}

/// Whether a name says that the file is an archive, to be unpacked where it lies in another. A single
/// packed file is one where it is a tar or a table; `scan.nii.gz` stays what it is.
pub(super) fn is_archive_name(name: &str) -> bool {
    const INSIDE: [&str; 6] = ["tar", "zip", "7z", "csv", "tsv", "json"];
    let Some((rest, extension)) = name.rsplit_once('.') else { return false };
    if is_one_of(extension, &PACKED) {
        return rest.rsplit_once('.').is_some_and(|(_, inside)| is_one_of(inside, &INSIDE));
    }
    is_archive_extension(extension)
}

/// The name of what is in a single packed file: `train.tar` for `train.tgz`, `labels.csv` for
/// `labels.csv.gz`.
pub(super) fn unpacked_name(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((rest, extension))
            if !matches!(rest, "" | "." | "..") && is_archive_extension(extension) =>
        {
            rest
        }
        _ => name,
    }
}

/// Whether a file's name is not that of a table, a text or an archive.
pub(super) fn is_image_name(path: &Path) -> bool {
    const OTHERS: [&str; 6] = ["csv", "tsv", "json", "txt", "md", "pdf"];
    let Some(extension) = path.extension().map(|extension| extension.to_string_lossy()) else {
        return false;
    };
    let name = path.to_string_lossy();
    !is_archive_name(&name)
        && Piece::of(&name).is_none()
        && !OTHERS.iter().any(|other| extension.eq_ignore_ascii_case(other))
}

const WHOLE: [&str; 7] = ["zip", "tar", "7z", "tgz", "tbz", "tbz2", "txz"];
/// Of single files.
const PACKED: [&str; 3] = ["gz", "bz2", "xz"];

fn is_archive_extension(extension: &str) -> bool {
    is_one_of(extension, &WHOLE) || is_one_of(extension, &PACKED)
}

fn is_one_of(extension: &str, known: &[&str]) -> bool {
    known.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// The digits of a piece's number.
const DIGITS: std::ops::RangeInclusive<usize> = 2..=4;

/// What a file's name says of the pieces it is one of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// `train.zip.` and the number, so many digits long.
    InARow { before: String, number: usize, digits: usize },
    /// `train.z` and the number.
    Disk { before: String },
}

impl Piece {
    pub(super) fn of(name: &str) -> Option<Self> {
        let (rest, ending) = name.rsplit_once('.')?;
        let is_number = |text: &str| {
            DIGITS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if is_number(ending) && is_archive_name(rest) {
            let (before, digits) = (format!("{rest}."), ending.len());
            return Some(Self::InARow { before, number: ending.parse().ok()?, digits });
        }
        let number = ending.strip_prefix(['z', 'Z'])?;
        is_number(number).then(|| Self::Disk { before: format!("{rest}.") })
    }
}

/// The name of a split archive without what makes it a piece: `train.zip` for `train.zip.001`; `train` for
/// `train.z01`.
fn whole_name(name: &str) -> &str {
    let cut = || name.rsplit_once('.').map(|(rest, _)| rest);
    Piece::of(name).and_then(|_| cut()).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_lose_archive_extensions_only() {
        for (name, expected) in [
            ("a/train.zip", "train"),
            ("test-jpg.tar.7z", "test-jpg"),
            ("labels.csv.zip", "labels.csv"),
            ("v1.2.ZIP", "v1.2"),
            ("train.tar.gz", "train"),
            ("train.TGZ", "train"),
            ("labels.csv.bz2", "labels.csv"),
            (".zip", ".zip"),
            // What would be left is no name of a file.
            ("...zip", "...zip"),
            ("..zip", "..zip"),
            ("...zip.tar", "...zip"),
            ("plain", "plain"),
        ] {
            assert_eq!(stem(Path::new(name)), expected);
        }
    }

    #[test]
    fn single_packed_files_are_looked_into_where_they_are_tables_or_tars() {
        for name in ["a.tar.gz", "a.TAR.XZ", "a.tgz", "a.csv.gz", "a.zip", "a.tsv.bz2"] {
            assert!(is_archive_name(name), "{name}");
        }
        for name in ["a.nii.gz", "a.gz", "a.jpg.xz", "a.csv", "gz", ".gz"] {
            assert!(!is_archive_name(name), "{name}");
        }
        for (name, inside) in
            [("a.tgz", "a"), ("a.csv.gz", "a.csv"), ("...gz", "...gz"), ("a", "a")]
        {
            assert_eq!(unpacked_name(name), inside);
        }
    }
}
