//! Names of entries: which are fit to become files, and which of them meet.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use crate::relative::{RelativePath, Unfit};

/// The folder in which archives are unpacked, inside the one they are for.
pub(super) const STAGING: &str = ".unpacking";

/// A name as a path that stays inside the folder, or what is wrong with it.
pub(super) fn safe(name: &str) -> Result<PathBuf, &'static str> {
    let path = RelativePath::new(name).map_err(Unfit::reason)?;
    let path = path.under(Path::new(""));
    if path.starts_with(STAGING) {
        return Err("a name that is needed for unpacking");
    }
    Ok(path)
}

/// What systems add to archives and nobody wants.
pub(super) fn is_litter(path: &Path) -> bool {
    path.starts_with("__MACOSX")
        || path.file_name().is_none_or(|name| name == ".DS_Store" || name == "Thumbs.db")
}

pub(super) const TWICE: &str = "which it holds twice";
pub(super) const CASE: &str = "a name that another one differs from in upper and lower case only";

/// The names of one archive, as hashes: names that meet on some file system are refused on all.
#[derive(Default)]
pub(super) struct Names {
    hasher: RandomState,
    /// By the hash of the name in lower case: that of the name itself, and whether it is a folder.
    seen: HashMap<u64, (u64, bool)>,
    /// The last folder that was added with all above it.
    last: PathBuf,
}

impl Names {
    /// A file, with the folders above it.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), &'static str> {
        if let Some(folder) = path.parent() {
            self.add_folder(folder)?;
        }
        self.add(path, false)
    }

    /// A folder, with those above it.
    pub(super) fn add_folder(&mut self, path: &Path) -> Result<(), &'static str> {
        if path == self.last {
            return Ok(());
        }
        for folder in path.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
            self.add(folder, true)?;
        }
        path.clone_into(&mut self.last);
        Ok(())
    }

    fn add(&mut self, path: &Path, is_folder: bool) -> Result<(), &'static str> {
        let lower = self.hasher.hash_one(path.to_string_lossy().to_lowercase());
        let new = (self.hasher.hash_one(path), is_folder);
        match self.seen.insert(lower, new) {
            None => Ok(()),
            Some((name, _)) if name != new.0 => Err(CASE),
            Some((_, true)) if is_folder => Ok(()),
            Some(_) => Err(TWICE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_meet_are_seen() {
        let verdict = |names: &[&str]| {
            let mut all = Names::default();
            names.iter().try_for_each(|name| match name.strip_suffix('/') {
                Some(folder) => all.add_folder(Path::new(folder)),
                None => all.add_file(Path::new(name)),
            })
        };
        assert_eq!(verdict(&["a/1.jpg", "a/", "a/2.jpg", "b/1.jpg", "a/"]), Ok(()));
        assert_eq!(verdict(&["a/1.jpg", "a/1.jpg"]), Err(TWICE));
        assert_eq!(verdict(&["a", "a/1.jpg"]), Err(TWICE));
        assert_eq!(verdict(&["a/1.jpg", "a"]), Err(TWICE));
        assert_eq!(verdict(&["a/1.jpg", "a/1.JPG"]), Err(CASE));
        assert_eq!(verdict(&["a/1.jpg", "A/2.jpg"]), Err(CASE));
        assert_eq!(verdict(&["É.jpg", "é.jpg"]), Err(CASE));
    }
}
