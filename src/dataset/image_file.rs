//! An image's file, opened: a file indeed, not a pipe that nobody writes into or a device without end.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Result, bail};

use super::format::Defect;
use crate::fs;

/// Opens a file to read it. What is no file is an error and not opened: reading a pipe would
/// wait for its writer.
pub(super) fn open(path: &Path) -> Result<(fs::File, std::fs::Metadata)> {
    let opened = fs::open(path).and_then(|file| {
        let metadata = file.metadata()?;
        Ok((file, metadata))
    });
    let defect = match opened {
        Ok(opened) => return Ok(opened),
        Err(error) if error.kind() == ErrorKind::NotFound => Defect::Missing,
        Err(error) => match fs::why_not_plain(&error) {
            Some(found) => Defect::NoFile(found.kind),
            None => Defect::Unreadable(reason(&error)),
        },
    };
    bail!("`{}` {defect}\nhint: {}", path.display(), defect.help())
}

/// The system's word, without the path.
fn reason(error: &std::io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.source());
    inner.map_or_else(|| error.to_string(), ToString::to_string)
}
