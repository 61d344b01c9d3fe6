//! Packed pixels: run lengths, JPEG of eight bits, lossless JPEG, JPEG 2000. What is packed otherwise is
//! refused by its name.

use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};

use super::Failure;
use super::pixels::Layout;
use crate::foreign;

const RUN_LENGTHS: &str = "1.2.840.10008.1.2.5";
const JPEG: [&str; 4] = [
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.70",
];
const JPEG_2000: [&str; 2] = ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"];
/// Of run lengths: how many planes there are, and where each starts.
const HEADER: usize = 64;

/// What the transfer syntaxes of packed pixels are called (PS3.6 A).
const NAMES: [(&str, &str); 22] = [
    (RUN_LENGTHS, "RLE Lossless"),
    (JPEG[0], "JPEG Baseline"),
    (JPEG[1], "JPEG Extended"),
    (JPEG[2], "JPEG Lossless"),
    (JPEG[3], "JPEG Lossless, First-Order Prediction"),
    ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless"),
    ("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless"),
    (JPEG_2000[0], "JPEG 2000 Lossless"),
    (JPEG_2000[1], "JPEG 2000"),
    ("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Lossless"),
    ("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2"),
    ("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile"),
    ("1.2.840.10008.1.2.4.101", "MPEG2 High Profile"),
    ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264"),
    ("1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible"),
    ("1.2.840.10008.1.2.4.107", "HEVC/H.265"),
    ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless"),
    ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression"),
    ("1.2.840.10008.1.2.4.112", "JPEG XL"),
    ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless"),
    ("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 RPCL Lossless"),
    ("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000"),
];

/// The name of a transfer syntax in which pixels are packed.
pub(super) fn name_of(transfer_syntax: &str) -> Option<&'static str> {
    NAMES.iter().find(|(uid, _)| *uid == transfer_syntax).map(|(_, name)| *name)
}

pub(super) fn is_jpeg(transfer_syntax: &str) -> bool {
    JPEG.contains(&transfer_syntax)
}

/// The bytes of a picture, samples of a pixel beside one another, the low byte first.
pub(super) fn decode(
    transfer_syntax: &str,
    fragments: &[&[u8]],
    layout: Layout,
    is_rgb: bool,
) -> Result<Vec<u8>, Failure> {
    match transfer_syntax {
        RUN_LENGTHS => run_lengths(&fragments.concat(), layout),
        syntax if is_jpeg(syntax) => jpeg(&fragments.concat(), layout, is_rgb, syntax),
        syntax if JPEG_2000.contains(&syntax) => jpeg_2000(&fragments.concat(), layout),
        syntax => {
            let name = name_of(syntax).unwrap_or("an unknown way");
            Err(Failure::Unsupported(format!("it is packed with {name} ({syntax})")))
        }
    }
}

/// JPEG of eight bits, or lossless of up to sixteen.
fn jpeg(
    bytes: &[u8],
    layout: Layout,
    is_rgb: bool,
    transfer_syntax: &str,
) -> Result<Vec<u8>, Failure> {
    let mut decoder = Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(layout.len());
    if is_rgb {
        decoder.set_color_transform(ColorTransform::RGB);
    }
    let decoded = foreign::guarded(|| decoder.decode());
    let pixels = match decoded {
        Ok(Ok(pixels)) => pixels,
        Ok(Err(jpeg_decoder::Error::Unsupported(feature))) => {
            let name = name_of(transfer_syntax).unwrap_or(transfer_syntax);
            return Err(Failure::Unsupported(format!("it is {name} of a rare kind: {feature:?}")));
        }
        Ok(Err(error)) => return Err(Failure::Broken(format!("its JPEG: {error}"))),
        Err(gave_up) => return Err(Failure::Broken(format!("its JPEG: {gave_up}"))),
    };
    let info = decoder.info();
    let found =
        info.map(|info| (usize::from(info.width), usize::from(info.height), info.pixel_format));
    let (samples, bytes) = match found {
        Some((width, height, format)) if (width, height) == (layout.width, layout.height) => {
            match format {
                PixelFormat::L8 => (1, 1),
                PixelFormat::L16 => (1, 2),
                PixelFormat::RGB24 => (3, 1),
                PixelFormat::CMYK32 => (4, 1),
            }
        }
        _ => return Err(Failure::Broken("its JPEG is of another size".to_owned())),
    };
    match (samples == layout.samples, bytes, layout.bytes) {
        (true, 1, 1) => Ok(pixels),
        // The decoder gives sixteen bits as this machine has them.
        (true, 2, 2) => Ok(sixteen(&pixels).flat_map(u16::to_le_bytes).collect()),
        (true, 1, 2) => Ok(pixels.into_iter().flat_map(|byte| [byte, 0]).collect()),
        (true, 2, 1) => Ok(sixteen(&pixels).map(|value| value.min(255) as u8).collect()),
        _ => Err(Failure::Broken("its JPEG is of another kind".to_owned())),
    }
}

/// The mark that a JPEG 2000 codestream begins with, and that of its sizes.
const CODESTREAM: [u8; 4] = [0xff, 0x4f, 0xff, 0x51];
/// From there to where it says whether the first component has a sign (ISO/IEC 15444-1 A.5.1).
const SIGN: usize = 42;

/// JPEG 2000, with or without loss. Its values are the file's own, not scaled to eight bits.
fn jpeg_2000(bytes: &[u8], layout: Layout) -> Result<Vec<u8>, Failure> {
    let broken = |reason: String| Failure::Broken(format!("its JPEG 2000: {reason}"));
    let decoded = foreign::guarded(|| {
        let image =
            Image::new(bytes, &DecodeSettings::default()).map_err(|error| error.to_string())?;
        if (image.width() as usize, image.height() as usize) != (layout.width, layout.height) {
            return Err("it is of another size".to_owned());
        }
        let mut context = DecoderContext::default();
        let decoded = image.decode(&mut context).map_err(|error| error.to_string())?;
        let planes =
            decoded.components().iter().map(|plane| (plane.samples().to_vec(), plane.bit_depth()));
        Ok(planes.collect::<Vec<(Vec<f32>, u8)>>())
    });
    let planes = decoded.map_err(|gave_up| gave_up.to_string()).flatten().map_err(broken)?;
    let n = layout.width * layout.height;
    if planes.len() != layout.samples || planes.iter().any(|(plane, _)| plane.len() != n) {
        return Err(broken("it is of another kind".to_owned()));
    }
    let start = bytes.windows(4).position(|four| four == CODESTREAM);
    let is_signed = start.and_then(|at| bytes.get(at + SIGN)).is_some_and(|byte| byte & 0x80 != 0);
    let mut pixels = Vec::with_capacity(layout.len());
    for i in 0..n {
        for (plane, bits) in &planes {
            // The decoder lifts every value by half the range, which is right for those without a sign.
            let lift = if is_signed { 1_i64 << (bits - 1) } else { 0 };
            let value = plane[i].round() as i64 - lift;
            pixels.extend_from_slice(&value.to_le_bytes()[..layout.bytes]);
        }
    }
    Ok(pixels)
}

fn sixteen(pixels: &[u8]) -> impl Iterator<Item = u16> + '_ {
    pixels.chunks_exact(2).map(|two| u16::from_ne_bytes([two[0], two[1]]))
}

/// PS3.5 G: every byte of every sample is a plane of its own, the highest first, each packed alone.
fn run_lengths(bytes: &[u8], layout: Layout) -> Result<Vec<u8>, Failure> {
    let broken = || Failure::Broken("its run lengths are damaged".to_owned());
    let header = bytes.get(..HEADER).ok_or_else(broken)?;
    let word = |at: usize| {
        let four = [header[4 * at], header[4 * at + 1], header[4 * at + 2], header[4 * at + 3]];
        u32::from_le_bytes(four) as usize
    };
    let n = layout.samples * layout.bytes;
    if word(0) != n {
        return Err(broken());
    }
    let mut pixels = vec![0; layout.len()];
    for plane in 0..n {
        let (sample, byte) = (plane / layout.bytes, plane % layout.bytes);
        let first = sample * layout.bytes + (layout.bytes - 1 - byte);
        let packed = bytes.get(word(1 + plane)..).ok_or_else(broken)?;
        let places = (0..layout.width * layout.height).map(|pixel| pixel * n + first);
        unpack(packed, places, &mut pixels).ok_or_else(broken)?;
    }
    Ok(pixels)
}

/// One plane: a count and bytes as they are, or a count and one byte that is repeated.
fn unpack(packed: &[u8], places: impl Iterator<Item = usize>, pixels: &mut [u8]) -> Option<()> {
    let mut packed = packed.iter();
    let (mut left, mut repeated) = (0_usize, None);
    for place in places {
        while left == 0 {
            let count = packed.next()?.cast_signed();
            match count {
                0.. => (left, repeated) = (usize::from(count.unsigned_abs()) + 1, None),
                // Nothing, says the standard.
                -128 => {}
                _ => {
                    left = usize::from(count.unsigned_abs()) + 1;
                    repeated = Some(*packed.next()?);
                }
            }
        }
        left -= 1;
        pixels[place] = match repeated {
            Some(byte) => byte,
            None => *packed.next()?,
        };
    }
    Some(())
}
