//! Images by what tables call them: whole names first, then names without their extensions.

use std::collections::HashMap;
use std::path::Path;

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
}

impl ByName {
    pub(super) fn new(images: Vec<ImageFile>, field: &'static str) -> Self {
        let mut names: HashMap<String, Vec<usize>> = HashMap::with_capacity(images.len());
        let mut stems: HashMap<String, Vec<usize>> = HashMap::with_capacity(images.len());
        for (place, ImageFile { id, path }) in images.iter().enumerate() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            names.entry(name).or_default().push(place);
            stems.entry(id.clone()).or_default().push(place);
        }
        Self { taken: vec![false; images.len()], images, names, stems, field }
    }

    /// The image of an id; two of them are an error. An id with folders in it (`cat/1.jpg`) is the image
    /// in these.
    pub(super) fn find(&self, id: &str) -> Result<Option<usize>> {
        let bare = id.rsplit('/').next().unwrap_or(id);
        for (by, is_whole) in [(&self.names, true), (&self.stems, false)] {
            let mut places = by.get(bare).into_iter().flatten().copied().filter(|&place| {
                bare.len() == id.len() || is_at(&self.images[place].path, id, is_whole)
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

/// Whether a path ends with the folders and the name of an id.
fn is_at(path: &Path, id: &str, is_whole: bool) -> bool {
    if is_whole { path.ends_with(id) } else { path.with_extension("").ends_with(id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_whole_name_or_a_stem() {
        let image = |name: &str| ImageFile {
            id: Path::new(name).file_stem().unwrap().to_str().unwrap().to_owned(),
            path: Path::new("train").join(name),
        };
        let names =
            ["a.jpg", "1.2.jpg", "b.jpg.jpg", "b.jpg", "x/c.png", "y/c.png", "d.png", "d.jpg"];
        let mut images = ByName::new(names.map(image).to_vec(), "files.train");
        for (id, expected) in [
            ("1.2", "train/1.2.jpg"),
            ("a.jpg", "train/a.jpg"),
            ("a", "train/a.jpg"),
            ("a.png", "-"),
            // Nothing is cut off an id.
            ("1", "-"),
            // A whole name goes before a stem.
            ("b.jpg", "train/b.jpg"),
            ("y/c", "train/y/c.png"),
            ("train/x/c.png", "train/x/c.png"),
            ("z/c.png", "-"),
            ("d.png", "train/d.png"),
        ] {
            let found =
                images.find(id).unwrap().map(|at| images.take(at).path.display().to_string());
            assert_eq!(found.as_deref().unwrap_or("-"), expected, "{id}");
        }
        for id in ["c", "d", "c.png"] {
            let error = images.find(id).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("two images have the id `{id}`: `train/")),
                "{error}"
            );
        }
        let left: Vec<String> = images.left().into_iter().map(|image| image.id).collect();
        assert_eq!(left, ["b.jpg", "d"]);
    }
}
