//! What the language cannot describe, and how that is said.

use std::collections::HashSet;

use thiserror::Error;

use super::columns::Columns;
use super::data::{self, Data};
use super::images::Images;
use super::labels::{From, Labels};
use super::sample::{Asks, Sample};
use super::table::{Form, Table};
use super::text;
use crate::explain::{self, Slip};

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
    #[error("the first line of `{sample}` is not what Kaggle's is\nhint: {what}")]
    Header { sample: String, what: String },
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
    /// There are images, but the sample has other names.
    #[error(
        "none of the ids of `{sample}`, such as `{id}`, names an image; images are called as `{image}` is\nhint: \
         {way_on}"
    )]
    OtherIds { sample: String, id: String, image: String, way_on: &'static str },
    #[error("there is no file in it that is a table or an image\nhint: is it the right folder?")]
    Nothing,
    #[error(
        "no sample submission, and no table at all: there are images alone\nhint: give the folder above, with \
         the tables as Kaggle has them; what an upload looks like is in the sample submission"
    )]
    NoTables,
    #[error(
        "it holds several competitions, each with a sample submission: {}\nhint: give one of these folders; \
         `--sample` names a sample where it is one competition after all",
        text::few(.0)
    )]
    Several(Vec<String>),
    /// An answer that was given beforehand, and fits nothing.
    #[error("`--{flag} {said}`: {problem}\nhint: {way_on}")]
    Unfit { flag: &'static str, said: String, problem: &'static str, way_on: String },
    #[error(
        "no labels: no table has a row a training image, and neither folders nor file names tell them \
         apart{seen}\nhint: {way_on}"
    )]
    NoLabels { seen: String, way_on: String },
    #[error(
        "no table has labels, and what files are called in {0} is not known before it is unpacked\nhint: \
         download the archives from the competition's page, then run `kaggle-kit new <folder>` of theirs"
    )]
    PackedLabels(String),
}

/// An image of the test set, else any.
fn first_image(data: &Data) -> Option<&str> {
    let is_image = |path: &&str| Images::is_image(path);
    let images = || data.listing.entries.iter().map(|entry| entry.path.as_str()).filter(is_image);
    images().find(|path| text::is_test(data::folder(path))).or_else(|| images().next())
}

/// Why no labels were found: a table that looks like theirs, and what is wrong with it.
pub(super) fn of_labels(data: &Data, images: &Images, sample: &Sample) -> Beyond {
    let is_label = |table: &&Table| {
        let name = data::base(&table.path);
        table.path != sample.table.path
            && !text::is_test(name)
            && (text::is_train(name) || text::has_word(name, &["label", "annot", "truth", "class"]))
    };
    let tables = || data.tables.iter().filter(is_label);
    let by_hand = "which table is it? Write `[target.labels.csv]` by hand: competitions/README.md has examples";
    for table in tables() {
        if let Some(slip @ (Slip::Separator(_) | Slip::WebPage | Slip::Json | Slip::NoHeader)) =
            explain::slip(&table.header)
        {
            let seen = format!("; the first line of `{}` is not as it should be", table.path);
            return Beyond::NoLabels { seen, way_on: slip.in_table() };
        }
    }
    let image = images.all.iter().find(|image| !image.is_test && !image.is_extra);
    if let (Some(table), Some(image)) = (tables().next(), image) {
        let id = table.column(sample.id_name()).unwrap_or(0);
        let cells: Vec<&str> = table.spread(100).map(|row| table.cell(row, id)).collect();
        let n_named = cells.iter().filter(|cell| !images.named(cell).is_empty()).count();
        let seen = if n_named * 2 > cells.len() {
            let asked = text::few(&sample.names());
            format!(
                "; `{}` names images, but nothing that the sample asks for: {asked}",
                table.path
            )
        } else {
            let (said, name) = (table.cell(0, id), &table.header[id]);
            let (table, image) = (&table.path, image.path);
            format!("; `{table}` has `{said}` in `{name}`, and images are called as `{image}` is")
        };
        return Beyond::NoLabels { seen, way_on: by_hand.to_owned() };
    }
    let (seen, way_on) = match data.listing.with_extension(&["txt", "jsonl", "xml", "xlsx"]) {
        Some(entry) => {
            let seen = format!("; they may be in `{}`, which is not read", entry.path);
            (seen, "write them as a CSV with a header, and give the folder again".to_owned())
        }
        None => (String::new(), by_hand.to_owned()),
    };
    Beyond::NoLabels { seen, way_on }
}

/// `00007.png` and `7`.
fn is_padded(image: &str, id: &str) -> bool {
    let stem = data::stem(data::base(image));
    let are_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(stem) && are_digits(id) && stem.starts_with('0') && stem.len() > id.len()
}

fn tables(names: &[String]) -> String {
    if names.is_empty() { "no table at all".to_owned() } else { text::few(names) }
}

/// A sample that somebody's program has written anew.
pub(super) fn of_header(sample: &Table) -> Result<(), Beyond> {
    match explain::slip(&sample.header) {
        Some(slip @ (Slip::NoHeader | Slip::Separator(_) | Slip::WebPage)) => {
            Err(Beyond::Header { sample: sample.path.clone(), what: slip.in_table() })
        }
        _ => Ok(()),
    }
}

/// Why there is no sample.
pub(super) fn of_no_sample(data: &Data) -> Beyond {
    let names: Vec<String> = data.tables.iter().map(|table| table.path.clone()).collect();
    if !names.is_empty() || !data.listing.is_whole() {
        return Beyond::NoSample(names);
    }
    let is_image = |entry: &data::Entry| Images::is_image(&entry.path);
    if data.listing.entries.iter().any(is_image) { Beyond::NoTables } else { Beyond::Nothing }
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

/// A row an image and what is asked of it, or a column each, where the answers are neither 0 and 1 nor
/// numbers: several labels of one image.
pub(super) fn of_several_labels(sample: &Sample, labels: &Labels) -> Result<(), Beyond> {
    let From::Table { table, columns, is_long: false, .. } = &labels.from else { return Ok(()) };
    let other = |column: usize, asked| {
        let column = format!("`{}` of `{}`", table.header[column], table.path);
        Err(Beyond::OtherTask { sample: sample.table.path.clone(), column, asked })
    };
    match (columns, &sample.asks) {
        (Columns::All(columns), _) => {
            let is_number = |cell: &str| cell.is_empty() || text::number(cell).is_some();
            let of_words = columns.iter().find(|&&at| !table.cells(at).all(is_number));
            of_words.map_or(Ok(()), |&column| other(column, "several labels of an image"))
        }
        (Columns::One { column, .. }, Asks::Long { classes, .. }) => {
            let known = table.values(*column);
            let n = classes.iter().filter(|class| known.contains(class.as_str())).count();
            if n * 2 >= classes.len() {
                return Ok(());
            }
            other(*column, "one answer of several of an image a row")
        }
        _ => Ok(()),
    }
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
    if let (Some(image), Some(id)) = (first_image(data), sample.cells(0).find(|id| !id.is_empty()))
    {
        let sample = sample.path.clone();
        let way_on = if is_padded(image, id) {
            "the names of files have zeros before the number: give the ids of the tables as many"
        } else {
            "are these the images of this competition, and are all of them there? `--sample` names another \
             table; where other tables lead to them, write the spec by hand: competitions/README.md"
        };
        return Beyond::OtherIds { sample, id: id.to_owned(), image: image.to_owned(), way_on };
    }
    let mut kinds: Vec<String> =
        data.listing.entries.iter().map(|entry| data::extension(&entry.path)).collect();
    kinds.sort();
    kinds.dedup();
    Beyond::NoImages(if kinds.is_empty() { "none".to_owned() } else { text::few(&kinds) })
}
