//! What Kaggle's bundle holds: plain files, zips in the zip, or planet's archives of 2017.

use std::io::{Cursor, Write};
use std::path::Path;

use anyhow::{Context, Result};
use rayon::prelude::*;
use sevenz_rust2::encoder_options::Lzma2Options;
use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::miniature::{DataFile, Miniature};
use crate::competition::{Competition, Labels};
use crate::target::TargetKind;

/// Whether images are among the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Images {
    /// They are, as when the competition ran.
    #[default]
    Served,
    /// Only tables are left, as at planet since 2019.
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
            (_, Labels::Csv { .. }) => Self::Loose,
            (_, Labels::FileName { .. } | Labels::Folder {}) => Self::Zip,
        }
    }
}

/// The files that Kaggle lists for a competition, by name.
pub(super) fn data_files(miniature: &Miniature, images: Images) -> Result<Vec<DataFile>> {
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
    if images == Images::Withdrawn {
        return Ok(files);
    }
    if packing == Packing::Loose {
        files.extend(miniature.files.iter().filter(is_image).cloned());
    } else {
        let folders: Vec<&String> = folders().collect();
        let pack = |folder: &&String| {
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

fn zip_file<'a>(folder: &str, inside: impl Iterator<Item = &'a DataFile>) -> Result<DataFile> {
    Ok(DataFile { path: format!("{folder}.zip"), bytes: zip(inside)? })
}

/// A zip of files; what is compressed already is stored.
pub(super) fn zip<'a>(files: impl Iterator<Item = &'a DataFile>) -> Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let method = if is_table(&file.path) {
            CompressionMethod::Deflated
        } else {
            CompressionMethod::Stored
        };
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(&file.path, options).context("failed to zip the stand-in's data")?;
        writer.write_all(&file.bytes)?;
    }
    Ok(writer.finish().context("failed to zip the stand-in's data")?.into_inner())
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

pub(super) fn is_table(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "csv")
}
