//! The end of a run: what it predicts and how it decides, written down.

use std::time::Instant;

use anyhow::Result;
use kaggle_kit::decide::Decision;
use kaggle_kit::decide::ensemble::ViewChoice;
use kaggle_kit::learn::Model;
use kaggle_kit::report as reporting;
use kaggle_kit::run::{
    self, DECISION, Event, JOURNAL, Journal, Listener, REPORT, Run, Stage, StageTime, Summary,
    VIEWS, WEIGHTS, WayStep,
};
use kaggle_kit::target::Predictions;
use kaggle_kit::term;

use super::images::n_split_off;
use super::{TrainOne, Training, outcome, refit, report};
use crate::torch::Network;

/// What is known of a run by its held-out images.
pub(super) struct Known {
    pub(super) predictions: Predictions,
    pub(super) decision: Decision,
    pub(super) views: ViewChoice,
    /// The views in words.
    pub(super) found: String,
    pub(super) way: Vec<WayStep>,
}

impl TrainOne<'_> {
    /// Predicts the held-out images, decides, and writes it all down.
    pub(super) fn finish(
        &self,
        run: &Run,
        journal: &Journal,
        network: &mut Network,
        listener: &mut dyn Listener,
    ) -> Result<()> {
        let Self { recipe, data, .. } = self;
        let Training { competition, images, ranks, workspace, .. } = self.training;
        network.save(&run.file(WEIGHTS))?;
        let weights = outcome::weights(run, journal, recipe.whole_network.snapshots)?;
        let weights_sha256 = run.hash_weights(&weights)?;
        let (stage, start) = (Stage::Predict, Instant::now());
        listener.event(&Event::StageStarted { stage });
        let known = match &data.plan {
            Some(_) => refit::known(recipe, data, workspace)?,
            None => self.judged(run, journal, network, &weights)?,
        };
        let Known { predictions, decision, views, found, mut way } = known;
        if data.plan.is_some() {
            let own = outcome::said_by_itself(network, ranks, run, &weights, data, recipe, &views)?;
            run.write_own_predictions(&own, data.kind)?;
            if let Some(again) = way.last_mut() {
                again.seconds =
                    Some(outcome::stages(journal).iter().map(|stage| stage.seconds).sum());
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        listener.event(&Event::StageFinished { stage, seconds, found: found.clone() });

        term::say(format_args!("   {decision}"));
        // Networks by one plan have all come the same way.
        if self.nth() == 0 {
            reporting::tell_way(&way, &competition.metric, data.valid.len());
        }
        run.write_toml(VIEWS, &views)?;
        run.write_toml(DECISION, &decision)?;
        run.write_toml(JOURNAL, journal)?;
        run.write_outputs(&data.outputs)?;
        run.write_class_names(&images.dataset.found.names)?;
        run.write_valid_predictions(&predictions, data.kind)?;
        let own = run::out_of_fold(&[(run, recipe.fold)], &data.classes, data.kind)?;
        run.write_out_of_fold(&own)?;
        let mut stages = outcome::stages(journal);
        stages.push(StageTime { stage: stage.title().to_owned(), seconds, found });
        let summary = Summary {
            version: 1,
            competition: competition.name.clone(),
            finished: jiff::Timestamp::now().to_string(),
            program: format!("kaggle-kit {}", env!("CARGO_PKG_VERSION")),
            device: ranks.describe(),
            metric: competition.metric.name(),
            score: decision.score(),
            train_images: n_split_off(data),
            valid_images: data.valid.len(),
            seconds: stages.iter().map(|stage| stage.seconds).sum(),
            seed: recipe.seed,
            folds: recipe.folds,
            fold: recipe.fold,
            refit: recipe.refit.clone(),
            group: self.group.clone(),
            weights,
            weights_sha256,
            classes: data.classes.clone(),
            classes_sha256: run::hash_of_classes(&data.classes),
            stages,
            way,
        };
        // A page is good to have, but no run should be lost for it.
        if let Err(error) = report::write(run, &summary, data, images, network) {
            term::warn(format_args!("no report was made: {error:#}"));
        }
        run.finish(&summary)?;
        if recipe.folds > 0 {
            outcome::keep_out_of_fold(run);
        }
        let whose = match &data.plan {
            Some(_) => format!(" of run `{}`", recipe.refit),
            None => String::new(),
        };
        term::done(format_args!(
            "{} {:.5}{whose} on {} held-out images, in {}; `{}`",
            summary.metric,
            summary.score,
            term::thousands(summary.valid_images),
            term::duration(summary.seconds),
            run.file(REPORT).display()
        ));
        Ok(())
    }

    /// What a network that has held out images says of them, and what follows from that.
    fn judged(
        &self,
        run: &Run,
        journal: &Journal,
        network: &mut Network,
        weights: &[String],
    ) -> Result<Known> {
        let Self { recipe, data, .. } = self;
        let Training { competition, ranks, .. } = self.training;
        let (predictions, views, found) =
            outcome::predictions(network, ranks, run, weights, data, recipe)?;
        let decision = outcome::decide(competition, data, &predictions)?;
        let way = outcome::way(competition, data, journal, (&predictions, &found), &decision);
        Ok(Known { predictions, decision, views, found, way })
    }
}
