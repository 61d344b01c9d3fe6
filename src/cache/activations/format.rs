//! The file: a safetensors file with the tensors `activations` and `crc32c`.

use std::ops::Range;

use anyhow::{Result, bail, ensure};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use serde::{Deserialize, Serialize};

use crate::cache::header::{Tensor, framed, read_framed};
use crate::fs;

/// Of the file's layout, and of whatever in this program decides what is written: a change of
/// either needs another number, which makes every older cache unknown.
pub(in crate::cache) const FORMAT: &str = "kaggle-kit activations 3";

/// Rows a checksum covers, fewer at the end of a view: a killed writer loses no more than that, and
/// batches of 256 and its divisors go on where they would have been.
const BLOCK: usize = 256;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// As it was computed.
    #[default]
    F32,
    /// With 11 bits of precision, at most 65,504: half the size.
    F16,
}

impl Dtype {
    /// `f32` or `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }

    /// The size of a number in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 2,
        }
    }

    /// Appends `numbers` to `bytes`, little-endian. The error is the place of the first one that is
    /// not finite once it is rounded.
    pub(super) fn encode(self, numbers: &[f32], bytes: &mut Vec<u8>) -> Result<(), usize> {
        match self {
            Self::F32 => {
                if let Some(bad) = numbers.iter().position(|number| !number.is_finite()) {
                    return Err(bad);
                }
                bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            }
            Self::F16 => {
                let mut rounded = vec![f16::ZERO; numbers.len()];
                rounded.convert_from_f32_slice(numbers);
                if let Some(bad) = rounded.iter().position(|number| !number.is_finite()) {
                    return Err(bad);
                }
                bytes.extend(rounded.iter().flat_map(|number| number.to_le_bytes()));
            }
        }
        Ok(())
    }

    /// Appends what `bytes` hold to `numbers`; `bits` is only room to work in.
    pub(super) fn decode(self, bytes: &[u8], numbers: &mut Vec<f32>, bits: &mut Vec<u16>) {
        match self {
            Self::F32 => {
                let (chunks, _) = bytes.as_chunks();
                numbers.extend(chunks.iter().map(|chunk| f32::from_le_bytes(*chunk)));
            }
            Self::F16 => {
                let (chunks, _) = bytes.as_chunks();
                bits.clear();
                bits.extend(chunks.iter().map(|chunk| u16::from_le_bytes(*chunk)));
                let start = numbers.len();
                numbers.resize(start + bits.len(), 0.0);
                let halves: &[f16] = bits.reinterpret_cast();
                halves.convert_to_f32_slice(&mut numbers[start..]);
            }
        }
    }
}

/// How many numbers there are, and how they are kept: `[views, images, width]`, row-major.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub views: usize,
    pub images: usize,
    /// Numbers a row: a view of an image.
    pub width: usize,
    pub dtype: Dtype,
}

impl Shape {
    /// Views of images.
    pub fn rows(&self) -> usize {
        self.views * self.images
    }

    /// The size of a row in bytes.
    pub(super) fn row_bytes(&self) -> usize {
        self.width * self.dtype.bytes()
    }

    /// The size of all rows in bytes.
    pub fn bytes(&self) -> usize {
        self.rows() * self.row_bytes()
    }

    pub(super) fn blocks(&self) -> usize {
        self.views * self.blocks_a_view()
    }

    fn blocks_a_view(&self) -> usize {
        self.images.div_ceil(BLOCK)
    }

    /// The rows of a block: `(view, images)`.
    pub(super) fn block(&self, number: usize) -> (usize, Range<usize>) {
        let (view, within) = (number / self.blocks_a_view(), number % self.blocks_a_view());
        (view, within * BLOCK..self.images.min((within + 1) * BLOCK))
    }

    /// The bytes of a block, counted from the first row.
    pub(super) fn block_bytes(&self, number: usize) -> Range<usize> {
        let (view, images) = self.block(number);
        let start = view * self.images;
        (start + images.start) * self.row_bytes()..(start + images.end) * self.row_bytes()
    }
}

/// What activations are, for who looks into the file; safetensors wants all of it to be text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutActivations {
    /// Of the file.
    pub format: String,
    pub key: String,
    pub label: String,
    pub backbone: String,
    /// The SHA-256 of its weights file.
    pub weights: String,
    pub engine: String,
    /// How pixels became the network's input.
    pub transform: String,
    /// Side of the square that the network saw, in pixels.
    pub size: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    about: AboutActivations,
    activations: Tensor,
    crc32c: Tensor,
}

impl Header {
    fn new(about: &AboutActivations, shape: &Shape) -> Self {
        let end = shape.bytes();
        Self {
            about: about.clone(),
            activations: Tensor {
                dtype: shape.dtype.name().to_uppercase(),
                shape: vec![shape.views, shape.images, shape.width],
                data_offsets: [0, end],
            },
            crc32c: Tensor {
                dtype: "U32".to_owned(),
                shape: vec![shape.blocks()],
                data_offsets: [end, end + 4 * shape.blocks()],
            },
        }
    }
}

/// Everything before the first row.
pub(super) fn head(about: &AboutActivations, shape: &Shape) -> Result<Vec<u8>> {
    framed(&Header::new(about, shape))
}

/// The same read back from a file, which need not be whole.
pub(super) struct Head {
    pub(super) about: AboutActivations,
    pub(super) shape: Shape,
    /// Where the first row is, and where the file was left.
    pub(super) start: usize,
}

pub(super) fn read_head(file: &mut fs::File) -> Result<Head> {
    let (header, start): (Header, usize) = read_framed(file)?;
    let &[views, images, width] = header.activations.shape.as_slice() else {
        bail!("{} dimensions", header.activations.shape.len())
    };
    let dtype = match header.activations.dtype.as_str() {
        "F32" => Dtype::F32,
        "F16" => Dtype::F16,
        other => bail!("activations of type {other}"),
    };
    let numbers = views.checked_mul(images).and_then(|rows| rows.checked_mul(width));
    ensure!(numbers.is_some_and(|n| n < isize::MAX as usize / 8), "too many numbers");
    let shape = Shape { views, images, width, dtype };
    ensure!(header == Header::new(&header.about, &shape), "a header that does not fit its shape");
    Ok(Head { about: header.about, shape, start })
}
