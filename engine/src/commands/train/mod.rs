//! `kaggle-kit train`: a data folder becomes a run folder, or as many as there are folds.
//!
//! `images.rs` opens and splits the data, `keep.rs` keeps decoded pictures, `network.rs` makes a
//! network, `outcome.rs` what a trained one is kept as, `report.rs` the run's page.

mod images;
mod keep;
mod network;
mod outcome;
mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kaggle_kit::cache::Store;
use kaggle_kit::commands::bad_images;
use kaggle_kit::commands::train::Args;
use kaggle_kit::competition::{self, Competition};
use kaggle_kit::dataset::Found;
use kaggle_kit::fs;
use kaggle_kit::learn::{self, Data, Learner, Limits, Model};
use kaggle_kit::recipe::{self, Recipe};
use kaggle_kit::report::{Both, Console, Record};
use kaggle_kit::run::checkpoint::Checkpoints;
use kaggle_kit::run::{
    self, CHECKPOINT, DECISION, Event, Journal, Listener, MadeFrom, REPORT, Run, SplitTable, Stage,
    StageTime, Summary, WEIGHTS, Workspace,
};
use kaggle_kit::target::TargetKind;
use kaggle_kit::term;
use kaggle_kit::typed;

use crate::commands::precision::{Work, settled};
use crate::torch::{Network, device};
pub(super) use images::CompetitionImages;
pub(super) use network::NewNetwork;

/// Trains, and prints the finished run or runs as JSON if that was asked for.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let (trained, found) =
        train_and_tell(args, workspace).inspect_err(|error| bad_images::tell(error, args.json))?;
    if args.json {
        let mut summaries = Vec::new();
        for run in &trained {
            let mut summary = serde_json::to_value(run.summary()?)?;
            summary["folder"] = term::path_in_json(&run.folder).into();
            summary["found"] = serde_json::to_value(&found)?;
            summaries.push(summary);
        }
        // A single run is no list, as it always was.
        let summaries = if summaries.len() == 1 { summaries.remove(0) } else { summaries.into() };
        term::json(&summaries)?;
    }
    term::say(format_args!("next: {}", typed::command(["submit"])));
    Ok(())
}

/// Trains; gives the finished runs.
pub fn train(args: &Args, workspace: &Workspace) -> Result<Vec<Run>> {
    Ok(train_and_tell(args, workspace)?.0)
}

/// Trains; gives the finished runs, and what was found in the data.
fn train_and_tell(args: &Args, workspace: &Workspace) -> Result<(Vec<Run>, Found)> {
    let competition = competition::find(&args.competition)?;
    let recipe = recipe::of_competition(&competition, &args.layers()?)?;
    // A limit that is none is better told now than after all images were looked at.
    Store::usual()?;
    let interrupted = on_ctrl_c();
    let images =
        CompetitionImages::open(&competition, &workspace.data().join(&competition.name), &recipe)?;
    // One after the other, unless one is named; those that are finished already are left alone.
    let folds = if args.fold.is_none() && recipe.folds > 0 {
        1..=recipe.folds
    } else {
        recipe.fold..=recipe.fold
    };
    let (n_folds, mut runs) = (folds.clone().count(), Vec::new());
    for fold in folds {
        let recipe = Recipe { fold, ..recipe.clone() };
        let mut data = images.split_and_keep(&recipe, args.keep_pictures)?;
        data.at_once = device::at_once(device::resolve(args.device)?, recipe.size);
        let group = images.group(&recipe)?;
        if recipe.folds > 0
            && !args.start.anew
            && let Some(run) = Run::of_fold(&workspace.runs(), &competition.name, &group, fold)?
        {
            term::say(format_args!("fold {fold} is trained: run `{}`", run.folder.display()));
            runs.push(run);
            continue;
        }
        let part = TrainOne {
            args,
            workspace,
            competition: &competition,
            recipe: &recipe,
            images: &images,
            data,
            group,
            n_folds,
        };
        runs.push(part.run(&interrupted)?);
    }
    Ok((runs, images.dataset.found))
}

/// One run.
struct TrainOne<'a> {
    args: &'a Args,
    workspace: &'a Workspace,
    competition: &'a Competition,
    recipe: &'a Recipe,
    images: &'a CompetitionImages,
    data: Data,
    group: String,
    n_folds: usize,
}

impl TrainOne<'_> {
    fn run(self, interrupted: &Arc<AtomicBool>) -> Result<Run> {
        let Self { args, competition, recipe, data, .. } = &self;
        let device = device::resolve(args.device)?;
        let NewNetwork { mut network, precomputed, pretrained } =
            NewNetwork::new(competition, recipe, data, device)?;
        let made_from = self.images.made_from(&pretrained)?;
        self.print_plan(&device::in_plan(device, &settled(recipe, device, Work::Train)?));
        let device = device::describe(device);

        let split = images::split_table(data);
        let (run, _lock) = self.folder(&split, &made_from)?;
        made_from.write(&run)?;
        split.write(&run)?;
        let (mut console, mut record) =
            (Console::new(competition.metric.short()), Record::new(&run)?);
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
        keep::warn_of_trouble(data);
        let journal = learner.journal().clone();

        self.finish(&run, &journal, device, &mut network, &mut listener)?;
        fs::remove_dir_all(run.file(CHECKPOINT))?;
        Ok(run)
    }

    /// Predicts the held-out images, decides, and writes it all down.
    fn finish(
        &self,
        run: &Run,
        journal: &Journal,
        device: String,
        network: &mut Network,
        listener: &mut dyn Listener,
    ) -> Result<()> {
        let Self { competition, recipe, data, .. } = self;
        network.save(&run.file(WEIGHTS))?;
        let weights = outcome::weights(run, journal, recipe.whole_network.snapshots)?;
        let weights_sha256 = run.hash_weights(&weights)?;
        let (stage, start) = (Stage::Predict, Instant::now());
        listener.event(&Event::StageStarted { stage });
        let (predictions, found) = outcome::predictions(network, run, &weights, data, recipe)?;
        let seconds = start.elapsed().as_secs_f64();
        listener.event(&Event::StageFinished { stage, seconds, found: found.clone() });

        let decision = outcome::decide(competition, data, &predictions)?;
        term::say(format_args!("   {decision}"));
        run.write_toml(DECISION, &decision)?;
        run.write_outputs(&data.outputs)?;
        run.write_valid_predictions(&predictions, data.kind)?;
        let mut stages = outcome::stages(journal);
        stages.push(StageTime { stage: stage.title().to_owned(), seconds, found });
        let summary = Summary {
            version: 1,
            competition: competition.name.clone(),
            finished: jiff::Timestamp::now().to_string(),
            program: format!("kaggle-kit {}", env!("CARGO_PKG_VERSION")),
            device,
            metric: competition.metric.name(),
            score: decision.score(),
            train_images: data.train.len(),
            valid_images: data.valid.len(),
            seconds: stages.iter().map(|stage| stage.seconds).sum(),
            seed: recipe.seed,
            folds: recipe.folds,
            fold: recipe.fold,
            group: self.group.clone(),
            weights,
            weights_sha256,
            classes: data.classes.clone(),
            classes_sha256: run::hash_of_classes(&data.classes),
            stages,
        };
        // A page is good to have, but no run should be lost for it.
        if let Err(error) = report::write(run, &summary, data, self.images, network) {
            term::warn(format_args!("no report was made: {error:#}"));
        }
        run.finish(&summary)?;
        term::done(format_args!(
            "{} {:.5} on {} held-out images, in {}; `{}`",
            summary.metric,
            summary.score,
            term::thousands(summary.valid_images),
            term::duration(summary.seconds),
            run.file(REPORT).display()
        ));
        Ok(())
    }

    /// The run's folder, a new one or that of a run that was stopped, and the right to it.
    fn folder(&self, split: &SplitTable, made_from: &MadeFrom) -> Result<(Run, fs::File)> {
        let Self { args, workspace, competition, recipe, .. } = self;
        let runs = &workspace.runs();
        if !args.start.anew {
            for run in Run::unfinished(runs, competition, recipe)? {
                let Some(lock) = run.lock()? else { continue };
                // First, since it names what has changed.
                if made_from.is_of(&run)?.is_none() && run.has_checkpoints()? {
                    term::warn(format_args!(
                        "`{}` does not say which images it was begun with: whether they have changed \
                         since is not known",
                        run.folder.display()
                    ));
                }
                ensure!(
                    split.is_of(&run)?,
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
    fn print_plan(&self, device: &str) {
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
                TargetKind::Ordinal => format!("{} levels", data.classes.len()),
                TargetKind::Number => term::count(data.classes.len(), "number"),
            }
        ));
        if let Some(told) = competition.takes_notebooks_only() {
            term::say(format_args!("   {told}"));
        }
        if competition.submission.pool().is_some() && competition.pools_training().is_none() {
            term::say(
                "   an answer is for several images, but `[split]` does not say which of training would get \
                 one: what is decided is decided image by image",
            );
        }
        term::heading("the golden rule");
        for (stage, text) in learn::plan(data) {
            term::say(format_args!("   {}. {:24} {text}", stage.number(), stage.title()));
        }
    }
}

/// A flag that Ctrl-C sets; a second one ends the program at once.
fn on_ctrl_c() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    let listens = ctrlc::set_handler(move || {
        if set.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(kaggle_kit::exit::INTERRUPTED));
        }
        term::say("   stopping after this step; once more ends at once");
    });
    if let Err(error) = listens {
        // Checkpoints make that good as well.
        term::warn(format_args!("Ctrl-C will end it at once: no thread listens for it ({error})"));
    }
    flag
}
