//! Sending a CSV to Kaggle, and what comes of it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::competition::Competition;
use crate::kaggle::{Client, Environment, Submission, SubmissionStatus};
use crate::term;

/// How long a score is waited for; Kaggle goes on scoring after that.
const PATIENCE: Duration = Duration::from_secs(60);

/// Uploads `csv` with a message, and waits a little for its score; gives what Kaggle says of it.
pub fn run(
    competition: &Competition,
    csv: &Path,
    message: &str,
    endpoint: Option<&str>,
    environment: &Environment,
) -> Result<Submission> {
    let slug = &competition.slug;
    let client = Client::connect(endpoint, environment)?;
    client.credentials().warnings.iter().for_each(term::warn);
    let submitted = client
        .submit(slug, csv, message)
        .with_context(|| format!("failed to upload `{}`", csv.display()))?;
    term::done(format_args!("submission {}: {}", submitted.reference, submitted.message));
    if let Ok(limits) = client.submission_limits(slug) {
        term::say(format_args!("   {} more today", limits.num_allowed_now));
    }
    let (start, mut pause) = (Instant::now(), Duration::from_millis(200));
    loop {
        let submission = client.submission(submitted.reference)?;
        match (submission.status, submission.public_score) {
            (SubmissionStatus::Pending, _) if start.elapsed() < PATIENCE => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_secs(10));
                continue;
            }
            (SubmissionStatus::Pending, _) => {
                term::say(format_args!("   not scored yet: see {}", page(competition)));
            }
            (SubmissionStatus::Complete, Some(score)) => {
                let private = submission.private_score;
                let private = private.map(|score| format!(", private score {score:.5}"));
                term::say(format_args!(
                    "   public score {score:.5}{}",
                    private.unwrap_or_default()
                ));
            }
            (SubmissionStatus::Complete, None) => {
                term::say(format_args!("   scored: see {}", page(competition)));
            }
            (SubmissionStatus::Error, _) => anyhow::bail!(
                "Kaggle turned submission {} down: {}",
                submission.reference,
                submission.error_description.as_deref().unwrap_or("it does not say why")
            ),
        }
        return Ok(submission);
    }
}

fn page(competition: &Competition) -> String {
    format!("https://www.kaggle.com/competitions/{}/submissions", competition.slug)
}
