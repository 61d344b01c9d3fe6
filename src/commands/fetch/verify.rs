//! `kaggle-kit fetch --check`: whether a data folder is still what was fetched.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::json;

use super::manifest::{Differences, Manifest};
use super::{Fetch, Fetched};
use crate::fs;
use crate::relative::RelativePath;
use crate::report::{Bar, Unit};
use crate::term;

/// So many files of a kind are named.
const NAMED: usize = 5;

/// Reads every file again; files that are gone or changed are an error, new ones are named.
pub(super) fn run(job: &Fetch) -> Result<()> {
    let Fetch { args, competition, data, .. } = job;
    let Some(fetched) = Fetched::read(data)? else {
        bail!(
            "`{}` holds no finished fetch\nhint: run `{}`",
            data.display(),
            competition.command("fetch")
        );
    };
    let then = Manifest::read(data)?;
    let bar = Bar::new("checking", Unit::Bytes);
    let now = Manifest::take(competition, data, &bar)?;
    drop(bar);
    let found = Differences::between(&then, &now.entries);
    let rows: Vec<Vec<String>> = fetched
        .parts
        .iter()
        .map(|part| {
            let same = now.parts.contains(part);
            let state = if same { "as fetched" } else { "differs" };
            let files = format!("{:>9}", term::thousands(part.files));
            vec![
                part.name.to_string(),
                files,
                format!("{:>10}", term::bytes(part.bytes)),
                state.into(),
            ]
        })
        .collect();
    if args.json {
        term::json(&json!({
            "folder": term::path_in_json(data), "files": then.len(), "missing": found.missing,
            "changed": found.changed, "new": found.new,
        }))?;
    }
    term::say(term::table(&["", "    files", "      size", ""], &rows));
    if !found.new.is_empty() {
        term::warn(format_args!("{} not fetched: {}", count(&found.new), named(&found.new)));
    }
    let bad: Vec<String> = [("missing", &found.missing), ("changed", &found.changed)]
        .into_iter()
        .filter(|(_, files)| !files.is_empty())
        .map(|(what, files)| format!("{} {what}: {}", count(files), named(files)))
        .collect();
    if !bad.is_empty() {
        let fetch = competition.command("fetch");
        let (way_on, others) = match in_their_place(data, &found.missing) {
            Some(others) => (format!("move that away, then `{fetch} --force`"), others),
            None => (format!("`{fetch} --force`"), String::new()),
        };
        bail!(
            "`{}` is not what was fetched: {}{others}\nhint: {way_on} fetches it again",
            data.display(),
            bad.join("; "),
        );
    }
    term::done(format_args!("`{}` is what was {fetched}", data.display()));
    Ok(())
}

/// What has the name of a file and is none, in words: `--force` may not replace it.
fn in_their_place(data: &Path, files: &[RelativePath]) -> Option<String> {
    let found: Vec<String> = files
        .iter()
        .filter_map(|file| Some(format!("; `{file}` is {}", fs::not_plain(&file.under(data))?.is)))
        .take(NAMED)
        .collect();
    (!found.is_empty()).then(|| found.concat())
}

fn count(files: &[RelativePath]) -> String {
    term::count(files.len(), "file")
}

fn named(files: &[RelativePath]) -> String {
    let mut names: Vec<String> = files.iter().take(NAMED).map(|f| format!("`{f}`")).collect();
    if files.len() > NAMED {
        names.push("...".to_owned());
    }
    names.join(", ")
}
