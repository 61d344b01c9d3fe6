//! What a file of a cache begins with: the header of a safetensors file, so that any tool which reads
//! those can look into a cache. It is written before the data is known, which the safetensors crate
//! cannot do.

use std::io::Read;

use anyhow::{Context, Result, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fs;

/// No header of ours is longer, in bytes.
const MAX_HEADER: u64 = 1 << 20;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tensor {
    pub(super) dtype: String,
    pub(super) shape: Vec<usize>,
    pub(super) data_offsets: [usize; 2],
}

/// The header's length, 8 bytes, and the header, padded with spaces so that what follows starts at a
/// multiple of 64 bytes.
pub(super) fn framed(header: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = serde_json::to_vec(header)?;
    json.resize((json.len() + 8).next_multiple_of(64) - 8, b' ');
    let mut head = (json.len() as u64).to_le_bytes().to_vec();
    head.append(&mut json);
    Ok(head)
}

/// A header read back from a file, and where that was left: at the first byte behind it.
pub(super) fn read_framed<H: DeserializeOwned>(file: &mut fs::File) -> Result<(H, usize)> {
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    ensure!(length <= MAX_HEADER, "a header of {length} bytes");
    let mut json = vec![0; length as usize];
    file.read_exact(&mut json)?;
    let header = serde_json::from_slice(&json).context("not our header")?;
    Ok((header, 8 + json.len()))
}
