//! What a sweep came to: a table, and a page with one picture of score against time.

use std::cmp::Ordering;

use anyhow::Result;
use serde_json::json;

use super::{Args, Tried};
use crate::competition::Competition;
use crate::fs;
use crate::hash::Hash;
use crate::report::chart::{Axis, Chart, Look, Scale, Series, label};
use crate::report::html::sweep;
use crate::run::Workspace;
use crate::term::{self, Give};
use crate::typed;

/// The folder of all sweeps, in the one that has `data/` and `runs/`.
const FOLDER: &str = "sweeps";

impl Tried {
    fn mean(&self) -> f64 {
        self.scores.iter().sum::<f64>() / self.scores.len() as f64
    }

    /// The standard deviation over folds.
    fn spread(&self) -> Option<f64> {
        let n = self.scores.len() as f64;
        let squares: f64 = self.scores.iter().map(|score| (score - self.mean()).powi(2)).sum();
        (n > 1.0).then(|| (squares / (n - 1.0)).sqrt())
    }

    /// Its mean and deviation, and whether that is all there will be.
    fn found(&self) -> String {
        let spread = self.spread().map_or_else(String::new, |s| format!(" \u{b1} {s:.5}"));
        match (self.scores.is_empty(), self.fault.is_some()) {
            (true, _) => "failed".to_owned(),
            (false, true) => format!("{:.5}{spread}, then failed", self.mean()),
            (false, false) => format!("{:.5}{spread}", self.mean()),
        }
    }
}

/// The better mean first, whatever it is over; what is no number last.
pub(super) fn by_score(a: &Tried, b: &Tried, competition: &Competition) -> Ordering {
    let (a, b) = (a.mean(), b.mean());
    match (a.is_finite(), b.is_finite()) {
        (true, true) if competition.metric.better(a, b) => Ordering::Less,
        (true, true) if competition.metric.better(b, a) => Ordering::Greater,
        (a, b) => b.cmp(&a),
    }
}

/// Prints the table, those that went furthest first, and writes it and the picture.
pub(super) fn tell(
    args: &Args,
    competition: &Competition,
    tried: &mut [Tried],
    workspace: &Workspace,
) -> Result<()> {
    // A mean over more folds is of more images, and of a trial that won its rounds.
    tried.sort_by(|a, b| {
        b.scores.len().cmp(&a.scores.len()).then_with(|| by_score(a, b, competition))
    });
    let metric = competition.metric.name();
    let rows: Vec<Vec<String>> = tried
        .iter()
        .map(|one| {
            vec![
                one.trial.to_string(),
                format!(" {}", one.scores.len()),
                format!(" {}", one.found()),
                format!(" {}", term::duration(one.seconds)),
                one.run.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            ]
        })
        .collect();
    let name = name(args, competition);
    let folder = workspace.within(FOLDER).root().to_owned();
    fs::create_dir_all(&folder)?;
    let csv = folder.join(format!("{name}.csv"));
    fs::write_atomic(&csv, table(tried, &metric)?)?;
    let page = folder.join(format!("{name}.html"));
    let header = ["settings", " folds", &format!(" {metric}"), " time", "last run"];
    let lead = format!(
        "{}, trained fold by fold; the better half of them went on each time. A difference that is no larger \
         than the deviation over folds may be luck.",
        term::count(tried.len(), "trial")
    );
    let chart = chart(args, tried, competition);
    fs::write_atomic(&page, sweep::page_of(&competition.title, &lead, &chart, &header, &rows))?;
    let best = &tried[0];
    let mut words = vec!["train", &args.competition];
    let folds = args.folds.to_string();
    words.extend(["--folds", &folds]);
    for setting in args.settings.iter().chain(best.trial.settings()) {
        words.extend(["--set", setting]);
    }
    if args.json {
        let trials: Vec<_> = tried
            .iter()
            .map(|one| {
                json!({
                    "settings": one.trial.settings(),
                    "scores": one.scores,
                    "mean": one.mean(),
                    "failed": one.fault.is_some(),
                    "seconds": one.seconds,
                    "run": term::path_in_json(&one.run),
                })
            })
            .collect();
        term::json(&json!({
            "competition": competition.name,
            "metric": metric,
            "trials": trials,
            "table": term::path_in_json(&csv),
            "page": term::path_in_json(&page),
        }))?;
    } else {
        term::out_table(&header, &rows, &[Give::Drop(4), Give::Shorten(0, 24)]);
    }
    term::done(format_args!("`{}`, `{}`", csv.display(), page.display()));
    // Its other folds, and the model that they are.
    term::say(format_args!("next: {}", typed::command(words.iter().copied())));
    Ok(())
}

/// The same sweep writes the same files.
fn name(args: &Args, competition: &Competition) -> String {
    let typed = [args.tried.as_slice(), &args.settings].concat().join("\n");
    let typed = format!("{typed}\n{:?} {}", args.draw, args.folds);
    let hash = Hash::of(typed.as_bytes()).to_string();
    format!("{}-{}", competition.name, &hash[..8])
}

/// The same for other programs: numbers as they are, the time in seconds.
fn table(tried: &[Tried], metric: &str) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["settings", "folds", metric, "deviation", "seconds", "run"])?;
    for one in tried {
        let spread = one.spread().map_or_else(String::new, |spread| spread.to_string());
        let has_scores = !one.scores.is_empty();
        csv.write_record([
            one.trial.to_string(),
            one.scores.len().to_string(),
            if has_scores { one.mean().to_string() } else { String::new() },
            spread,
            format!("{:.1}", one.seconds),
            one.run.display().to_string(),
        ])?;
    }
    Ok(csv.into_inner()?)
}

/// Score against seconds a fold, a point a trial; those with the same value of the first setting look alike.
fn chart(args: &Args, tried: &[Tried], competition: &Competition) -> Chart {
    let first = |one: &Tried| one.trial.settings().first().cloned().unwrap_or_default();
    let mut values: Vec<String> = tried.iter().map(first).collect();
    values.sort_unstable();
    values.dedup();
    let series = |(ink, value): (usize, &String)| {
        let own = || tried.iter().filter(|one| first(one) == *value && !one.scores.is_empty());
        let point = |one: &Tried| (one.seconds / one.scores.len().max(1) as f64, one.mean());
        let tip = |one: &Tried| {
            let score = label(one.mean());
            format!("{}: {score}, {} of {} folds", one.trial, one.scores.len(), args.folds)
        };
        let tips = own().map(tip).collect();
        Series { tips, ..Series::new(value, Look::Points, ink, own().map(point).collect()) }
    };
    Chart {
        title: "Score and time".to_owned(),
        x: Axis::new("seconds a fold", Scale::Linear),
        y: Axis::new(competition.metric.name(), Scale::Linear),
        series: values.iter().enumerate().map(series).collect(),
        height: 280.0,
        ..Chart::default()
    }
}
