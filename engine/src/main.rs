//! `kaggle-kit-engine`: the same program with libtorch in it, started by `kaggle-kit`.

use std::process::ExitCode;

use kaggle_kit::program;
use kaggle_kit_engine::{commands, torch};

fn main() -> ExitCode {
    torch::allocator::keep_memory();
    program::run(commands::run)
}
