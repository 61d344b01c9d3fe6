//! `kaggle-kit compare A B`: two runs side by side, as a table and as a page.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::decide::compare::Spread;
use crate::decide::interval::Interval;
use crate::fs;
use crate::recipe;
use crate::report::html::comparison::{self, Compared, Paired, TwoRuns, paired};
use crate::report::html::gather;
use crate::run::{Run, Workspace};
use crate::term;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit compare 20261124-101500-3fa9 20261124-111500-77b0
  kaggle-kit compare runs/planet/20261124-101500-3fa9 20261124-111500-77b0 --output two.html";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A run's folder or id: what is compared with
    pub a: String,
    /// The other run's
    pub b: String,
    /// Where the page goes; without it, beside the runs
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints a table, or JSON, and writes the page: `compare-<a>-<b>.html` beside the first run, unless
/// another place is named.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let runs = workspace.runs();
    let two = read(&runs, &args.a, &args.b)?;
    let path = match &args.output {
        Some(path) => path.clone(),
        None => page_beside(&runs, &two),
    };
    fs::write_named(&path, comparison::page(&two), "page of a comparison", comparison::is_page)?;
    if args.json {
        return term::json(&to_json(&two, &path));
    }
    let rows: Vec<Vec<String>> = comparison::lines(&two)
        .into_iter()
        .map(|Compared { what, a, b }| vec![what.to_owned(), a, b])
        .collect();
    term::out_table(&["", "A", "B"], &rows, &[]);
    if two.settings.is_empty() {
        term::say("the recipes are the same");
    } else {
        let rows: Vec<Vec<String>> = two
            .settings
            .iter()
            .map(|s| vec![s.key.clone(), s.other.clone(), s.value.clone()])
            .collect();
        term::out("");
        term::out_table(&["setting", "A", "B"], &rows, &[]);
    }
    term::out("");
    term::out(comparison::verdict(&two));
    term::done(format_args!("page: `{}`", path.display()));
    Ok(())
}

fn read(runs: &Path, a: &str, b: &str) -> Result<TwoRuns> {
    let (one, other) = (Run::find(runs, None, a)?, Run::find(runs, None, b)?);
    let own = |run: &Run| Ok::<_, anyhow::Error>(run.recipe()?.of_own_backbone());
    let settings = recipe::changed(&own(&one)?, &own(&other)?)?;
    let (a, b) = (gather::of_run(&one)?, gather::of_run(&other)?);
    ensure!(
        a.about.competition == b.about.competition,
        "`{}` is a run of `{}`, `{}` one of `{}`\nhint: compare runs of one competition; `{}` lists \
         them",
        a.about.run,
        a.about.competition,
        b.about.run,
        b.about.competition,
        one.competition()?.command("runs")
    );
    Ok(TwoRuns { a, b, settings })
}

fn page_beside(runs: &Path, two: &TwoRuns) -> PathBuf {
    let TwoRuns { a, b, .. } = two;
    let name = format!("compare-{}-{}.html", a.about.run, b.about.run);
    runs.join(&a.about.competition).join(name)
}

fn to_json(two: &TwoRuns, page: &Path) -> Value {
    let TwoRuns { a, b, settings } = two;
    let side = |facts: &crate::report::html::Facts| {
        json!({
            "run": facts.about.run,
            "score": facts.about.score,
            "seconds": facts.about.seconds,
            "epochs": facts.epochs.len(),
        })
    };
    let settings: Vec<Value> =
        settings.iter().map(|s| json!({ "setting": s.key, "a": s.other, "b": s.value })).collect();
    json!({
        "competition": a.about.competition,
        "metric": a.about.metric,
        "a": side(a),
        "b": side(b),
        "settings": settings,
        "paired": paired(a, b).map(|found| paired_to_json(&found)),
        "verdict": comparison::verdict(two),
        "page": term::path_in_json(page),
    })
}

/// With `standard-error`, or with `interval` where the metric is no mean over images.
fn paired_to_json(found: &Paired) -> Value {
    let mut json = json!({ "images": found.n, "b-less-a": found.difference });
    match found.spread {
        Spread::StandardError(error) => json["standard-error"] = error.into(),
        Spread::Interval(Interval { low, high }) => json["interval"] = json!([low, high]),
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{Decision, Judged, Options};
    use crate::run::{DECISION, Run, Summary};

    /// A finished run of four cats and dogs; `p` is what it gives to the truth.
    fn make(runs: &Path, id: &str, size: usize, p: f64) {
        let folder = runs.join("dogs-vs-cats").join(id);
        let spec = crate::competition::find("dogs-vs-cats").unwrap();
        let classes = ["cat", "dog"].map(str::to_owned).to_vec().into();
        let summary =
            Summary { score: -p.ln(), ..Summary::made_up("dogs-vs-cats", &spec.metric, &classes) };
        let split = "id,part,labels\na,valid,cat\nb,valid,dog\nc,valid,cat\nd,valid,dog\n";
        let q = 1.0 - p;
        let predictions = format!("id,cat,dog\na,{p},{q}\nb,{q},{p}\nc,{p},{q}\nd,{q},{p}\n");
        let files = [
            ("competition.toml", spec.source.clone()),
            ("recipe.toml", format!("size = {size}\n")),
            ("split.csv", split.to_owned()),
            ("valid-predictions.csv", predictions),
        ];
        for (name, text) in files {
            fs::write_atomic(folder.join(name), text).unwrap();
        }
        let run = Run { folder };
        run.finish(&summary).unwrap();
        let kind = spec.target.kind;
        let (predicted, truth) = run.held_out(&run.summary().unwrap().classes, kind).unwrap();
        let images = Judged::new(kind, &predicted, &truth);
        let decision = Decision::quick(&spec.metric, &images, &Options::default()).unwrap();
        run.write_toml(DECISION, &decision).unwrap();
    }

    #[test]
    fn two_runs_become_a_page_and_figures() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(root.path());
        let runs = workspace.runs();
        make(&runs, "1-a", 64, 0.8);
        make(&runs, "2-b", 96, 0.9);
        let two = read(&runs, "1-a", "2-b").unwrap();
        let json = to_json(&two, Path::new("x.html"));
        assert_eq!(json["paired"]["images"], 4);
        let gain = json["paired"]["b-less-a"].as_f64().unwrap();
        assert!((gain - (0.8_f64.ln() - 0.9_f64.ln())).abs() < 1e-6, "{gain}");
        assert_eq!(json["settings"][0], json!({ "setting": "size", "a": "64", "b": "96" }));
        let b = runs.join("dogs-vs-cats/2-b").display().to_string();
        let args = Args { a: "1-a".to_owned(), b, output: None, json: false };
        run(&args, &workspace).unwrap();
        let page = runs.join("dogs-vs-cats/compare-1-a-2-b.html");
        assert!(fs::read_to_string(page).unwrap().contains("B is better by"));
    }

    #[test]
    fn what_is_no_comparison_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(root.path());
        let runs = workspace.runs();
        make(&runs, "1-a", 64, 0.8);
        make(&runs, "2-b", 96, 0.9);
        let output = root.path().join("two.html");
        let compare = || {
            let (a, b) = ("1-a".to_owned(), "2-b".to_owned());
            run(&Args { a, b, output: Some(output.clone()), json: false }, &workspace)
        };
        for theirs in ["title = 'my spec'", "<!DOCTYPE html><html>a run's report</html>"] {
            fs::write_atomic(&output, theirs).unwrap();
            let error = compare().unwrap_err().to_string();
            assert!(error.contains("is no page of a comparison: it is not replaced"), "{error}");
            assert_eq!(fs::read_to_string(&output).unwrap(), theirs);
        }
        fs::remove_file(&output).unwrap();
        compare().unwrap();
        compare().unwrap();
        assert!(fs::read_to_string(&output).unwrap().contains("B is better by"));
    }

    #[test]
    fn runs_of_two_competitions_are_not_compared() {
        let runs = tempfile::tempdir().unwrap();
        make(runs.path(), "1-a", 64, 0.8);
        let folder = runs.path().join("dog-breed/2-b");
        for entry in fs::read_dir(runs.path().join("dogs-vs-cats/1-a")).unwrap() {
            let from = entry.unwrap().path();
            let text = fs::read_to_string(&from).unwrap();
            let text =
                text.replace("competition = \"dogs-vs-cats\"", "competition = \"dog-breed\"");
            fs::write_atomic(folder.join(from.file_name().unwrap()), text).unwrap();
        }
        let error = read(runs.path(), "1-a", "2-b").err().unwrap();
        assert!(error.to_string().contains("hint: compare runs of one competition"), "{error}");
        assert!(read(runs.path(), "1-a", "nothing").is_err());
    }
}
