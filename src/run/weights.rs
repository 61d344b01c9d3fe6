//! The weights of a run: the one big part of it that is copied between machines. `summary.toml`
//! keeps their hashes, and whoever reads them compares: a bit that flipped on the way makes other
//! predictions, and no other error.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::folder::Run;
use super::summary::Summary;
use crate::hash::hash_file;

/// A file of weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsFile {
    pub file: String,
    /// Of its bytes; none of a run that has neither the file nor a word on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Run {
    /// The hashes of files of weights that were just written.
    pub fn hash_weights(&self, files: &[String]) -> Result<Vec<String>> {
        files.iter().map(|file| Ok(hash_file(&self.file(file))?.to_string())).collect()
    }

    /// The files that predict, each as the summary has it: one that is there has been compared. One
    /// that is not there is what the summary says: its predictions may be kept without it.
    pub fn weights(&self, summary: &Summary) -> Result<Vec<WeightsFile>> {
        let recorded = summary.weights_sha256.iter().map(Some).chain(std::iter::repeat(None));
        let of_file = |(file, recorded): (&String, Option<&String>)| {
            let path = self.file(file);
            if !path.exists() {
                return Ok(WeightsFile { file: file.clone(), sha256: recorded.cloned() });
            }
            let found = hash_file(&path).context("failed to compare a run's weights")?.to_string();
            ensure!(
                recorded.is_none_or(|recorded| *recorded == found),
                "`{}` is damaged, or of another run: its SHA-256 is {found}, and `{}` has another\n\
                 hint: copy the file again from where the run was trained, or train again",
                path.display(),
                self.file("summary.toml").display()
            );
            Ok(WeightsFile { file: file.clone(), sha256: Some(found) })
        };
        summary.weights.iter().zip(recorded).map(of_file).collect()
    }
}
