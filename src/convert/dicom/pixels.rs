//! The stored values of a file: of eight, sixteen or 32 bits, signed or not, packed or not; or colours.

use std::borrow::Cow;

use super::Failure;
use super::elements::{Elements, PIXEL_DATA};
use super::packed;
use super::tags;

/// More pixels than any detector has.
const MOST_PIXELS: usize = 1 << 28;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pixels {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) samples: Samples,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Samples {
    /// `[height, width]`; inverted where the least is white.
    Grey { values: Vec<i32>, is_inverted: bool },
    /// `[height, width, 3]`.
    Colours(Vec<u8>),
}

/// How a file lays its values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) height: usize,
    /// A pixel: 1 or 3.
    pub(super) samples: usize,
    /// A sample: 1, 2 or 4.
    pub(super) bytes: usize,
}

impl Layout {
    /// All bytes of the picture.
    pub(super) fn len(self) -> usize {
        self.width * self.height * self.samples * self.bytes
    }

    fn of(elements: &Elements) -> Result<Self, Failure> {
        let number = |tag, name: &str| {
            let missing = || Failure::Broken(format!("it does not say its {name}"));
            elements.number(tag).map(usize::from).ok_or_else(missing)
        };
        let height = number(tags::ROWS, "rows")?;
        let width = number(tags::COLUMNS, "columns")?;
        if width == 0 || height == 0 || width * height > MOST_PIXELS {
            return Err(Failure::Broken(format!("it says that it is {width} x {height}")));
        }
        let samples = elements.number(tags::SAMPLES_PER_PIXEL).map_or(1, usize::from);
        if ![1, 3].contains(&samples) {
            return Err(Failure::Unsupported(format!("it has {samples} samples a pixel")));
        }
        let bytes = match number(tags::BITS_ALLOCATED, "bits")? {
            8 => 1,
            16 => 2,
            32 => 4,
            bits => return Err(Failure::Unsupported(format!("it has {bits} bits a sample"))),
        };
        Ok(Self { width, height, samples, bytes })
    }
}

/// Which of a sample's bits count.
#[derive(Clone, Copy)]
struct Bits {
    /// How many.
    stored: u32,
    /// So many below them do not.
    below: u32,
    is_signed: bool,
}

impl Bits {
    fn of(elements: &Elements, allocated: u32) -> Self {
        let number = |tag| elements.number(tag).map(u32::from);
        let stored = number(tags::BITS_STORED).filter(|n| (1..=allocated).contains(n));
        let stored = stored.unwrap_or(allocated);
        let high = number(tags::HIGH_BIT).filter(|n| (stored - 1..allocated).contains(n));
        let below = high.map_or(0, |high| high + 1 - stored);
        Self { stored, below, is_signed: number(tags::PIXEL_REPRESENTATION) == Some(1) }
    }

    fn value(self, sample: u32) -> i32 {
        let high = sample << (32 - self.stored - self.below);
        if self.is_signed {
            (high as i32) >> (32 - self.stored)
        } else {
            // Of 32 bits without a sign, the upper half is more than pictures have.
            i32::try_from(high >> (32 - self.stored)).unwrap_or(i32::MAX)
        }
    }
}

/// The least and the greatest value that a file's bits can say.
pub(super) fn bounds(elements: &Elements) -> (i64, i64) {
    let allocated = elements.number(tags::BITS_ALLOCATED).map_or(16, u32::from).clamp(1, 32);
    let Bits { stored, is_signed, .. } = Bits::of(elements, allocated);
    if is_signed { (-(1 << (stored - 1)), (1 << (stored - 1)) - 1) } else { (0, (1 << stored) - 1) }
}

/// Bytes of memory that a file's picture takes while it is read, by its own sides; a small file may unpack
/// to many.
pub(super) fn memory(elements: &Elements) -> Result<u64, Failure> {
    let layout = Layout::of(elements)?;
    let n = (layout.width * layout.height) as u64;
    let samples = n * layout.samples as u64;
    // The decoder of JPEG 2000 gives floating-point numbers, of which a copy is made.
    let unpacking = if elements.fragments().is_some() { samples * 8 } else { 0 };
    // What is unpacked, values of four bytes, and a picture of three planes beside these.
    Ok(layout.len() as u64 + unpacking + samples * 4 + n * 6)
}

pub(super) fn read(elements: &Elements) -> Result<Pixels, Failure> {
    let layout = Layout::of(elements)?;
    let frames = elements.decimal(tags::NUMBER_OF_FRAMES).unwrap_or(1.0);
    if frames > 1.0 {
        return Err(Failure::Unsupported(format!("it is a film of {frames} frames")));
    }
    let photometric = elements.text(tags::PHOTOMETRIC_INTERPRETATION);
    let is_inverted = photometric == "MONOCHROME1";
    let is_grey = is_inverted || photometric == "MONOCHROME2";
    if is_grey != (layout.samples == 1) || (!is_grey && layout.bytes > 1) {
        let kind = if photometric.is_empty() { "no kind of colours" } else { &photometric };
        let bits = layout.bytes * 8;
        return Err(Failure::Unsupported(format!("it is {kind} with {bits} bits")));
    }
    let is_rgb = photometric == "RGB";
    let (bytes, are_planes, is_rgb) = if let Some(fragments) = elements.fragments() {
        let bytes = packed::decode(&elements.transfer_syntax, &fragments, layout, is_rgb)?;
        // Decoders of JPEG give colours as red, green and blue; so do those of JPEG 2000 where its own
        // transformation was used.
        let is_rgb = is_rgb
            || packed::is_jpeg(&elements.transfer_syntax)
            || matches!(photometric.as_str(), "YBR_RCT" | "YBR_ICT");
        (Cow::Owned(bytes), false, is_rgb)
    } else {
        if let Some(name) = packed::name_of(&elements.transfer_syntax) {
            return Err(Failure::Broken(format!("it is said to be {name}, and is not packed")));
        }
        let bytes = elements.bytes(PIXEL_DATA);
        let bytes = bytes.ok_or_else(|| Failure::Broken("it holds no picture".to_owned()))?;
        let are_planes = elements.number(tags::PLANAR_CONFIGURATION) == Some(1);
        let is_swapped = elements.is_big_endian && elements.are_words && layout.bytes == 1;
        let bytes = if is_swapped { Cow::Owned(swapped(bytes)) } else { Cow::Borrowed(bytes) };
        (bytes, are_planes, is_rgb)
    };
    let n = layout.len();
    let Some(bytes) = bytes.get(..n) else {
        let reason = format!("its picture has {} bytes instead of {n}", bytes.len());
        return Err(Failure::Broken(reason));
    };
    let samples = if is_grey {
        Samples::Grey { values: values(elements, bytes, layout), is_inverted }
    } else {
        Samples::Colours(colours(bytes, are_planes, is_rgb, &photometric)?)
    };
    Ok(Pixels { width: layout.width, height: layout.height, samples })
}

/// Words of two samples each, the high one first, as samples in a row.
fn swapped(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(2).flat_map(|word| word.iter().rev().copied()).collect()
}

fn values(elements: &Elements, bytes: &[u8], layout: Layout) -> Vec<i32> {
    let bits = Bits::of(elements, 8 * layout.bytes as u32);
    // What was unpacked has its low byte first.
    let is_big = elements.is_big_endian && elements.fragments().is_none();
    let sample = |bytes: &[u8]| {
        let add = |sum: u32, byte: &u8| sum << 8 | u32::from(*byte);
        if is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    };
    bytes.chunks_exact(layout.bytes).map(|bytes| bits.value(sample(bytes))).collect()
}

fn colours(
    bytes: &[u8],
    are_planes: bool,
    is_rgb: bool,
    photometric: &str,
) -> Result<Vec<u8>, Failure> {
    let n = bytes.len() / 3;
    let pixels: Vec<u8> = if are_planes {
        (0..n).flat_map(|i| [bytes[i], bytes[n + i], bytes[2 * n + i]]).collect()
    } else {
        bytes.to_vec()
    };
    match photometric {
        _ if is_rgb => Ok(pixels),
        "YBR_FULL" => {
            Ok(pixels.chunks_exact(3).flat_map(|ybr| rgb(ybr[0], ybr[1], ybr[2])).collect())
        }
        other => Err(Failure::Unsupported(format!("it is {other}"))),
    }
}

/// PS3.3 C.7.6.3.1.2, the other way round.
fn rgb(y: u8, blue: u8, red: u8) -> [u8; 3] {
    let (y, blue, red) = (f64::from(y), f64::from(blue) - 128.0, f64::from(red) - 128.0);
    [y + 1.402 * red, y - 0.344_136 * blue - 0.714_136 * red, y + 1.772 * blue]
        .map(|value| value.round().clamp(0.0, 255.0) as u8)
}
