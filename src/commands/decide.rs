//! `kaggle-kit decide`: from probabilities to answers anew, without a network: every method, what it
//! scores on images that it has not seen, and the one that is used.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::builder::TypedValueParser;
use serde_json::{Value, json};

use super::submit::{Plan, Ready, TestSet, print_blend, single};
use crate::decide::ensemble::members::{self, Member};
use crate::decide::ensemble::{BlendChoice, Pool, choose};
use crate::decide::tags::calibrate::{Kind, Reliability};
use crate::decide::tags::{Candidate, HeldOut, Method, Rows, TagDecision, TagReliability};
use crate::decide::{Decision, TagOptions};
use crate::device;
use crate::lines;
use crate::metric::Metric;
use crate::report::html;
use crate::run::{DECISION, Run, Workspace};
use crate::submission::{score_bytes, to_csv};
use crate::target::{Answers, Predictions, Said};
use crate::term;
use crate::typed;
use crate::words::{self, Words};

const EXAMPLES: &str = "\
Examples:
  kaggle-kit decide                                   the newest run: a table, the best CSV
  kaggle-kit decide planet --rows possible            never two weathers in a row
  kaggle-kit decide 20261124-101500-3fa9 20261124-111500-77b0      a blend of both
  kaggle-kit decide planet --method threshold
Only what was predicted for held-out images decides; nothing is trained. Test images are looked at
once, if they have not been yet.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Runs by folder or id, a fold for all folds of its model; or a competition, for its newest
    pub runs: Vec<String>,
    /// Use this method, whatever the others score
    #[arg(long, value_name = "METHOD", value_parser = method())]
    pub method: Option<Method>,
    /// How probabilities of tags are calibrated first
    #[arg(long, value_name = "KIND", default_value = "platt", value_parser = words::parser_without::<Kind>(&Kind::GONE))]
    pub calibration: Kind,
    /// Which rows to answer: any (both weathers where one is in doubt), or possible ones only
    #[arg(long, value_name = "ROWS", default_value = "any", value_parser = words::parser_without::<Rows>(&Rows::GONE))]
    pub rows: Rows,
    /// The test images' true labels, to see what each method would have scored
    #[arg(long, value_name = "CSV")]
    pub solution: Option<PathBuf>,
    /// Where to compute, if test images must be looked at: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: device::DeviceChoice,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

fn method() -> impl TypedValueParser<Value = Method> {
    Words::new(Method::ALL.map(Method::name), &Method::GONE).try_map(Method::try_from)
}

/// Decides, and answers for the test images, if there are any; `predict` makes the predictions that
/// are missing.
pub fn run(
    args: &Args,
    workspace: &Workspace,
    predict: impl FnOnce(&TestSet, &[Member]) -> Result<()>,
) -> Result<()> {
    let members = members_of(args, workspace)?;
    // Without test images there is nothing to ask a network, and no CSV.
    let test_set = TestSet::open(&members, &workspace.data());
    if let Ok(test_set) = &test_set
        && !test_set.missing(&members)?.is_empty()
    {
        predict(test_set, &members)?;
    }
    let mut pool = members::pool(&members)?;
    pool.tags = TagOptions {
        rows: args.rows,
        calibration: args.calibration,
        only: args.method,
        ..pool.tags
    };
    let choice = choose(&pool)?;
    print_blend(&choice, &members);
    let test = Test::of(test_set, &members)?;
    let on_test = match &args.solution {
        Some(path) => score_methods(path, test.as_ref(), &pool, &choice)?,
        None => None,
    };
    if let Decision::Tags(decision) = &choice.decision {
        print(decision, on_test.as_deref());
    }
    if let Some(run) = single(&members) {
        keep(run, &choice.decision)?;
    }
    let csvs = workspace.submissions();
    let ready = test.map(|test| test.write(&members, &choice, &csvs)).transpose()?;
    if args.json {
        term::json(&to_json(&members, &choice, on_test.as_deref(), ready.as_ref())?)?;
    } else if let Some(ready) = ready {
        term::path(&ready.csv);
    }
    Ok(())
}

/// What each method scores on the test images, if tags are answered.
fn score_methods(
    solution: &Path,
    test: Option<&Test>,
    pool: &Pool,
    choice: &BlendChoice,
) -> Result<Option<Vec<f64>>> {
    if let (Some(test), Decision::Tags(decision)) = (test, &choice.decision) {
        return test.score_methods(solution, pool, choice, decision).map(Some);
    }
    term::warn(format_args!("`{}` is not used: no tags are answered", solution.display()));
    Ok(None)
}

/// The models that are meant.
fn members_of(args: &Args, workspace: &Workspace) -> Result<Vec<Member>> {
    let runs = workspace.runs();
    match args.runs.as_slice() {
        [] => Ok(vec![members::of(Run::newest(&runs, None)?)?]),
        [name] => match workspace.find(name) {
            Ok(competition) => Ok(vec![members::of(Run::newest(&runs, Some(&competition))?)?]),
            // A spec that cannot be read is meant as one; else it may be a run.
            Err(error) if name.ends_with(".toml") => Err(error),
            Err(error) => {
                members::named(&runs, None, std::slice::from_ref(name)).map_err(|no_run| {
                    let is_near = format!("{error:#}").contains("did you mean");
                    if is_near && !Path::new(name).exists() && !name.contains('/') {
                        error
                    } else {
                        no_run
                    }
                })
            }
        },
        names => members::named(&runs, None, names),
    }
}

/// Puts a run's new decision in the place of its old one, with its score, and onto its page.
fn keep(run: &Run, decision: &Decision) -> Result<()> {
    run.write_toml(DECISION, decision)?;
    let mut summary = run.summary()?;
    summary.score = decision.score();
    run.finish(&summary)?;
    html::revise(run)
}

/// The test images, and what each member says about them.
struct Test {
    test_set: TestSet,
    predicted: Vec<Predictions>,
}

impl Test {
    /// None where there are no test images.
    fn of(test_set: Result<TestSet>, members: &[Member]) -> Result<Option<Self>> {
        match test_set {
            Ok(test_set) => {
                let predicted = test_set.predictions(members)?;
                Ok(Some(Self { test_set, predicted }))
            }
            Err(error) => {
                term::warn(format_args!("no CSV was written: {error:#}"));
                Ok(None)
            }
        }
    }

    /// What each method scores, in the order of the decision's candidates.
    fn score_methods(
        &self,
        solution: &Path,
        pool: &Pool,
        choice: &BlendChoice,
        decision: &TagDecision,
    ) -> Result<Vec<f64>> {
        let solution_csv = lines::read_table(solution)?;
        let settings = decision.settings()?;
        let targets = pool.truth.classes().iter().map(Vec::as_slice);
        let images = HeldOut::new(choice.predictions.clone(), targets, &pool.folds);
        let test = choice.blend.apply(&self.predicted)?;
        let score = |fitted| -> Result<f64> {
            let tags = settings.decide(&fitted, &test.probabilities);
            let (ids, classes) = (test.ids.clone(), test.classes.clone());
            let answers = Answers { ids, classes, said: Said::Lists(tags) };
            let TestSet { competition, sample, .. } = &self.test_set;
            let csv = to_csv(&answers, &competition.submission, sample)?;
            let scored = score_bytes(&csv, &solution_csv, competition);
            Ok(scored
                .with_context(|| format!("failed to score by `{}`", solution.display()))?
                .value)
        };
        settings.fit(&images).into_iter().map(score).collect()
    }

    /// Writes the CSV, and says how to send it.
    fn write(&self, members: &[Member], choice: &BlendChoice, submissions: &Path) -> Result<Ready> {
        let plan = match single(members) {
            Some(_) => Plan::Run(choice.decision.clone()),
            None => Plan::Blend(choice.clone()),
        };
        let ready = plan.write(&self.test_set, members, &self.predicted, submissions)?;
        ready.print();
        let csv = ready.csv.display().to_string();
        let spec = &ready.competition.typed;
        let next = ["submit", spec, "--csv", &csv, "--upload", "-m", "TEXT"];
        term::say(format_args!("next: {}", typed::command(next)));
        Ok(ready)
    }
}

fn print(decision: &TagDecision, on_test: Option<&[f64]>) {
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
            Metric::mean_fbeta(decision.beta).describe(decision.of_choice)
        ));
    }
}

/// A line a method.
fn table(decision: &TagDecision, on_test: Option<&[f64]>) -> String {
    let line = |(i, candidate): (usize, &Candidate)| {
        let Candidate { what, in_sample, nested, gain, spread } = candidate;
        let mut line = vec![what.method.to_string(), format!(" {in_sample:.5}")];
        if decision.folds > 0 {
            line.push(format!("{nested:.5}"));
            line.push(if i == 0 { String::new() } else { format!("{gain:+.5} {spread}") });
        }
        line.extend(on_test.map(|scores| format!("{:.5}", scores[i])));
        line.push(if *what == decision.chosen { "used".to_owned() } else { String::new() });
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
    }
}

fn to_json(
    members: &[Member],
    choice: &BlendChoice,
    on_test: Option<&[f64]>,
    ready: Option<&Ready>,
) -> Result<Value> {
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let mut json = json!({
        "members": names,
        "images": choice.images,
        "decision": serde_json::to_value(&choice.decision)?,
        "test": on_test,
        "submission": ready.map(Ready::to_json),
    });
    if members.len() > 1 {
        json["blend"] = serde_json::to_value(&choice.methods)?;
    }
    Ok(json)
}
