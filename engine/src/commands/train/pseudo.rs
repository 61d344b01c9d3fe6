//! Pseudo-labels: test images that are trained on with what a finished model says of them (Lee 2013), as soft
//! targets.
//!
//! Nothing leaks into the held-out score: what labels the images for a fold has held out all that the fold holds
//! out.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use kaggle_kit::commands::submit::TestSet;
use kaggle_kit::competition::Competition;
use kaggle_kit::decide::ensemble::members::{self, Member};
use kaggle_kit::hash::Hash;
use kaggle_kit::learn::Data;
use kaggle_kit::run::{Run, SplitTable, Workspace};
use kaggle_kit::target::Predictions;
use kaggle_kit::term;
use kaggle_kit::typed;

/// The model that labels, and the images.
pub(super) struct Pseudo {
    member: Member,
    test_set: TestSet,
}

impl Pseudo {
    /// The model that the run `named` is, or one fold of, whose predictions must be there.
    pub(super) fn open(
        named: &str,
        competition: &Competition,
        data: &Path,
        workspace: &Workspace,
    ) -> Result<Self> {
        let run = Run::find(&workspace.runs(), Some(&competition.name), named)?;
        let member = members::of(run)?;
        let members = std::slice::from_ref(&member);
        let test_set = TestSet::open(members, data)?;
        if !test_set.missing(members)?.is_empty() {
            let command = typed::command(["submit", "--runs", named]);
            bail!(
                "run `{named}` has not predicted these test images yet\nhint: run `{command}`, then this \
                 again"
            );
        }
        Ok(Self { member, test_set })
    }

    /// Puts the test images behind the training images.
    pub(super) fn add_to(&self, data: &mut Data) -> Result<()> {
        let run = without(&self.member, data)?;
        let said = self.said(&run)?;
        let train = &mut data.train;
        let first = train.sets.iter().chain(&data.valid.sets).max().map_or(0, |set| set + 1);
        train.sets.extend((0..said.ids.len()).map(|i| first + i));
        train.targets.extend(said.probabilities.as_slice());
        let samples = train.samples.iter().chain(self.test_set.samples.iter());
        train.samples = samples.cloned().collect::<Arc<[_]>>();
        data.n_pseudo = said.ids.len();
        Ok(())
    }

    /// What a run says of the test images, in their order.
    fn said(&self, run: &Run) -> Result<Predictions> {
        run.test_predictions(&self.test_set.samples, &self.member.classes, self.member.kind)
    }

    /// A hash of what was said of them.
    pub(super) fn hash(&self) -> Result<Hash> {
        let mut bytes = Vec::new();
        for run in &self.member.runs {
            let said = self.said(run)?;
            bytes.extend(said.probabilities.as_slice().iter().flat_map(|cell| cell.to_le_bytes()));
        }
        Ok(Hash::of(&bytes))
    }
}

/// The run of a model that has held out all that is held out here.
pub(super) fn without(member: &Member, data: &Data) -> Result<Run> {
    ensure!(
        data.kind == member.kind && data.classes == member.classes,
        "run `{}` knows other classes\nhint: train it again",
        member.name
    );
    for run in &member.runs {
        let summary = run.summary()?;
        ensure!(
            summary.refit.is_empty(),
            "run `{}` has trained on all images, those too that are held out here, so its labels would tell \
             about them\nhint: name the run by whose plan it was made, `{}`",
            run.id(),
            summary.refit
        );
        let split = SplitTable::of(run, &data.classes, data.kind)?;
        let held_out: HashSet<&str> = split.held_out().collect();
        if data.valid.samples.iter().all(|one| held_out.contains(one.id.as_str())) {
            return Ok(run.clone());
        }
    }
    bail!(
        "{} has trained on images that are held out here, so its labels would tell about them\nhint: \
         hold out the same: give the `--folds`, `valid` and `seed` that it was trained with",
        match member.runs.len() {
            1 => format!("run `{}`", member.name),
            n => format!("each of the {} of `{}`", term::count(n, "run"), member.name),
        }
    )
}
