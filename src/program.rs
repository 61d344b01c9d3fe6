//! What both binaries do: parse, dispatch, tell the error, exit.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::cli::Cli;
use crate::commands::{self, Computation};
use crate::run::Workspace;
use crate::term;

/// Does what was typed; `compute` does what needs libtorch.
pub fn run(compute: impl FnOnce(Computation, &Workspace) -> Result<()>) -> ExitCode {
    let cli = Cli::parse();
    let verbosity = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => term::Verbosity::Quiet,
        (_, true) => term::Verbosity::Verbose,
        _ => term::Verbosity::Normal,
    };
    term::configure(verbosity, !cli.global.no_progress);
    match commands::dispatch(cli, compute) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            term::error(&error);
            ExitCode::from(commands::exit::code(&error))
        }
    }
}
