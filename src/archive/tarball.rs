//! Tar archives, as they come or, when they lie in a file, several entries at a time.

use std::io::Read;
use std::path::PathBuf;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tar::{Archive, EntryType};

use super::sink::{Content, Entry, Sink, piece};
use super::window::Window;
use super::{Error, LINK, NO_PLAIN_FILE};

/// Entries that are planned before they are written.
const BATCH: usize = 512;

/// Takes every entry of a tar that lies in a file.
pub(super) fn placed(window: &Window, sink: &mut Sink) -> Result<(), Error> {
    let mut archive = Archive::new(window.unmetered());
    let entries = archive.entries_with_seek();
    let entries = entries.map_err(|error| sink.unread("its start", &error))?;
    let mut last = "its start".to_owned();
    let mut batch = Vec::with_capacity(BATCH);
    for (order, entry) in entries.enumerate() {
        let mut entry = entry.map_err(|error| sink.unread(&last, &error))?;
        let (name, path) = plan(&mut entry, sink)?;
        if let Some(path) = path {
            let (start, size) = (entry.raw_file_position(), entry.size());
            let part = window.part(start, size);
            let part = part.ok_or_else(|| sink.damaged(&name, &"it is cut off"))?;
            batch.push(Placed { name: name.clone(), path, part, size, order });
        }
        if batch.len() == BATCH {
            write(&batch, sink)?;
            batch.clear();
        }
        last = name;
    }
    write(&batch, sink)
}

/// A file of a tar, and where it lies.
struct Placed<'a> {
    name: String,
    path: PathBuf,
    part: Window<'a>,
    size: u64,
    order: usize,
}

fn write(batch: &[Placed], sink: &Sink) -> Result<(), Error> {
    batch.par_iter().try_for_each_init(piece, |piece, placed| {
        let Placed { name, path, part, size, order } = placed;
        let entry = Entry { name, path, size: Some(*size), order: *order };
        sink.take(&entry, Content::Part(part.again()), piece)
    })
}

/// Takes every entry of a tar that comes out of a decoder.
pub(super) fn streamed(stream: &mut dyn Read, sink: &mut Sink) -> Result<(), Error> {
    let mut archive = Archive::new(stream);
    let entries = archive.entries().map_err(|error| sink.unread("its start", &error))?;
    let mut last = "its start".to_owned();
    let mut piece = piece();
    for (order, entry) in entries.enumerate() {
        let mut entry = entry.map_err(|error| sink.unread(&last, &error))?;
        let (name, path) = plan(&mut entry, sink)?;
        if let Some(path) = path {
            let planned = Entry { name: &name, path: &path, size: Some(entry.size()), order };
            sink.take(&planned, Content::Stream(&mut entry), &mut piece)?;
        }
        last = name;
    }
    Ok(())
}

/// Plans an entry by its name and type; a path comes back for what is to be written.
fn plan<R: Read>(
    entry: &mut tar::Entry<R>,
    sink: &mut Sink,
) -> Result<(String, Option<PathBuf>), Error> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    if let Some(name) = sparse_name(entry, &name) {
        return Err(sink.refused(&name, NO_PLAIN_FILE));
    }
    let path = match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous => sink.plan(&name)?,
        EntryType::Directory => {
            sink.folder(&name)?;
            None
        }
        EntryType::XGlobalHeader => None,
        EntryType::Symlink | EntryType::Link => return Err(sink.refused(&name, LINK)),
        _ => return Err(sink.refused(&name, NO_PLAIN_FILE)),
    };
    Ok((name, path))
}

/// The name of a sparse file as GNU tar writes it among pax headers, whose bytes begin with a map of its
/// holes: the entry's name is another one. `None` for any other entry.
fn sparse_name<R: Read>(entry: &mut tar::Entry<R>, name: &str) -> Option<String> {
    // Headers that cannot be read say nothing; the entry itself will be told about.
    let headers = entry.pax_extensions().ok()??;
    let sparse: Vec<_> =
        headers.flatten().filter(|header| header.key_bytes().starts_with(b"GNU.sparse.")).collect();
    let own = sparse.iter().find(|header| header.key_bytes() == b"GNU.sparse.name");
    let own = own.map(|header| String::from_utf8_lossy(header.value_bytes()).into_owned());
    (!sparse.is_empty()).then(|| own.unwrap_or_else(|| name.to_owned()))
}
