//! The programs beside this one: the engine, which has libtorch, and the stand-in for Kaggle.

mod pytorch;

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
        let name = match self {
            Self::Engine => "kaggle-kit-engine",
            Self::Standin => "kaggle-kit-standin",
        };
        let this = env::current_exe().context("failed to find where this program is")?;
        // On macOS it is the link that was called, and the others are beside what it points to.
        let this = this.canonicalize().unwrap_or(this);
        let path = this.with_file_name(format!("{name}{}", env::consts::EXE_SUFFIX));
        if !path.is_file() {
            bail!(
                "`{}` is not there: this command needs it\nhint: `make install` installs all three \
                 programs, `make build` makes them in a clone; keep them in one folder",
                path.display()
            );
        }
        Ok(path)
    }

    /// How to start it: a library that cannot be loaded would end it before its first word. Where it has
    /// no libtorch of its own it gets that of the Python environment. Only where the loader can be asked
    /// (glibc's); elsewhere it is taken to start as it is.
    pub fn check(self) -> Result<Start> {
        let path = self.find()?;
        let start = |libraries| Start { path: path.clone(), libraries };
        if !cfg!(all(target_os = "linux", target_env = "gnu")) {
            return Ok(start(None));
        }
        let told = loader_says(&path, &[]).unwrap_or_default();
        let Some(library) = missing_library(&told) else { return Ok(start(None)) };
        if has_no_memory(&told) {
            // What else starts it will say that.
            return Ok(start(None));
        }
        let tried = loader_says(&path, &[("LD_DEBUG", "libs")]).unwrap_or_default();
        let is_torch = library.starts_with("libtorch") || library.starts_with("libc10");
        match own_place(&tried) {
            // It was built without a place of its own: for a Python environment.
            None if is_torch => Ok(start(Some(pytorch::libraries(&path)?))),
            place => {
                let name = path.file_name().unwrap_or_default().display();
                let place = place
                    .map_or_else(|| "any usual place".to_owned(), |folder| format!("`{folder}`"));
                let what = if is_torch { "libtorch" } else { library };
                bail!(
                    "no {what} at {place}: `{name}` needs its `{library}`, which is not there or may \
                     not be read\nhint: run `make setup`, then `make build`; or name the folder that \
                     has it in `LD_LIBRARY_PATH`"
                )
            }
        }
    }

    /// Lets it do what was typed; it takes this process's place where the system can do that.
    pub fn take_over(self) -> Result<()> {
        Start { path: self.find()?, libraries: None }.take_over()
    }
}

/// A program that can be started.
#[derive(Clone, Debug)]
pub struct Start {
    path: PathBuf,
    /// Where its libraries are, if the loader would not find them by itself.
    libraries: Option<PathBuf>,
}

impl Start {
    /// Lets it do what was typed; it takes this process's place where the system can do that.
    pub fn take_over(self) -> Result<()> {
        let mut command = self.command()?;
        command.args(env::args_os().skip(1));
        run(&mut command).with_context(|| format!("failed to start `{}`", self.path.display()))
    }

    /// The program, without arguments.
    pub fn command(&self) -> Result<Command> {
        let mut command = Command::new(&self.path);
        if let Some(libraries) = &self.libraries {
            let named = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
            let named: Vec<PathBuf> = env::split_paths(&named).collect();
            let all = std::iter::once(libraries.clone()).chain(named);
            let all = all.filter(|folder| !folder.as_os_str().is_empty());
            let all = env::join_paths(all).context("a `:` in the path of PyTorch's libraries")?;
            command.env("LD_LIBRARY_PATH", all);
        }
        Ok(command)
    }
}

/// What glibc's loader says of a program instead of starting it, as `ldd` has it.
fn loader_says(program: &Path, variables: &[(&str, &str)]) -> Option<String> {
    let output = Command::new(program)
        .env("LD_TRACE_LOADED_OBJECTS", "1")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let all = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&all).into_owned())
}

/// The first library that the loader does not find (`lib.so => not found`) or cannot load (`..error
/// while loading shared libraries: lib.so: ..`).
fn missing_library(told: &str) -> Option<&str> {
    told.lines().find_map(|line| {
        let failed = line.split_once("error while loading shared libraries: ");
        let failed = failed.and_then(|(_, rest)| rest.split(':').next());
        failed.or_else(|| line.strip_suffix(" => not found")).map(str::trim)
    })
}

/// Whether the loader has found what it looked for, and no memory to put it into.
fn has_no_memory(told: &str) -> bool {
    ["failed to map", "cannot map", "Cannot allocate memory"]
        .iter()
        .any(|words| told.contains(words))
}

/// The folder where a program's libraries are looked for first: the last of the first path that it brings
/// itself, before which are subfolders for kinds of processors.
fn own_place(tried: &str) -> Option<&str> {
    tried.lines().find_map(|line| {
        let (_, path) = line.split_once("search path=")?;
        let (path, whose) = path.split_once('\t')?;
        ["(RPATH from", "(RUNPATH from"]
            .iter()
            .any(|own| whose.trim_start().starts_with(own))
            .then(|| path.rsplit(':').next())?
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What glibc 2.36 said with libtorch taken away.
    const TOLD: &str = "\tlinux-vdso.so.1 (0x00007ffd)\n\tlibtorch_cpu.so => not found\n\tlibc.so.6 => \
        /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n";
    const TRIED: &str = "    42:\tfind library=libstdc++.so.6 [0]; searching\n    42:\t search path=/usr/lib\
        \t\t(LD_LIBRARY_PATH)\n    42:\t search path=/h/lib/tls/x86_64:/h/lib\t\t(RPATH from file \
        e)\n    42:\t  trying file=/h/lib/libstdc++.so.6\n";

    #[test]
    fn what_the_loader_lacks_is_read_from_its_words() {
        assert_eq!(missing_library(TOLD), Some("libtorch_cpu.so"));
        assert_eq!(own_place(TRIED), Some("/h/lib"));
        let failed = "e: error while loading shared libraries: libc10.so: failed to map segment\n";
        assert_eq!(missing_library(failed), Some("libc10.so"));
        assert!(has_no_memory(failed) && !has_no_memory(TOLD));
        assert_eq!(missing_library("\tlibc.so.6 => /lib/libc.so.6 (0x0)\n"), None);
        assert_eq!(own_place(""), None);
    }
}
