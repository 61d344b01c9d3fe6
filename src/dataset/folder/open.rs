//! A data folder as a value: classes, training images with targets, test images in order.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::doubts::{Labelling, Vocabulary};
use super::found::{Found, TableFound};
use super::images::{self, Images};
use super::index::{Asked, ByName, ImageFile, natural_order};
use super::labels::{self, LabelledImages};
use super::missing::{self, SHOWN};
use super::sample_submission::{self, SampleSubmission};
use crate::competition::{Competition, Labels, SubmissionFormat};
use crate::dataset::sample::Sample;
use crate::explain;
use crate::target::{Classes, TargetKind};
use crate::term;

/// Characters of the longest name of a class.
const LONGEST_NAME: usize = 1000;

/// What a competition's data folder holds.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The vocabulary.
    pub classes: Classes,
    /// One class an image, or tags.
    pub kind: TargetKind,
    /// The labelled images, in natural order of their ids.
    pub train: Vec<Sample>,
    /// The images to predict, in the sample submission's order.
    pub test: Vec<Sample>,
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
    let (mut labelled, sample) = if let Labels::Csv { label: None, .. } = competition.target.labels
    {
        let sample = sample_submission::find(competition, folder)?;
        (labels::read(competition, folder, &class_columns(competition, &sample))?, sample)
    } else {
        let labelled = labels::read(competition, folder, &[])?;
        (labelled, sample_submission::find(competition, folder)?)
    };
    let kind = competition.target.kind;
    let (classes, vocabulary) = classes_of(competition, &sample, &labelled);
    check_columns(competition, &sample.sample, &classes)?;
    check_groups(competition, &classes)?;
    check_tags(competition, &classes)?;
    let mut train = labelled
        .images
        .iter()
        .map(|image| {
            let target = labelled.target(image, kind, &classes)?;
            Ok(Sample::new(image.id.clone(), image.path.clone(), target))
        })
        .collect::<Result<Vec<_>>>()?;
    ensure!(
        !train.is_empty(),
        "no labelled training image in `{}`\nhint: run `{}`",
        folder.display(),
        competition.command("fetch")
    );
    let of_test = join_test(competition, folder, &sample)?;
    let unlisted = not_among(&of_test.unlisted, train.iter().map(|sample| &sample.path));
    labelled.unlabelled =
        without(labelled.unlabelled, of_test.samples.iter().map(|sample| &sample.path));
    let mut found = Found {
        files: labelled.files.clone(),
        labels: labelled
            .table
            .as_ref()
            .map(|table| TableFound { name: table.name.clone(), rows: table.rows }),
        labelled: train.len(),
        unlabelled: labelled.unlabelled.len(),
        without_tags: train.iter().filter(|sample| sample.target.is_empty()).count(),
        sample: TableFound {
            name: competition.files.sample.to_string(),
            rows: of_test.samples.len(),
        },
        unlisted,
        classes: classes.len(),
        vocabulary: vocabulary.name().to_owned(),
        notes: sample.notes.clone(),
        warnings: Vec::new(),
    };
    found.files.extend(of_test.files);
    found.notes.extend(note_of_floats(&labelled, &classes));
    found.warnings = left_out(competition, &found);
    let targets = train.iter().map(|sample| sample.target.as_slice()).collect();
    let labelling =
        Labelling { competition, images: &labelled.images, targets, classes: &classes, vocabulary };
    found.warnings.extend(labelling.doubts());
    train.sort_by(|a, b| natural_order(&a.id, &b.id));
    Ok(Dataset {
        classes,
        kind,
        train,
        test: of_test.samples,
        unlabelled: found.unlabelled,
        unlisted,
        found,
    })
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
        let columns = &sample.sample.header[1..];
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
    Ok(join_test(competition, folder, &sample)?.samples)
}

/// The classes that have columns of their own in the table of labels.
fn class_columns(competition: &Competition, sample: &sample_submission::Read) -> Vec<String> {
    match (competition.target.classes.as_slice(), &competition.submission) {
        ([], SubmissionFormat::ProbabilityPerClass { .. }) => sample.sample.header[1..].to_vec(),
        (classes, _) => classes.to_vec(),
    }
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
    match competition.submission {
        SubmissionFormat::ProbabilityPerClass { .. } => {
            (sample.sample.header[1..].to_vec().into(), Vocabulary::Sample)
        }
        _ => (labelled.vocabulary(), Vocabulary::Labels),
    }
}

/// Where each class has a column of the upload, the spec's classes must be those columns: found here, not
/// when hours of training are to be written down.
fn check_columns(
    competition: &Competition,
    sample: &SampleSubmission,
    classes: &Classes,
) -> Result<()> {
    let SubmissionFormat::ProbabilityPerClass { .. } = competition.submission else {
        return Ok(());
    };
    let columns = &sample.header[1..];
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

/// Tags of an upload are separated by blanks, so none may hold one; and no class is a whole text.
fn check_tags(competition: &Competition, classes: &Classes) -> Result<()> {
    let is_long = |name: &&String| name.chars().nth(LONGEST_NAME).is_some();
    if let Some(name) = classes.names().iter().find(is_long) {
        bail!(
            "a class has a name of more than {LONGEST_NAME} characters: `{}`\nhint: is a quote in the \
             table left open?",
            term::short(name, SHOWN)
        );
    }
    let SubmissionFormat::TagList { .. } = competition.submission else { return Ok(()) };
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

/// Test images in the sample's order, and what else lies beside them.
struct TestImages {
    samples: Vec<Sample>,
    unlisted: Vec<ImageFile>,
    files: Vec<super::found::FilesFound>,
}

fn join_test(
    competition: &Competition,
    folder: &Path,
    sample: &sample_submission::Read,
) -> Result<TestImages> {
    let Images { images, files } = images::test(competition, folder)?;
    let mut by_name = ByName::new(images);
    let SampleSubmission { ids, .. } = &sample.sample;
    let mut samples = Vec::with_capacity(ids.len());
    let mut without: Vec<&str> = Vec::new();
    for (row, id) in (1..).zip(ids) {
        match by_name.take(id, row) {
            Asked::Image(image) => {
                let (id, path) = (id.clone(), image.path.clone());
                samples.push(Sample::new(id, path, Vec::new()));
            }
            Asked::Again(first) => bail!(
                "`{}`: the ids of rows {first} and {row} are one image, `{}`\nhint: is the sample \
                 submission that of these images?",
                competition.files.sample,
                term::short(id, SHOWN)
            ),
            Asked::Unknown => without.push(id),
        }
    }
    if !without.is_empty() {
        let hint = match explain::change(&without, by_name.ids()) {
            Some(change) => change.in_table("the images"),
            None => format!(
                "run `{}` again; is the sample submission that of these images?",
                competition.command("fetch")
            ),
        };
        bail!(
            "{} of the {} ids in `{}` have no image in `{}`: {}\nhint: {hint}",
            without.len(),
            ids.len(),
            competition.files.sample,
            competition.files.test.join("`, `"),
            missing::first_three(&without)
        );
    }
    Ok(TestImages { samples, unlisted: by_name.left(), files })
}

/// Images that are not among others, which may lie in the same folder.
fn without<'a>(
    images: Vec<ImageFile>,
    others: impl Iterator<Item = &'a std::path::PathBuf>,
) -> Vec<ImageFile> {
    let others: HashSet<&std::path::PathBuf> = others.collect();
    images.into_iter().filter(|image| !others.contains(&image.path)).collect()
}

fn not_among<'a>(
    images: &[ImageFile],
    others: impl Iterator<Item = &'a std::path::PathBuf>,
) -> usize {
    without(images.to_vec(), others).len()
}

/// A word on labels that are floats in the table and whole numbers elsewhere.
fn note_of_floats(labelled: &LabelledImages, classes: &Classes) -> Option<String> {
    let labels = labelled.images.iter().flat_map(|image| &image.labels);
    let mut floats = labels.filter(|label| classes.position(label).is_none());
    let first = floats.next()?;
    let meant = &classes.names()[classes.meant_by(first)?];
    Some(format!("labels such as `{first}` are taken for `{meant}`"))
}

/// Images that no table names: how a table that was cut short shows itself.
fn left_out(competition: &Competition, found: &Found) -> Vec<String> {
    let files = &competition.files;
    let mut warnings = Vec::new();
    if let (Some(table), 1..) = (&found.labels, found.unlabelled) {
        warnings.push(format!(
            "{} of {} in `{}` have no row in `{}` and are left out: is the table whole?",
            term::thousands(found.unlabelled),
            term::count(found.unlabelled + found.labelled, "image"),
            files.train.join("`, `"),
            table.name
        ));
    }
    if found.unlisted > 0 {
        warnings.push(format!(
            "{} of {} in `{}` have no row in `{}` and are left out: is it the right sample?",
            term::thousands(found.unlisted),
            term::count(found.unlisted + found.sample.rows, "image"),
            files.test.join("`, `"),
            found.sample.name
        ));
    }
    warnings
}
