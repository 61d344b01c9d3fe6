//! `class-names.toml`: what people call the classes, where the competition's data tell it
//! (`target.names`): what is made of the run later has the names without the data.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::checked::{Checked, Fault};
use super::folder::Run;

const FILE: &str = "class-names.toml";

/// A table of one column of labels and one of names.
#[derive(Default, Serialize, Deserialize)]
struct Called {
    names: BTreeMap<String, String>,
}

impl Checked for Called {
    const HINT: &'static str = "remove the file: classes are then called by their labels";

    fn check(&self) -> Result<(), Fault> {
        Ok(())
    }
}

impl Run {
    /// Keeps the names, by label; none are not kept.
    pub fn write_class_names(&self, names: &BTreeMap<String, String>) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        self.write_toml(FILE, &Called { names: names.clone() })
    }

    /// The names that there are, by label.
    pub fn class_names(&self) -> Result<BTreeMap<String, String>> {
        if !self.file(FILE).is_file() {
            return Ok(BTreeMap::new());
        }
        Ok(self.read_toml::<Called>(FILE)?.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    #[test]
    fn names_are_read_as_they_were_written_and_none_leave_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        run.write_class_names(&BTreeMap::new()).unwrap();
        assert!(!run.file(FILE).exists() && run.class_names().unwrap().is_empty());
        let names = BTreeMap::from([("0".to_owned(), "Cassava \"Bacterial\" Blight".to_owned())]);
        run.write_class_names(&names).unwrap();
        assert_eq!(run.class_names().unwrap(), names);
        fs::write_atomic(run.file(FILE), "names = 3").unwrap();
        assert!(run.class_names().is_err());
    }
}
