//! Everything below a folder. Links to folders are followed, but not in circles; what is neither a file
//! nor a folder is named, not opened.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::{identity, metadata, other_kind, read_dir};

/// No competition has more files and folders; links that fan out have more without end.
const MOST: usize = 5_000_000;

/// What lies below a folder, hidden files and folders (`.name`) aside; in the order of their names.
#[derive(Debug, Default)]
pub struct Below {
    /// Plain files, and links to some, with what the system says of the files.
    pub files: Vec<(PathBuf, Metadata)>,
    /// Each before what lies in it; without the folder itself.
    pub folders: Vec<PathBuf>,
    /// What was passed over.
    pub others: Vec<Other>,
}

/// Something that is neither a file nor a folder to go into.
#[derive(Debug)]
pub struct Other {
    pub path: PathBuf,
    /// In words: `a pipe`, `a broken link to ..`.
    pub is: String,
}

/// Lists what lies below `folder`; `but`, if it lies there, is not gone into.
pub fn below(folder: &Path, but: Option<&Path>) -> Result<Below> {
    let id = |path: &Path| metadata(path).ok().and_then(|found| identity(path, &found));
    let mut walk = Walk {
        but: but.and_then(id),
        above: id(folder).into_iter().collect(),
        found: Below::default(),
        most: MOST,
    };
    walk.enter(folder)?;
    Ok(walk.found)
}

struct Walk<I> {
    but: Option<I>,
    /// The folders on the way here.
    above: Vec<I>,
    found: Below,
    most: usize,
}

#[cfg(unix)]
type Id = (u64, u64);
#[cfg(not(unix))]
type Id = PathBuf;

impl Walk<Id> {
    fn enter(&mut self, folder: &Path) -> Result<()> {
        let mut paths = Vec::new();
        for entry in read_dir(folder)? {
            let entry = entry?;
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                paths.push(entry.path());
            }
            if self.found.files.len() + self.found.folders.len() + paths.len() > self.most {
                bail!("`{}` holds more than {} files", folder.display(), self.most);
            }
        }
        paths.sort();
        paths.into_iter().try_for_each(|path| self.look_at(path))
    }

    fn look_at(&mut self, path: PathBuf) -> Result<()> {
        let there = match metadata(&path) {
            Ok(there) => there,
            Err(error) => {
                // A link to nowhere, or through itself.
                let Ok(target) = fs_err::read_link(&path) else { return Err(error.into()) };
                let is = format!("a broken link to `{}`", target.display());
                self.found.others.push(Other { path, is });
                return Ok(());
            }
        };
        if there.is_file() {
            self.found.files.push((path, there));
        } else if let Some(is) = other_kind(there.file_type()) {
            self.found.others.push(Other { path, is: is.to_owned() });
        } else {
            let id = identity(&path, &there);
            let meets = |other: &Id| id.as_ref() == Some(other);
            if self.but.as_ref().is_some_and(meets) {
                self.found.others.push(Other { path, is: "the data folder itself".to_owned() });
            } else if self.above.iter().any(meets) {
                self.found.others.push(Other { path, is: "a link in a circle".to_owned() });
            } else {
                self.found.folders.push(path.clone());
                let depth = self.above.len();
                self.above.extend(id);
                self.enter(&path)?;
                self.above.truncate(depth);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::fs::{create_dir_all, write_atomic};

    fn names(root: &Path, paths: impl IntoIterator<Item = PathBuf>) -> Vec<String> {
        let inside = |path: PathBuf| path.strip_prefix(root).unwrap().display().to_string();
        paths.into_iter().map(inside).collect()
    }

    #[test]
    fn links_are_followed_but_not_in_circles() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        write_atomic(root.join("a/1.jpg"), "1").unwrap();
        write_atomic(folder.path().join("elsewhere/2.jpg"), "2").unwrap();
        write_atomic(root.join(".hidden/3.jpg"), "3").unwrap();
        create_dir_all(root.join("data")).unwrap();
        symlink("../elsewhere", root.join("b")).unwrap();
        symlink("1.jpg", root.join("a/link.jpg")).unwrap();
        // The ways of a circle: to itself, to what is above, through one another.
        symlink(".", root.join("a/x")).unwrap();
        symlink("..", root.join("a/y")).unwrap();
        symlink("z", root.join("z")).unwrap();
        symlink(&root, folder.path().join("elsewhere/back")).unwrap();
        let found = below(&root, Some(&root.join("data"))).unwrap();
        let files = found.files.into_iter().map(|(path, _)| path);
        assert_eq!(names(&root, files), ["a/1.jpg", "a/link.jpg", "b/2.jpg"]);
        assert_eq!(names(&root, found.folders), ["a", "b"]);
        let others = found.others.into_iter().map(|other| (other.path, other.is));
        let (paths, is): (Vec<_>, Vec<_>) = others.unzip();
        assert_eq!(names(&root, paths), ["a/x", "a/y", "b/back", "data", "z"]);
        let circle = "a link in a circle";
        assert_eq!(is[..4], [circle, circle, circle, "the data folder itself"]);
        assert_eq!(is[4], "a broken link to `z`");
    }

    #[test]
    fn links_that_fan_out_come_to_an_end() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        // Two links a level: each level doubles the folders.
        for level in 0..24 {
            create_dir_all(root.join(level.to_string())).unwrap();
            for link in ["a", "b"] {
                symlink(format!("../{}", level + 1), root.join(format!("{level}/{link}"))).unwrap();
            }
        }
        create_dir_all(root.join("24")).unwrap();
        let mut walk = Walk { but: None, above: Vec::new(), found: Below::default(), most: 1000 };
        let error = walk.enter(&root.join("0")).unwrap_err();
        assert!(error.to_string().contains("more than 1000 files"), "{error}");
    }
}
