//! The images of a listing, by the names that ids may have.

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

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The files that an id names: whole names first, then names without extension.
    pub(super) fn named(&self, id: &str) -> &[usize] {
        let found = self.names.get(id).or_else(|| self.stems.get(id));
        found.map(Vec::as_slice).unwrap_or_default()
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
        let bare = |image: &Image<'a>| {
            let path: &'a str = image.path;
            &path[..path.len() - (image.name.len() - image.stem.len())]
        };
        self.all.iter().enumerate().map(|(n, image)| (bare(image), n)).collect()
    }
}
