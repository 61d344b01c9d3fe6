//! For the fuzz targets: any bytes in the files that a fetch leaves in a data folder.

use std::path::Path;

use anyhow::Result;

use super::Fetched;
use super::manifest::{Differences, Manifest};
use super::plan::Plan;

/// What `fetch` and `fetch --check` do with `fetched.toml` and `manifest.csv`, whatever is in them.
pub fn read(data: &Path) -> Result<()> {
    if let Some(fetched) = Fetched::read(data)? {
        let _ = fetched.to_string();
        fetched.to_json(data)?;
    }
    let then = Manifest::read(data)?;
    let _ = Differences::between(&then, &[]);
    let _ = Differences::between(&[], &then);
    Ok(())
}

/// What is done with `archives/plan.toml` once all is unpacked: the downloads go, and nothing else.
pub fn clean(data: &Path, slug: &str) -> Result<()> {
    Plan::remove(&data.join("archives"), slug)
}
