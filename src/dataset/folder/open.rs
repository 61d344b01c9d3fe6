//! A data folder as a value: classes, training images with targets, test images in order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::images;
use super::index::natural_order;
use super::labels::{self, LabelledImages};
use super::missing;
use super::sample_submission::SampleSubmission;
use crate::competition::{Competition, SubmissionFormat};
use crate::dataset::sample::Sample;
use crate::target::{Classes, TargetKind};

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
    missing::check_folder(competition, folder)?;
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
    missing::check_folder(competition, folder)?;
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
    let images = images::test(competition, folder)?;
    let mut paths: HashMap<String, PathBuf> =
        images.into_iter().map(|image| (image.id, image.path)).collect();
    let n_ids = sample.ids.len();
    let mut test = Vec::with_capacity(n_ids);
    let mut without = Vec::new();
    for id in sample.ids {
        match paths.remove(&id) {
            Some(path) => test.push(Sample { id, path, target: Vec::new() }),
            None => without.push(id),
        }
    }
    let without: Vec<&str> = without.iter().map(String::as_str).collect();
    ensure!(
        without.is_empty(),
        "{} of the {n_ids} ids in `{}` have no image in `{}`: {}\nhint: run `kaggle-kit fetch {}` \
         again; is the sample submission that of these images?",
        without.len(),
        competition.files.sample,
        competition.files.test.join("`, `"),
        missing::first_three(&without),
        competition.name
    );
    Ok((test, paths.len()))
}
