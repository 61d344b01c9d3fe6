//! `kaggle-kit models import`: any network of timm's, traced once by the user's Python (`import.py`), so that
//! the engine trains it without Python. The engine compares what it computes with what Python does, and only
//! then the network is kept.

use std::collections::BTreeMap;
use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::fs;
use crate::hash::hash_file;
use crate::term;
use crate::typed;
use crate::weights::cached;
use crate::weights::imported::{self, DESCRIPTION, GRAPH, Parity, WEIGHTS};
use crate::zoo::Architecture;
use crate::zoo::imported::{Description, PREFIX, is_name};

const SCRIPT: &str = include_str!("import.py");
/// What Python says of a few pictures.
const CHECK: &str = "check.safetensors";
/// The libtorch of the engine: a graph of another one may not be readable.
const TORCH: &str = "2.13";
/// So far may a feature be from Python's, in parts of the largest one where that is above 1.
pub const TOLERANCE: f64 = 1e-4;
/// The same of each variable's gradient, by its length.
const GRADIENTS: f64 = 1e-3;
/// So much of what Python says of an error is told.
const SHOWN: usize = 400;

#[derive(clap::Args, Debug)]
pub struct Args {
    /// timm's name of the network, such as `swin_tiny_patch4_window7_224` or `convnext_tiny.in12k`
    pub name: String,
    /// Weights in timm's names, safetensors or what `torch.save` wrote; without it timm fetches its own
    #[arg(long, value_name = "FILE", conflicts_with = "random")]
    pub checkpoint: Option<PathBuf>,
    /// Without trained weights: to see whether it works, or for `--weights` of each training
    #[arg(long)]
    pub random: bool,
    /// Side of the pictures that it is for, in pixels; its own by default
    #[arg(long, value_name = "PIXELS", value_parser = super::pixels())]
    pub size: Option<usize>,
    /// The Python that has timm, and PyTorch of the engine's version
    #[arg(long, value_name = "PROGRAM", default_value = if cfg!(windows) { "python" } else { "python3" })]
    pub python: PathBuf,
}

/// What Python has made, before it is kept.
#[derive(Debug)]
pub struct Made {
    making: TempDir,
    pub architecture: &'static Architecture,
    described: Description,
    /// The parameters, in the order of their gradients' lengths.
    pub parameters: Vec<String>,
}

/// What Python tells of a network; see [`Description`].
#[derive(Deserialize)]
struct Told {
    tag: String,
    timm: String,
    torch: String,
    licence: String,
    origin: String,
    weights: String,
    size: usize,
    size_step: usize,
    channels_last: bool,
    crop: f64,
    interpolation: String,
    mean: [f32; 3],
    std: [f32; 3],
    width: i64,
    parameters: u64,
    gmacs: f64,
    early_layers: usize,
    classifier: Vec<String>,
    no_decay: Vec<String>,
    statistics: Vec<String>,
    layers: BTreeMap<String, usize>,
    gradients: Vec<String>,
    /// Why it cannot leave the CPU, if it cannot.
    stays: Option<String>,
}

/// Why there is no network, and what to do about it.
#[derive(Deserialize)]
struct Refused {
    error: String,
    hint: String,
}

impl Made {
    pub fn weights(&self) -> PathBuf {
        self.making.path().join(WEIGHTS)
    }

    pub fn check(&self) -> PathBuf {
        self.making.path().join(CHECK)
    }
}

/// Has Python trace the network, in a folder of the cache that is gone with what is given.
pub fn make(args: &Args, cache: &Path) -> Result<Made> {
    ensure!(
        is_name(&args.name),
        "`{}` is no name of timm's\nhint: such as `kaggle-kit models import resnet50d`",
        term::short(&args.name, SHOWN)
    );
    if let Some(file) = &args.checkpoint {
        drop(fs::open(file)?);
    }
    let folder = cache.join("imported");
    fs::create_dir_all(&folder)?;
    let making = tempfile::Builder::new().prefix(".partial-").tempdir_in(&folder)?;
    term::say(format_args!(
        "{PREFIX}{}: `{}` builds and traces it",
        args.name,
        args.python.display()
    ));
    let graph = making.path().join(GRAPH);
    let (described, parameters) = described(&args.name, &ask(args, making.path())?, &graph)?;
    let architecture = described.clone().architecture(graph);
    Ok(Made { making, architecture, described, parameters })
}

/// What Python `told` of a network whose graph it has written: its description, and its parameters in the
/// order of their gradients' lengths.
pub fn described(name: &str, told: &str, graph: &Path) -> Result<(Description, Vec<String>)> {
    let told: Told = serde_json::from_str(told).context("Python told something else")?;
    if let Some(why) = &told.stays {
        let why = term::short(why, SHOWN);
        term::warn(format_args!("`{name}` may work on a CPU alone: {why}"));
    }
    let described = Description {
        version: Description::current_version(),
        name: name.to_owned(),
        tag: told.tag,
        weights: told.weights,
        licence: told.licence,
        origin: told.origin,
        timm: told.timm,
        torch: told.torch,
        sha256: hash_file(graph)?.to_string(),
        size: told.size,
        size_step: told.size_step,
        channels_last: told.channels_last,
        crop: told.crop,
        interpolation: told.interpolation,
        mean: told.mean,
        std: told.std,
        width: told.width,
        parameters: told.parameters,
        gmacs: told.gmacs,
        early_layers: told.early_layers,
        classifier: told.classifier,
        no_decay: told.no_decay,
        statistics: told.statistics,
        layers: told.layers,
    };
    // As it will be read.
    let described = Description::parse(&described.to_text()?, "what Python told")?;
    Ok((described, told.gradients))
}

/// Keeps what was made, once the engine has computed the same.
pub fn keep(made: Made, parity: Parity, cache: &Path) -> Result<()> {
    let Made { making, described, .. } = made;
    let (name, Parity { features, gradients }) = (&described.name, parity);
    ensure!(
        features <= TOLERANCE && gradients <= GRADIENTS,
        "the engine does not compute what Python does with `{name}`: features are off by {features:.1e}, \
         gradients by {gradients:.1e}\nhint: please report it with the versions of timm and PyTorch: timm {}, \
         PyTorch {}; nothing is kept",
        described.timm,
        described.torch
    );
    let place = imported::folder(name, cache);
    fs::remove_file(making.path().join(CHECK))?;
    let weights = making.path().join(WEIGHTS);
    cached::record(&weights, hash_file(&weights)?)?;
    let files = [making.path().join(GRAPH), weights];
    fs::write_record(making.path().join(DESCRIPTION), described.to_text()?, &files)?;
    let before = imported::look_in(name, cache).ok().flatten().and_then(Architecture::imported);
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    // From here on nobody removes it.
    fs::rename_flushed(&making.keep(), &place)?;
    if before.is_some_and(|before| before.described.sha256 != described.sha256) {
        term::warn(format_args!(
            "another graph was imported as `{PREFIX}{name}` before: runs that were trained with that one ask \
             for `--trust`, and unfinished ones for `--anew`"
        ));
    }
    let sides = match described.size_step {
        0 => String::new(),
        1 => ", or of any size".to_owned(),
        step => format!(", or of multiples of {step}"),
    };
    term::say(format_args!(
        "   {:.1} M weights ({}, licence {}), {} numbers a picture of {} pixels{sides}",
        described.parameters as f64 / 1e6,
        described.weights,
        described.licence,
        described.width,
        described.size
    ));
    term::say(format_args!(
        "   the engine computes what timm {} does: features are off by at most {features:.1e}, gradients by \
         {gradients:.1e}",
        described.timm
    ));
    term::done(format_args!("{PREFIX}{name}: `{}`", place.display()));
    let train = format!("train COMPETITION --backbone {PREFIX}{name}");
    term::say(format_args!("next: `{}`", typed::command(train.split(' '))));
    Ok(())
}

/// Runs the script; gives what it told.
fn ask(args: &Args, folder: &Path) -> Result<String> {
    let python = args.python.display();
    let mut command = Command::new(&args.python);
    command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    // Python has a libtorch of its own.
    if let Some(folders) = env::var_os("LD_LIBRARY_PATH") {
        let others =
            env::split_paths(&folders).filter(|path| !path.join("libtorch_cpu.so").exists());
        command.env("LD_LIBRARY_PATH", env::join_paths(others)?);
    }
    let hint = "name one that has timm and PyTorch with `--python PROGRAM`";
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{python}` does not start\nhint: {hint}"))?;
    let wanted = json!({
        "name": args.name,
        "folder": folder,
        "python": args.python,
        "torch": TORCH,
        "checkpoint": args.checkpoint,
        "random": args.random,
        "size": args.size,
    });
    if let Some(mut stdin) = child.stdin.take() {
        // One that has ended already says why itself.
        let _ = stdin.write_all(wanted.to_string().as_bytes());
    }
    let output = child.wait_with_output().context("failed to wait for Python")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().next_back().unwrap_or_default();
    if let Ok(Refused { error, hint }) = serde_json::from_str(last) {
        bail!("{}\nhint: {}", term::short(&error, 2 * SHOWN), term::short(&hint, SHOWN));
    }
    if output.status.success() && last.starts_with('{') {
        return Ok(last.to_owned());
    }
    let trouble = String::from_utf8_lossy(&output.stderr);
    let trouble = trouble.trim().lines().next_back().unwrap_or("it said nothing");
    bail!(
        "`{python}` failed with `{}` ({}): {}\nhint: {hint}",
        args.name,
        output.status,
        term::short(trouble, SHOWN)
    )
}

#[cfg(all(test, unix))]
mod tests;
