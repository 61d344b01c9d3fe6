//! Reading what is a plain file. A pipe keeps whoever opens it waiting, and a device may never end:
//! neither is read, whatever name it has.

use std::fs::{FileType, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::File;

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

/// Refuses what is no plain file. What cannot be looked at is left to whoever opens it, but for a link
/// to nowhere, of which the system would say that it is not there.
fn look(path: &Path) -> io::Result<()> {
    match fs_err::metadata(path) {
        Ok(metadata) => refuse_other(path, &metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => match fs_err::read_link(path) {
            Ok(target) => {
                let (path, target) = (path.display(), target.display());
                let text = format!("`{path}` is a broken link to `{target}`");
                Err(io::Error::new(ErrorKind::NotFound, text))
            }
            Err(_) => Ok(()),
        },
        Err(_) => Ok(()),
    }
}

fn refuse_other(path: &Path, metadata: &Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let (is, error) = match other_kind(kind) {
        Some(is) => (is, ErrorKind::InvalidInput),
        None if kind.is_dir() => ("a folder", ErrorKind::IsADirectory),
        None => return Ok(()),
    };
    Err(io::Error::new(error, format!("`{}` is {is}, no plain file", path.display())))
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
}
