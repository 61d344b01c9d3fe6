//! `fetch --data-set`: a data set of Kaggle's, such as a pack, as a folder of its files.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Args;
use crate::archive;
use crate::fs;
use crate::kaggle::{DataSet, Environment, Error};
use crate::report::{Bar, Unit};
use crate::run::Workspace;
use crate::session;
use crate::term;

/// Which version a folder holds; beside it, since the folder is the data set's alone.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Record {
    data_set: String,
    version: u32,
    files: usize,
}

pub(super) fn run(args: &Args, workspace: &Workspace, environment: &Environment) -> Result<()> {
    let data_set = DataSet::from_str(&args.competition)
        .map_err(|why| anyhow!("`{}` is no data set: {why}", args.competition))?;
    ensure!(
        !args.mode.check && !args.mode.dry_run && args.from.is_empty(),
        "of a data set there is nothing to compare with, or to take from elsewhere\nhint: leave out \
         `--check`, `--dry-run` and `--from`"
    );
    let parent = workspace.data_sets().join(&data_set.owner);
    let folder = parent.join(&data_set.slug);
    let place = parent.join(format!(".{}.toml", data_set.slug));
    let client = session::connect(args.endpoint.as_deref(), environment)?;
    let version = client.data_set_version(&data_set)?;
    let version = version
        .ok_or_else(|| Error::NotFound { what: format!("data set `{data_set}` for you") })?;
    let kept = Record::read(&place).filter(|kept| kept.data_set == data_set.to_string());
    let is_there = fs::symlink_metadata(&folder).is_ok();
    if let Some(kept) = kept.as_ref().filter(|kept| kept.version == version && is_there)
        && !args.mode.force
    {
        term::done(format_args!(
            "`{}` is there already (version {version}, {})",
            folder.display(),
            term::count(kept.files, "file")
        ));
        return tell(args, &folder, kept);
    }
    if is_there && kept.is_none() {
        bail!(
            "`{}` is there already and was not fetched\nhint: move it away, then run the same command again",
            folder.display()
        );
    }
    fs::make_folder(&parent)?;
    // The version is in the name: what has arrived of another one is not gone on with.
    let archive = parent.join(format!(".{}-{version}.zip", data_set.slug));
    let bar = Bar::new(data_set.to_string(), Unit::Bytes);
    let received = client.download_data_set(&data_set, Some(version), &archive, &bar);
    drop(bar);
    received.with_context(|| format!("failed to download data set `{data_set}`"))?;
    let making = tempfile::Builder::new().prefix(".partial-").tempdir_in(&parent)?;
    let fresh = making.path().join(&data_set.slug);
    fs::create_dir_all(&fresh)?;
    let bar = Bar::new("unpack", Unit::Bytes);
    let files = archive::extract(&archive, &fresh, &bar)?;
    drop(bar);
    if is_there {
        fs::rename(&folder, making.path().join("old"))?;
    }
    fs::rename(&fresh, &folder)?;
    let record = Record { data_set: data_set.to_string(), version, files };
    fs::write_atomic(&place, toml::to_string(&record)?)?;
    if !args.keep_archives {
        fs::remove_file(&archive)?;
    }
    term::done(format_args!(
        "data set {data_set}, version {version}: {} in `{}`",
        term::count(files, "file"),
        folder.display()
    ));
    tell(args, &folder, &record)
}

impl Record {
    fn read(place: &Path) -> Option<Self> {
        toml::from_str(&fs::read_to_string(place).ok()?).ok()
    }
}

fn tell(args: &Args, folder: &Path, record: &Record) -> Result<()> {
    if args.json {
        return term::json(&json!({
            "folder": term::path_in_json(folder),
            "data-set": record.data_set,
            "version": record.version,
            "files": record.files,
        }));
    }
    term::path(folder);
    Ok(())
}
