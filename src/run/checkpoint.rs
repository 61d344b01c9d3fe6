//! Training kept on disk, so that a run that is killed goes on where it stood.
//!
//! A checkpoint is `<n>.toml` (the journal, and the names and hashes of the files it goes with),
//! `<n>.state` (weights and the optimiser's memory), `best-<m>.state` (the best weights so far, written
//! when they change), `frozen-<m>.state` (the best before the backbone trained) and `average-<m>.state` (the
//! mean of the whole network's weights, where one is made). The TOML comes last, so that it never names a file
//! that is not whole; the two newest are kept.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::CHECKPOINT;
use super::checked::{self, Checked, Fault, hold, is_file_name};
use super::folder::Run;
use super::journal::Journal;
use crate::fs;
use crate::hash::Hash;
use crate::term;

/// How many are kept: if the newest is damaged, the one before it is at hand.
const KEPT: usize = 2;

/// A folder of checkpoints.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    every: Duration,
    last: Instant,
    number: u64,
    best: Option<StateFile>,
    frozen: Option<StateFile>,
    average: Option<StateFile>,
}

/// A file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct StateFile {
    file: String,
    sha256: String,
}

/// `<n>.toml`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Index {
    version: u32,
    state: StateFile,
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<StateFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen: Option<StateFile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    average: Option<StateFile>,
    journal: Journal,
}

const VERSION: u32 = 1;
/// The largest number of a checkpoint of ours: one a microsecond, for thirty years. What is numbered
/// beyond has not been counted to.
const MOST: u64 = 1_000_000_000_000_000;

impl Checked for Index {
    const HINT: &'static str =
        "the one before it is tried; where no other is left, `--anew` starts over";
    const VERSION: Option<u32> = Some(VERSION);

    fn check(&self) -> Result<(), Fault> {
        let kept = [("best", &self.best), ("frozen", &self.frozen), ("average", &self.average)];
        let kept = kept.map(|(key, state)| (key, state.as_ref()));
        for (key, state) in [("state", Some(&self.state))].into_iter().chain(kept) {
            let Some(StateFile { file, .. }) = state else { continue };
            hold(is_file_name(file), &format!("{key}.file"), || {
                format!("is `{file}`, which is no file of this folder")
            })?;
        }
        self.journal.check().map_err(|fault| fault.within("journal"))
    }
}

/// What a checkpoint holds, read and verified.
#[derive(Debug, PartialEq)]
pub struct Loaded<S> {
    pub journal: Journal,
    /// Weights and the optimiser's memory.
    pub state: S,
    /// The best weights so far.
    pub best: Option<S>,
    /// The best before the backbone trained.
    pub frozen: Option<S>,
    /// The mean of the whole network's weights so far.
    pub average: Option<S>,
}

/// Makes the bytes of a state: those of the best weights and of the newest are not in memory at
/// once.
pub type Encode<'a> = &'a dyn Fn() -> Result<Vec<u8>>;

/// What a checkpoint is made of.
pub struct States<'a> {
    pub now: Encode<'a>,
    /// None: those of the checkpoint before.
    pub best: Option<Encode<'a>>,
    /// Likewise.
    pub frozen: Option<Encode<'a>>,
    pub average: Option<Encode<'a>>,
}

impl Checkpoints {
    /// Checkpoints in `folder`, one every so often.
    pub fn new(folder: impl Into<PathBuf>, every: Duration) -> Self {
        Self {
            folder: folder.into(),
            every,
            last: Instant::now(),
            number: 0,
            best: None,
            frozen: None,
            average: None,
        }
    }

    /// Whether it is time for the next one.
    pub fn is_due(&self) -> bool {
        self.last.elapsed() >= self.every
    }

    /// Writes a checkpoint.
    pub fn write(&mut self, journal: &Journal, states: &States) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        self.number += 1;
        let place = || {
            format!(
                "failed to write a checkpoint at step {}\nhint: the ones before it are whole: make \
                 room or mend what is told above, then run the same command again",
                journal.steps
            )
        };
        let States { now, best, frozen, average } = *states;
        let write = |name: &str, encode: Option<Encode>| {
            let file = format!("{name}-{}.state", self.number);
            encode.map(|encode| self.write_state(file, encode).with_context(place)).transpose()
        };
        let new = [write("best", best)?, write("frozen", frozen)?, write("average", average)?];
        let kept = [&mut self.best, &mut self.frozen, &mut self.average];
        for (kept, new) in kept.into_iter().zip(new) {
            *kept = new.or_else(|| kept.take());
        }
        let state = self.write_state(format!("{}.state", self.number), now);
        let state = state.with_context(place)?;
        let [best, frozen, average] = [&self.best, &self.frozen, &self.average].map(Clone::clone);
        let index =
            Index { version: VERSION, state, best, frozen, average, journal: journal.clone() };
        let path = self.folder.join(format!("{}.toml", self.number));
        // What it names is on the disk by now, names and all: each was written as this is.
        fs::write_atomic(path, toml::to_string(&index)?).with_context(place)?;
        self.prune()?;
        self.last = Instant::now();
        Ok(())
    }

    fn write_state(&self, file: String, encode: Encode) -> Result<StateFile> {
        let bytes = encode()?;
        let sha256 = hash(&bytes);
        fs::write_atomic(self.folder.join(&file), bytes)?;
        Ok(StateFile { file, sha256 })
    }

    /// Removes what no kept checkpoint names.
    fn prune(&self) -> Result<()> {
        let numbers = numbers(&self.folder)?;
        let mut wanted = Vec::new();
        for number in numbers.iter().rev().take(KEPT) {
            let name = format!("{number}.toml");
            if let Ok(index) = self.index(&name) {
                wanted.push(index.state.file);
                let kept = [index.best, index.frozen, index.average].into_iter().flatten();
                wanted.extend(kept.map(|kept| kept.file));
            }
            wanted.push(name);
        }
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_ours = path.extension().is_some_and(|kind| kind == "toml" || kind == "state");
            if is_ours && path.is_file() && !wanted.contains(&name) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn index(&self, name: &str) -> Result<Index> {
        let path = self.folder.join(name);
        checked::parse(&fs::read_to_string(&path)?, &path)
    }

    /// The newest checkpoint that is whole; none if there is none. `decode` makes a state of its
    /// bytes, and `note` is told of those that cannot be used.
    pub fn load<S>(
        &mut self,
        decode: impl Fn(&[u8]) -> Result<S>,
        mut note: impl FnMut(String),
    ) -> Result<Option<Loaded<S>>> {
        let numbers = numbers(&self.folder)?;
        self.number = numbers.last().copied().unwrap_or_default();
        for number in numbers.iter().rev() {
            match self.load_one(*number, &decode) {
                Ok((loaded, [best, frozen, average])) => {
                    (self.best, self.frozen, self.average) = (best, frozen, average);
                    return Ok(Some(loaded));
                }
                Err(error) => note(format!(
                    "checkpoint {number} in `{}` cannot be used: {}",
                    self.folder.display(),
                    term::describe(&error).0
                )),
            }
        }
        ensure!(
            numbers.is_empty(),
            "no checkpoint in `{}` can be used\nhint: `--anew` starts over",
            self.folder.display()
        );
        Ok(None)
    }

    fn load_one<S>(
        &self,
        number: u64,
        decode: impl Fn(&[u8]) -> Result<S>,
    ) -> Result<(Loaded<S>, [Option<StateFile>; 3])> {
        let index = self.index(&format!("{number}.toml"))?;
        let read = |state: &StateFile| {
            let path = self.folder.join(&state.file);
            let bytes = fs::read(&path)?;
            if hash(&bytes) != state.sha256 {
                bail!("`{}` is damaged", path.display());
            }
            decode(&bytes).with_context(|| format!("failed to read `{}`", path.display()))
        };
        let state = read(&index.state)?;
        let best = index.best.as_ref().map(read).transpose()?;
        let frozen = index.frozen.as_ref().map(read).transpose()?;
        let average = index.average.as_ref().map(read).transpose()?;
        let files = [index.best, index.frozen, index.average];
        Ok((Loaded { journal: index.journal, state, best, frozen, average }, files))
    }
}

impl Run {
    /// Whether there is anything to go on from.
    pub fn has_checkpoints(&self) -> Result<bool> {
        Ok(!numbers(&self.file(CHECKPOINT))?.is_empty())
    }

    /// Training steps that the newest readable checkpoint has; none where there is none.
    pub(super) fn kept_steps(&self) -> Result<Option<u64>> {
        let checkpoints = Checkpoints::new(self.file(CHECKPOINT), Duration::ZERO);
        let newest_first = numbers(&checkpoints.folder)?.into_iter().rev();
        let mut readable =
            newest_first.filter_map(|number| checkpoints.index(&format!("{number}.toml")).ok());
        Ok(readable.next().map(|index| index.journal.steps))
    }
}

/// The numbers of the checkpoints in a folder, sorted.
fn numbers(folder: &Path) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let number = name.strip_suffix(".toml").and_then(|n| n.parse::<u64>().ok());
            // As we write it: not `+7`, nor `007`, which another file is meant by.
            numbers.extend(number.filter(|n| *n <= MOST && name == format!("{n}.toml")));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn hash(bytes: &[u8]) -> String {
    Hash::of(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(steps: u64) -> Journal {
        Journal { steps, ..Journal::default() }
    }

    fn write(checkpoints: &mut Checkpoints, steps: u64, state: &[u8], best: Option<&[u8]>) {
        let best = best.map(|bytes| move || Ok(bytes.to_vec()));
        let best = best.as_ref().map(|encode| encode as Encode);
        let now: Encode = &|| Ok(state.to_vec());
        checkpoints.write(&at(steps), &States { now, best, frozen: None, average: None }).unwrap();
    }

    type Read = Result<Option<Loaded<Vec<u8>>>>;

    /// What is read back, and a note for each checkpoint that was passed over.
    fn load(folder: &Path) -> (Read, Vec<String>) {
        let mut notes = Vec::new();
        let mut checkpoints = Checkpoints::new(folder, Duration::ZERO);
        let loaded = checkpoints.load(|bytes| Ok(bytes.to_vec()), |note| notes.push(note));
        (loaded, notes)
    }

    #[test]
    fn the_newest_checkpoint_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(folder.path()).0.unwrap(), None);
        let mut checkpoints = Checkpoints::new(folder.path(), Duration::ZERO);
        assert!(checkpoints.is_due());
        write(&mut checkpoints, 3, b"three", Some(b"best"));
        // The best weights are those of the checkpoint before.
        write(&mut checkpoints, 4, b"four", None);
        let frozen: Encode = &|| Ok(b"frozen".to_vec());
        let now: Encode = &|| Ok(b"five".to_vec());
        let average: Encode = &|| Ok(b"mean".to_vec());
        let (frozen, average) = (Some(frozen), Some(average));
        checkpoints.write(&at(5), &States { now, best: None, frozen, average }).unwrap();
        write(&mut checkpoints, 6, b"six", None);
        let (loaded, notes) = load(folder.path());
        let kept = [b"six".as_slice(), b"best", b"frozen", b"mean"].map(<[u8]>::to_vec);
        let [state, best, frozen, average] = kept;
        let [best, frozen, average] = [best, frozen, average].map(Some);
        let expected = Loaded { journal: at(6), state, best, frozen, average };
        assert_eq!((loaded.unwrap(), notes.len()), (Some(expected), 0));
    }

    #[test]
    fn what_is_damaged_is_noted_and_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoints = Checkpoints::new(folder.path(), Duration::ZERO);
        write(&mut checkpoints, 3, b"three", None);
        write(&mut checkpoints, 4, b"four", None);
        fs::write_atomic(folder.path().join("2.state"), b"for").unwrap();
        let (loaded, notes) = load(folder.path());
        assert_eq!(loaded.unwrap().unwrap().journal.steps, 3);
        assert!(notes[0].starts_with("checkpoint 2 in `") && notes[0].contains("is damaged"));
        fs::write_atomic(folder.path().join("1.toml"), "version = 2").unwrap();
        let (loaded, notes) = load(folder.path());
        let error = loaded.unwrap_err().to_string();
        assert!(error.contains("hint: `--anew` starts over") && notes.len() == 2, "{error}");
    }

    #[test]
    fn a_power_cut_leaves_no_index_of_what_is_not_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoints = Checkpoints::new(folder.path(), Duration::ZERO);
        write(&mut checkpoints, 3, b"three", Some(b"best"));
        let files = ["1.state", "best-1.state"].map(|name| folder.path().join(name));
        let then = fs::watched::Event::Named(folder.path().join("1.toml"));
        assert!(fs::watched::lost(folder.path(), &files, &then).is_empty());
    }

    #[test]
    fn a_number_that_nobody_counted_to_is_no_checkpoint_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoints = Checkpoints::new(folder.path(), Duration::ZERO);
        write(&mut checkpoints, 3, b"three", None);
        for name in [u64::MAX.to_string(), format!("{}", MOST + 1), "007".into(), "+9".into()] {
            let from = folder.path().join("1.toml");
            fs::copy(from, folder.path().join(format!("{name}.toml"))).unwrap();
        }
        let mut checkpoints = Checkpoints::new(folder.path(), Duration::ZERO);
        let loaded = checkpoints.load(|bytes| Ok(bytes.to_vec()), |note| panic!("{note}"));
        assert_eq!(loaded.unwrap().unwrap().journal.steps, 3);
        write(&mut checkpoints, 4, b"four", None);
        assert_eq!(load(folder.path()).0.unwrap().unwrap().journal.steps, 4);
    }

    #[test]
    fn an_index_that_cannot_be_is_passed_over_by_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut checkpoints = Checkpoints::new(folder.path(), Duration::ZERO);
        write(&mut checkpoints, 3, b"three", Some(b"best"));
        write(&mut checkpoints, 4, b"four", None);
        let path = folder.path().join("2.toml");
        let text = fs::read_to_string(&path).unwrap();
        for (old, new, expected) in [
            ("steps = 4", "steps = 9223372036854775807", "`journal.steps` is 9223372036854775807"),
            ("version = 1", "version = 2", "is of version 2"),
            ("\"2.state\"", "\"../2.state\"", "`state.file` is `../2.state`"),
            ("steps = 4", "steps = -4", "failed to read"),
        ] {
            let edited = text.replacen(old, new, 1);
            assert_ne!(edited, text);
            fs::write_atomic(&path, edited).unwrap();
            let (loaded, notes) = load(folder.path());
            assert_eq!(loaded.unwrap().unwrap().journal.steps, 3, "{new}");
            assert!(notes[0].contains(expected) && notes[0].contains("2.toml"), "{notes:?}");
        }
    }
}
