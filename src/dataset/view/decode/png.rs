//! A PNG whose pixels are right though the checksum of a chunk of them is not: a program wrote it wrongly,
//! or the bit that has changed is the checksum's. PIL does not look at these checksums either.
//!
//! The stream of pixels has a checksum of its own, over all of them unpacked; that one must be right.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::MAX_PIXELS;

/// The most that pixels unpack to: four values of 16 bits, and a byte a row.
const MOST: u64 = MAX_PIXELS * 9;

/// The file with the right checksums for its pixels; `None` where they were, or the pixels are damaged.
pub(super) fn mended(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut mended, mut pixels) = (bytes.to_vec(), Vec::new());
    let (mut at, mut is_other) = (8, false);
    while let Some(header) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        let end = at + 8 + length;
        if &header[4..] == b"IDAT" {
            let right = crc32fast::hash(bytes.get(at + 4..end)?).to_be_bytes();
            let written = mended.get_mut(end..end + 4)?;
            is_other |= written != right;
            written.copy_from_slice(&right);
            pixels.extend(&bytes[at + 8..end]);
        }
        at = end + 4;
    }
    (is_other && is_whole(&pixels)).then_some(mended)
}

/// Whether the stream ends, and its checksum is right.
fn is_whole(pixels: &[u8]) -> bool {
    let mut unpacked = ZlibDecoder::new(pixels).take(MOST);
    let n = std::io::copy(&mut unpacked, &mut std::io::sink());
    n.is_ok_and(|n| n < MOST)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;
    use crate::dataset::view::decode::other;

    /// A PNG, and where the data of its chunk of pixels begin and end.
    fn picture() -> (Vec<u8>, RgbImage, [usize; 2]) {
        let image =
            RgbImage::from_fn(40, 30, |x, y| Rgb([(x * 6) as u8, (y * 8) as u8, (x ^ y) as u8]));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let bytes = bytes.into_inner();
        let at = bytes.windows(4).position(|name| name == b"IDAT").unwrap();
        let length = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
        (bytes, image, [at + 4, at + 4 + length])
    }

    #[test]
    fn a_wrong_checksum_does_no_harm_where_the_pixels_have_one_that_is_right() {
        let (mut bytes, image, [_, end]) = picture();
        assert_eq!(mended(&bytes), None, "nothing is wrong");
        bytes[end] ^= 1;
        assert_eq!(other::decode(&bytes, ImageFormat::Png).unwrap().image, image);
    }

    #[test]
    fn changed_pixels_are_never_taken_for_right_ones() {
        let (whole, image, [start, end]) = picture();
        for at in start..end {
            for bit in [0, 6] {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                let decoded = other::decode(&bytes, ImageFormat::Png).map(|decoded| decoded.image);
                assert!(decoded.is_err() || decoded.unwrap() == image, "{at}, {bit}");
            }
        }
    }
}
