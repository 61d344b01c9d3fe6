//! Which training images must not be parted, by `[split]` of the spec.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::found::GroupsFound;
use super::images;
use super::labels::LabelTable;
use super::missing::{self, SHOWN};
use super::table::Table;
use crate::competition::{Competition, Grouping, Labels, SplitSpec};
use crate::convert;
use crate::dataset::sample::Sample;
use crate::dataset::sets::Sets;
use crate::term;

/// The column of files in the table of what DICOM files say: their names alone may be those of others in
/// other folders, such as `Image-1`.
const FILE: &str = "file";

/// Images that stay together.
pub(super) struct Grouped {
    /// Their places, sorted; those that are alone are left out.
    pub(super) groups: Vec<Vec<usize>>,
    pub(super) found: GroupsFound,
}

/// Finds them; `rows` are the rows of the table of labels about each of `samples`.
pub(super) fn find(
    competition: &Competition,
    folder: &Path,
    samples: &[Sample],
    rows: &[Vec<usize>],
    labels: Option<&LabelTable>,
) -> Result<Option<Grouped>> {
    let grouping = competition.split.as_ref().and_then(SplitSpec::grouping);
    let (keys, from) = match (grouping, labels) {
        (Some(Grouping::Pattern(pattern)), _) => {
            let of = |sample: &Sample| by_pattern(sample, |id| pattern.find(id, "group"));
            (samples.iter().map(of).collect(), format!("`{}`", pattern.as_str()))
        }
        (Some(Grouping::Table { file, id, column }), _) => {
            let table = Table::open(&missing::find_table(competition, folder, file)?)?;
            let id_at = table.named(id, "split.id")?;
            (of_table(&table, id_at, column, samples)?, format!("`{column}` of {file}"))
        }
        (Some(Grouping::Dicom(attribute)), _) => {
            let path = convert::table(competition, folder, convert::DICOM).with_context(|| {
                format!(
                    "nothing tells `{attribute}` of the images in `{}`\nhint: run `{}`, which reads it from \
                     DICOM files",
                    folder.display(),
                    competition.command("fetch")
                )
            })?;
            let table = Table::read(&path)?;
            let root = images::root(competition, folder)?;
            (
                of_files(&table, attribute, samples, &root)?,
                format!("`{attribute}` of the DICOM files"),
            )
        }
        (Some(Grouping::Column(column)), Some(labels)) => {
            let at = labels.table.named(column, "split.group")?;
            (of_rows(&labels.table, at, rows), format!("`{column}` of {}", labels.name))
        }
        // Labels of several images at once: what they belong to is one thing.
        (None, Some(labels)) => {
            let Labels::Csv { photos: Some(photos), .. } = &competition.target.labels else {
                return Ok(None);
            };
            let at = labels.table.named(&photos.of, "target.labels.csv.photos.of")?;
            (of_rows(&labels.table, at, rows), format!("`{}` of {}", photos.of, photos.file))
        }
        _ => return Ok(None),
    };
    grouped(samples, &keys, from).map(Some)
}

/// What each image has in a column of the table of labels; most have one row.
fn of_rows(table: &Table, at: usize, rows: &[Vec<usize>]) -> Vec<Vec<String>> {
    let of_row = |&row: &usize| table.rows[row].1[at].to_owned();
    rows.iter().map(|rows| rows.iter().map(of_row).collect()).collect()
}

/// The same of another table, in which images are called by their ids, whole names or stems.
fn of_table(
    table: &Table,
    id_at: usize,
    column: &str,
    samples: &[Sample],
) -> Result<Vec<Vec<String>>> {
    let at = table.named(column, "split.group")?;
    let mut by_id: HashMap<&str, Vec<&str>> = HashMap::with_capacity(table.rows.len());
    for (_, row) in &table.rows {
        by_id.entry(&row[id_at]).or_default().push(&row[at]);
    }
    let of = |sample: &Sample| {
        let [name, stem] = [sample.path.file_name(), sample.path.file_stem()]
            .map(|part| part.unwrap_or_default().to_string_lossy().into_owned());
        let found =
            [sample.id.as_str(), &name, &stem].iter().find_map(|id| by_id.get(*id).cloned());
        found.unwrap_or_default().into_iter().map(str::to_owned).collect()
    };
    Ok(samples.iter().map(of).collect())
}

/// What a table says of files, by their paths below a folder.
fn of_files(
    table: &Table,
    column: &str,
    samples: &[Sample],
    root: &Path,
) -> Result<Vec<Vec<String>>> {
    let file_at = table.named(FILE, "split.group")?;
    let at = table.named(column, "split.group")?;
    let by_file: HashMap<&Path, &str> =
        table.rows.iter().map(|(_, row)| (Path::new(&row[file_at]), &row[at])).collect();
    let of = |sample: &Sample| {
        let path = sample.path.strip_prefix(root).unwrap_or(&sample.path);
        by_file.get(path).map(|value| (*value).to_owned()).into_iter().collect()
    };
    Ok(samples.iter().map(of).collect())
}

/// What is found in the id, or else in the name of the file (ids may have a folder in front).
fn by_pattern<'i>(sample: &'i Sample, find: impl Fn(&'i str) -> Option<&'i str>) -> Vec<String> {
    let stem = || sample.path.file_stem().and_then(|stem| stem.to_str());
    find(&sample.id).or_else(|| find(stem()?)).map(str::to_owned).into_iter().collect()
}

/// Joins those with the same key; an image without one is alone.
fn grouped(samples: &[Sample], keys: &[Vec<String>], from: String) -> Result<Grouped> {
    let mut sets = Sets::new(samples.len());
    let mut first_of: HashMap<&str, usize> = HashMap::new();
    let mut alone: Vec<&str> = Vec::new();
    for (place, keys) in keys.iter().enumerate() {
        let mut keys = keys.iter().filter(|key| !key.is_empty()).peekable();
        if keys.peek().is_none() {
            alone.push(&samples[place].id);
        }
        for key in keys {
            sets.join(*first_of.entry(key).or_insert(place), place);
        }
    }
    ensure!(
        alone.len() < samples.len(),
        "{from} tells a group of none of the {}, such as {}\nhint: `[split]` in the spec says which images \
         stay together; its ids must be those of the images",
        term::count(samples.len(), "training image"),
        missing::first_three(&alone)
    );
    let mut groups = sets.members();
    let n_groups = groups.len() - alone.len();
    groups.retain(|members| members.len() > 1);
    let example = alone.first().map(|id| term::short(id, SHOWN));
    let found = GroupsFound { from, groups: n_groups, alone: alone.len(), example };
    Ok(Grouped { groups, found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_one_name_are_told_apart_by_their_folders() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dicom.csv");
        let text =
            "id,file,PatientID\nImage-1,train/7/Image-1.png,A\nImage-1,train/8/Image-1.png,B\n";
        crate::fs::write_atomic(&path, text).unwrap();
        let sample = |id: &str| {
            let path = folder.path().join(format!("train/{id}/Image-1.png"));
            Sample::new(id.to_owned(), path, vec![])
        };
        let samples = ["7", "8", "9"].map(sample);
        let table = Table::read(&path).unwrap();
        let keys = of_files(&table, "PatientID", &samples, folder.path()).unwrap();
        assert_eq!(keys, [vec!["A"], vec!["B"], vec![]]);
    }

    #[test]
    fn images_with_one_key_in_common_are_one_group() {
        let samples: Vec<Sample> =
            "abcde".chars().map(|c| Sample::new(c.to_string(), c.to_string(), vec![])).collect();
        let keys = [vec!["x"], vec!["y"], vec![""], vec!["y", "x"], vec!["z"]];
        let keys = keys.map(|keys| keys.into_iter().map(str::to_owned).collect());
        let Grouped { groups, found } = grouped(&samples, &keys, "`p`".to_owned()).unwrap();
        assert_eq!(groups, [[0, 1, 3]]);
        assert_eq!((found.groups, found.alone, found.example.as_deref()), (2, 1, Some("c")));
        let error = grouped(&samples, &vec![Vec::new(); 5], "`p`".to_owned()).err().unwrap();
        assert!(error.to_string().contains("`p` tells a group of none of the 5 training images"));
    }
}
