//! `kaggle-kit train`: a data folder becomes a run folder, or as many as there are folds.
//!
//! `images.rs` opens and splits the data, `keep.rs` keeps decoded pictures, `network.rs` makes a
//! network, `outcome.rs` what a trained one is kept as, `finish.rs` writes that down, `report.rs` the run's page;
//! `ends.rs` says when time is over; `refit.rs` is a run's plan for another; `side_by_side.rs` trains folds, or
//! networks on all images, each in a process of its own; `taken.rs` is what is trained already.

mod ends;
mod finish;
mod foresee;
mod images;
mod keep;
mod network;
mod outcome;
mod pseudo;
mod refit;
mod report;
mod side_by_side;
mod taken;
mod teacher;
mod told;

use std::cell::Cell;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kaggle_kit::cache::Store;
use kaggle_kit::commands::bad_images;
use kaggle_kit::commands::train::{Args, Refit};
use kaggle_kit::competition::{self, Competition};
use kaggle_kit::dataset::Found;
use kaggle_kit::fs;
use kaggle_kit::learn::{self, Data, Learner, Limits, Pretrained};
use kaggle_kit::recipe::{self, Recipe};
use kaggle_kit::report::{Both, Console, Record, Trackers};
use kaggle_kit::run::checkpoint::Checkpoints;
use kaggle_kit::run::{CHECKPOINT, Listener, MadeFrom, Run, SplitTable, Workspace};
use kaggle_kit::term;
use kaggle_kit::typed;

use super::precision::{Work, settled};
use super::ranks::{Ranks, Role, on_interrupt, supervise};
use crate::torch::device;
use ends::Ends;
use foresee::Planned;
pub(super) use images::CompetitionImages;
pub(super) use network::NewNetwork;
use pseudo::Pseudo;
use taken::{OR_START, OR_TAKE, Redone, ensure_resumes, taken};

/// Trains, and prints the finished run or runs as JSON if that was asked for.
pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let role = Role::of(&args.ranks, args.device)?;
    let is_alone = matches!(&role, Role::Works(ranks) if ranks.group().is_none());
    ensure!(
        is_alone || args.recipe.preset.is_none() || args.max_minutes.is_none(),
        "`--max-minutes` chooses among presets for one process, and here are several\nhint: leave \
         `--max-minutes` out, or `--preset`"
    );
    let ranks = match role {
        Role::Works(ranks) => ranks,
        Role::Starts { count, gpus } if side_by_side::are_several(args)? => {
            let trained = side_by_side::train(args, workspace, count, gpus)
                .inspect_err(|error| bad_images::tell(error, args.json))?;
            return tell(&trained, args);
        }
        Role::Starts { count, .. } => return supervise(count),
    };
    let is_first = ranks.is_first();
    let trained = ranks.work(|ranks| train_and_tell(args, workspace, ranks));
    let trained = trained.inspect_err(|error| {
        if is_first {
            bad_images::tell(error, args.json);
        }
    })?;
    if is_first { tell(&trained, args) } else { Ok(()) }
}

/// Prints what was trained.
fn tell(Trained { runs, found }: &Trained, args: &Args) -> Result<()> {
    if args.json {
        let mut summaries = Vec::new();
        for run in runs {
            let mut summary = serde_json::to_value(run.summary()?)?;
            summary["folder"] = term::path_in_json(&run.folder).into();
            summary["found"] = serde_json::to_value(found)?;
            summaries.push(summary);
        }
        // A single run is no list, as it always was.
        let summaries = if summaries.len() == 1 { summaries.remove(0) } else { summaries.into() };
        term::json(&summaries)?;
    }
    term::say(format_args!("next: {}", typed::command(["submit"])));
    Ok(())
}

/// The finished runs, and what was found in the data.
struct Trained {
    runs: Vec<Run>,
    found: Found,
}

/// Trains in this process alone; gives the finished runs.
pub fn train(args: &Args, workspace: &Workspace) -> Result<Vec<Run>> {
    let ranks = Ranks::alone(device::resolve(args.device)?);
    Ok(train_and_tell(args, workspace, &ranks)?.runs)
}

/// What is to be trained, and on what.
fn opened(
    args: &Args,
    workspace: &Workspace,
    ranks: &Ranks,
) -> Result<(Competition, Recipe, CompetitionImages)> {
    let competition = competition::find(&args.competition)?;
    let recipe = recipe::of_competition(&competition, &args.layers()?)?;
    ensure!(
        recipe.head_on_activations.run
            || recipe.head_with_augmentation.run
            || (recipe.unfreeze.run && recipe.whole_network.run),
        "the recipe leaves nothing to train\nhint: switch on `head-on-activations.run`, \
         `head-with-augmentation.run`, or `unfreeze.run` and `whole-network.run`"
    );
    ensure!(
        !(matches!(args.all_images.refit, Refit::Networks(2..)) && recipe.folds > 0),
        "several networks by one plan are for one run, and here are {} folds\nhint: `--refit` trains each fold \
         once more on all images, by its own plan",
        recipe.folds
    );
    ensure!(
        !(matches!(args.all_images.refit, Refit::Networks(_)) && args.max_minutes.is_some()),
        "`--refit` trains as long as the first run did, whatever `--max-minutes` says\nhint: leave one of \
         them out"
    );
    let kind = if ranks.device.is_cuda() { "CUDA" } else { "CPU" };
    let program = format!(
        "kaggle-kit {}\nlibtorch {} on {kind}\n{}\n{}\n{}",
        env!("CARGO_PKG_VERSION"),
        env!("KAGGLE_KIT_LIBTORCH_VERSION"),
        competition.source,
        toml::to_string(&recipe)?,
        network::graphs(&recipe)?
    );
    ranks.compare("command", &program)?;
    // A limit that is none is better told now than after all images were looked at.
    Store::usual()?;
    let data = workspace.data().join(&competition.name);
    let plan = refit::plan_of(&recipe, workspace, ranks)?;
    let seed = plan.as_ref().map_or(recipe.seed, |(_, seed)| *seed);
    let split_by = Recipe { seed, ..recipe.clone() };
    let mut images = CompetitionImages::open(&competition, &data, &split_by, ranks)?;
    if !recipe.pseudo.is_empty() {
        ensure!(
            ranks.group().is_none(),
            "`--pseudo` is for one process, and here are several\nhint: leave `--ranks` or `--gpus` out"
        );
        let pseudo = Pseudo::open(&recipe.pseudo, &competition, &workspace.data(), workspace)?;
        images.pseudo = Some(pseudo);
    }
    images.teachers = teacher::hash(&recipe, workspace, ranks)?;
    images.plan = plan.map(|(plan, _)| plan);
    Ok((competition, recipe, images))
}

/// Trains; the first of several ranks gives the finished runs.
fn train_and_tell(args: &Args, workspace: &Workspace, ranks: &Ranks) -> Result<Trained> {
    let interrupted = on_interrupt();
    let (competition, typed, images) = opened(args, workspace, ranks)?;
    let networks = args.networks(&typed, images.dataset.train.len());
    let mut training = Training {
        args,
        workspace,
        competition,
        images,
        ranks,
        networks,
        ends: Ends::Never,
        redone: None,
        has_trained: Cell::new(false),
        has_gone_on: Cell::new(false),
    };
    let Planned { recipe, networks, each } = foresee::planned(&training, typed)?;
    training.networks = networks;
    let begun = Instant::now();
    training.ends = Ends::of(args, begun, each);
    if ranks.is_first() {
        let (runs, competition) = (workspace.runs(), &training.competition);
        let group = training.images.group(&recipe)?;
        training.redone = Redone::find(args, &runs, competition, &group, &recipe)?;
    }
    let first = training.all_folds(&recipe, &interrupted)?;
    let on_all = refit::networks(&mut training, &first, &recipe, begun, &interrupted)?;
    let runs = if on_all.is_empty() { first } else { on_all };
    let has_trained = training.has_trained.get();
    ensure_resumes(args, workspace, &training.competition, has_trained, OR_TAKE)?;
    Ok(Trained { runs, found: training.images.dataset.found })
}

/// What was asked for, and on what it is done.
struct Training<'a> {
    args: &'a Args,
    workspace: &'a Workspace,
    competition: Competition,
    images: CompetitionImages,
    ranks: &'a Ranks,
    /// So many networks are trained on all images afterwards, by the plan of each run.
    networks: usize,
    ends: Ends,
    redone: Option<Redone>,
    /// Whether any run was trained, in place of being taken.
    has_trained: Cell<bool>,
    /// Whether one was gone on with: what follows it may be begun.
    has_gone_on: Cell<bool>,
}

impl Training<'_> {
    /// The folds of a recipe that are trained here, one after the other: all, unless one is named, or has a plan.
    fn folds(&self, recipe: &Recipe) -> RangeInclusive<usize> {
        if self.args.fold.is_none() && recipe.folds > 0 && recipe.refit.is_empty() {
            1..=recipe.folds
        } else {
            recipe.fold..=recipe.fold
        }
    }

    /// The runs of a recipe, those too that are trained already; of several ranks the first one has them.
    fn all_folds(&self, recipe: &Recipe, interrupted: &Arc<AtomicBool>) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        for fold in self.folds(recipe) {
            runs.extend(self.one(&Recipe { fold, ..recipe.clone() }, interrupted)?);
        }
        Ok(runs)
    }

    /// One of them, left alone where it is finished already.
    fn one(&self, recipe: &Recipe, interrupted: &Arc<AtomicBool>) -> Result<Option<Run>> {
        let Self { args, images, ranks, .. } = self;
        let mut data = images.split_and_keep(recipe, args.keep_pictures)?;
        data.at_once = ranks.at_once(recipe.size)?;
        // A hash of all images is the first one's work.
        let group = if ranks.is_first() { images.group(recipe)? } else { String::new() };
        let trained = if ranks.is_first() { self.trained(&group, recipe)? } else { None };
        ranks.for_learner().wait_for_first()?;
        let is_trained = ranks.follow(trained.as_ref().map_or_else(String::new, Run::id))?;
        if let Some(run) = &trained {
            let what = match (recipe.folds, recipe.refit.as_str()) {
                (0, _) => "this".to_owned(),
                (_, "") => format!("fold {}", recipe.fold),
                (_, _) => format!("fold {} once more", recipe.fold),
            };
            let place = run.folder.display();
            term::say(format_args!("{what} is trained: run `{place}`; `--anew` trains it again"));
        }
        if !is_trained.is_empty() {
            return Ok(trained);
        }
        teacher::teach(&mut data, self.workspace, ranks)?;
        self.has_trained.set(true);
        TrainOne { training: self, recipe, data, group }.run(interrupted)
    }

    /// The finished run that is taken in place of training one.
    fn trained(&self, group: &str, recipe: &Recipe) -> Result<Option<Run>> {
        let (runs, redone) = (self.workspace.runs(), self.redone.as_ref());
        taken(self.args, &runs, &self.competition, group, recipe, redone)
    }
}

/// One run.
struct TrainOne<'a> {
    training: &'a Training<'a>,
    recipe: &'a Recipe,
    data: Data,
    group: String,
}

impl TrainOne<'_> {
    /// Trains; of several ranks the first one alone has a folder, a terminal, and something to give.
    fn run(self, interrupted: &Arc<AtomicBool>) -> Result<Option<Run>> {
        let Self { recipe, data, .. } = &self;
        let Training { args, competition, ranks, .. } = self.training;
        let NewNetwork { mut network, precomputed, pretrained } =
            NewNetwork::new(competition, recipe, data, ranks)?;
        let begun = if ranks.is_first() { Some(self.begin(&pretrained)?) } else { None };
        // It may hash all images, and time counts from here on.
        ranks.for_learner().wait_for_first()?;
        let run = begun.as_ref().map(|(run, _lock)| run);
        let metric = competition.metric.short();
        let mut record = run.map(Record::new).transpose()?;
        let mut trackers =
            run.map(|run| Trackers::open(&args.trackers, run, &metric)).transpose()?;
        let mut page = run.and_then(|run| report::live(run, &ranks.describe(), data));
        let after = self.training.folds(recipe).end() - recipe.fold;
        // By a plan it takes as long as it takes: what is half done has no score to choose by.
        let deadline = if data.plan.is_some() { None } else { self.training.ends.next(after) };
        let limits = Limits { deadline, interrupted: Arc::clone(interrupted) };
        let n_backbones = pretrained.len();
        let mut console =
            Console::new(metric).foreseeing(learn::workload(data), n_backbones, limits.deadline);
        let (mut files, mut shown, mut told, mut nobody);
        let listener: &mut dyn Listener =
            if let (Some(record), Some(trackers)) = (&mut record, &mut trackers) {
                files = Both(record, trackers);
                // The page is made of what is recorded by then.
                shown = Both(&mut console, &mut page);
                told = Both(&mut files, &mut shown);
                &mut told
            } else {
                nobody = ();
                &mut nobody
            };
        let cycles = run.filter(|_| recipe.whole_network.snapshots > 0);
        let mut learner = Learner::new(&mut network, data, &mut *listener)
            .with_limits(limits)
            .with_group(ranks.for_learner())
            .with_precomputed(precomputed)
            .with_cycles(cycles.map(|run| run.folder.clone()));
        let every = Duration::from_secs(args.checkpoint_every);
        learner.keep_checkpoints(run.map(|run| Checkpoints::new(run.file(CHECKPOINT), every)))?;
        learn::golden_rule(&mut learner)?;
        keep::warn_of_trouble(data);
        let journal = learner.journal().clone();

        if let Some(run) = run {
            self.finish(run, &journal, &mut network, listener)?;
            fs::remove_dir_all(run.file(CHECKPOINT))?;
        } else if data.plan.is_none() {
            outcome::help(&mut network, ranks, data, recipe)?;
        }
        drop((record, trackers, page));
        Ok(begun.map(|(run, _lock)| run))
    }

    /// The run's folder, with what is known before training.
    fn begin(&self, pretrained: &[Pretrained]) -> Result<(Run, fs::Locked)> {
        let Training { images, ranks, workspace, .. } = self.training;
        if self.data.plan.is_some() {
            refit::ensure_same_images(self.recipe, &self.data, workspace)?;
        }
        let made_from = images.made_from(pretrained)?;
        self.print_plan(&ranks.in_plan(&settled(self.recipe, ranks.device, Work::Train)));
        let split = images::split_table(&self.data);
        let (run, lock) = self.folder(&split, &made_from)?;
        made_from.write(&run)?;
        // Those of other folds as well: without them its recipe could not be read elsewhere.
        run.write_backbones(&recipe::backbones_of_folds(&self.recipe.backbone)?)?;
        split.write(&run)?;
        Ok((run, lock))
    }

    /// The run's folder, a new one or that of a run that was stopped, and the right to it.
    fn folder(&self, split: &SplitTable, made_from: &MadeFrom) -> Result<(Run, fs::Locked)> {
        let Training { args, workspace, competition, .. } = self.training;
        let (recipe, runs) = (self.recipe, &workspace.runs());
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
                self.training.has_gone_on.set(true);
                return Ok((run, lock));
            }
        }
        let has_gone_on = self.training.has_gone_on.get();
        ensure_resumes(args, workspace, competition, has_gone_on, OR_START)?;
        let run = Run::create(runs, competition, recipe)?;
        let lock = run.lock()?.context("another process has taken a new run's folder")?;
        Ok((run, lock))
    }
}
