//! The commands that need libtorch: what this binary adds to `kaggle-kit`.

pub mod demo;
pub mod doctor;
pub mod lr_find;
pub mod models;
mod predict;
pub mod submit;
pub mod train;

use std::time::Duration;

use anyhow::{Context, Result};
use kaggle_kit::cli::{LrFind, Submit, Train};
use kaggle_kit::commands::answer::Asked;
use kaggle_kit::commands::models::list;
use kaggle_kit::commands::{
    Computation, decide, decide_options, layers, members, members_of, send, train_layers,
};
use kaggle_kit::competition;
use kaggle_kit::fs;
use kaggle_kit::run::{Run, Workspace};
use kaggle_kit::term;

use train::{Folds, Start};

/// Does it.
pub fn run(computation: Computation, workspace: &Workspace) -> Result<()> {
    match computation {
        Computation::Train(args) => trained(&args, workspace),
        Computation::LrFind(args) => found(args, workspace),
        Computation::Submit(args) => predicted(args, workspace),
        Computation::Decide(args) => {
            let members = members_of(&args, workspace)?;
            let asked = Asked::open(&members, &workspace.data())?;
            submit::ask(&asked, &members, args.device)?;
            decide::run(&members, Ok(asked), &decide_options(&args, workspace))
        }
        Computation::Doctor { json } => doctor::run(workspace.root(), json),
        Computation::Bench(args) => {
            models::bench(&args.names, args.size, args.device)?;
            list(&args.names, &fs::cache_folder(), args.json)
        }
        Computation::Demo(args) => {
            let competition = competition::find(&args.competition)?;
            demo::run(&competition, args.port, args.device, workspace)
        }
    }
}

fn trained(args: &Train, workspace: &Workspace) -> Result<()> {
    let competition = competition::find(&args.competition)?;
    let layers = train_layers(args)?;
    let data = workspace.data().join(&competition.name);
    let (runs, device) = (workspace.runs(), args.device);
    let trained = train::run(&train::TrainOptions {
        competition,
        data,
        runs,
        layers,
        folds: if args.fold.is_some() { Folds::One } else { Folds::All },
        start: match (args.start.resume, args.start.anew) {
            (true, _) => Start::Resume,
            (_, true) => Start::Anew,
            _ => Start::GoOn,
        },
        max_time: args.max_minutes.map(|minutes| Duration::from_secs_f64(60.0 * minutes)),
        checkpoint_every: Duration::from_secs(args.checkpoint_every),
        keep_pictures: args.keep_pictures,
        device,
    })?;
    if args.json {
        let mut told = Vec::new();
        for run in &trained {
            let mut summary = serde_json::to_value(run.summary()?)?;
            summary["folder"] = run.folder.display().to_string().into();
            told.push(summary);
        }
        // A single run is told as it always was.
        let told = if told.len() == 1 { told.remove(0) } else { told.into() };
        term::out(serde_json::to_string_pretty(&told)?);
    }
    term::say("next: kaggle-kit submit");
    Ok(())
}

fn found(args: LrFind, workspace: &Workspace) -> Result<()> {
    let competition = competition::find(&args.competition.context("no competition")?)?;
    lr_find::run(lr_find::FindOptions {
        data: workspace.data().join(&competition.name),
        competition,
        layers: layers(&args.recipe)?,
        finder: args.finder,
        device: args.device,
        out: args.out,
        json: args.json,
    })
}

fn predicted(args: Submit, workspace: &Workspace) -> Result<()> {
    let (run, runs, best, device) = (args.run.clone(), args.runs.clone(), args.best, args.device);
    send(args, |competition| {
        let folder = workspace.runs();
        let name = competition.as_ref().map(|c| c.name.as_str());
        let members = match (run, best) {
            (Some(run), _) => vec![members::alone(Run::open(&run)?)?],
            (None, Some(n)) => {
                let name = match name {
                    Some(name) => name.to_owned(),
                    None => Run::newest(&folder, None)?.competition()?.name,
                };
                members::best(&folder, &name, n)?
            }
            (None, None) if !runs.is_empty() => members::named(&folder, name, &runs)?,
            (None, None) => vec![members::of(Run::newest(&folder, name)?)?],
        };
        let (data, submissions) = (workspace.data(), workspace.submissions());
        submit::write(&submit::SubmitOptions { members, data, submissions, device })
    })
}
