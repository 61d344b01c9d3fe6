//! Reading what is a plain file. A pipe keeps whoever opens it waiting, and a device may never end:
//! neither is read, whatever name it has.

use std::fs::{FileType, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::File;

/// Something else where a plain file should be; the cause of an [`io::Error`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is {is}\nhint: {hint}", path.display())]
pub struct NotPlain {
    pub path: PathBuf,
    /// `a pipe, no plain file`.
    pub is: String,
    /// `a pipe`.
    pub kind: &'static str,
    hint: &'static str,
}

const BROKEN: &str = "a broken link";
const TO_READ: &str = "put a plain file in its place, or name another one";
const IN_THE_WAY: &str = "move it away or remove it, then run the same command again";

/// Opens a plain file to read it.
pub fn open(path: impl AsRef<Path>) -> io::Result<File> {
    look(path.as_ref())?;
    File::open(path.as_ref())
}

/// All bytes of a plain file.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    look(path.as_ref())?;
    fs_err::read(path.as_ref())
}

/// All text of a plain file.
pub fn read_to_string(path: impl AsRef<Path>) -> io::Result<String> {
    look(path.as_ref())?;
    fs_err::read_to_string(path.as_ref())
}

/// What a file is, if it is neither a plain one nor a folder: `a pipe`.
pub fn other_kind(kind: FileType) -> Option<&'static str> {
    if kind.is_file() || kind.is_dir() { None } else { Some(special(kind)) }
}

/// What is at a path, links followed, if it is something and no plain file.
pub fn not_plain(path: &Path) -> Option<NotPlain> {
    look(path).err().as_ref().and_then(why_not_plain).cloned()
}

/// The reason of an error that comes of what is no plain file.
pub fn why_not_plain(error: &io::Error) -> Option<&NotPlain> {
    error.get_ref()?.downcast_ref()
}

/// Makes a folder with those above it; what is in its way is named.
pub fn create_dir_all(folder: impl AsRef<Path>) -> io::Result<()> {
    let folder = folder.as_ref();
    fs_err::create_dir_all(folder).map_err(|error| no_folder(folder).unwrap_or(error))
}

/// What keeps a folder from being made: the first thing on the way to it that is none.
pub fn no_folder(folder: &Path) -> Option<io::Error> {
    let there =
        |path: &&Path| !path.as_os_str().is_empty() && fs_err::symlink_metadata(path).is_ok();
    let path = folder.ancestors().find(there)?;
    let is = match fs_err::metadata(path) {
        Ok(found) if found.is_dir() => return None,
        Ok(found) => {
            let kind = other_kind(found.file_type()).unwrap_or("a file");
            (kind, format!("{kind}, no folder"))
        }
        Err(_) => (BROKEN, broken_link(path)? + ", no folder"),
    };
    Some(error(ErrorKind::NotADirectory, path, is, IN_THE_WAY))
}

/// Refuses what is no plain file. What cannot be looked at is left to whoever opens it, but for a link
/// to nowhere, of which the system would say that it is not there.
fn look(path: &Path) -> io::Result<()> {
    match fs_err::metadata(path) {
        Ok(metadata) => refuse_other(path, &metadata, TO_READ),
        Err(problem) if problem.kind() == ErrorKind::NotFound => match broken_link(path) {
            Some(is) => Err(error(ErrorKind::NotFound, path, (BROKEN, is), TO_READ)),
            None => Ok(()),
        },
        Err(_) => Ok(()),
    }
}

fn broken_link(path: &Path) -> Option<String> {
    Some(format!("a broken link to `{}`", fs_err::read_link(path).ok()?.display()))
}

/// Refuses a folder where a file is to get its name, which the system would do in the end.
pub(super) fn refuse_folder(path: &Path) -> io::Result<()> {
    match fs_err::symlink_metadata(path) {
        Ok(there) if there.is_dir() => refuse_other(path, &there, IN_THE_WAY),
        _ => Ok(()),
    }
}

/// Refuses what is no plain file under the name that it has, be it a link to one.
pub(super) fn refuse_link_or_other(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.is_symlink() {
        let target = fs_err::read_link(path).unwrap_or_default();
        let is = ("a link", format!("a link to `{}`, no plain file", target.display()));
        return Err(error(ErrorKind::InvalidInput, path, is, IN_THE_WAY));
    }
    refuse_other(path, metadata, IN_THE_WAY)
}

/// Refuses a file that has other names as well: who writes to it changes what somebody else has.
pub(super) fn refuse_other_names(path: &Path, metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() && names_of(metadata) > 1 {
        let is = ("a link", "a file with other names as well (hard links)".to_owned());
        return Err(error(ErrorKind::InvalidInput, path, is, IN_THE_WAY));
    }
    Ok(())
}

fn refuse_other(path: &Path, metadata: &Metadata, hint: &'static str) -> io::Result<()> {
    let file_type = metadata.file_type();
    let (is, kind) = match other_kind(file_type) {
        Some(is) => (is, ErrorKind::InvalidInput),
        None if file_type.is_dir() => ("a folder", ErrorKind::IsADirectory),
        None => return Ok(()),
    };
    Err(error(kind, path, (is, format!("{is}, no plain file")), hint))
}

fn error(
    of: ErrorKind,
    path: &Path,
    (kind, is): (&'static str, String),
    hint: &'static str,
) -> io::Error {
    io::Error::new(of, NotPlain { path: path.to_owned(), is, kind, hint })
}

#[cfg(unix)]
fn names_of(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn names_of(_: &Metadata) -> u64 {
    1
}

#[cfg(unix)]
fn special(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn special(_: FileType) -> &'static str {
    "something special"
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_read_that_could_be_waited_on() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), mode).unwrap();
        std::os::unix::fs::symlink("pipe", at("to-pipe")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("broken")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        for (path, is) in [
            (at("pipe"), "is a pipe, no plain file"),
            (at("to-pipe"), "is a pipe, no plain file"),
            (at("socket"), "is a socket, no plain file"),
            (at("broken"), "is a broken link to `nowhere`"),
            (at(""), "is a folder, no plain file"),
            ("/dev/zero".into(), "is a device, no plain file"),
        ] {
            for error in [
                open(&path).map(drop).unwrap_err(),
                read(&path).map(drop).unwrap_err(),
                read_to_string(&path).map(drop).unwrap_err(),
            ] {
                let text = error.to_string();
                assert!(text.contains(is) && text.contains(&path.display().to_string()), "{text}");
            }
        }
        let error = read(at("nothing")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_is_in_the_way_of_a_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs_err::write(at("file"), "x").unwrap();
        std::os::unix::fs::symlink("nowhere", at("broken")).unwrap();
        for (path, way, is) in [
            ("file", "file", "a file, no folder"),
            ("file/a/b", "file", "a file, no folder"),
            ("broken", "broken", "a broken link to `nowhere`, no folder"),
            ("broken/a", "broken", "a broken link to `nowhere`, no folder"),
        ] {
            let told = create_dir_all(at(path)).unwrap_err().to_string();
            let expected = format!("`{}` is {is}\nhint: ", at(way).display());
            assert!(told.starts_with(&expected), "{told}");
        }
        create_dir_all(at("a/b")).unwrap();
    }
}
