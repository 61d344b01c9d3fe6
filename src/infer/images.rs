//! The images of a listing, by the names that ids may have.

use std::borrow::Cow;
use std::collections::HashMap;

use super::data::{self, Listing};
use super::text;

/// One image file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Image<'a> {
    pub(super) path: &'a str,
    pub(super) folder: &'a str,
    pub(super) name: &'a str,
    /// The name without its extension.
    pub(super) stem: &'a str,
    pub(super) form: Form,
    /// It is a mask or something like it.
    pub(super) is_extra: bool,
    pub(super) is_test: bool,
    /// It is a smaller copy of another.
    pub(super) is_small: bool,
}

/// Of two files of one name, the form that comes first is the one to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Picture,
    Tiff,
    Dicom,
}

impl<'a> Image<'a> {
    /// Its path without the extension.
    fn bare(&self) -> &'a str {
        &self.path[..self.path.len() - (self.name.len() - self.stem.len())]
    }
}

impl Form {
    fn of(name: &str) -> Option<Self> {
        match data::extension(name).as_str() {
            "jpg" | "jpeg" | "png" | "gif" | "bmp" | "webp" => Some(Self::Picture),
            "tif" | "tiff" => Some(Self::Tiff),
            "dcm" | "dicom" => Some(Self::Dicom),
            _ => None,
        }
    }
}

/// All image files, in the order of their paths.
pub(super) struct Images<'a> {
    pub(super) all: Vec<Image<'a>>,
    names: HashMap<&'a str, Vec<usize>>,
    stems: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Images<'a> {
    pub(super) fn of(listing: &'a Listing) -> Self {
        let mut all: Vec<Image> = Vec::new();
        for entry in &listing.entries {
            let path = entry.path.as_str();
            let Some(form) = Form::of(path) else { continue };
            let (folder, name) = (data::folder(path), data::base(path));
            let stem = data::stem(name);
            let image = match all.last() {
                // Neighbours lie in one folder, whose words are the same.
                Some(last) if last.folder == folder => {
                    Image { path, folder, name, stem, form, ..*last }
                }
                _ => {
                    let (is_extra, is_test) = (text::is_extra(folder), text::is_test(folder));
                    let is_small = text::is_small(folder);
                    Image { path, folder, name, stem, form, is_extra, is_test, is_small }
                }
            };
            all.push(image);
        }
        let (mut names, mut stems) = (HashMap::new(), HashMap::new());
        for (n, image) in all.iter().enumerate() {
            names.entry(image.name).or_insert_with(Vec::new).push(n);
            stems.entry(image.stem).or_insert_with(Vec::new).push(n);
        }
        Self { all, names, stems }
    }

    /// Whether a file is one by its name.
    pub(super) fn is_image(path: &str) -> bool {
        Form::of(path).is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The files that an id names: whole names first, then names without extension. Of an id with folders
    /// in it those in these, or those with whose whole path it ends.
    pub(super) fn named(&self, id: &str) -> Cow<'_, [usize]> {
        let bare = data::base(id);
        let (whole, stems) = (self.names.get(bare), self.stems.get(bare));
        if bare.len() == id.len() {
            return Cow::Borrowed(whole.or(stems).map(Vec::as_slice).unwrap_or_default());
        }
        let in_these = |found: Option<&Vec<usize>>, is_whole: bool| -> Vec<usize> {
            let all = found.into_iter().flatten().copied();
            all.filter(|&n| {
                let image = &self.all[n];
                let path = if is_whole { image.path } else { image.bare() };
                is_end(path, id) || (!image.folder.is_empty() && is_end(id, path))
            })
            .collect()
        };
        let found = in_these(whole, true);
        Cow::Owned(if found.is_empty() { in_these(stems, false) } else { found })
    }

    /// The images right in a folder or below it.
    pub(super) fn below(&self, folder: &str) -> &[Image<'a>] {
        if folder.is_empty() {
            return &self.all;
        }
        let start = self.all.partition_point(|image| image.path < folder);
        // What begins with the folder's name and goes on otherwise may lie before.
        let inside = format!("{folder}/");
        let start = start + self.all[start..].partition_point(|image| *image.path < *inside);
        let len = self.all[start..].partition_point(|image| image.path.starts_with(&inside));
        &self.all[start..start + len]
    }

    /// Every path without its extension.
    pub(super) fn paths(&self) -> HashMap<&'a str, usize> {
        self.all.iter().enumerate().map(|(n, image)| (image.bare(), n)).collect()
    }
}

/// Whether a path ends with another, part by part.
fn is_end(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::Entry;

    #[test]
    fn an_id_with_folders_names_the_image_in_these() {
        let paths = ["a/x.jpg", "b/x.jpg", "b/c/y.png", "z.jpg"];
        let entries = paths.iter().map(|path| Entry::new(*path, 1)).collect();
        let listing = Listing::new(entries, Vec::new());
        let images = Images::of(&listing);
        for (id, found) in [
            ("x", &[0, 2][..]),
            ("x.jpg", &[0, 2]),
            ("b/x.jpg", &[2]),
            ("b/x", &[2]),
            ("c/y", &[1]),
            ("/kaggle/input/it/b/c/y.png", &[1]),
            ("../b/x", &[2]),
            ("d/x.jpg", &[]),
            // At the top nothing but the name would tell.
            ("d/z.jpg", &[]),
        ] {
            assert_eq!(images.named(id).as_ref(), found, "{id}");
        }
    }
}
