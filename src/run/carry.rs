//! What of a run goes along when it is carried to another machine.

use std::path::PathBuf;

use anyhow::Result;

use super::predictions::{MADE_FOR, TEST};
use super::uploads;
use super::{REPORT, Run, TEST_TABLE};
use crate::fs;

impl Run {
    /// Its files but those about one test set and one account: what was predicted, what was uploaded, and the
    /// page, which tells both and so changes with each. The folder of checkpoints and that of an unfinished
    /// submission stay behind as well.
    pub fn files_to_carry(&self) -> Result<Vec<PathBuf>> {
        let stays = [TEST, TEST_TABLE, MADE_FOR, uploads::FILE, REPORT];
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            if path.is_file() && !stays.iter().any(|stays| name == *stays) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }
}
