//! The programs beside this one: the engine, which has libtorch, and the stand-in for Kaggle.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The access token that the stand-in takes; it opens nothing else.
pub const STANDIN_TOKEN: &str = "KGAT_standin";

/// A program in the same folder; it does what was typed when it is given the same command line.
#[derive(Clone, Copy, Debug)]
pub enum Sibling {
    Engine,
    Standin,
}

impl Sibling {
    /// Its path, if it is there.
    pub fn find(self) -> Result<PathBuf> {
        let (name, folder) = match self {
            Self::Engine => ("kaggle-kit-engine", "engine"),
            Self::Standin => ("kaggle-kit-standin", "standin"),
        };
        let this = env::current_exe().context("failed to find where this program is")?;
        // On macOS it is the link that was called, and the others are beside what it points to.
        let this = this.canonicalize().unwrap_or(this);
        let path = this.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX));
        if !path.is_file() {
            bail!(
                "`{}` is not there: this command needs it\nhint: `make build` makes all programs, \
                 `cargo install --path {folder}` this one; keep them in one folder",
                path.display()
            );
        }
        Ok(path)
    }

    /// Lets it do what was typed; it takes this process's place where the system can do that.
    pub fn take_over(self) -> Result<()> {
        let path = self.find()?;
        let mut command = Command::new(&path);
        command.args(env::args_os().skip(1));
        run(&mut command).with_context(|| format!("failed to start `{}`", path.display()))
    }
}

/// Signals, the terminal and the exit code are the other program's from here on.
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
