//! `kaggle-kit demo`: the whole path, fetch to score, against a stand-in for Kaggle on this
//! machine. The competition is small and drawn here; all else is real: HTTP, weights, training.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{submit, train};
use kaggle_kit::cache::CachePolicy;
use kaggle_kit::commands::{connect, fetch, members, upload};
use kaggle_kit::competition::Competition;
use kaggle_kit::device::Choice;
use kaggle_kit::fs;
use kaggle_kit::kaggle::Environment;
use kaggle_kit::recipe::Layer;
use kaggle_kit::run::Workspace;
use kaggle_kit::standin::{
    self,
    miniature::{Miniature, Sizes},
};
use kaggle_kit::term;

/// The pictures follow from it.
const SEED: u64 = 20;

/// Settings with which a few hundred small pictures are learnt in a minute or less on two cores.
const RECIPE: &str = "\
size = 128
[head-on-activations]
min-steps = 200
[head-with-augmentation]
epochs = 1
[find-full-rate]
steps = 20
[whole-network]
max-cycles = 2
";

/// Draws, serves, fetches, trains, submits, uploads; ends with the score and each stage's time.
pub fn run(
    competition: &Competition,
    port: u16,
    device: Choice,
    workspace: &Workspace,
) -> Result<()> {
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
    options.port = (port != 0).then_some(port);
    let server = standin::start(options).context("failed to start the stand-in for Kaggle")?;
    let endpoint = server.url();
    let environment = Environment::from([
        ("KAGGLE_USERNAME", server.account().username.as_str()),
        ("KAGGLE_KEY", server.account().key.as_str()),
    ]);
    term::say(format_args!("   it listens at {endpoint}"));
    stage("draw and serve");

    fetch::run(&fetch::FetchOptions {
        competition: competition.clone(),
        data: data.clone(),
        from: Vec::new(),
        endpoint: Some(endpoint.clone()),
        environment: environment.clone(),
        mode: fetch::Mode::Missing,
        keep_archives: false,
        json: false,
    })?;
    stage("fetch");

    let layers = vec![Layer::parse("the demo's recipe", RECIPE)?];
    let (competition, runs) = (competition.clone(), demo.runs());
    let options = train::TrainOptions {
        competition,
        data,
        runs,
        layers,
        folds: train::Folds::One,
        start: train::Start::Anew,
        max_time: None,
        checkpoint_every: Duration::from_secs(60),
        keep_pictures: CachePolicy::default(),
        device,
    };
    let run = train::run(&options)?.pop().context("nothing was trained")?;
    stage("train");

    let (data, submissions) = (demo.data(), demo.submissions());
    let ready = submit::write(&submit::SubmitOptions {
        members: vec![members::alone(run)?],
        data,
        submissions,
        device,
    })?;
    ready.tell();
    stage("submit");

    let client = connect(Some(&endpoint), &environment)?;
    let message = "the demo's first try".to_owned();
    let wait = Some(Duration::from_secs(60));
    let uploading = upload::UploadOptions { message, again: false, wait };
    let scored = upload::run(&client, &ready, &uploading)?;
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
    term::out(format_args!("{} {score:.5}", options.competition.metric.name()));
    Ok(())
}
