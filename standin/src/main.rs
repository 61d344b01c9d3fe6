//! `kaggle-kit-standin`: started by `kaggle-kit standin` with the same command line, and by `demo`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kaggle_kit::mishap;
use kaggle_kit::program::{self, Global};
use kaggle_kit_standin::serve::{self, Serve};

#[derive(Debug, Parser)]
#[command(name = "kaggle-kit", bin_name = "kaggle-kit", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve a small Kaggle on this machine, to try or measure clients with
    #[command(subcommand)]
    Standin(Action),
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Serve until Ctrl-C; the first line on stdout is the address
    Serve(Serve),
}

fn main() -> ExitCode {
    program::finish(|| {
        let cli: Cli = program::parse();
        program::configure(&cli.global);
        mishap::start_threads()?;
        let Command::Standin(Action::Serve(args)) = cli.command;
        serve::run(args)
    })
}
