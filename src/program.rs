//! What the programs do: parse, dispatch, print the error, exit. Doc comments on what may be typed are
//! the help text.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{ExitCode, exit};

use anyhow::Result;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::commands::{
    Computation, cache, compare, completions, decide, demo, doctor, enter, export, fetch,
    leaderboard, list, lr_find, models, new, pack, predict, runs, score, standin, submissions,
    submit, sweep, train,
};
use crate::exit as exit_codes;
use crate::kaggle::{Environment, notebook};
use crate::mishap;
use crate::recipe;
use crate::run::Workspace;
use crate::sibling::Sibling;
use crate::term;
use crate::typed;
use crate::weights::imported;
use crate::zoo;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit demo                     the whole path on a competition drawn here, without Kaggle
  kaggle-kit fetch dog-breed          download, unpack and check the data
  kaggle-kit train dog-breed          the golden rule, start to end
  kaggle-kit submit                   write the upload for the newest run

`kaggle-kit <command> --help` tells more.
Exit codes: 0 done, 1 failed, 2 wrong usage; where Kaggle or Hugging Face is asked also 3 for
credentials, 4 rules not accepted or no permission, 5 not found, 6 rate or submission limit, 7
network or server; 8 a submission that does not fit; 130 ended by Ctrl-C.";

/// Takes a Kaggle image competition from an empty folder to an accepted submission
#[derive(Debug, Parser)]
#[command(name = "kaggle-kit", bin_name = "kaggle-kit", version, about, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

// Options of every command.
#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "options that are there or not")]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// The folder that holds data/, runs/ and submissions/ [default: this one; in a Kaggle notebook
    /// /kaggle/working]
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        env = "KAGGLE_KIT_ROOT",
        overrides_with = "root"
    )]
    pub root: Option<PathBuf>,
    /// Tell only warnings and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Tell where things come from as well
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Draw no bars, even on a terminal
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Run networks that a run brings along, which are code, without their import here
    #[arg(long, global = true)]
    pub trust: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Go the whole way with one command: spec, data, training, submission
    Enter(enter::Args),
    /// Write the spec of a competition: from Kaggle's list of its files, a folder, or an archive
    New(new::Args),
    /// Download a competition's data, unpack and check it
    Fetch(fetch::Args),
    /// Train by the golden rule
    Train(train::Args),
    /// Predict any pictures with a run
    Predict(predict::Args),
    /// Write a run down as plain timm and PyTorch, TorchScript and ONNX
    Export(export::Args),
    /// Write the upload for a run, or check a CSV made elsewhere, and send it if asked
    Submit(submit::Args),
    /// Decide anew from a run's probabilities: every method, measured, and the CSV of the best
    Decide(decide::Args),
    /// Make a run a data set for Kaggle, with the notebook that predicts a hidden test set with it
    Pack(pack::Args),
    /// List what was submitted, with our run and its held-out score beside each
    Submissions(submissions::Args),
    /// Show the top of the leaderboard, and where our best score or any other stands
    Leaderboard(leaderboard::Args),
    /// Score a submission (a CSV) against a solution (a CSV of true labels), offline
    Score(score::Args),
    /// Show competitions, the data and runs there are, and best scores
    List(list::Args),
    /// Show the runs there are, what each did differently, and what came of it
    Runs(runs::Args),
    /// Put two runs side by side, as a table and as a page
    Compare(compare::Args),
    /// Train many recipes, drop those that fall behind, and show which settings pay
    Sweep(sweep::Args),
    /// Find learning rates and show the curves, without training further
    LrFind(lr_find::Args),
    /// List the backbones, fetch their weights, import others of timm, measure them here
    Models(models::Args),
    /// List or remove the activations and pictures that runs keep for one another
    Cache(cache::Args),
    /// Check libtorch, device, credentials, weights and disk
    Doctor(doctor::Args),
    /// Walk the whole path on a small competition drawn here, without Kaggle
    Demo(demo::Args),
    /// Serve a small Kaggle on this machine, to try or measure clients with
    Standin(standin::Args),
    /// Print what makes a shell complete command lines, or write manual pages
    Completions(completions::Args),
}

/// Does what was typed; `compute` does what needs libtorch.
pub fn run(compute: impl FnOnce(Computation, &Workspace) -> Result<()>) -> ExitCode {
    completions::answer(Cli::command);
    finish(|| {
        let cli: Cli = parse();
        configure(&cli.global);
        let workspace = Workspace::new(root_of(&cli.global));
        dispatch(&cli.command, &workspace, |computation| compute(computation, &workspace))
    })
}

/// The folder that was named; where none was, this one, or in a Kaggle notebook the one whose files are
/// kept.
fn root_of(global: &Global) -> PathBuf {
    let named = global.root.as_ref().map(|root| root.strip_prefix(".").unwrap_or(root).to_owned());
    named.or_else(kept_by_a_notebook).unwrap_or_default()
}

fn kept_by_a_notebook() -> Option<PathBuf> {
    notebook::working(&Environment::of_process())
}

/// What was typed. `--help` and `--version` end the program, and so does what is no command.
pub fn parse<C: Parser>() -> C {
    C::try_parse().unwrap_or_else(|error| {
        let error = with_tip(error);
        let code = error.exit_code();
        let plain = error.render().to_string();
        if error.use_stderr() && term::is_altered(&plain) {
            // It quotes what was typed, which may be the name of a file from elsewhere.
            term::usage(&plain);
        } else {
            let printed = error.print().and_then(|()| io::stdout().flush());
            if let Err(trouble) = printed
                && code == 0
            {
                term::stdout_failed(&trouble);
            }
        }
        exit(code)
    })
}

/// Before any work: how much is printed.
pub fn configure(global: &Global) {
    let verbosity = match (global.quiet, global.verbose) {
        (true, _) => term::Verbosity::Quiet,
        (_, true) => term::Verbosity::Verbose,
        _ => term::Verbosity::Normal,
    };
    term::configure(verbosity, !global.no_progress);
    imported::trust_runs(global.trust);
    zoo::imported::look_with(imported::look);
    // A variable stays as it is for the next command; an option has to be given again.
    let by_itself = env::var_os("KAGGLE_KIT_ROOT").map(PathBuf::from).or_else(kept_by_a_notebook);
    let by_itself = by_itself.unwrap_or_else(|| PathBuf::from("."));
    typed::keep_root(global.root.clone().filter(|root| *root != by_itself));
}

/// An option that there is not, but is a setting of the recipe or is called otherwise here, is answered
/// with what to type; what was typed is not repeated at any length.
fn with_tip(mut error: clap::Error) -> clap::Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidArg).cloned() else {
        return error;
    };
    let typed_short = term::short(&typed, 100);
    if let Some(meant) = recipe::known_by_another_name(&typed) {
        let tip = format!("settings of the recipe are given as `--set KEY=VALUE`: {meant}");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    } else if typed_short != typed {
        error.remove(ContextKind::Suggested);
    }
    error.insert(ContextKind::InvalidArg, ContextValue::String(typed_short));
    error
}

/// Does all that a program does, and prints the error, if there is one.
pub fn finish(work: impl FnOnce() -> Result<()>) -> ExitCode {
    match mishap::caught(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is::<mishap::Bug>() {
                term::error(&error);
            }
            ExitCode::from(exit_codes::code(&error))
        }
    }
}

fn dispatch(
    command: &Command,
    workspace: &Workspace,
    compute: impl FnOnce(Computation) -> Result<()>,
) -> Result<()> {
    if has_work(command) {
        mishap::start_threads()?;
    }
    match command {
        Command::Enter(args) => enter::run(args, workspace),
        Command::New(args) => new::run(args),
        Command::Fetch(args) => fetch::run(args, workspace),
        Command::Train(args) if args.show_recipe => train::show_recipe(args),
        Command::Train(args) => compute(Computation::Train(args)),
        Command::Predict(args) => compute(Computation::Photos(args)),
        Command::Export(args) => export::run(args, workspace),
        Command::Submit(args) if args.kernel => submit::kernel::run(args, workspace),
        Command::Submit(args) => match &args.csv {
            Some(csv) => submit::check(csv, args, workspace),
            None => compute(Computation::Submit(args)),
        },
        Command::Decide(args) => decide::run(args, workspace, |test_set, members| {
            compute(Computation::Predict(test_set, members, args.device))
        }),
        Command::Pack(args) => pack::run(args, workspace),
        Command::Submissions(args) => submissions::run(args, workspace),
        Command::Leaderboard(args) => leaderboard::run(args, workspace),
        Command::Score(args) => score::run(args, workspace),
        Command::List(args) => list::run(args, workspace),
        Command::Runs(args) => runs::run(args, workspace),
        Command::Compare(args) => compare::run(args, workspace),
        Command::Sweep(args) => sweep::run(args, workspace),
        Command::LrFind(args) => match &args.run {
            Some(run) => lr_find::show(run, args),
            None => compute(Computation::LrFind(args)),
        },
        Command::Models(args) if args.bench => compute(Computation::Bench(args)),
        Command::Models(models::Args { action: Some(models::Action::Import(args)), .. }) => {
            compute(Computation::Import(args))
        }
        Command::Models(args) => models::run(args),
        Command::Cache(args) => cache::run(args),
        Command::Doctor(args) => compute(Computation::Doctor(args)),
        Command::Demo(args) => compute(Computation::Demo(args)),
        Command::Standin(_) => Sibling::Standin.take_over(),
        Command::Completions(args) => completions::run(args, Cli::command()),
    }
}

/// Whether it computes with all cores in this process; what is the engine's starts its own.
fn has_work(command: &Command) -> bool {
    match command {
        Command::Submit(args) => args.csv.is_some(),
        Command::Fetch(_)
        | Command::Decide(_)
        | Command::Score(_)
        | Command::Compare(_)
        | Command::Export(_)
        | Command::Cache(_)
        | Command::Runs(_) => true,
        _ => false,
    }
}
