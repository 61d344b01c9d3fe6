//! The commands, one file each: plain arguments in, a result out. Nothing below knows of them, and
//! none of them knows the command line.

pub mod demo;
pub mod doctor;
pub mod fetch;
pub mod list;
pub mod score;
pub mod submit;
pub mod train;
pub mod upload;
mod weights;

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::{Cli, Command, Fetch, Submit, Train};
use crate::competition;
use crate::fs;
use crate::kaggle::Environment;
use crate::recipe::Layer;
use crate::run::Run;
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
        Command::Submit(args) => submit(&args, &workspace),
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
        force: args.force,
        keep_archives: false,
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
    train::run(&train::TrainOptions { competition, data, runs, layers, device })?;
    term::say("next: kaggle-kit submit");
    Ok(())
}

fn submit(args: &Submit, workspace: &Workspace) -> Result<()> {
    let competition = args.competition.as_deref().map(competition::find).transpose()?;
    let run = match &args.run {
        Some(folder) => Run::open(folder)?,
        None => Run::newest(&workspace.runs(), competition.as_ref().map(|c| c.name.as_str()))?,
    };
    let competition = run.competition()?;
    let csv = submit::write(&submit::SubmitOptions {
        run,
        data: workspace.data(),
        submissions: workspace.submissions(),
        device: args.device,
    })?;
    let Some(message) = args.message.as_deref().filter(|_| args.upload) else { return Ok(()) };
    let environment = Environment::of_process();
    upload::run(&competition, &csv, message, args.endpoint.as_deref(), &environment)?;
    Ok(())
}
