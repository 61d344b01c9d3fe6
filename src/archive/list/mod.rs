//! What an archive holds, without unpacking it: names and sizes as [`super::extract`] would place them,
//! and the content of the few files that somebody wants to see.
//!
//! Directories are read where there are some, over all files of an archive in several. Only what has none, or lies packed in another archive,
//! is read through; a 7z or a tar packed in another 7z stays closed.

mod start;

use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use sevenz_rust2::{Archive as SevenZ, BlockDecoder, Password};
use zip::read::{ArchiveOffset, Config, ZipReadOptions, read_zipfile_from_stream};
use zip::{CompressionMethod, ZipArchive};

use super::kind::{Kind, Packing, TAR_BLOCK};
use super::window::Window;
use super::{Error, MOST_LEVELS, MOST_MEMORY_KB, called, names, packed, stem};
pub use start::unzipped_start;

/// What an archive holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Paths with `/` between their parts, and sizes in bytes where they are known.
    pub files: Vec<(String, u64)>,
    /// Folders that archives inside would become, which were not looked into.
    pub closed: Vec<String>,
}

/// Bytes of a 7z's block that are decoded for the sake of a table in it.
const MOST_OF_BLOCK: u64 = 512 << 20;

/// Lists an archive; `see` gets the path and the content of each file whose path `wants` holds for.
pub fn list(
    archive: &Path,
    wants: &dyn Fn(&str) -> bool,
    see: &mut dyn FnMut(&str, &mut dyn Read),
) -> Result<Held, Error> {
    let kind = Kind::of(archive)?.ok_or_else(|| Error::not_an_archive(archive))?;
    let volumes = super::open(archive)?;
    let mut look = Look { archive, wants, see, closed: Vec::new() };
    let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let content = Content::Part(Window::over(&volumes, volumes.len(), None));
    let inside = look.enter_archive(kind, content, &Place { name: &name, beside: "", level: 0 })?;
    let files = if inside.is_loose() {
        let folder = stem(archive);
        inside.files.into_iter().map(|(path, size)| (format!("{folder}/{path}"), size)).collect()
    } else {
        inside.files
    };
    Ok(Held { files, closed: look.closed })
}

enum Content<'a, 'w> {
    Part(Window<'w>),
    Stream(&'a mut dyn Read),
}

struct Look<'a> {
    archive: &'a Path,
    wants: &'a dyn Fn(&str) -> bool,
    see: &'a mut dyn FnMut(&str, &mut dyn Read),
    closed: Vec<String>,
}

/// Where an archive lies.
struct Place<'a> {
    name: &'a str,
    /// The folder that its files go to, with `/` at its end; empty at the top.
    beside: &'a str,
    level: usize,
}

/// The files of one archive, by their paths in it.
#[derive(Default)]
struct Inside {
    files: Vec<(String, u64)>,
    has_other_than_images: bool,
}

impl Inside {
    /// Bare images, which get a folder named after the archive.
    fn is_loose(&self) -> bool {
        !self.files.is_empty() && !self.has_other_than_images
    }

    /// Takes a name; its path comes back for what is a file that somebody may want.
    fn plan(&mut self, name: &str) -> Option<String> {
        let path = names::safe(name).ok().filter(|path| !names::is_litter(path))?;
        let has_folder = path.parent().is_some_and(|parent| !parent.as_os_str().is_empty());
        self.has_other_than_images |= has_folder || !called::is_image_name(&path);
        Some(path.to_string_lossy().replace('\\', "/"))
    }
}

impl Look<'_> {
    fn enter_archive(
        &mut self,
        kind: Kind,
        content: Content,
        place: &Place,
    ) -> Result<Inside, Error> {
        match (kind, content) {
            (Kind::Zip, Content::Part(window)) => self.zip(&window, place),
            (Kind::Zip, Content::Stream(stream)) => self.zip_stream(stream, place),
            (Kind::Tar, Content::Part(mut window)) => self.tar(&mut window, place),
            (Kind::Tar, Content::Stream(stream)) => self.tar(stream, place),
            (Kind::SevenZ, Content::Part(window)) => self.seven_z(window, place),
            (Kind::SevenZ, Content::Stream(_)) => {
                self.close(place);
                Ok(Inside { has_other_than_images: true, ..Inside::default() })
            }
            (Kind::Packed(packing), Content::Part(mut window)) => {
                self.packed(packing, &mut window, place)
            }
            (Kind::Packed(packing), Content::Stream(stream)) => self.packed(packing, stream, place),
        }
    }

    fn close(&mut self, place: &Place) {
        self.closed.push(format!("{}{}", place.beside, stem(Path::new(place.name))));
    }

    fn zip(&mut self, window: &Window, place: &Place) -> Result<Inside, Error> {
        let config = Config { archive_offset: ArchiveOffset::Detect };
        let archive = ZipArchive::with_config(config, window.again())
            .map_err(|error| self.damaged("its directory", &error))?;
        let mut inside = Inside::default();
        let mut reader = window.again();
        for index in 0..archive.len() {
            let entry = archive.by_index_data(index);
            let entry = entry.map_err(|error| self.damaged("its directory", &error))?;
            let Ok(name) = entry.name().map(std::borrow::Cow::into_owned) else { continue };
            if entry.is_dir() {
                inside.has_other_than_images = true;
                continue;
            }
            let Some(path) = inside.plan(&name) else { continue };
            let size = entry.size();
            let is_archive = called::is_archive_name(&path);
            if !is_archive && !(self.wants)(&format!("{}{path}", place.beside)) {
                inside.files.push((path, size));
                continue;
            }
            let mut content = entry
                .with_reader(&mut reader, ZipReadOptions::new())
                .map_err(|error| self.damaged(&name, &error))?;
            let is_stored = content.compression() == CompressionMethod::Stored
                && content.compressed_size() == content.size();
            let part = content.data_start().filter(|_| is_stored && is_archive);
            let part = part.and_then(|start| window.part(start, size));
            match part {
                Some(part) => self.take(path, size, Content::Part(part), place, &mut inside)?,
                None => self.take(path, size, Content::Stream(&mut content), place, &mut inside)?,
            }
        }
        Ok(inside)
    }

    fn zip_stream(&mut self, stream: &mut dyn Read, place: &Place) -> Result<Inside, Error> {
        let mut inside = Inside::default();
        let mut stream = BufReader::new(stream);
        loop {
            // The sizes of some entries stand behind them: then the rest stays unknown.
            match read_zipfile_from_stream(&mut stream) {
                Ok(None) => return Ok(inside),
                Err(_) => {
                    self.close(place);
                    return Ok(inside);
                }
                Ok(Some(mut entry)) => {
                    let Ok(name) = entry.name().map(std::borrow::Cow::into_owned) else { continue };
                    if entry.is_dir() {
                        inside.has_other_than_images = true;
                    } else if let Some(path) = inside.plan(&name) {
                        let size = entry.size();
                        self.take(path, size, Content::Stream(&mut entry), place, &mut inside)?;
                    }
                }
            }
        }
    }

    fn tar(&mut self, stream: &mut dyn Read, place: &Place) -> Result<Inside, Error> {
        let mut inside = Inside::default();
        let mut archive = tar::Archive::new(stream);
        let entries = archive.entries().map_err(|error| self.damaged("its start", &error))?;
        for entry in entries {
            let mut entry = entry.map_err(|error| self.damaged("an entry", &error))?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let is_file = entry.header().entry_type().is_file();
            inside.has_other_than_images |= entry.header().entry_type().is_dir();
            if let Some(path) = is_file.then(|| inside.plan(&name)).flatten() {
                let size = entry.size();
                self.take(path, size, Content::Stream(&mut entry), place, &mut inside)?;
            }
        }
        Ok(inside)
    }

    fn seven_z(&mut self, mut window: Window, place: &Place) -> Result<Inside, Error> {
        let password = Password::empty();
        let archive = SevenZ::read_with_memory_limit(&mut window, &password, MOST_MEMORY_KB)
            .map_err(|error| self.damaged("its directory", &error))?;
        let mut inside = Inside::default();
        // By block, the files in it that are wanted.
        let mut wanted: Vec<Option<(usize, String)>> = vec![None; archive.files.len()];
        for (order, entry) in archive.files.iter().enumerate() {
            if entry.is_directory() {
                inside.has_other_than_images = true;
                continue;
            }
            let name = if entry.name().is_empty() {
                stem(Path::new(place.name))
            } else {
                entry.name().to_owned()
            };
            let Some(path) = inside.plan(&name) else { continue };
            let is_wanted = (self.wants)(&format!("{}{path}", place.beside));
            match archive.stream_map.file_block_index[order] {
                Some(block) if is_wanted => wanted[order] = Some((block, path.clone())),
                _ if called::is_archive_name(&path) => {
                    self.close(&Place { name: &path, ..*place });
                    continue;
                }
                _ => {}
            }
            inside.files.push((path, entry.size()));
        }
        self.see_tables(&archive, &mut window, &wanted, place)?;
        Ok(inside)
    }

    /// Decodes the blocks of a 7z that hold what is wanted: by file, the block and the path.
    fn see_tables(
        &mut self,
        archive: &SevenZ,
        window: &mut Window,
        wanted: &[Option<(usize, String)>],
        place: &Place,
    ) -> Result<(), Error> {
        let password = Password::empty();
        for block in 0..archive.blocks.len() {
            let is_here =
                |one: &Option<(usize, String)>| one.as_ref().is_some_and(|(at, _)| *at == block);
            let Some(last) = wanted.iter().rposition(is_here) else { continue };
            let first = archive.stream_map.block_first_file_index[block];
            let bytes: u64 =
                archive.files[first..last].iter().map(sevenz_rust2::ArchiveEntry::size).sum();
            if bytes > MOST_OF_BLOCK {
                continue;
            }
            let decoder = BlockDecoder::new_with_memory_limit(
                1,
                MOST_MEMORY_KB,
                block,
                archive,
                &password,
                window,
            );
            let mut order = first;
            let read = decoder.for_each_entries(&mut |_, content| {
                if let Some((_, path)) = &wanted[order] {
                    (self.see)(&format!("{}{path}", place.beside), content);
                }
                order += 1;
                std::io::copy(content, &mut std::io::sink())?;
                Ok(order <= last)
            });
            read.map_err(|error| self.damaged("a table", &error))?;
        }
        Ok(())
    }

    fn packed(
        &mut self,
        packing: Packing,
        packed: &mut dyn Read,
        place: &Place,
    ) -> Result<Inside, Error> {
        let mut decoder = packed::unpacked(packing, packed);
        let mut start = Vec::with_capacity(TAR_BLOCK);
        let read = decoder.by_ref().take(TAR_BLOCK as u64).read_to_end(&mut start);
        read.map_err(|error| self.damaged("its start", &error))?;
        let found = Kind::of_start(&start);
        let mut whole = Cursor::new(start).chain(decoder);
        // A tar in it has the name of the whole.
        if found == Some(Kind::Tar) {
            return self.tar(&mut whole, place);
        }
        let mut inside = Inside { has_other_than_images: true, ..Inside::default() };
        if let Some(path) = inside.plan(called::unpacked_name(place.name)) {
            let shown = format!("{}{path}", place.beside);
            if (self.wants)(&shown) {
                (self.see)(&shown, &mut whole);
            }
            inside.files.push((path, 0));
        }
        Ok(inside)
    }

    /// A file, or an archive of its own.
    fn take(
        &mut self,
        path: String,
        size: u64,
        content: Content,
        place: &Place,
        inside: &mut Inside,
    ) -> Result<(), Error> {
        let mut stream;
        let mut start = Vec::with_capacity(TAR_BLOCK);
        let content = match content {
            Content::Part(window) => {
                let read = window.again().take(TAR_BLOCK as u64).read_to_end(&mut start);
                read.map_err(|error| self.damaged(&path, &error))?;
                Content::Part(window)
            }
            Content::Stream(inner) => {
                let read = inner.take(TAR_BLOCK as u64).read_to_end(&mut start);
                read.map_err(|error| self.damaged(&path, &error))?;
                stream = Cursor::new(start.clone()).chain(inner);
                Content::Stream(&mut stream)
            }
        };
        if let Some(kind) = Kind::of_start(&start).filter(|_| called::is_archive_name(&path)) {
            return self.nest(kind, &path, content, place, inside);
        }
        let shown = format!("{}{path}", place.beside);
        if (self.wants)(&shown) {
            match content {
                Content::Part(mut window) => (self.see)(&shown, &mut window),
                Content::Stream(stream) => (self.see)(&shown, stream),
            }
        }
        inside.files.push((path, size));
        Ok(())
    }

    /// An archive in another.
    fn nest(
        &mut self,
        kind: Kind,
        path: &str,
        content: Content,
        place: &Place,
        inside: &mut Inside,
    ) -> Result<(), Error> {
        if place.level + 1 == MOST_LEVELS {
            return Err(Error::too_big(self.archive, "it holds archives in archives without end"));
        }
        let (own, name) = path.split_at(path.rfind('/').map_or(0, |at| at + 1));
        let beside = format!("{}{own}", place.beside);
        let inner = Place { name, beside: &beside, level: place.level + 1 };
        let found = self.enter_archive(kind, content, &inner)?;
        let folder = if found.is_loose() {
            format!("{own}{}/", stem(Path::new(name)))
        } else {
            own.to_owned()
        };
        let files = found.files.into_iter();
        inside.files.extend(files.map(|(name, size)| (format!("{folder}{name}"), size)));
        Ok(())
    }

    fn damaged(&self, entry: &str, reason: &dyn std::fmt::Display) -> Error {
        Error::damaged(self.archive, entry, reason)
    }
}

#[cfg(test)]
mod tests;
