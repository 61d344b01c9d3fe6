//! Training kept on disk, so that a run that is killed goes on where it stood.
//!
//! A checkpoint is `<n>.toml` (the journal, and the names and hashes of the files it goes with),
//! `<n>.state` (weights and the optimiser's memory) and `best-<m>.state` (the best weights so far,
//! written when they change). The TOML comes last, so that it never names a file that is not whole;
//! the two newest are kept.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::journal::Journal;
use super::model::Model;
use crate::hash::Hash;
use crate::fs;
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
    best: Option<Part>,
}

/// A file of a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Part {
    file: String,
    sha256: String,
}

/// `<n>.toml`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Index {
    version: u32,
    state: Part,
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<Part>,
    journal: Journal,
}

const VERSION: u32 = 1;

/// What a checkpoint holds, read and verified.
#[derive(Debug)]
pub struct Loaded<S> {
    /// What was done.
    pub journal: Journal,
    /// Weights and the optimiser's memory.
    pub state: S,
    /// The best weights so far.
    pub best: Option<S>,
}

impl Checkpoints {
    /// Checkpoints in `folder`, one every so often.
    pub fn new(folder: impl Into<PathBuf>, every: Duration) -> Self {
        Self { folder: folder.into(), every, last: Instant::now(), number: 0, best: None }
    }

    /// Whether it is time for the next one.
    pub(super) fn is_due(&self) -> bool {
        self.last.elapsed() >= self.every
    }

    /// Writes a checkpoint. `best` is none where the best weights are those of the last call.
    pub(super) fn write<M: Model>(
        &mut self,
        journal: &Journal,
        state: &M::Snapshot,
        best: Option<&M::Snapshot>,
    ) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        self.number += 1;
        let place = || {
            format!(
                "failed to write a checkpoint at step {}\nhint: the ones before it are whole: make \
                 room or mend what is told above, then run the same command again",
                journal.steps
            )
        };
        if let Some(best) = best {
            let part = self.write_part::<M>(&format!("best-{}.state", self.number), best);
            self.best = Some(part.with_context(place)?);
        }
        let state = self.write_part::<M>(&format!("{}.state", self.number), state);
        let state = state.with_context(place)?;
        let index =
            Index { version: VERSION, state, best: self.best.clone(), journal: journal.clone() };
        let path = self.folder.join(format!("{}.toml", self.number));
        fs::write_atomic(path, toml::to_string(&index)?).with_context(place)?;
        self.prune()?;
        self.last = Instant::now();
        Ok(())
    }

    fn write_part<M: Model>(&self, name: &str, snapshot: &M::Snapshot) -> Result<Part> {
        let bytes = M::to_bytes(snapshot)?;
        let sha256 = hash(&bytes);
        fs::write_atomic(self.folder.join(name), bytes)?;
        Ok(Part { file: name.to_owned(), sha256 })
    }

    /// Removes what no kept checkpoint names.
    fn prune(&self) -> Result<()> {
        let numbers = numbers(&self.folder)?;
        let mut wanted = Vec::new();
        for number in numbers.iter().rev().take(KEPT) {
            let name = format!("{number}.toml");
            if let Ok(index) = self.index(&name) {
                wanted.push(index.state.file);
                wanted.extend(index.best.map(|best| best.file));
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
        let text = fs::read_to_string(&path)?;
        let index: Index = toml::from_str(&text)
            .with_context(|| format!("failed to read `{}`", path.display()))?;
        ensure!(index.version == VERSION, "`{}` is of another version", path.display());
        Ok(index)
    }

    /// The newest checkpoint that is whole; none if there is none. One that is not is told of.
    pub fn load<M: Model>(&mut self, model: &M) -> Result<Option<Loaded<M::Snapshot>>> {
        let numbers = numbers(&self.folder)?;
        self.number = numbers.last().copied().unwrap_or_default();
        for number in numbers.iter().rev() {
            match self.load_one(*number, model) {
                Ok((loaded, best)) => {
                    self.best = best;
                    return Ok(Some(loaded));
                }
                Err(error) => term::warn(format_args!(
                    "checkpoint {number} in `{}` cannot be used: {error:#}",
                    self.folder.display()
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

    fn load_one<M: Model>(
        &self,
        number: u64,
        model: &M,
    ) -> Result<(Loaded<M::Snapshot>, Option<Part>)> {
        let index = self.index(&format!("{number}.toml"))?;
        let read = |part: &Part| {
            let path = self.folder.join(&part.file);
            let bytes = fs::read(&path)?;
            if hash(&bytes) != part.sha256 {
                bail!("`{}` is damaged", path.display());
            }
            model
                .snapshot_of(&bytes)
                .with_context(|| format!("failed to read `{}`", path.display()))
        };
        let state = read(&index.state)?;
        let best = index.best.as_ref().map(read).transpose()?;
        Ok((Loaded { journal: index.journal, state, best }, index.best))
    }
}

/// The numbers of the checkpoints in a folder, sorted.
fn numbers(folder: &Path) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            numbers.extend(name.strip_suffix(".toml").and_then(|n| n.parse::<u64>().ok()));
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn hash(bytes: &[u8]) -> String {
    Hash::of(bytes).to_string()
}
