//! Images by what tables call them: whole names first, then names without their extensions.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::index::{self, ImageFile};

/// Images by their names.
pub(super) struct ByName {
    images: Vec<ImageFile>,
    /// Whole names; where two are called the same, both are there.
    names: HashMap<String, Vec<usize>>,
    stems: HashMap<String, Vec<usize>>,
    taken: Vec<bool>,
    /// Where the spec names their folders: `files.train`.
    field: &'static str,
    /// What paths of tables may begin below.
    root: PathBuf,
}

impl ByName {
    pub(super) fn new(images: Vec<ImageFile>, field: &'static str, root: &Path) -> Self {
        let mut names: HashMap<String, Vec<usize>> = HashMap::with_capacity(images.len());
        let mut stems: HashMap<String, Vec<usize>> = HashMap::with_capacity(images.len());
        for (place, ImageFile { id, path }) in images.iter().enumerate() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            names.entry(name).or_default().push(place);
            stems.entry(id.clone()).or_default().push(place);
        }
        let (taken, root) = (vec![false; images.len()], root.to_owned());
        Self { images, names, stems, taken, field, root }
    }

    /// The image of an id; two of them are an error. An id with folders in it (`cat/1.jpg`) is the image
    /// in these; further ones before them (`/kaggle/input/pets/train/cat/1.jpg`) are those of another machine.
    pub(super) fn find(&self, id: &str) -> Result<Option<usize>> {
        let bare = id.rsplit('/').next().unwrap_or(id);
        for (by, is_whole) in [(&self.names, true), (&self.stems, false)] {
            let mut places = by.get(bare).into_iter().flatten().copied().filter(|&place| {
                bare.len() == id.len() || self.is_at(&self.images[place].path, id, is_whole)
            });
            if let Some(first) = places.next() {
                if let Some(second) = places.next() {
                    let [first, second] = [first, second].map(|place| &self.images[place].path);
                    bail!(index::two(id, first, second, self.field));
                }
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    /// Whether a path ends with the folders and the name of an id, or an id with a path below the root.
    fn is_at(&self, path: &Path, id: &str, is_whole: bool) -> bool {
        let path = if is_whole { Cow::Borrowed(path) } else { Cow::Owned(path.with_extension("")) };
        let below = path.strip_prefix(&self.root).ok();
        let has_folder = |below: &&Path| below.components().count() > 1;
        path.ends_with(id)
            || below.filter(has_folder).is_some_and(|below| Path::new(id).ends_with(below))
    }

    /// An image that a table names.
    pub(super) fn take(&mut self, place: usize) -> &ImageFile {
        self.taken[place] = true;
        &self.images[place]
    }

    /// The ids of all images.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.images.iter().map(|image| image.id.as_str())
    }

    /// Those that no table named.
    pub(super) fn left(self) -> Vec<ImageFile> {
        let left = self.images.into_iter().zip(self.taken).filter(|(_, taken)| !taken);
        left.map(|(image, _)| image).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_whole_name_or_a_stem() {
        let image = |name: &str| ImageFile {
            id: Path::new(name).file_stem().unwrap().to_str().unwrap().to_owned(),
            path: Path::new("data/train").join(name),
        };
        let names =
            ["a.jpg", "1.2.jpg", "b.jpg.jpg", "b.jpg", "x/c.png", "y/c.png", "d.png", "d.jpg"];
        let mut images = ByName::new(names.map(image).to_vec(), "files.train", Path::new("data"));
        for (id, expected) in [
            ("1.2", "data/train/1.2.jpg"),
            ("a.jpg", "data/train/a.jpg"),
            ("a", "data/train/a.jpg"),
            ("a.png", "-"),
            // Nothing is cut off an id.
            ("1", "-"),
            // A whole name goes before a stem.
            ("b.jpg", "data/train/b.jpg"),
            ("y/c", "data/train/y/c.png"),
            ("train/x/c.png", "data/train/x/c.png"),
            // Folders of another machine.
            ("/kaggle/input/it/train/x/c.png", "data/train/x/c.png"),
            ("../train/y/c", "data/train/y/c.png"),
            ("other/c.png", "-"),
            ("z/c.png", "-"),
            ("d.png", "data/train/d.png"),
        ] {
            let found =
                images.find(id).unwrap().map(|at| images.take(at).path.display().to_string());
            assert_eq!(found.as_deref().unwrap_or("-"), expected, "{id}");
        }
        for id in ["c", "d", "c.png"] {
            let error = images.find(id).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("two images have the id `{id}`: `data/train/")),
                "{error}"
            );
        }
        let left: Vec<String> = images.left().into_iter().map(|image| image.id).collect();
        assert_eq!(left, ["b.jpg", "d"]);
    }
}
