//! `TFRecord`: length, its checksum, bytes, their checksum (`tensorflow/core/lib/io/record_writer.h`).

use std::io::{ErrorKind, Read};

use anyhow::{Result, bail, ensure};

/// The longest record: an image, a label and some texts.
const LONGEST: u64 = 1 << 30;
/// Length and its checksum.
pub(super) const HEAD: usize = 12;

/// CRC-32C, turned and moved so that a checksum of checksums differs.
pub(super) fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Whether a file begins as `TFRecords` do.
pub(super) fn is_head(start: &[u8]) -> bool {
    start.get(..HEAD).is_some_and(|head| masked(&head[..8]).to_le_bytes() == head[8..])
}

/// The next record; none at the end.
pub(super) fn next(reader: &mut impl Read) -> Result<Option<Vec<u8>>> {
    let mut head = [0; HEAD];
    let Some(()) = fill(reader, &mut head)? else { return Ok(None) };
    ensure!(is_head(&head), "the checksum of its length is wrong");
    let length = head.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
    ensure!(length <= LONGEST, "it says that it has {length} bytes");
    let mut bytes = Vec::new();
    reader.by_ref().take(length).read_to_end(&mut bytes)?;
    let mut sum = [0; 4];
    if bytes.len() as u64 != length || fill(reader, &mut sum)?.is_none() {
        bail!("it is cut off");
    }
    ensure!(masked(&bytes).to_le_bytes() == sum, "its checksum is wrong");
    Ok(Some(bytes))
}

/// Fills all of it, or nothing at the end.
fn fill(reader: &mut impl Read, to: &mut [u8]) -> Result<Option<()>> {
    let mut there = 0;
    while there < to.len() {
        match reader.read(&mut to[there..]) {
            Ok(0) if there == 0 => return Ok(None),
            Ok(0) => bail!("it is cut off"),
            Ok(n) => there += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(()))
}
