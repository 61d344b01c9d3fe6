//! The images of a competition: opened, looked at, and split.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, ensure};
use kaggle_kit::cache::CachePolicy;
use kaggle_kit::commands::bad_images;
use kaggle_kit::competition::Competition;
use kaggle_kit::dataset::{self, Dataset, Sample, Split, Twins};
use kaggle_kit::hash::Hash;
use kaggle_kit::learn::{Data, Group as _, Plan, Pretrained, SplitSide};
use kaggle_kit::metric::Metric;
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::report::{Bar, Unit};
use kaggle_kit::run::{MadeFrom, PSEUDO_LABELS, Side, SplitRow, SplitTable, TEACHERS};
use kaggle_kit::target::TargetKind;
use kaggle_kit::term;
use sha2::{Digest, Sha256};

use super::keep::keep as keep_pictures;
use super::pseudo::Pseudo;
use crate::commands::ranks::Ranks;

/// All labelled images that a recipe trains on or holds out.
pub(in crate::commands) struct CompetitionImages {
    pub(super) dataset: Dataset,
    /// Which of them show the same picture.
    pub(super) duplicates: Twins,
    metric: Metric,
    /// Where the numbers that are asked for lie, if that is known.
    range: Option<[f64; 2]>,
    /// Test images that are trained on, if there are any.
    pub(super) pseudo: Option<Pseudo>,
    /// A hash of what teaches, where something does.
    pub(super) teachers: Option<Hash>,
    /// What a run chose that held some of them out, where all are trained on.
    pub(super) plan: Option<Plan>,
    /// By which seed images are held out: the recipe's own, or where a plan is followed the one of its run.
    pub(super) seed: u64,
    /// The competition's name, and its spec.
    name: String,
    source: String,
}

impl CompetitionImages {
    /// Opens them, and looks at every image: a bad one is better found now than in hours. Of several ranks
    /// the first alone looks, and tells the others what it found.
    pub(in crate::commands) fn open(
        competition: &Competition,
        data: &Path,
        recipe: &Recipe,
        ranks: &Ranks,
    ) -> Result<Self> {
        let mut dataset = dataset::open(competition, data)?;
        if ranks.is_first() {
            dataset.found.lines().iter().for_each(term::say);
            dataset.found.warnings.iter().for_each(term::warn);
        }
        limit(&mut dataset, recipe);
        ranks.compare("images", &fingerprint(&dataset))?;
        let duplicates = if ranks.is_first() {
            Self::look(&mut dataset, data, recipe)?
        } else {
            Twins::default()
        };
        let duplicates = followed(duplicates, ranks)?;
        let (name, source) = (competition.name.clone(), competition.source.clone());
        let (metric, range) = (competition.metric.clone(), competition.target.range);
        Ok(Self {
            dataset,
            duplicates,
            metric,
            range,
            pseudo: None,
            teachers: None,
            plan: None,
            seed: recipe.seed,
            name,
            source,
        })
    }

    fn look(dataset: &mut Dataset, data: &Path, recipe: &Recipe) -> Result<Twins> {
        let bar = Bar::new("check images", Unit::Items("images"));
        let symmetries = recipe.augment.symmetries();
        let duplicates =
            dataset::find_twins(&dataset.train, &dataset.test, data, symmetries, &bar)?;
        drop(bar);
        bad_images::warn(
            duplicates.broken.iter().map(|(_, bad)| bad),
            "training does without, `submit` answers for them by the mean of the training images",
        );
        for line in duplicates.lines(&dataset.train, &dataset.test) {
            term::say(format_args!("   {line}"));
        }
        duplicates.warnings.iter().for_each(term::warn);
        dataset.found.warnings.extend(duplicates.warnings.iter().cloned());
        Ok(duplicates)
    }

    /// Splits off the images that the recipe holds out.
    pub(in crate::commands) fn split(&self, recipe: &Recipe) -> Result<Data> {
        self.parts(recipe).map(|(data, _)| data)
    }

    /// The same, with places for their pictures where it pays to keep them.
    pub(super) fn split_and_keep(&self, recipe: &Recipe, keep: CachePolicy) -> Result<Data> {
        let (mut data, split) = self.parts(recipe)?;
        let pictures = &self.duplicates.pictures;
        // Of test images there are no places.
        if data.n_pseudo == 0 {
            keep_pictures(&mut data, pictures, &split, &self.name, keep)?;
        }
        Ok(data)
    }

    fn parts(&self, recipe: &Recipe) -> Result<(Data, Split)> {
        let Dataset { train: samples, classes, kind, .. } = &self.dataset;
        // Twins and what the competition says must not be parted, as one list of sets.
        let groups = [self.duplicates.groups.as_slice(), &self.dataset.groups].concat();
        let (n_classes, groups) = (classes.len(), &groups);
        let split = if recipe.folds == 0 {
            dataset::hold_out(samples, groups, n_classes, *kind, recipe.valid, self.seed)
        } else {
            let folds = dataset::folds(samples, groups, n_classes, *kind, recipe.folds, self.seed);
            check_folds(&folds, recipe)?;
            Split::of_fold(&folds, recipe.fold - 1)
        };
        let largest = self.dataset.groups.iter().map(Vec::len).max().unwrap_or_default();
        ensure!(
            !split.valid.is_empty() || largest * 2 < samples.len(),
            "{} cannot be parted: `[split]` of the spec keeps {largest} of them together\nhint: name another \
             column as `group` there, or take `[split]` out",
            term::count(samples.len(), "image"),
        );
        ensure!(
            split.train.len() >= recipe.batch_size && !split.valid.is_empty(),
            "{} are too few to train on and to hold some out: {} + {}\nhint: {}",
            term::count(samples.len(), "image"),
            split.train.len(),
            split.valid.len(),
            if samples.len() < 4 {
                "more of them are wanted".to_owned()
            } else {
                let (batch, valid) = (recipe.batch_size, recipe.valid);
                format!("lower `--set batch-size={batch}`, or change `--set valid={valid}`")
            }
        );
        let sets = dataset::sets_of(samples.len(), groups);
        let side = |indices: &[usize]| {
            SplitSide::new(samples, indices, *kind, n_classes).in_sets(indices, &sets)
        };
        let split = match &self.plan {
            Some(_) => Split { train: [split.train, split.valid.clone()].concat(), ..split },
            None => split,
        };
        let train = side(&split.train);
        let training = self.metric.family().trains;
        let mut data = Data {
            outputs: Outputs::new(*kind, n_classes, training, self.range, &train.targets),
            train,
            n_pseudo: 0,
            valid: side(&split.valid),
            plan: self.plan.clone(),
            classes: classes.clone(),
            kind: *kind,
            metric: self.metric.clone(),
            recipe: recipe.clone(),
            at_once: None,
        };
        if let Some(pseudo) = &self.pseudo {
            pseudo.add_to(&mut data)?;
        }
        Ok((data, split))
    }

    /// What a run of them is made from, with these weights.
    pub(super) fn made_from(&self, weights: &[Pretrained]) -> Result<MadeFrom> {
        let mut weights: Vec<(&str, Hash)> =
            weights.iter().map(|one| (one.name.as_str(), one.weights)).collect();
        if let Some(pseudo) = &self.pseudo {
            weights.push((PSEUDO_LABELS, pseudo.hash()?));
        }
        weights.extend(self.teachers.map(|teachers| (TEACHERS, teachers)));
        let bar = Bar::new("hash images", Unit::Items("images"));
        let made_from = MadeFrom::of(&self.dataset.train, weights, &bar)?;
        let Some(plan) = &self.plan else { return Ok(made_from) };
        Ok(made_from.by_plan(Hash::of(toml::to_string(plan.journal())?.as_bytes())))
    }

    /// The name of all folds of one model, or of all networks by one plan: a hash of everything that they have
    /// in common, the pictures by their bytes. Folds that are trained once more have a plan each.
    pub(super) fn group(&self, recipe: &Recipe) -> Result<String> {
        let mut recipe = Recipe { fold: 1, seed: self.seed, ..recipe.clone() };
        if recipe.folds > 0 && !recipe.refit.is_empty() {
            "folds".clone_into(&mut recipe.refit);
        }
        let mut hash = Sha256::new();
        hash.update(self.source.as_bytes());
        hash.update(toml::to_string(&recipe).unwrap_or_default().as_bytes());
        for sample in &self.dataset.train {
            hash.update(format!("\n{} {:?}", sample.id, sample.target).as_bytes());
            if !sample.numbers.is_empty() {
                hash.update(format!(" {:?}", sample.numbers).as_bytes());
            }
        }
        hash.update(dataset::digest_of_set(&self.dataset.train, &())?.0);
        if let Some(pseudo) = &self.pseudo {
            hash.update(pseudo.hash()?.0);
        }
        if let Some(teachers) = &self.teachers {
            hash.update(teachers.0);
        }
        let mut name = Hash::from(hash).to_string();
        name.truncate(12);
        Ok(name)
    }
}

/// What must be the same on every rank.
fn fingerprint(dataset: &Dataset) -> String {
    let mut labels = Sha256::new();
    for Sample { id, target, numbers, .. } in &dataset.train {
        labels.update(format!("{id} {target:?} {numbers:?}\n").as_bytes());
    }
    let (classes, n) = (dataset.classes.names().join(", "), dataset.train.len());
    format!("classes {classes}\n{n} labelled images\nlabels {}\n", Hash::from(labels))
}

/// What the first rank has found.
fn followed(duplicates: Twins, ranks: &Ranks) -> Result<Twins> {
    let Some(group) = ranks.group() else { return Ok(duplicates) };
    // It may look at a terabyte of pictures.
    group.wait_for_first()?;
    let mut bytes = if ranks.is_first() { duplicates.to_bytes()? } else { Vec::new() };
    group.spread_bytes(&mut bytes)?;
    if ranks.is_first() { Ok(duplicates) } else { Twins::from_bytes(&bytes) }
}

/// Every fold must have images, and leave enough to train on: told before the first one is trained.
fn check_folds(folds: &[usize], recipe: &Recipe) -> Result<()> {
    let of = |fold: usize| folds.iter().filter(|&&of| of == fold).count();
    let sizes: Vec<usize> = (0..recipe.folds).map(of).collect();
    let n_empty = sizes.iter().filter(|n| **n == 0).count();
    ensure!(
        n_empty == 0,
        "{} in {} folds: {n_empty} would be empty\nhint: {}{}",
        term::count(folds.len(), "image"),
        recipe.folds,
        match recipe.folds - n_empty {
            0 | 1 => "leave `--folds` out, or use more images".to_owned(),
            most => format!("give at most `--folds {most}`"),
        },
        if recipe.folds > folds.len() { "" } else { "; images of one picture stay together" }
    );
    let largest = sizes.iter().max().copied().unwrap_or_default();
    ensure!(
        folds.len() - largest >= recipe.batch_size,
        "{} in {} folds: beside the largest, {} are left to train on, less than a batch\nhint: lower \
         `--set batch-size={}`, or give other `--folds {}`",
        term::count(folds.len(), "image"),
        recipe.folds,
        folds.len() - largest,
        recipe.batch_size,
        recipe.folds
    );
    Ok(())
}

/// Leaves a stratified part of the training images, when the recipe asks for one.
fn limit(dataset: &mut Dataset, recipe: &Recipe) {
    let n_images = dataset.train.len();
    if recipe.max_images == 0 || recipe.max_images >= n_images {
        return;
    }
    // The held-out side of a split is a stratified sample of the size wanted.
    let fraction = recipe.max_images as f64 / n_images as f64;
    let (n_classes, kind) = (dataset.classes.len(), dataset.kind);
    let part = dataset::split(&dataset.train, n_classes, kind, fraction, recipe.seed);
    dataset.train = part.valid.iter().map(|&i| dataset.train[i].clone()).collect();
    let place = |i: &usize| part.valid.binary_search(i).ok();
    for group in &mut dataset.groups {
        *group = group.iter().filter_map(place).collect();
    }
    dataset.groups.retain(|group| group.len() > 1);
}

/// How many images the split leaves to train on, beside those that are held out.
pub(super) fn n_split_off(data: &Data) -> usize {
    let also_held_out = if data.plan.is_some() { data.valid.len() } else { 0 };
    data.train.len() - data.n_pseudo - also_held_out
}

/// Where each image went, and what it shows; the plan's, where all are trained on.
pub(super) fn split_table(data: &Data) -> SplitTable {
    let rows = |side, of: &SplitSide| -> Vec<SplitRow> {
        let mut n_of: HashMap<usize, usize> = HashMap::new();
        of.sets.iter().for_each(|set| *n_of.entry(*set).or_default() += 1);
        let row = |(Sample { id, target, numbers, .. }, set): (&Sample, &usize)| {
            let labels = target.iter().map(|&class| data.classes.names()[class].clone());
            let (id, labels, numbers) = (id.clone(), labels.collect(), numbers.clone());
            SplitRow { id, side, labels, numbers, set: Some(*set).filter(|set| n_of[set] > 1) }
        };
        of.samples.iter().zip(&of.sets).map(row).collect()
    };
    let is_number = data.kind == TargetKind::Number;
    let columns = if is_number { data.classes.names().to_vec() } else { Vec::new() };
    SplitTable {
        columns,
        rows: {
            let mut train = rows(Side::Train, &data.train);
            train.truncate(n_split_off(data));
            [train, rows(Side::Valid, &data.valid)].concat()
        },
    }
}
