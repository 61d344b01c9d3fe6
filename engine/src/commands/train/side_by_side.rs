//! Runs of one model side by side: `train --folds K`, or several networks on all images, with `--gpus N` or
//! `--ranks N`. N of them train at a time, each in a process of its own.
//!
//! They know nothing of each other, so N of them take no more than the time of one, whatever lies between the
//! GPUs, and no batch gets small. A run that all GPUs are to train together is named: `--fold 1 --gpus 2`.

use std::cell::Cell;
use std::collections::VecDeque;

use anyhow::{Context, Error, Result};
use kaggle_kit::commands::train::Args;
use kaggle_kit::competition::{self, Competition};
use kaggle_kit::ended::Ended;
use kaggle_kit::recipe::{self, Recipe};
use kaggle_kit::run::{Run, Workspace};
use kaggle_kit::term;

use super::taken::{OR_START, OR_TAKE, Redone, ensure_resumes, taken};
use super::{Trained, opened, refit};
use crate::commands::ranks::{Processes, Ranks, copy_of_this, share_threads, supervise_other};
use crate::torch::device;

/// What a part's own command line has otherwise: each option, and whether it has a value.
const OF_ALL_PARTS: [(&str, bool); 8] = [
    ("--ranks", true),
    ("--gpus", true),
    ("--device", true),
    ("--json", false),
    ("--folds", true),
    ("--fold", true),
    ("--refit", false),
    ("--resume", false),
];

/// Whether there are several to train.
pub(super) fn are_several(args: &Args) -> Result<bool> {
    if args.fold.is_some() {
        return Ok(false);
    }
    let competition = competition::find(&args.competition)?;
    let recipe = recipe::of_competition(&competition, &args.layers()?)?;
    // Whether there is one network or none depends on how many images there are: then all train it together.
    Ok(recipe.folds > 0 || args.networks(&recipe, 0) > 1)
}

/// A run that a process trains.
#[derive(Clone)]
struct Part {
    name: String,
    recipe: Recipe,
    /// What its command line has that tells it from the others.
    typed: Vec<String>,
}

/// Trains all parts that are not trained yet, `count` at a time.
pub(super) fn train(
    args: &Args,
    workspace: &Workspace,
    count: usize,
    gpus: bool,
) -> Result<Trained> {
    // Once, before many processes would do the same at once: images are looked at, and all folds are tried.
    let alone = Ranks::alone(device::resolve(args.device)?);
    let (competition, recipe, images) = opened(args, workspace, &alone)?;
    images.split(&Recipe { fold: 1, ..recipe.clone() })?;
    let (has_trained, has_gone_on) = (Cell::new(false), Cell::new(false));
    let competition = &competition;
    let group = images.group(&recipe)?;
    let redone = Redone::find(args, &workspace.runs(), competition, &group, &recipe)?;
    let all =
        SideBySide { args, competition, workspace, count, gpus, redone, has_trained, has_gone_on };
    let first = if recipe.folds > 0 {
        let parts: Vec<Part> = (1..=recipe.folds).map(|fold| fold_of(&recipe, fold)).collect();
        all.train("fold", &parts, &group)?
    } else {
        if all.trained(&group, &recipe)?.is_none() {
            // All devices train it together.
            supervise_other(count, &[("--json", false), ("--refit", false)], &["--refit=never"])?;
            all.has_trained.set(true);
            all.has_gone_on.set(true);
        }
        // With `--anew` too the newest is what was trained just now.
        vec![all.newest("the first training", &group, &recipe)?]
    };
    let n = match args.networks(&recipe, images.dataset.train.len()) {
        n if n > 0 && refit::are_plans(args, &first)? => n,
        _ => 0,
    };
    let parts: Vec<Part> = first
        .iter()
        .zip(1..)
        .flat_map(|(run, fold)| (0..n).map(move |nth| (run.id(), fold, nth)))
        .map(|(plan, fold, nth)| network_of(&recipe, &plan, fold, nth, n))
        .collect();
    let runs = match parts.first() {
        Some(part) => all.train("network", &parts, &images.group(&part.recipe)?)?,
        None => first,
    };
    ensure_resumes(args, workspace, competition, all.has_trained.get(), OR_TAKE)?;
    Ok(Trained { runs, found: images.dataset.found })
}

/// What all parts have in common.
struct SideBySide<'a> {
    args: &'a Args,
    competition: &'a Competition,
    workspace: &'a Workspace,
    /// So many at a time.
    count: usize,
    /// Each on one.
    gpus: bool,
    redone: Option<Redone>,
    /// Whether any was trained, in place of being taken.
    has_trained: Cell<bool>,
    /// Whether one was gone on with: what follows it may be begun.
    has_gone_on: Cell<bool>,
}

impl SideBySide<'_> {
    fn trained(&self, group: &str, recipe: &Recipe) -> Result<Option<Run>> {
        let (runs, redone) = (self.workspace.runs(), self.redone.as_ref());
        taken(self.args, &runs, self.competition, group, recipe, redone)
    }

    fn newest(&self, name: &str, group: &str, recipe: &Recipe) -> Result<Run> {
        let found = Run::of_group(&self.workspace.runs(), &self.competition.name, group, recipe)?;
        found.into_iter().next().with_context(|| format!("{name} left no finished run"))
    }

    /// Trains those of a group that are not trained yet; gives the runs of all.
    fn train(&self, what: &str, parts: &[Part], group: &str) -> Result<Vec<Run>> {
        let mut waiting = VecDeque::new();
        for part in parts {
            match self.trained(group, &part.recipe)? {
                Some(run) => {
                    let (name, place) = (&part.name, run.folder.display());
                    term::say(format_args!("{name} is trained: run `{place}`"));
                }
                None => waiting.push_back(self.to_train(part, group)?),
            }
        }
        if !waiting.is_empty() {
            self.begin(&waiting)?;
            let count = self.count.min(waiting.len());
            term::heading(format_args!("{}, {count} at a time", term::count(parts.len(), what)));
            self.train_all(waiting, count)?;
        }
        parts.iter().map(|part| self.newest(&part.name, group, &part.recipe)).collect()
    }

    /// A process that knows of its own fold alone would take a run from before `--anew`, which is gone on with here.
    fn to_train(&self, part: &Part, group: &str) -> Result<Part> {
        let mut part = part.clone();
        let runs = self.workspace.runs();
        if taken(self.args, &runs, self.competition, group, &part.recipe, None)?.is_some() {
            part.typed.push("--anew".to_owned());
        }
        Ok(part)
    }

    /// Notes what is about to be trained; an error where something was to be gone on with and none is there.
    fn begin(&self, waiting: &VecDeque<Part>) -> Result<()> {
        let runs = self.workspace.runs();
        for part in waiting {
            if !Run::unfinished(&runs, self.competition, &part.recipe)?.is_empty() {
                self.has_gone_on.set(true);
            }
        }
        self.has_trained.set(true);
        let has_gone_on = self.has_gone_on.get();
        ensure_resumes(self.args, self.workspace, self.competition, has_gone_on, OR_START)
    }

    /// Trains parts, `count` at a time.
    fn train_all(&self, mut waiting: VecDeque<Part>, count: usize) -> Result<()> {
        let mut processes = Processes::listening();
        // Of each that was started, which device it has.
        let (mut devices, mut free) = (Vec::new(), (0..count).rev().collect::<Vec<_>>());
        loop {
            while !processes.are_stopping()
                && !free.is_empty()
                && let Some(part) = waiting.pop_front()
                && let Some(at) = free.pop()
            {
                let mut command = copy_of_this(&OF_ALL_PARTS)?;
                command.args(&part.typed);
                let device =
                    if self.gpus { format!("cuda:{at}") } else { self.args.device.to_string() };
                command.arg("--device").arg(device);
                share_threads(&mut command, count);
                devices.push(at);
                processes.start(part.name.clone(), command, false)?;
            }
            let ended = processes.next_ended()?;
            if ended.is_empty() {
                return Ok(());
            }
            for (number, how) in ended {
                free.push(devices[number]);
                if how != Ended::Well {
                    return Err(failed(processes, number, how));
                }
            }
        }
    }
}

fn fold_of(recipe: &Recipe, fold: usize) -> Part {
    let typed = [typed_fold(recipe.folds, fold), vec!["--refit=never".to_owned()]].concat();
    Part { name: format!("fold {fold}"), recipe: Recipe { fold, ..recipe.clone() }, typed }
}

/// How many there are may be a preset's, or the recipe's: without that number `--fold` is none.
fn typed_fold(folds: usize, fold: usize) -> Vec<String> {
    ["--folds".to_owned(), folds.to_string(), "--fold".to_owned(), fold.to_string()].into()
}

/// The `nth` of `n` networks on all images by the plan of a run, which may be that of a fold.
fn network_of(recipe: &Recipe, plan: &str, fold: usize, nth: usize, n: usize) -> Part {
    let recipe = refit::nth_recipe(&Recipe { fold, ..recipe.clone() }, plan, nth);
    let settings = [format!("refit={plan}"), format!("seed={}", recipe.seed)];
    let mut typed: Vec<String> =
        settings.into_iter().flat_map(|setting| ["--set".to_owned(), setting]).collect();
    let (at, of) = match recipe.folds {
        0 => (nth + 1, n),
        folds => {
            typed.extend(typed_fold(folds, fold));
            (fold, folds)
        }
    };
    Part { name: format!("network {at} of {of}"), recipe, typed }
}

/// One failed, or was asked to stop: the others stop after this step, and go on where they stood when
/// the same command is run again.
fn failed(mut processes: Processes, number: usize, how: Ended) -> Error {
    processes.ask_to_stop();
    while processes.at_work() > 0 {
        if let Err(error) = processes.next_ended() {
            return error;
        }
    }
    if let Some(error) = processes.error(number, how) {
        return error;
    }
    let Ended::WithCode(code) = how else { unreachable!("it did not end well") };
    drop(processes);
    // It has told why, under its own name.
    std::process::exit(i32::from(code))
}
