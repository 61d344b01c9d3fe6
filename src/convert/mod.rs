//! What is no picture file becomes one, once, at the end of `fetch`: rows of tables, DICOM, `TFRecords`.
//!
//! The pictures lie in `<data>/.kaggle-kit/converted/images/`, below the names that the spec has for their
//! sources, and everything behind takes them from there as if they had come so: `files.train = ["train.csv"]`
//! is then the folder `images/train.csv/` with `1.png`, `2.png` and so on. Tables lie beside them in
//! `tables/`: those of the sources without their pixels, and what files say of themselves. Sources stay as
//! they are. The same sources and settings give the same bytes, on any number of threads; memory goes by
//! the size of an image, not of a file.

mod batches;
mod dicom;
mod folder;
mod output;
mod picture;
mod place;
mod record;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::competition::{Competition, Raw};
use crate::progress::Progress;
use crate::relative::RelativePath;
use output::Output;
pub use place::{Converted, DICOM, folder, folder_name, images_in, stem, table};

/// Where images come from: a table, or a folder of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As the spec calls it.
    pub place: RelativePath,
    pub path: PathBuf,
    /// Whether the images are to be trained on.
    pub is_train: bool,
}

/// Makes pictures of all sources of a competition in its data folder.
///
/// A run that was stopped goes on; what no source has any more is removed. A single file that is damaged
/// leaves a file that is no picture in its place, as a damaged picture would be; what cannot be read as a
/// matter of principle is an error.
pub fn run(
    competition: &Competition,
    raw: &Raw,
    sources: &[Source],
    data: &Path,
    progress: &dyn Progress,
) -> Result<Converted> {
    let output = Output::open(data, progress)?;
    match raw {
        Raw::Pixels(pixels) => {
            for source in sources {
                let ids = competition.ids_of(&source.place, source.is_train);
                table::convert(&table::Table { source, pixels, ids }, &output)?;
            }
        }
        Raw::Dicom { windows, attribute } => {
            folder::convert(sources, windows, attribute.as_deref(), &output)?;
        }
        Raw::Records { id, label } => {
            record::convert(sources, id, label.as_deref(), &output)?;
        }
    }
    let converted = output.finish(competition, raw)?;
    if converted.images == 0 {
        bail!("nothing to make pictures of in `{}`", data.display());
    }
    Ok(converted)
}
