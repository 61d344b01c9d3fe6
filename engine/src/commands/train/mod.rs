//! `kaggle-kit train`: a data folder becomes a run folder, or as many as there are folds.
//!
//! `images.rs` opens and splits the data, `keep.rs` keeps decoded pictures, `outcome.rs` makes a
//! finished run of a trained network, `report.rs` its page.

mod images;
mod keep;
mod outcome;
mod report;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kaggle_kit::cache::{CachePolicy, Store};
use kaggle_kit::commands::models::pretrained;
use kaggle_kit::commands::settings::recipe_of;
use kaggle_kit::competition::Competition;
use kaggle_kit::device::Choice;
use kaggle_kit::fs;
use kaggle_kit::hash::hash_file;
use kaggle_kit::learn::{self, Data, Learner, Limits, Precomputed, Pretrained};
use kaggle_kit::recipe::{Layer, LossKind, Recipe};
use kaggle_kit::report::{Both, Console, Record};
use kaggle_kit::run::checkpoint::Checkpoints;
use kaggle_kit::run::{CHECKPOINT, Run, SPLIT};
use kaggle_kit::target::TargetKind;
use kaggle_kit::term;
use kaggle_kit::zoo::{self, Architecture};

use crate::torch::{Device, Network, device};
pub(super) use images::Images;

/// What is trained, on what, and where the run goes.
pub struct TrainOptions {
    /// The competition.
    pub competition: Competition,
    /// Its data folder.
    pub data: PathBuf,
    /// The folder of all runs.
    pub runs: PathBuf,
    /// Settings laid over the defaults and the competition's own, in order.
    pub layers: Vec<Layer>,
    /// Whether all folds are trained, or the one that the recipe names.
    pub folds: Folds,
    /// What becomes of a run that was stopped.
    pub start: Start,
    /// Training ends after so long, in each run.
    pub max_time: Option<Duration>,
    /// How often training is written down.
    pub checkpoint_every: Duration,
    /// When decoded pictures are kept.
    pub keep_pictures: CachePolicy,
    /// Where to compute.
    pub device: Choice,
}

/// Which folds to train, where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folds {
    /// One after the other; those that are finished already are left alone.
    All,
    /// The recipe's.
    One,
}

/// What becomes of a run of the same recipe that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It goes on, if there is one.
    GoOn,
    /// It goes on, and must be there.
    Resume,
    /// It is left alone.
    Anew,
}

/// Trains; gives the finished runs.
pub fn run(options: &TrainOptions) -> Result<Vec<Run>> {
    let recipe = recipe_of(&options.competition, &options.layers)?;
    let interrupted = on_ctrl_c()?;
    let images = Images::open(&options.competition, &options.data, &recipe)?;
    let folds = match options.folds {
        Folds::All if recipe.folds > 0 => 1..=recipe.folds,
        _ => recipe.fold..=recipe.fold,
    };
    let (n_folds, mut runs) = (folds.clone().count(), Vec::new());
    for fold in folds {
        let recipe = Recipe { fold, ..recipe.clone() };
        let data = images.split_and_keep(&recipe, options.keep_pictures)?;
        let group = images.group(&recipe);
        if recipe.folds > 0 && options.start != Start::Anew {
            let name = &options.competition.name;
            if let Some(run) = Run::of_fold(&options.runs, name, &group, fold)? {
                term::say(format_args!("fold {fold} is trained: run `{}`", run.folder.display()));
                runs.push(run);
                continue;
            }
        }
        let part = TrainOne { options, recipe: &recipe, images: &images, data, group, n_folds };
        runs.push(part.run(&interrupted)?);
    }
    Ok(runs)
}

/// A network to train, and where its activations are kept.
pub(super) struct Prepared {
    pub(super) network: Network,
    pub(super) precomputed: Option<Precomputed>,
}

impl Prepared {
    /// A pretrained backbone with a new head.
    pub(super) fn new(
        competition: &Competition,
        recipe: &Recipe,
        data: &Data,
        device: Device,
    ) -> Result<Self> {
        ensure!(
            data.kind == TargetKind::MultiLabel || recipe.loss.kind == LossKind::Auto,
            "`loss.kind` is for tags; `{}` has one class an image\nhint: leave it at \"auto\"",
            competition.name
        );
        let architectures = zoo::find_all(&recipe.backbone)?;
        let weights = weights_of(&architectures, &recipe.weights)?;
        let network = Network::new(&architectures, recipe, data.kind, data.classes.len(), device);
        network.load_backbones(&weights)?;
        for path in &weights {
            term::detail(format_args!("weights: `{}`", path.display()));
        }
        let precomputed = if recipe.precompute.cache {
            let backbone = |(architecture, path): (&&Architecture, &PathBuf)| {
                Ok(Pretrained { name: architecture.name.to_owned(), weights: hash_file(path)? })
            };
            let backbones = architectures.iter().zip(&weights).map(backbone);
            Some(Precomputed {
                store: Store::usual()?,
                label: competition.name.clone(),
                backbones: backbones.collect::<Result<_>>()?,
                engine: device::engine(device),
            })
        } else {
            None
        };
        Ok(Self { network, precomputed })
    }
}

/// The weights file of each backbone; `explicit` is the recipe's: nothing, or a path for each, joined
/// by `+` where there are several.
fn weights_of(architectures: &[&Architecture], explicit: &str) -> Result<Vec<PathBuf>> {
    let [one] = architectures else {
        let paths: Vec<&str> = match explicit {
            "" => vec![""; architectures.len()],
            _ => explicit.split('+').map(str::trim).collect(),
        };
        ensure!(
            paths.len() == architectures.len(),
            "{} for {}: `{explicit}`\nhint: `weights` names a file for each backbone, joined by `+`; \
             leave one empty to look in the cache",
            term::count(paths.len(), "weights file"),
            term::count(architectures.len(), "backbone"),
        );
        let pairs = architectures.iter().zip(paths);
        return pairs.map(|(architecture, path)| pretrained(architecture, path)).collect();
    };
    Ok(vec![pretrained(one, explicit)?])
}

/// One run.
struct TrainOne<'a> {
    options: &'a TrainOptions,
    recipe: &'a Recipe,
    images: &'a Images,
    data: Data,
    group: String,
    n_folds: usize,
}

impl TrainOne<'_> {
    fn run(self, interrupted: &Arc<AtomicBool>) -> Result<Run> {
        let Self { options, recipe, data, .. } = &self;
        let competition = &options.competition;
        let device = device::resolve(options.device)?;
        let Prepared { mut network, precomputed } =
            Prepared::new(competition, recipe, data, device)?;
        self.tell_plan(&device::describe(device));

        let split = images::split_table(data)?;
        let (run, _lock) = self.folder(&split)?;
        run.write(SPLIT, split)?;
        let (mut console, mut record) = (Console::default(), Record::new(&run)?);
        let mut listener = Both(&mut console, &mut record);
        let limits = Limits {
            deadline: options.max_time.map(|time| Instant::now() + time),
            interrupted: Arc::clone(interrupted),
        };
        let cycles = (recipe.whole_network.snapshots > 0).then(|| run.folder.clone());
        let mut learner = Learner::new(&mut network, data, &mut listener)
            .with_limits(limits)
            .with_precomputed(precomputed)
            .with_cycles(cycles);
        let folder = run.file(CHECKPOINT);
        learner.keep_checkpoints(Checkpoints::new(folder, options.checkpoint_every))?;
        learn::golden_rule(&mut learner)?;
        keep::tell_trouble(data);
        let journal = learner.journal().clone();

        let outcome = outcome::Outcome {
            run: &run,
            competition,
            recipe,
            data,
            images: self.images,
            group: &self.group,
            device: device::describe(device),
            journal: &journal,
        };
        outcome.finish(&mut network, &mut listener)?;
        fs::remove_dir_all(run.file(CHECKPOINT))?;
        Ok(run)
    }

    /// The run's folder, a new one or that of a run that was stopped, and the right to it.
    fn folder(&self, split: &str) -> Result<(Run, fs::File)> {
        let TrainOptions { runs, competition, start, .. } = self.options;
        if *start != Start::Anew {
            for run in Run::unfinished(runs, competition, self.recipe)? {
                let Some(lock) = run.lock()? else { continue };
                let before = run.file(SPLIT);
                let fits = !before.exists() || fs::read_to_string(&before)? == split;
                ensure!(
                    fits,
                    "the images have changed since `{}` was begun\nhint: `--anew` starts over",
                    run.folder.display()
                );
                term::say(format_args!("   going on with run `{}`", run.folder.display()));
                return Ok((run, lock));
            }
        }
        if *start == Start::Resume {
            bail!(
                "no unfinished run of `{}` with this recipe in `{}`\nhint: leave `--resume` out to \
                 start one",
                competition.name,
                runs.display()
            );
        }
        let run = Run::create(runs, competition, self.recipe)?;
        let lock = run.lock()?.context("another process has taken a new run's folder")?;
        Ok((run, lock))
    }

    /// What will happen, before it does.
    fn tell_plan(&self, device: &str) {
        let Self { recipe, data, options, n_folds, .. } = self;
        let competition = &options.competition;
        let fold = match (recipe.folds, n_folds) {
            (0, _) => String::new(),
            (folds, _) => format!(", fold {} of {folds}", recipe.fold),
        };
        term::heading(format_args!("{}: {}{fold}", competition.name, competition.title));
        term::say(format_args!(
            "   {} at {} pixels on {device}; {} to train on, {} held out, {}",
            recipe.backbone,
            recipe.size,
            term::count(data.train.len(), "image"),
            term::thousands(data.valid.len()),
            match data.kind {
                TargetKind::SingleLabel => format!("{} classes", data.classes.len()),
                TargetKind::MultiLabel => format!("{} tags", data.classes.len()),
            }
        ));
        term::heading("the golden rule");
        for (stage, text) in learn::plan(data) {
            term::say(format_args!("   {}. {:24} {text}", stage.number(), stage.title()));
        }
    }
}

/// A flag that Ctrl-C sets; a second one ends the program at once.
fn on_ctrl_c() -> Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(kaggle_kit::commands::exit::INTERRUPTED));
        }
        term::say("   stopping after this step; once more ends at once");
    })
    .context("failed to listen for Ctrl-C")?;
    Ok(flag)
}
