//! What a run is trained on, by the hashes of bytes: its images and the pretrained weights.
//!
//! `checkpoint/made-from.csv` has them from the run's beginning on. A run that was stopped goes on
//! with the same alone: neither names nor sizes nor times tell that a picture is still what it was.

use std::collections::HashMap;

use anyhow::{Result, ensure};

use super::folder::Run;
use super::{CHECKPOINT, JOURNAL};
use crate::dataset::{Sample, digests};
use crate::fs;
use crate::hash::Hash;
use crate::lines::Lines;
use crate::progress::Progress;
use crate::term;

const FILE: &str = "made-from.csv";
const HEADER: [&str; 3] = ["kind", "name", "sha256"];
const IMAGE: &str = "image";
const WEIGHTS: &str = "weights";
/// The journal of another run, whose plan is followed.
const PLAN: &str = "plan";

/// The labels of test images, and what teaches: they stand among the weights.
pub const PSEUDO_LABELS: &str = "pseudo-labels";
pub const TEACHERS: &str = "teachers";

/// What a run is trained on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeFrom {
    /// Kind, name and hash.
    rows: Vec<[String; 3]>,
}

impl MadeFrom {
    /// Of all images that are trained on or held out, and of each backbone with its weights.
    pub fn of<'a>(
        samples: &[Sample],
        weights: impl IntoIterator<Item = (&'a str, Hash)>,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let row = |kind: &str, name: &str, hash: Hash| {
            [kind.to_owned(), name.to_owned(), hash.to_string()]
        };
        let hashed = samples.iter().zip(digests(samples, progress)?);
        let images = hashed.map(|(sample, hash)| row(IMAGE, &sample.id, hash));
        let weights = weights.into_iter().map(|(name, hash)| row(WEIGHTS, name, hash));
        Ok(Self { rows: images.chain(weights).collect() })
    }

    /// The same with the plan that is followed.
    #[must_use]
    pub fn by_plan(mut self, journal: Hash) -> Self {
        self.rows.push([PLAN, JOURNAL, &journal.to_string()].map(str::to_owned));
        self
    }

    /// Writes it down where a run begins.
    pub fn write(&self, run: &Run) -> Result<()> {
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(HEADER)?;
        for row in &self.rows {
            table.write_record(row)?;
        }
        fs::write_atomic(run.file(CHECKPOINT).join(FILE), table.into_inner()?)
    }

    /// An error where a run was begun with something else, which names it; `None` where the run does
    /// not say: it is an older program's, or was stopped before it could.
    pub fn is_of(&self, run: &Run) -> Result<Option<()>> {
        let path = run.file(CHECKPOINT).join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let begun = Self::parse(&fs::read(&path)?, &path.display().to_string())?;
        let [images, weights, plan] = [IMAGE, WEIGHTS, PLAN].map(|kind| self.changed(&begun, kind));
        let place = run.folder.display();
        ensure!(
            images.is_empty(),
            "the images have changed since `{place}` was begun: {}, such as `{}`\nhint: put back \
             what was there, or start over with `--anew`",
            term::count(images.len(), "other file"),
            images[0]
        );
        ensure!(
            plan.is_empty(),
            "the plan that `{place}` was begun by, another run's `journal.toml`, has changed\nhint: put back \
             what was there, or start over with `--anew`"
        );
        ensure!(
            weights.is_empty(),
            "{} changed since `{place}` was begun\nhint: put back what was there, or start over with `--anew`",
            match weights[0].as_str() {
                PSEUDO_LABELS => "what `--pseudo` says of the test images has".to_owned(),
                TEACHERS => "what `--teacher` names has".to_owned(),
                name => format!("the pretrained weights of `{name}` have"),
            }
        );
        Ok(Some(()))
    }

    /// The names of what is not what it was.
    fn changed(&self, begun: &Self, wanted: &str) -> Vec<String> {
        let of_kind = |from: &Self| -> HashMap<String, String> {
            let rows = from.rows.iter().filter(|[kind, ..]| kind == wanted);
            rows.map(|[_, name, hash]| (name.clone(), hash.clone())).collect()
        };
        let (now, then) = (of_kind(self), of_kind(begun));
        let mut names: Vec<String> = now
            .iter()
            .filter(|(name, hash)| then.get(*name) != Some(hash))
            // An older version did not write them down.
            .filter(|(name, _)| *name != TEACHERS || then.contains_key(*name))
            .chain(then.iter().filter(|(name, _)| !now.contains_key(*name)))
            .map(|(name, _)| name.clone())
            .collect();
        names.sort();
        names
    }

    fn parse(text: &[u8], file: &str) -> Result<Self> {
        let unusable = |line: u64| {
            format!("`{file}`, line {line}, is damaged\nhint: start over with `--anew`")
        };
        let mut lines = Lines::new(text);
        let mut table =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
        let mut rows = Vec::new();
        for (i, record) in table.records().enumerate() {
            let Ok(record) = record else { anyhow::bail!("{}", unusable(i as u64 + 1)) };
            let cells: Vec<&str> = record.iter().collect();
            let line = lines.of(record.position());
            let &[kind, name, hash] = cells.as_slice() else { anyhow::bail!("{}", unusable(line)) };
            let is_known = if i == 0 {
                [kind, name, hash] == HEADER
            } else {
                [IMAGE, WEIGHTS, PLAN].contains(&kind)
            };
            ensure!(is_known, "{}", unusable(line));
            if i > 0 {
                rows.push([kind, name, hash].map(str::to_owned));
            }
        }
        Ok(Self { rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the images' bytes, and weights.
    fn with_weights(bytes: &[(&str, &str)], weights: &str) -> MadeFrom {
        let folder = tempfile::tempdir().unwrap();
        let sample = |(id, bytes): &(&str, &str)| {
            let path = folder.path().join(bytes);
            fs::write_atomic(&path, bytes).unwrap();
            Sample::new((*id).to_owned(), path, Vec::new())
        };
        let samples: Vec<Sample> = bytes.iter().map(sample).collect();
        MadeFrom::of(&samples, [("resnet18", Hash::of(weights.as_bytes()))], &()).unwrap()
    }

    #[test]
    fn what_has_changed_since_a_run_was_begun_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let begun = with_weights(&[("a", "1"), ("b,\"2\"", "2"), ("c", "3")], "w");
        assert_eq!(begun.is_of(&run).unwrap(), None, "a run that does not say");
        begun.write(&run).unwrap();
        assert_eq!(begun.is_of(&run).unwrap(), Some(()));
        for (other, expected) in [
            (
                with_weights(&[("a", "1"), ("b,\"2\"", "x"), ("c", "y")], "w"),
                "the images have changed since",
            ),
            (with_weights(&[("a", "1"), ("b,\"2\"", "2")], "w"), "1 other file, such as `c`"),
            (
                with_weights(&[("a", "1"), ("b,\"2\"", "2"), ("c", "3")], "v"),
                "the pretrained weights of `resnet18` have changed since",
            ),
        ] {
            let error = other.is_of(&run).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("`--anew`"), "{error}");
        }
        let by_plan = |plan: &str| begun.clone().by_plan(Hash::of(plan.as_bytes()));
        by_plan("one").write(&run).unwrap();
        assert_eq!(by_plan("one").is_of(&run).unwrap(), Some(()));
        let error = by_plan("other").is_of(&run).unwrap_err().to_string();
        assert!(error.contains("the plan that") && error.contains("`--anew`"), "{error}");
        let taught = |teachers: &str| {
            let mut made = begun.clone();
            made.rows.push([WEIGHTS, TEACHERS, teachers].map(str::to_owned));
            made
        };
        begun.write(&run).unwrap();
        assert_eq!(taught("one").is_of(&run).unwrap(), Some(()), "an older version's run");
        taught("one").write(&run).unwrap();
        assert_eq!(taught("one").is_of(&run).unwrap(), Some(()));
        let error = taught("other").is_of(&run).unwrap_err().to_string();
        assert!(error.contains("what `--teacher` names has changed since"), "{error}");
        for (text, line) in [
            ("kind,name,sha256\nimage,a\n", "line 2"),
            ("kind,name\n", "line 1"),
            ("kind,name,sha256\nimage,a,00\npicture,b,11\n", "line 3"),
        ] {
            fs::write_atomic(run.file(CHECKPOINT).join(FILE), text).unwrap();
            let error = begun.is_of(&run).unwrap_err().to_string();
            assert!(error.contains(FILE) && error.contains(line), "{error}");
        }
    }
}
