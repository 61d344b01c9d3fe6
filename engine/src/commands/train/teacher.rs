//! Distillation (Hinton et al. 2015): a network learns what others, larger or several, say of its training
//! images, beside what is true of them.

use anyhow::{Result, ensure};
use kaggle_kit::decide::ensemble::{ViewChoice, members};
use kaggle_kit::hash::Hash;
use kaggle_kit::learn::Data;
use kaggle_kit::recipe::Recipe;
use kaggle_kit::run::{Run, VIEWS, Workspace};
use kaggle_kit::term;

use super::pseudo::without;
use crate::commands::predict::predictions_of;
use crate::commands::ranks::Ranks;

/// A hash of the networks that teach, and of their views, where a recipe names any: what is trained follows from
/// them.
pub(super) fn hash(recipe: &Recipe, workspace: &Workspace, ranks: &Ranks) -> Result<Option<Hash>> {
    if recipe.distil.teacher.is_empty() || recipe.distil.share == 0.0 {
        return Ok(None);
    }
    ensure!(
        ranks.group().is_none(),
        "`--teacher` is for one process, and here are several\nhint: leave `--ranks` or `--gpus` out"
    );
    let mut told = String::new();
    for name in names(&recipe.distil.teacher) {
        for run in members::of(Run::find(&workspace.runs(), None, name)?)?.runs {
            let views: ViewChoice = run.read_toml(VIEWS)?;
            told += &format!("{:?} {views:?}\n", run.summary()?.weights_sha256);
        }
    }
    Ok(Some(Hash::of(told.as_bytes())))
}

fn names(typed: &str) -> Vec<&str> {
    typed.split('+').map(str::trim).collect()
}

/// Lets the targets of the training images be the mean of what is true and what the recipe's teachers say, where
/// it names any. They see each image in all their views, and have held out what is held out here.
pub(super) fn teach(data: &mut Data, workspace: &Workspace, ranks: &Ranks) -> Result<()> {
    let share = data.recipe.distil.share as f32;
    let named = data.recipe.distil.teacher.clone();
    if named.is_empty() || share == 0.0 {
        return Ok(());
    }
    let names = names(&named);
    let mut sum = vec![0.0; data.train.targets.len()];
    for name in &names {
        let competition = None;
        let member = members::of(Run::find(&workspace.runs(), competition, name)?)?;
        let run = without(&member, data)?;
        let samples = &data.train.samples;
        let said =
            predictions_of(&run, samples, "training image", ranks, None, |_, _, _, _| Ok(()))?;
        sum.iter_mut().zip(said.probabilities.as_slice()).for_each(|(sum, p)| *sum += p);
    }
    let n = names.len() as f32;
    for (target, sum) in data.train.targets.iter_mut().zip(sum) {
        *target += share * (sum / n - *target);
    }
    term::say(format_args!(
        "   {} of every target is what {} said",
        share,
        term::count(names.len(), "teacher")
    ));
    Ok(())
}
