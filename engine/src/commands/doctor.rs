//! `kaggle-kit doctor`: what this machine has of the things that the other commands need.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Serialize;

use crate::torch::device;
use kaggle_kit::commands::doctor::Args;
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::fs;
use kaggle_kit::kaggle::{Environment, credentials};
use kaggle_kit::run::Workspace;
use kaggle_kit::term;
use kaggle_kit::weights::cached_path;
use kaggle_kit::zoo;

/// The version that tch is made for.
const LIBTORCH: &str = "2.13.0";
/// Less free space than this is a problem: a competition's archive and its pictures need more.
const ENOUGH_SPACE: u64 = 5_000_000_000;

/// Everything found, as `--json` prints it.
#[derive(Serialize)]
struct Findings {
    version: &'static str,
    libtorch: Libtorch,
    device: Device,
    credentials: Vec<String>,
    weights: Vec<Weights>,
    disk: Vec<Disk>,
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Libtorch {
    folder: PathBuf,
    version: &'static str,
    kind: &'static str,
}

#[derive(Serialize)]
struct Device {
    chosen: String,
    /// Of an operation of libtorch on the CPU.
    threads: i32,
    /// Of the loader, beside them: decoding waits for memory and the network for the decoder, so
    /// that two kinds of threads a core were faster than sharing the cores out.
    loader_threads: usize,
    cuda_built: bool,
    cuda_devices: i64,
    mps: bool,
    /// Why no NVIDIA GPU is used; nothing when one is.
    no_gpu: Option<String>,
}

#[derive(Serialize)]
struct Weights {
    name: &'static str,
    path: PathBuf,
    /// Nothing when they are not there.
    bytes: Option<u64>,
}

#[derive(Serialize)]
struct Disk {
    what: &'static str,
    folder: PathBuf,
    free: Option<u64>,
}

#[derive(Serialize)]
struct Problem {
    message: String,
    hint: String,
    /// Whether nothing works until it is solved.
    fatal: bool,
}

/// Prints a table of what was found, then each problem with a hint, or all of it as JSON.
///
/// It fails if training on the default settings cannot work.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let findings = look(workspace.root(), &fs::cache_folder(), &Environment::of_process())?;
    if args.json {
        term::out(serde_json::to_string_pretty(&findings)?);
    } else {
        term::out(table(&findings));
        for problem in &findings.problems {
            term::warn(&problem.message);
            term::say(format_args!("hint: {}", problem.hint));
        }
    }
    let n_fatal = findings.problems.iter().filter(|problem| problem.fatal).count();
    if n_fatal > 0 {
        bail!("{} to solve before training works", term::count(n_fatal, "problem"));
    }
    Ok(())
}

fn look(root: &Path, cache: &Path, environment: &Environment) -> Result<Findings> {
    let mut problems = Vec::new();
    Ok(Findings {
        version: env!("CARGO_PKG_VERSION"),
        libtorch: libtorch(&mut problems),
        device: device(&mut problems)?,
        credentials: credentials(environment, &mut problems),
        weights: weights(cache, &mut problems),
        disk: vec![
            disk("working folder", root, &mut problems),
            disk("cache", cache, &mut problems),
        ],
        problems,
    })
}

fn libtorch(problems: &mut Vec<Problem>) -> Libtorch {
    let version = env!("KAGGLE_KIT_LIBTORCH_VERSION");
    if version.split('+').next() != Some(LIBTORCH) {
        problems.push(Problem {
            message: format!("built with libtorch {version}, made for {LIBTORCH}"),
            hint: "run `make setup`, then `make build`".to_owned(),
            fatal: false,
        });
    }
    let linked = Path::new(env!("KAGGLE_KIT_LIBTORCH"));
    let folder = loaded_libtorch().unwrap_or_else(|| linked.to_owned());
    Libtorch { folder, version, kind: env!("KAGGLE_KIT_LIBTORCH_KIND") }
}

/// The folder that the running program has libtorch from, where the system tells.
fn loaded_libtorch() -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let library = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"))?;
    Some(Path::new(&library[library.find('/')?..]).parent()?.to_owned())
}

fn device(problems: &mut Vec<Problem>) -> Result<Device> {
    let report = device::report();
    let (no_gpu, hint) = why_no_gpu(&report, has_nvidia());
    if let (Some(message), Some(hint)) = (&no_gpu, hint) {
        let message = format!("no GPU is used: {message}");
        problems.push(Problem { message, hint: hint.to_owned(), fatal: false });
    }
    Ok(Device {
        chosen: device::describe(device::resolve(DeviceChoice::Auto)?),
        threads: report.threads,
        loader_threads: rayon::current_num_threads(),
        cuda_built: report.cuda_built,
        cuda_devices: report.cuda_devices,
        mps: report.mps,
        no_gpu,
    })
}

/// Whether the kernel knows an NVIDIA GPU.
fn has_nvidia() -> bool {
    ["/proc/driver/nvidia/version", "/dev/nvidia0", "/dev/dxg"]
        .iter()
        .any(|p| Path::new(p).exists())
}

/// The reason, and advice where there is something to gain.
fn why_no_gpu(report: &device::Report, has_nvidia: bool) -> (Option<String>, Option<&'static str>) {
    if report.cuda_devices > 0 || report.mps {
        return (None, None);
    }
    // Asked at build time as well: without its driver, a libtorch with CUDA says that it has none.
    let built = report.cuda_built || env!("KAGGLE_KIT_LIBTORCH_KIND") == "cuda";
    let (reason, hint) = match (built, has_nvidia) {
        (false, true) => (
            "this libtorch is built without CUDA",
            Some("run `make setup DEVICE=cuda`, then `make build`"),
        ),
        (false, false) => ("none is seen, and this libtorch is built without CUDA", None),
        (true, true) => (
            "libtorch has CUDA but cannot use the GPU that is there",
            Some("it needs a driver for CUDA 13 (580 or newer): see what `nvidia-smi` says"),
        ),
        (true, false) => (
            "libtorch has CUDA, but the system shows no NVIDIA GPU",
            Some("if there is one, its driver is not loaded: see what `nvidia-smi` says"),
        ),
    };
    (Some(reason.to_owned()), hint)
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
    for architecture in zoo::architectures() {
        let path = cached_path(architecture, cache);
        let bytes = fs::metadata(&path).ok().map(|metadata| metadata.len());
        // The first one is the default; the others are downloaded when a recipe names them.
        if bytes.is_none() && all.is_empty() {
            let message = format!("no weights of `{}` at `{}`", architecture.name, path.display());
            problems.push(Problem { message, hint: "run `make setup`".to_owned(), fatal: true });
        }
        all.push(Weights { name: architecture.name, path, bytes });
    }
    all
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

fn table(findings: &Findings) -> String {
    let Findings { libtorch, device, weights, disk, .. } = findings;
    let folder = libtorch.folder.display();
    let mut rows = vec![
        row("kaggle-kit", findings.version),
        row("libtorch", format!("{} ({}), {folder}", libtorch.version, libtorch.kind)),
        row("device", format!("{} (what `--device auto` takes)", device.chosen)),
        row(
            "threads",
            format!(
                "{} for the network (`OMP_NUM_THREADS`), {} for images (`RAYON_NUM_THREADS`)",
                device.threads, device.loader_threads
            ),
        ),
    ];
    rows.extend(device.no_gpu.as_ref().map(|reason| row("GPU", format!("not used: {reason}"))));
    let (first, others) = findings.credentials.split_first().unzip();
    rows.push(row("credentials", first.map_or("none", String::as_str)));
    rows.extend(others.into_iter().flatten().map(|other| row("", format!("then {other}"))));
    for (i, found) in weights.iter().enumerate() {
        let state = found.bytes.map_or("not in the cache".to_owned(), term::bytes);
        let first = if i == 0 { "weights" } else { "" };
        rows.push(row(first, format!("{}: {state}", found.name)));
    }
    for (i, Disk { what, folder, free }) in disk.iter().enumerate() {
        let free = free.map_or("unknown".to_owned(), term::bytes);
        let first = if i == 0 { "free space" } else { "" };
        rows.push(row(first, format!("{free} for the {what} `{}`", folder.display())));
    }
    term::table(&["", "found"], &rows)
}

fn row(what: &str, found: impl Into<String>) -> Vec<String> {
    vec![what.to_owned(), found.into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_home_lacks_weights_and_credentials() {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment::from([("HOME", home.path().to_str().unwrap())]);
        let root = home.path().join("not/yet/made");
        let findings = look(&root, &home.path().join("cache"), &environment).unwrap();
        let fatal: Vec<_> = findings.problems.iter().filter(|p| p.fatal).collect();
        assert_eq!(fatal.len(), 1);
        assert!(fatal[0].message.starts_with("no weights of"), "{}", fatal[0].message);
        assert!(findings.credentials.is_empty());
        assert!(findings.disk.iter().all(|disk| disk.free.is_some_and(|free| free > 0)));
        assert!(table(&findings).contains("not in the cache"));
        assert!(findings.libtorch.folder.join("libtorch_cpu.so").exists());
    }

    #[test]
    fn weights_and_credentials_that_are_there_are_told() {
        let home = tempfile::tempdir().unwrap();
        let name = zoo::DEFAULT.name;
        let path = home.path().join(format!("weights/{name}.safetensors"));
        fs::write_atomic(path, [0; 1500]).unwrap();
        let environment = Environment::from([("KAGGLE_USERNAME", "me"), ("KAGGLE_KEY", "secret")]);
        let findings = look(home.path(), home.path(), &environment).unwrap();
        assert_eq!(findings.problems.iter().filter(|p| p.fatal).count(), 0);
        let table = table(&findings);
        assert!(table.contains(&format!("{name}: 1.5 kB")), "{table}");
        assert!(table.contains("KAGGLE_USERNAME") && !table.contains("secret"), "{table}");
    }

    #[test]
    fn a_gpu_that_lies_idle_is_explained() {
        let report = device::Report { cuda_built: false, cuda_devices: 0, mps: false, threads: 2 };
        let advice = |report, has_nvidia| why_no_gpu(&report, has_nvidia).1;
        let without_cuda = env!("KAGGLE_KIT_LIBTORCH_KIND") == "cpu";
        if without_cuda {
            assert_eq!(advice(report, false), None);
            assert!(advice(report, true).unwrap().contains("DEVICE=cuda"));
        }
        let with_cuda = device::Report { cuda_built: true, ..report };
        assert!(advice(with_cuda, true).unwrap().contains("driver"));
        assert_eq!(
            why_no_gpu(&device::Report { cuda_devices: 1, ..with_cuda }, true),
            (None, None)
        );
    }
}
