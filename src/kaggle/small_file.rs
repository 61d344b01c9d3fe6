//! Small files of a person's own: credentials, certificates, what is known of an upload.
//!
//! They are named by variables, so they may be anything: reading a pipe would wait for ever, a device
//! would never end.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::fs;

/// The bytes of an ordinary file of at most `most` bytes.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Whoever asks names the place itself.
    let file = fs::open(path).map_err(|error| match fs::why_not_plain(&error) {
        Some(found) if error.kind() != ErrorKind::NotFound => {
            io::Error::new(error.kind(), format!("it is {}", found.is))
        }
        _ => error,
    })?;
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let reason = format!("it is larger than {}", crate::term::bytes(most));
        return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

/// The text of such a file, without a byte order mark; told from text in UTF-16, as PowerShell's `>`
/// and some editors write it.
pub(super) fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let bytes = read(path, most)?;
    let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || {
        // In most languages every second byte is zero.
        let second = |from| bytes.iter().skip(from).step_by(2).all(|&byte| byte == 0);
        bytes.len() > 3 && (second(0) || second(1))
    };
    if is_utf16 {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is text in UTF-16"));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(io::Error::new(ErrorKind::InvalidData, "it is not text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_small_ordinary_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let told = |path: &Path| read_text(path, 20).unwrap_err().to_string();
        for (bytes, expected) in [
            (&b"\xff\xfea\0b\0"[..], "it is text in UTF-16"),
            (b"a\0b\0c\0d\0", "it is text in UTF-16"),
            (b"\xff\xff\xff\xff", "it is not text"),
            (b"123456789012345678901", "it is larger than 20 B"),
        ] {
            fs::write_atomic(&file, bytes).unwrap();
            assert_eq!(told(&file), expected);
        }
        fs::write_atomic(&file, "\u{feff}a token").unwrap();
        assert_eq!(read_text(&file, 20).unwrap(), "a token");
        assert_eq!(read(folder.path(), 9).unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(read(&folder.path().join("no"), 9).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_and_a_device_are_told_and_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        for (path, is) in [(pipe.as_path(), "a pipe"), (Path::new("/dev/zero"), "a device")] {
            let told = read(path, 9).unwrap_err().to_string();
            assert_eq!(told, format!("it is {is}, no plain file"));
        }
    }
}
