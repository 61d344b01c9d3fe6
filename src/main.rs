//! `kaggle-kit`, the program that people type: everything but libtorch, so that it starts at once and
//! stays small. What trains or predicts is done by `kaggle-kit-engine` (`engine/`) beside it.

use std::process::ExitCode;

use kaggle_kit::program;
use kaggle_kit::sibling::Sibling;

fn main() -> ExitCode {
    program::run(|_, _| Sibling::Engine.take_over())
}
