//! How far a run came that is not finished, and the command that goes on with it.

use std::fs::TryLockError;

use anyhow::Result;

use super::CHECKPOINT;
use super::event::{Epoch, Event};
use super::folder::{COMPETITION, RECIPE, Run};
use super::stage::Stage;
use crate::competition;
use crate::fs;
use crate::recipe::{self, Layer, Recipe};
use crate::typed;

/// Where a run stands that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The stage that was begun last, and the epochs of it that are over.
    pub stage: Option<(Stage, usize)>,
    /// Training steps that need not be made again; none where no checkpoint was written.
    pub kept: Option<u64>,
    /// Whether a process trains it at this moment.
    pub is_trained: bool,
}

impl Run {
    /// Where it stands.
    pub fn standing(&self) -> Result<Standing> {
        let mut stage = None;
        for event in self.events()?.lines {
            match event {
                Event::StageStarted { stage: begun } => stage = Some((begun, 0)),
                Event::Epoch(Epoch { stage: of, epoch, .. }) => stage = Some((of, epoch)),
                _ => {}
            }
        }
        Ok(Standing { stage, kept: self.kept_steps()?, is_trained: self.is_locked() })
    }

    /// Whether another process has the right to train it.
    fn is_locked(&self) -> bool {
        let lock = fs::open(self.file(CHECKPOINT).join("lock"));
        lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The command that goes on with it: it comes to the same spec and recipe.
    pub fn command_to_go_on(&self) -> Result<String> {
        let (competition, own) = (self.competition()?, self.recipe()?);
        let found = competition::find(&competition.typed);
        let is_same = found.is_ok_and(|found| found.source == competition.source);
        let kept_spec = self.file(COMPETITION).display().to_string();
        let spec = if is_same { competition.typed.clone() } else { kept_spec };
        let mut words = vec!["train".to_owned(), spec];
        // The shortest that means the same.
        let comes_to = |layers: Vec<Layer>| {
            let layers: Vec<Layer> = layers.into_iter().chain(folds_of(&own)).collect();
            recipe::of_competition(&competition, &layers).is_ok_and(|other| other == own)
        };
        if comes_to(vec![recipe::smoke()?]) {
            words.push("--smoke".to_owned());
        } else if !comes_to(Vec::new()) {
            words.extend(["--recipe".to_owned(), self.file(RECIPE).display().to_string()]);
        }
        if own.folds > 0 {
            let [folds, fold] = [own.folds, own.fold].map(|n| n.to_string());
            words.extend(["--folds".to_owned(), folds, "--fold".to_owned(), fold]);
        }
        Ok(typed::command(words.iter().map(String::as_str)))
    }
}

/// The settings that `--folds` and `--fold` make.
fn folds_of(recipe: &Recipe) -> Vec<Layer> {
    let numbers = [("folds", recipe.folds), ("fold", recipe.fold)];
    let layers = numbers.iter().map(|(name, n)| Layer::assignment(&format!("{name}={n}")));
    if recipe.folds > 0 { layers.filter_map(Result::ok).collect() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::competition::Competition;
    use crate::run::{Log, Score};

    fn begun(competition: &Competition, layers: &[Layer]) -> (tempfile::TempDir, Run) {
        let runs = tempfile::tempdir().unwrap();
        let recipe = recipe::of_competition(competition, layers).unwrap();
        let run = Run::create(runs.path(), competition, &recipe).unwrap();
        (runs, run)
    }

    #[test]
    fn the_command_is_the_shortest_that_comes_to_the_same_recipe() {
        let planet = competition::find("planet").unwrap();
        let command = |layers: &[Layer]| {
            let (_runs, run) = begun(&planet, layers);
            let command = run.command_to_go_on().unwrap();
            command.replace(&run.folder.display().to_string(), "RUN")
        };
        let set = |text: &str| Layer::assignment(text).unwrap();
        assert_eq!(command(&[]), "kaggle-kit train planet");
        assert_eq!(command(&[recipe::smoke().unwrap()]), "kaggle-kit train planet --smoke");
        assert_eq!(command(&[set("size=96")]), "kaggle-kit train planet --recipe RUN/recipe.toml");
        assert_eq!(
            command(&[set("folds=5"), set("fold=3")]),
            "kaggle-kit train planet --folds 5 --fold 3"
        );
        let source = format!("# mine\n{}", planet.source);
        let own = Competition::parse("planet", &source, "planet.toml").unwrap();
        let (_runs, run) = begun(&own, &[]);
        let command = run.command_to_go_on().unwrap();
        assert!(command.ends_with("/competition.toml"), "a spec of its own: {command}");
    }

    #[test]
    fn a_run_stands_where_its_log_ends() {
        let (_runs, run) = begun(&competition::find("planet").unwrap(), &[]);
        let nowhere = Standing { stage: None, kept: None, is_trained: false };
        assert_eq!(run.standing().unwrap(), nowhere);
        let stage = Stage::WholeNetwork;
        let mut log = Log::open(&run).unwrap();
        log.write(&Event::StageStarted { stage }).unwrap();
        let score = Score { loss: 0.5, metric: 0.9, accuracy: None, error: None };
        let epoch = Epoch {
            stage,
            epoch: 2,
            cycle: 2,
            train_loss: 0.4,
            score,
            rates: [1e-3; 3],
            seconds: 1.0,
        };
        log.write(&Event::Epoch(epoch)).unwrap();
        let _lock = run.lock().unwrap().unwrap();
        let standing = Standing { stage: Some((stage, 2)), kept: None, is_trained: true };
        assert_eq!(run.standing().unwrap(), standing);
    }
}
