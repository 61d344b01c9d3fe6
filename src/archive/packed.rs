//! A single file that is packed without a directory: gzip, bzip2, xz. Most often it is a tar, which is
//! unpacked as it comes out.

use std::io::{BufReader, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;

use super::called;
use super::kind::Packing;
use super::sink::{Content, Entry, Sink, piece};
use super::{Error, MOST_MEMORY_KB};

const BUFFER: usize = 64 * 1024;

/// Takes what is in it.
pub(super) fn content(
    packing: Packing,
    packed: &mut dyn Read,
    sink: &mut Sink,
) -> Result<(), Error> {
    let name = sink.archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = called::unpacked_name(&name);
    let Some(path) = sink.plan_alone(name)? else { return Ok(()) };
    let entry = Entry { name, path: &path, size: None, order: 0 };
    let packed = BufReader::with_capacity(BUFFER, packed);
    // Several that were written one after another are one file, as for the programs that write them.
    let mut decoder: Box<dyn Read> = match packing {
        Packing::Gzip => Box::new(MultiGzDecoder::new(packed)),
        Packing::Bzip2 => Box::new(MultiBzDecoder::new(packed)),
        Packing::Xz => Box::new(XzReader::new_mem_limit(packed, true, MOST_MEMORY_KB as u32)),
    };
    sink.look_inside(&entry, Content::Stream(&mut decoder), &mut piece())?;
    sink.name_the_tar();
    Ok(())
}
