//! What a file really is, told from its bytes without decoding it.
//!
//! Downloads go wrong in few ways: nothing, a login page under an image's name, or a file cut
//! short. Image formats begin with a signature and most end with a marker, so the first bytes and
//! the last are enough in all but odd cases.

use std::fmt;

use image::ImageFormat;

use crate::explain::{self, Class};

/// What files of the formats that are read end with.
pub(super) const ENDINGS: [&str; 10] =
    ["jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "webp", "tif", "tiff"];

/// Why a file is no usable image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// There is no file.
    Missing,
    /// It has no bytes.
    Empty,
    /// It is something else: what a person would call it, and what helps.
    NotAnImage(&'static str, Help),
    /// It is no file: a folder, a pipe, a device.
    NoFile(&'static str),
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
            Self::NotAnImage(what, help) => {
                // Another format of pictures is one, but none of those that are read here.
                let verb = if *help == Help::Convert { "is" } else { "is not an image but" };
                write!(f, "{verb} {what}")
            }
            Self::NoFile(what) => write!(f, "is {what}, not a file"),
            Self::Truncated(format) => {
                let name = format.extensions_str().first().map_or("image", |name| name);
                write!(f, "is cut short: the end of the {} is missing", name.to_uppercase())
            }
            Self::Unreadable(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl Defect {
    pub(super) fn help(&self) -> Help {
        match self {
            Self::NotAnImage(_, help) => *help,
            Self::NoFile(_) => Help::TakeOut,
            _ => Help::GetAgain,
        }
    }
}

/// What a person can do about files that are no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Help {
    GetAgain,
    Convert,
    Unpack,
    TakeOut,
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GetAgain => {
                "get these files again, or take out a training image together with its label"
            }
            Self::Convert => TO_PNG,
            Self::Unpack => "unpack what is packed, or get the pictures themselves",
            Self::TakeOut => "take out what is no file",
        })
    }
}

/// What to do with a picture of a kind that is not read here.
pub(super) const TO_PNG: &str = "convert such pictures to PNG: ImageMagick has `magick old.tif new.png`, Pillow has \
     `Image.open(\"old.tif\").convert(\"RGB\").save(\"new.png\")`";

/// The format that the first bytes of a file announce.
pub(super) fn sniff(head: &[u8]) -> Result<ImageFormat, Defect> {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let is_lossless_jpeg = head.starts_with(b"\xff\xd8\xff\xf7");
    match image::guess_format(head) {
        Ok(format) if [Jpeg, Png, Gif, Bmp, WebP, Tiff].contains(&format) && !is_lossless_jpeg => {
            Ok(format)
        }
        // BigTIFF has another number.
        _ if head.starts_with(b"II+\0") || head.starts_with(b"MM\0+") => Ok(Tiff),
        _ if head.is_empty() => Err(Defect::Empty),
        _ => Err(foreign(head)),
    }
}

/// What a file is that is none of the images read here.
fn foreign(head: &[u8]) -> Defect {
    let Some(kind) = explain::kind(head) else {
        return Defect::NotAnImage("something unknown", Help::GetAgain);
    };
    let help = match kind.class {
        Class::Picture | Class::Document => Help::Convert,
        Class::Archive | Class::Packed(_) => Help::Unpack,
        Class::Workbook | Class::Instead | Class::Other => Help::GetAgain,
    };
    Defect::NotAnImage(kind.name, help)
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
    fn what_is_no_image_is_named_with_what_helps() {
        let html = check(b"<html>").unwrap_err();
        assert_eq!(html.to_string(), "is not an image but an HTML page (of a login, perhaps)");
        assert_eq!(html.help(), Help::GetAgain);
        let pdf = check(b"%PDF-1.7").unwrap_err();
        assert_eq!(pdf.to_string(), "is a PDF");
        assert!(pdf.help().to_string().starts_with("convert"));
        let packed = check(b"\x1f\x8b\x08").unwrap_err();
        assert_eq!(packed.to_string(), "is not an image but a gzip archive");
        assert_eq!(packed.help(), Help::Unpack);
        let unknown = check(b"\x01\x02\x03").unwrap_err();
        assert_eq!(unknown.to_string(), "is not an image but something unknown");
        assert_eq!(
            check(b"icns\0\0\0\x10").unwrap_err().to_string(),
            "is an icon of Apple's (ICNS)"
        );
        // The first bytes of these are those of JPEG too.
        let lossless = check(b"\xff\xd8\xff\xf7\0\x0b").unwrap_err();
        assert_eq!(lossless.to_string(), "is a JPEG-LS");
        assert_eq!(check(b""), Err(Defect::Empty));
    }
}
