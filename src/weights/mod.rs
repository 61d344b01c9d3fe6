//! Files of pretrained weights, read without libtorch: safetensors, and what `torch.save` writes,
//! before `PyTorch` 1.6 and since.
//!
//! `torch.save` writes a pickle, which can name any function of Python to be called. None is called
//! here: an interpreter of the instructions that a dictionary of tensors needs gives plain data, and
//! a file that names anything else is refused. A file may be hostile: nothing is read beyond its end,
//! and what is allocated is bounded by its length.

pub mod cached;
mod checkpoint;
mod cursor;
mod gather;
mod hub;
pub mod imported;
mod legacy;
#[cfg(any(test, feature = "testing"))]
pub mod made;
mod names;
mod pickle;
mod source;
mod zipped;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype as FileDtype;

use crate::explain::{self, Class, FileKind};
use crate::fs;
pub use hub::{Hub, cached_path, place};
pub use names::to_timm;
use source::WeightFile;

/// A tensor as its numbers in row-major order, little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// What a number is.
    pub dtype: Dtype,
    /// Its sides; none for a single number.
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// A floating-point number of some width. Integers (batch counters) are left out of what is read:
/// no network of ours computes with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    F16,
    Bf16,
    F32,
    F64,
}

impl Dtype {
    pub fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// The tensors of a file by name.
///
/// A checkpoint that holds its weights under `state_dict`, `model` or the like is opened, and the
/// prefixes that wrappers put before every name, as parallel training does, are taken off.
pub fn read(path: &Path) -> Result<BTreeMap<String, Stored>> {
    let mut source = WeightFile::open(path)?;
    let start = source.at(0, source.length().min(64))?;
    let tensors = if start.starts_with(b"PK\x03\x04") {
        zipped::read(&mut source)
    } else if legacy::begins(&start) {
        legacy::read(&mut source)
    } else {
        from_safetensors(&fs::read(path)?)
    };
    tensors.with_context(|| format!("weights in `{}` cannot be read", path.display()))
}

/// The floating-point tensors of a safetensors file's bytes.
pub fn from_safetensors(bytes: &[u8]) -> Result<BTreeMap<String, Stored>> {
    let Ok(tensors) = SafeTensors::deserialize(bytes) else {
        bail!("{}\nhint: remove the file and fetch it again", looks_like(bytes))
    };
    let mut read = BTreeMap::new();
    for (name, view) in tensors.iter() {
        let dtype = match view.dtype() {
            FileDtype::F16 => Dtype::F16,
            FileDtype::BF16 => Dtype::Bf16,
            FileDtype::F32 => Dtype::F32,
            FileDtype::F64 => Dtype::F64,
            FileDtype::I64 | FileDtype::I32 | FileDtype::U8 | FileDtype::BOOL => continue,
            other => bail!("`{name}` is {other:?}, not a float"),
        };
        let (shape, bytes) = (view.shape().to_vec(), view.data().to_vec());
        read.insert(name.to_owned(), Stored { dtype, shape, bytes });
    }
    Ok(read)
}

/// What the first bytes say about a file that is none of the three.
fn looks_like(bytes: &[u8]) -> String {
    match explain::kind(&bytes[..bytes.len().min(512)]) {
        _ if bytes.is_empty() => "it is empty".to_owned(),
        Some(FileKind { name, class: Class::Instead }) => {
            format!("it is {name} in place of the file")
        }
        _ => "it is damaged, or neither safetensors nor a PyTorch file".to_owned(),
    }
}

#[cfg(test)]
mod tests;
