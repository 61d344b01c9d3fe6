//! Archives as Kaggle and people have them: zip, tar and 7z, one inside another, and single packed files
//! (gzip, bzip2, xz), told apart by content.
//!
//! An archive is unpacked into a folder of its own beside the final place, archives inside it
//! included, and only a whole result is moved where it belongs: what has its final name is whole.
//! A killed run leaves that folder, which the next one empties. Names that leave the folder or that
//! meet, links and devices are refused, and so is an archive that grows beyond its bounds. What has a
//! name that kaggle-kit itself needs in a data folder is left out.
//!
//! An archive inside another is not written to disk first: where it lies there as it is, it is read
//! in place, and where it is packed, it is unpacked as it comes out. Only what cannot be read in
//! order is put aside in a file: a packed zip's directory, and a packed 7z. Memory does not depend
//! on the size of files, and on their number only by what a directory says of each.

mod budget;
mod called;
mod error;
mod foreign;
mod kind;
mod list;
#[cfg(any(test, feature = "testing"))]
pub mod made;
mod names;
mod packed;
mod pieces;
mod seven_z;
mod sink;
mod spanned;
mod tarball;
mod volumes;
mod window;
mod zip_file;
mod zip_stream;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;

use budget::{Budget, Meter, Room};
pub use called::stem;
pub use error::Error;
pub use foreign::{Foreign, foreign};
pub use kind::{Kind, Packing};
pub use list::{Held, list, unzipped_start};
pub use pieces::{head, pieces};
use sink::{Content, Sink, Unpacked};
use volumes::Volumes;
use window::Window;
pub use zip_file::zipped_size;

use crate::fs;
use crate::progress::Progress;
use crate::relative;

/// Archives inside archives are unpacked so deep; Kaggle's go to two.
const MOST_LEVELS: usize = 4;
/// An archive may hold so many times its own size ...
const MOST_RATIO: u64 = 200;
/// ... and this much more: a small table of repeated numbers packs very well.
const RATIO_SLACK: u64 = 200_000_000;
/// No competition unpacks to more.
const MOST_BYTES: u64 = 2_000_000_000_000;
/// No competition has more files.
const MOST_FILES: usize = 5_000_000;
/// An archive may hold a file for so many of its bytes, and some more: names and sizes alone, well
/// packed, take more.
const BYTES_A_FILE: u64 = 8;
const FILES_SLACK: u64 = 100_000;
/// Memory that an archive may ask for to be unpacked (its dictionary): 7-Zip's `ultra` needs 64 MB.
const MOST_MEMORY_KB: usize = 1024 * 1024;

/// The kinds that are unpacked, in words.
pub const UNPACKED: &str = "zip, tar, 7z, gz, bz2, xz";

const LINK: &str = "a link";
const NO_PLAIN_FILE: &str = "no plain file";
const OWN: &str = "a name that kaggle-kit needs in the data folder";

/// Unpacks `archive` and every archive inside it into the folder `into`; counts the files, archives
/// among them aside.
///
/// Names keep their folders. The bare files of an archive that holds nothing else (images, not
/// tables) go to a folder named after it: `1.jpg` in `train.zip` becomes `train/1.jpg`. Files that
/// are there already are replaced. Progress counts the bytes of `archive` that were read.
pub fn extract(archive: &Path, into: &Path, progress: &dyn Progress) -> Result<usize, Error> {
    extract_if(archive, into, progress, &mut |_, _| Ok(()))
}

/// As [`extract`], if `may_move` lets what is unpacked (in the first folder) be moved to its place (in the
/// second); else nothing is.
pub fn extract_if(
    archive: &Path,
    into: &Path,
    progress: &dyn Progress,
    may_move: MayMove,
) -> Result<usize, Error> {
    let mut size = 0_u64;
    for piece in pieces(archive)? {
        size = size.saturating_add(fs::metadata(piece)?.len());
    }
    let most = size.saturating_mul(MOST_RATIO).saturating_add(RATIO_SLACK).min(MOST_BYTES);
    let files = (size / BYTES_A_FILE).saturating_add(FILES_SLACK).min(MOST_FILES as u64);
    let room = Room { bytes: fs::free_space(into), files: fs::free_files(into) };
    let budget = Budget::new(most, files as usize, room);
    extract_within(archive, into, budget, progress, may_move)
}

/// An archive with all the files that it is in.
fn open(archive: &Path) -> Result<Volumes, Error> {
    let pieces = pieces(archive)?;
    let mut volumes = Volumes::open(&pieces)?;
    if pieces::is_last_disk(archive) {
        let directory = spanned::directory(&volumes, archive)?;
        volumes.append(directory);
    }
    Ok(volumes)
}

/// Looks at what is about to be moved, and where to.
pub type MayMove<'a> = &'a mut dyn FnMut(&Path, &Path) -> anyhow::Result<()>;

/// As [`extract`], with other bounds: the fuzz targets have them lower.
pub fn extract_at_most(
    bytes: u64,
    files: usize,
    archive: &Path,
    into: &Path,
    progress: &dyn Progress,
) -> Result<usize, Error> {
    let room = Room { bytes: fs::free_space(into), files: fs::free_files(into) };
    extract_within(archive, into, Budget::new(bytes, files, room), progress, &mut |_, _| Ok(()))
}

fn extract_within(
    archive: &Path,
    into: &Path,
    budget: Budget,
    progress: &dyn Progress,
    may_move: MayMove,
) -> Result<usize, Error> {
    let kind = Kind::of(archive)?.ok_or_else(|| Error::not_an_archive(archive))?;
    let volumes = open(archive)?;
    let meter = Meter::new(volumes.len(), progress);
    let work = Work { staging: Staging::open(into)?, n_fresh: AtomicUsize::new(0), budget };
    let content = Content::Part(Window::over(&volumes, volumes.len(), Some(&meter)));
    let Unpacked { folder, is_loose } = unpack(&work, archive, kind, content, 0)?;
    if is_loose {
        let name = stem(archive);
        if relative::is_own_name(&name) {
            return Err(Error::refused(archive, &name, OWN));
        }
        let into = into.join(name);
        may_move(&folder, &into)?;
        move_into(&folder, &into)?;
    } else {
        leave_out_own(&folder, archive, progress)?;
        may_move(&folder, into)?;
        move_into(&folder, into)?;
    }
    meter.finish();
    Ok(work.budget.files())
}

/// Unpacks one archive into a fresh folder.
fn unpack(
    work: &Work,
    archive: &Path,
    kind: Kind,
    content: Content,
    level: usize,
) -> Result<Unpacked, Error> {
    if level == MOST_LEVELS {
        return Err(Error::too_big(archive, "it holds archives in archives without end"));
    }
    let mut sink = Sink::new(work, archive, level)?;
    match (kind, content) {
        (Kind::Zip, Content::Part(window)) => {
            zip_file::entries(&window, &mut sink, &zip_file::Done::new())?;
        }
        (Kind::Zip, Content::Stream(stream)) => zip_stream::entries(stream, &mut sink)?,
        (Kind::Tar, Content::Part(window)) => tarball::placed(&window, &mut sink)?,
        (Kind::Tar, Content::Stream(stream)) => tarball::streamed(stream, &mut sink)?,
        (Kind::Packed(packing), Content::Part(mut window)) => {
            packed::content(packing, &mut window, &mut sink)?;
        }
        (Kind::Packed(packing), Content::Stream(stream)) => {
            packed::content(packing, stream, &mut sink)?;
        }
        (Kind::SevenZ, Content::Part(window)) => seven_z::entries(&window, &mut sink)?,
        (Kind::SevenZ, Content::Stream(stream)) => {
            let aside = sink.put_aside(&[], stream)?;
            seven_z::entries(&Window::whole(&aside.file, None)?, &mut sink)?;
        }
    }
    sink.finish()
}

/// Takes out what has the name of something that kaggle-kit keeps in a data folder, such as the record of
/// a fetch: an archive does not say what was fetched, and what is to be deleted after it.
fn leave_out_own(folder: &Path, archive: &Path, progress: &dyn Progress) -> anyhow::Result<()> {
    let mut left_out = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if relative::is_own_name(&name) {
            if path.is_dir() {
                fs::remove_dir_all(&path)?;
            } else {
                fs::remove_file(&path)?;
            }
            left_out.push(format!("`{name}`"));
        }
    }
    if !left_out.is_empty() {
        left_out.sort();
        let (archive, names) = (archive.display(), left_out.join(", "));
        progress.note(&format!("`{archive}`: {names} left out, which kaggle-kit makes itself"));
    }
    Ok(())
}

/// Moves everything in `from` into `into`, folder by folder; files that are there are replaced.
pub fn move_into(from: &Path, into: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let source = entry?.path();
        let Some(name) = source.file_name() else { continue };
        let target = into.join(name);
        if source.is_dir() && target.is_dir() {
            move_into(&source, &target)?;
        } else if source.is_dir() && target.is_file() && Kind::of(&target)?.is_some() {
            // `labels.csv/` out of an archive that is itself called `labels.csv`.
            fs::remove_file(&target)?;
            fs::rename(&source, &target)?;
        } else {
            fs::rename(&source, &target)
                .with_context(|| format!("failed to give `{}` its name", target.display()))?;
        }
    }
    Ok(())
}

/// What all archives of one call share.
struct Work {
    staging: Staging,
    n_fresh: AtomicUsize,
    budget: Budget,
}

impl Work {
    /// A path in the staging folder that nothing has.
    fn fresh_path(&self) -> PathBuf {
        let n = self.n_fresh.fetch_add(1, Ordering::Relaxed);
        self.staging.folder.join(n.to_string())
    }
}

/// The folder in which an archive is unpacked, gone when dropped.
struct Staging {
    folder: PathBuf,
}

impl Staging {
    /// Makes the folder anew; what a killed run left in it goes.
    fn open(into: &Path) -> Result<Self, Error> {
        let folder = into.join(names::STAGING);
        match fs::symlink_metadata(&folder) {
            Ok(there) if there.is_dir() => fs::remove_dir_all(&folder)?,
            // What a link leads to stays.
            Ok(_) => fs::remove_file(&folder)?,
            Err(_) => {}
        }
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[cfg(test)]
mod tests;
