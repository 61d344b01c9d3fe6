//! Where the image of an id is: by its name in the folders of the spec, or at the end of a template.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::by_name::ByName;
use super::found::FilesFound;
use super::images::{self, Images};
use super::index::{self, Endings, ImageFile};
use super::missing;
use crate::competition::{CHANNEL, Competition, Files, ID, Template};
use crate::convert;
use crate::fs;
use crate::relative::RelativePath;
use crate::term;

/// The files of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) path: PathBuf,
    /// Those of its further channels.
    pub(super) planes: Vec<PathBuf>,
}

/// What a table says of an image, by the name of the column.
pub(super) type Fields<'f, 'v> = &'f dyn Fn(&str) -> Option<&'v str>;

/// No fields.
pub(super) fn nothing<'v>(_: &str) -> Option<&'v str> {
    None
}

/// Finds images in the places of the spec: the first that has one counts.
pub(super) struct Finder<'s> {
    root: PathBuf,
    files: &'s Files,
    endings: Endings<'s>,
    /// `files.train` or `files.test`.
    field: &'static str,
    places: Vec<Place<'s>>,
    /// What lies in folders that were looked into.
    folders: HashMap<PathBuf, Folder>,
    found: Vec<FilesFound>,
}

enum Place<'s> {
    Folder(ByName),
    Template(&'s RelativePath, Template),
}

/// What is right in a folder, by whole names and by names without extensions.
#[derive(Default)]
struct Folder {
    names: HashMap<String, PathBuf>,
    stems: HashMap<String, Vec<PathBuf>>,
}

impl<'s> Finder<'s> {
    /// For the training images of a competition, or its test images.
    pub(super) fn new(competition: &'s Competition, folder: &Path, is_train: bool) -> Result<Self> {
        let files = &competition.files;
        let named = if is_train { &files.train } else { &files.test };
        let root = images::root(competition, folder)?;
        let field = if is_train { "files.train" } else { "files.test" };
        let (places, folders, found) = (Vec::new(), HashMap::new(), Vec::new());
        let endings = Endings::of(competition);
        let mut finder = Self { root, files, endings, field, places, folders, found };
        let template = |place| Template::of(place).ok().flatten();
        if !named.iter().any(|place| template(place).is_some()) {
            let Images { images, files } = images::of(competition, folder, is_train)?;
            finder.places.push(Place::Folder(ByName::new(images, field, &finder.root)));
            finder.found = files;
            return Ok(finder);
        }
        let mut is_there = false;
        for place in named {
            if let Some(template) = template(place) {
                is_there |= Template::folder_of(place).under(&finder.root).is_dir();
                finder.places.push(Place::Template(place, template));
            } else if place.under(&finder.root).is_dir() {
                let mut all = Images::default();
                images::add(&mut all, &finder.root, place, endings)?;
                finder.places.push(Place::Folder(ByName::new(all.images, field, &finder.root)));
                finder.found.extend(all.files);
                is_there = true;
            }
        }
        ensure!(is_there, missing::no_images(competition, folder, &Template::folder_of(&named[0])));
        Ok(finder)
    }

    /// The image of an id, if it has one. `fields` are what templates may name beside it.
    pub(super) fn find(&mut self, id: &str, fields: Fields) -> Result<Option<Picture>> {
        for place in 0..self.places.len() {
            match &mut self.places[place] {
                Place::Folder(images) => {
                    // An id may have the ending of the file that a picture was made of.
                    let found = match images.find(id)? {
                        None if convert::stem(id) != id => images.find(convert::stem(id))?,
                        found => found,
                    };
                    if let Some(found) = found {
                        let path = images.take(found).path.clone();
                        return Ok(Some(Picture { path, planes: Vec::new() }));
                    }
                }
                Place::Template(..) => {
                    if let Some(found) = self.at_template(place, id, fields)? {
                        return Ok(Some(found));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Whether there is an image of that id, as far as its name alone tells.
    pub(super) fn has(&mut self, id: &str) -> bool {
        let is_there = |place: &Place| match place {
            Place::Folder(images) => images.find(id).is_ok_and(|found| found.is_some()),
            Place::Template(..) => false,
        };
        if self.places.iter().any(is_there) {
            return true;
        }
        let templates = |place: &Place| matches!(place, Place::Template(..));
        self.places.iter().any(templates)
            && self.find(id, &nothing).is_ok_and(|found| found.is_some())
    }

    /// The first path that is looked for, to be told of an image that is not there.
    pub(super) fn expected(&self, id: &str, fields: Fields) -> Option<String> {
        let template = self.places.iter().find_map(|place| match place {
            Place::Template(_, template) => Some(template),
            Place::Folder(_) => None,
        })?;
        let channel = self.files.used_channels().first();
        template.fill(|name| value(name, id, channel.map(String::as_str), fields)).ok()
    }

    /// The ids of all images that have been met.
    pub(super) fn ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        for place in &self.places {
            if let Place::Folder(images) = place {
                ids.extend(images.ids());
            }
        }
        ids.extend(
            self.folders.values().flat_map(|folder| folder.stems.keys().map(String::as_str)),
        );
        ids
    }

    /// Images in folders of the spec that no table named, and what lies in all folders.
    pub(super) fn finish(self) -> (Vec<ImageFile>, Vec<FilesFound>) {
        let mut left = Vec::new();
        // Where there are several places, an image that is passed over may be the same in another size.
        let is_one = self.places.len() == 1;
        for place in self.places {
            if let Place::Folder(images) = place {
                left.extend(images.left().into_iter().filter(|_| is_one));
            }
        }
        (left, self.found)
    }

    fn at_template(&mut self, place: usize, id: &str, fields: Fields) -> Result<Option<Picture>> {
        let channels = self.files.used_channels();
        let wanted: Vec<Option<&str>> = if channels.is_empty() {
            vec![None]
        } else {
            channels.iter().map(|channel| Some(channel.as_str())).collect()
        };
        let mut paths = Vec::with_capacity(wanted.len());
        for (nth, channel) in wanted.into_iter().enumerate() {
            let Place::Template(_, template) = &self.places[place] else { return Ok(None) };
            let Ok(name) = template.fill(|name| value(name, id, channel, fields)) else {
                return Ok(None);
            };
            // A path of another machine begins elsewhere.
            let Ok(name) = RelativePath::new(name.trim_start_matches(['.', '/'])) else {
                bail!(
                    "the image of `{}` would be at `{}`, which is no path in the data folder\nhint: what \
                     stands in the columns of the table?",
                    term::short(id, missing::SHOWN),
                    term::short(&name, missing::SHOWN)
                )
            };
            match self.look_below(id, &name)? {
                Some(path) => paths.push(path),
                None if nth == 0 => return Ok(None),
                None => bail!(
                    "no `{name}`, a channel of `{}`, beside `{}`\nhint: run fetch again, or choose among \
                     the channels with `files.use` in the spec",
                    term::short(id, missing::SHOWN),
                    paths.first().map_or(Path::new(""), PathBuf::as_path).display()
                ),
            }
        }
        let mut paths = paths.into_iter();
        let path = paths.next().unwrap_or_default();
        if let Place::Template(name, _) = self.places[place] {
            self.count(name, &path);
        }
        Ok(Some(Picture { path, planes: paths.collect() }))
    }

    /// The file of that path, or of what is left of it without its first folders, as long as there is one:
    /// `kaggle/input/pets/train/1.jpg`, as tables of another machine have it.
    fn look_below(&mut self, id: &str, name: &RelativePath) -> Result<Option<PathBuf>> {
        let whole = name.as_str();
        let mut from = 0;
        loop {
            let found = self.look(id, &RelativePath::new(&whole[from..])?)?;
            let inner = whole[from..].find('/').map(|at| from + at + 1);
            match inner.filter(|&inner| whole[inner..].contains('/')) {
                Some(inner) if found.is_none() => from = inner,
                _ => return Ok(found),
            }
        }
    }

    /// The file of that name, with or without an extension.
    fn look(&mut self, id: &str, name: &RelativePath) -> Result<Option<PathBuf>> {
        let path = name.under(&self.root);
        let folder = fs::folder_of(&path);
        if !self.folders.contains_key(folder) {
            let listed = Folder::list(folder, self.endings)?;
            self.folders.insert(folder.to_owned(), listed);
        }
        let Folder { names, stems } = &self.folders[folder];
        if let Some(path) = names.get(name.base()) {
            return Ok(Some(path.clone()));
        }
        // Of a picture that was made of a file, the name is that of the file but for its ending.
        match stems.get(convert::stem(name.base())).map(Vec::as_slice) {
            Some([path]) => Ok(Some(path.clone())),
            Some([first, second, ..]) => bail!(index::two(id, first, second, self.field)),
            Some([]) | None => Ok(None),
        }
    }

    fn count(&mut self, place: &RelativePath, path: &Path) {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let is_it =
            |found: &&mut FilesFound| found.ending == ending && place.as_str() == found.folder;
        if let Some(found) = self.found.iter_mut().find(is_it) {
            found.files += 1;
        } else {
            self.found.push(FilesFound { folder: place.to_string(), ending, files: 1, used: true });
        }
    }
}

/// What stands for a name in a template; nothing where the table has nothing.
fn value(name: &str, id: &str, channel: Option<&str>, fields: Fields) -> Option<String> {
    let value = match name {
        ID => Some(id),
        CHANNEL => channel,
        name => fields(name).filter(|value| !value.is_empty()),
    };
    value.map(str::to_owned)
}

impl Folder {
    fn list(folder: &Path, endings: Endings) -> Result<Self> {
        let mut listed = Self::default();
        if !folder.is_dir() {
            return Ok(listed);
        }
        // In an order, so that of two files the same is told first everywhere.
        let mut paths = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && !entry.file_type()?.is_dir() {
                paths.insert(name, entry.path());
            }
        }
        for (name, path) in paths {
            if endings.has(&path) {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                listed.stems.entry(stem).or_default().push(path.clone());
            }
            listed.names.insert(name, path);
        }
        Ok(listed)
    }
}
