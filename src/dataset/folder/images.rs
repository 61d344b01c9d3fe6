//! The images of a competition's folders.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::index::{self, ImageFile};
use super::missing;
use crate::competition::Competition;

/// Those of the training folders, each of which must be there.
pub(super) fn train(competition: &Competition, folder: &Path) -> Result<Vec<ImageFile>> {
    let files = &competition.files;
    let mut images = Vec::new();
    let mut last = None;
    for name in &files.train {
        let found = index::find_folder(folder, name, &files.extension)?;
        let found = found.with_context(|| missing::no_images(competition, folder, name))?;
        images.extend(index::images_of(&found, &files.extension)?);
        last = Some(found);
    }
    if let (true, Some(last)) = (images.is_empty(), last) {
        bail!(missing::empty_folder(competition, folder, &last)?);
    }
    index::check_ids(&images)?;
    Ok(images)
}

/// Those one level down in the training folders, each with the name of its folder, which is its label;
/// ids are `<folder>/<stem>`, since two folders may number their files alike.
pub(super) fn train_by_folder(
    competition: &Competition,
    folder: &Path,
) -> Result<Vec<(String, ImageFile)>> {
    let files = &competition.files;
    let mut images = Vec::new();
    for name in &files.train {
        let outer = folder.join(name);
        ensure!(outer.is_dir(), missing::no_images(competition, folder, name));
        for (label, inner) in index::folders_of(&outer)? {
            for mut image in index::images_of(&inner, &files.extension)? {
                image.id = format!("{label}/{}", image.id);
                images.push((label.clone(), image));
            }
        }
    }
    if images.is_empty() {
        bail!(missing::empty_folder(competition, folder, &folder.join(&files.train[0]))?);
    }
    let ids: Vec<ImageFile> = images.iter().map(|(_, image)| image.clone()).collect();
    index::check_ids(&ids)?;
    Ok(images)
}

/// Those of the test folders, one of which must be there.
pub(super) fn test(competition: &Competition, folder: &Path) -> Result<Vec<ImageFile>> {
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
        bail!(missing::no_images(competition, folder, &files.test[0]));
    };
    if images.is_empty() {
        bail!(missing::empty_folder(competition, folder, &first_found)?);
    }
    index::check_ids(&images)?;
    Ok(images)
}
