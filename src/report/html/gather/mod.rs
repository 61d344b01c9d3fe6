//! A run's folder as facts: whatever of its files is there, so that a page can be made of a run at
//! any time, also of one from before a file existed.

mod events;
mod tables;

use std::collections::{BTreeMap, HashMap};

use anyhow::Result;

use super::facts::{About, ClassCount, Facts, Outcome, Setting, StageFacts};
use crate::fs;
use crate::recipe::{self, Recipe};
use crate::run::{DECISION, Run, Summary};
use crate::target::Classes;

use self::events::Events;
use self::tables::Split;

/// All that a finished run's folder tells. Pictures, duplicates and what was planned are not in it:
/// the caller adds them ([`super::gallery::fill`], [`Facts::plan`]).
pub fn of_run(run: &Run) -> Result<Facts> {
    with_summary(run, &run.summary()?)
}

/// The same of a run whose summary is not written yet.
pub fn with_summary(run: &Run, summary: &Summary) -> Result<Facts> {
    let competition = run.competition()?;
    let recipe = run.recipe()?;
    let events = Events::read(run)?;
    let split = Split::read(run)?;
    let about = About {
        run: run.id(),
        competition: summary.competition.clone(),
        title: competition.title.clone(),
        metric: competition.metric,
        score: summary.score,
        finished: summary.finished.clone(),
        program: summary.program.clone(),
        device: summary.device.clone(),
        backbone: recipe.backbone.clone(),
        size: recipe.size,
        train_images: summary.train_images,
        valid_images: summary.valid_images,
        seconds: summary.seconds,
        fold: (summary.folds > 0).then_some((summary.fold, summary.folds)),
    };
    let stages = summary.stages.iter().map(|line| StageFacts {
        stage: line.stage.clone(),
        planned: String::new(),
        found: line.found.clone(),
        seconds: line.seconds,
    });
    let outcome = tables::predictions(run)?.and_then(|(ids, probabilities)| {
        let truth = split.truth(&ids, &summary.classes)?;
        let (classes, kind) = (summary.classes.clone(), competition.target.kind);
        Some(Outcome { ids, classes, kind, probabilities, truth })
    });
    let environment = [
        ("program", &summary.program),
        ("device", &summary.device),
        ("finished", &summary.finished),
        ("run folder", &run.folder.display().to_string()),
    ];
    Ok(Facts {
        about,
        leak: competition.leak.clone(),
        stages: stages.collect(),
        sweeps: events.sweeps,
        steps: tables::steps(run)?,
        epochs: events.epochs,
        outcome,
        decision: run.file(DECISION).is_file().then(|| run.read_toml(DECISION)).transpose()?,
        counts: split.counts(&summary.classes),
        duplicates: None,
        pictures: BTreeMap::new(),
        recipe: fs::read_to_string(run.file("recipe.toml"))?,
        changed: changed(&recipe::defaults_for(&recipe.backbone)?, &recipe)?,
        environment: environment.map(|(name, value)| (name.to_owned(), value.clone())).to_vec(),
    })
}

/// The settings in which two recipes differ, `other` against `own`, in the recipe's order.
pub fn changed(other: &Recipe, own: &Recipe) -> Result<Vec<Setting>> {
    let (other, own) = (settings(other)?, settings(own)?);
    let find = |settings: &[(String, String)], key: &str| {
        settings.iter().find(|(k, _)| k == key).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut keys: Vec<&String> = own.iter().map(|(key, _)| key).collect();
    keys.extend(other.iter().map(|(key, _)| key).filter(|key| !own.iter().any(|(k, _)| k == *key)));
    let setting = |key: &String| Setting {
        key: key.clone(),
        other: find(&other, key),
        value: find(&own, key),
    };
    Ok(keys.into_iter().map(setting).filter(|setting| setting.other != setting.value).collect())
}

/// A recipe's settings as full names (`whole-network.max-cycles`) and values as TOML.
pub fn settings(recipe: &Recipe) -> Result<Vec<(String, String)>> {
    fn collect(table: &toml::Table, path: &str, into: &mut Vec<(String, String)>) {
        for (key, value) in table {
            let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                toml::Value::Table(inner) => collect(inner, &full, into),
                value => into.push((full, value.to_string())),
            }
        }
    }
    let mut settings = Vec::new();
    collect(&toml::Table::try_from(recipe)?, "", &mut settings);
    Ok(settings)
}

/// Images of each class in a split whose labels were written down.
fn count_classes<'a>(
    labels: impl Iterator<Item = (&'a str, &'a [String])>,
    classes: &Classes,
) -> Vec<ClassCount> {
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for (part, labels) in labels {
        for label in labels {
            let count = counts.entry(label).or_default();
            if part == "train" {
                count.0 += 1;
            } else {
                count.1 += 1;
            }
        }
    }
    if counts.is_empty() {
        return Vec::new();
    }
    let count = |name: &String| {
        let (train, valid) = counts.get(name.as_str()).copied().unwrap_or_default();
        ClassCount { class: name.clone(), train, valid }
    };
    classes.names().iter().map(count).collect()
}

#[cfg(test)]
mod tests;
