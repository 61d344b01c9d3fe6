//! The images of a competition's folders.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::found::FilesFound;
use super::index::{self, Endings, ImageFile, Listing};
use super::missing;
use crate::competition::Competition;
use crate::convert;
use crate::relative::RelativePath;
use crate::term;

/// Images, and what else lies beside them.
#[derive(Debug, Default)]
pub(super) struct Images {
    pub(super) images: Vec<ImageFile>,
    pub(super) files: Vec<FilesFound>,
}

impl Images {
    fn add(&mut self, name: &str, listing: Listing) {
        let files = |ending: &str, files: usize, used: bool| FilesFound {
            folder: name.to_owned(),
            ending: ending.to_owned(),
            files,
            used,
        };
        let mut used: BTreeMap<String, usize> = BTreeMap::new();
        for image in &listing.images {
            let ending = image.path.extension().unwrap_or_default().to_string_lossy();
            *used.entry(ending.to_lowercase()).or_default() += 1;
        }
        self.files.extend(used.iter().map(|(ending, n)| files(ending, *n, true)));
        self.files.extend(listing.others.iter().map(|(ending, n)| files(ending, *n, false)));
        self.images.extend(listing.images);
    }
}

/// The folder that the places of the spec are in: the data folder, or what `fetch` made pictures in.
pub(super) fn root(competition: &Competition, folder: &Path) -> Result<PathBuf> {
    convert::images_in(competition, folder)
}

/// Adds what lies in a folder of the spec, if it is there; what it holds if that is no image, and where.
/// The data folder itself also has what is no image of its.
pub(super) fn add(
    all: &mut Images,
    root: &Path,
    name: &RelativePath,
    endings: Endings,
) -> Result<Option<(PathBuf, Option<String>)>> {
    let Some(found) = index::find_folder(root, name, endings)? else { return Ok(None) };
    let listing = if name.is_folder_itself() {
        index::list(&found, endings)?
    } else {
        index::list_deep(&found, endings)?
    };
    let holds = listing.holds();
    all.add(name, listing);
    Ok(Some((found, holds)))
}

/// Those of the training folders, each of which must be there, or of the test folders, one of which must
/// be.
pub(super) fn of(competition: &Competition, folder: &Path, is_train: bool) -> Result<Images> {
    let files = &competition.files;
    let endings = Endings::of(competition);
    let root = root(competition, folder)?;
    let mut all = Images::default();
    let mut looked_at = Vec::new();
    for name in if is_train { &files.train } else { &files.test } {
        match add(&mut all, &root, name, endings)? {
            Some(found) => looked_at.push(found),
            None if is_train => bail!(missing::no_images(competition, folder, name)),
            None => {}
        }
    }
    let told = if is_train { looked_at.pop() } else { looked_at.into_iter().next() };
    let Some((found, holds)) = told else {
        bail!(missing::no_images(competition, folder, &files.test[0]));
    };
    if all.images.is_empty() {
        bail!(missing::empty_folder(competition, folder, &found, holds));
    }
    Ok(all)
}

/// Those in the folders of the training folders, each with the name of its folder, which is its label; a
/// training folder that has images and no such folders is a label itself. Ids are `<folder>/<stem>`, since
/// two folders may number their files alike.
pub(super) fn train_by_folder(
    competition: &Competition,
    folder: &Path,
) -> Result<(Images, Vec<String>)> {
    let files = &competition.files;
    let endings = Endings::of(competition);
    let root = root(competition, folder)?;
    let of_test: Vec<PathBuf> = files.test.iter().map(|name| name.under(&root)).collect();
    let mut all = Images::default();
    let mut labels = Vec::new();
    for name in &files.train {
        let outer = name.under(&root);
        ensure!(outer.is_dir(), missing::no_images(competition, folder, name));
        let right_in_it = index::list(&outer, endings)?;
        let mut whole = Listing { others: right_in_it.others, ..Listing::default() };
        for (label, inner) in index::folders_of(&outer)? {
            // The test images may lie beside the classes.
            if of_test.contains(&inner) {
                continue;
            }
            let listing = index::list_deep(&inner, endings)?;
            whole.images.extend(listing.images.into_iter().map(|image| under(&label, image)));
            labels.resize(all.images.len() + whole.images.len(), label);
            for (ending, n) in listing.others {
                *whole.others.entry(ending).or_default() += n;
            }
        }
        if whole.images.is_empty() && !name.is_folder_itself() {
            let label = name.base().to_owned();
            whole.images =
                right_in_it.images.into_iter().map(|image| under(&label, image)).collect();
            labels.resize(all.images.len() + whole.images.len(), label);
        } else {
            for image in &right_in_it.images {
                let ending = image.path.extension().unwrap_or_default().to_string_lossy();
                *whole.others.entry(ending.to_lowercase()).or_default() += 1;
            }
        }
        all.add(name, whole);
    }
    if all.images.is_empty() {
        let first = files.train[0].under(&root);
        let listing = index::list_deep(&first, endings)?;
        ensure!(
            listing.images.is_empty(),
            "no class's folder with images in `{}` (it holds {} otherwise)\nhint: with \
             `target.labels.folder`, the images of each class lie in a folder of its name",
            first.display(),
            term::count(listing.images.len(), "image")
        );
        bail!(missing::empty_folder(competition, folder, &first, listing.holds()));
    }
    // Several training folders may have the same folders with the same names in them.
    let mut seen = HashSet::new();
    let is_ambiguous = !all.images.iter().all(|image| seen.insert(image.id.as_str()));
    if files.train.len() > 1 && is_ambiguous {
        for image in &mut all.images {
            let of = files.train.iter().find(|name| image.path.starts_with(name.under(&root)));
            image.id = format!("{}/{}", of.map_or("", |name| name.as_str()), image.id);
        }
    }
    index::check_ids(&all.images, "files.train")?;
    Ok((all, labels))
}

/// An image whose id begins with the folder of its class.
fn under(label: &str, mut image: ImageFile) -> ImageFile {
    image.id = format!("{label}/{}", image.id);
    image
}
