//! `kaggle-kit sweep`: recipes over a grid, or drawn from one, by successive halving over folds (Jamieson and
//! Talwalkar 2016, <https://arxiv.org/abs/1502.07943>).
//!
//! Every trial trains its first fold; the better half of them the next one, and so on, until one is left or all
//! folds are trained. Each fold is a run like any other: `runs` lists it, `submit` predicts with it, and a
//! sweep that was stopped trains none of them twice. A trial that cannot be trained is left out, unless it is
//! the first: then most likely none can.

mod grid;
mod told;

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Error, Result, anyhow, ensure};
use serde_json::Value;

use self::grid::{Trial, trials};
use super::stage;
use crate::competition::{self, Competition};
use crate::device::DeviceChoice;
use crate::exit;
use crate::recipe::{self, Layer};
use crate::run::Workspace;
use crate::term;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit sweep planet --try head.width=0,256,512 --try loss.smoothing=0,0.1 --set unfreeze.run=false
  kaggle-kit sweep dog-breed --try 'random-area=[],[0.35,1.0]' --try whole-network.max-cycles=2,3 --folds 5
  kaggle-kit sweep planet --try size=96,128,160 --try batch-size=16,32,64 --draw 5 --gpus 2
Heads over a frozen backbone take seconds each: their activations are computed once.
Run again, it goes on where it stood.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Short name, Kaggle's slug or address, or a spec file (.toml)
    pub competition: String,
    /// A setting of the recipe and the values to try (repeatable): every combination is a trial
    #[arg(long = "try", value_name = "KEY=VALUE,VALUE..", required = true)]
    pub tried: Vec<String>,
    /// Draw so many of the combinations at random, by the recipe's seed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub draw: Option<u32>,
    /// One setting that all trials have (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// How many folds there are
    #[arg(long, value_name = "K", default_value_t = 3, value_parser = clap::value_parser!(u16).range(2..=100))]
    pub folds: u16,
    /// Train so many folds at a time, each on a GPU of its own
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub gpus: Option<u16>,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t, conflicts_with = "gpus")]
    pub device: DeviceChoice,
    /// Print the table as JSON
    #[arg(long)]
    pub json: bool,
}

/// A trial, and what its folds scored so far, in turn.
struct Tried {
    trial: Trial,
    scores: Vec<f64>,
    seconds: f64,
    /// The folder of its last run.
    run: PathBuf,
    /// Why it could not be trained any further.
    fault: Option<Error>,
}

impl Tried {
    fn new(trial: Trial) -> Self {
        Self { trial, scores: Vec::new(), seconds: 0.0, run: PathBuf::new(), fault: None }
    }
}

/// Trains trials round by round; the table and the page lie in `sweeps/`.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let competition = competition::find(&args.competition)?;
    let trials = trials(&args.tried, args.draw, seed(args, &competition)?)?;
    check(args, &competition, &trials)?;
    stage::listen_for_interrupts();
    let mut tried: Vec<Tried> = trials.into_iter().map(Tried::new).collect();
    let folds = usize::from(args.folds);
    for fold in 1..=folds {
        let ahead = ahead(&tried, fold - 1, &competition);
        if fold > 1 && ahead.len() < 2 {
            break;
        }
        term::heading(format_args!(
            "fold {fold} of {folds}: {}",
            term::count(ahead.len(), "trial")
        ));
        train(args, workspace, fold, &ahead, &mut tried)?;
    }
    told::tell(args, &competition, &mut tried, workspace)?;
    tried.into_iter().find_map(|one| one.fault).map_or(Ok(()), Err)
}

/// Of the trials that have trained so many folds, the better half by their mean; before the first fold all.
fn ahead(tried: &[Tried], n_folds: usize, competition: &Competition) -> Vec<usize> {
    let is_ready = |one: &Tried| one.fault.is_none() && one.scores.len() == n_folds;
    let mut places: Vec<usize> = (0..tried.len()).filter(|&at| is_ready(&tried[at])).collect();
    if n_folds == 0 {
        return places;
    }
    places.sort_by(|&a, &b| told::by_score(&tried[a], &tried[b], competition));
    places.truncate(places.len().div_ceil(2));
    places
}

/// Trains a fold of each of the trials at `places`, on as many devices as there are.
fn train(
    args: &Args,
    workspace: &Workspace,
    fold: usize,
    places: &[usize],
    tried: &mut [Tried],
) -> Result<()> {
    let waiting = Mutex::new(places.iter().copied().rev().collect::<Vec<usize>>());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.pop());
    let stop = || {
        if let Ok(mut waiting) = waiting.lock() {
            waiting.clear();
        }
    };
    let any_is_trained = AtomicBool::new(tried.iter().any(|one| !one.scores.is_empty()));
    let (trials, (send, receive)) = (&*tried, mpsc::channel());
    let told = thread::scope(|scope| -> Result<Vec<(usize, Result<Value>)>> {
        for worker in 0..usize::from(args.gpus.unwrap_or(1)) {
            let (send, next, stop, any_is_trained) = (send.clone(), &next, &stop, &any_is_trained);
            scope.spawn(move || {
                while let Some(at) = next() {
                    let trial = &trials[at].trial;
                    let told = match train_one(args, workspace, fold, trial, worker) {
                        // What is under way elsewhere ends; nothing more begins.
                        Err(error) if ends_all(&error, at == places[0], any_is_trained) => {
                            stop();
                            Err(error)
                        }
                        Err(error) => {
                            term::warn(format_args!(
                                "`{trial}` is left out: it could not be trained"
                            ));
                            Ok((at, Err(error)))
                        }
                        told => {
                            any_is_trained.store(true, Ordering::Relaxed);
                            Ok((at, told))
                        }
                    };
                    let _ = send.send(told);
                }
            });
        }
        drop(send);
        receive.iter().collect()
    })?;
    for (at, told) in told {
        let one = &mut tried[at];
        match told {
            Ok(told) => {
                one.scores.push(told["score"].as_f64().context("`train` told of no score")?);
                one.seconds += told["seconds"].as_f64().unwrap_or_default();
                let run = told["folder"].as_str().context("`train` told of no folder")?;
                one.run = PathBuf::from(run);
            }
            Err(error) => one.fault = Some(error),
        }
    }
    Ok(())
}

/// Whether nothing more is to be tried: Ctrl-C was, or the first trial failed before any was trained.
fn ends_all(error: &Error, is_first: bool, any_is_trained: &AtomicBool) -> bool {
    exit::code(error) == exit::INTERRUPTED || (is_first && !any_is_trained.load(Ordering::Relaxed))
}

fn train_one(
    args: &Args,
    workspace: &Workspace,
    fold: usize,
    trial: &Trial,
    worker: usize,
) -> Result<Value> {
    term::say(format_args!("   {trial}"));
    let mut command = stage::command("train", workspace)?;
    command.arg(&args.competition).args(["--quiet", "--json"]);
    for setting in args.settings.iter().chain(trial.settings()) {
        command.arg("--set").arg(setting);
    }
    command.args(["--folds", &args.folds.to_string(), "--fold", &fold.to_string()]);
    let device = args.gpus.map_or_else(|| args.device.to_string(), |_| format!("cuda:{worker}"));
    command.arg("--device").arg(device);
    stage::output_of("train", &mut command)
}

/// Refuses before anything is trained what would fail in the middle.
fn check(args: &Args, competition: &Competition, trials: &[Trial]) -> Result<()> {
    ensure!(
        trials.len() > 1,
        "one trial is no sweep\nhint: give several values, such as `--try head.width=0,512`"
    );
    let keys: Vec<&str> =
        args.tried.iter().filter_map(|typed| Some(typed.split_once('=')?.0.trim())).collect();
    for (i, key) in keys.iter().enumerate() {
        ensure!(
            !keys[..i].contains(key),
            "`--try {key}` is there twice\nhint: give all its values at once, such as `--try {key}=1,2`"
        );
        ensure!(
            !["folds", "fold", "refit"].contains(key),
            "`{key}` is no setting to try: trials are trained fold by fold\nhint: `--folds` says how many \
             there are"
        );
    }
    for trial in trials {
        let settings = args.settings.iter().chain(trial.settings());
        let mut layers: Vec<Layer> =
            settings.map(|typed| Layer::assignment(typed)).collect::<Result<_>>()?;
        layers.push(folds(args)?);
        let told = recipe::of_competition(competition, &layers);
        told.map_err(|error| anyhow!("{error:#}"))
            .with_context(|| format!("the trial `{trial}` cannot be trained"))?;
    }
    Ok(())
}

fn seed(args: &Args, competition: &Competition) -> Result<u64> {
    let mut layers: Vec<Layer> =
        args.settings.iter().map(|typed| Layer::assignment(typed)).collect::<Result<_>>()?;
    layers.push(folds(args)?);
    Ok(recipe::of_competition(competition, &layers)?.seed)
}

/// What each trial is trained with as well.
fn folds(args: &Args) -> Result<Layer> {
    Layer::assignment(&format!("folds={}", args.folds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_half_goes_on() {
        let competition = competition::find("dogs-vs-cats").unwrap();
        let trials = trials(&["size=1,2,3,4,5".to_owned()], None, 1).unwrap();
        let scores = [0.5, 0.1, 0.4, 0.2, f64::NAN];
        let mut tried: Vec<Tried> = trials
            .into_iter()
            .zip(scores)
            .map(|(trial, score)| Tried { scores: vec![score], ..Tried::new(trial) })
            .collect();
        // A log loss: lower is better, and no number is the worst.
        assert_eq!(ahead(&tried, 1, &competition), [1, 3, 2]);
        assert_eq!(ahead(&tried, 0, &competition), [0; 0]);
        assert_eq!(ahead(&tried, 2, &competition), [0; 0]);
        // One that failed is not of those that are halved.
        tried[1].fault = Some(anyhow!("memory"));
        assert_eq!(ahead(&tried, 1, &competition), [3, 2]);
    }
}
