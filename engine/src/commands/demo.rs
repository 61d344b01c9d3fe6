//! `kaggle-kit demo`: the whole path, fetch to score, against a stand-in for Kaggle on this
//! machine. The competition is small and drawn here; all else is real: HTTP, weights, training.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{submit, train};
use kaggle_kit::commands::demo::Args;
use kaggle_kit::commands::submit::upload;
use kaggle_kit::commands::train::{Args as TrainArgs, RecipeArgs, Start};
use kaggle_kit::commands::{fetch, members};
use kaggle_kit::competition;
use kaggle_kit::fs;
use kaggle_kit::kaggle::Environment;
use kaggle_kit::run::Workspace;
use kaggle_kit::session;
use kaggle_kit::standin::{
    self,
    miniature::{Miniature, Sizes},
};
use kaggle_kit::term;

/// The pictures follow from it.
const SEED: u64 = 20;

/// Settings with which a few hundred small pictures are learnt in a minute or less on two cores.
const RECIPE: [&str; 5] = [
    "size=128",
    "head-on-activations.min-steps=200",
    "head-with-augmentation.epochs=1",
    "find-full-rate.steps=20",
    "whole-network.max-cycles=2",
];

/// Draws, serves, fetches, trains, submits, uploads; ends with the score and each stage's time.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let competition = &competition::find(&args.competition)?;
    let mut times: Vec<(&str, f64)> = Vec::new();
    let mut last = Instant::now();
    let mut stage = |name: &'static str| {
        times.push((name, last.elapsed().as_secs_f64()));
        last = Instant::now();
    };
    let demo = workspace.within("demo");
    let data = demo.data().join(&competition.name);
    if data.exists() {
        // The demo's own pictures of an earlier time; it is about fetching them.
        fs::remove_dir_all(&data)?;
    }

    term::heading(format_args!(
        "a small `{}`, drawn here, on a stand-in for Kaggle",
        competition.name
    ));
    let miniature = Miniature::generate(competition, Sizes::demo(competition), SEED)?;
    let mut options = standin::Options::new(vec![miniature]);
    options.port = (args.port != 0).then_some(args.port);
    let server = standin::start(options).context("failed to start the stand-in for Kaggle")?;
    let endpoint = server.url();
    let environment = Environment::from([
        ("KAGGLE_USERNAME", server.account().username.as_str()),
        ("KAGGLE_KEY", server.account().key.as_str()),
    ]);
    term::say(format_args!("   it listens at {endpoint}"));
    stage("draw and serve");

    let fetched = fetch::Args {
        competition: args.competition.clone(),
        endpoint: Some(endpoint.clone()),
        ..fetch::Args::default()
    };
    fetch::run_in(&fetched, &demo, &environment)?;
    stage("fetch");

    let settings = RECIPE.map(str::to_owned).to_vec();
    let recipe = RecipeArgs { settings, ..RecipeArgs::default() };
    let start = Start { anew: true, ..Start::default() };
    let training = TrainArgs {
        recipe,
        start,
        device: args.device,
        ..TrainArgs::new(args.competition.clone())
    };
    let run = train::train(&training, &demo)?.pop().context("nothing was trained")?;
    stage("train");

    let ready = submit::write(&[members::alone(run)?], &demo, args.device)?;
    ready.tell();
    stage("submit");

    let client = session::connect(Some(&endpoint), &environment)?;
    let wait = Some(Duration::from_secs(60));
    let scored = upload(&client, &ready, "the demo's first try", false, wait)?;
    scored.ensure_taken()?;
    stage("upload and score");

    let rows: Vec<Vec<String>> = times
        .iter()
        .map(|(name, seconds)| vec![(*name).to_owned(), term::duration(*seconds)])
        .collect();
    term::say(term::table(&["stage", "time"], &rows));
    let score = scored.upload.public_score.context("the stand-in gave no score")?;
    let csv = ready.csv.display();
    term::done(format_args!("the path from nothing to a scored submission, `{csv}`"));
    term::out(format_args!("{} {score:.5}", competition.metric.name()));
    Ok(())
}
