//! What Kaggle's bundle holds: plain files, zips in the zip, or planet's archives of 2017.

use std::collections::HashMap;
use std::io::{BufWriter, Cursor, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::ValueEnum;
use rand::RngCore;
use rayon::prelude::*;
use sevenz_rust2::encoder_options::Lzma2Options;
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::blob::Blob;
use crate::miniature::{DataFile, Miniature};
use kaggle_kit::competition::{Competition, Labels};
use kaggle_kit::relative::RelativePath;
use kaggle_kit::rng::{Purpose, stream};
use kaggle_kit::target::TargetKind;

/// A competition's data as it is downloaded.
pub(crate) struct Packed {
    /// Names and sizes as listed.
    pub(crate) listing: Vec<(String, u64)>,
    /// What single files are stored as: large tables are zips.
    pub(crate) files: HashMap<String, Blob>,
    /// All of it in one zip.
    pub(crate) bundle: Blob,
}

/// From this size on a table is served as a zip of itself.
const ZIPPED_FROM: usize = 4096;
/// What makes a bundle as large as is wanted.
const FILLER: &str = "filler.bin";
/// Planet's table of names that were mixed up once.
const MAPPING: &str = "test_v2_file_mapping.csv";

impl Packed {
    /// Packs a competition as Kaggle would, with a filler of so many bytes.
    pub(crate) fn new(miniature: &Miniature, images: ImageFiles, filler: u64) -> Result<Self> {
        let files = data_files(miniature, images)?;
        let mut listing: Vec<(String, u64)> =
            files.iter().map(|file| (file.path.clone(), file.bytes.len() as u64)).collect();
        let mut blobs = HashMap::new();
        let bundle = if filler == 0 {
            Blob::new(zip(files.iter())?)
        } else {
            let (bundle, alone) = bundle_on_disk(&files, filler)?;
            listing.push((FILLER.to_owned(), filler));
            blobs.insert(FILLER.to_owned(), alone);
            bundle
        };
        // Now, so that the first download does not wait for it.
        bundle.hashes().context("failed to read the stand-in's data")?;
        for file in files {
            let (name, bytes) = as_download(file)?;
            blobs.insert(name, Blob::new(bytes));
        }
        Ok(Self { listing, files: blobs, bundle })
    }
}

/// Kaggle sends larger plain files zipped, whatever was asked for.
fn as_download(file: DataFile) -> Result<(String, Vec<u8>)> {
    if !is_table(&file.path) || file.bytes.len() < ZIPPED_FROM {
        return Ok((file.path, file.bytes));
    }
    let name = file.path.rsplit('/').next().unwrap_or(&file.path).to_owned();
    let inside = DataFile { path: name, bytes: file.bytes };
    Ok((format!("{}.zip", file.path), zip([&inside].into_iter())?))
}

/// A bundle with a filler, and the filler alone, which is a part of the same file.
///
/// The file has no name: it is gone when the process is, however that ends.
fn bundle_on_disk(files: &[DataFile], filler: u64) -> Result<(Blob, Blob)> {
    const FOUR_GIB: u64 = 1 << 32;
    let failed = || {
        let folder = std::env::temp_dir();
        format!(
            "failed to write a bundle of {filler} bytes in `{}`\nhint: is its disk full? Another \
             folder is taken from the variable TMPDIR",
            folder.display()
        )
    };
    let file = tempfile::tempfile().with_context(failed)?;
    let mut writer = ZipWriter::new(BufWriter::with_capacity(1 << 20, &file));
    add_to_zip(&mut writer, files.iter())?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(filler >= FOUR_GIB);
    writer.start_file(FILLER, options).with_context(failed)?;
    let mut rng = stream(Purpose::Draw, filler, 0, 0);
    let mut noise = vec![0; 1 << 20];
    let mut left = filler;
    while left > 0 {
        let n = left.min(noise.len() as u64) as usize;
        rng.fill_bytes(&mut noise[..n]);
        writer.write_all(&noise[..n]).with_context(failed)?;
        left -= n as u64;
    }
    writer.finish().with_context(failed)?.flush().with_context(failed)?;
    let mut archive = ZipArchive::new(&file).with_context(failed)?;
    let start = archive.by_name(FILLER)?.data_start().with_context(failed)?;
    let length = file.metadata().with_context(failed)?.len();
    let file = Arc::new(file);
    Ok((Blob::in_file(file.clone(), 0, length, true), Blob::in_file(file, start, filler, false)))
}

/// Whether images are among the files, or only tables are left, as at planet since 2019.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImageFiles {
    Served,
    Withdrawn,
}

/// How a folder of images is packed.
#[derive(Clone, Copy, PartialEq)]
enum Packing {
    /// Every image is a file of the bundle: dog-breed.
    Loose,
    /// `train.zip`: dogs-vs-cats.
    Zip,
    /// `train-jpg.tar.7z`, and every table in a folder of its own name: planet.
    TarSevenZ,
}

impl Packing {
    fn of(competition: &Competition) -> Self {
        match (competition.target.kind, &competition.target.labels) {
            (TargetKind::MultiLabel, _) => Self::TarSevenZ,
            (_, Labels::Csv { .. } | Labels::Json { .. }) => Self::Loose,
            (_, Labels::FileName { .. } | Labels::Folder {} | Labels::Record { .. }) => Self::Zip,
        }
    }
}

/// The files that Kaggle lists for a competition, by name.
fn data_files(miniature: &Miniature, images: ImageFiles) -> Result<Vec<DataFile>> {
    let competition = &miniature.competition;
    let packing = Packing::of(competition);
    let folders = || competition.files.train.iter().chain(&competition.files.test);
    let in_folder = |file: &&DataFile, folder: &str| {
        file.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let is_image = |file: &&DataFile| folders().any(|folder| in_folder(file, folder));

    let tables = miniature.files.iter().filter(|file| !is_image(file)).map(|file| {
        let path = match packing {
            Packing::TarSevenZ => format!("{0}/{0}", file.path),
            Packing::Loose | Packing::Zip => file.path.clone(),
        };
        DataFile { path, bytes: file.bytes.clone() }
    });
    let mut files: Vec<DataFile> = tables.collect();
    if packing == Packing::TarSevenZ {
        files.push(mapping(miniature)?);
    }
    if images == ImageFiles::Withdrawn {
        return Ok(files);
    }
    if packing == Packing::Loose {
        files.extend(miniature.files.iter().filter(is_image).cloned());
    } else {
        let folders: Vec<&str> = folders().map(RelativePath::as_str).collect();
        let pack = |folder: &&str| {
            let inside = miniature.files.iter().filter(|file| in_folder(file, folder));
            match packing {
                Packing::TarSevenZ => tar_7z(folder, inside),
                Packing::Loose | Packing::Zip => zip_file(folder, inside),
            }
        };
        files.extend(folders.par_iter().map(pack).collect::<Result<Vec<_>>>()?);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// Which of the last test folder's pictures in another format has which name; nobody needs it.
fn mapping(miniature: &Miniature) -> Result<DataFile> {
    let folder = miniature.competition.files.test.last().map_or("", |folder| folder.as_str());
    let stems = miniature.files.iter().filter_map(|file| {
        let stem = Path::new(file.path.strip_prefix(folder)?.strip_prefix('/')?).file_stem()?;
        Some(stem.to_string_lossy())
    });
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["old", "new"])?;
    let stems: Vec<_> = stems.collect();
    for (old, new) in stems.iter().zip(stems.iter().cycle().skip(1)) {
        writer.write_record([format!("{old}.tif"), format!("{new}.tif")])?;
    }
    let bytes = writer.into_inner().context("failed to write a table")?;
    Ok(DataFile { path: format!("{MAPPING}/{MAPPING}"), bytes })
}

fn zip_file<'a>(folder: &str, inside: impl Iterator<Item = &'a DataFile>) -> Result<DataFile> {
    Ok(DataFile { path: format!("{folder}.zip"), bytes: zip(inside)? })
}

/// A zip of files; what is compressed already is stored.
pub(crate) fn zip<'a>(files: impl Iterator<Item = &'a DataFile>) -> Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    add_to_zip(&mut writer, files)?;
    Ok(writer.finish().context("failed to zip the stand-in's data")?.into_inner())
}

fn add_to_zip<'a>(
    writer: &mut ZipWriter<impl Write + Seek>,
    files: impl Iterator<Item = &'a DataFile>,
) -> Result<()> {
    for file in files {
        let method = if is_table(&file.path) {
            CompressionMethod::Deflated
        } else {
            CompressionMethod::Stored
        };
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(&file.path, options).context("failed to zip the stand-in's data")?;
        writer.write_all(&file.bytes).context("failed to zip the stand-in's data")?;
    }
    Ok(())
}

fn tar_7z<'a>(folder: &str, inside: impl Iterator<Item = &'a DataFile>) -> Result<DataFile> {
    let mut tar = tar::Builder::new(Vec::new());
    for file in inside {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, &file.path, file.bytes.as_slice())?;
    }
    let tar = tar.into_inner()?;
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).context("failed to pack a 7z")?;
    // The lowest level: photographs do not shrink, and nobody waits.
    writer.set_content_methods(vec![Lzma2Options::from_level(0).into()]);
    let entry = ArchiveEntry::new_file(&format!("{folder}.tar"));
    writer.push_archive_entry(entry, Some(tar.as_slice())).context("failed to pack a 7z")?;
    let bytes = writer.finish().context("failed to pack a 7z")?.into_inner();
    Ok(DataFile { path: format!("{folder}.tar.7z"), bytes })
}

fn is_table(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "csv")
}
