//! What a file really is, told from its bytes without decoding it.
//!
//! Downloads go wrong in few ways: nothing, a login page under an image's name, or a file cut
//! short. Image formats begin with a signature and most end with a marker, so the first bytes and
//! the last are enough in all but odd cases.

use std::fmt;

use image::ImageFormat;

/// Why a file is no usable image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// There is no file.
    Missing,
    /// It has no bytes.
    Empty,
    /// It is something else: what a person would call it.
    NotAnImage(&'static str),
    /// It starts as an image and stops before its end.
    Truncated(ImageFormat),
    /// It cannot be read.
    Unreadable(String),
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Empty => f.write_str("is empty"),
            Self::NotAnImage(what) => write!(f, "is not an image but {what}"),
            Self::Truncated(format) => {
                let name = format.extensions_str().first().map_or("image", |name| name);
                write!(f, "is cut short: the end of the {} is missing", name.to_uppercase())
            }
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

/// The format that the first bytes of a file announce.
pub(super) fn sniff(head: &[u8]) -> Result<ImageFormat, Defect> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    match image::guess_format(head) {
        Ok(format) if [Jpeg, Png, Gif, Bmp, WebP, Tiff].contains(&format) => Ok(format),
        _ if head.is_empty() => Err(Defect::Empty),
        _ => Err(Defect::NotAnImage(describe(head))),
    }
}

/// Whether a file of `len` bytes certainly ends as its format demands, judged by its first and last
/// bytes. `false` means: look at all of it, with [`is_whole`].
pub(super) fn ends_well(format: ImageFormat, head: &[u8], tail: &[u8], len: u64) -> bool {
    match format {
        ImageFormat::Jpeg => without_padding(tail).ends_with(&[0xff, 0xd9]),
        ImageFormat::Png => tail.ends_with(b"IEND\xae\x42\x60\x82"),
        ImageFormat::WebP => {
            head.get(4..8).is_some_and(|size| u64::from(little_endian(size)) + 8 <= len)
        }
        ImageFormat::Bmp => {
            head.get(2..6).is_some_and(|size| u64::from(little_endian(size)) <= len)
        }
        // A GIF shows its first frame without its trailer, a TIFF has its parts in any order: the
        // decoder is the judge.
        _ => true,
    }
}

/// Whether all the parts that a file announces are there: for files that do not end with their
/// format's marker, because something was appended or because they were cut short.
pub(super) fn is_whole(format: ImageFormat, bytes: &[u8]) -> bool {
    match format {
        ImageFormat::Jpeg => jpeg_is_whole(bytes),
        ImageFormat::Png => png_is_whole(bytes),
        _ => ends_well(format, bytes, bytes, bytes.len() as u64),
    }
}

/// Everything above for a file in memory.
pub(super) fn check(bytes: &[u8]) -> Result<ImageFormat, Defect> {
    let format = sniff(bytes)?;
    if ends_well(format, bytes, bytes, bytes.len() as u64) || is_whole(format, bytes) {
        Ok(format)
    } else {
        Err(Defect::Truncated(format))
    }
}

/// Walks from marker to marker until the end of the image: a marker inside a segment, such as the
/// end of an embedded thumbnail, is stepped over with its segment.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(rest) = bytes.get(at..) else { return false };
        let Some(found) = rest.iter().position(|&byte| byte == 0xff) else { return false };
        at += found + 1;
        match bytes.get(at) {
            None => return false,
            // Fill bytes may come before a marker.
            Some(0xff) => {}
            Some(0xd9) => return true,
            // A stuffed zero, and the markers without a segment.
            Some(0x00 | 0x01 | 0xd0..=0xd8) => at += 1,
            Some(_) => {
                let Some(length) = bytes.get(at + 1..at + 3) else { return false };
                at += 1 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
}

/// Walks from chunk to chunk until the last.
fn png_is_whole(bytes: &[u8]) -> bool {
    let mut at = 8;
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        at += 12 + length;
        if &header[4..] == b"IEND" {
            return at <= bytes.len();
        }
    }
    false
}

/// Some writers fill a file's last block with zeros, or end it with a line break.
fn without_padding(tail: &[u8]) -> &[u8] {
    let end = tail.iter().rposition(|byte| !matches!(byte, 0 | b'\n' | b'\r' | b' '));
    &tail[..end.map_or(0, |last| last + 1)]
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

/// What a person would call a file that is no image.
fn describe(head: &[u8]) -> &'static str {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let starts = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    if starts("<!doctype html") || starts("<html") {
        "an HTML page (of a login, perhaps)"
    } else if starts("<?xml") {
        "XML (an error of the storage, perhaps)"
    } else if starts("version https://git-lfs") {
        "a Git LFS pointer to one"
    } else if starts("PK\x03\x04") {
        "a zip archive"
    } else if head.starts_with(b"7z\xbc\xaf\x27\x1c") {
        "a 7z archive"
    } else if head.iter().all(|byte| *byte == 0) {
        "nothing but zeros"
    } else if head.iter().all(printable) {
        "text"
    } else {
        "something unknown"
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, RgbImage};

    use super::*;

    fn encoded(format: ImageFormat) -> Vec<u8> {
        let pixel = |x, y| image::Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]);
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(RgbImage::from_fn(40, 30, pixel))
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_file_cut_anywhere_is_cut_short() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Bmp] {
            let bytes = encoded(format);
            assert_eq!(check(&bytes), Ok(format));
            for len in (16..bytes.len()).step_by(7) {
                assert_eq!(check(&bytes[..len]), Err(Defect::Truncated(format)), "{len}");
                let mut padded = bytes[..len].to_vec();
                padded.resize(bytes.len() - 1, 0);
                assert_eq!(check(&padded), Err(Defect::Truncated(format)), "{len}");
            }
        }
    }

    #[test]
    fn bytes_after_the_end_do_no_harm() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            for junk in [&b"\0\0\0\0"[..], b"\r\n", b"junk that a camera left", &[0xff; 100]] {
                let bytes = [encoded(format), junk.to_vec()].concat();
                assert_eq!(check(&bytes), Ok(format), "{junk:?}");
            }
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end() {
        let whole = encoded(ImageFormat::Jpeg);
        let thumbnail = [&[0xff, 0xe1, 0, 8][..], &[0, 0, 0, 0, 0xff, 0xd9]].concat();
        let bytes = [&whole[..2], &thumbnail, &whole[2..]].concat();
        assert_eq!(check(&bytes), Ok(ImageFormat::Jpeg));
        assert!(check(&bytes[..bytes.len() - 9]).is_err());
    }

    #[test]
    fn what_is_no_image_is_named() {
        for (bytes, what) in [
            (&b"\n <!DOCTYPE HTML><title>Sign in"[..], "an HTML page (of a login, perhaps)"),
            (b"<?xml version='1.0'?><Error>", "XML (an error of the storage, perhaps)"),
            (b"not an image\n", "text"),
            (b"PK\x03\x04\x14\0", "a zip archive"),
            (&[0; 64], "nothing but zeros"),
            (b"\x7fELF\x02\x01", "something unknown"),
        ] {
            assert_eq!(check(bytes), Err(Defect::NotAnImage(what)));
        }
        assert_eq!(check(b""), Err(Defect::Empty));
    }
}
