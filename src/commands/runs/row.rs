//! A run with all that `runs` shows of it.

use std::cmp::Ordering;
use std::path::Path;

use serde_json::{Value, json};

use crate::metric::Metric;
use crate::recipe::{self, Setting};
use crate::run::{Run, Stage, Standing, Summary};
use crate::term;

/// Settings that have a column or say nothing about the model.
const SHOWN_ELSEWHERE: [&str; 4] = ["backbone", "size", "folds", "fold"];

/// A run with all that is shown of it.
pub(super) struct Row {
    pub(super) run: Run,
    pub(super) competition: String,
    /// None while the run is unfinished, or where its summary cannot be read.
    pub(super) summary: Option<Summary>,
    /// What is wrong with that.
    pub(super) fault: Option<String>,
    pub(super) metric: Option<Metric>,
    /// Full names and values; empty where this version cannot read the recipe.
    pub(super) settings: Vec<(String, String)>,
    pub(super) changed: Vec<Setting>,
}

impl Row {
    pub(super) fn read(run: Run) -> Self {
        let folder = run.folder.parent().and_then(Path::file_name).unwrap_or_default();
        let recipe = run.recipe().ok();
        let default = recipe.as_ref().and_then(|own| run.default_recipe(own).ok());
        let changed = recipe.as_ref().zip(default.as_ref());
        let (summary, fault) = match run.is_finished().then(|| run.summary()) {
            Some(Ok(summary)) => (Some(summary), None),
            Some(Err(error)) => (None, Some(term::describe(&error).0)),
            None => (None, None),
        };
        Self {
            competition: folder.to_string_lossy().into_owned(),
            summary,
            fault,
            metric: run.competition().ok().map(|competition| competition.metric),
            settings: recipe.as_ref().and_then(|r| recipe::settings(r).ok()).unwrap_or_default(),
            changed: changed
                .and_then(|(own, default)| recipe::changed(default, own).ok())
                .unwrap_or_default(),
            run,
        }
    }

    pub(super) fn score(&self) -> Option<f64> {
        self.summary.as_ref().map(|summary| summary.score)
    }

    pub(super) fn status(&self) -> &'static str {
        match (&self.summary, &self.fault) {
            (Some(_), _) => "finished",
            (None, Some(_)) => "damaged",
            (None, None) => "unfinished",
        }
    }

    /// A column or a setting as it is typed in a filter: strings without quotes.
    pub(super) fn value(&self, key: &str) -> Option<String> {
        let of_summary = |value: fn(&Summary) -> String| self.summary.as_ref().map(value);
        match key {
            "run" => Some(self.run.id()),
            "competition" => Some(self.competition.clone()),
            "status" => Some(self.status().to_owned()),
            "score" => of_summary(|summary| summary.score.to_string()),
            "time" => of_summary(|summary| summary.seconds.to_string()),
            "finished" => of_summary(|summary| summary.finished.clone()),
            "fold" => self.fold().map(|[fold, _]| fold.to_string()),
            "folds" => self.fold().map(|[_, folds]| folds.to_string()),
            "group" => of_summary(|summary| summary.group.clone()),
            "images" => of_summary(|summary| summary.trained_on().to_string()),
            "held-out" => of_summary(|summary| summary.valid_images.to_string()),
            "device" => of_summary(|summary| summary.device.clone()),
            "backbone" => {
                let [fold, _] = self.fold().unwrap_or_default();
                Some(recipe::of_fold(&self.setting(key)?, fold).to_owned())
            }
            key => self.setting(key),
        }
    }

    fn setting(&self, key: &str) -> Option<String> {
        let (_, value) = self.settings.iter().find(|(name, _)| name == key)?;
        Some(value.trim_matches('"').to_owned())
    }

    /// Which fold it is, of how many: of one that is not finished, by its recipe. The first of none, where there
    /// are no folds.
    fn fold(&self) -> Option<[usize; 2]> {
        match &self.summary {
            Some(summary) => Some([summary.fold, summary.folds]),
            None => {
                Some([self.setting("fold")?.parse().ok()?, self.setting("folds")?.parse().ok()?])
            }
        }
    }

    /// Scores the best first, numbers by size, all else by letters; what has no value comes last.
    pub(super) fn compare(&self, other: &Self, key: &str) -> Ordering {
        if key == "score" {
            let order = self.competition.cmp(&other.competition);
            return order.then_with(|| match (self.score(), other.score(), &self.metric) {
                (Some(a), Some(b), Some(metric)) if metric.better(a, b) => Ordering::Less,
                (Some(a), Some(b), Some(metric)) if metric.better(b, a) => Ordering::Greater,
                (a, b, _) => b.is_some().cmp(&a.is_some()),
            });
        }
        let (a, b) = (self.value(key), other.value(key));
        let numbers = |a: &str, b: &str| Some((a.parse::<f64>().ok()?, b.parse::<f64>().ok()?));
        match (a, b) {
            (Some(a), Some(b)) => match numbers(&a, &b) {
                Some((a, b)) => a.total_cmp(&b),
                None => a.cmp(&b),
            },
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }

    /// How far it came, if it is not finished, and the command that goes on.
    pub(super) fn unfinished(&self) -> Option<String> {
        let (stands, go_on) = self.standing()?;
        let id = self.run.id();
        Some(match (stands.is_trained, go_on) {
            (true, _) => format!("{id} is being trained: {}", how_far(&stands)),
            (false, Some(go_on)) => {
                format!("{id} stopped: {}; to go on: `{go_on}`", how_far(&stands))
            }
            (false, None) => format!("{id} stopped: {}", how_far(&stands)),
        })
    }

    /// Where an unfinished run stands, and the command that goes on with it, if its spec and recipe can be
    /// read.
    pub(super) fn standing(&self) -> Option<(Standing, Option<String>)> {
        if self.summary.is_some() || self.fault.is_some() {
            return None;
        }
        Some((self.run.standing().ok()?, self.run.command_to_go_on().ok()))
    }

    pub(super) fn cells(&self, is_best: bool) -> Vec<String> {
        let dash = || "-".to_owned();
        let summary = self.summary.as_ref();
        let mark = if is_best { '*' } else { ' ' };
        let score =
            summary.map_or_else(|| self.status().to_owned(), |s| format!("{mark}{:>7.5}", s.score));
        let fold = match self.fold() {
            Some([fold, folds]) if folds > 0 => format!("{fold}/{folds}"),
            _ => dash(),
        };
        // That it is another run's repetition says most.
        let (refit, others): (Vec<&Setting>, Vec<&Setting>) =
            self.changed.iter().partition(|setting| setting.key == "refit");
        let changed: Vec<String> = refit
            .into_iter()
            .chain(others)
            .filter(|setting| !SHOWN_ELSEWHERE.contains(&setting.key.as_str()))
            .map(|setting| format!("{}={}", setting.key, setting.value.trim_matches('"')))
            .collect();
        vec![
            self.run.id(),
            self.competition.clone(),
            score,
            self.value("backbone").unwrap_or_else(dash),
            format!("{:>5}", self.value("size").unwrap_or_else(dash)),
            fold,
            format!("{:>7}", summary.map_or_else(dash, |s| term::thousands(s.trained_on()))),
            summary.map_or_else(dash, |s| term::duration(s.seconds)),
            term::short(&changed.join(" "), 60),
        ]
    }

    pub(super) fn to_json(&self) -> Value {
        let changed: serde_json::Map<String, Value> =
            self.changed.iter().map(|s| (s.key.clone(), plain(&s.value))).collect();
        let summary = self.summary.as_ref();
        let (stands, go_on) = self.standing().unzip();
        json!({
            "run": self.run.id(),
            "folder": term::path_in_json(&self.run.folder),
            "competition": self.competition,
            "status": self.status(),
            "metric": self.metric,
            "score": self.score(),
            "finished": summary.map(|s| &s.finished),
            "seconds": summary.map(|s| s.seconds),
            "fold": self.fold().map(|[fold, _]| fold),
            "folds": self.fold().map(|[_, folds]| folds),
            "group": summary.map(|s| &s.group),
            "train-images": summary.map(Summary::trained_on),
            "valid-images": summary.map(|s| s.valid_images),
            "device": summary.map(|s| &s.device),
            "program": summary.map(|s| &s.program),
            "backbone": self.value("backbone"),
            "size": self.value("size").and_then(|size| size.parse::<usize>().ok()),
            "not-default": changed,
            "stands": stands.as_ref().map(how_far),
            "is-trained": stands.map(|stands| stands.is_trained),
            "go-on": go_on.flatten(),
        })
    }
}

/// Where an unfinished run stands, in words.
pub(super) fn how_far(Standing { stage, kept, .. }: &Standing) -> String {
    let place = match stage {
        None => "before its first step".to_owned(),
        Some((stage, epochs)) => {
            let (number, title) = (stage.number(), stage.title());
            let after = match epochs {
                0 => String::new(),
                epochs => format!(", after epoch {epochs}"),
            };
            format!("in step {number} of {}, {title}{after}", Stage::ALL.len())
        }
    };
    match kept {
        None => format!("{place}, nothing kept yet"),
        Some(0) => place,
        Some(steps) => format!("{place}, {} kept", term::count(*steps as usize, "training step")),
    }
}

/// A value as TOML writes it, as JSON.
fn plain(value: &str) -> Value {
    let table: Option<toml::Table> = toml::from_str(&format!("value = {value}")).ok();
    let parsed = table.and_then(|mut table| table.remove("value"));
    parsed.and_then(|value| serde_json::to_value(value).ok()).unwrap_or_else(|| value.into())
}
