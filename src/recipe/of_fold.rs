//! Which of several backbones a fold has: `resnet50,convnext_tiny` are taken in turn, so that networks of
//! different kinds become one model.

use anyhow::{Result, ensure};

use super::{Layer, Recipe};
use crate::zoo::{self, Architecture};

impl Recipe {
    /// This fold's backbone, or those that it has side by side, joined by `+`.
    pub fn own_backbone(&self) -> &str {
        of_fold(&self.backbone, self.fold)
    }

    /// The files of its weights, likewise. One backbone has one, whatever is in its path.
    pub fn own_weights(&self) -> &str {
        if self.backbone.contains(',') { of_fold(&self.weights, self.fold) } else { &self.weights }
    }

    /// The recipe of this fold's network, which knows nothing of the others'.
    #[must_use]
    pub fn of_own_backbone(&self) -> Self {
        Self {
            backbone: self.own_backbone().to_owned(),
            weights: self.own_weights().to_owned(),
            ..self.clone()
        }
    }

    /// The folds have backbones of their own only where there are as many folds.
    pub(super) fn check_backbones(&self) -> Result<()> {
        let n = self.backbone.split(',').count();
        if n == 1 {
            return Ok(());
        }
        ensure!(
            n <= self.folds,
            "`backbone` names {n} for as many folds, and here are {}\nhint: `--folds {n}` or `--set folds={n}` trains one with each, \
             `--backbone` names fewer; `+` in place of the comma puts them side by side in one network",
            self.folds
        );
        let files = self.weights.split(',').count();
        ensure!(
            self.weights.is_empty() || files == n,
            "`weights` names {files} for folds in turn, and `backbone` {n}\nhint: give as many, parted by \
             commas; leave one empty to look in the cache"
        );
        Ok(())
    }
}

/// What lets a recipe do with fewer folds than it has backbones for: its first one.
pub(super) fn fewer(recipe: &Recipe) -> Vec<Layer> {
    if recipe.backbone.split(',').count() <= recipe.folds.max(1) {
        return Vec::new();
    }
    let one = Recipe { fold: 1, ..recipe.clone() }.of_own_backbone();
    let settings = [("backbone", one.backbone), ("weights", one.weights)];
    settings.map(|(key, value)| Layer::text("the first backbone", key, &value)).into()
}

/// The backbones of all folds that a recipe names.
pub fn backbones_of_folds(names: &str) -> Result<Vec<&'static Architecture>> {
    let of_each: Vec<Vec<&Architecture>> =
        names.split(',').map(zoo::find_all).collect::<Result<_>>()?;
    Ok(zoo::each_once(of_each.into_iter().flatten()))
}

/// What is parted by commas is for one fold after the other, from the first again behind the last.
pub fn of_fold(list: &str, fold: usize) -> &str {
    let n = list.split(',').count();
    list.split(',').nth(fold.saturating_sub(1) % n).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::resolve;

    fn recipe(settings: &[&str]) -> Result<Recipe> {
        let layers =
            settings.iter().map(|typed| Layer::assignment(typed)).collect::<Result<Vec<_>>>();
        resolve(&layers?)
    }

    #[test]
    fn folds_take_backbones_in_turn() {
        let list = "backbone=tf_efficientnet_lite0, tf_efficientnet_lite2+resnet18";
        let mut recipe = recipe(&["folds=5", list, "weights=,two+three"]).unwrap();
        let own: Vec<String> = (1..=5)
            .map(|fold| {
                recipe.fold = fold;
                format!("{} {}", recipe.own_backbone(), recipe.own_weights())
            })
            .collect();
        let [first, second] =
            ["tf_efficientnet_lite0 ", "tf_efficientnet_lite2+resnet18 two+three"];
        assert_eq!(own, [first, second, first, second, first]);
        // All of them see the size that the largest is used to.
        assert_eq!((recipe.size, recipe.crop), (260, 0.95));
        let all = backbones_of_folds("resnet18,tf_efficientnet_lite2+resnet18").unwrap();
        let names: Vec<&str> = all.iter().map(|backbone| backbone.name).collect();
        assert_eq!(names, ["resnet18", "tf_efficientnet_lite2"]);
    }

    #[test]
    fn one_backbone_is_for_all_folds() {
        let recipe = recipe(&["folds=2", "fold=2", "weights=a, comma/file"]).unwrap();
        assert_eq!(recipe.own_backbone(), "tf_efficientnet_lite0");
        assert_eq!(recipe.own_weights(), "a, comma/file");
    }

    #[test]
    fn what_no_fold_would_take_is_an_error() {
        let told = |settings: &[&str]| format!("{:#}", recipe(settings).unwrap_err());
        let list = "backbone=resnet18,resnet34,resnet50";
        assert!(told(&[list]).contains("`--folds 3` or `--set folds=3` trains one with each"));
        assert!(told(&[list, "folds=2"]).contains("names 3 for as many folds, and here are 2"));
        let of_weights = told(&["folds=3", list, "weights=a,b"]);
        assert!(of_weights.contains("`weights` names 2 for folds in turn"), "{of_weights}");
        assert!(told(&["folds=3", list, "weights=a"]).contains("and `backbone` 3"));
        assert!(
            told(&["folds=3", "backbone=resnet18,,resnet34"]).contains("unknown architecture ``")
        );
    }
}
