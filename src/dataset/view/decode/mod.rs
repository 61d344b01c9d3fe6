//! An image file as RGB pixels, upright.
//!
//! `jpeg.rs`, `tiff/` and `other.rs` decode, `header.rs` says who can decode a JPEG, `png.rs` mends
//! checksums; `crate::room` keeps all threads together within bounds.

mod header;
mod jpeg;
mod other;
mod png;
mod tiff;

use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use image::{ImageFormat, RgbImage};

use crate::dataset::format;
use crate::dataset::image_file;
use crate::foreign;
use crate::room::Taken;
use crate::term;

/// More pixels than any camera's photograph has (a telephone's 200 million are the most today): beyond
/// it a file is a mistake, or meant to exhaust memory.
const MAX_PIXELS: u64 = 250_000_000;

/// Files of more bytes are read one at a time.
const LARGE: u64 = 64 << 20;
/// A file of more bytes holds no picture of [`MAX_PIXELS`].
const MAX_BYTES: u64 = MAX_PIXELS * 8 + (64 << 20);

/// What is in a file beside its pixels (a colour profile, a camera's notes) may unpack to so many bytes
/// more than the file has. A larger profile is passed over, as all of them are.
const METADATA: u64 = 16 << 20;

/// What a thread keeps of a large picture's memory for the next one, in bytes.
const KEPT: usize = 96 << 20;

/// Decodes an image as `[height, width, 3]`.
///
/// The format is told by the content, not by the name. The camera's orientation is applied; gray
/// becomes three equal channels, CMYK is converted, and an alpha channel is dropped, as PIL's
/// `convert("RGB")` does. 16 bits become 8 by their whole range, 65,535 being white, in every picture
/// alike; PIL does so with colours, and cuts off gray above 255. A file cut short is an error, never a
/// gray area.
pub fn decode(path: &Path) -> Result<RgbImage> {
    let mut file = Vec::new();
    let file = read(path, &mut file)?;
    Ok(decode_bytes(path, file.bytes, Vec::new())?.image)
}

/// A picture, and the room that it takes.
#[derive(Debug)]
struct Decoded {
    image: RgbImage,
    taken: Taken<'static>,
    /// The largest value that was stored, where values have 16 bits.
    brightest: Option<u16>,
}

/// Room for a file and its pixels, which a thread keeps between images: fresh memory costs a page
/// fault for every 4 kB.
#[derive(Default)]
pub(in crate::dataset) struct DecodeBuffers {
    file: Vec<u8>,
    pixels: Vec<u8>,
    kept: Vec<u8>,
}

/// A file in memory.
pub(in crate::dataset) struct FileBytes<'a> {
    pub(in crate::dataset) bytes: &'a [u8],
    pub(in crate::dataset) metadata: std::fs::Metadata,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl DecodeBuffers {
    /// Room for a picture that is kept somewhere, decoded.
    pub(in crate::dataset) fn kept(&mut self) -> &mut Vec<u8> {
        &mut self.kept
    }

    /// Shows the file's bytes and the decoded image to `look`.
    pub(in crate::dataset) fn decoded<T>(
        &mut self,
        path: &Path,
        look: impl FnOnce(&FileBytes, &RgbImage) -> Result<T>,
    ) -> Result<T> {
        let Self { file, pixels, .. } = self;
        let file = read(path, file)?;
        let seen = show(path, &file, pixels, |image, _| look(&file, image));
        drop(file);
        self.forget_large();
        seen
    }

    /// Shows the file's bytes to `look`, and to `look_closer`, if that is wanted, the image in them, with
    /// the largest value that was stored where values have 16 bits.
    pub(in crate::dataset) fn read_and_decoded<T>(
        &mut self,
        path: &Path,
        look: impl FnOnce(&FileBytes) -> Option<T>,
        look_closer: impl FnOnce(&FileBytes, &RgbImage, Option<u16>) -> Result<T>,
    ) -> Result<T> {
        let Self { file, pixels, .. } = self;
        let file = read(path, file)?;
        let seen = match look(&file) {
            Some(seen) => Ok(seen),
            None => {
                show(path, &file, pixels, |image, brightest| look_closer(&file, image, brightest))
            }
        };
        drop(file);
        self.forget_large();
        seen
    }

    fn forget_large(&mut self) {
        for buffer in [&mut self.file, &mut self.pixels] {
            if buffer.capacity() > KEPT {
                *buffer = Vec::new();
            }
        }
    }
}

/// Reads a file into `buffer`; a large one while no other thread has one.
fn read<'a>(path: &Path, buffer: &'a mut Vec<u8>) -> Result<FileBytes<'a>> {
    static TURN: Mutex<()> = Mutex::new(());
    let (mut file, metadata) = image_file::open(path)?;
    let length = metadata.len();
    ensure!(
        length <= MAX_BYTES,
        "`{}` has {}, more than any picture of {} million pixels\nhint: take it out, or shrink it",
        path.display(),
        term::bytes(length),
        MAX_PIXELS / 1_000_000
    );
    let turn = (length > LARGE).then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner));
    buffer.clear();
    file.by_ref()
        .take(MAX_BYTES)
        .read_to_end(buffer)
        .with_context(|| format!("failed to read `{}`", path.display()))?;
    Ok(FileBytes { bytes: buffer, metadata, _turn: turn })
}

/// Shows what a file's bytes hold; the room for it is taken as long as it is shown.
fn show<T>(
    path: &Path,
    file: &FileBytes,
    pixels: &mut Vec<u8>,
    look: impl FnOnce(&RgbImage, Option<u16>) -> Result<T>,
) -> Result<T> {
    let Decoded { image, taken, brightest } =
        decode_bytes(path, file.bytes, std::mem::take(pixels))?;
    let seen = look(&image, brightest);
    *pixels = image.into_raw();
    drop(taken);
    seen
}

/// Decodes into the memory of `pixels`, whatever it held.
fn decode_bytes(path: &Path, bytes: &[u8], pixels: Vec<u8>) -> Result<Decoded> {
    let format = match format::check(bytes) {
        Ok(format) => format,
        Err(problem) => {
            anyhow::bail!("`{}` {problem}\nhint: {}", path.display(), problem.help())
        }
    };
    let decode = || match format {
        ImageFormat::Jpeg => jpeg::decode(bytes, pixels).map(|(image, taken)| Decoded {
            image,
            taken,
            brightest: None,
        }),
        ImageFormat::Tiff => tiff::decode(bytes),
        _ => other::decode(bytes, format),
    };
    foreign::guarded(decode)
        .map_err(anyhow::Error::from)
        .flatten()
        .with_context(|| format!("failed to decode `{}`", path.display()))
}

fn check_size([width, height]: [u32; 2]) -> Result<()> {
    ensure!(
        u64::from(width) * u64::from(height) <= MAX_PIXELS,
        "{width} x {height} pixels are more than the {} million accepted\nhint: shrink the picture",
        MAX_PIXELS / 1_000_000
    );
    Ok(())
}

/// So many zeros in the memory of `buffer`.
fn cleared(mut buffer: Vec<u8>, length: usize) -> Result<Vec<u8>> {
    buffer.clear();
    buffer
        .try_reserve_exact(length)
        .with_context(|| format!("there is no memory for {}", term::bytes(length as u64)))?;
    kaggle_kit_pixels::set_length(&mut buffer, length);
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GrayImage, Luma, Rgb};

    use super::*;
    use crate::fs;

    #[test]
    fn a_jpeg_is_what_the_general_decoder_makes_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        let mut buffers = DecodeBuffers::default();
        let noisy = |x: u32, y: u32| (x * 31 + y * 17 + x * y % 7 * 20) as u8;
        let gray = GrayImage::from_fn(37, 21, |x, y| Luma([noisy(x, y)]));
        let colour =
            RgbImage::from_fn(70, 41, |x, y| Rgb([noisy(x, y), noisy(y, x), (x + y) as u8]));
        // Larger, then smaller: what is kept of the one must not be seen in the other.
        for picture in [DynamicImage::from(colour), DynamicImage::from(gray)] {
            picture.save(&path).unwrap();
            let bytes = fs::read(&path).unwrap();
            let expected = other::decode(&bytes, ImageFormat::Jpeg).unwrap().image;
            assert_eq!(decode(&path).unwrap(), expected);
            let same = buffers.decoded(&path, |_, image| Ok(*image == expected)).unwrap();
            assert!(same);
        }
    }

    #[test]
    fn large_memory_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let mut buffers = DecodeBuffers::default();
        // 36 million pixels in a few kilobytes.
        for (width, kept) in [(30, true), (9000, false), (30, true)] {
            GrayImage::new(width, 4000).save(&path).unwrap();
            let sides = buffers.decoded(&path, |_, image| Ok(image.dimensions())).unwrap();
            assert_eq!(sides, (width, 4000));
            assert_eq!(buffers.pixels.capacity() > 0, kept, "{width}");
        }
    }
}
