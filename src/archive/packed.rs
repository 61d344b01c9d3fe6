//! A single file that is packed without a directory: gzip, bzip2, xz. Most often it is a tar, which is
//! unpacked as it comes out.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
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
    let mut decoder = unpacked(packing, packed);
    sink.look_inside(&entry, Content::Stream(&mut decoder), &mut piece())?;
    sink.name_the_tar();
    Ok(())
}

/// What was packed, as it comes out.
pub(super) fn unpacked<'a>(packing: Packing, packed: &'a mut dyn Read) -> Box<dyn Read + 'a> {
    let packed = BufReader::with_capacity(BUFFER, packed);
    match packing {
        Packing::Gzip => Box::new(Members::new(packed, GzDecoder::new, GzDecoder::into_inner)),
        Packing::Bzip2 => Box::new(Members::new(packed, BzDecoder::new, BzDecoder::into_inner)),
        Packing::Xz => Box::new(XzReader::new_mem_limit(packed, true, MOST_MEMORY_KB as u32)),
    }
}

/// Several packed files that were written one after another are one, as for the programs that write them;
/// zeros behind, with which tapes and some downloads are filled up, are nothing.
struct Members<R, D> {
    /// None after the last.
    member: Option<D>,
    begin: fn(R) -> D,
    end: fn(D) -> R,
}

impl<R, D> Members<R, D> {
    fn new(packed: R, begin: fn(R) -> D, end: fn(D) -> R) -> Self {
        Self { member: Some(begin(packed)), begin, end }
    }
}

impl<R: BufRead, D: Read> Read for Members<R, D> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let n = member.read(to)?;
            if n > 0 || to.is_empty() {
                return Ok(n);
            }
            if let Some(mut rest) = self.member.take().map(self.end)
                && !is_at_end(&mut rest)?
            {
                self.member = Some((self.begin)(rest));
            }
        }
        Ok(0)
    }
}

/// Steps over zeros; whether nothing is behind them.
fn is_at_end(rest: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let there = rest.fill_buf()?;
        let zeros = there.iter().take_while(|byte| **byte == 0).count();
        let (is_end, is_other) = (there.is_empty(), zeros < there.len());
        rest.consume(zeros);
        if is_end || is_other {
            return Ok(is_end);
        }
    }
}
