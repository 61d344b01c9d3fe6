//! Archives in several files: pieces in a row (`train.zip.001`, `train.zip.002`, ...), and zips over several
//! disks (`train.z01`, `train.z02`, ..., `train.zip`).

use std::path::{Path, PathBuf};

use super::Error;
use super::called::Piece;
use super::spanned;
use crate::fs;

/// The file that stands for a split archive, if `path` is a piece of one: its first, or of several disks
/// the last.
pub fn head(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    match Piece::of(name) {
        Some(Piece::InARow { before, digits, .. }) => {
            let numbered = |n: usize| path.with_file_name(format!("{before}{n:0digits$}"));
            [0, 1].map(numbered).into_iter().find(|path| path.is_file())
        }
        Some(Piece::Disk { before }) => {
            let ending = |ending| path.with_file_name(format!("{before}{ending}"));
            ["zip", "ZIP"].map(ending).into_iter().find(|path| is_last_disk(path))
        }
        None => is_last_disk(path).then(|| path.to_owned()),
    }
}

/// Whether a file is the last of a zip over several disks.
pub(super) fn is_last_disk(path: &Path) -> bool {
    let is_zip = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    is_zip && path.is_file() && spanned::is_last(path)
}

/// The files of an archive, in order: itself alone where it is not split.
pub fn pieces(archive: &Path) -> Result<Vec<PathBuf>, Error> {
    if head(archive).is_none_or(|head| head != archive) {
        return Ok(vec![archive.to_owned()]);
    }
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let Some(Piece::InARow { before, number, digits }) = Piece::of(&name) else {
        return Ok(disks(archive));
    };
    let numbered = |n: usize| archive.with_file_name(format!("{before}{n:0digits$}"));
    let pieces: Vec<PathBuf> =
        (number..=9999).map(numbered).take_while(|path| path.is_file()).collect();
    // One that lies beside them after a gap says that one between is missing.
    for entry in fs::read_dir(fs::folder_of(archive))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        match Piece::of(&name) {
            Some(Piece::InARow { before: same, number: n, digits: d })
                if same == before && d == digits && n >= number + pieces.len() =>
            {
                return Err(Error::missing(archive, &numbered(number + pieces.len())));
            }
            _ => {}
        }
    }
    Ok(pieces)
}

/// `train.z01`, `train.z02`, ..., `train.zip`: as far as they are there.
fn disks(last: &Path) -> Vec<PathBuf> {
    let disk = |n: usize| {
        let endings = [format!("z{n:02}"), format!("Z{n:02}")];
        endings.into_iter().map(|ending| last.with_extension(ending)).find(|path| path.is_file())
    };
    (1..).map_while(disk).chain([last.to_owned()]).collect()
}
