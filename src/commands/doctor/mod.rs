//! `kaggle-kit doctor`: what this machine has of the things that the other commands need.
//!
//! What libtorch alone knows comes from the engine; where that cannot be started, `kaggle-kit` says so
//! beside all else that it finds.

mod table;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::{Serialize, Serializer};

use crate::cache::Store;
use crate::device::DeviceChoice;
use crate::fs;
use crate::kaggle::{Environment, credentials};
use crate::run::Workspace;
use crate::term;
use crate::weights::imported;
use crate::weights::{cached, place};
use crate::zoo::imported::PREFIX;
use crate::zoo::{self, Architecture};

#[derive(clap::Args, Debug)]
pub struct Args {
    /// List the backbones whose weights are not in the cache as well
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Less free space than this is a problem: a competition's archive and its pictures need more.
const ENOUGH_SPACE: u64 = 5_000_000_000;

/// Everything found, as `--json` prints it.
#[derive(Serialize)]
pub struct Findings {
    version: &'static str,
    /// Nothing where it cannot be loaded.
    pub libtorch: Option<Libtorch>,
    pub device: Option<Device>,
    pub credentials: Vec<String>,
    weights: Vec<Weights>,
    /// Bytes that runs may keep for one another in the cache.
    limit: Option<u64>,
    disk: Vec<Disk>,
    pub problems: Vec<Problem>,
}

/// What the engine knows of itself.
pub struct Engine {
    pub libtorch: Libtorch,
    pub device: Device,
    pub problems: Vec<Problem>,
}

#[derive(Serialize)]
pub struct Libtorch {
    #[serde(serialize_with = "path")]
    pub folder: PathBuf,
    pub version: &'static str,
    pub kind: &'static str,
}

#[derive(Serialize)]
pub struct Device {
    pub chosen: String,
    /// Of an operation of libtorch on the CPU.
    pub threads: i32,
    /// Of the loader, beside them: decoding waits for memory and the network for the decoder, so
    /// that two kinds of threads a core were faster than sharing the cores out.
    pub loader_threads: usize,
    pub cuda_built: bool,
    pub cuda_devices: i64,
    /// Each of these in words: name, memory, capability, driver.
    pub gpus: Vec<String>,
    pub mps: bool,
    /// What ranks can talk over: `gloo`, `nccl`.
    pub ranks: Vec<&'static str>,
    /// Why no NVIDIA GPU is used; nothing when one is.
    pub no_gpu: Option<String>,
}

#[derive(Serialize)]
struct Weights {
    name: &'static str,
    #[serde(serialize_with = "path")]
    path: PathBuf,
    /// Nothing when they are not there, or of no use.
    bytes: Option<u64>,
    /// What is the matter with them.
    trouble: Option<String>,
}

#[derive(Serialize)]
struct Disk {
    what: &'static str,
    #[serde(serialize_with = "path")]
    folder: PathBuf,
    free: Option<u64>,
}

#[derive(Serialize)]
pub struct Problem {
    pub message: String,
    pub hint: String,
    /// Whether nothing works until it is solved.
    pub fatal: bool,
}

fn path<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&term::path_in_json(path))
}

/// Prints a table of what was found, then each problem with a hint, or all of it as JSON.
///
/// It fails if training on the default settings cannot work.
pub fn run(args: &Args, workspace: &Workspace, engine: Result<Engine>) -> Result<()> {
    let environment = Environment::of_process();
    let findings = look(workspace.root(), &fs::cache_folder(), &environment, engine);
    if args.json {
        term::json(&findings)?;
    } else {
        term::out(table::of(&findings, args.all));
        for problem in &findings.problems {
            term::warn(&problem.message);
            if !problem.hint.is_empty() {
                term::say(format_args!("hint: {}", problem.hint));
            }
        }
    }
    let n_fatal = findings.problems.iter().filter(|problem| problem.fatal).count();
    if n_fatal > 0 {
        bail!("{} to solve before training works", term::count(n_fatal, "problem"));
    }
    Ok(())
}

/// Looks at the rest of this machine.
pub fn look(
    root: &Path,
    cache: &Path,
    environment: &Environment,
    engine: Result<Engine>,
) -> Findings {
    let (libtorch, device, mut problems) = match engine {
        Ok(Engine { libtorch, device, problems }) => (Some(libtorch), Some(device), problems),
        Err(error) => {
            let (message, hints) = term::describe(&error);
            let problem = Problem { message, hint: hints.join("; "), fatal: true };
            (None, None, vec![problem])
        }
    };
    variables(environment, &mut problems);
    Findings {
        version: env!("CARGO_PKG_VERSION"),
        libtorch,
        device,
        credentials: credentials(environment, &mut problems),
        weights: weights(cache, &mut problems),
        limit: limit(cache, environment, &mut problems),
        disk: vec![
            disk("working folder", root, &mut problems),
            disk("cache", cache, &mut problems),
        ],
        problems,
    }
}

/// Where the credentials are, in the order in which they are tried. Only `fetch` and what asks
/// Kaggle need them.
fn credentials(environment: &Environment, problems: &mut Vec<Problem>) -> Vec<String> {
    match credentials::find_all(environment) {
        Ok(all) => {
            for warning in all.iter().flat_map(|found| &found.warnings) {
                let hint = "Kaggle is asked with the first that works".to_owned();
                problems.push(Problem { message: warning.clone(), hint, fatal: false });
            }
            all.into_iter().map(|found| found.source).collect()
        }
        Err(error) => {
            let (message, hints) = term::describe(&error.into());
            problems.push(Problem { message, hint: hints.join("; "), fatal: false });
            Vec::new()
        }
    }
}

fn weights(cache: &Path, problems: &mut Vec<Problem>) -> Vec<Weights> {
    let mut all = Vec::new();
    for architecture in zoo::architectures().chain(imported_in(cache, problems)) {
        let path = place(architecture, cache);
        // The first one is the default; the others are downloaded when a recipe names them.
        let fatal = all.is_empty();
        let (bytes, trouble) = match cached::check(architecture, cache) {
            Ok(Some(found)) => (Some(found.bytes()), None),
            Ok(None) => {
                if fatal {
                    let message =
                        format!("no weights of `{}` at `{}`", architecture.name, path.display());
                    problems.push(Problem { message, hint: "run `make setup`".to_owned(), fatal });
                }
                (None, None)
            }
            Err(error) => {
                let (message, hints) = term::describe(&error);
                problems.push(Problem { message: message.clone(), hint: hints.join("; "), fatal });
                (None, Some(message))
            }
        };
        all.push(Weights { name: architecture.name, path, bytes, trouble });
    }
    all
}

/// Those that `models import` has brought, each with its graph as it came.
fn imported_in(cache: &Path, problems: &mut Vec<Problem>) -> Vec<&'static Architecture> {
    let mut found = Vec::new();
    for name in imported::names(cache) {
        let name = name.trim_start_matches(PREFIX);
        let looked = imported::look_in(name, cache);
        let checked = looked.and_then(|one| {
            one.and_then(Architecture::imported).map(imported::graph).transpose()?;
            Ok(one)
        });
        match checked {
            Ok(one) => found.extend(one),
            Err(error) => {
                let (message, hints) = term::describe(&error);
                problems.push(Problem { message, hint: hints.join("; "), fatal: false });
            }
        }
    }
    found
}

/// How much runs may keep for one another.
fn limit(cache: &Path, environment: &Environment, problems: &mut Vec<Problem>) -> Option<u64> {
    let typed = environment.get("KAGGLE_KIT_CACHE_GB");
    match Store::with_limit(cache.join("kept"), typed).and_then(|store| store.limit()) {
        Ok(limit) => Some(limit),
        Err(error) => {
            let (message, hints) = term::describe(&error);
            problems.push(Problem { message, hint: hints.join("; "), fatal: true });
            None
        }
    }
}

/// Variables that other commands would stop at, or that are passed over by those who read them.
fn variables(environment: &Environment, problems: &mut Vec<Problem>) {
    if let Some(typed) = environment.get("KAGGLE_KIT_DEVICE")
        && let Err(hint) = typed.parse::<DeviceChoice>()
    {
        let message = format!("`KAGGLE_KIT_DEVICE` is `{typed}`, which is no device");
        problems.push(Problem { message, hint, fatal: true });
    }
    for name in ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"] {
        // OpenMP takes a list, one number a level.
        let is_number = |part: &str| part.trim().parse::<u32>().is_ok();
        if let Some(typed) = environment.get(name)
            && !typed.split(',').all(is_number)
        {
            let message = format!("`{name}` is `{typed}`, no number of threads: it is passed over");
            let hint = format!("such as `{name}=4`");
            problems.push(Problem { message, hint, fatal: false });
        }
    }
}

fn disk(what: &'static str, folder: &Path, problems: &mut Vec<Problem>) -> Disk {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let free = fs::free_space(&folder);
    if let Some(free) = free.filter(|&free| free < ENOUGH_SPACE) {
        let place = folder.display();
        problems.push(Problem {
            message: format!("only {} free for the {what} `{place}`", term::bytes(free)),
            hint: "free some, or use another disk: `--root` for the work, `KAGGLE_KIT_CACHE` for \
                   the cache"
                .to_owned(),
            fatal: false,
        });
    }
    Disk { what, folder, free }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::made::safetensors;

    fn no_engine() -> Result<Engine> {
        Err(anyhow::anyhow!("no libtorch at `/gone`\nhint: run `make setup`"))
    }

    #[test]
    fn without_libtorch_all_else_is_found_all_the_same() {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment::from([("HOME", home.path().to_str().unwrap())]);
        let root = home.path().join("not/yet/made");
        let findings = look(&root, &home.path().join("cache"), &environment, no_engine());
        let fatal: Vec<_> = findings.problems.iter().filter(|p| p.fatal).collect();
        assert_eq!(fatal.len(), 2);
        assert_eq!(
            (fatal[0].message.as_str(), fatal[0].hint.as_str()),
            ("no libtorch at `/gone`", "run `make setup`")
        );
        assert!(fatal[1].message.starts_with("no weights of"), "{}", fatal[1].message);
        assert!(findings.credentials.is_empty());
        assert!(findings.disk.iter().all(|disk| disk.free.is_some_and(|free| free > 0)));
        let table = table::of(&findings, true);
        assert!(
            table.contains("not in the cache") && table.contains("cannot be loaded"),
            "{table}"
        );
    }

    #[test]
    fn weights_and_credentials_that_are_there_are_told() {
        let home = tempfile::tempdir().unwrap();
        let name = zoo::DEFAULT.name;
        let path = home.path().join(format!("weights/{name}.safetensors"));
        fs::write_atomic(&path, safetensors()).unwrap();
        let environment = Environment::from([("KAGGLE_USERNAME", "me"), ("KAGGLE_KEY", "secret")]);
        let findings = look(home.path(), home.path(), &environment, no_engine());
        assert_eq!(findings.problems.iter().filter(|p| p.fatal).count(), 1);
        let table = table::of(&findings, true);
        assert!(table.contains(&format!("{name}: {} B", safetensors().len())), "{table}");
        assert!(table.contains("KAGGLE_USERNAME") && !table.contains("secret"), "{table}");
        assert!(table.contains(" for what runs keep"), "{table}");

        fs::write_atomic(&path, [0; 1000]).unwrap();
        let findings = look(home.path(), home.path(), &environment, no_engine());
        let problem = findings.problems.iter().rfind(|problem| problem.fatal).unwrap();
        assert!(problem.message.contains("it is nothing but zeros"), "{}", problem.message);
        assert!(problem.hint.starts_with("run `make setup`"), "{}", problem.hint);
        let table = table::of(&findings, true);
        assert!(table.contains(&format!("{name}: unusable")), "{table}");
    }

    #[test]
    fn variables_that_say_nothing_are_told() {
        let home = tempfile::tempdir().unwrap();
        let told = |name: &str, value: &str| {
            let environment = Environment::from([(name, value)]);
            let found = look(home.path(), home.path(), &environment, no_engine()).problems;
            let concerns = |problem: &&Problem| problem.message.contains(&format!("`{name}`"));
            found.iter().find(concerns).map(|problem| (problem.hint.clone(), problem.fatal))
        };
        for value in ["abc", "-1", "nan"] {
            let hint = "such as `KAGGLE_KIT_CACHE_GB=40`".to_owned();
            assert_eq!(told("KAGGLE_KIT_CACHE_GB", value), Some((hint, true)), "{value}");
        }
        assert_eq!(told("KAGGLE_KIT_CACHE_GB", "2.5"), None);
        assert!(told("KAGGLE_KIT_DEVICE", "gpu").is_some_and(|(_, fatal)| fatal));
        assert_eq!(told("KAGGLE_KIT_DEVICE", "cuda:1"), None);
        assert!(told("RAYON_NUM_THREADS", "many").is_some_and(|(_, fatal)| !fatal));
        assert_eq!(told("OMP_NUM_THREADS", "4,2"), None);
    }
}
