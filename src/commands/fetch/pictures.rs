//! The end of a fetch where the images are no picture files: they are made into some, once.

use std::path::Path;

use anyhow::Result;

use super::layout;
use super::manifest::{Entry, Manifest};
use crate::competition::{Competition, Files};
use crate::convert::{self, Converted, Source};
use crate::fs;
use crate::hash::hash_file;
use crate::report::{Bar, Unit};
use crate::term;

/// So many files that gave no picture are named.
const NAMED: usize = 3;

/// Makes pictures of what the spec says are none; nothing where they are some.
pub(super) fn make(competition: &Competition, data: &Path) -> Result<()> {
    let Some(raw) = competition.raw() else { return Ok(()) };
    let bar = Bar::new("pictures", Unit::Items("images"));
    let made = convert::run(competition, &raw, &sources(competition, data)?, data, &bar)?;
    drop(bar);
    let folder = convert::folder(data);
    term::say(format_args!(
        "   {} made, in `{}`",
        term::count(made.images - made.broken, "picture"),
        folder.display()
    ));
    tell_broken(&made);
    Ok(())
}

fn tell_broken(made: &Converted) {
    if made.broken == 0 {
        return;
    }
    let mut named: Vec<&str> = made.broken_files.iter().take(NAMED).map(String::as_str).collect();
    if made.broken > NAMED {
        named.push("...");
    }
    term::warn(format_args!(
        "{} gave no picture: {}",
        term::count(made.broken, "file"),
        named.join("; ")
    ));
}

/// The parts of the data that hold images, each once.
fn sources(competition: &Competition, data: &Path) -> Result<Vec<Source>> {
    let files = &competition.files;
    let (train, test) = (Files::folders_of(&files.train), Files::folders_of(&files.test));
    let parts = layout::parts(competition, data)?;
    let found = parts.folders.into_iter().chain(parts.tables);
    let source = |(place, path)| {
        let is_train = train.contains(&place);
        (is_train || test.contains(&place)).then_some(Source { place, path, is_train })
    };
    Ok(found.filter_map(source).collect())
}

/// Whether pictures must be made again: the spec says something else of them now, or a source is not
/// what it was made of. Files of a folder go by their names and sizes here, tables by their hashes.
pub(super) fn are_stale(competition: &Competition, data: &Path) -> Result<bool> {
    if competition.raw().is_none() {
        return Ok(false);
    }
    match Converted::read(data)? {
        Some(made) if made.is_of(competition)? => {}
        _ => return Ok(true),
    }
    let Ok(then) = Manifest::read(data) else { return Ok(true) };
    for source in sources(competition, data)? {
        let of_source = |entry: &&Entry| {
            source.path == entry.path.under(data)
                || entry.path.under(data).starts_with(&source.path)
        };
        let then: Vec<&Entry> = then.iter().filter(of_source).collect();
        let is_same = if source.path.is_dir() {
            let now = fs::below(&source.path, None)?.files;
            let now = now.into_iter().map(|(path, is)| (path, is.len()));
            let mut now: Vec<_> = now.collect();
            now.sort();
            let mut then: Vec<_> =
                then.iter().map(|entry| (entry.path.under(data), entry.bytes)).collect();
            then.sort();
            now == then
        } else {
            let now = hash_file(&source.path)?.to_string();
            then.iter().map(|entry| &entry.sha256).eq([&now])
        };
        if !is_same {
            return Ok(true);
        }
    }
    Ok(false)
}
