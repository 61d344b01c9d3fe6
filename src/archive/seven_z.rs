//! 7z archives: block by block, blocks side by side where memory allows.

use std::io::Read;
use std::path::PathBuf;

use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;
use sevenz_rust2::{Archive, ArchiveEntry, Block, BlockDecoder, EncoderMethod, Password};

use super::sink::{Content, Entry, Sink, piece};
use super::window::Window;
use super::{Error, LINK, MOST_MEMORY_KB, NO_PLAIN_FILE, called, stem};

/// Blocks are unpacked side by side while their dictionaries take no more than this.
const PARALLEL_MEMORY: u64 = 128 * 1024 * 1024;

/// Takes every entry.
pub(super) fn entries(window: &Window, sink: &mut Sink) -> Result<(), Error> {
    let mut directory = window.unmetered();
    let read = Archive::read_with_memory_limit(&mut directory, &Password::empty(), MOST_MEMORY_KB);
    let archive = read.map_err(|error| failed(sink, "its directory", &error))?;
    let (mut bytes, mut on_disk) = (0_u64, 0_u64);
    for entry in &archive.files {
        bytes = bytes.saturating_add(entry.size());
        if !called::is_archive_name(entry.name()) {
            on_disk = on_disk.saturating_add(entry.size());
        }
    }
    sink.announce(bytes, on_disk)?;
    let plans = archive.files.iter().map(|entry| Plan::new(entry, sink));
    let plans = plans.collect::<Result<Vec<_>, _>>()?;
    let blocks: Vec<usize> = (0..archive.blocks.len()).collect();
    let largest = archive.blocks.iter().map(dictionary).max().unwrap_or_default().max(1);
    let at_a_time = (PARALLEL_MEMORY / largest).clamp(1, rayon::current_num_threads() as u64);
    let neighbours = blocks.len().div_ceil(at_a_time as usize).max(1);
    let all = &*sink;
    blocks.par_chunks(neighbours).try_for_each_init(piece, |piece, blocks| {
        blocks.iter().try_for_each(|&block| decode(&archive, block, window, &plans, all, piece))
    })?;
    // What has no bytes is in no block.
    let mut piece = piece();
    for (order, block) in archive.stream_map.file_block_index.iter().enumerate() {
        if block.is_none() {
            plans[order].take(order, &mut std::io::empty(), sink, &mut piece)?;
        }
    }
    if plans.len() == 1 {
        sink.name_the_tar();
    }
    Ok(())
}

fn decode(
    archive: &Archive,
    block: usize,
    window: &Window,
    plans: &[Plan],
    sink: &Sink,
    piece: &mut [u8],
) -> Result<(), Error> {
    let mut window = window.again();
    let password = Password::empty();
    // One thread: with more, the decoder keeps whole parts of the archive in memory.
    let decoder = BlockDecoder::new_with_memory_limit(
        1,
        MOST_MEMORY_KB,
        block,
        archive,
        &password,
        &mut window,
    );
    // The decoder wants errors of its own; ours waits here until it has stopped.
    let mut ours = None;
    let mut order = archive.stream_map.block_first_file_index[block];
    let mut last = "its start";
    let result = decoder.for_each_entries(&mut |_, content| {
        let plan = &plans[order];
        last = &plan.name;
        ours = plan.take(order, content, sink, piece).err();
        order += 1;
        Ok(ours.is_none())
    });
    match (ours, result) {
        (Some(error), _) => Err(error),
        (None, Ok(_)) => Ok(()),
        (None, Err(error)) => Err(failed(sink, last, &error)),
    }
}

/// The memory that the decoder of a block takes.
fn dictionary(block: &Block) -> u64 {
    let of_coder =
        |coder: &sevenz_rust2::Coder| match (coder.encoder_method_id(), coder.properties()) {
            (EncoderMethod::ID_LZMA2, [bits, ..]) => {
                let bits = u32::from(*bits).min(40);
                u64::from(2 | (bits & 1)) << (bits / 2 + 11)
            }
            (EncoderMethod::ID_LZMA, [_, a, b, c, d, ..]) => {
                u64::from(u32::from_le_bytes([*a, *b, *c, *d]))
            }
            _ => 0,
        };
    block.coders.iter().map(of_coder).sum()
}

/// What becomes of an entry.
struct Plan {
    name: String,
    size: u64,
    /// Nobody wants it when it has none.
    path: Option<PathBuf>,
}

impl Plan {
    fn new(entry: &ArchiveEntry, sink: &mut Sink) -> Result<Self, Error> {
        const REPARSE_POINT: u32 = 0x400;
        const UNIX_MODE: u32 = 0x8000;
        // An entry may have no name: then it is that of the archive.
        let name = match entry.name() {
            "" => stem(&sink.archive),
            name => name.to_owned(),
        };
        let attributes = entry.windows_attributes();
        let kind = if attributes & UNIX_MODE == 0 { 0 } else { (attributes >> 16) & 0o170_000 };
        if kind == 0o120_000 || attributes & REPARSE_POINT != 0 {
            return Err(sink.refused(&name, LINK));
        }
        if !matches!(kind, 0 | 0o040_000 | 0o100_000) || entry.is_anti_item() {
            return Err(sink.refused(&name, NO_PLAIN_FILE));
        }
        let path = if entry.is_directory() {
            sink.folder(&name)?;
            None
        } else {
            sink.plan(&name)?
        };
        Ok(Self { name, size: entry.size(), path })
    }

    fn take(
        &self,
        order: usize,
        content: &mut dyn Read,
        sink: &Sink,
        piece: &mut [u8],
    ) -> Result<(), Error> {
        // The decoder itself reads what is not wanted, up to the size that was announced.
        let Some(path) = &self.path else { return Ok(()) };
        let entry = Entry { name: &self.name, path, size: Some(self.size), order };
        sink.look_inside(&entry, Content::Stream(content), piece)
    }
}

fn failed(sink: &Sink, entry: &str, error: &sevenz_rust2::Error) -> Error {
    use sevenz_rust2::Error::{
        ExternalUnsupported, MaxMemLimited, PasswordRequired, Unsupported,
        UnsupportedCompressionMethod, UnsupportedVersion,
    };
    let reason = match error {
        UnsupportedCompressionMethod(method) => format!("it is packed by {method}"),
        MaxMemLimited { actaul_kb, .. } => format!("it asks for {actaul_kb} kB of memory"),
        PasswordRequired => "it is encrypted".to_owned(),
        Unsupported(reason) => reason.to_lowercase(),
        ExternalUnsupported | UnsupportedVersion { .. } => "it has a form of its own".to_owned(),
        error => return sink.damaged(entry, error),
    };
    Error::unsupported(&sink.archive, reason)
}
