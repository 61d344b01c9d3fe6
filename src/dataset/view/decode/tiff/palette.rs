//! A TIFF whose pixels are numbers of colours. `tiff` reads numbers as gray alone, so it is shown a copy
//! that says of itself to be gray.

use anyhow::{Context, Result, ensure};
use tiff::tags::Tag;

use super::{Reader, told};

const PHOTOMETRIC: u16 = 262;
/// A number of two bytes.
const SHORT: u16 = 3;
const GRAY: u16 = 1;

/// The file with its first picture gray; `None` where its directory is damaged.
pub(super) fn as_gray(bytes: &[u8]) -> Option<Vec<u8>> {
    let order = Order { is_little: bytes.starts_with(b"II") };
    let is_big = order.number(bytes, 2, 2)? == 43;
    // The size of a place and of a count, where the directory's place is, and an entry's size and where
    // in it the value is.
    let (place, count, first, entry, value) =
        if is_big { (8, 8, 8, 20, 12) } else { (4, 2, 4, 12, 8) };
    let directory = usize::try_from(order.number(bytes, first, place)?).ok()?;
    let n = usize::try_from(order.number(bytes, directory, count)?).ok()?;
    let entries = directory.checked_add(count)?;
    let at = (0..n.min(1 << 16)).map(|i| entries.checked_add(i * entry)).find_map(|at| {
        let at = at?;
        (order.number(bytes, at, 2)? == u64::from(PHOTOMETRIC)).then_some(at)
    })?;
    if order.number(bytes, at + 2, 2)? != u64::from(SHORT) {
        return None;
    }
    let mut gray = bytes.to_vec();
    let value = gray.get_mut(at + value..at + value + 2)?;
    value.copy_from_slice(&if order.is_little { GRAY.to_le_bytes() } else { GRAY.to_be_bytes() });
    Some(gray)
}

/// Which byte of a number comes first.
#[derive(Clone, Copy)]
struct Order {
    is_little: bool,
}

impl Order {
    fn number(self, bytes: &[u8], at: usize, size: usize) -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(size)?)?;
        let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(if self.is_little {
            bytes.iter().rev().fold(0, add)
        } else {
            bytes.iter().fold(0, add)
        })
    }
}

/// The colours by their numbers.
pub(super) fn colours(reader: &mut Reader) -> Result<Vec<[u8; 3]>> {
    let map = reader.find_tag_unsigned_vec::<u16>(Tag::ColorMap).map_err(told)?;
    let map = map.context("it has no map of its colours")?;
    ensure!(map.len().is_multiple_of(3) && !map.is_empty(), "the map of its colours is damaged");
    // 65,535 is all of a colour, but some programs write 255, as libtiff knows.
    let shift = if map.iter().all(|value| *value < 256) { 0 } else { 8 };
    let n = map.len() / 3;
    Ok((0..n).map(|i| [map[i], map[n + i], map[2 * n + i]].map(|v| (v >> shift) as u8)).collect())
}
