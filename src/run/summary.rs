//! `summary.toml`, a run's last word: with it the run is finished.

use std::path::Path;

use anyhow::Result;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checked::{self, Checked, Fault, hold, is_file_name};
use super::folder::{Run, SUMMARY};
use super::journal::Journal;
use super::way::WayStep;
use super::witness;
use super::{JOURNAL, WEIGHTS};
use crate::fs;
use crate::metric::Metric;
use crate::recipe::Recipe;
use crate::target::Classes;

/// What a finished run says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Of this file's layout.
    pub version: u32,
    pub competition: String,
    /// When the run was finished, RFC 3339.
    pub finished: String,
    /// The program that made it.
    pub program: String,
    /// The device it ran on.
    pub device: String,
    pub metric: String,
    /// Its value on the validation images, decided and with test-time augmentation.
    pub score: f64,
    /// Images that the split leaves to train on.
    pub train_images: usize,
    /// Images held out.
    pub valid_images: usize,
    pub seconds: f64,
    /// Everything random followed from it.
    pub seed: u64,
    /// How many folds there are; 0: a single hold-out.
    pub folds: usize,
    /// Which of them this run held out, from 1.
    pub fold: usize,
    /// The run by whose plan this one has trained on all images, those too that it held out; empty: none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refit: String,
    /// A name for all folds of one model, or all networks by one plan: what it follows from is the same for all
    /// of them.
    pub group: String,
    /// The files whose predictions are averaged.
    pub weights: Vec<String>,
    /// Of the bytes of each, in base 16; empty in a run of an older version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights_sha256: Vec<String>,
    /// The vocabulary, in the order of the network's outputs.
    pub classes: Classes,
    /// Of their names in that order, in base 16: what turns up in another order was edited. Empty in a
    /// run of an older version.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub classes_sha256: String,
    /// Wall time of each stage, in order.
    pub stages: Vec<StageTime>,
    /// What each step had on the held-out images, and what became of it; empty in a run of an older version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub way: Vec<WayStep>,
}

/// A line of the summary's table of stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageTime {
    /// The stage's title.
    pub stage: String,
    pub seconds: f64,
    /// What it found.
    pub found: String,
}

/// What is beyond cannot be counted with.
const MOST_IMAGES: usize = 1 << 40;
/// Of this file's layout.
const VERSION: u32 = 1;

impl Summary {
    /// That of a run that never was, for tests here and in the other packages: what matters to one is
    /// set on top of it.
    #[doc(hidden)]
    pub fn made_up(competition: &str, metric: &Metric, classes: &Classes) -> Self {
        Self {
            version: VERSION,
            competition: competition.to_owned(),
            finished: "2026-11-24T06:00:00Z".to_owned(),
            program: "kaggle-kit".to_owned(),
            device: "CPU".to_owned(),
            metric: metric.name(),
            score: 0.25,
            train_images: 8,
            valid_images: 4,
            seconds: 1.0,
            seed: 42,
            folds: 0,
            fold: 1,
            refit: String::new(),
            group: String::new(),
            weights: vec![WEIGHTS.to_owned()],
            weights_sha256: Vec::new(),
            classes: classes.clone(),
            classes_sha256: witness::hash_of(classes),
            stages: Vec::new(),
            way: Vec::new(),
        }
    }

    /// How many images the run has trained on: those that were held out too, where it is a refit.
    pub fn trained_on(&self) -> usize {
        self.train_images + if self.refit.is_empty() { 0 } else { self.valid_images }
    }

    /// When the run was finished.
    pub fn finished_at(&self) -> Option<Timestamp> {
        self.finished.parse().ok()
    }
}

impl Checked for Summary {
    const VERSION: Option<u32> = Some(VERSION);

    fn check(&self) -> Result<(), Fault> {
        let Self { folds, fold, weights, weights_sha256, classes, stages, .. } = self;
        hold(self.finished_at().is_some(), "finished", || {
            format!("is `{}`: it must be a time such as 2026-11-24T06:00:00Z", self.finished)
        })?;
        let metric = Metric::of(&self.metric);
        let metric = metric.map_err(|error| Fault::new("metric", format!("is an {error}")))?;
        checked::score("score", self.score, &metric)?;
        checked::seconds("seconds", self.seconds)?;
        hold(*fold <= (*folds).max(1), "fold", || format!("is {fold} of {folds}"))?;
        for (key, n) in [("train-images", self.train_images), ("valid-images", self.valid_images)] {
            hold(n <= MOST_IMAGES, key, || format!("is {n}, more than any data set has"))?;
        }
        hold(!weights.is_empty(), "weights", || "names no file".to_owned())?;
        for (i, file) in weights.iter().enumerate() {
            hold(is_file_name(file), &format!("weights.{i}"), || {
                format!("is `{file}`, which is no file of this folder")
            })?;
        }
        let n_hashes = weights_sha256.len();
        hold([0, weights.len()].contains(&n_hashes), "weights-sha256", || {
            format!("has {n_hashes} hashes of {} files", weights.len())
        })?;
        hold(!classes.is_empty(), "classes", || "is empty".to_owned())?;
        let twice =
            classes.names().iter().enumerate().find(|(i, name)| classes.position(name) != Some(*i));
        if let Some((_, name)) = twice {
            return Err(Fault::new("classes", format!("has `{name}` twice")));
        }
        self.way.iter().enumerate().try_for_each(|(i, step)| {
            step.check().map_err(|fault| fault.within(format!("way.{i}")))
        })?;
        stages.iter().enumerate().try_for_each(|(i, stage)| {
            checked::seconds("seconds", stage.seconds)
                .map_err(|fault| fault.within(format!("stages.{i}")))
        })
    }
}

impl Run {
    /// The finished runs of a group that have the recipe's fold, seed and plan, the last one first.
    pub fn of_group(
        runs: &Path,
        competition: &str,
        group: &str,
        recipe: &Recipe,
    ) -> Result<Vec<Self>> {
        let all = Self::all(runs, Some(competition))?;
        let is_it = |run: &Self| {
            run.summary().is_ok_and(|Summary { group: own, fold, seed, refit, .. }| {
                own == group && (fold, seed) == (recipe.fold, recipe.seed) && refit == recipe.refit
            })
        };
        Ok(all.into_iter().rev().filter(Self::is_finished).filter(is_it).collect())
    }

    /// Whether its training was ended before its end, as far as it tells: an older version's run does not.
    pub fn was_ended_early(&self) -> bool {
        self.read_toml(JOURNAL).is_ok_and(|journal: Journal| journal.was_stopped)
    }

    /// Whether time ended it, so that with more of it the same training would come further.
    pub fn had_no_time(&self) -> bool {
        self.read_toml(JOURNAL)
            .is_ok_and(|journal: Journal| journal.was_stopped && !journal.diverged)
    }

    /// The run's last word, which makes it a finished one: it is written when all other files are on
    /// the disk, those too that grew while it was trained.
    pub fn finish(&self, summary: &Summary) -> Result<()> {
        let text = toml::to_string(summary)?;
        fs::create_dir_all(&self.folder)?;
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.is_file() && path != self.file(SUMMARY) {
                files.push(path);
            }
        }
        fs::write_record(self.file(SUMMARY), text, &files)
    }

    /// What the finished run says of itself. An error where other files of it say something else.
    pub fn summary(&self) -> Result<Summary> {
        let summary = self.read_toml(SUMMARY)?;
        self.compare(&summary)?;
        Ok(summary)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn summary() -> Summary {
        let classes = ["a", "b"].map(str::to_owned).to_vec().into();
        Summary {
            score: 0.93,
            valid_images: 20,
            seconds: 1.25,
            folds: 5,
            fold: 2,
            group: "00ff".to_owned(),
            stages: vec![StageTime {
                stage: "unfreeze".to_owned(),
                seconds: 0.5,
                found: "from loss 0.1".to_owned(),
            }],
            ..Summary::made_up("planet", &Metric::mean_fbeta(2.0), &classes)
        }
    }

    #[test]
    fn a_summary_is_read_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        assert!(!run.is_finished());
        let hashed = Summary { weights_sha256: vec!["00ff".to_owned()], ..summary() };
        for summary in [summary(), hashed] {
            run.finish(&summary).unwrap();
            assert!(run.is_finished());
            assert_eq!(run.summary().unwrap(), summary);
        }
    }

    #[test]
    fn an_edited_summary_is_refused_by_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let text = toml::to_string(&summary()).unwrap();
        for (old, new, expected) in [
            ("version = 1", "version = 99", "line 1 is of version 99"),
            ("version = 1", "version = -1", "failed to read"),
            ("score = 0.93", "score = nan", "`score` is NaN"),
            ("score = 0.93", "score = -1.0", "`score` is -1: mean-f2 is from 0 to 1"),
            ("score = 0.93", "score = 1.5", "line 7: `score` is 1.5: mean-f2 is from 0 to 1"),
            ("\"mean-f2\"\nscore = 0.93", "\"log-loss\"\nscore = -1.0", "`score` is -1: log-loss"),
            ("\"mean-f2\"", "\"guess\"", "`metric` is an unknown metric `guess`"),
            ("seconds = 1.25", "seconds = -3.0", "`seconds` is -3: no time is below 0"),
            ("seconds = 0.5", "seconds = -0.5", "`stages.0.seconds` is -0.5: no time"),
            ("seconds = 1.25", "seconds = 1e300", "`seconds` is 1"),
            ("fold = 2", "fold = 6", "`fold` is 6 of 5"),
            ("= 20\n", "= 9223372036854775807\n", "`valid-images` is 9223372036854775807"),
            ("2026-11-24T06:00:00Z", "yesterday", "`finished` is `yesterday`"),
            ("[\"weights.safetensors\"]", "[]", "`weights` names no file"),
            ("weights.safetensors", "../weights", "`weights.0` is `../weights`"),
            ("[\"a\", \"b\"]", "[]", "`classes` is empty"),
            ("[\"a\", \"b\"]", "[\"a\", \"a\"]", "`classes` has `a` twice"),
            ("seconds = 0.5", "seconds = inf", "`stages.0.seconds` is inf"),
            ("seed = 42\n", "", "failed to read"),
        ] {
            let edited = text.replacen(old, new, 1);
            assert_ne!(edited, text, "{old}");
            run.write(SUMMARY, edited).unwrap();
            let error = format!("{:#}", run.summary().unwrap_err());
            let is_told = error.contains(expected) && error.contains("summary.toml`");
            assert!(is_told && error.contains("hint: "), "{new}: {error}");
        }
    }

    #[test]
    fn a_power_cut_leaves_no_summary_of_what_is_not_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        run.write("weights.safetensors", "numbers").unwrap();
        // A log grows without being flushed.
        fs::File::create(run.file("events.jsonl")).unwrap().write_all(b"{}\n").unwrap();
        run.finish(&summary()).unwrap();
        let files = ["weights.safetensors", "events.jsonl"].map(|name| run.file(name));
        let then = fs::watched::Event::Named(run.file(SUMMARY));
        assert!(fs::watched::lost(folder.path(), &files, &then).is_empty());
    }

    #[test]
    fn weights_are_compared_with_the_summary_where_there_are_any() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        run.write("weights.safetensors", "numbers").unwrap();
        let weights_sha256 = run.hash_weights(&summary().weights).unwrap();
        let hashed = Summary { weights_sha256: weights_sha256.clone(), ..summary() };
        assert_eq!(run.weights(&hashed).unwrap()[0].sha256.as_ref(), weights_sha256.first());
        assert_eq!(run.weights(&summary()).unwrap(), run.weights(&hashed).unwrap());
        run.write("weights.safetensors", "numbersO").unwrap();
        let error = format!("{:#}", run.weights(&hashed).unwrap_err());
        assert!(error.contains("weights.safetensors` is damaged, or of another run"), "{error}");
        // A run without a hash is of an older version.
        assert_ne!(run.weights(&summary()).unwrap()[0].sha256.as_ref(), weights_sha256.first());
        fs::remove_file(run.file("weights.safetensors")).unwrap();
        assert_eq!(run.weights(&hashed).unwrap()[0].sha256.as_ref(), weights_sha256.first());
        assert_eq!(run.weights(&summary()).unwrap()[0].sha256, None);
    }
}
