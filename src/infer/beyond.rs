//! What the language cannot describe, and how that is said.

use std::collections::HashSet;

use thiserror::Error;

use super::columns::Columns;
use super::data::{self, Data};
use super::labels::{From, Labels};
use super::sample::Sample;
use super::table::{Form, Table};
use super::text;

/// Why there is no spec for some data.
#[derive(Debug, Error)]
pub enum Beyond {
    #[error(
        "no sample submission: of {} none is called so\nhint: name it with `--sample`; without one \
         nobody knows what an upload looks like",
        tables(.0)
    )]
    NoSample(Vec<String>),
    #[error("no table `{0}`\nhint: `--sample` takes a path as it is below the folder")]
    NoSuchTable(String),
    #[error(
        "`{0}` has no rows, or one column alone\nhint: is it the sample submission? `--sample` names another"
    )]
    EmptySample(String),
    /// Another kind of task.
    #[error(
        "`{sample}` asks for {asked} ({column}), which is beyond kaggle-kit: it answers with classes, \
         tags, levels, numbers or probabilities"
    )]
    OtherTask { sample: String, column: String, asked: &'static str },
    /// Pictures in files of another kind.
    #[error("the pictures are in `{file}`, {is}, which kaggle-kit does not read\nhint: {way_on}")]
    OtherFiles { file: String, is: &'static str, way_on: &'static str },
    /// Several images to a row, and no table that says which.
    #[error(
        "an id of `{sample}`, such as `{id}`, is a folder of images, which kaggle-kit cannot take as one\nhint: \
         where one of them tells enough, copy it to a folder under the name of its id; where each counts, a \
         table of images and ids is `files.test-table` with `pool`"
    )]
    FolderIds { sample: String, id: String },
    #[error(
        "no images: the files are {0}\nhint: give the folder that has them, or the archives, together \
         with the tables"
    )]
    NoImages(String),
    #[error(
        "no labels: no table has a row a training image, and neither folders nor file names tell them \
         apart\nhint: which table is it? Write `[target.labels.csv]` by hand: competitions/README.md \
         has examples"
    )]
    NoLabels,
    #[error(
        "no table has labels, and what files are called in {0} is not known before it is unpacked\nhint: \
         download the archives from the competition's page, then run `kaggle-kit new <folder>` of theirs"
    )]
    PackedLabels(String),
}

fn tables(names: &[String]) -> String {
    if names.is_empty() { "no table at all".to_owned() } else { text::few(names) }
}

/// Columns of tasks that are none of ours.
pub(super) fn of_columns(sample: &Table) -> Result<(), Beyond> {
    for column in &sample.header {
        let name: String =
            column.to_lowercase().chars().filter(|sign| sign.is_alphanumeric()).collect();
        let asked = match name.as_str() {
            "encodedpixels" | "rle" | "rlemask" | "mask" | "segmentation" => "masks",
            "predictionstring" | "bbox" | "boxes" | "annotations" => "boxes or masks",
            "landmarks" | "label" | "labels" | "predicted" | "target"
                if has_runs(sample, column) =>
            {
                "masks"
            }
            "caption" | "inchi" | "latex" => "texts",
            _ => continue,
        };
        let (sample, column) = (sample.path.clone(), format!("`{column}`"));
        return Err(Beyond::OtherTask { sample, column, asked });
    }
    Ok(())
}

/// A row an image and a number's name, instead of an image and a class.
pub(super) fn of_long_numbers(sample: &Sample, labels: &Labels) -> Result<(), Beyond> {
    let From::Table { table, columns: Columns::One { column, .. }, is_long: true, .. } =
        &labels.from
    else {
        return Ok(());
    };
    if table.cells(*column).all(|cell| cell.is_empty() || text::is_zero_or_one(cell)) {
        return Ok(());
    }
    Err(Beyond::OtherTask {
        sample: sample.table.path.clone(),
        column: format!("`{}` of `{}`", table.header[*column], table.path),
        asked: "one number of several of an image a row",
    })
}

/// A table that says for each row of the sample which column of an image it asks for, as facial keypoints
/// have it.
pub(super) fn of_lookup(data: &Data, sample: &Table) -> Result<(), Beyond> {
    let name = &sample.header[0];
    let ids = sample.values(0);
    for table in data.tables.iter().filter(|table| table.path != sample.path) {
        let Some(id) = table.column(name) else { continue };
        let known = table.values(id);
        if ids.iter().filter(|id| known.contains(*id)).count() * 10 < ids.len() * 9 {
            continue;
        }
        for (column, name) in table.header.iter().enumerate().filter(|(column, _)| *column != id) {
            let values = table.values(column);
            let is_columns = |other: &Table| {
                ![&table.path, &sample.path].contains(&&other.path)
                    && values.iter().all(|value| other.column(value).is_some())
            };
            if values.len() > 1 && data.tables.iter().any(is_columns) {
                let (sample, column) =
                    (sample.path.clone(), format!("`{name}` of `{}`", table.path));
                let asked = "one number of several of an image a row";
                return Err(Beyond::OtherTask { sample, column, asked });
            }
        }
    }
    Ok(())
}

/// `1 3 10 5 ..`: many whole numbers, in pairs of which the first ones rise.
fn has_runs(sample: &Table, column: &str) -> bool {
    let Some(column) = sample.column(column) else { return false };
    sample.cells(column).take(50).any(|cell| {
        let numbers: Vec<u64> = cell.split(' ').map_while(|word| word.parse().ok()).collect();
        let starts: Vec<u64> = numbers.iter().step_by(2).copied().collect();
        numbers.len() >= 16
            && numbers.len().is_multiple_of(2)
            && starts.is_sorted_by(|a, b| a < b)
            && numbers.iter().max() > Some(&10_000)
    })
}

/// Files that hold pictures and are not read: their extensions, what they are, what to do.
const KINDS: [(&[&str], &str, &str); 7] = [
    (
        &["parquet"],
        "a table of bytes for pandas",
        "write them as PNG, one a row, and list them anew",
    ),
    (&["hdf5", "h5"], "HDF5", "write them as JPEG or PNG, one an entry, and list them anew"),
    (&["bson"], "a dump of MongoDB", "write them as JPEG, one an entry, and list them anew"),
    (&["npy", "npz", "mat", "pkl"], "an array of numbers", "write them as PNG, and list them anew"),
    (&["svs", "mrxs", "ndpi"], "a slide of gigapixels", "cut them into tiles, and list them anew"),
    (&["nii", "mha", "mhd", "nrrd"], "a volume", "write its slices as PNG, and list them anew"),
    (&["mp4", "avi", "mov"], "a film", "write its frames as JPEG, and list them anew"),
];

/// Why no images were found for the rows of a sample.
pub(super) fn of_images(data: &Data, sample: &Table) -> Beyond {
    let folders: HashSet<&str> = data
        .listing
        .entries
        .iter()
        .flat_map(|entry| data::folder(&entry.path).split('/'))
        .collect();
    let ids = sample.values(0);
    let are_folders = ids.iter().filter(|id| folders.contains(*id)).count() * 2 > ids.len();
    if let Some(id) = sample.cells(0).find(|_| are_folders) {
        return Beyond::FolderIds { sample: sample.path.clone(), id: id.to_owned() };
    }
    for (extensions, is, way_on) in KINDS {
        if let Some(entry) = data.listing.with_extension(extensions) {
            return Beyond::OtherFiles { file: entry.path.clone(), is, way_on };
        }
    }
    let has_addresses = |table: &&Table| {
        let of_row =
            |row: usize| (0..table.header.len()).any(|c| table.cell(row, c).starts_with("http"));
        table.form != Form::Names && table.spread(3).any(of_row)
    };
    if let Some(table) = data.tables.iter().find(has_addresses) {
        let (is, way_on) =
            ("a list of addresses", "download them first, one file a row, named by their ids");
        return Beyond::OtherFiles { file: table.path.clone(), is, way_on };
    }
    let mut kinds: Vec<String> =
        data.listing.entries.iter().map(|entry| data::extension(&entry.path)).collect();
    kinds.sort();
    kinds.dedup();
    Beyond::NoImages(if kinds.is_empty() { "none".to_owned() } else { text::few(&kinds) })
}
