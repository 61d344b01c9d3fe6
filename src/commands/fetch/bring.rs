//! Files brought to their places in the data folder: linked where that works, copied elsewhere. Where
//! they come from nothing is changed, whatever links lead from one to the other.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::claims::Claims;
use super::layout;
use crate::archive;
use crate::competition::Competition;
use crate::dataset;
use crate::fs;

/// How a file got its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brought {
    Linked,
    Copied,
    There,
}

/// What may be written to in one fetch.
pub(super) struct Bringer {
    data: PathBuf,
    /// Without links on the way.
    sources: Vec<PathBuf>,
    /// By folder: whether it lies in a source, and so may not be written to.
    is_source: HashMap<PathBuf, bool>,
    /// Whether what is there is done again.
    anew: bool,
}

impl Bringer {
    /// For the folders that the person named as sources.
    pub(super) fn new<P: AsRef<Path>>(data: &Path, sources: &[P], anew: bool) -> Result<Self> {
        let real = |path: &Path| {
            path.canonicalize().with_context(|| format!("failed to read `{}`", path.display()))
        };
        let sources = sources.iter().map(|source| real(source.as_ref())).collect::<Result<_>>()?;
        Ok(Self { data: real(data)?, sources, is_source: HashMap::new(), anew })
    }

    /// Gives one image its place: a link, or a copy where the file system wants one.
    pub(super) fn image(&mut self, from: &Path, to: &Path) -> Result<Brought> {
        // A link to a symbolic link would hang on a name that may go.
        let from =
            from.canonicalize().with_context(|| format!("failed to read `{}`", from.display()))?;
        if fs::is_same(&from, to) || (!self.anew && is_equal(&from, to)?) {
            return Ok(Brought::There);
        }
        let folder = self.writable(to)?;
        let mut brought = Brought::Linked;
        // What is there goes only when the other has its place.
        let temporary = tempfile::Builder::new()
            .prefix(".partial-")
            .make_in(folder, |path| match fs::hard_link(&from, path) {
                // What nobody can write to does not change under a link: a notebook's input.
                Err(error)
                    if error.kind() == ErrorKind::CrossesDevices && fs::is_read_only(&from) =>
                {
                    fs::symlink(&from, path)
                }
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    brought = Brought::Copied;
                    fs::copy(&from, path).map(drop).inspect_err(|_| {
                        let _ = fs::remove_file(path);
                    })
                }
                linked => linked,
            })
            .with_context(|| copying(&from, to))?;
        temporary.persist(to).map_err(|error| error.error).with_context(|| copying(&from, to))?;
        Ok(brought)
    }

    /// Gives one table its place, as a copy: people edit tables.
    pub(super) fn table(&mut self, from: &Path, to: &Path) -> Result<()> {
        if fs::is_same(from, to) {
            return Ok(());
        }
        self.writable(to)?;
        fs::write_atomic(to, fs::read(from)?)
    }

    /// Makes a folder in the data folder.
    pub(super) fn folder(&mut self, folder: &Path) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        self.writable(folder)?;
        Ok(fs::create_dir_all(folder)?)
    }

    /// Refuses to unpack where that would write into a source: a part that is a link into it.
    pub(super) fn check_parts(&mut self, competition: &Competition) -> Result<()> {
        let data = self.data.clone();
        for name in layout::folders(competition) {
            self.writable(&name.under(&data).join("file"))?;
        }
        layout::tables(competition)
            .into_iter()
            .try_for_each(|name| self.writable(&name.under(&data)).map(drop))
    }

    /// The folder that `to` lies in, unless a link leads from there into a source.
    fn writable<'a>(&mut self, to: &'a Path) -> Result<&'a Path> {
        let folder = fs::folder_of(to);
        let is_source = if let Some(known) = self.is_source.get(folder) {
            *known
        } else {
            // What is not there yet is made in what is.
            let real = folder.ancestors().find_map(|folder| folder.canonicalize().ok());
            let real = real.unwrap_or_else(|| self.data.clone());
            let in_source = self.sources.iter().any(|source| real.starts_with(source));
            let found = in_source && !real.starts_with(&self.data);
            self.is_source.insert(folder.to_owned(), found);
            found
        };
        if is_source {
            bail!(
                "`{}` is a link into a source: what is written there would change it\nhint: remove \
                 the link; kaggle-kit links images itself",
                folder.display()
            );
        }
        Ok(folder)
    }
}

fn copying(from: &Path, to: &Path) -> String {
    format!("failed to copy `{}` to `{}`", from.display(), to.display())
}

/// Whether the same bytes are there already, as after a fetch that was stopped.
pub(super) fn is_equal(from: &Path, to: &Path) -> Result<bool> {
    let Ok(there) = fs::metadata(to) else { return Ok(false) };
    if !there.is_file() || there.len() != fs::metadata(from)?.len() {
        return Ok(false);
    }
    Ok(fs::read(from)? == fs::read(to)?)
}

/// Moves parts that an archive had in folders of its own to where they belong, over what an unfinished
/// fetch has moved there from the same place. What a link leads to outside the data folder is somebody else's, and stays.
pub(super) fn lift(competition: &Competition, data: &Path) -> Result<()> {
    let parts = layout::everywhere(competition, data)?;
    let mut bringer = Bringer::new(data, &[] as &[&Path], false)?;
    let mut claims = Claims::read(data, false);
    for (name, path) in &parts.folders {
        let target = name.under(data);
        let is_there = target.is_dir();
        if *path == target || !path.is_dir() || is_there && !claims.has_moved(path, &target) {
            continue;
        }
        if path.canonicalize()?.starts_with(&bringer.data) {
            if is_there {
                claims.claim_all(path, &target)?;
            }
            claims.follow(path, &target)?;
            archive::move_into(path, &target)?;
            continue;
        }
        for (from, _) in fs::below(path, Some(data))?.files {
            let to = target.join(from.strip_prefix(path)?);
            bringer.folder(fs::folder_of(&to))?;
            bringer.image(&from, &to)?;
        }
    }
    for (name, path) in &parts.tables {
        let target = name.under(data);
        // A table may lie in a folder of its own name: that is Kaggle's own way.
        let is_there = dataset::find_file(data, name).is_some();
        if path.starts_with(&target)
            || !path.is_file()
            || is_there && !claims.has_moved(path, &target)
        {
            continue;
        }
        if path.canonicalize()?.starts_with(&bringer.data) {
            if fs::symlink_metadata(&target).is_ok() {
                claims.claim([(path.clone(), target.clone())])?;
            }
            claims.follow(path, &target)?;
            fs::rename(path, target)?;
        } else {
            bringer.table(path, &target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    struct Place {
        _folder: tempfile::TempDir,
        source: PathBuf,
        data: PathBuf,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (source, data) = (root.join("source"), root.join("data"));
        fs::write_atomic(source.join("train/1.jpg"), "one").unwrap();
        fs::create_dir_all(data.join("train")).unwrap();
        Place { _folder: folder, source, data }
    }

    #[test]
    fn one_file_under_two_names_is_left_alone() {
        for anew in [false, true] {
            let Place { source, data, .. } = &place();
            let (from, to) = (source.join("train/1.jpg"), data.join("train/1.jpg"));
            let mut bringer = Bringer::new(data, &[source], anew).unwrap();
            // A hard link, and a link from either side.
            assert_eq!(bringer.image(&from, &to).unwrap(), Brought::Linked);
            assert_eq!(bringer.image(&from, &to).unwrap(), Brought::There);
            fs::remove_file(&to).unwrap();
            symlink(&from, &to).unwrap();
            assert_eq!(bringer.image(&from, &to).unwrap(), Brought::There);
            fs::remove_file(&to).unwrap();
            fs::rename(&from, &to).unwrap();
            symlink(&to, &from).unwrap();
            assert_eq!(bringer.image(&from, &to).unwrap(), Brought::There);
            assert_eq!(fs::read_to_string(&to).unwrap(), "one");
        }
    }

    #[test]
    fn other_bytes_of_the_same_length_are_replaced() {
        let Place { source, data, .. } = &place();
        let (from, to) = (source.join("train/1.jpg"), data.join("train/1.jpg"));
        let mut bringer = Bringer::new(data, &[source], false).unwrap();
        // What a power cut may leave.
        fs::write_atomic(&to, "\0\0\0").unwrap();
        assert_eq!(bringer.image(&from, &to).unwrap(), Brought::Linked);
        assert_eq!(fs::read_to_string(&to).unwrap(), "one");
        fs::remove_file(&to).unwrap();
        fs::write_atomic(&to, "one").unwrap();
        assert_eq!(bringer.image(&from, &to).unwrap(), Brought::There);
        assert_eq!(fs::read_dir(data.join("train")).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_written_through_a_link_into_a_source() {
        let Place { source, data, .. } = &place();
        fs::remove_dir(data.join("train")).unwrap();
        symlink(source.join("train"), data.join("train")).unwrap();
        let other = source.with_file_name("other");
        fs::write_atomic(other.join("train/1.jpg"), "another").unwrap();
        let mut bringer = Bringer::new(data, &[source, &other], true).unwrap();
        let text = bringer
            .image(&other.join("train/1.jpg"), &data.join("train/1.jpg"))
            .unwrap_err()
            .to_string();
        assert!(text.contains("is a link into a source"), "{text}");
        assert_eq!(fs::read_to_string(source.join("train/1.jpg")).unwrap(), "one");
        let competition = crate::competition::find("dogs-vs-cats").unwrap();
        assert!(bringer.check_parts(&competition).is_err());
        // A data folder that lies in the source is a place as any other.
        let inside = source.join("data/mini");
        fs::create_dir_all(inside.join("train")).unwrap();
        let mut bringer = Bringer::new(&inside, &[source], true).unwrap();
        let to = inside.join("train/1.jpg");
        assert_eq!(bringer.image(&source.join("train/1.jpg"), &to).unwrap(), Brought::Linked);
    }

    #[test]
    fn what_a_link_leads_to_is_not_moved_away() {
        let Place { source, data, .. } = &place();
        let competition = crate::competition::find("dogs-vs-cats").unwrap();
        fs::write_atomic(source.join("sample_submission.csv"), "id,label\n").unwrap();
        fs::remove_dir(data.join("train")).unwrap();
        symlink(source, data.join("mirror")).unwrap();
        lift(&competition, data).unwrap();
        for name in ["train/1.jpg", "sample_submission.csv"] {
            assert!(source.join(name).is_file() && data.join(name).is_file(), "{name}");
        }
    }
}
