//! A data folder as a value: classes, training images with targets, test images in order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::index::{self, natural_order};
use super::labels::{self, LabelledImages};
use super::sample_submission::SampleSubmission;
use crate::competition::{Competition, SubmissionFormat};
use crate::fs;
use crate::target::{Classes, TargetKind};

/// One image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What tables call it: the file's name without its extension (with labels by folder,
    /// `<folder>/<stem>`).
    pub id: String,
    /// Where it is.
    pub path: PathBuf,
    /// Class indices, sorted: exactly one for a single label, none for a test image.
    pub target: Vec<usize>,
}

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
}

/// Reads labels, sample submission and folders, and joins them. Looks at no image: see
/// [`audit`](super::audit()).
pub fn open(competition: &Competition, folder: &Path) -> Result<Dataset> {
    check_folder(competition, folder)?;
    let labelled = labels::read(competition, folder)?;
    let sample = SampleSubmission::find(competition, folder)?;
    let kind = competition.target.kind;
    let classes = classes_of(competition, &sample, &labelled);
    let mut train = labelled
        .images
        .iter()
        .map(|image| {
            let target = labelled.target(image, kind, &classes)?;
            Ok(Sample { id: image.id.clone(), path: image.path.clone(), target })
        })
        .collect::<Result<Vec<_>>>()?;
    ensure!(
        !train.is_empty(),
        "no labelled training image in `{}`\nhint: run `kaggle-kit fetch {}`",
        folder.display(),
        competition.name
    );
    train.sort_by(|a, b| natural_order(&a.id, &b.id));
    let (test, unlisted) = join_test(competition, folder, sample)?;
    Ok(Dataset { classes, kind, train, test, unlabelled: labelled.unlabelled, unlisted })
}

/// Reads the test images alone, for a model that answers with `classes`.
pub fn open_test(
    competition: &Competition,
    folder: &Path,
    classes: &Classes,
) -> Result<Vec<Sample>> {
    check_folder(competition, folder)?;
    let sample = SampleSubmission::find(competition, folder)?;
    if let SubmissionFormat::ProbabilityPerClass { .. } = competition.submission {
        let columns = &sample.header[1..];
        if let Some(class) = classes.names().iter().find(|class| !columns.contains(class)) {
            bail!(
                "`{}` has no column for class `{class}` that the model knows\nhint: the sample \
                 submission changed after training: train again",
                competition.files.sample
            );
        }
        if let Some(column) = columns.iter().find(|column| classes.position(column).is_none()) {
            bail!(
                "`{}` has a column `{column}`, a class that the model does not know\nhint: the \
                 sample submission changed after training: train again",
                competition.files.sample
            );
        }
    }
    Ok(join_test(competition, folder, sample)?.0)
}

/// Fails when there is no data at all.
fn check_folder(competition: &Competition, folder: &Path) -> Result<()> {
    let there = folder.is_dir() && fs::read_dir(folder)?.next().is_some();
    ensure!(
        there,
        "no data for `{name}` in `{}`\nhint: run `kaggle-kit fetch {name}`",
        folder.display(),
        name = competition.name
    );
    Ok(())
}

/// The vocabulary: the spec's, else the sample's columns where each is a class, else the labels
/// that occur.
fn classes_of(
    competition: &Competition,
    sample: &SampleSubmission,
    labelled: &LabelledImages,
) -> Classes {
    if !competition.target.classes.is_empty() {
        return competition.target.classes.clone().into();
    }
    match competition.submission {
        SubmissionFormat::ProbabilityPerClass { .. } => sample.header[1..].to_vec().into(),
        _ => labelled.vocabulary(competition.target.kind),
    }
}

/// The test images in the sample's order, and how many others lie beside them.
fn join_test(
    competition: &Competition,
    folder: &Path,
    sample: SampleSubmission,
) -> Result<(Vec<Sample>, usize)> {
    let files = &competition.files;
    let mut images = Vec::new();
    let mut first_found = None;
    for name in &files.test {
        if let Some(found) = index::find_folder(folder, name, &files.extension)? {
            images.extend(index::images_of(&found, &files.extension)?);
            first_found.get_or_insert(found);
        }
    }
    let Some(first_found) = first_found else {
        bail!(labels::no_images(competition, folder, &files.test[0]));
    };
    if images.is_empty() {
        bail!(labels::empty_folder(competition, folder, &first_found)?);
    }
    index::check_ids(&images)?;
    let mut paths: HashMap<String, PathBuf> =
        images.into_iter().map(|image| (image.id, image.path)).collect();
    let n_ids = sample.ids.len();
    let mut test = Vec::with_capacity(n_ids);
    let mut missing = Vec::new();
    for id in sample.ids {
        match paths.remove(&id) {
            Some(path) => test.push(Sample { id, path, target: Vec::new() }),
            None => missing.push(id),
        }
    }
    let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
    ensure!(
        missing.is_empty(),
        "{} of the {n_ids} ids in `{}` have no image in `{}`: {}\nhint: run `kaggle-kit fetch {}` \
         again; is the sample submission that of these images?",
        missing.len(),
        files.sample,
        files.test.join("`, `"),
        labels::first_three(&missing),
        competition.name
    );
    Ok((test, paths.len()))
}
