//! Every bad image at once, before the first hour of training: missing, empty, something else, cut
//! short. Reads the first bytes of a file and the last; decodes nothing.

use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Result, bail};
use rayon::prelude::*;

use crate::dataset::format::{self, Defect};
use crate::dataset::sample::Sample;
use crate::fs;
use crate::progress::Progress;

/// Bytes looked at from the start of a file.
const HEAD: usize = 512;
/// Bytes looked at from its end: room for a format's end marker and some padding after it.
const TAIL: u64 = 64;
/// How many bad files an error names.
const SHOWN: usize = 10;

/// Looks at every image file; the error names up to ten bad ones and counts them all.
pub fn audit(samples: &[Sample], progress: &dyn Progress) -> Result<()> {
    progress.total(samples.len() as u64);
    let bad: Vec<String> = samples
        .par_iter()
        .with_min_len(64)
        .filter_map(|sample| {
            let problem = problem_of(&sample.path);
            progress.advance(1);
            Some(format!("`{}` {}", sample.path.display(), problem?))
        })
        .collect();
    if bad.is_empty() { Ok(()) } else { bail!(cannot_be_used(&bad, samples.len())) }
}

/// The error's text for bad images, of so many in all; each line names one and says what is wrong.
pub(in crate::dataset) fn cannot_be_used(bad: &[String], n_images: usize) -> String {
    let mut lines: Vec<String> = bad.iter().take(SHOWN).map(|line| format!("  {line}")).collect();
    if bad.len() > SHOWN {
        lines.push(format!("  and {} more", bad.len() - SHOWN));
    }
    format!(
        "{} of {n_images} images cannot be used:\n{}\nhint: get these files again, or take out a \
         training image together with its label",
        bad.len(),
        lines.join("\n")
    )
}

/// What is wrong with an image file, if anything.
fn problem_of(path: &Path) -> Option<Defect> {
    match looked_at(path) {
        Ok(problem) => problem,
        Err(error) if error.kind() == ErrorKind::NotFound => Some(Defect::Missing),
        Err(error) => Some(Defect::Unreadable(error.to_string())),
    }
}

fn looked_at(path: &Path) -> std::io::Result<Option<Defect>> {
    let mut file = fs::File::open(path)?;
    let len = file.metadata()?.len();
    let mut head = Vec::with_capacity(HEAD);
    file.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let format = match format::sniff(&head) {
        Ok(format) => format,
        Err(problem) => return Ok(Some(problem)),
    };
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL)))?;
    let mut tail = Vec::with_capacity(TAIL as usize);
    file.read_to_end(&mut tail)?;
    if format::ends_well(format, &head, &tail, len) {
        return Ok(None);
    }
    // Rare: something follows the image, or its end is missing. All of it tells which.
    let bytes = fs::read(path)?;
    Ok((!format::is_whole(format, &bytes)).then_some(Defect::Truncated(format)))
}
