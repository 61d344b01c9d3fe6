//! Files that every run has, read: one that is missing is told with what to do about it.

use std::io::{self, ErrorKind};

use anyhow::{Error, Result, anyhow};

use super::folder::Run;
use crate::fs;

const COPY_AGAIN: &str = "every run has this file: copy the run's whole folder again from where it was \
                          made, or train again with `--anew`";

impl Run {
    /// The bytes of a file that every run has.
    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        fs::read(self.file(name)).map_err(|error| self.unread(name, error, COPY_AGAIN))
    }

    /// Its text.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        self.text_or(name, COPY_AGAIN)
    }

    /// The same where something else is to be done about a file that is not there.
    pub(super) fn text_or(&self, name: &str, hint: &str) -> Result<String> {
        fs::read_to_string(self.file(name)).map_err(|error| self.unread(name, error, hint))
    }

    fn unread(&self, name: &str, error: io::Error, hint: &str) -> Error {
        if error.kind() == ErrorKind::NotFound && !self.file(name).is_symlink() {
            return anyhow!("no `{name}` in `{}`\nhint: {hint}", self.folder.display());
        }
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::SplitTable;
    use crate::target::{Classes, TargetKind};

    #[test]
    fn a_file_that_is_missing_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let classes: Classes = vec!["a".to_owned()].into();
        for (name, error) in [
            ("split.csv", SplitTable::read(&run, &[]).map(drop)),
            (
                "valid-predictions.csv",
                run.valid_predictions(&classes, TargetKind::SingleLabel).map(drop),
            ),
            ("valid-predictions.csv", run.held_out(&classes, TargetKind::SingleLabel).map(drop)),
            ("summary.toml", run.summary().map(drop)),
            ("recipe.toml", run.recipe().map(drop)),
            ("competition.toml", run.competition().map(drop)),
        ] {
            let error = format!("{:#}", error.unwrap_err());
            assert!(error.contains(&format!("no `{name}` in ")), "{error}");
            assert!(error.contains("\nhint: "), "{error}");
        }
        fs::create_dir_all(run.file("split.csv")).unwrap();
        let error = format!("{:#}", SplitTable::read(&run, &[]).unwrap_err());
        assert!(error.contains("is a folder"), "{error}");
    }
}
