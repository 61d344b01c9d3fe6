//! Why an archive is not unpacked.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{foreign, kind};

/// An archive that could not be unpacked; nothing of it has reached its final place.
///
/// The path of an archive inside another goes on where that of the outer one ends:
/// `bundle.zip/train.zip`.
#[derive(Debug, Error)]
pub enum Error {
    /// Some other kind of file.
    #[error("`{}` is {is}", archive.display())]
    NotAnArchive {
        archive: PathBuf,
        /// What it is or is not, and a hint line where there is one.
        is: String,
    },
    /// Broken or cut off.
    #[error("`{}` is damaged at `{entry}`: {reason}\nhint: get the archive again", archive.display())]
    Damaged {
        archive: PathBuf,
        /// The entry that was being read.
        entry: String,
        reason: String,
    },
    /// Sound perhaps, but packed or encrypted in a way that is not read here.
    #[error(
        "`{}` is not unpacked: {reason}\nhint: unpack it with another program and name the folder \
         with `--from`",
        archive.display()
    )]
    Unsupported { archive: PathBuf, reason: String },
    /// Something that could write outside the folder.
    #[error(
        "`{}` holds `{entry}`, {reason}: it is not unpacked\nhint: get it from elsewhere; or look at \
         what it holds, unpack it with another program, and name the folder with `--from`",
        archive.display()
    )]
    Unsafe { archive: PathBuf, entry: String, reason: &'static str },
    /// More than it may hold.
    #[error("`{}` is not unpacked: {reason}", archive.display())]
    TooBig { archive: PathBuf, reason: String },
    /// More than the disk has room for.
    #[error("`{}` is not unpacked: {reason}\nhint: make room on the disk", archive.display())]
    NoSpace {
        archive: PathBuf,
        /// What was needed, if known.
        reason: String,
    },
    /// A local file.
    #[error(transparent)]
    File(#[from] anyhow::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::File(error.into())
    }
}

impl Error {
    pub(super) fn not_an_archive(archive: &Path) -> Self {
        let is = match kind::start_of(archive).ok().and_then(|start| foreign::kind(&start)) {
            Some(foreign) => format!("{}\nhint: {}", foreign.is, foreign.way_on),
            None => format!("no archive that kaggle-kit unpacks ({})", super::UNPACKED),
        };
        Self::NotAnArchive { archive: archive.to_owned(), is }
    }

    pub(super) fn too_big(archive: &Path, reason: impl Into<String>) -> Self {
        Self::TooBig { archive: archive.to_owned(), reason: reason.into() }
    }

    pub(super) fn no_space(archive: &Path, reason: impl Into<String>) -> Self {
        Self::NoSpace { archive: archive.to_owned(), reason: reason.into() }
    }

    /// It is in several files, and one of them is not there.
    pub(super) fn missing(archive: &Path, piece: &Path) -> Self {
        let piece = piece.display();
        Self::unsupported(archive, format!("it is in several files, and `{piece}` is missing"))
    }

    pub(super) fn unsupported(archive: &Path, reason: impl Into<String>) -> Self {
        Self::Unsupported { archive: archive.to_owned(), reason: reason.into() }
    }

    pub(super) fn refused(archive: &Path, entry: &str, reason: &'static str) -> Self {
        Self::Unsafe { archive: archive.to_owned(), entry: entry.to_owned(), reason }
    }

    pub(super) fn damaged(archive: &Path, entry: &str, reason: &dyn Display) -> Self {
        Self::Damaged {
            archive: archive.to_owned(),
            entry: entry.to_owned(),
            reason: reason.to_string(),
        }
    }
}
