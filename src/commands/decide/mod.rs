//! `kaggle-kit decide`: from probabilities to answers anew, without a network: every method, what it
//! scores on images that it has not seen, and the one that is used.

mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::builder::TypedValueParser;
use serde_json::{Value, json};

use super::meant;
use super::submit::{Plan, Ready, TestSet, print_blend, single};
use crate::decide::answers::{self, Way};
use crate::decide::ensemble::members::{self, Member};
use crate::decide::ensemble::{BlendChoice, Pool, choose};
use crate::decide::tags::calibrate::Kind;
use crate::decide::tags::{HeldOut, Method, Rows};
use crate::decide::{Decision, Options};
use crate::device;
use crate::lines;
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
    pub method: Option<String>,
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

fn method() -> impl TypedValueParser<Value = String> {
    let mut names = Method::ALL.map(Method::name).to_vec();
    // The names of one may be those of the other.
    names.extend(Way::ALL.map(Way::name).iter().filter(|name| **name != Method::Threshold.name()));
    Words::new(names, &Method::GONE)
}

/// Decides, and answers for the test images, if there are any; `predict` makes the predictions that
/// are missing.
pub fn run(
    args: &Args,
    workspace: &Workspace,
    predict: impl FnOnce(&TestSet, &[Member]) -> Result<()>,
) -> Result<()> {
    let members = meant::members(&args.runs, workspace)?;
    meant::tell_of_unfinished(&members)?;
    // Without test images there is nothing to ask a network, and no CSV.
    let test_set = TestSet::open(&members, &workspace.data());
    if let Ok(test_set) = &test_set
        && !test_set.missing(&members)?.is_empty()
    {
        predict(test_set, &members)?;
    }
    let mut pool = members::pool(&members)?;
    let named = args.method.as_deref();
    pool.options = Options {
        rows: args.rows,
        calibration: args.calibration,
        only: named.and_then(|name| Method::try_from(name.to_owned()).ok()),
        only_way: Way::ALL.into_iter().find(|way| named == Some(way.name())),
        ..pool.options
    };
    let choice = choose(&pool)?;
    ensure_tried(named, &choice.decision)?;
    print_blend(&choice, &members);
    let test = Test::of(test_set, &members)?;
    let on_test = match &args.solution {
        Some(path) => score_methods(path, test.as_ref(), &pool, &choice)?,
        None => None,
    };
    table::print(&choice.decision, &pool.metric, on_test.as_deref());
    // Folds have a decision each, and are decided about together anew each time.
    if let [member] = members.as_slice()
        && member.is_of_one_hold_out()
    {
        member.runs.iter().try_for_each(|run| keep(run, &choice.decision))?;
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

/// That the method which was named is one of those that the metric has.
fn ensure_tried(named: Option<&str>, decision: &Decision) -> Result<()> {
    let Some(named) = named else { return Ok(()) };
    let tried: Vec<&str> = match decision {
        Decision::Calibration(_) => Vec::new(),
        Decision::Tags(tags) => tags.candidates.iter().map(|c| c.what.method.name()).collect(),
        Decision::Answers(answers) => {
            answers.candidates.iter().map(|c| c.what.way.name()).collect()
        }
    };
    ensure!(
        tried.contains(&named),
        "`{named}` is no way to decide here\nhint: {}",
        match tried.as_slice() {
            [] => "log loss has one way; leave `--method` out".to_owned(),
            tried => format!("there is `{}`", tried.join("`, `")),
        }
    );
    Ok(())
}

/// What each method scores on the test images.
fn score_methods(
    solution: &Path,
    test: Option<&Test>,
    pool: &Pool,
    choice: &BlendChoice,
) -> Result<Option<Vec<f64>>> {
    if let (Some(test), Decision::Tags(_) | Decision::Answers(_)) = (test, &choice.decision) {
        return test.score_methods(solution, pool, choice).map(Some);
    }
    term::warn(format_args!("`{}` is not used: there is one way to decide", solution.display()));
    Ok(None)
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
    ) -> Result<Vec<f64>> {
        let solution_csv = lines::read_table(solution)?;
        let score = |answers: Answers| -> Result<f64> {
            let TestSet { competition, sample, .. } = &self.test_set;
            let csv = to_csv(&answers, competition, sample)?;
            let scored = score_bytes(&csv, &solution_csv, competition);
            Ok(scored
                .with_context(|| format!("failed to score by `{}`", solution.display()))?
                .value)
        };
        self.answers_by_all(pool, choice)?.into_iter().map(score).collect()
    }

    /// What each method answers about the test images.
    fn answers_by_all(&self, pool: &Pool, choice: &BlendChoice) -> Result<Vec<Answers>> {
        let test = choice.blend.apply(&self.predicted)?;
        match &choice.decision {
            Decision::Calibration(_) => Ok(Vec::new()),
            Decision::Tags(decision) => {
                let settings = decision.settings()?;
                let targets = pool.truth.classes().iter().map(Vec::as_slice);
                let images = HeldOut::new(choice.predictions.clone(), targets, &pool.folds);
                let answers = |fitted| {
                    let tags = settings.decide(&fitted, &test.probabilities);
                    let (ids, classes) = (test.ids.clone(), test.classes.clone());
                    Answers { ids, classes, said: Said::Lists(tags) }
                };
                Ok(settings.fit(&images).into_iter().map(answers).collect())
            }
            Decision::Answers(decision) => {
                let predictions = pool.predictions(choice.predictions.clone());
                let found = answers::fit(&pool.metric, &pool.judged(&predictions), &pool.options)?;
                let unknown = decision.unknown.as_deref();
                let answers = |rule: answers::Rule| rule.answers(pool.kind, test.clone(), unknown);
                Ok(found.rules.into_iter().map(answers).collect())
            }
        }
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
