//! The first bytes of a zip, of which the rest is elsewhere.

use std::io::Read;

use flate2::bufread::DeflateDecoder;

/// What the first file of a zip begins with, out of the first bytes of the zip; nothing where it is packed
/// in another way than deflate.
pub fn unzipped_start(head: &[u8]) -> Vec<u8> {
    const HEADER: usize = 30;
    const DEFLATED: u16 = 8;
    /// A table packs to a tenth; more is something else.
    const MOST: u64 = 64 << 20;
    let u16_at = |at: usize| head.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let start = || Some(HEADER + usize::from(u16_at(26)?) + usize::from(u16_at(28)?));
    let packed = start().and_then(|start| head.get(start..)).unwrap_or_default();
    let mut unpacked = Vec::new();
    // It ends in the middle: what came before is what is wanted.
    if u16_at(8) == Some(DEFLATED) {
        let mut decoder = DeflateDecoder::new(packed).take(MOST);
        let mut piece = [0; 16 * 1024];
        while let Ok(n @ 1..) = decoder.read(&mut piece) {
            unpacked.extend_from_slice(&piece[..n]);
        }
    } else if u16_at(8) == Some(0) {
        let size = head
            .get(18..22)
            .map_or(0, |four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        unpacked.extend_from_slice(&packed[..packed.len().min(size as usize)]);
    }
    unpacked
}
