//! `kaggle-kit`, the program that people type: everything but libtorch, so that it starts at once and
//! stays small. What trains or predicts is done by `kaggle-kit-engine` (`engine/`) beside it.

use std::process::ExitCode;

use kaggle_kit::commands::{Computation, doctor};
use kaggle_kit::sibling::Sibling;
use kaggle_kit::{mishap, program};

fn main() -> ExitCode {
    let check = || {
        let start = Sibling::Engine.check()?;
        mishap::ensure_starts(start.command()?)?;
        Ok(start)
    };
    program::run(|computation, workspace| match (check(), computation) {
        (Ok(start), _) => start.take_over(),
        (Err(why), Computation::Doctor(args)) => doctor::run(args, workspace, Err(why)),
        (Err(why), _) => Err(why),
    })
}
