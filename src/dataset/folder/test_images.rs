//! The images to predict: those of the sample's ids, in its order.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::finder::{Finder, nothing};
use super::found::FilesFound;
use super::index::ImageFile;
use super::missing::{self, SHOWN};
use super::sample_submission::{self, SampleSubmission};
use super::table::Table;
use crate::competition::{Competition, Labels, SubmissionFormat};
use crate::dataset::sample::Sample;
use crate::explain;
use crate::target::Classes;
use crate::term;

/// Test images in the sample's order, and what else lies beside them.
pub(super) struct TestImages {
    pub(super) samples: Vec<Sample>,
    pub(super) unlisted: Vec<ImageFile>,
    pub(super) files: Vec<FilesFound>,
    /// The images of each answer, where it is for several.
    pub(super) pools: Option<Vec<Pooled>>,
}

/// The images that an answer is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pooled {
    /// The answer's id in the sample.
    pub id: String,
    /// The ids of the images.
    pub images: Vec<String>,
}

/// Finds the image of each of the sample's ids; `classes` are what the ids of long samples are cut at.
pub(super) fn join(
    competition: &Competition,
    folder: &Path,
    sample: &sample_submission::Read,
    classes: &Classes,
) -> Result<TestImages> {
    let ids = answers(competition, &sample.sample, classes)?;
    let described = Described::open(competition, folder, &ids)?;
    let mut finder = Finder::new(competition, folder, false)?;
    let mut rows_of: HashMap<PathBuf, usize> = HashMap::with_capacity(ids.len());
    let mut samples: Vec<Sample> = Vec::with_capacity(ids.len());
    let mut pools: Option<Vec<Pooled>> = competition.submission.pool().map(|_| Vec::new());
    let mut without: Vec<&str> = Vec::new();
    for (row, &id) in (1..).zip(&ids) {
        let images = match &described {
            Some(described) => described.images(id),
            None => vec![(id, None)],
        };
        let mut of_answer = Vec::new();
        for (image, record) in images {
            let fields = |name: &str| described.as_ref()?.field(record?, name);
            let found = if record.is_some() {
                finder.find(image, &fields)?
            } else {
                finder.find(image, &nothing)?
            };
            let Some(picture) = found else { continue };
            of_answer.push(image.to_owned());
            if let Some(first) = rows_of.insert(picture.path.clone(), row) {
                if pools.is_some() {
                    continue;
                }
                bail!(
                    "`{}`: the ids of rows {first} and {row} are one image, `{}`\nhint: is the sample \
                     submission that of these images?",
                    competition.files.sample,
                    term::short(id, SHOWN)
                );
            }
            let planes = picture.planes;
            samples.push(Sample { planes, ..Sample::new(image, picture.path, Vec::new()) });
        }
        if of_answer.is_empty() {
            without.push(id);
        }
        if let Some(pools) = &mut pools {
            pools.push(Pooled { id: id.to_owned(), images: of_answer });
        }
    }
    if !without.is_empty() {
        bail!(absent(competition, &without, ids.len(), &finder));
    }
    let (unlisted, files) = finder.finish();
    Ok(TestImages { samples, unlisted, files, pools })
}

/// What the sample's rows are about, each once: its ids, or, where a row is an image and a class, the first
/// part of them.
pub(super) fn answers<'s>(
    competition: &Competition,
    sample: &'s SampleSubmission,
    classes: &Classes,
) -> Result<Vec<&'s str>> {
    let SubmissionFormat::Long { row, .. } = &competition.submission else {
        return Ok(sample.ids.iter().map(String::as_str).collect());
    };
    let mut seen: HashSet<&str> = HashSet::new();
    let mut ids = Vec::new();
    for (nth, text) in (1..).zip(&sample.ids) {
        let (id, _) = row.split(text, classes.names()).with_context(|| {
            format!(
                "`{}`, row {nth}: `{}` is no image and class, as in `{row}`\nhint: the classes are {}",
                competition.files.sample,
                term::short(text, SHOWN),
                missing::first_three(&classes.names().iter().map(String::as_str).collect::<Vec<_>>())
            )
        })?;
        if seen.insert(id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// `files.test-table`: what is known of test images.
struct Described {
    table: Table,
    /// The column of the images' ids.
    id_at: usize,
    /// The rows of each answer.
    rows: HashMap<String, Vec<usize>>,
}

impl Described {
    /// `ids` are those of the answers.
    fn open(competition: &Competition, folder: &Path, ids: &[&str]) -> Result<Option<Self>> {
        let Some(name) = &competition.files.test_table else { return Ok(None) };
        let table = Table::open(&missing::find_table(competition, folder, name)?)?;
        let of_answers = competition.submission.id_column();
        let of_labels = competition.target.labels.id_column();
        let is_pooled = competition.submission.pool().is_some();
        let is_long = matches!(&competition.target.labels, Labels::Csv { row: Some(_), .. });
        let mut named: Vec<usize> = Vec::new();
        let of_labels_here = of_labels.filter(|_| !is_long);
        for name in of_labels_here.into_iter().chain((!is_pooled).then_some(of_answers)) {
            named.extend(table.column(name)?);
        }
        // Where there are both, the ids may be paths and those of answers numbers.
        let ids: HashSet<&str> = ids.iter().copied().collect();
        let has_answers = |&at: &usize| table.rows.iter().any(|(_, row)| ids.contains(&row[at]));
        let of_answers_at = named.iter().copied().find(has_answers);
        let id_at = match of_answers_at.filter(|_| !is_pooled).or(named.first().copied()) {
            Some(at) => at,
            // Says which columns there are.
            None => table.named(of_labels.unwrap_or(of_answers), "target.labels")?,
        };
        let key_at = if is_pooled { table.named(of_answers, "submission")? } else { id_at };
        let mut rows: HashMap<String, Vec<usize>> = HashMap::with_capacity(table.rows.len());
        for (nth, (_, row)) in table.rows.iter().enumerate() {
            rows.entry(row[key_at].to_owned()).or_default().push(nth);
        }
        Ok(Some(Self { table, id_at, rows }))
    }

    /// The ids of an answer's images, with their rows; an answer that has none is an image itself.
    fn images<'a>(&'a self, id: &'a str) -> Vec<(&'a str, Option<usize>)> {
        match self.rows.get(id) {
            Some(rows) => {
                rows.iter().map(|&row| (&self.table.rows[row].1[self.id_at], Some(row))).collect()
            }
            None => vec![(id, None)],
        }
    }

    fn field(&self, row: usize, name: &str) -> Option<&str> {
        let at = self.table.header.iter().position(|column| column == name)?;
        self.table.rows[row].1.get(at)
    }
}

/// What to say about ids of the sample that have no image.
fn absent(competition: &Competition, without: &[&str], n: usize, finder: &Finder) -> String {
    let known = finder.ids();
    let hint = if let Some(expected) = finder.expected(without[0], &nothing) {
        format!("`{expected}` is not there: change `files.test` in the spec, or run fetch again")
    } else if let Some(change) = explain::change(without, known.iter().copied()) {
        change.in_table("the images")
    } else {
        format!(
            "run `{}` again; is the sample submission that of these images?",
            competition.command("fetch")
        )
    };
    format!(
        "{} of the {n} ids in `{}` have no image in `{}`: {}\nhint: {hint}",
        without.len(),
        competition.files.sample,
        competition.files.test.join("`, `"),
        missing::first_three(without)
    )
}

/// Test images that lie where training images do are not left out.
pub(super) fn not_among<'a>(
    images: Vec<ImageFile>,
    others: impl Iterator<Item = &'a PathBuf>,
) -> Vec<ImageFile> {
    let others: HashSet<&PathBuf> = others.collect();
    images.into_iter().filter(|image| !others.contains(&image.path)).collect()
}
