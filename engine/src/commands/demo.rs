//! `kaggle-kit demo`: the whole path, fetch to score, against a stand-in for Kaggle on this
//! machine. The competition is small and drawn; all else is real: HTTP, weights, training.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::{submit, train};
use kaggle_kit::commands::demo::Args;
use kaggle_kit::commands::fetch;
use kaggle_kit::commands::submit::upload;
use kaggle_kit::commands::train::{Args as TrainArgs, RecipeArgs, Start};
use kaggle_kit::competition::{self, Competition};
use kaggle_kit::decide::ensemble::members;
use kaggle_kit::fs;
use kaggle_kit::kaggle::Environment;
use kaggle_kit::run::Workspace;
use kaggle_kit::session;
use kaggle_kit::sibling::{STANDIN_TOKEN, Sibling};
use kaggle_kit::target::TargetKind;
use kaggle_kit::term;
use kaggle_kit::typed;

/// Settings with which a few hundred small pictures are learnt in a minute or less on two cores.
const RECIPE: [&str; 4] = [
    "size=128",
    "head-on-activations.min-steps=200",
    "head-with-augmentation.epochs=1",
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
    typed::keep_root(Some(demo.root().to_owned()));
    let data = demo.data().join(&competition.name);
    if data.exists() {
        // The demo's own pictures of an earlier time; it is about fetching them.
        fs::remove_dir_all(&data)?;
    }

    term::heading(format_args!(
        "a small `{}`, drawn here, on a stand-in for Kaggle",
        competition.name
    ));
    let standin = Standin::start(args, sizes(competition))
        .context("failed to start the stand-in for Kaggle")?;
    let endpoint = &standin.url;
    let environment = Environment::from([("KAGGLE_API_TOKEN", STANDIN_TOKEN)]);
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
    ready.print();
    stage("submit");

    let client = session::connect(Some(endpoint), &environment)?;
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

/// The stand-in, a process of its own. It ends when this is dropped, and when this process ends,
/// however that comes: its standard input ends then.
struct Standin {
    process: Child,
    url: String,
}

impl Standin {
    fn start(args: &Args, [train, test, classes]: [u32; 3]) -> Result<Self> {
        let program = Sibling::Standin.find()?;
        let mut command = Command::new(&program);
        command.args(["standin", "serve", "--quiet", "--until-stdin-ends"]);
        command.args(["--competition", &args.competition]);
        for (name, value) in [
            ("--port", args.port.into()),
            ("--train-images", train),
            ("--test-images", test),
            ("--classes", classes),
        ] {
            command.arg(name).arg(value.to_string());
        }
        // Ctrl-C is for this process alone: it may have a word with the stand-in before it ends.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let process = process.with_context(|| format!("failed to run `{}`", program.display()))?;
        let mut standin = Self { process, url: String::new() };
        let stdout = standin.process.stdout.take().context("it has no standard output")?;
        BufReader::new(stdout).read_line(&mut standin.url)?;
        standin.url.truncate(standin.url.trim_end().len());
        ensure!(!standin.url.is_empty(), "it ended before it told its address");
        Ok(standin)
    }
}

impl Drop for Standin {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Training images, test images and, where the spec does not name them, classes: enough to learn
/// from in a minute or two.
fn sizes(competition: &Competition) -> [u32; 3] {
    match competition.target.kind {
        TargetKind::MultiLabel => [300, 120, 0],
        TargetKind::SingleLabel if competition.target.classes.len() == 2 => [240, 100, 2],
        _ => [240, 120, 6],
    }
}
