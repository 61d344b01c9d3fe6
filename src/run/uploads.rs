//! What has become of uploads, a list over time: a run's in `submission.toml` in its folder; those of what is
//! no one run's (a blend, a CSV made elsewhere, a pack of several) beside it, in `.<name>.sent.toml`.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::checked::{self, Checked, Fault, finite, hold};
use super::folder::Run;
use crate::fs;
use crate::kaggle::{self, Standing, SubmissionStatus};
use crate::metric::Metric;
use crate::term;

pub(super) const FILE: &str = "submission.toml";

/// All uploads of a run, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Uploads {
    /// One upload each.
    #[serde(default, rename = "submission")]
    pub uploads: Vec<Upload>,
}

/// A file that Kaggle took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Upload {
    /// Kaggle's number for it.
    pub reference: u64,
    /// Which Kaggle: the address of its API.
    pub endpoint: String,
    /// The name of the file.
    pub file: String,
    /// Of its bytes, in base 16.
    pub sha256: String,
    /// What it was sent with.
    pub message: String,
    /// When, RFC 3339.
    pub sent: String,
    /// How far it was when it was last looked at.
    pub status: UploadStatus,
    /// The score on the public part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_score: Option<f64>,
    /// The score on the private part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_score: Option<f64>,
    /// Why it was turned down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where the public score stood then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<BoardPlace>,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UploadStatus {
    /// Not scored yet.
    Pending,
    /// Scored.
    Complete,
    /// Turned down.
    Error,
}

/// A place on a leaderboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardPlace {
    /// From 1, the best.
    pub place: usize,
    pub teams: usize,
}

impl BoardPlace {
    /// Where a score stands on a board, behind those that are better; none on an empty one.
    pub fn of(score: f64, standings: &[Standing], metric: &Metric) -> Option<Self> {
        let n_better = standings.iter().filter(|team| metric.better(team.score, score)).count();
        let place = Self { place: n_better + 1, teams: standings.len() };
        (!standings.is_empty()).then_some(place)
    }
}

impl fmt::Display for BoardPlace {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { place, teams } = *self;
        let percent = 100.0 * place.min(teams) as f64 / teams as f64;
        let (place, teams) = (term::thousands(place), term::thousands(teams));
        write!(f, "place {place} of {teams} on the public board (top {percent:.1} %)")
    }
}

impl From<SubmissionStatus> for UploadStatus {
    fn from(status: SubmissionStatus) -> Self {
        match status {
            SubmissionStatus::Pending => Self::Pending,
            SubmissionStatus::Complete => Self::Complete,
            SubmissionStatus::Error => Self::Error,
        }
    }
}

impl UploadStatus {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Complete => "complete",
            Self::Error => "error",
        }
    }
}

impl Upload {
    /// Takes over what Kaggle says of it now.
    pub fn update(&mut self, now: &kaggle::Submission) {
        self.status = now.status.into();
        self.public_score = now.public_score.or(self.public_score);
        self.private_score = now.private_score.or(self.private_score);
        let reason = now.error_description.clone().filter(|text| !text.is_empty());
        self.error = reason.filter(|_| self.status == UploadStatus::Error);
    }
}

impl Checked for Uploads {
    const HINT: &'static str =
        "remove the file: `kaggle-kit submissions` still shows what Kaggle has";

    fn check(&self) -> Result<(), Fault> {
        for (i, upload) in self.uploads.iter().enumerate() {
            upload.check().map_err(|fault| fault.within(format!("submission.{i}")))?;
        }
        Ok(())
    }
}

impl Upload {
    fn check(&self) -> Result<(), Fault> {
        finite("public-score", self.public_score.unwrap_or_default())?;
        finite("private-score", self.private_score.unwrap_or_default())?;
        match &self.place {
            Some(BoardPlace { place, teams }) => {
                hold(*teams > 0 && *place > 0, "place", || format!("is {place} of {teams}"))
            }
            None => Ok(()),
        }
    }
}

impl Uploads {
    /// What a run has kept; empty if it never was uploaded.
    pub fn of(run: &Run) -> Result<Self> {
        if run.file(FILE).is_file() { run.read_toml(FILE) } else { Ok(Self::default()) }
    }

    /// The newest upload of a file with these bytes.
    pub fn find(&self, endpoint: &str, sha256: &str) -> Option<&Upload> {
        let same = |upload: &&Upload| upload.endpoint == endpoint && upload.sha256 == sha256;
        self.uploads.iter().rev().find(same)
    }

    /// What is kept beside a file; empty if it never was uploaded.
    pub fn beside(file: &Path) -> Result<Self> {
        let place = place(file);
        if !place.is_file() {
            return Ok(Self::default());
        }
        checked::parse(&fs::read_to_string(&place)?, &place)
    }

    /// Puts an upload into a run's list, in the place of what the list has of it; whether it is another.
    pub fn keep(run: &Run, upload: &Upload) -> Result<bool> {
        let mut all = Self::of(run)?;
        let is_other = all.put(upload);
        if is_other {
            run.write_toml(FILE, &all)?;
        }
        Ok(is_other)
    }

    /// The same beside a file.
    pub fn keep_beside(file: &Path, upload: &Upload) -> Result<bool> {
        let mut all = Self::beside(file)?;
        let is_other = all.put(upload);
        if is_other {
            fs::write_private(place(file), toml::to_string(&all)?)?;
        }
        Ok(is_other)
    }

    fn put(&mut self, upload: &Upload) -> bool {
        let same = |kept: &&mut Upload| {
            kept.endpoint == upload.endpoint && kept.reference == upload.reference
        };
        match self.uploads.iter_mut().find(same) {
            Some(kept) if kept == upload => return false,
            Some(kept) => *kept = upload.clone(),
            None => self.uploads.push(upload.clone()),
        }
        true
    }
}

fn place(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.sent.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upload(reference: u64) -> Upload {
        Upload {
            reference,
            endpoint: "https://www.kaggle.com/api/v1".to_owned(),
            file: "planet-1.csv".to_owned(),
            sha256: "00ff".to_owned(),
            message: "first".to_owned(),
            sent: "2026-11-24T06:00:00Z".to_owned(),
            status: UploadStatus::Pending,
            public_score: None,
            private_score: None,
            error: None,
            place: None,
        }
    }

    #[test]
    fn an_upload_is_kept_once_and_its_score_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        assert_eq!(Uploads::of(&run).unwrap(), Uploads::default());
        Uploads::keep(&run, &upload(7)).unwrap();
        Uploads::keep(&run, &upload(8)).unwrap();
        let mut scored = upload(7);
        scored.status = UploadStatus::Complete;
        scored.public_score = Some(0.93);
        scored.place = Some(BoardPlace { place: 12, teams: 938 });
        Uploads::keep(&run, &scored).unwrap();
        let kept = Uploads::of(&run).unwrap();
        assert_eq!(kept.uploads, [scored, upload(8)]);
        let found = kept.find("https://www.kaggle.com/api/v1", "00ff").unwrap();
        assert_eq!(found.reference, 8);
        assert_eq!(kept.find("http://localhost:7777/api/v1", "00ff"), None);
    }

    #[test]
    fn what_is_no_runs_is_remembered_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let csv = folder.path().join("planet-blend-1.csv");
        assert_eq!(Uploads::beside(&csv).unwrap(), Uploads::default());
        assert!(Uploads::keep_beside(&csv, &upload(7)).unwrap());
        assert!(!Uploads::keep_beside(&csv, &upload(7)).unwrap(), "nothing is new");
        assert_eq!(Uploads::beside(&csv).unwrap().uploads, [upload(7)]);
        assert_eq!(Uploads::beside(&csv.with_extension("txt")).unwrap(), Uploads::default());
        fs::write_atomic(place(&csv), "submission = 1").unwrap();
        assert!(format!("{:#}", Uploads::beside(&csv).unwrap_err()).contains("remove the file"));
    }

    #[test]
    fn a_later_look_never_forgets_a_score() {
        let mut kept = Upload { public_score: Some(0.5), ..upload(7) };
        let now = r#"{"ref":7,"status":"ERROR","publicScore":"","errorDescription":"bad"}"#;
        kept.update(&serde_json::from_str(now).unwrap());
        assert_eq!((kept.status, kept.public_score), (UploadStatus::Error, Some(0.5)));
        assert_eq!(kept.error.as_deref(), Some("bad"));
        let now = r#"{"ref":7,"status":"COMPLETE","publicScore":"0.25","errorDescription":"x"}"#;
        kept.update(&serde_json::from_str(now).unwrap());
        assert_eq!((kept.public_score, kept.error), (Some(0.25), None));
    }

    #[test]
    fn a_score_stands_behind_those_that_are_better() {
        let board: Vec<Standing> = [0.1, 0.2, 0.2, 0.4]
            .iter()
            .zip(1..)
            .map(|(&score, rank)| Standing {
                rank,
                team: String::new(),
                score,
                date: String::new(),
            })
            .collect();
        for (score, place) in [(0.05, 1), (0.1, 1), (0.15, 2), (0.2, 2), (0.3, 4), (0.5, 5)] {
            let found = BoardPlace::of(score, &board, &Metric::log_loss());
            assert_eq!(found, Some(BoardPlace { place, teams: 4 }), "{score}");
        }
        let found = BoardPlace::of(0.3, &board, &Metric::mean_fbeta(2.0));
        assert_eq!(found, Some(BoardPlace { place: 2, teams: 4 }));
        assert_eq!(BoardPlace::of(0.3, &[], &Metric::mean_fbeta(2.0)), None);
        let place = BoardPlace { place: 131, teams: 1314 };
        assert_eq!(place.to_string(), "place 131 of 1,314 on the public board (top 10.0 %)");
    }
}
