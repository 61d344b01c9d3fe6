//! The commands, one file each: plain arguments in, a result out. Nothing below knows of them, and
//! none of them knows the command line.
//!
//! What needs libtorch is in `engine/src/commands`.

pub mod answer;
pub mod blend;
pub mod cache;
pub mod compare;
pub mod decide;
pub mod engine;
pub mod exit;
pub mod fetch;
pub mod history;
pub mod kept;
pub mod leaderboard;
pub mod list;
pub mod lr_find;
pub mod members;
pub mod models;
pub mod ready;
pub mod runs;
pub mod score;
pub mod settings;
pub mod standin;
pub mod submissions;
pub mod unfinished;
pub mod upload;

use std::time::Duration;

use anyhow::Result;

use self::answer::Asked;

use crate::cli::{
    CacheAction, Cli, Command, Compare, Decide, Demo, Fetch, Leaderboard, LrFind, Models,
    ModelsAction, RecipeArgs, Runs, Serve, StandinAction, Submit, Train,
};
use crate::competition::{self, Competition};
use crate::fs;
use crate::kaggle::{Client, Environment};
use crate::recipe::Layer;
use crate::run::{Run, Workspace};
use crate::submission::Misfit;
use crate::term;

/// A command that needs libtorch, as it was typed.
#[derive(Debug)]
pub enum Computation {
    /// Train a run.
    Train(Train),
    /// Find learning rates.
    LrFind(LrFind),
    /// Predict with a run.
    Submit(Submit),
    /// Ask runs about the test images and decide.
    Decide(Decide),
    /// Measure backbones.
    Bench(Models),
    /// Look at libtorch, among other things.
    Doctor {
        /// Print JSON.
        json: bool,
    },
    /// Both, and what comes before and after.
    Demo(Demo),
}

/// Does what was typed; `compute` does what needs libtorch.
pub fn dispatch(
    cli: Cli,
    compute: impl FnOnce(Computation, &Workspace) -> Result<()>,
) -> Result<()> {
    let root = cli.global.root;
    let workspace = Workspace::new(root.strip_prefix(".").unwrap_or(&root));
    match cli.command {
        Command::Fetch(args) => fetch(args, &workspace),
        Command::Train(args) if args.show_recipe => {
            let recipe =
                settings::recipe_of(&competition::find(&args.competition)?, &train_layers(&args)?)?;
            term::out(settings::commented(&recipe)?.trim_end());
            Ok(())
        }
        Command::Train(args) => compute(Computation::Train(args), &workspace),
        Command::Submit(args) => match args.csv.clone() {
            Some(csv) => send(args, |competition| ready::check(&csv, competition, &workspace)),
            None => compute(Computation::Submit(args), &workspace),
        },
        Command::Decide(args) => {
            let members = members_of(&args, &workspace)?;
            // Without test images there is nothing to ask a network, and no CSV.
            let asked = Asked::open(&members, &workspace.data());
            if let Ok(asked) = &asked
                && !asked.unasked(&members)?.is_empty()
            {
                return compute(Computation::Decide(args), &workspace);
            }
            decide::run(&members, asked, &decide_options(&args, &workspace))
        }
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
        Command::Runs(args) => runs(args, &workspace),
        Command::Compare(args) => {
            let Compare { a, b, output, json } = args;
            let runs = workspace.runs();
            compare::run(&compare::CompareOptions { runs, a, b, output, json })
        }
        Command::LrFind(args) => match &args.run {
            Some(run) => {
                let sweeps = lr_find::of_run(&Run::open(run)?)?;
                lr_find::tell(&sweeps, args.out.as_deref(), args.json)
            }
            None => compute(Computation::LrFind(args), &workspace),
        },
        Command::Models(args) => match args.action {
            Some(ModelsAction::Pull { names }) => models::pull(&names),
            None if args.bench => compute(Computation::Bench(args), &workspace),
            None => models::list(&args.names, &fs::cache_folder(), args.json),
        },
        Command::Cache(args) => cache::run(cache_action(args.action), args.json),
        Command::Doctor(args) => compute(Computation::Doctor { json: args.json }, &workspace),
        Command::Demo(args) => compute(Computation::Demo(args), &workspace),
        Command::Standin(args) => {
            let StandinAction::Serve(args) = args.action;
            serve(args)
        }
    }
}

/// The models that a `decide` command is about.
pub fn members_of(args: &Decide, workspace: &Workspace) -> Result<Vec<members::Member>> {
    match args.runs.as_slice() {
        [] => Ok(vec![members::of(Run::newest(&workspace.runs(), None)?)?]),
        [name] if competition::find(name).is_ok() => {
            let competition = competition::find(name)?;
            Ok(vec![members::of(Run::newest(&workspace.runs(), Some(&competition.name))?)?])
        }
        names => members::named(&workspace.runs(), None, names),
    }
}

/// What a `decide` command asks for.
pub fn decide_options(args: &Decide, workspace: &Workspace) -> decide::DecideOptions {
    decide::DecideOptions {
        submissions: workspace.submissions(),
        rows: args.rows,
        calibration: args.calibration,
        method: args.method,
        solution: args.solution.clone(),
        json: args.json,
    }
}

fn runs(args: Runs, workspace: &Workspace) -> Result<()> {
    let competition = args.competition.as_deref().map(competition::find).transpose()?;
    let Runs { sort, filters, json, .. } = args;
    let competition = competition.map(|competition| competition.name);
    let options = runs::RunsOptions { competition, sort, filters, json };
    runs::run(&workspace.runs(), &options)
}

fn cache_action(action: Option<CacheAction>) -> cache::Action {
    match action {
        None | Some(CacheAction::List) => cache::Action::List,
        Some(CacheAction::Clean(args)) => cache::Action::Clean(match args.older_than {
            _ if args.all => cache::Which::All,
            Some(days) => cache::Which::OlderThan(days.into()),
            None => cache::Which::Useless,
        }),
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

/// The settings that were asked for, in the order in which they are laid over one another.
pub fn layers(args: &RecipeArgs) -> Result<Vec<Layer>> {
    let mut layers = Vec::new();
    if let Some(path) = &args.recipe {
        layers.push(Layer::parse(path.display().to_string(), &fs::read_to_string(path)?)?);
    }
    if args.smoke {
        layers.push(settings::smoke_layer()?);
    }
    // Short for `--set`, which is laid over them: a longer command line can change a shorter one.
    for (name, typed) in [("backbone", &args.backbone), ("weights", &args.weights)] {
        if let Some(typed) = typed {
            layers.push(Layer::text(format!("--{name} {typed}"), name, typed));
        }
    }
    for setting in &args.settings {
        layers.push(Layer::assignment(setting)?);
    }
    Ok(layers)
}

/// Those of a `train` command.
pub fn train_layers(args: &Train) -> Result<Vec<Layer>> {
    let mut layers = layers(&args.recipe)?;
    for (name, number) in [("folds", args.folds), ("fold", args.fold)] {
        if let Some(number) = number {
            layers.push(Layer::assignment(&format!("{name}={number}"))?);
        }
    }
    Ok(layers)
}

/// Tells of the CSV that `make` makes, and sends it if that was asked for.
pub fn send(
    args: Submit,
    make: impl FnOnce(Option<Competition>) -> Result<ready::Ready>,
) -> Result<()> {
    let competition = args.competition.as_deref().map(competition::find).transpose()?;
    let environment = Environment::of_process();
    let line = || connect(args.endpoint.as_deref(), &environment);
    // A file is checked in no time; predictions take theirs, so credentials must be there first.
    let early = (args.upload && args.csv.is_none()).then(line).transpose()?;
    let ready = make(competition).inspect_err(|error| {
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
pub fn connect(endpoint: Option<&str>, environment: &Environment) -> Result<Client> {
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
