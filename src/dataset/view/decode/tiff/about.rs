//! What a TIFF says about its pixels, and who can read such: a TIFF may hold anything.

use anyhow::{Result, bail};
use tiff::tags::Tag;

use super::{Reader, told};
use crate::dataset::format::TO_PNG;

/// How pixels become red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// As `image` does it: 1, 8 or 16 bits of gray, three colours or inks.
    Plain,
    /// Gray of fewer bits than a byte has.
    SmallGray,
    /// Gray with a second value a pixel, which is passed over.
    GrayAnd,
    /// Numbers of colours in a map.
    Palette,
    /// Brightness and two differences, as JPEG has them.
    YCbCr,
    /// Floating-point numbers.
    Floats,
}

/// What is said of the pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub(super) way: Way,
    /// Of a value.
    pub(super) bits: u16,
    /// Values a pixel.
    pub(super) samples: u16,
}

/// How pixels are packed that are not read here.
const PACKINGS: [(u16, &str); 15] = [
    (2, "as faxes are (CCITT Group 3)"),
    (3, "as faxes are (CCITT Group 3)"),
    (6, "with JPEG in its old form"),
    (32771, "by words"),
    (32809, "with ThunderScan"),
    (33003, "with JPEG 2000"),
    (33005, "with JPEG 2000"),
    (34661, "with JBIG"),
    (34712, "with JPEG 2000"),
    (34887, "with LERC"),
    (34892, "with lossy JPEG, as raw pictures are"),
    (34925, "with LZMA"),
    (50000, "with Zstandard"),
    (50001, "with WebP"),
    (50002, "with JPEG XL"),
];
/// None, faxes' Group 4, LZW, JPEG, Deflate by two numbers, `PackBits`.
const READ: [u16; 7] = [1, 4, 5, 7, 8, 32946, 32773];

/// Where a file does not say which of its values is black and which is white.
pub(super) const SCALE: &str = "bring all pictures alike to 0 .. 255 and save them as PNG: in Python \
     `Image.fromarray(((a - low) / (high - low) * 255).clip(0, 255).astype(\"uint8\"))`, with one `low` \
     and one `high` for the whole data set";

impl About {
    /// Fails with a sentence for what is not read here.
    pub(super) fn read(reader: &mut Reader) -> Result<Self> {
        let mut number = |tag: Tag, usual: u16| -> Result<u16> {
            let all = reader.find_tag_unsigned_vec::<u16>(tag).map_err(told)?;
            Ok(all.and_then(|all| all.first().copied()).unwrap_or(usual))
        };
        let packing = number(Tag::Compression, 1)?;
        let colours = number(Tag::PhotometricInterpretation, 1)?;
        let bits = number(Tag::BitsPerSample, 1)?;
        let samples = number(Tag::SamplesPerPixel, 1)?;
        let format = number(Tag::SampleFormat, 1)?;
        if let Some((_, how)) = PACKINGS.iter().find(|(known, _)| *known == packing) {
            bail!("its pixels are packed {how}, which is not read here\nhint: {TO_PNG}")
        }
        if !READ.contains(&packing) {
            bail!(
                "its pixels are packed in a way that is not known here ({packing})\nhint: {TO_PNG}"
            )
        }
        let way = way(colours, format, bits, samples, packing == 7)?;
        Ok(Self { way, bits, samples })
    }
}

fn way(colours: u16, format: u16, bits: u16, samples: u16, is_jpeg: bool) -> Result<Way> {
    let unclear = |what: String| -> Result<Way> {
        bail!("{what}, and nothing says which is black and which is white\nhint: {SCALE}")
    };
    let foreign = |what: String| -> Result<Way> { bail!("{what}\nhint: {TO_PNG}") };
    match (colours, format, bits, samples) {
        (_, 2, ..) => unclear("its values may be below zero".to_owned()),
        (0..=2, 3, 16 | 32 | 64, _) => Ok(Way::Floats),
        (_, 3, ..) => foreign(format!("its colours are floating-point numbers of {bits} bits")),
        (0..=2, _, 17.., _) => unclear(format!("its values have {bits} bits")),
        (0 | 1, _, 1 | 8 | 16, 1) | (2, _, 8 | 16, 3..) | (5, _, 8 | 16, 4) => Ok(Way::Plain),
        (0 | 1, _, 2 | 4, 1) => Ok(Way::SmallGray),
        (0 | 1, _, 8 | 16, 2) => Ok(Way::GrayAnd),
        (0 | 1, _, _, 3..) => foreign(format!(
            "it has {samples} bands, and does not say which are red, green and blue"
        )),
        (3, _, 1 | 2 | 4 | 8, 1) => Ok(Way::Palette),
        (6, _, 8, 3) if is_jpeg => Ok(Way::YCbCr),
        (6, ..) => foreign("its colours are YCbCr without JPEG, which is not read here".to_owned()),
        (8..=10, ..) => foreign("its colours are L*a*b*, which is not read here".to_owned()),
        (32803 | 34892, ..) => foreign("it is a camera's raw picture".to_owned()),
        _ => foreign(format!(
            "it is of a kind that is not read here: {samples} values of {bits} bits a pixel, colours \
             by {colours}"
        )),
    }
}
