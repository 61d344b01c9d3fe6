//! A data folder as a value: classes, training images with targets, test images in order.

use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::doubts::{self, Labelling, Vocabulary};
use super::found::{Found, TableFound};
use super::groups;
use super::index::natural_order;
use super::labels::{self, LabelledImages};
use super::missing::{self, SHOWN};
use super::names;
use super::sample_submission::{self, SampleSubmission};
use super::test_images::{self, Pooled};
use crate::competition::{Competition, Labels, SubmissionFormat};
use crate::dataset::sample::Sample;
use crate::target::{Classes, TargetKind};
use crate::term;

/// Characters of the longest name of a class.
const LONGEST_NAME: usize = 1000;

/// What a competition's data folder holds.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The vocabulary.
    pub classes: Classes,
    /// One class an image, tags, a level, or numbers.
    pub kind: TargetKind,
    /// The labelled images, in natural order of their ids.
    pub train: Vec<Sample>,
    /// The images to predict, in the sample submission's order.
    pub test: Vec<Sample>,
    /// Training images (indices) that must not be parted, by `[split]` of the spec; sorted, disjoint, of
    /// two images at least.
    pub groups: Vec<Vec<usize>>,
    /// How many images in the training folders have no label, and are left out.
    pub unlabelled: usize,
    /// How many images in the test folders the sample submission does not name.
    pub unlisted: usize,
    /// All of that for a person, and what there is to look at.
    pub found: Found,
}

/// Reads labels, sample submission and folders, and joins them. Looks at no image: see
/// [`find_twins`](crate::dataset::find_twins).
pub fn open(competition: &Competition, folder: &Path) -> Result<Dataset> {
    missing::check_folder(competition, folder)?;
    let (labelled, sample) = if needs_sample(competition) {
        let sample = sample_submission::find(competition, folder)?;
        (labels::read(competition, folder, &sample.sample.columns())?, sample)
    } else {
        let labelled = labels::read(competition, folder, &[])?;
        (labelled, sample_submission::find(competition, folder)?)
    };
    let kind = competition.target.kind;
    let (classes, vocabulary) = classes_of(competition, &sample, &labelled);
    check_columns(competition, &sample.sample, &classes)?;
    check_groups(competition, &classes)?;
    check_tags(competition, &classes)?;
    check_numbers(competition, &labelled, &classes)?;
    let (train, rows) = train_of(&labelled, kind, &classes)?;
    ensure!(
        !train.is_empty(),
        "no labelled training image in `{}`\nhint: {}",
        folder.display(),
        match (&labelled.table, labelled.skipped) {
            (Some(table), n @ 1..) => format!(
                "{} of `{}` without a label: is it the right column?",
                term::count(n, "row"),
                table.name
            ),
            _ => format!("run `{}`", competition.command("fetch")),
        }
    );
    let of_test = test_images::join(competition, folder, &sample, &classes)?;
    let unlisted =
        test_images::not_among(of_test.unlisted, train.iter().map(|sample| &sample.path)).len();
    let paths_of_test = of_test.samples.iter().map(|sample| &sample.path);
    let unlabelled = test_images::not_among(labelled.unlabelled.clone(), paths_of_test).len();
    let grouped = groups::find(competition, folder, &train, &rows, labelled.table.as_ref())?;
    let mut found = Found {
        files: [labelled.files.as_slice(), &of_test.files].concat(),
        labels: labelled
            .table
            .as_ref()
            .map(|table| TableFound { name: table.name.clone(), rows: table.table.rows.len() }),
        labelled: train.len(),
        unlabelled,
        skipped: labelled.skipped,
        doubled: labelled.doubled,
        merged: labelled.merged,
        without_tags: doubts::without_tags(kind, &train),
        channels: competition.files.used_channels().to_vec(),
        groups: grouped.as_ref().map(|grouped| grouped.found.clone()),
        sample: TableFound {
            name: competition.files.sample.to_string(),
            rows: sample.sample.ids.len(),
        },
        test_images: of_test.samples.len(),
        unlisted,
        classes: classes.len(),
        vocabulary: vocabulary.name().to_owned(),
        unknown: competition.target.unknown.clone().filter(|name| classes.position(name).is_some()),
        names: names::names(competition, folder)?,
        notes: sample.notes.clone(),
        warnings: Vec::new(),
    };
    found.notes.extend(doubts::note_of_floats(&labelled, &classes));
    found.warnings = doubts::left_out(competition, &found);
    let targets = labelled.images.iter().map(|image| labelled.target(image, kind, &classes));
    let targets = targets.collect::<Result<Vec<_>>>()?;
    let targets = targets.iter().map(Vec::as_slice).collect();
    let labelling =
        Labelling { competition, images: &labelled.images, targets, classes: &classes, vocabulary };
    found.warnings.extend(labelling.doubts());
    Ok(Dataset {
        classes,
        kind,
        train,
        test: of_test.samples,
        groups: grouped.map(|grouped| grouped.groups).unwrap_or_default(),
        unlabelled: found.unlabelled,
        unlisted,
        found,
    })
}

/// Whether the sample's columns tell what the labels are.
fn needs_sample(competition: &Competition) -> bool {
    let labels = &competition.target.labels;
    let has_table =
        matches!(labels, Labels::Csv { .. } | Labels::Json { .. } | Labels::Record { .. });
    has_table && labels.label_column().is_none()
}

/// The labelled images in natural order of their ids, and the rows of the table about each.
fn train_of(
    labelled: &LabelledImages,
    kind: TargetKind,
    classes: &Classes,
) -> Result<(Vec<Sample>, Vec<Vec<usize>>)> {
    let mut train = Vec::with_capacity(labelled.images.len());
    for image in &labelled.images {
        let sample = Sample {
            id: image.id.clone(),
            path: image.path.clone(),
            planes: image.planes.clone(),
            target: labelled.target(image, kind, classes)?,
            numbers: image.numbers.clone(),
        };
        train.push((sample, image.rows.clone()));
    }
    train.sort_by(|(a, _), (b, _)| natural_order(&a.id, &b.id));
    Ok(train.into_iter().unzip())
}

/// Reads the test images alone, for a model that answers with `classes`.
pub fn open_test(
    competition: &Competition,
    folder: &Path,
    classes: &Classes,
) -> Result<Vec<Sample>> {
    missing::check_folder(competition, folder)?;
    let sample = sample_submission::find(competition, folder)?;
    if let SubmissionFormat::ProbabilityPerClass { .. } = competition.submission {
        let columns = sample.sample.columns();
        if let Some(class) = classes.names().iter().find(|class| !columns.contains(class)) {
            bail!(
                "`{}` has no column for class `{}` that the model knows\nhint: the sample \
                 submission changed after training: train again",
                competition.files.sample,
                term::short(class, SHOWN)
            );
        }
        if let Some(column) = columns.iter().find(|column| classes.position(column).is_none()) {
            bail!(
                "`{}` has a column `{}`, a class that the model does not know\nhint: the sample \
                 submission changed after training: train again",
                competition.files.sample,
                term::short(column, SHOWN)
            );
        }
    }
    Ok(test_images::join(competition, folder, &sample, classes)?.samples)
}

/// The images of each of the sample's answers, in its order, where an answer is for several (`pool`).
pub fn pools(
    competition: &Competition,
    folder: &Path,
    classes: &Classes,
) -> Result<Option<Vec<Pooled>>> {
    if competition.submission.pool().is_none() {
        return Ok(None);
    }
    let sample = sample_submission::find(competition, folder)?;
    Ok(test_images::join(competition, folder, &sample, classes)?.pools)
}

/// The vocabulary: the spec's, else the sample's columns where each is a class, else the labels
/// that occur.
fn classes_of(
    competition: &Competition,
    sample: &sample_submission::Read,
    labelled: &LabelledImages,
) -> (Classes, Vocabulary) {
    if !competition.target.classes.is_empty() {
        return (competition.target.classes.clone().into(), Vocabulary::Spec);
    }
    let columns = sample.sample.columns();
    let of_spec = || competition.target.labels.label_column();
    match (&competition.submission, competition.target.kind) {
        (SubmissionFormat::ProbabilityPerClass { .. } | SubmissionFormat::Numbers { .. }, _) => {
            (columns.into(), Vocabulary::Sample)
        }
        (_, TargetKind::Number) => {
            let names = of_spec().map_or(columns, |label| vec![label.to_owned()]);
            (names.into(), Vocabulary::Sample)
        }
        (_, kind) => (labelled.vocabulary(kind), Vocabulary::Labels),
    }
}

/// Where each class has a column of the upload, the spec's classes must be those columns: found here, not
/// when hours of training are to be written down.
fn check_columns(
    competition: &Competition,
    sample: &SampleSubmission,
    classes: &Classes,
) -> Result<()> {
    let (SubmissionFormat::ProbabilityPerClass { .. } | SubmissionFormat::Numbers { .. }) =
        competition.submission
    else {
        return Ok(());
    };
    let columns = sample.columns();
    let absent = classes.names().iter().find(|class| !columns.contains(class));
    let unknown = columns.iter().find(|column| classes.position(column).is_none());
    let what = match (absent, unknown) {
        (None, None) => return Ok(()),
        (Some(class), _) => format!("has no column for the class `{}`", term::short(class, SHOWN)),
        (None, Some(column)) => {
            format!("has a column `{}`, which is none of the classes", term::short(column, SHOWN))
        }
    };
    bail!(
        "`{}` {what}\nhint: leave `target.classes` out of the spec: the sample's columns are the classes",
        competition.files.sample
    )
}

/// Every image has as many numbers as are asked for.
fn check_numbers(
    competition: &Competition,
    labelled: &LabelledImages,
    classes: &Classes,
) -> Result<()> {
    let n = labelled.images.first().map_or(0, |image| image.numbers.len());
    ensure!(
        competition.target.kind != TargetKind::Number || n == classes.len() || n == 0,
        "the labels have {}, but `{}` has {} of answers\nhint: leave `label` out of `target.labels.{}`, and \
         the sample's columns are read",
        term::count(n, "number"),
        competition.files.sample,
        term::count(classes.len(), "column"),
        competition.target.labels.name()
    );
    Ok(())
}

/// A rule about tags must name tags that there are, unless the spec says that they may be absent: else
/// what is not there any more would be dropped without a word.
fn check_groups(competition: &Competition, classes: &Classes) -> Result<()> {
    let groups = &competition.target.groups;
    let unknown = groups.names().find(|name| classes.position(name).is_none());
    let Some(unknown) = unknown.filter(|_| !groups.may_be_absent) else { return Ok(()) };
    bail!(
        "`target.groups` names `{}`, which no training image has\nhint: correct the name or take it \
         out; `may-be-absent = true` in `[target.groups]` says that a part of the images may lack some",
        term::short(unknown, SHOWN)
    )
}

/// Tags of an upload are separated, so none may hold what separates them; and no class is a whole text.
fn check_tags(competition: &Competition, classes: &Classes) -> Result<()> {
    let is_long = |name: &&String| name.chars().nth(LONGEST_NAME).is_some();
    if let Some(name) = classes.names().iter().find(is_long) {
        bail!(
            "a class has a name of more than {LONGEST_NAME} characters: `{}`\nhint: is a quote in the \
             table left open?",
            term::short(name, SHOWN)
        );
    }
    let SubmissionFormat::TagList { separator, .. } = &competition.submission else {
        return Ok(());
    };
    if let Some(separator) = separator {
        let with_it = classes.names().iter().find(|name| name.contains(separator));
        if let Some(name) = with_it {
            bail!(
                "the tag `{}` has a `{separator}` in it, which separates the tags of an upload\nhint: say \
                 `separator = \"{separator}\"` in `[target.labels.{}]` as well, if it separates tags there",
                term::short(name, SHOWN),
                competition.target.labels.name()
            );
        }
        return Ok(());
    }
    let with_blank = classes.names().iter().find(|name| name.contains(char::is_whitespace));
    if let Some(name) = with_blank {
        bail!(
            "the tag `{}` has a blank in it, but an upload's tags are separated by blanks\nhint: give \
             it another name in the table of labels",
            term::short(name, SHOWN)
        );
    }
    Ok(())
}
