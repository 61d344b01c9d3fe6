//! Sending a CSV to Kaggle, and what comes of it.
//!
//! A submission is one of a few a day, so nothing is sent twice by accident: not a file that is known as
//! sent, and none once the day's number is used up. What Kaggle has taken is written into the run at once,
//! or beside the file where it is no one run's, and the score and the place when they are known.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use thiserror::Error;

use super::checked::Ready;
use crate::competition::Competition;
use crate::fs;
use crate::hash::Hash;
use crate::kaggle::{Class, Client, KnownBy, SubmissionLimits, Submitted};
use crate::progress::Progress;
use crate::report::{Bar, Unit, html};
use crate::run::{BoardPlace, Run, Upload, UploadStatus, Uploads};
use crate::term;

/// How long a score is looked for when nobody asked to wait; Kaggle goes on scoring after that.
const SHORT_LOOK: Duration = Duration::from_secs(15);
/// Kaggle is asked as often as this at most, and as this at least.
const PAUSES: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(15)];

/// What has come of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outcome {
    /// What the run keeps of it.
    #[serde(flatten)]
    pub upload: Upload,
    /// Whether it was sent now, or was there already.
    pub sent_now: bool,
    /// How many more Kaggle takes today, where it tells.
    pub left_today: Option<u32>,
}

/// The day's submissions are used up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "no submission to `{slug}` is left today: {sent} sent\nhint: Kaggle's day ends at midnight UTC"
)]
pub struct NoneLeft {
    pub slug: String,
    pub sent: u32,
}

impl Outcome {
    /// One that was sent now, with what is left of the day.
    pub(super) fn now(upload: Upload, limits: Option<SubmissionLimits>) -> Self {
        let left_today = limits.map(|limits| limits.num_allowed_now.saturating_sub(1));
        if let Some(left) = left_today {
            term::say(format_args!("   {} left today", term::count(left as usize, "submission")));
        }
        Self { upload, sent_now: true, left_today }
    }

    /// An error if Kaggle turned it down.
    pub fn ensure_taken(&self) -> Result<()> {
        if self.upload.status == UploadStatus::Error {
            bail!(
                "Kaggle turned submission {} down: {}",
                self.upload.reference,
                self.upload.error.as_deref().map_or_else(
                    || "it does not say why".to_owned(),
                    |said| term::one_line(said, 1000)
                )
            );
        }
        Ok(())
    }
}

/// What an upload is of, which keeps what came of it.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Run(&'a Run),
    /// A blend, a file made elsewhere, or a pack of several models.
    File(&'a Path),
}

impl Source<'_> {
    fn uploads(self) -> Result<Uploads> {
        match self {
            Self::Run(run) => Uploads::of(run),
            Self::File(file) => Uploads::beside(file),
        }
    }

    fn keep(self, upload: &Upload) -> Result<()> {
        match self {
            Self::Run(run) if Uploads::keep(run, upload)? => html::tell_submitted(run),
            Self::Run(_) => {}
            Self::File(file) => {
                Uploads::keep_beside(file, upload)?;
            }
        }
        Ok(())
    }
}

/// Sends a CSV, or finds that it is there already (unless it is to be sent `again`), and waits for its
/// score: so long, or for a short look.
pub fn upload(
    client: &Client,
    ready: &Ready,
    message: &str,
    again: bool,
    wait: Option<Duration>,
) -> Result<Outcome> {
    let competition = &ready.competition;
    let sha256 = Hash::of(&fs::read(&ready.csv)?).to_string();
    let source = ready.run.as_ref().map_or(Source::File(&ready.csv), Source::Run);
    let mut outcome = if let Some(earlier) = earlier(client, source, &sha256, again)? {
        earlier
    } else {
        let limits = left_today(client, competition, is_under_way(&ready.csv))?;
        let upload = send(client, ready, message, sha256)?;
        Outcome::now(upload, limits)
    };
    follow(client, competition, source, &mut outcome, wait)?;
    if outcome.sent_now {
        client.settle(&ready.csv)?;
    }
    Ok(outcome)
}

/// What was sent with the same content before, if Kaggle still has it and it is not to be sent
/// `again`.
pub(super) fn earlier(
    client: &Client,
    source: Source<'_>,
    sha256: &str,
    again: bool,
) -> Result<Option<Outcome>> {
    if again {
        return Ok(None);
    }
    let kept = source.uploads()?.find(&client.endpoint().to_string(), sha256).cloned();
    let Some(upload) = kept.map(|upload| still_there(client, upload)).transpose()?.flatten() else {
        return Ok(None);
    };
    term::say(format_args!(
        "   this very file is submission {} already, sent {}: `--again` sends it once more",
        upload.reference, upload.sent
    ));
    Ok(Some(Outcome { upload, sent_now: false, left_today: None }))
}

/// Keeps what Kaggle has taken, waits for its score (so long, or for a short look), and tells both.
pub(super) fn follow(
    client: &Client,
    competition: &Competition,
    source: Source<'_>,
    outcome: &mut Outcome,
    wait: Option<Duration>,
) -> Result<()> {
    source.keep(&outcome.upload)?;
    let patience = wait.unwrap_or(SHORT_LOOK);
    wait_for_score(client, &mut outcome.upload, patience)?;
    if let Some(score) = outcome.upload.public_score
        && outcome.upload.status == UploadStatus::Complete
    {
        outcome.upload.place = place(client, competition, score).or(outcome.upload.place);
    }
    source.keep(&outcome.upload)?;
    print(&outcome.upload, competition);
    Ok(())
}

/// An upload of an earlier time as Kaggle has it now; none if it does not have it, or turned it
/// down.
fn still_there(client: &Client, mut upload: Upload) -> Result<Option<Upload>> {
    match client.submission(upload.reference) {
        Ok(now) => upload.update(&now),
        Err(error) if error.class() == Class::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    Ok(Some(upload).filter(|upload| upload.status != UploadStatus::Error))
}

/// The day's limits, shown; an error where nothing is left. Where Kaggle does not tell, the
/// submission itself will.
pub(super) fn left_today(
    client: &Client,
    competition: &Competition,
    is_under_way: bool,
) -> Result<Option<SubmissionLimits>> {
    let slug = &competition.slug;
    let limits = match client.submission_limits(slug) {
        Ok(limits) => limits,
        Err(error) if matches!(error.class(), Class::Credentials | Class::Rules) => {
            return Err(error.into());
        }
        Err(error) => {
            let (message, _) = term::describe(&error.into());
            term::warn(format_args!("the day's limit is not known: {message}"));
            return Ok(None);
        }
    };
    term::say(format_args!(
        "   {} left today, {} sent",
        term::count(limits.num_allowed_now as usize, "submission"),
        term::thousands(limits.num_today as usize),
    ));
    if limits.num_allowed_now == 0 && !is_under_way {
        return Err(NoneLeft { slug: slug.clone(), sent: limits.num_today }.into());
    }
    Ok(Some(limits))
}

/// Whether a submission of the file was cut off: it may have been taken, and counted, so going on
/// with it must not be stopped by the count. (The client keeps this file until it is settled.)
fn is_under_way(csv: &Path) -> bool {
    let name = csv.file_name().unwrap_or_default().to_string_lossy();
    csv.with_file_name(format!(".{name}.upload.toml")).is_file()
}

fn send(client: &Client, ready: &Ready, message: &str, sha256: String) -> Result<Upload> {
    let name = ready.csv.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let bar = Bar::new(&name, Unit::Bytes);
    let submitted = client
        .submit(&ready.competition.slug, &ready.csv, message, &bar)
        .with_context(|| format!("failed to upload `{}`", ready.csv.display()))?;
    drop(bar);
    Ok(taken(client, &submitted, name, sha256, message))
}

/// Tells of a submission that Kaggle took, and what is to be kept of it.
pub(super) fn taken(
    client: &Client,
    submitted: &Submitted,
    file: String,
    sha256: String,
    message: &str,
) -> Upload {
    term::done(format_args!("submission {}: {}", submitted.reference, submitted.message));
    match submitted.known_by {
        KnownBy::Answered => {}
        KnownBy::InList => {
            term::say("   the answer was lost, but Kaggle's list has it: it was not sent twice");
        }
        KnownBy::Before => term::say("   it was made before, and is not sent twice"),
    }
    Upload {
        reference: submitted.reference,
        endpoint: client.endpoint().to_string(),
        file,
        sha256,
        message: message.to_owned(),
        sent: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        status: UploadStatus::Pending,
        public_score: None,
        private_score: None,
        error: None,
        place: None,
    }
}

/// Asks until there is a score, a refusal, or no patience left. The submission is made: trouble
/// with asking ends the wait, and is not an error.
fn wait_for_score(client: &Client, upload: &mut Upload, patience: Duration) -> Result<()> {
    let bar = Bar::new("waiting for the score", Unit::Seconds);
    bar.total(patience.as_secs());
    let (start, [mut pause, longest]) = (Instant::now(), PAUSES);
    let mut shown = 0;
    loop {
        match client.submission(upload.reference) {
            Ok(now) => upload.update(&now),
            // A new submission is not everywhere at once.
            Err(error) if error.class() == Class::NotFound => {}
            Err(error) if error.class() == Class::Credentials => return Err(error.into()),
            Err(error) => {
                let (message, _) = term::describe(&error.into());
                bar.note(&format!("the score cannot be asked for now: {message}"));
            }
        }
        let left = patience.saturating_sub(start.elapsed());
        if upload.status != UploadStatus::Pending || left.is_zero() {
            return Ok(());
        }
        sleep(pause.min(left));
        pause = (pause * 2).min(longest);
        let seconds = start.elapsed().as_secs();
        bar.advance(seconds - shown);
        shown = seconds;
    }
}

/// Where a score stands; none where the board cannot be had, which is no reason to fail.
fn place(client: &Client, competition: &Competition, score: f64) -> Option<BoardPlace> {
    match client.leaderboard(&competition.slug, &()) {
        Ok(standings) => BoardPlace::of(score, &standings, &competition.metric),
        Err(error) => {
            term::detail(format_args!("no leaderboard: {error}"));
            None
        }
    }
}

fn print(upload: &Upload, competition: &Competition) {
    let page = format!("https://www.kaggle.com/competitions/{}/submissions", competition.slug);
    match (upload.status, upload.public_score) {
        (UploadStatus::Pending, _) => {
            term::say(format_args!(
                "   not scored yet: see {page}, or run `{}` later",
                competition.command("submissions")
            ));
        }
        (UploadStatus::Complete, Some(score)) => {
            let private = upload.private_score.map(|score| format!(", private score {score:.5}"));
            let private = private.unwrap_or_default();
            term::say(format_args!("   public score {score:.5}{private}"));
            if let Some(place) = upload.place {
                term::say(format_args!("   {place}"));
            }
        }
        (UploadStatus::Complete, None) => term::say(format_args!("   scored: see {page}")),
        (UploadStatus::Error, _) => {}
    }
}
