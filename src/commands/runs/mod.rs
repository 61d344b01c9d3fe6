//! `kaggle-kit runs`: the runs there are, what each did differently and what came of it.

use std::cmp::Ordering;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};

use crate::explain;
use crate::metric::Metric;
use crate::recipe::{self, Setting};
use crate::run::{self, Run, Stage, Standing, Summary, Workspace};
use crate::term::{self, Give};

const EXAMPLES: &str = "\
Examples:
  kaggle-kit runs                                     the newest first
  kaggle-kit runs planet --sort score
  kaggle-kit runs --filter backbone=resnet34 --filter fold=1 --json
Sort and filter by a column or by any setting of the recipe; `--sort=-time` turns the order around.";

#[derive(clap::Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Short name, Kaggle's slug or address, or a spec file; without it, all
    pub competition: Option<String>,
    /// What to sort by
    #[arg(long, value_name = "KEY", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Only runs of which this is true (repeatable)
    #[arg(long = "filter", value_name = "KEY=VALUE")]
    pub filters: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What runs are sorted and filtered by, besides the recipe's settings.
pub const COLUMNS: [&str; 12] = [
    "run",
    "competition",
    "score",
    "time",
    "finished",
    "fold",
    "folds",
    "group",
    "images",
    "held-out",
    "device",
    "status",
];

/// Settings that have a column or say nothing about the model.
const SHOWN_ELSEWHERE: [&str; 4] = ["backbone", "size", "folds", "fold"];

/// Columns of a narrow terminal: the run, its score and what it did differently stay.
const GIVES: [Give; 9] = [
    Give::Shorten(8, 24),
    Give::Drop(6),
    Give::Drop(7),
    Give::Shorten(3, 14),
    Give::Drop(4),
    Give::Shorten(8, 16),
    Give::Drop(5),
    Give::Shorten(1, 8),
    Give::Shorten(8, 8),
];

/// Where a person has named the competition, that column gives its place first.
fn gives(is_named: bool) -> Vec<Give> {
    is_named.then_some(Give::Drop(1)).into_iter().chain(GIVES).collect()
}

/// Prints a table, or JSON.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let runs = workspace.runs();
    let rows = rows(&runs, args)?;
    rows.iter().filter_map(|row| row.fault.as_ref()).for_each(term::warn);
    if args.json {
        let rows: Vec<Value> = rows.iter().map(Row::to_json).collect();
        return term::json(&rows);
    }
    if rows.is_empty() {
        let what = if args.filters.is_empty() { "no run" } else { "no such run" };
        term::say(format_args!("{what} in `{}`", runs.display()));
        return Ok(());
    }
    let header = [
        "run",
        "competition",
        " score",
        "backbone",
        " size",
        "fold",
        " images",
        "time",
        "not the default",
    ];
    let best = best(&rows);
    let cells: Vec<Vec<String>> =
        rows.iter().enumerate().map(|(i, row)| row.cells(best.contains(&i))).collect();
    term::out_table(&header, &cells, &gives(args.competition.is_some()));
    if best.len() < rows.len() {
        term::say(
            "*: the best score of its competition here; scores of different folds are of different images",
        );
    }
    tell_unfinished(&rows);
    Ok(())
}

/// The most unfinished runs that are told of below the table.
const UNFINISHED: usize = 5;

/// How far the runs came that are not finished, and how to go on with them.
fn tell_unfinished(rows: &[Row]) {
    let told: Vec<String> = rows.iter().filter_map(Row::unfinished).collect();
    told.iter().take(UNFINISHED).for_each(term::say);
    if told.len() > UNFINISHED {
        let more = term::count(told.len() - UNFINISHED, "more unfinished run");
        term::say(format_args!("and {more} (`--filter status=unfinished --json` tells of all)"));
    }
}

/// A run with all that is shown of it.
struct Row {
    run: Run,
    competition: String,
    /// None while the run is unfinished, or where its summary cannot be read.
    summary: Option<Summary>,
    /// What is wrong with that.
    fault: Option<String>,
    metric: Option<Metric>,
    /// Full names and values; empty where this version cannot read the recipe.
    settings: Vec<(String, String)>,
    changed: Vec<Setting>,
}

fn rows(runs: &Path, args: &Args) -> Result<Vec<Row>> {
    let named = args.competition.as_deref();
    let competition = named.map(|name| run::find_competition(runs, name)).transpose()?;
    let found = Run::all(runs, competition.as_ref().map(|one| one.name.as_str()))?;
    let mut rows: Vec<Row> = found.into_iter().map(Row::read).collect();
    let known = known_keys(&rows);
    for filter in &args.filters {
        let (key, wanted) = filter.split_once('=').ok_or_else(|| {
            anyhow!("`--filter {filter}` has no `=`\nhint: write `--filter backbone=resnet34`")
        })?;
        check_key(key, &known, "--filter")?;
        rows.retain(|row| row.value(key).is_some_and(|value| value == wanted));
    }
    // Their times, not their names: those are local.
    rows.reverse();
    if let Some(sort) = &args.sort {
        let (key, turned) =
            sort.strip_prefix('-').map_or((sort.as_str(), false), |key| (key, true));
        check_key(key, &known, "--sort")?;
        rows.sort_by(|a, b| {
            let order = a.compare(b, key);
            if turned { order.reverse() } else { order }
        });
    }
    Ok(rows)
}

/// The columns and every setting that a run or the default recipe has.
fn known_keys(rows: &[Row]) -> Vec<String> {
    let mut known: Vec<String> = COLUMNS.iter().map(|&key| key.to_owned()).collect();
    let default = recipe::resolve(&[]).and_then(|recipe| recipe::settings(&recipe));
    let settings = default.iter().flatten().chain(rows.iter().flat_map(|row| &row.settings));
    for (key, _) in settings {
        if !known.contains(key) {
            known.push(key.clone());
        }
    }
    known
}

fn check_key(key: &str, known: &[String], option: &str) -> Result<()> {
    if known.iter().any(|name| name == key) {
        return Ok(());
    }
    let near = explain::did_you_mean(key, known.iter().map(String::as_str));
    bail!(
        "`{option}`: runs have no `{key}`\nhint: {near}known are `{}` and the recipe's settings",
        COLUMNS.join("`, `")
    )
}

/// The places of the best finished run of each competition.
fn best(rows: &[Row]) -> Vec<usize> {
    let mut best: Vec<usize> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let (Some(metric), Some(score)) = (&row.metric, row.score()) else { continue };
        let place = best.iter().position(|&b| rows[b].competition == row.competition);
        match place {
            None => best.push(i),
            Some(place) => {
                if rows[best[place]].score().is_none_or(|other| metric.better(score, other)) {
                    best[place] = i;
                }
            }
        }
    }
    best
}

impl Row {
    fn read(run: Run) -> Self {
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

    fn score(&self) -> Option<f64> {
        self.summary.as_ref().map(|summary| summary.score)
    }

    fn status(&self) -> &'static str {
        match (&self.summary, &self.fault) {
            (Some(_), _) => "finished",
            (None, Some(_)) => "damaged",
            (None, None) => "unfinished",
        }
    }

    /// A column or a setting as it is typed in a filter: strings without quotes.
    fn value(&self, key: &str) -> Option<String> {
        let of_summary = |value: fn(&Summary) -> String| self.summary.as_ref().map(value);
        match key {
            "run" => Some(self.run.id()),
            "competition" => Some(self.competition.clone()),
            "status" => Some(self.status().to_owned()),
            "score" => of_summary(|summary| summary.score.to_string()),
            "time" => of_summary(|summary| summary.seconds.to_string()),
            "finished" => of_summary(|summary| summary.finished.clone()),
            "fold" => of_summary(|summary| summary.fold.to_string()),
            "folds" => of_summary(|summary| summary.folds.to_string()),
            "group" => of_summary(|summary| summary.group.clone()),
            "images" => of_summary(|summary| summary.trained_on().to_string()),
            "held-out" => of_summary(|summary| summary.valid_images.to_string()),
            "device" => of_summary(|summary| summary.device.clone()),
            key => {
                let (_, value) = self.settings.iter().find(|(name, _)| name == key)?;
                Some(value.trim_matches('"').to_owned())
            }
        }
    }

    /// Scores the best first, numbers by size, all else by letters; what has no value comes last.
    fn compare(&self, other: &Self, key: &str) -> Ordering {
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
    fn unfinished(&self) -> Option<String> {
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
    fn standing(&self) -> Option<(Standing, Option<String>)> {
        if self.summary.is_some() || self.fault.is_some() {
            return None;
        }
        Some((self.run.standing().ok()?, self.run.command_to_go_on().ok()))
    }

    fn cells(&self, is_best: bool) -> Vec<String> {
        let dash = || "-".to_owned();
        let summary = self.summary.as_ref();
        let mark = if is_best { '*' } else { ' ' };
        let score =
            summary.map_or_else(|| self.status().to_owned(), |s| format!("{mark}{:>7.5}", s.score));
        let fold = match summary {
            Some(summary) if summary.folds > 0 => format!("{}/{}", summary.fold, summary.folds),
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

    fn to_json(&self) -> Value {
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
            "fold": summary.map(|s| s.fold),
            "folds": summary.map(|s| s.folds),
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
fn how_far(Standing { stage, kept, .. }: &Standing) -> String {
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

#[cfg(test)]
mod tests;
