//! A trained network becomes a finished run: predictions, decision, weights, summary.

use std::time::Instant;

use anyhow::Result;
use kaggle_kit::commands::kept;
use kaggle_kit::competition::Competition;
use kaggle_kit::decide::ensemble::{Pool, choose_views};
use kaggle_kit::decide::{Decision, TagOptions, tags};
use kaggle_kit::fs;
use kaggle_kit::learn::tta::{self, Parts};
use kaggle_kit::learn::{Data, Model};
use kaggle_kit::recipe::Recipe;
use kaggle_kit::run::{
    DECISION, Entry, Event, Journal, Listener, REPORT, Run, Stage, StageTime, Summary,
    VALID_PREDICTIONS, VIEWS, WEIGHTS, cycle_file,
};
use kaggle_kit::table::Table;
use kaggle_kit::target::Predictions;
use kaggle_kit::term;

use super::images::Images;
use super::report;
use crate::commands::predict::predict;
use crate::torch::Network;

/// Everything that a finished run is made of.
pub(super) struct Outcome<'a> {
    pub(super) run: &'a Run,
    pub(super) competition: &'a Competition,
    pub(super) recipe: &'a Recipe,
    pub(super) data: &'a Data,
    pub(super) images: &'a Images,
    pub(super) group: &'a str,
    pub(super) device: String,
    pub(super) journal: &'a Journal,
}

impl Outcome<'_> {
    /// Predicts the held-out images, decides, and writes it all down.
    pub(super) fn finish(&self, network: &mut Network, listener: &mut dyn Listener) -> Result<()> {
        let Self { run, competition, recipe, data, .. } = self;
        network.save(&run.file(WEIGHTS))?;
        let weights = self.weights()?;
        let (stage, start) = (Stage::Predict, Instant::now());
        listener.event(&Event::StageStarted { stage });
        let parts = predict(network, run, &weights, &data.valid.samples, recipe, None)?;
        let views = choose_views(&self.pool(parts.clone()))?;
        run.write_toml(VIEWS, &views)?;
        let ids = data.valid.samples.iter().map(|sample| sample.id.clone()).collect();
        let probabilities = Table::new(views.mean(&parts.probabilities), data.classes.len());
        let predictions = Predictions { ids, probabilities, classes: data.classes.clone() };
        let mut found = term::count(tta::Views::of(recipe).count(), "view");
        found = if views.is_all() {
            format!("mean over {found}")
        } else {
            format!("{} of {found}", views.chosen)
        };
        if weights.len() > 1 {
            found = format!("{found}, {} cycles", weights.len());
        }
        let seconds = start.elapsed().as_secs_f64();
        listener.event(&Event::StageFinished { stage, seconds, found: found.clone() });

        let decision = self.decide(&predictions)?;
        term::say(format_args!("   {decision}"));
        run.write_toml(DECISION, &decision)?;
        run.write(VALID_PREDICTIONS, kept::table(&predictions)?)?;
        let mut stages = self.stages();
        stages.push(StageTime { stage: stage.title().to_owned(), seconds, found });
        let summary = Summary {
            version: 1,
            competition: competition.name.clone(),
            finished: jiff::Timestamp::now().to_string(),
            program: format!("kaggle-kit {}", env!("CARGO_PKG_VERSION")),
            device: self.device.clone(),
            metric: competition.metric.name(),
            score: decision.score(),
            train_images: data.train.len(),
            valid_images: data.valid.len(),
            seconds: stages.iter().map(|stage| stage.seconds).sum(),
            seed: recipe.seed,
            folds: recipe.folds,
            fold: recipe.fold,
            group: self.group.to_owned(),
            weights,
            classes: data.classes.clone(),
            stages,
        };
        // A page is good to have, but no run should be lost for it.
        if let Err(error) = report::write(self, &summary, network, &predictions) {
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

    /// What the parts of the views say of the held-out images, as an ensemble.
    fn pool(&self, parts: Parts) -> Pool {
        let data = self.data;
        let samples = data.valid.samples.iter();
        let table = |cells| Table::new(cells, data.classes.len());
        Pool {
            metric: data.metric,
            kind: data.kind,
            classes: data.classes.clone(),
            names: parts.names,
            members: parts.probabilities.into_iter().map(table).collect(),
            ids: samples.clone().map(|sample| sample.id.clone()).collect(),
            targets: samples.map(|sample| sample.target.clone()).collect(),
            folds: vec![0; data.valid.len()],
            tags: TagOptions::default(),
        }
    }

    /// How what is predicted is submitted, by what was predicted for the held-out images.
    fn decide(&self, predictions: &Predictions) -> Result<Decision> {
        let Self { competition, data, .. } = self;
        let structure = tags::rules_of_spec(&competition.target.groups, &data.classes)?;
        let options = TagOptions { structure, ..TagOptions::default() };
        let targets = data.valid.samples.iter().map(|sample| sample.target.as_slice());
        Ok(Decision::fit(competition.metric, predictions, targets, &[], &options))
    }

    /// The weights that predict: the best, or those of the best cycles. Others are removed.
    fn weights(&self) -> Result<Vec<String>> {
        let n = self.recipe.whole_network.snapshots;
        let mut cycles: Vec<(f64, Stage, usize)> = Vec::new();
        for entry in &self.journal.done {
            if let Entry::Cycle { stage, number, scores } = entry {
                let loss = scores.last().map_or(f64::INFINITY, |score| score.loss);
                cycles.push((loss, *stage, *number));
            }
        }
        let mut candidates = cycles.clone();
        candidates.retain(|(_, stage, _)| *stage == Stage::WholeNetwork);
        candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
        candidates.truncate(n);
        let chosen: Vec<String> =
            candidates.iter().map(|(_, stage, number)| cycle_file(*stage, *number)).collect();
        for (_, stage, number) in cycles {
            let name = cycle_file(stage, number);
            if !chosen.contains(&name) && self.run.file(&name).exists() {
                fs::remove_file(self.run.file(&name))?;
            }
        }
        Ok(if chosen.is_empty() { vec![WEIGHTS.to_owned()] } else { chosen })
    }

    fn stages(&self) -> Vec<StageTime> {
        let stages = self.journal.done.iter().filter_map(|entry| match entry {
            Entry::Stage { stage, seconds, found } => Some(StageTime {
                stage: stage.title().to_owned(),
                seconds: *seconds,
                found: found.clone(),
            }),
            _ => None,
        });
        stages.collect()
    }
}
