//! Which files of a data folder a fetch may replace: those that one has put there. What a person has put
//! there, or changed since, stays until `--force` says otherwise.
//!
//! What a finished fetch has put there is in `manifest.csv`, with its hash. What one is about to put there
//! is written to `<data>/.kaggle-kit/placing.csv` first: whatever becomes of it, a kill or a power cut,
//! the next one knows those files for its own.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::bring::is_equal;
use super::manifest::{Entry, Manifest};
use crate::archive::Kind;
use crate::fs;
use crate::hash::hash_file;

const NAME: &str = ".kaggle-kit/placing.csv";
/// So many files are named.
const NAMED: usize = 3;

/// The right to put files into a data folder.
pub(super) struct Claims {
    data: PathBuf,
    /// Whether whatever is there is replaced.
    anew: bool,
    /// What this fetch, or one that came to no end, has claimed: paths below the data folder.
    placing: BTreeSet<String>,
    /// What was moved there, and where from.
    moved: BTreeSet<(String, String)>,
    /// What the last finished one has left.
    manifest: OnceCell<HashMap<String, Entry>>,
    /// Folders that are there, or that nothing keeps from being made.
    free: HashSet<PathBuf>,
}

/// What is at the place of a file.
enum There {
    /// Nothing, or what may be replaced.
    Ours,
    /// A person's file, in words of where and what it is.
    Theirs(String),
    /// What no file can replace.
    InTheWay(String),
}

impl Claims {
    /// Reads what an unfinished fetch has claimed; a record that cannot be read claims nothing.
    pub(super) fn read(data: &Path, anew: bool) -> Self {
        let text = fs::read(data.join(NAME)).unwrap_or_default();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
        let (mut placing, mut moved) = (BTreeSet::new(), BTreeSet::new());
        for row in reader.deserialize().filter_map(Result::ok) {
            let (to, from): (String, String) = row;
            if from.is_empty() {
                placing.insert(to)
            } else {
                moved.insert((to, from))
            };
        }
        Self {
            data: data.to_owned(),
            anew,
            placing,
            moved,
            manifest: OnceCell::new(),
            free: HashSet::new(),
        }
    }

    /// Makes sure that each file may be put where it belongs, and writes down that it will be. Where a
    /// person's files are in the way nothing is put there: they are named.
    pub(super) fn claim(
        &mut self,
        files: impl IntoIterator<Item = (PathBuf, PathBuf)>,
    ) -> Result<()> {
        let (mut theirs, mut in_the_way) = (Vec::new(), Vec::new());
        let before = self.placing.len();
        let mut claimed = Vec::new();
        for (from, to) in files {
            match self.look(&from, &to)? {
                There::Ours => claimed.push(self.name(&to)),
                There::Theirs(what) => theirs.push(what),
                There::InTheWay(what) => in_the_way.push(what),
            }
        }
        in_the_way.dedup();
        if !theirs.is_empty() {
            bail!(
                "{}, put or changed there by somebody else than kaggle-kit: nothing was replaced\n\
                 hint: move {} away and run the same command again; or run it with `--force`, which \
                 replaces what is there",
                listed(&theirs),
                them(&theirs)
            );
        }
        self.placing.extend(claimed);
        if self.placing.len() > before {
            self.write()?;
        }
        if !in_the_way.is_empty() {
            let again = if self.anew { "again, without `--force`" } else { "again" };
            bail!(
                "{}: a file of the data belongs there\nhint: move {} away and run the same command \
                 {again}",
                listed(&in_the_way),
                them(&in_the_way)
            );
        }
        Ok(())
    }

    /// The same for everything below `from`, which is to get its place below `to`.
    pub(super) fn claim_all(&mut self, from: &Path, to: &Path) -> Result<()> {
        let mut files = Vec::new();
        let mut left = vec![PathBuf::new()];
        while let Some(inside) = left.pop() {
            for entry in fs::read_dir(from.join(&inside))? {
                let entry = entry?;
                let inside = inside.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    left.push(inside);
                } else {
                    files.push(inside);
                }
            }
        }
        files.sort();
        self.claim(files.iter().map(|inside| (from.join(inside), to.join(inside))))
    }

    /// What is claimed below `from` is about to be moved to `to`.
    pub(super) fn follow(&mut self, from: &Path, to: &Path) -> Result<()> {
        let (from, to) = (self.name(from), self.name(to));
        let claimed = self.placing.iter().filter_map(|name| {
            let rest = name.strip_prefix(&from)?;
            (rest.is_empty() || rest.starts_with('/')).then(|| format!("{to}{rest}"))
        });
        let claimed: Vec<String> = claimed.collect();
        if claimed.is_empty() {
            return Ok(());
        }
        self.placing.extend(claimed);
        self.moved.insert((to, from));
        self.write()
    }

    /// Whether what is at `to` was moved there from `from`.
    pub(super) fn has_moved(&self, from: &Path, to: &Path) -> bool {
        self.moved.contains(&(self.name(to), self.name(from)))
    }

    /// Everything has its place, and its record vouches for it.
    pub(super) fn release(data: &Path) -> Result<()> {
        let path = data.join(NAME);
        fs::remove_flushed(&path)?;
        // What else lies beside it is of use yet.
        let _ = fs::remove_dir(fs::folder_of(&path));
        Ok(())
    }

    fn look(&mut self, from: &Path, to: &Path) -> Result<There> {
        if let Some(way) = self.in_the_way_of(fs::folder_of(to)) {
            return Ok(There::InTheWay(way));
        }
        let Ok(there) = fs::symlink_metadata(to) else { return Ok(There::Ours) };
        if there.is_dir() {
            return Ok(There::InTheWay(format!("`{}` is a folder", to.display())));
        }
        if self.anew || self.placing.contains(&self.name(to)) {
            return Ok(There::Ours);
        }
        if let Some(found) = fs::not_plain(to) {
            return Ok(There::Theirs(format!("`{}` is {}", to.display(), found.is)));
        }
        if fs::is_same(from, to) || is_equal(from, to)? || self.is_fetched(to)? {
            return Ok(There::Ours);
        }
        Ok(There::Theirs(format!("`{}` is another file", to.display())))
    }

    /// What keeps a folder from being made.
    fn in_the_way_of(&mut self, folder: &Path) -> Option<String> {
        if self.free.contains(folder) {
            return None;
        }
        let Some(error) = fs::no_folder(folder) else {
            self.free.insert(folder.to_owned());
            return None;
        };
        let found = fs::why_not_plain(&error)?;
        let is_ours = self.anew || self.placing.contains(&self.name(&found.path));
        // `labels.csv/` out of an archive that is itself called `labels.csv` takes its place.
        if is_ours && found.path == folder && matches!(Kind::of(folder), Ok(Some(_))) {
            return None;
        }
        Some(format!("`{}` is {}", found.path.display(), found.is))
    }

    /// Whether it is, byte for byte, what the last finished fetch has put there.
    fn is_fetched(&self, path: &Path) -> Result<bool> {
        let manifest = self.manifest.get_or_init(|| {
            let entries = Manifest::read(&self.data).unwrap_or_default();
            entries.into_iter().map(|entry| (entry.path.clone().into(), entry)).collect()
        });
        let Some(entry) = manifest.get(&self.name(path)) else { return Ok(false) };
        Ok(fs::metadata(path)?.len() == entry.bytes && hash_file(path)?.to_string() == entry.sha256)
    }

    fn name(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.data).unwrap_or(path);
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        parts.join("/")
    }

    fn write(&self) -> Result<()> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let moved = self.moved.iter().map(|(to, from)| [to.as_str(), from.as_str()]);
        let placing = self.placing.iter().map(|path| [path.as_str(), ""]);
        moved.chain(placing).try_for_each(|row| csv.write_record(row))?;
        fs::write_atomic(self.data.join(NAME), csv.into_inner()?)
    }
}

fn them(all: &[String]) -> &'static str {
    if all.len() == 1 { "it" } else { "them" }
}

/// The first few, and how many follow.
fn listed(all: &[String]) -> String {
    let named = all[..all.len().min(NAMED)].join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Place {
        _folder: tempfile::TempDir,
        data: PathBuf,
        from: PathBuf,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (data, from) = (folder.path().join("data"), folder.path().join("new"));
            fs::create_dir_all(&data).unwrap();
            Self { _folder: folder, data, from }
        }

        fn claims(&self, anew: bool) -> Claims {
            Claims::read(&self.data, anew)
        }

        /// What one file is to become, and what comes of claiming its place.
        fn claim(&self, name: &str, text: &str, anew: bool) -> Result<(), String> {
            fs::write_atomic(&self.from, text).unwrap();
            let to = self.data.join(name);
            let claimed = self.claims(anew).claim([(self.from.clone(), to)]);
            claimed.map_err(|error| error.to_string())
        }
    }

    #[test]
    fn a_persons_file_stays_until_it_may_go() {
        let place = Place::new();
        let path = place.data.join("train/1.jpg");
        fs::write_atomic(&path, "mine").unwrap();
        let told = place.claim("train/1.jpg", "new", false).unwrap_err();
        assert!(told.contains("1.jpg` is another file") && told.contains("--force`"), "{told}");
        // What was refused is no claim.
        place.claim("train/1.jpg", "new", false).unwrap_err();
        place.claim("train/2.jpg", "new", false).unwrap();
        place.claim("train/1.jpg", "mine", false).unwrap();

        let place = Place::new();
        fs::write_atomic(place.data.join("a"), "mine").unwrap();
        place.claim("a", "new", true).unwrap();
    }

    #[test]
    fn what_a_stopped_fetch_has_put_there_is_replaced() {
        let place = Place::new();
        for name in ["a", "train/1,\n\".jpg"] {
            place.claim(name, "whole", false).unwrap();
            // As a power cut leaves it.
            fs::write_atomic(place.data.join(name), "\0\0").unwrap();
            place.claim(name, "whole", false).unwrap();
        }
        Claims::release(&place.data).unwrap();
        assert!(!place.data.join(".kaggle-kit").exists());
        place.claim("a", "whole", false).unwrap_err();
    }

    #[test]
    fn claims_follow_what_is_moved() {
        let place = Place::new();
        for name in ["mirror/train/1.jpg", "mirror/labels.csv", "mirror/trainer/1.jpg"] {
            place.claim(name, "whole", false).unwrap();
        }
        let at = |name: &str| place.data.join(name);
        let mut claims = place.claims(false);
        claims.follow(&at("mirror/train"), &at("train")).unwrap();
        claims.follow(&at("mirror/labels.csv"), &at("labels.csv")).unwrap();
        for name in ["train/1.jpg", "labels.csv", "trainer/1.jpg"] {
            fs::write_atomic(at(name), "other").unwrap();
            assert_eq!(place.claim(name, "whole", false).is_ok(), name != "trainer/1.jpg");
        }
        let claims = place.claims(false);
        assert!(claims.has_moved(&at("mirror/train"), &at("train")));
        assert!(!claims.has_moved(&at("mirror/trainer"), &at("train")));
    }

    #[test]
    fn what_was_fetched_and_not_changed_since_is_replaced() {
        let place = Place::new();
        fs::write_atomic(place.data.join("a"), "old").unwrap();
        let hash = hash_file(&place.data.join("a")).unwrap();
        let manifest = format!("path,bytes,sha256\na,3,{hash}\n");
        fs::write_atomic(place.data.join("manifest.csv"), manifest).unwrap();
        place.claim("a", "new", false).unwrap();
        Claims::release(&place.data).unwrap();
        fs::write_atomic(place.data.join("a"), "own").unwrap();
        place.claim("a", "new", false).unwrap_err();
    }

    #[test]
    fn what_no_file_can_replace_is_told_even_when_all_is_done_anew() {
        let place = Place::new();
        fs::create_dir_all(place.data.join("train/1.jpg")).unwrap();
        fs::write_atomic(place.data.join("test"), "a file").unwrap();
        for anew in [false, true] {
            for (name, is) in [
                ("train/1.jpg", "train/1.jpg` is a folder: a file of the data belongs there"),
                ("test/1.jpg", "test` is a file, no folder: a file of the data belongs there"),
            ] {
                let told = place.claim(name, "new", anew).unwrap_err();
                assert!(told.contains(is) && told.contains("hint: move it away"), "{told}");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn pipes_and_links_are_a_persons() {
        use std::os::unix::fs::symlink;
        let place = Place::new();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, place.data.join("pipe"), mode).unwrap();
        symlink("nowhere", place.data.join("broken")).unwrap();
        symlink(&place.from, place.data.join("same")).unwrap();
        for name in ["pipe", "broken"] {
            let told = place.claim(name, "new", false).unwrap_err();
            assert!(told.contains(&format!("{name}` is a ")), "{told}");
            place.claim(name, "new", true).unwrap();
        }
        place.claim("same", "new", false).unwrap();
    }
}
