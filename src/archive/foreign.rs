//! What is taken for an archive and is none that is unpacked here, by its first bytes.

use std::path::Path;

use super::kind;

/// A kind of file that a person has to do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// After `is`: `a RAR archive, which ..`.
    pub is: &'static str,
    /// What to do, as a hint.
    pub way_on: &'static str,
}

/// What the file at `path` is, where it is known and not to be used as it is.
pub fn foreign(path: &Path) -> Option<Foreign> {
    kind(&kind::start_of(path).ok()?)
}

pub(super) fn kind(start: &[u8]) -> Option<Foreign> {
    const FOLDER: &str =
        "unpack it with another program (`unrar x`, 7-Zip) and give the folder with `--from`";
    let (is, way_on) = match start {
        [] => ("empty", "get it again"),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => {
            ("a RAR archive, which is not unpacked here", FOLDER)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => (
            "packed with Zstandard, which is not unpacked here",
            "unpack it with `zstd -d` and give the result with `--from`",
        ),
        [4, 0x22, 0x4d, 0x18, ..] => (
            "packed with LZ4, which is not unpacked here",
            "unpack it with `lz4 -d` and give the result with `--from`",
        ),
        [b'L', b'Z', b'I', b'P', 1, ..] => (
            "packed with lzip, which is not unpacked here",
            "unpack it with `lzip -d` and give the result with `--from`",
        ),
        [0x1f, 0x9d, ..] => (
            "packed with `compress`, which is not unpacked here",
            "unpack it with `gunzip` and give the result with `--from`",
        ),
        // Its properties, then a dictionary of a round size.
        [0x5d, 0, 0, _, 0, ..] => (
            "packed with LZMA, which is not unpacked here",
            "unpack it with `unlzma` and give the result with `--from`",
        ),
        [b'M', b'S', b'C', b'F', 0, 0, 0, 0, ..] => {
            ("a Windows cabinet, which is not unpacked here", FOLDER)
        }
        [0x60, 0xea, ..] => ("an ARJ archive, which is not unpacked here", FOLDER),
        [_, _, b'-', b'l', b'h', _, b'-', ..] => {
            ("an LZH archive, which is not unpacked here", FOLDER)
        }
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n', ..] => {
            ("an `ar` archive, which is not unpacked here", FOLDER)
        }
        [b'0', b'7', b'0', b'7', b'0', b'1' | b'2' | b'7', ..] | [0xc7, 0x71, ..] => {
            ("a cpio archive, which is not unpacked here", FOLDER)
        }
        [b'P', b'K', 7, 8, ..] => {
            ("a zip archive in several parts, which is not unpacked here", FOLDER)
        }
        [b'%', b'P', b'D', b'F', ..] => ("a PDF document", "get the data themselves"),
        start if is_page(start) => {
            ("a web page", "the download went to a login or error page: get it again")
        }
        _ => return None,
    };
    Some(Foreign { is, way_on })
}

fn is_page(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let begins =
        |with: &[u8]| text.get(..with.len()).is_some_and(|text| text.eq_ignore_ascii_case(with));
    begins(b"<!doctype html") || begins(b"<html")
}
