//! Images that are no good: all of them at once, with what is the matter with each and what helps.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::Serialize;

use super::sample::Sample;
use crate::fs;
use crate::term;

/// How many an error names.
const SHOWN: usize = 10;

/// An image that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadImage {
    pub id: String,
    pub path: PathBuf,
    /// What is the matter, with the path in it.
    pub problem: String,
    #[serde(skip)]
    hints: Vec<String>,
}

impl BadImage {
    pub(super) fn new(sample: &Sample, error: &anyhow::Error) -> Self {
        let (problem, hints) = term::describe(error);
        Self { id: sample.id.clone(), path: sample.path.clone(), problem, hints }
    }
}

/// All bad images of a set. Names the first ten; the list has all.
#[derive(Debug)]
pub struct BadImages {
    pub bad: Vec<BadImage>,
    /// How many were looked at.
    pub of: usize,
    /// Where all of them are listed, if the data folder can be written to.
    pub list: Option<PathBuf>,
}

impl BadImages {
    /// Lists them in the data folder.
    pub(super) fn listed(bad: Vec<BadImage>, of: usize, folder: &Path) -> Self {
        let list = list(&bad, folder).ok();
        Self { bad, of, list }
    }
}

impl std::error::Error for BadImages {}

impl fmt::Display for BadImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.bad.len();
        write!(f, "{n} of {} images cannot be used:", self.of)?;
        for bad in self.bad.iter().take(SHOWN) {
            write!(f, "\n  {}", bad.problem)?;
        }
        if n > SHOWN {
            write!(f, "\n  and {} more; `-v` or `--json` tells all", n - SHOWN)?;
        }
        let mut hints: Vec<&str> = Vec::new();
        for hint in self.bad.iter().flat_map(|bad| &bad.hints) {
            if !hints.contains(&hint.as_str()) {
                hints.push(hint);
            }
        }
        for hint in hints {
            write!(f, "\nhint: {hint}")?;
        }
        match &self.list {
            Some(list) => write!(f, "\nhint: all of them are listed in `{}`", list.display()),
            None => Ok(()),
        }
    }
}

/// `.kaggle-kit/bad-images.csv` in a data folder.
fn file(folder: &Path) -> PathBuf {
    folder.join(".kaggle-kit/bad-images.csv")
}

/// Writes all of them down, for a script to get them again or to take them out.
pub(super) fn list(bad: &[BadImage], folder: &Path) -> Result<PathBuf> {
    let path = file(folder);
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(["id", "path", "problem"])?;
    for bad in bad {
        table.write_record([&bad.id, &*bad.path.to_string_lossy(), &bad.problem])?;
    }
    let mut out = fs::AtomicFile::create(&path)?;
    out.write_all(&table.into_inner()?)?;
    out.commit()?;
    Ok(path)
}

/// None is bad any more.
pub(super) fn forget_list(folder: &Path) {
    // An old list does no harm where it cannot be removed.
    let _ = fs::remove_file(file(folder));
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn ten_are_named_and_all_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let bad = |i: usize| {
            let path = format!("train/{i}, a.png");
            let sample = Sample::new(i.to_string(), path, Vec::new());
            let hint = if i < 3 { "get these" } else { "convert these" };
            BadImage::new(&sample, &anyhow!("`{i}.png` is bad\nhint: {hint}"))
        };
        let all = BadImages::listed((0..13).map(bad).collect(), 50, folder.path());
        let text = all.to_string();
        assert!(text.starts_with("13 of 50 images cannot be used:\n  `0.png` is bad\n"), "{text}");
        assert!(text.contains("\n  `9.png` is bad\n  and 3 more; `-v` or `--json` tells all\n"));
        let hints: Vec<&str> = text.lines().filter_map(|l| l.strip_prefix("hint: ")).collect();
        let list = all.list.unwrap();
        let last = format!("all of them are listed in `{}`", list.display());
        assert_eq!(hints, ["get these", "convert these", &last]);
        let rows = fs::read_to_string(&list).unwrap();
        assert_eq!(rows.lines().count(), 14);
        assert!(rows.contains("\n12,\"train/12, a.png\",`12.png` is bad\n"), "{rows}");
        forget_list(folder.path());
        assert!(!list.exists());
    }
}
