//! Where converted images lie, and the record that says that they are whole.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::competition::{Competition, DICOM_EXTENSIONS, Raw};
use crate::fs;
use crate::hash::Hash;
use crate::relative::RelativePath;

/// In a data folder, with `/` between its parts.
const FOLDER: &str = ".kaggle-kit/converted";
const RECORD: &str = "converted.toml";
/// Raised where the same settings give other pictures.
const VERSION: u32 = 1;
/// So many files that could not be converted are named in the record.
const NAMED: usize = 100;

/// What a conversion leaves when it has come to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Converted {
    version: u32,
    /// The hash of what the spec says about it.
    settings: String,
    pub images: usize,
    /// How many files could not be converted; what stands in their places is no picture and says why.
    pub broken: usize,
    /// The first of them.
    pub broken_files: Vec<String>,
}

impl Converted {
    pub(super) fn new(
        competition: &Competition,
        raw: &Raw,
        images: usize,
        broken: Vec<String>,
    ) -> Result<Self> {
        Ok(Self {
            version: VERSION,
            settings: settings(competition, raw)?,
            images,
            broken: broken.len(),
            broken_files: broken.into_iter().take(NAMED).collect(),
        })
    }

    /// The record of a data folder; none where no conversion has come to its end.
    pub fn read(data: &Path) -> Result<Option<Self>> {
        let path = record(data);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path)?;
        let read = toml::from_str(&text).with_context(|| {
            format!("failed to read `{}`\nhint: delete it and fetch again", path.display())
        })?;
        Ok(Some(read))
    }

    pub(super) fn write(&self, data: &Path, files: &[PathBuf]) -> Result<()> {
        fs::write_record(record(data), toml::to_string(self)?, files)
    }

    /// Takes the record away: from now on the pictures are not known to be whole.
    pub(super) fn forget(data: &Path) -> Result<()> {
        fs::remove_flushed(&record(data))
    }

    /// Whether it was made as the spec says now.
    pub fn is_of(&self, competition: &Competition) -> Result<bool> {
        let Some(raw) = competition.raw() else { return Ok(false) };
        Ok(self.version == VERSION && self.settings == settings(competition, &raw)?)
    }
}

/// The hash of everything in a spec that changes the pictures.
fn settings(competition: &Competition, raw: &Raw) -> Result<String> {
    let files = &competition.files;
    let all = serde_json::to_vec(&(raw, &files.train, &files.test, competition.id_columns()))?;
    Ok(Hash::of(&all).to_string())
}

fn record(data: &Path) -> PathBuf {
    folder(data).join(RECORD)
}

/// Everything that a conversion makes, in a data folder.
pub fn folder(data: &Path) -> PathBuf {
    data.join(FOLDER)
}

/// The same as a name in the data folder.
pub fn folder_name() -> Result<RelativePath> {
    Ok(RelativePath::named(FOLDER)?)
}

/// The pictures, below the names that the spec has for their sources.
pub(super) fn images(data: &Path) -> PathBuf {
    folder(data).join("images")
}

/// The tables without their pixels, and those of what files say of themselves.
pub(super) fn tables(data: &Path) -> PathBuf {
    folder(data).join("tables")
}

/// The folder that `files.train` and `files.test` are in: the data folder, or what was converted in it.
/// An error where that is still to do.
pub fn images_in(competition: &Competition, data: &Path) -> Result<PathBuf> {
    if competition.raw().is_none() {
        return Ok(data.to_owned());
    }
    let (what, why) = match Converted::read(data)? {
        Some(made) if made.is_of(competition)? => return Ok(images(data)),
        Some(_) => ("was made into pictures", "otherwise than the spec says now"),
        None => ("has not been made into pictures", "yet"),
    };
    bail!(
        "what is in `{}` {what} {why}\nhint: run `{}`; what is there is not downloaded again",
        data.display(),
        competition.command("fetch")
    )
}

/// The name of what was made of a file, without an ending: that of the file but for `.dcm`.
pub fn stem(name: &str) -> &str {
    let is = |ending: &str| DICOM_EXTENSIONS.iter().any(|known| known.eq_ignore_ascii_case(ending));
    name.rsplit_once('.').filter(|(_, ending)| is(ending)).map_or(name, |(stem, _)| stem)
}

/// A table of the spec where it is, if a conversion has made it smaller or made it at all: without
/// pixels, its other columns and its rows as they were.
pub fn table(competition: &Competition, data: &Path, name: &str) -> Option<PathBuf> {
    competition.raw()?;
    Some(tables(data).join(name)).filter(|path| path.is_file())
}

/// What DICOM files say of their patients: `id,file,PatientID,...`.
pub const DICOM: &str = "dicom.csv";
