//! `mlflow.toml`: what an MLflow server calls the run, so that a run that goes on goes on there too.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::checked::{Checked, Fault};
use super::folder::Run;

const FILE: &str = "mlflow.toml";

/// Where the run is followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// The server's address.
    pub server: String,
    /// The server's name for the run.
    pub run: String,
}

impl Checked for Tracked {
    const HINT: &'static str = "remove the file: the server then gets a new run";

    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Run {
    /// Where it is followed, if it is.
    pub fn tracked(&self) -> Result<Option<Tracked>> {
        if self.file(FILE).is_file() { self.read_toml(FILE).map(Some) } else { Ok(None) }
    }

    pub fn keep_tracked(&self, tracked: &Tracked) -> Result<()> {
        self.write_toml(FILE, tracked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_run_is_followed_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        assert_eq!(run.tracked().unwrap(), None);
        let tracked =
            Tracked { server: "http://127.0.0.1:5000/".to_owned(), run: "0af".to_owned() };
        run.keep_tracked(&tracked).unwrap();
        assert_eq!(run.tracked().unwrap(), Some(tracked));
    }
}
