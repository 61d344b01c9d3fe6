//! The images of a competition's folders.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::found::FilesFound;
use super::index::{self, ImageFile, Listing};
use super::missing;
use crate::competition::Competition;
use crate::relative::RelativePath;
use crate::term;

/// Images, and what else lies beside them.
#[derive(Debug, Default)]
pub(super) struct Images {
    pub(super) images: Vec<ImageFile>,
    pub(super) files: Vec<FilesFound>,
}

impl Images {
    fn add(&mut self, name: &str, extension: &str, listing: Listing) {
        let files = |ending: &str, files: usize, used: bool| FilesFound {
            folder: name.to_owned(),
            ending: ending.to_owned(),
            files,
            used,
        };
        if !listing.images.is_empty() {
            self.files.push(files(&extension.to_lowercase(), listing.images.len(), true));
        }
        self.files.extend(listing.others.iter().map(|(ending, n)| files(ending, *n, false)));
        self.images.extend(listing.images);
    }
}

/// What lies in a folder of the spec. The data folder itself also has what is no image of its.
fn listing_of(name: &RelativePath, found: &Path, extension: &str) -> Result<Listing> {
    if name.is_folder_itself() {
        index::list(found, extension)
    } else {
        index::list_deep(found, extension)
    }
}

/// Those of the training folders, each of which must be there.
pub(super) fn train(competition: &Competition, folder: &Path) -> Result<Images> {
    let files = &competition.files;
    let mut all = Images::default();
    let mut last = None;
    for name in &files.train {
        let found = index::find_folder(folder, name, &files.extension)?;
        let found = found.with_context(|| missing::no_images(competition, folder, name))?;
        let listing = listing_of(name, &found, &files.extension)?;
        let holds = listing.holds();
        all.add(name, &files.extension, listing);
        last = Some((found, holds));
    }
    if let (true, Some((last, holds))) = (all.images.is_empty(), last) {
        bail!(missing::empty_folder(competition, folder, &last, holds));
    }
    index::check_ids(&all.images, "files.train")?;
    Ok(all)
}

/// Those one level down in the training folders, each with the name of its folder, which is its label;
/// ids are `<folder>/<stem>`, since two folders may number their files alike.
pub(super) fn train_by_folder(
    competition: &Competition,
    folder: &Path,
) -> Result<(Images, Vec<String>)> {
    let files = &competition.files;
    let mut all = Images::default();
    let mut labels = Vec::new();
    for name in &files.train {
        let outer = folder.join(name);
        ensure!(outer.is_dir(), missing::no_images(competition, folder, name));
        let right_in_it = index::list(&outer, &files.extension)?;
        let mut whole = Listing { others: right_in_it.others, ..Listing::default() };
        if !right_in_it.images.is_empty() {
            let ending = files.extension.to_lowercase();
            *whole.others.entry(ending).or_default() += right_in_it.images.len();
        }
        for (label, inner) in index::folders_of(&outer)? {
            let listing = index::list(&inner, &files.extension)?;
            for mut image in listing.images {
                image.id = format!("{label}/{}", image.id);
                whole.images.push(image);
                labels.push(label.clone());
            }
            for (ending, n) in listing.others {
                *whole.others.entry(ending).or_default() += n;
            }
        }
        all.add(name, &files.extension, whole);
    }
    if all.images.is_empty() {
        let first = folder.join(&files.train[0]);
        let listing = index::list_deep(&first, &files.extension)?;
        ensure!(
            listing.images.is_empty(),
            "no class's folder with images in `{}` (it holds {} otherwise)\nhint: with \
             `target.labels.folder`, the images of each class lie in a folder of its name",
            first.display(),
            term::count(listing.images.len(), "image")
        );
        bail!(missing::empty_folder(competition, folder, &first, listing.holds()));
    }
    index::check_ids(&all.images, "files.train")?;
    Ok((all, labels))
}

/// Those of the test folders, one of which must be there.
pub(super) fn test(competition: &Competition, folder: &Path) -> Result<Images> {
    let files = &competition.files;
    let mut all = Images::default();
    let mut first_found = None;
    for name in &files.test {
        if let Some(found) = index::find_folder(folder, name, &files.extension)? {
            let listing = listing_of(name, &found, &files.extension)?;
            let holds = listing.holds();
            all.add(name, &files.extension, listing);
            first_found.get_or_insert((found, holds));
        }
    }
    let Some((first_found, holds)) = first_found else {
        bail!(missing::no_images(competition, folder, &files.test[0]));
    };
    if all.images.is_empty() {
        bail!(missing::empty_folder(competition, folder, &first_found, holds));
    }
    index::check_ids(&all.images, "files.test")?;
    Ok(all)
}
