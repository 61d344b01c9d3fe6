//! A finished run's folder as facts.

use std::collections::BTreeMap;

use anyhow::Result;

use super::facts::{About, ClassCount, Facts, StageFacts, Submitted, Validation};
use crate::decide::Decision;
use crate::recipe;
use crate::report::chart::label;
use crate::run::{LabelledImage, OUT_OF_FOLD, Run, Side, Summary, TEST_TABLE, Upload, Uploads};
use crate::target::{Classes, TargetKind};
use crate::term;

/// All that a finished run's folder tells. Pictures, duplicates and what was planned are not in it:
/// the caller adds them ([`super::gallery::fill`], [`Facts::plan`]).
pub fn of_run(run: &Run) -> Result<Facts> {
    with_summary(run, &run.summary()?)
}

/// The same of a run whose summary is not written yet.
pub fn with_summary(run: &Run, summary: &Summary) -> Result<Facts> {
    let n = [summary.train_images, summary.valid_images];
    let begun = unfinished(run, summary.device.clone(), &summary.classes, n)?;
    let training = run.training()?;
    for fault in &training.faults {
        term::warn(fault);
    }
    let about = About {
        competition: summary.competition.clone(),
        score: summary.score,
        finished: summary.finished.clone(),
        program: summary.program.clone(),
        seconds: summary.seconds,
        fold: (summary.folds > 0).then_some((summary.fold, summary.folds)),
        ..begun.about
    };
    let stages = summary.stages.iter().map(|line| StageFacts {
        stage: line.stage.clone(),
        planned: String::new(),
        found: line.found.clone(),
        seconds: line.seconds,
    });
    let classes = &summary.classes;
    let kind = run.competition()?.target.kind;
    let (predictions, truth) = run.held_out(classes, kind)?;
    let validation = Validation { predictions, kind, truth, called: run.class_names()? };
    let environment = [
        ("program", &summary.program),
        ("device", &summary.device),
        ("finished", &summary.finished),
        ("run folder", &run.folder.display().to_string()),
    ];
    Ok(Facts {
        stages: stages.collect(),
        way: summary.way.clone(),
        sweeps: training.sweeps,
        steps: training.steps,
        epochs: training.epochs,
        validation: Some(validation),
        decision: Some(Decision::of(run, &about.metric, classes)?),
        submitted: submitted(run),
        files: files(run),
        environment: environment.map(|(name, value)| (name.to_owned(), value.clone())).to_vec(),
        about,
        ..begun
    })
}

/// What is known of a run that begins to train; `n` are the images that it trains on and holds out.
pub fn unfinished(run: &Run, device: String, classes: &Classes, n: [usize; 2]) -> Result<Facts> {
    let (competition, recipe) = (run.competition()?, run.recipe()?);
    let kind = competition.target.kind;
    let [train_images, valid_images] = n;
    Ok(Facts {
        about: About {
            run: run.id(),
            competition: competition.name.clone(),
            title: competition.title.clone(),
            metric: competition.metric.clone(),
            score: 0.0,
            finished: String::new(),
            program: format!("kaggle-kit {}", env!("CARGO_PKG_VERSION")),
            device,
            backbone: recipe.own_backbone().to_owned(),
            size: recipe.size,
            train_images,
            valid_images,
            seconds: 0.0,
            refit: Some(recipe.refit.clone()).filter(|run| !run.is_empty()),
            fold: (recipe.folds > 0).then_some((recipe.fold, recipe.folds)),
        },
        leak: competition.leak.clone(),
        stages: Vec::new(),
        way: Vec::new(),
        sweeps: Vec::new(),
        steps: Vec::new(),
        epochs: Vec::new(),
        validation: None,
        decision: None,
        submitted: None,
        counts: match kind {
            TargetKind::Number => count_numbers(&run.labelled(classes, kind)?),
            _ => count_classes(&run.labelled(classes, kind)?, classes),
        },
        duplicates: None,
        found: None,
        pictures: BTreeMap::new(),
        files: Vec::new(),
        recipe: run.recipe_text()?,
        changed: recipe::changed(&run.default_recipe(&recipe)?, &recipe)?,
        environment: Vec::new(),
    })
}

/// Takes what a run's logs tell by now.
pub fn retell(facts: &mut Facts, run: &Run) -> Result<()> {
    let training = run.training()?;
    (facts.sweeps, facts.steps, facts.epochs) = (training.sweeps, training.steps, training.epochs);
    Ok(())
}

/// The scores of the newest upload that has one.
fn submitted(run: &Run) -> Option<Submitted> {
    // A list that cannot be read is told by who changes it.
    let scored = |upload: &Upload| upload.public_score.or(upload.private_score).is_some();
    let upload = Uploads::of(run).ok()?.uploads.into_iter().rfind(scored)?;
    let Upload { public_score: public, private_score: private, place, .. } = upload;
    Some(Submitted { public, private, place: place.map(|place| place.to_string()) })
}

/// The tables that a run's folder has by now.
pub fn files(run: &Run) -> Vec<(&'static str, &'static str)> {
    let known = [
        (
            OUT_OF_FOLD,
            "what was predicted for images held out, with their labels, over all folds that are finished",
        ),
        (TEST_TABLE, "what was predicted for the test images, the mean over all folds"),
        ("valid-predictions.csv", "what this run predicted for the images that it held out"),
        ("split.csv", "which images it trained on, and which it held out"),
        ("steps.csv", "loss, rate and momentum of every step"),
        ("lr-find.csv", "the curves of the learning-rate finder"),
    ];
    known.into_iter().filter(|(name, _)| run.file(name).is_file()).collect()
}

/// Images of each class, by what they were used for; nothing where there is no image.
fn count_classes(images: &[LabelledImage], classes: &Classes) -> Vec<ClassCount> {
    if images.is_empty() {
        return Vec::new();
    }
    let count = |name: &String| ClassCount { class: name.clone(), train: 0, valid: 0 };
    let mut counts: Vec<ClassCount> = classes.names().iter().map(count).collect();
    for LabelledImage { side, target, .. } in images {
        for &class in target {
            match side {
                Side::Train => counts[class].train += 1,
                Side::Valid => counts[class].valid += 1,
            }
        }
    }
    counts
}

/// Parts of the range of the first number, each as wide as the others.
const PARTS: usize = 10;

/// Images by where their first number lies.
fn count_numbers(images: &[LabelledImage]) -> Vec<ClassCount> {
    let first = |image: &LabelledImage| image.numbers.first().copied();
    let all = || images.iter().filter_map(first);
    let (low, high) =
        (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    if low >= high {
        return Vec::new();
    }
    let width = (high - low) / PARTS as f64;
    let limit = |part: usize| label(low + part as f64 * width);
    let part = |part: usize| ClassCount {
        class: format!("{} to {}", limit(part), limit(part + 1)),
        train: 0,
        valid: 0,
    };
    let mut counts: Vec<ClassCount> = (0..PARTS).map(part).collect();
    for image in images {
        let Some(number) = first(image) else { continue };
        let count = &mut counts[(((number - low) / width) as usize).min(PARTS - 1)];
        match image.side {
            Side::Train => count.train += 1,
            Side::Valid => count.valid += 1,
        }
    }
    counts
}

#[cfg(test)]
mod tests;
