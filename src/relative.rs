//! Names from elsewhere (a server's list, an archive, a spec, a record), checked: paths that stay inside
//! the folder that they are joined to.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What kaggle-kit itself keeps in a data folder: nothing else may have these names there.
const OWN: [&str; 5] = ["archives", "fetched.toml", "manifest.csv", ".kaggle-kit", ".unpacking"];

/// A path below some folder, with `/` between its parts; `.` is that folder.
///
/// It has no empty part, no `.` or `..`, no drive and no root, and it is read as text alone: a link on
/// the way is its folder's own matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(String);

/// Why a name is no path inside a folder; displayed after `is`: `an absolute path`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{}", self.reason())]
pub enum Unfit {
    Empty,
    Absolute,
    Leaves,
    NotAName,
    NotOnWindows,
}

/// A name that is no path inside a folder.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{name}` is {reason}")]
pub struct UnfitName {
    pub name: String,
    pub reason: Unfit,
}

impl Unfit {
    pub fn reason(self) -> &'static str {
        match self {
            Self::Empty => "no name at all",
            Self::Absolute => "an absolute path",
            Self::Leaves => "a path that leaves the folder",
            Self::NotAName => "not a file name",
            Self::NotOnWindows => "not a file name on Windows",
        }
    }
}

impl RelativePath {
    /// Checks a name. `a//b`, `./a/b` and, as some Windows programs write it, `a\b` are `a/b`.
    pub fn new(name: &str) -> Result<Self, Unfit> {
        let name = name.replace('\\', "/");
        if name.is_empty() {
            return Err(Unfit::Empty);
        }
        if name.starts_with('/') {
            return Err(Unfit::Absolute);
        }
        let mut parts = Vec::new();
        for part in name.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(Unfit::Leaves),
                // Also behind a `./`.
                part if parts.is_empty() && has_drive(part) => return Err(Unfit::Absolute),
                part if part.contains('\0') => return Err(Unfit::NotAName),
                part if cfg!(windows) && !is_fit_for_windows(part) => {
                    return Err(Unfit::NotOnWindows);
                }
                part => parts.push(part),
            }
        }
        Ok(Self(if parts.is_empty() { ".".to_owned() } else { parts.join("/") }))
    }

    /// Checks a name that an error is to show.
    pub fn named(name: &str) -> Result<Self, UnfitName> {
        Self::new(name).map_err(|reason| UnfitName { name: name.to_owned(), reason })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last part; `.` for the folder itself.
    pub fn base(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// The place that it means in `folder`.
    pub fn under(&self, folder: &Path) -> PathBuf {
        if self.is_folder_itself() { folder.to_owned() } else { folder.join(&self.0) }
    }

    pub fn is_folder_itself(&self) -> bool {
        self.0 == "."
    }

    /// Whether it is one name, without folders.
    pub fn is_bare(&self) -> bool {
        !self.is_folder_itself() && !self.0.contains('/')
    }

    /// Whether it lies among what kaggle-kit itself keeps in a data folder, on any file system.
    pub fn is_own(&self) -> bool {
        is_own_name(self.0.split('/').next().unwrap_or_default())
    }
}

/// Whether a file or folder right in a data folder is one of kaggle-kit's own, by its name.
pub fn is_own_name(name: &str) -> bool {
    let name = name.to_lowercase();
    OWN.contains(&name.as_str()) || name.starts_with(".partial-")
}

impl TryFrom<String> for RelativePath {
    type Error = UnfitName;

    fn try_from(name: String) -> Result<Self, UnfitName> {
        Self::named(&name)
    }
}

impl From<RelativePath> for String {
    fn from(path: RelativePath) -> Self {
        path.0
    }
}

impl Deref for RelativePath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<Path> for RelativePath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl Borrow<str> for RelativePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for RelativePath {
    fn eq(&self, other: &str) -> bool {
        self.0 == *other
    }
}

impl PartialEq<&str> for RelativePath {
    fn eq(&self, other: &&str) -> bool {
        self.0 == **other
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether Windows would make a file of just this name.
fn is_fit_for_windows(part: &str) -> bool {
    const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    let is_port =
        |prefix| stem.strip_prefix(prefix).is_some_and(|n| n.chars().count() == 1 && n != "0");
    !(part.ends_with(['.', ' '])
        || part.contains(|c: char| c < ' ' || "<>:\"|?*".contains(c))
        || DEVICES.contains(&stem.as_str())
        || is_port("com")
        || is_port("lpt"))
}

/// Whether a name begins with a letter and a colon, as Windows' drives are written.
fn has_drive(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic()) && letters.next() == Some(':')
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_leave_the_folder_are_none() {
        for (name, reason) in [
            ("", Unfit::Empty),
            ("/etc/passwd", Unfit::Absolute),
            ("\\\\host\\share", Unfit::Absolute),
            ("C:\\a", Unfit::Absolute),
            ("c:a", Unfit::Absolute),
            (".\\C:", Unfit::Absolute),
            ("..", Unfit::Leaves),
            ("a/../../b", Unfit::Leaves),
            ("a/..", Unfit::Leaves),
            ("a\\..\\b", Unfit::Leaves),
            ("a\0b", Unfit::NotAName),
        ] {
            assert_eq!(RelativePath::new(name), Err(reason), "{name:?}");
        }
        let error = RelativePath::named("../a").unwrap_err().to_string();
        assert_eq!(error, "`../a` is a path that leaves the folder");
    }

    #[test]
    fn spellings_of_one_path_are_one() {
        for name in ["a/b", "./a/b", "a//b/", "a\\b", "a/./b"] {
            let path = RelativePath::new(name).unwrap();
            assert_eq!(path, "a/b");
            assert_eq!((path.base(), path.is_bare()), ("b", false));
            assert_eq!(path.under(Path::new("/x")), Path::new("/x/a/b"));
        }
        for name in [".", "./", "./."] {
            let path = RelativePath::new(name).unwrap();
            assert!(path.is_folder_itself() && !path.is_bare());
            assert_eq!(path.under(Path::new("x")), Path::new("x"));
        }
        assert!(RelativePath::new("...").unwrap().is_bare());
        assert!(RelativePath::new("a..b").unwrap().is_bare());
    }

    #[test]
    fn own_names_are_known_on_every_file_system() {
        for name in ["archives/plan.toml", "./Archives/x", "fetched.toml", "MANIFEST.csv"] {
            assert!(RelativePath::new(name).unwrap().is_own(), "{name}");
        }
        for name in [".kaggle-kit/looks.bin", ".unpacking/0/a", ".partial-x"] {
            assert!(RelativePath::new(name).unwrap().is_own(), "{name}");
        }
        for name in ["train/archives/1.jpg", "archives.csv", "a/fetched.toml", "."] {
            assert!(!RelativePath::new(name).unwrap().is_own(), "{name}");
        }
    }

    #[test]
    fn records_are_read_with_checked_paths_only() {
        #[derive(Debug, Deserialize)]
        struct Record {
            path: RelativePath,
        }
        let read = |text: &str| toml::from_str::<Record>(text);
        assert_eq!(read("path = 'a/b'").unwrap().path, "a/b");
        let error = read("path = '../b'").unwrap_err().to_string();
        assert!(error.contains("`../b` is a path that leaves the folder"), "{error}");
    }

    #[test]
    fn windows_has_names_of_its_own() {
        for part in ["aux", "NUL.txt", "com1.csv", "a:b", "a?", "a.", "a ", "tab\t"] {
            assert!(!is_fit_for_windows(part), "{part}");
        }
        for part in ["auxiliary.txt", "com.csv", "com10", "a b.jpg", ".hidden"] {
            assert!(is_fit_for_windows(part), "{part}");
        }
    }

    proptest! {
        #[test]
        fn a_checked_path_stays_inside(name in "[a-zC./\\\\:\u{0}é~ ]{0,24}") {
            if let Ok(path) = RelativePath::new(&name) {
                let folder = Path::new("/folder");
                let parts = path.under(folder);
                let parts = parts.strip_prefix(folder).unwrap().components();
                prop_assert!(parts.clone().all(|part| matches!(part, Component::Normal(_))));
                prop_assert!(!path.contains(['\0', '\\']));
                prop_assert_eq!(RelativePath::new(&path), Ok(path.clone()));
            }
        }
    }
}
