//! Parse, dispatch, tell the error, exit.

use std::process::ExitCode;

use clap::Parser;
use kaggle_kit::cli::Cli;
use kaggle_kit::{commands, term, torch};

fn main() -> ExitCode {
    torch::allocator::keep_memory();
    let cli = Cli::parse();
    let verbosity = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => term::Verbosity::Quiet,
        (_, true) => term::Verbosity::Verbose,
        _ => term::Verbosity::Normal,
    };
    term::configure(verbosity, !cli.global.no_progress);
    match commands::dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            term::error(&error);
            ExitCode::from(commands::exit::code(&error))
        }
    }
}
