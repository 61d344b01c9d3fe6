//! Labels that are a part of the image's own path.

use std::path::Path;

use anyhow::{Result, bail};

use super::super::images::{self, Images};
use super::super::index::{self, ImageFile};
use super::{LabelSource, Labelled, LabelledImages, split_and_renamed};
use crate::competition::{Competition, Labels, TargetSpec};

/// Reads labels from file names or folders.
pub(super) fn read(competition: &Competition, folder: &Path) -> Result<LabelledImages> {
    let target = &competition.target;
    let Labels::FileName { separator, pattern } = &target.labels else {
        let (images, labels) = images::train_by_folder(competition, folder)?;
        return Ok(of_paths(images, &labels, target));
    };
    let Images { images, files } = images::of(competition, folder, true)?;
    index::check_ids(&images, "files.train")?;
    let label = |image: &ImageFile| {
        let (label, what) = match (separator, pattern) {
            (_, Some(pattern)) => {
                let name = image.path.file_name().unwrap_or_default().to_string_lossy();
                let label =
                    pattern.find(&image.id, "label").or_else(|| pattern.find(&name, "label"));
                (label.map(str::to_owned), format!("that `{}` finds", pattern.as_str()))
            }
            (separator, None) => {
                let separator = separator.as_deref().unwrap_or(".");
                let label = image.id.split_once(separator).map(|(label, _)| label.to_owned());
                (label, format!("before a `{separator}`"))
            }
        };
        match label {
            Some(label) if !label.is_empty() => Ok(label),
            _ => bail!(
                "no label {what} in the name of `{}`\nhint: move the file away, or change \
                 `target.labels.file-name` in the spec",
                image.path.display()
            ),
        }
    };
    let labels = images.iter().map(label).collect::<Result<Vec<String>>>()?;
    Ok(of_paths(Images { images, files }, &labels, target))
}

fn of_paths(images: Images, labels: &[String], target: &TargetSpec) -> LabelledImages {
    let labelled = |(ImageFile { id, path }, label): (ImageFile, &String)| Labelled {
        id,
        path,
        planes: Vec::new(),
        labels: split_and_renamed(label, target),
        numbers: Vec::new(),
        source: LabelSource::Path,
        rows: Vec::new(),
    };
    LabelledImages {
        images: images.images.into_iter().zip(labels).map(labelled).collect(),
        table: None,
        unlabelled: Vec::new(),
        files: images.files,
        skipped: 0,
        doubled: 0,
        merged: 0,
    }
}
