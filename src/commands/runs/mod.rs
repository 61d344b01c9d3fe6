//! `kaggle-kit runs`: the runs there are, what each did differently and what came of it.
//!
//! `row.rs` is one of them.

mod row;

use std::path::Path;

use anyhow::{Result, anyhow, bail};
use serde_json::Value;

use self::row::Row;
use crate::explain;
use crate::recipe;
use crate::run::{self, Run, Workspace};
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

/// Columns of what was trained and on what, which say nothing where all runs have the same there.
const OFTEN_THE_SAME: [usize; 4] = [1, 5, 4, 3];

/// Columns that tell no run from another give their place first.
fn gives(cells: &[Vec<String>]) -> Vec<Give> {
    let is_same = |&column: &usize| cells.iter().all(|row| row[column] == cells[0][column]);
    let same = OFTEN_THE_SAME.into_iter().filter(is_same).map(Give::Drop);
    same.chain(GIVES).collect()
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
    term::out_table(&header, &cells, &gives(&cells));
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

#[cfg(test)]
mod tests;
