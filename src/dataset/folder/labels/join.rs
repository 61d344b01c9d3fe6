//! Rows of a table of labels, joined with images by their ids.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::super::finder::Finder;
use super::super::missing::{self, SHOWN};
use super::columns;
use super::entries::{self, Entry, SaidOf};
use super::rows::Rows;
use super::{LabelSource, LabelTable, Labelled, LabelledImages};
use crate::competition::{Competition, Files};
use crate::explain;
use crate::target::TargetKind;
use crate::term;

/// Reads the table and joins its rows with the images; `of_sample` are the sample's columns of answers.
pub(super) fn read(
    competition: &Competition,
    folder: &Path,
    of_sample: &[String],
) -> Result<LabelledImages> {
    let rows = Rows::open(competition, folder)?;
    let columns = columns::find(competition, &rows.table, of_sample)?;
    let mut finder = Finder::new(competition, folder, true)?;
    let (entries, doubled) = entries::read(competition, &rows, &columns, &mut finder)?;
    let mut join = Join {
        competition,
        rows: &rows,
        places: HashMap::with_capacity(entries.len()),
        images: Vec::with_capacity(entries.len()),
        skipped: rows.without,
        doubled,
        merged: 0,
    };
    let mut without: Vec<(String, usize)> = Vec::new();
    let n_entries = entries.len();
    let at: HashMap<&str, usize> =
        rows.table.header.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    for entry in entries {
        let record = &rows.table.rows[entry.row].1;
        let fields = |name: &str| at.get(name).and_then(|&at| record.get(at));
        let found = finder.find(&entry.id, &fields)?;
        match (found, entry.said.is_some()) {
            (Some(picture), true) => join.add(entry, picture.path, picture.planes)?,
            (_, false) => join.skipped += 1,
            (None, true) => without.push((entry.id.into_owned(), entry.row)),
        }
    }
    if !without.is_empty() {
        bail!(absent(competition, &rows, &without, n_entries, &finder));
    }
    let Join { images, skipped, doubled, merged, .. } = join;
    let (unlabelled, files) = finder.finish();
    let Rows { table, name, .. } = rows;
    let table = Some(LabelTable { table, name });
    Ok(LabelledImages { images, table, unlabelled, files, skipped, doubled, merged })
}

struct Join<'a> {
    competition: &'a Competition,
    rows: &'a Rows,
    /// The place of each file among the images.
    places: HashMap<PathBuf, usize>,
    images: Vec<Labelled>,
    skipped: usize,
    doubled: usize,
    merged: usize,
}

impl Join<'_> {
    /// An image with what a row says about it, unless another row has said something already.
    fn add(&mut self, entry: Entry, path: PathBuf, planes: Vec<PathBuf>) -> Result<()> {
        let Entry { id, row, line, said: Some(said) } = entry else { return Ok(()) };
        if let Some(&place) = self.places.get(&path) {
            return self.add_to(place, &id, row, line, said);
        }
        self.places.insert(path.clone(), self.images.len());
        let (labels, numbers) = match said {
            SaidOf::Labels(labels) => (labels, Vec::new()),
            SaidOf::Numbers(numbers) => (Vec::new(), numbers),
        };
        let source = LabelSource::Line(line);
        let id = id.into_owned();
        self.images.push(Labelled { id, path, planes, labels, numbers, source, rows: vec![row] });
        Ok(())
    }

    fn add_to(
        &mut self,
        place: usize,
        id: &str,
        row: usize,
        line: u64,
        said: SaidOf,
    ) -> Result<()> {
        let image = &mut self.images[place];
        let is_multi = self.competition.target.kind == TargetKind::MultiLabel;
        let told = |labels: &[String], numbers: &[f64]| {
            let numbers = numbers.iter().map(f64::to_string);
            let told: Vec<String> = labels.iter().cloned().chain(numbers).collect();
            term::short(&told.join(" "), SHOWN)
        };
        let (now, is_same) = match &said {
            SaidOf::Labels(labels) => {
                let same = |a: &[String], b: &[String]| a.iter().all(|label| b.contains(label));
                let is_same = same(labels, &image.labels) && same(&image.labels, labels);
                (told(labels, &[]), is_same)
            }
            SaidOf::Numbers(numbers) => (told(&[], numbers), *numbers == image.numbers),
        };
        image.rows.push(row);
        if is_same {
            self.doubled += 1;
            return Ok(());
        }
        if let (true, SaidOf::Labels(labels)) = (is_multi, said) {
            let new = labels.into_iter().filter(|label| !image.labels.contains(label));
            let new: Vec<String> = new.collect();
            image.labels.extend(new);
            self.merged += 1;
            return Ok(());
        }
        let first = match image.source {
            LabelSource::Line(line) => line,
            LabelSource::Path => 0,
        };
        bail!(
            "{}: `{}` is `{now}`, and `{}` on {}\nhint: keep one of the two rows, or say \
             `target.kind = \"multi-label\"` if an image may have several labels",
            self.rows.table.place(line),
            term::short(id, SHOWN),
            told(&image.labels, &image.numbers),
            self.rows.table.numbered(first)
        )
    }
}

/// What to say about ids of a table that no image has.
fn absent(
    competition: &Competition,
    rows: &Rows,
    without: &[(String, usize)],
    n_entries: usize,
    finder: &Finder,
) -> String {
    let ids: Vec<&str> = without.iter().map(|(id, _)| id.as_str()).collect();
    let known = finder.ids();
    let folder = Files::folders_of(&competition.files.train);
    let folder = folder.first().map_or("train", |folder| folder.as_str());
    let record = &rows.table.rows[without[0].1].1;
    let header = &rows.table.header;
    let fields = |name: &str| record.get(header.iter().position(|column| column == name)?);
    let hint = if let Some(expected) = finder.expected(ids[0], &fields) {
        format!("`{expected}` is not there: change `files.train` in the spec, or run fetch again")
    } else if let Some(channels) = explain::channels(&ids, &known) {
        format!(
            "each image is several files: say `train = [\"{folder}/{{id}}{}{{channel}}\"]` and `channels = \
             [\"{}\"]` in `[files]`, and `test` likewise",
            channels.between,
            channels.names.join("\", \"")
        )
    } else if let Some(change) = explain::change(&ids, known.iter().copied()) {
        match change.template() {
            Some(template) => format!(
                "{}: say `train = [\"{folder}/{template}\"]` in `[files]`, and `test` likewise",
                change.in_table("the images")
            ),
            None => change.in_table("the images"),
        }
    } else if without.len() == n_entries {
        format!(
            "run `{}` again, or name the folder of these images in `files.train`",
            competition.command("fetch")
        )
    } else {
        format!("run `{}` again, or delete their rows", competition.command("fetch"))
    };
    format!(
        "{} of the {n_entries} images in `{}` are not in `{}`: {}\nhint: {hint}",
        without.len(),
        rows.table.path.display(),
        competition.files.train.join("`, `"),
        missing::first_three(&ids)
    )
}
