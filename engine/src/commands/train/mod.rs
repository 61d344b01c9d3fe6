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
use kaggle_kit::cache::Store;
use kaggle_kit::commands::models::pretrained;
use kaggle_kit::commands::train::Args;
use kaggle_kit::competition::{self, Competition};
use kaggle_kit::fs;
use kaggle_kit::hash::hash_file;
use kaggle_kit::learn::{self, Data, Learner, Limits, Precomputed, Pretrained};
use kaggle_kit::recipe::{self, LossKind, Recipe};
use kaggle_kit::report::{Both, Console, Record};
use kaggle_kit::run::checkpoint::Checkpoints;
use kaggle_kit::run::{CHECKPOINT, Run, SPLIT, Workspace};
use kaggle_kit::target::TargetKind;
use kaggle_kit::term;
use kaggle_kit::zoo::{self, Architecture};

use crate::torch::{Device, Network, device};
pub(super) use images::Images;

/// Trains, and prints the finished run or runs as JSON if that was asked for.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let trained = train(args, workspace)?;
    if args.json {
        let mut told = Vec::new();
        for run in &trained {
            let mut summary = serde_json::to_value(run.summary()?)?;
            summary["folder"] = run.folder.display().to_string().into();
            told.push(summary);
        }
        // A single run is told as it always was.
        let told = if told.len() == 1 { told.remove(0) } else { told.into() };
        term::out(serde_json::to_string_pretty(&told)?);
    }
    term::say("next: kaggle-kit submit");
    Ok(())
}

/// Trains; gives the finished runs.
pub fn train(args: &Args, workspace: &Workspace) -> Result<Vec<Run>> {
    let competition = competition::find(&args.competition)?;
    let recipe = recipe::of_competition(&competition, &args.layers()?)?;
    let interrupted = on_ctrl_c()?;
    let images = Images::open(&competition, &workspace.data().join(&competition.name), &recipe)?;
    // One after the other, unless one is named; those that are finished already are left alone.
    let folds = if args.fold.is_none() && recipe.folds > 0 {
        1..=recipe.folds
    } else {
        recipe.fold..=recipe.fold
    };
    let (n_folds, mut runs) = (folds.clone().count(), Vec::new());
    for fold in folds {
        let recipe = Recipe { fold, ..recipe.clone() };
        let data = images.split_and_keep(&recipe, args.keep_pictures)?;
        let group = images.group(&recipe);
        if recipe.folds > 0
            && !args.start.anew
            && let Some(run) = Run::of_fold(&workspace.runs(), &competition.name, &group, fold)?
        {
            term::say(format_args!("fold {fold} is trained: run `{}`", run.folder.display()));
            runs.push(run);
            continue;
        }
        let (competition, recipe, images) = (&competition, &recipe, &images);
        let part = TrainOne { args, workspace, competition, recipe, images, data, group, n_folds };
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
    args: &'a Args,
    workspace: &'a Workspace,
    competition: &'a Competition,
    recipe: &'a Recipe,
    images: &'a Images,
    data: Data,
    group: String,
    n_folds: usize,
}

impl TrainOne<'_> {
    fn run(self, interrupted: &Arc<AtomicBool>) -> Result<Run> {
        let Self { args, competition, recipe, data, .. } = &self;
        let device = device::resolve(args.device)?;
        let Prepared { mut network, precomputed } =
            Prepared::new(competition, recipe, data, device)?;
        self.tell_plan(&device::describe(device));

        let split = images::split_table(data)?;
        let (run, _lock) = self.folder(&split)?;
        run.write(SPLIT, split)?;
        let (mut console, mut record) = (Console::default(), Record::new(&run)?);
        let mut listener = Both(&mut console, &mut record);
        let limits = Limits {
            deadline: args
                .max_minutes
                .map(|minutes| Instant::now() + Duration::from_secs_f64(60.0 * minutes)),
            interrupted: Arc::clone(interrupted),
        };
        let cycles = (recipe.whole_network.snapshots > 0).then(|| run.folder.clone());
        let mut learner = Learner::new(&mut network, data, &mut listener)
            .with_limits(limits)
            .with_precomputed(precomputed)
            .with_cycles(cycles);
        let folder = run.file(CHECKPOINT);
        let every = Duration::from_secs(args.checkpoint_every);
        learner.keep_checkpoints(Checkpoints::new(folder, every))?;
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
        let Self { args, workspace, competition, recipe, .. } = self;
        let runs = &workspace.runs();
        if !args.start.anew {
            for run in Run::unfinished(runs, competition, recipe)? {
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
        if args.start.resume {
            bail!(
                "no unfinished run of `{}` with this recipe in `{}`\nhint: leave `--resume` out to \
                 start one",
                competition.name,
                runs.display()
            );
        }
        let run = Run::create(runs, competition, recipe)?;
        let lock = run.lock()?.context("another process has taken a new run's folder")?;
        Ok((run, lock))
    }

    /// What will happen, before it does.
    fn tell_plan(&self, device: &str) {
        let Self { competition, recipe, data, n_folds, .. } = self;
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
            std::process::exit(i32::from(kaggle_kit::exit::INTERRUPTED));
        }
        term::say("   stopping after this step; once more ends at once");
    })
    .context("failed to listen for Ctrl-C")?;
    Ok(flag)
}
