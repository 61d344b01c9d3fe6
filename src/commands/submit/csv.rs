//! From what runs say about the test images to the CSV that Kaggle takes. What needs a network lies
//! in the runs' folders by then.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::blend;
use super::broken;
use super::checked::Ready;
use crate::competition::Competition;
use crate::dataset::{self, BadImage, Pooled, Sample, SampleSubmission};
use crate::decide::Decision;
use crate::decide::ensemble::BlendChoice;
use crate::decide::ensemble::members::Member;
use crate::hash::Hash;
use crate::report::html;
use crate::report::{Bar, Unit};
use crate::run::{Run, TEST_TABLE};
use crate::submission;
use crate::target::{Answers, Predictions};
use crate::term;

/// The test images, and the file that an answer must fit.
pub struct TestSet {
    pub competition: Competition,
    /// Those that can be used.
    pub samples: Arc<[Sample]>,
    /// The others, whose rows are not predicted.
    pub broken: Vec<BadImage>,
    /// Of the test images' ids and bytes: what tells them from others.
    pub hash: String,
    /// The ids, their order and the header.
    pub sample: SampleSubmission,
    /// The images of each answer, where it is for several.
    pub pools: Option<Vec<Pooled>>,
}

impl TestSet {
    /// Reads a competition's test set as the members' newest run knows it.
    pub fn open(members: &[Member], data: &Path) -> Result<Self> {
        let first = members.first().context("no run to submit")?;
        let competition = newest(members)?.competition()?;
        let folder = data.join(&competition.name);
        let samples = dataset::open_test(&competition, &folder, &first.classes)?;
        let bar = Bar::new("check images", Unit::Items("images"));
        let (samples, broken) = broken::take_out(samples, &folder, &bar)?;
        drop(bar);
        let samples: Arc<[Sample]> = samples.into();
        let sample = SampleSubmission::find(&competition, &folder)?;
        let bar = Bar::new("hash images", Unit::Items("images"));
        let hash = dataset::digest_of_set(&samples, &bar)?.to_string();
        drop(bar);
        let pools = dataset::pools(&competition, &folder, &first.classes)?;
        Ok(Self { competition, samples, broken, hash, sample, pools })
    }

    /// The runs whose predictions of these images are missing.
    pub fn missing<'a>(&self, members: &'a [Member]) -> Result<Vec<&'a Run>> {
        let mut missing = Vec::new();
        for run in members.iter().flat_map(|member| &member.runs) {
            if !run.has_test_predictions(&self.hash)? {
                missing.push(run);
            }
        }
        Ok(missing)
    }

    /// What each member predicts, a row an answer; none of its runs' predictions may be missing.
    pub fn predictions(&self, members: &[Member]) -> Result<Vec<Predictions>> {
        let of_member = |member: &Member| {
            let runs = member.runs.iter();
            let of_run = |run: &Run| {
                let predicted =
                    run.test_predictions(&self.samples, &member.classes, member.kind)?;
                broken::completed(predicted, &self.broken, run, member.kind)
            };
            let of_runs: Vec<Predictions> = runs.map(of_run).collect::<Result<_>>()?;
            let said = member.mean(&of_runs)?;
            keep_table(member, &said);
            match (&self.pools, self.competition.submission.pool()) {
                (Some(answers), Some(how)) => submission::pool(&said, answers, how),
                _ => Ok(said),
            }
        };
        members.iter().map(of_member).collect()
    }
}

/// Keeps what a member says of the test images with its runs, and links it from their pages. A submission
/// does without.
fn keep_table(member: &Member, said: &Predictions) {
    let keep = |run: &Run| {
        run.write_test_table(said, member.kind)?;
        html::link_files(run)
    };
    for run in &member.runs {
        if let Err(error) = keep(run) {
            term::warn(format_args!("no `{TEST_TABLE}` in run `{}`: {error:#}", run.id()));
        }
    }
}

/// What becomes of the members' predictions.
#[expect(clippy::large_enum_variant, reason = "there is one")]
pub enum Plan {
    /// The one run's own decision.
    Run(Decision),
    /// A blend of several runs, and a decision about that.
    Blend(BlendChoice),
}

impl Plan {
    /// As it is kept with a single run, or chosen for several; needs no picture.
    pub fn choose(members: &[Member]) -> Result<Self> {
        match single(members) {
            Some(run) => {
                let Member { metric, classes, .. } = &members[0];
                Ok(Self::Run(Decision::of(run, metric, classes)?))
            }
            None => Ok(Self::Blend(blend::fit(members)?)),
        }
    }

    /// What becomes of what the members say.
    pub fn decision(&self) -> &Decision {
        match self {
            Self::Run(decision) => decision,
            Self::Blend(choice) => &choice.decision,
        }
    }

    /// What the members say together, before anything is decided.
    pub fn said(&self, of_members: &[Predictions]) -> Result<Predictions> {
        match self {
            Self::Run(_) => of_members.first().cloned().context("no run to submit"),
            Self::Blend(choice) => choice.blend.apply(of_members),
        }
    }

    /// What is submitted, of what each member says.
    fn answers(&self, of_members: &[Predictions]) -> Result<Answers> {
        self.decision().apply(self.said(of_members)?)
    }

    /// Writes the CSV of what each member says, which fits the sample, and beside a blend's what it
    /// was made by.
    pub fn write(
        &self,
        test_set: &TestSet,
        members: &[Member],
        of_members: &[Predictions],
        submissions: &Path,
    ) -> Result<Ready> {
        let competition = test_set.competition.clone();
        let csv = submissions.join(match self {
            Self::Run(_) => newest(members)?.csv_name(&competition.name),
            Self::Blend(_) => blend_name(&competition, members),
        });
        let answers = self.answers(of_members)?;
        let notes = submission::write(&answers, &competition, &test_set.sample, &csv)?;
        if let Self::Blend(choice) = self {
            blend::keep(choice, members, &csv)?;
        }
        let run = if members.len() == 1 { members[0].runs.last().cloned() } else { None };
        let (n_rows, broken) = (test_set.sample.ids.len(), test_set.broken.clone());
        let expected = Some(self.decision().score()).filter(|score| score.is_finite());
        Ok(Ready { competition, run, csv, n_rows, notes, broken, expected })
    }
}

/// The one run that all members are, if they are no more.
pub fn single(members: &[Member]) -> Option<&Run> {
    match members {
        [Member { runs, .. }] if runs.len() == 1 => runs.first(),
        _ => None,
    }
}

fn newest(members: &[Member]) -> Result<&Run> {
    let first = members.first().context("no run to submit")?;
    first.runs.last().context("a model without runs")
}

/// The file of a blend: the same runs make the same name.
fn blend_name(competition: &Competition, members: &[Member]) -> String {
    let mut hash = Sha256::new();
    for run in members.iter().flat_map(|member| &member.runs) {
        hash.update(run.id().as_bytes());
        hash.update(b"\n");
    }
    let digits = Hash::from(hash).to_string();
    format!("{}-blend-{}.csv", competition.name, &digits[..8])
}
