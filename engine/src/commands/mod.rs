//! The commands that need libtorch: what this binary adds to `kaggle-kit`.

pub mod demo;
pub mod doctor;
pub mod submit;
pub mod train;
mod weights;

use anyhow::Result;

use kaggle_kit::cli::{Submit, Train};
use kaggle_kit::commands::{Computation, Workspace, layers, send};
use kaggle_kit::competition;
use kaggle_kit::run::Run;
use kaggle_kit::term;

/// Does it.
pub fn run(computation: Computation, workspace: &Workspace) -> Result<()> {
    match computation {
        Computation::Train(args) => trained(&args, workspace),
        Computation::Submit(args) => predicted(args, workspace),
        Computation::Doctor { json } => doctor::run(workspace.root(), json),
        Computation::Demo(args) => {
            let competition = competition::find(&args.competition)?;
            demo::run(&competition, args.port, args.device, workspace)
        }
    }
}

fn trained(args: &Train, workspace: &Workspace) -> Result<()> {
    let competition = competition::find(&args.competition)?;
    let layers = layers(args)?;
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

fn predicted(args: Submit, workspace: &Workspace) -> Result<()> {
    let (run, device) = (args.run.clone(), args.device);
    send(args, |competition| {
        let name = competition.as_ref().map(|c| c.name.as_str());
        let newest = || Run::newest(&workspace.runs(), name);
        let run = run.as_deref().map_or_else(newest, Run::open)?;
        let (data, submissions) = (workspace.data(), workspace.submissions());
        submit::write(submit::SubmitOptions { run, data, submissions, device })
    })
}
