//! The commands, one file each: plain arguments in, a result out. Nothing below knows of them, and
//! none of them knows the command line.

pub mod demo;
pub mod doctor;
pub mod exit;
pub mod fetch;
pub mod history;
pub mod leaderboard;
pub mod list;
pub mod ready;
pub mod score;
pub mod standin;
pub mod submissions;
pub mod submit;
pub mod train;
pub mod upload;
mod weights;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use crate::cli::{Cli, Command, Fetch, Leaderboard, Serve, StandinAction, Submit, Train};
use crate::competition::{self, Competition};
use crate::fs;
use crate::kaggle::{Client, Environment};
use crate::recipe::Layer;
use crate::run::Run;
use crate::submission::Misfit;
use crate::term;

/// Where a person's work lies.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The folder that holds the three below.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// A folder of data a competition.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// A folder of runs a competition.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The CSVs.
    pub fn submissions(&self) -> PathBuf {
        self.root.join("submissions")
    }
}

/// Does what was typed.
pub fn dispatch(cli: Cli) -> Result<()> {
    let root = cli.global.root;
    let workspace = Workspace::new(root.strip_prefix(".").unwrap_or(&root));
    match cli.command {
        Command::Fetch(args) => fetch(args, &workspace),
        Command::Train(args) => train(&args, &workspace),
        Command::Submit(args) => submit(args, &workspace),
        Command::Submissions(args) => {
            let competition = named_or_newest(args.competition.as_deref(), &workspace)?;
            let client = connect(args.endpoint.as_deref(), &Environment::of_process())?;
            submissions::run(&client, &competition, &workspace.runs(), args.json)
        }
        Command::Leaderboard(args) => leaderboard(&args, &workspace),
        Command::Score(args) => {
            let named = args.competition.as_deref().map(competition::find).transpose()?;
            score::run(&args.csv, &args.solution, named, args.json)
        }
        Command::List(args) => list::run(&workspace.data(), &workspace.runs(), args.json),
        Command::Doctor(args) => doctor::run(&root, args.json),
        Command::Demo(args) => {
            let competition = competition::find(&args.competition)?;
            demo::run(&competition, args.port, args.device, &workspace)
        }
        Command::Standin(args) => {
            let StandinAction::Serve(args) = args.action;
            serve(args)
        }
    }
}

fn fetch(args: Fetch, workspace: &Workspace) -> Result<()> {
    let competition = competition::find(&args.competition)?;
    fetch::run(&fetch::FetchOptions {
        data: workspace.data().join(&competition.name),
        competition,
        from: args.from,
        endpoint: args.endpoint,
        environment: Environment::of_process(),
        mode: match (args.mode.force, args.mode.dry_run, args.mode.check) {
            (true, ..) => fetch::Mode::Anew,
            (_, true, _) => fetch::Mode::Rehearse,
            (.., true) => fetch::Mode::Verify,
            _ => fetch::Mode::Missing,
        },
        keep_archives: args.keep_archives,
        json: args.json,
    })
}

fn train(args: &Train, workspace: &Workspace) -> Result<()> {
    let competition = competition::find(&args.competition)?;
    let mut layers = Vec::new();
    if let Some(path) = &args.recipe {
        layers.push(Layer::parse(path.display().to_string(), &fs::read_to_string(path)?)?);
    }
    if args.smoke {
        layers.push(train::smoke_layer()?);
    }
    for setting in &args.settings {
        layers.push(Layer::assignment(setting)?);
    }
    if args.show_recipe {
        term::out(toml::to_string(&train::recipe_of(&competition, &layers)?)?.trim_end());
        return Ok(());
    }
    let data = workspace.data().join(&competition.name);
    let (runs, device) = (workspace.runs(), args.device);
    let run = train::run(&train::TrainOptions { competition, data, runs, layers, device })?;
    if args.json {
        let mut told = serde_json::to_value(run.summary()?)?;
        told["folder"] = run.folder.display().to_string().into();
        term::out(serde_json::to_string_pretty(&told)?);
    }
    term::say("next: kaggle-kit submit");
    Ok(())
}

fn submit(args: Submit, workspace: &Workspace) -> Result<()> {
    let competition = args.competition.as_deref().map(competition::find).transpose()?;
    let environment = Environment::of_process();
    let line = || connect(args.endpoint.as_deref(), &environment);
    // A file is checked in no time; predictions take theirs, so credentials must be there first.
    let early = (args.upload && args.csv.is_none()).then(line).transpose()?;
    let ready = if let Some(csv) = &args.csv {
        ready::check(csv, competition, workspace)
    } else {
        let name = competition.as_ref().map(|c| c.name.as_str());
        let newest = || Run::newest(&workspace.runs(), name);
        let run = args.run.as_deref().map_or_else(newest, Run::open)?;
        let (data, submissions) = (workspace.data(), workspace.submissions());
        submit::write(submit::SubmitOptions { run, data, submissions, device: args.device })
    };
    let ready = ready.inspect_err(|error| {
        if let Some(misfit) = error.downcast_ref::<Misfit>().filter(|_| args.json) {
            term::out(format_args!("{:#}", ready::misfit_to_json(misfit)));
        }
    })?;
    ready.tell();
    if !args.json {
        term::out(ready.csv.display());
    }
    let mut outcome = None;
    if let Some(message) = args.message.filter(|_| args.upload) {
        let client = early.map_or_else(line, Ok)?;
        let wait = args.wait.map(Duration::from_secs);
        let options = upload::UploadOptions { message, again: args.again, wait };
        outcome = Some(upload::run(&client, &ready, &options)?);
    }
    if args.json {
        let mut told = ready.to_json();
        told["submission"] = serde_json::to_value(&outcome)?;
        term::out(format_args!("{told:#}"));
    }
    outcome.map_or(Ok(()), |outcome| outcome.ensure_taken())
}

fn leaderboard(args: &Leaderboard, workspace: &Workspace) -> Result<()> {
    let competition = named_or_newest(args.competition.as_deref(), workspace)?;
    let client = connect(args.endpoint.as_deref(), &Environment::of_process())?;
    let options = leaderboard::BoardOptions { top: args.top, score: args.score, json: args.json };
    leaderboard::run(&client, &competition, &workspace.runs(), options)
}

/// The competition that was named, or that of the newest finished run.
fn named_or_newest(name: Option<&str>, workspace: &Workspace) -> Result<Competition> {
    match name {
        Some(name) => competition::find(name),
        None => Run::newest(&workspace.runs(), None)?.competition(),
    }
}

/// A line to Kaggle, with a word on whose it is.
fn connect(endpoint: Option<&str>, environment: &Environment) -> Result<Client> {
    let client = Client::connect(endpoint, environment)?;
    let found = client.credentials();
    term::detail(format_args!("credentials from {}", found.source));
    found.warnings.iter().for_each(term::warn);
    term::say(format_args!("   asking `{}`", client.endpoint()));
    Ok(client)
}

fn serve(args: Serve) -> Result<()> {
    let competitions = if args.competitions.is_empty() {
        competition::all()?
    } else {
        args.competitions.iter().map(|name| competition::find(name)).collect::<Result<_>>()?
    };
    standin::serve(standin::ServeOptions {
        port: (args.port != 0).then_some(args.port),
        competitions,
        images: args.images,
        rules: args.rules,
        filler: args.filler,
        rate: args.rate,
        daily_submissions: args.daily_submissions,
        faults: args.faults.into_iter().collect(),
        log: args.log,
    })
}
