//! Starting the engine: the binary beside this one that has libtorch.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Its name; the same command line makes it do what was typed.
const NAME: &str = "kaggle-kit-engine";

/// Lets the engine do what was typed; it takes this process's place where the system can do that.
pub fn start() -> Result<()> {
    let this = env::current_exe().context("failed to find where this program is")?;
    // On macOS it is the link that was called, and the engine is beside what it points to.
    let engine = beside(&this.canonicalize().unwrap_or(this));
    if !engine.is_file() {
        bail!(
            "`{}` is not there: this command needs it\nhint: `make build` and `cargo install \
             --path .` make both programs; keep them in one folder",
            engine.display()
        );
    }
    let mut command = Command::new(&engine);
    command.args(env::args_os().skip(1));
    run(&mut command).with_context(|| format!("failed to start `{}`", engine.display()))
}

fn beside(program: &Path) -> PathBuf {
    program.with_file_name(format!("{NAME}{}", env::consts::EXE_SUFFIX))
}

/// Signals, the terminal and the exit code are the engine's from here on.
#[cfg(unix)]
fn run(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt;
    Err(command.exec().into())
}

#[cfg(not(unix))]
fn run(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1))
}
