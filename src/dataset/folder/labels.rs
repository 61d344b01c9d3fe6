//! The training images and what they are labelled with: from a table, from file names, or from
//! folders.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::images;
use super::index::{self, ImageFile};
use super::missing;
use super::table::{Table, header_text};
use crate::competition::{Competition, Labels, TargetSpec};
use crate::target::{Classes, TargetKind};

/// A training image with its label as it is written.
pub(super) struct Labelled {
    pub(super) id: String,
    pub(super) path: PathBuf,
    /// One class, or tags separated by spaces.
    pub(super) label: String,
    /// As errors begin.
    source: LabelSource,
}

/// Where a label comes from.
enum LabelSource {
    /// A line of the table.
    Line(u64),
    /// The image's own path.
    Path,
}

/// The labelled training images of a competition.
pub(super) struct LabelledImages {
    pub(super) images: Vec<Labelled>,
    /// The table's path, if there is one.
    table: Option<PathBuf>,
    /// How many images have no label: they are left out.
    pub(super) unlabelled: usize,
}

/// Reads labels and joins them with the images on disk.
pub(super) fn read(competition: &Competition, folder: &Path) -> Result<LabelledImages> {
    match &competition.target.labels {
        Labels::Csv { file, id, label } => {
            let images = images::train(competition, folder)?;
            let path = missing::find_table(competition, folder, file)?;
            join(competition, &Table::read(&path)?, [id, label], images)
        }
        Labels::FileName { separator } => {
            let images = images::train(competition, folder)?
                .into_iter()
                .map(|image| {
                    let label = match image.id.split_once(separator.as_str()) {
                        Some((label, _)) if !label.is_empty() => label.to_owned(),
                        _ => bail!(
                            "no label before a `{separator}` in the name of `{}`\nhint: move the \
                             file away, or change `target.labels.file-name` in the spec",
                            image.path.display()
                        ),
                    };
                    Ok(Labelled {
                        id: image.id,
                        path: image.path,
                        label,
                        source: LabelSource::Path,
                    })
                })
                .collect::<Result<_>>()?;
            Ok(LabelledImages { images, table: None, unlabelled: 0 })
        }
        Labels::Folder {} => {
            let images = images::train_by_folder(competition, folder)?.into_iter();
            let images = images
                .map(|(label, ImageFile { id, path })| Labelled {
                    id,
                    path,
                    label,
                    source: LabelSource::Path,
                })
                .collect();
            Ok(LabelledImages { images, table: None, unlabelled: 0 })
        }
    }
}

impl LabelledImages {
    /// The places of a label in the vocabulary: sorted, one for a single label.
    pub(super) fn target(
        &self,
        image: &Labelled,
        kind: TargetKind,
        classes: &Classes,
    ) -> Result<Vec<usize>> {
        let place = || match (&self.table, &image.source) {
            (Some(table), LabelSource::Line(line)) => format!("`{}`, line {line}", table.display()),
            _ => format!("`{}`", image.path.display()),
        };
        let position = |name: &str| {
            classes.position(name).with_context(|| {
                let what = match kind {
                    TargetKind::SingleLabel => "label",
                    TargetKind::MultiLabel => "tag",
                };
                let near = near_miss(name, classes);
                let guess = near.map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
                format!(
                    "{}: unknown {what} `{name}`\nhint: {guess}the {} known come from the spec's \
                     `target.classes` or the sample submission's columns",
                    place(),
                    classes.len()
                )
            })
        };
        if kind == TargetKind::SingleLabel {
            if image.label.is_empty() {
                bail!(
                    "{}: no label for `{}`\nhint: give one, or delete the row",
                    place(),
                    image.id
                );
            }
            return Ok(vec![position(&image.label)?]);
        }
        let mut target: Vec<usize> =
            image.label.split_whitespace().map(position).collect::<Result<_>>()?;
        // Planet's table names `cultivation` twice in some rows.
        target.sort_unstable();
        target.dedup();
        Ok(target)
    }

    /// The distinct labels in byte order: the vocabulary of a competition that names none.
    pub(super) fn vocabulary(&self, kind: TargetKind) -> Classes {
        vocabulary(self.images.iter().map(|image| image.label.as_str()), kind)
    }
}

/// The classes that the table of labels names, in byte order, without a look at any image; the
/// spec's, if it names them, and none where there is no table.
pub fn tags(competition: &Competition, folder: &Path) -> Result<Option<Classes>> {
    let TargetSpec { classes, labels, kind, .. } = &competition.target;
    if !classes.is_empty() {
        return Ok(Some(classes.clone().into()));
    }
    let Labels::Csv { file, label, .. } = labels else { return Ok(None) };
    let Some(path) = index::find_file(folder, file) else { return Ok(None) };
    let table = Table::read(&path)?;
    let Some(at) = table.column(label) else { return Ok(None) };
    Ok(Some(vocabulary(table.rows.iter().map(|(_, row)| &row[at]), *kind)))
}

/// The distinct labels in byte order.
fn vocabulary<'a>(labels: impl Iterator<Item = &'a str>, kind: TargetKind) -> Classes {
    let mut names: Vec<String> = match kind {
        TargetKind::SingleLabel => labels.filter(|l| !l.is_empty()).map(str::to_owned).collect(),
        TargetKind::MultiLabel => {
            labels.flat_map(str::split_whitespace).map(str::to_owned).collect()
        }
    };
    names.sort_unstable();
    names.dedup();
    names.into()
}

/// Where a table has the columns of ids and labels.
fn positions(
    competition: &Competition,
    table: &Table,
    [id, label]: [&String; 2],
) -> Result<[usize; 2]> {
    let (Some(id_at), Some(label_at)) = (table.column(id), table.column(label)) else {
        bail!(
            "{}: the header is not that of `{}`\n  expected `{id},{label}`\n  found \
             \u{20}  `{}`\nhint: run `kaggle-kit fetch {}`, or change `target.labels.csv` in the \
             spec",
            table.place(1),
            competition.name,
            header_text(&table.header),
            competition.name
        );
    };
    Ok([id_at, label_at])
}

/// Joins the rows of a table with images by id.
fn join(
    competition: &Competition,
    table: &Table,
    columns: [&String; 2],
    images: Vec<ImageFile>,
) -> Result<LabelledImages> {
    let [id_at, label_at] = positions(competition, table, columns)?;
    let mut paths: HashMap<String, PathBuf> =
        images.into_iter().map(|image| (image.id, image.path)).collect();
    let mut lines: HashMap<&str, u64> = HashMap::with_capacity(table.rows.len());
    let mut labelled = Vec::with_capacity(table.rows.len());
    let mut without = Vec::new();
    for (line, row) in &table.rows {
        let (id, label) = (&row[id_at], &row[label_at]);
        if id.is_empty() {
            bail!("{}: no id\nhint: give one, or delete the row", table.place(*line));
        }
        if let Some(first) = lines.insert(id, *line) {
            bail!(
                "{}: id `{id}` is also on line {first}\nhint: keep one of the two rows",
                table.place(*line)
            );
        }
        match paths.remove(id) {
            Some(path) => labelled.push(Labelled {
                id: id.to_owned(),
                path,
                label: label.to_owned(),
                source: LabelSource::Line(*line),
            }),
            None => without.push(id),
        }
    }
    ensure!(
        without.is_empty(),
        "{} of the {} images in `{}` are not in `{}`: {}\nhint: run `kaggle-kit fetch {}` again, \
         or delete their rows",
        without.len(),
        table.rows.len(),
        table.path.display(),
        competition.files.train.join("`, `"),
        missing::first_three(&without),
        competition.name
    );
    Ok(LabelledImages {
        images: labelled,
        table: Some(table.path.clone()),
        unlabelled: paths.len(),
    })
}

/// The class that a misspelt name most likely means.
fn near_miss<'a>(name: &str, classes: &'a Classes) -> Option<&'a str> {
    let likeness = |class: &str| strsim::normalized_damerau_levenshtein(name, class);
    classes
        .names()
        .iter()
        .map(|class| (likeness(class), class.as_str()))
        .filter(|(likeness, _)| *likeness > 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, class)| class)
}
