//! The members of an ensemble: finished runs, those that are folds of one model together, and what
//! they predicted about images that they had not seen.
//!
//! Runs may come from several machines: whatever lies in the same folder and has the same `group`
//! belongs together.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::{Blend, Pool};
use crate::competition::Competition;
use crate::decide::{Options, deal};
use crate::metric::Metric;
use crate::run::{Run, Summary};
use crate::table::Table;
use crate::target::{Classes, Predictions, TargetKind, Truth};
use crate::term;

/// A model of an ensemble, without what it predicted.
#[derive(Clone, Debug)]
pub struct Member {
    /// The id of its first run.
    pub name: String,
    /// Its runs in the order of their folds, or of the seeds of those that trained on all images by one plan; a
    /// single one where there is neither.
    pub runs: Vec<Run>,
    /// How many folds it has when it is whole; 0: it is of one run.
    pub folds: usize,
    /// Whether each run has trained on all images, by the plan of one that had not.
    pub is_on_all: bool,
    /// One class or many tags.
    pub kind: TargetKind,
    /// How its competition is scored.
    pub metric: Metric,
    /// The vocabulary.
    pub classes: Classes,
    /// The competition's short name.
    pub competition: String,
    /// The mean of its runs' scores, a validation image each.
    pub score: f64,
    /// Images that it learned from or was validated on.
    pub images: usize,
}

impl Member {
    /// `5 folds`, `3 of 5 folds`, `5 folds once more`, `1 run`, `5 networks`.
    pub fn extent(&self) -> String {
        let more = if self.is_on_all { " once more" } else { "" };
        match (self.folds, self.runs.len()) {
            (0, 1) => term::count(1, "run"),
            (0, n) => term::count(n, "network"),
            (folds, n) if n == folds => format!("{}{more}", term::count(n, "fold")),
            (folds, n) => format!("{n} of {}{more}", term::count(folds, "fold")),
        }
    }

    /// Whether what its runs say of held-out images is one run's: it is no fold, or all are by one plan.
    pub fn is_of_one_hold_out(&self) -> bool {
        self.folds == 0 || self.runs.len() == 1
    }

    /// The member's answer from those of its runs, which are in the order of `runs`: their mean.
    pub fn mean(&self, of_runs: &[Predictions]) -> Result<Predictions> {
        let names = self.runs.iter().map(Run::id).collect();
        Blend::mean(names, self.kind, self.classes.clone()).apply(of_runs)
    }

    fn from_runs(mut runs: Vec<(Run, Summary)>) -> Result<Self> {
        // Folds of one seed, or one hold-out by several seeds.
        let place = |summary: &Summary| (summary.fold, summary.seed);
        runs.sort_by_cached_key(|(run, of_run)| (place(of_run), Reverse((run.time(), run.id()))));
        // What was trained twice counts once: that which was finished last.
        runs.dedup_by(|(_, later), (_, earlier)| place(later) == place(earlier));
        let (first, summary) = runs.first().context("a member without runs")?.clone();
        let competition = first.competition()?;
        let held_out: usize = runs.iter().map(|(_, summary)| summary.valid_images).sum();
        let scored = runs.iter().map(|(_, summary)| summary.score * summary.valid_images as f64);
        Ok(Self {
            name: first.id(),
            folds: summary.folds,
            is_on_all: !summary.refit.is_empty(),
            kind: competition.target.kind,
            metric: competition.metric,
            competition: summary.competition,
            score: scored.sum::<f64>() / held_out.max(1) as f64,
            images: summary.train_images + summary.valid_images,
            classes: summary.classes,
            runs: runs.into_iter().map(|(run, _)| run).collect(),
        })
    }
}

/// The members that `given` names, each a run's folder or its id. A run that is a fold stands for
/// its whole model.
pub fn named(runs: &Path, competition: Option<&str>, given: &[String]) -> Result<Vec<Member>> {
    let mut members: Vec<Member> = Vec::new();
    for name in given {
        let member = of(Run::find(runs, competition, name)?)?;
        if !members.iter().any(|known| known.name == member.name) {
            members.push(member);
        }
    }
    agree(&members)?;
    Ok(members)
}

/// A finished run by itself, even where it is one fold of several.
pub fn alone(run: Run) -> Result<Member> {
    let summary = run.summary()?;
    Member::from_runs(vec![(run, summary)])
}

/// The model that a finished run is: the run alone, or all folds that lie beside it, or all that were trained by
/// the same plan.
pub fn of(run: Run) -> Result<Member> {
    let summary = run.summary()?;
    let runs = match (model_of(&summary), run.folder.parent()) {
        (None, _) | (_, None) => vec![(run, summary)],
        (model, Some(folder)) => {
            finished_in(folder)?.into_iter().filter(|(_, other)| model_of(other) == model).collect()
        }
    };
    Member::from_runs(runs)
}

/// Runs by a member's plan that came to no end.
pub fn unfinished(member: &Member) -> Result<Vec<Run>> {
    let Some(run) = member.runs.first().filter(|_| member.folds == 0) else {
        return Ok(Vec::new());
    };
    let (plan, folder) = (run.summary()?.refit, run.folder.parent());
    let Some(folder) = folder.filter(|_| !plan.is_empty()) else { return Ok(Vec::new()) };
    let mut found = Run::in_folder(folder)?;
    found.retain(|run| !run.is_finished() && run.recipe().is_ok_and(|recipe| recipe.refit == plan));
    Ok(found)
}

/// What tells the runs of one model from others; none where a run is one by itself.
fn model_of(Summary { folds, refit, group, .. }: &Summary) -> Option<(&str, &str)> {
    let is_alone = group.is_empty() || *folds == 0 && refit.is_empty();
    // Of folds each has been trained once more by its own plan, which the group leaves out.
    let plan = if *folds > 0 { "" } else { refit };
    (!is_alone).then_some((plan, group))
}

/// The `n` best members of a competition by their own validation scores. Those that saw only a part
/// of the images that others saw are passed over.
pub fn best(runs: &Path, competition: &Competition, n: usize) -> Result<Vec<Member>> {
    let mut groups: BTreeMap<String, Vec<(Run, Summary)>> = BTreeMap::new();
    let mut refitted = HashSet::new();
    for (run, summary) in finished_in(&runs.join(&competition.name))? {
        refitted.insert(summary.refit.clone());
        let of_model = |(refit, group)| format!("group {group} {refit}");
        let key = model_of(&summary).map_or_else(|| run.id(), of_model);
        groups.entry(key).or_default().push((run, summary));
    }
    if groups.is_empty() {
        Run::newest(runs, Some(competition))?;
    }
    let of_group = |runs: Vec<(Run, Summary)>| {
        let weights: Vec<String> =
            runs.iter().flat_map(|(_, summary)| summary.weights_sha256.clone()).collect();
        Ok((Member::from_runs(runs)?, weights))
    };
    let mut members: Vec<(Member, Vec<String>)> =
        groups.into_values().map(of_group).collect::<Result<_>>()?;
    // Runs that were trained once more on all images are there as that, once all of them were.
    members.retain(|(member, _)| !member.runs.iter().all(|run| refitted.contains(&run.id())));
    members.retain(|(member, _)| !member.is_on_all || member.runs.len() >= member.folds);
    let images = members.iter().map(|(member, _)| member.images).max().unwrap_or_default();
    members.retain(|(member, _)| member.images == images);
    members.sort_by(|(a, _), (b, _)| {
        let order = a.score.total_cmp(&b.score);
        if a.metric.better(1.0, 0.0) { order.reverse() } else { order }
    });
    // The same network twice says nothing more.
    let mut known = HashSet::new();
    members.retain(|(_, weights)| weights.is_empty() || known.insert(weights.clone()));
    let mut members: Vec<Member> = members.into_iter().map(|(member, _)| member).collect();
    members.truncate(n);
    agree(&members)?;
    Ok(members)
}

/// What all members predicted about the images that each of them has held out, in the order of ids; where
/// several images get one answer, about these together.
pub fn pool(members: &[Member]) -> Result<Pool> {
    agree(members)?;
    let first = members.first().context("an ensemble without members")?;
    let held_out: Vec<BTreeMap<String, HeldOutImage>> =
        members.iter().map(held_out_by).collect::<Result<_>>()?;
    let common: Vec<&String> =
        held_out[0].keys().filter(|&id| held_out.iter().all(|of| of.contains_key(id))).collect();
    if common.is_empty() {
        bail!(
            "{} have no held-out image in common, so nothing can be blended on\nhint: train them \
             with the same `seed` and `valid`, or each with `--folds`",
            quoted(members)
        );
    }
    let mut pool = Pool {
        metric: first.metric.clone(),
        kind: first.kind,
        classes: first.classes.clone(),
        names: members.iter().map(|member| member.name.clone()).collect(),
        members: vec![Table::empty(first.kind.n_outputs(first.classes.len())); members.len()],
        ids: Vec::new(),
        truth: Truth::Classes(Vec::new()),
        folds: Vec::new(),
        options: options(first)?,
    };
    let n_folds = |of: &BTreeMap<String, HeldOutImage>| {
        let mut folds: Vec<usize> = common.iter().map(|&id| of[id].fold).collect();
        folds.sort_unstable();
        folds.dedup();
        folds.len()
    };
    // Any member's folds keep near-duplicates together; more of them leave more to fit on.
    let folded = held_out.iter().max_by_key(|of| n_folds(of)).unwrap_or(&held_out[0]);
    let is_one_fold = n_folds(folded) == 1;
    let (mut targets, mut numbers) = (Vec::new(), Table::empty(first.classes.len()));
    for id in common {
        let truth = &held_out[0][id].truth;
        for (member, of) in members.iter().zip(&held_out) {
            ensure!(
                of[id].truth == *truth,
                "`{id}` has other labels in `{}` than in `{}`\nhint: the training labels have \
                 changed between the two; train again",
                member.name,
                first.name
            );
        }
        for (rows, of) in pool.members.iter_mut().zip(&held_out) {
            rows.push(&of[id].row);
        }
        pool.ids.push(id.clone());
        match truth {
            Truth::Classes(classes) => targets.extend_from_slice(classes),
            Truth::Numbers(of_image) => of_image.rows().for_each(|row| numbers.push(row)),
        }
        pool.folds.push(folded[id].fold);
    }
    if is_one_fold {
        // Of one hold-out: what belongs together stays so, as in the split; dealt in the run's own order, as when it
        // was trained.
        let run = first.runs.first().context("a member without runs")?;
        let mut order: Vec<usize> = (0..pool.ids.len()).collect();
        order.sort_by_key(|&i| held_out[0][&pool.ids[i]].place);
        let ids: Vec<String> = order.iter().map(|&i| pool.ids[i].clone()).collect();
        let folds = deal(&run.sets(&ids, &first.classes, first.kind)?);
        order.into_iter().zip(folds).for_each(|(i, fold)| pool.folds[i] = fold);
    }
    pool.truth = match first.kind {
        TargetKind::Number => Truth::Numbers(numbers),
        _ => Truth::Classes(targets),
    };
    match competition_of(first)?.pools_training() {
        Some(how) => {
            let run = first.runs.first().context("a member without runs")?;
            let sets = run.sets(&pool.ids, &first.classes, first.kind)?;
            pool.of_answers(&sets, how)
        }
        None => Ok(pool),
    }
}

/// The finished runs in a folder, the last finished last.
fn finished_in(folder: &Path) -> Result<Vec<(Run, Summary)>> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let with_summary = |run: Run| Ok((run.clone(), run.summary()?));
    Run::in_folder(folder)?.into_iter().filter(Run::is_finished).map(with_summary).collect()
}

/// Members must answer the same question in the same words.
fn agree(members: &[Member]) -> Result<()> {
    let Some((first, others)) = members.split_first() else {
        return Ok(());
    };
    for member in others {
        ensure!(
            member.competition == first.competition,
            "`{}` is a run of `{}`, `{}` one of `{}`: they cannot be blended",
            member.name,
            member.competition,
            first.name,
            first.competition
        );
        ensure!(
            member.classes == first.classes && member.metric == first.metric,
            "`{}` and `{}` were trained with other classes or another metric\nhint: their \
             `competition.toml` and `summary.toml` tell",
            member.name,
            first.name
        );
    }
    Ok(())
}

fn quoted(members: &[Member]) -> String {
    let names: Vec<String> = members.iter().map(|member| format!("`{}`", member.name)).collect();
    names.join(", ")
}

/// What a member predicted about an image that the network had not seen.
struct HeldOutImage {
    row: Vec<f32>,
    /// Of this image alone.
    truth: Truth,
    fold: usize,
    /// Which it is of the run's.
    place: usize,
}

fn held_out_by(member: &Member) -> Result<BTreeMap<String, HeldOutImage>> {
    let mut all: BTreeMap<String, HeldOutImage> = BTreeMap::new();
    let n_folds = if member.is_of_one_hold_out() { 1 } else { member.runs.len() };
    for (fold, run) in member.runs[..n_folds].iter().enumerate() {
        let (predicted, truth) = run.held_out(&member.classes, member.kind)?;
        for (place, (id, row)) in predicted.ids.iter().zip(predicted.rows()).enumerate() {
            let truth = truth.select(&[place]);
            let held_out = HeldOutImage { row: row.to_vec(), truth, fold, place };
            if all.insert(id.clone(), held_out).is_some() {
                bail!(
                    "`{id}` is held out in two folds of `{}`: its runs were not made from the same \
                     images\nhint: remove the folders of the older ones",
                    member.name
                );
            }
        }
    }
    Ok(all)
}

/// What a decision is to go by, by the spec of the member's runs.
fn options(member: &Member) -> Result<Options> {
    Options::of(&competition_of(member)?, &member.classes)
}

fn competition_of(member: &Member) -> Result<Competition> {
    member.runs.first().context("a member without runs")?.competition()
}

#[cfg(test)]
mod tests;
