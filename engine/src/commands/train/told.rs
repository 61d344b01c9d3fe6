//! What `train` says before it begins.

use kaggle_kit::learn;
use kaggle_kit::target::TargetKind;
use kaggle_kit::term;

use super::TrainOne;

impl TrainOne<'_> {
    /// Of several networks on all images by one plan, which this is, from 0.
    pub(super) fn nth(&self) -> u64 {
        self.recipe.seed.wrapping_sub(self.training.images.seed)
    }

    /// What will happen, before it does.
    pub(super) fn print_plan(&self, device: &str) {
        let Self { recipe, data, .. } = self;
        let competition = &self.training.competition;
        let part = match (recipe.folds, self.training.networks) {
            (0, n) if n > 1 && data.plan.is_some() => {
                format!(", network {} of {n}", self.nth().saturating_add(1))
            }
            (0, _) => String::new(),
            (folds, _) => {
                let more = if data.plan.is_some() { " once more" } else { "" };
                format!(", fold {} of {folds}{more}", recipe.fold)
            }
        };
        term::heading(format_args!("{}: {}{part}", competition.name, competition.title));
        term::say(format_args!(
            "   {} at {} pixels on {device}; {} to train on, {}, {}",
            recipe.own_backbone(),
            recipe.size,
            match data.n_pseudo {
                0 => term::count(data.train.len(), "image"),
                n => format!(
                    "{} and {} as `{}` labels them",
                    term::count(data.train.len() - n, "image"),
                    term::count(n, "test image"),
                    recipe.pseudo
                ),
            },
            match recipe.refit.as_str() {
                "" => format!("{} held out", term::thousands(data.valid.len())),
                plan => format!(
                    "by the plan of run `{plan}`, which held out {} of them: losses are what that run had",
                    term::thousands(data.valid.len())
                ),
            },
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
        if self.training.networks > 0 && data.plan.is_none() {
            let all = term::count(data.train.len() - data.n_pseudo + data.valid.len(), "image");
            let what = match self.training.networks {
                1 if recipe.folds > 0 => {
                    format!("each fold once more on all {all}, by what came of it")
                }
                1 => format!("once more on all {all}, by what came of it"),
                n => format!("{n} networks on all {all}, by what came of it; their mean predicts"),
            };
            term::say(format_args!("   then {what}; `--refit=never` leaves that out"));
        }
    }
}
