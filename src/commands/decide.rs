//! `kaggle-kit decide`: from probabilities to answers anew, without a network: every method, what it
//! scores on images that it has not seen, and the one that is used.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::answer::{Asked, Plan, single};
use super::members::{self, Member};
use super::{blend, ready};
use crate::fs;
use crate::metric::Metric;
use crate::predict::blend::{Choice, Pool, choose};
use crate::predict::calibrate::{Kind, Reliability};
use crate::predict::tags::{
    Approach, Candidate, HeldOut, Method, RowsWanted, TagDecision, TagReliability,
};
use crate::predict::{Decision, TagOptions};
use crate::report::html;
use crate::run::{DECISION, Run};
use crate::submission::{score_bytes, to_csv};
use crate::target::{Answers, n_hot};
use crate::term;

/// What to decide, and how.
pub struct DecideOptions {
    /// The folder of all data.
    pub data: PathBuf,
    /// The folder of all submissions.
    pub submissions: PathBuf,
    /// Which rows may be answered.
    pub rows: RowsWanted,
    /// How probabilities are calibrated.
    pub calibration: Kind,
    /// The method that decides; without it, the best.
    pub method: Option<Method>,
    /// The test images' true labels, to score every method.
    pub solution: Option<PathBuf>,
    /// Whether to print JSON.
    pub json: bool,
}

/// Whether a network must be asked about test images first. Without test images there is nothing to
/// ask, and no CSV.
pub fn lacks_predictions(members: &[Member], data: &Path) -> Result<bool> {
    match Asked::open(members, data) {
        Ok(asked) => Ok(!asked.unasked(members)?.is_empty()),
        Err(_) => Ok(false),
    }
}

/// Decides; gives the CSV, if there are test images to answer for.
pub fn run(members: &[Member], options: &DecideOptions) -> Result<()> {
    let mut pool = members::pool(members)?;
    pool.tags = TagOptions {
        rows: options.rows,
        calibration: options.calibration,
        only: options.method,
        ..pool.tags
    };
    let choice = choose(&pool)?;
    blend::tell(&choice, members);
    let asked = Asked::open(members, &options.data);
    let on_test = match (&options.solution, &asked, &choice.decision) {
        (Some(path), Ok(asked), Decision::Tags(decision)) => {
            Some(score_methods(path, asked, members, &pool, &choice, decision)?)
        }
        _ => None,
    };
    if let Decision::Tags(decision) = &choice.decision {
        tell(decision, on_test.as_deref());
    }
    if let Some(run) = single(members) {
        keep(run, &choice.decision)?;
    }
    let ready = match asked {
        Ok(asked) => {
            let plan = match single(members) {
                Some(_) => Plan::Run(choice.decision.clone()),
                None => Plan::Blend(choice.clone()),
            };
            let ready = plan.write(&asked, members, &options.submissions)?;
            ready.tell();
            let csv = ready.csv.display();
            term::say(format_args!("next: kaggle-kit submit --csv {csv} --upload -m TEXT"));
            Some(ready)
        }
        Err(error) => {
            term::warn(format_args!("no CSV was written: {error:#}"));
            None
        }
    };
    if options.json {
        let told = to_json(members, &choice, on_test.as_deref(), ready.as_ref())?;
        term::out(format_args!("{told:#}"));
    } else if let Some(ready) = ready {
        term::out(ready.csv.display());
    }
    Ok(())
}

/// Puts a run's new decision in the place of its old one, with its score, and onto its page.
fn keep(run: &Run, decision: &Decision) -> Result<()> {
    run.write_toml(DECISION, decision)?;
    let mut summary = run.summary()?;
    summary.score = decision.score();
    run.finish(&summary)?;
    html::revise(run)
}

/// What each method scores on the test images, in the order of the decision's candidates.
fn score_methods(
    solution: &Path,
    asked: &Asked,
    members: &[Member],
    pool: &Pool,
    choice: &Choice,
    decision: &TagDecision,
) -> Result<Vec<f64>> {
    let solution_csv = fs::read(solution)?;
    let frame = decision.frame()?;
    let n_classes = pool.classes.len();
    let truth = n_hot(pool.targets.iter().map(Vec::as_slice), n_classes);
    let images = HeldOut {
        probabilities: choice.predictions.clone(),
        truth: truth.iter().map(|&tag| tag == 1.0).collect(),
        folds: pool.folds.clone(),
        n_classes,
    };
    let test = choice.blend.apply(&asked.predictions(members)?)?;
    let approaches: Vec<Approach> = decision.candidates.iter().map(|c| c.approach).collect();
    let score = |rule| -> Result<f64> {
        let tags = frame.decide(&rule, &test.probabilities, n_classes);
        let (ids, classes) = (test.ids.clone(), test.classes.clone());
        let answers = Answers::Tags { ids, classes, tags };
        let csv = to_csv(&answers, &asked.competition.submission, &asked.sample)?;
        let scored = score_bytes(&csv, &solution_csv, &asked.competition);
        Ok(scored.with_context(|| format!("failed to score by `{}`", solution.display()))?.value)
    };
    frame.rules(&images, &approaches).into_iter().map(score).collect()
}

fn tell(decision: &TagDecision, on_test: Option<&[f64]>) {
    let lines = decision.structure.lines();
    if lines.is_empty() {
        term::say("   no tag excludes or implies another");
    }
    for line in lines {
        term::say(format_args!("   {line}"));
    }
    if let Some((before, after)) = mean_reliability(decision) {
        term::say(format_args!(
            "   calibration ({}): error {:.4} -> {:.4}, Brier score {:.5} -> {:.5}",
            kind(decision.calibration),
            before.ece,
            after.ece,
            before.brier,
            after.brier
        ));
    }
    for line in table(decision, on_test).lines() {
        term::say(format_args!("   {line}"));
    }
    if decision.folds > 0 {
        term::say(format_args!(
            "   choosing itself, every fold decided by what is chosen without it: {}",
            Metric::MeanFbeta { beta: decision.beta }.told(decision.of_choice)
        ));
    }
}

/// A line a method.
fn table(decision: &TagDecision, on_test: Option<&[f64]>) -> String {
    let line = |(i, candidate): (usize, &Candidate)| {
        let Candidate { approach, in_sample, nested, gain, interval } = candidate;
        let mut line = vec![decision.title(*approach), format!(" {in_sample:.5}")];
        if decision.folds > 0 {
            line.push(format!("{nested:.5}"));
            line.push(if i == 0 {
                String::new()
            } else {
                format!("{gain:+.5} [{:+.5}, {:+.5}]", interval.low, interval.high)
            });
        }
        line.extend(on_test.map(|scores| format!("{:.5}", scores[i])));
        line.push(if *approach == decision.chosen { "used".to_owned() } else { String::new() });
        line
    };
    let rows: Vec<Vec<String>> = decision.candidates.iter().enumerate().map(line).collect();
    let in_sample = format!("F{} in sample", decision.beta);
    let mut header = vec!["", &in_sample];
    if decision.folds > 0 {
        header.extend(["nested", "gain over one threshold"]);
    }
    header.extend(on_test.map(|_| "test"));
    header.push("");
    term::table(&header, &rows)
}

/// The calibration numbers' means over tags, before and after.
fn mean_reliability(decision: &TagDecision) -> Option<(Reliability, Reliability)> {
    let tags = &decision.reliability;
    if tags.is_empty() {
        return None;
    }
    let mean = |of: fn(&TagReliability) -> Reliability| {
        Reliability::mean(&tags.iter().map(of).collect::<Vec<_>>())
    };
    Some((mean(|tag| tag.before), mean(|tag| tag.after)))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::None => "none",
        Kind::Temperature => "a temperature a tag",
        Kind::Platt => "Platt",
        Kind::Isotonic => "isotonic",
    }
}

fn to_json(
    members: &[Member],
    choice: &Choice,
    on_test: Option<&[f64]>,
    ready: Option<&ready::Ready>,
) -> Result<Value> {
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut told = json!({
        "members": names,
        "images": choice.images,
        "decision": serde_json::to_value(&choice.decision)?,
        "test": on_test,
        "submission": ready.map(ready::Ready::to_json),
    });
    if members.len() > 1 {
        told["blend"] = serde_json::to_value(&choice.methods)?;
    }
    Ok(told)
}
