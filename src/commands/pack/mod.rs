//! `kaggle-kit pack`: a run, or those of a blend, as a folder that becomes a data set on Kaggle, with the notebook that predicts
//! a hidden test set with it: the way into competitions that take notebooks only.
//!
//! `folder.rs` makes it, `send.rs` brings it to Kaggle; `submit --kernel` goes on from there.

mod folder;
mod send;

use std::path::PathBuf;

use anyhow::{Result, bail};
use serde_json::json;

pub(super) use self::folder::{Pack, There};
pub(super) use self::send::send;
use super::meant;
use crate::competition::UploadBy;
use crate::decide::ensemble::members::Member;
use crate::kaggle::{Environment, KnownBy};
use crate::run::Workspace;
use crate::session;
use crate::term;
use crate::typed;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit pack                                     the newest finished run
  kaggle-kit pack planet --best 3                     a blend of the three best models
  kaggle-kit pack planet --wheel dist/kaggle_kit-0.2.0-py3-none-manylinux_2_35_x86_64.whl
  kaggle-kit pack planet --upload                     makes it a private data set, or a new version of it
  kaggle-kit submit planet --kernel -m TEXT           all of the way: packed, uploaded, run there, submitted
  kaggle datasets create -p packs/planet --dir-mode zip   Kaggle's own command uploads it as well
A fold stands for all folds of its model. A stopped upload goes on where it stood when it is run again;
what is on Kaggle already is not sent again. docs/notebooks.md tells the way from there.";

/// As Kaggle's own command has it, which does not know the name either.
const NOBODY: &str = "INSERT_YOUR_NAME_HERE";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Runs by folder or id, a fold for all folds of its model, several for a blend; or a competition, for its newest
    #[arg(value_name = "RUN")]
    pub runs: Vec<String>,
    /// A blend of the N models with the best held-out scores
    #[arg(long, value_name = "N")]
    pub best: Option<usize>,
    /// kaggle-kit's wheel, to be installed without a network; without it, the newest in dist/
    #[arg(long, value_name = "FILE")]
    pub wheel: Option<PathBuf>,
    /// Whose data set it is on Kaggle; without it, yours if it is uploaded
    #[arg(long, value_name = "NAME")]
    pub owner: Option<String>,
    /// The folder to make; without it, packs/ and the competition's name
    #[arg(long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Upload it as a private data set, or as a new version; an older pack in its place is made anew
    #[arg(long)]
    pub upload: bool,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let members = members_of(args, workspace)?;
    meant::tell_of_unfinished(&members)?;
    let pack = Pack::of(members, workspace, args.output.clone(), args.wheel.as_deref())?;
    if !args.upload {
        pack.make(args.owner.as_deref().unwrap_or(NOBODY), There::Nothing)?;
        tell(&pack);
        let shown = typed::quoted(&pack.folder.display().to_string());
        term::say(format_args!(
            "   next: `{} --kernel -m TEXT` does the rest; or `kaggle datasets create -p {shown} --dir-mode zip`, then a \
             notebook of `submit.ipynb` with that data set and the competition attached",
            pack.competition.command("submit"),
        ));
        if args.json {
            term::json(&to_json(&pack))?;
        }
        return Ok(());
    }
    let client = session::connect(args.endpoint.as_deref(), &Environment::of_process())?;
    let owner = args.owner.clone().map_or_else(|| client.username(), Ok)?;
    pack.make(&owner, There::Pack)?;
    tell(&pack);
    let sent = send(&client, &pack, owner)?;
    if args.json {
        let mut json = to_json(&pack);
        json["data-set"] = json!({
            "ref": sent.data_set.to_string(), "url": sent.data_set.page(),
            "sent-now": sent.known_by != KnownBy::Before,
        });
        term::json(&json)?;
    }
    Ok(())
}

fn members_of(args: &Args, workspace: &Workspace) -> Result<Vec<Member>> {
    let Some(n) = args.best else { return meant::members(&args.runs, workspace) };
    let competition = match args.runs.as_slice() {
        [] => None,
        [name] => Some(workspace.find(name)?),
        _ => bail!(
            "`--best` chooses among the runs of one competition\nhint: name that, or the runs alone"
        ),
    };
    meant::best(competition.as_ref(), n, workspace)
}

fn to_json(pack: &Pack) -> serde_json::Value {
    let wheel = pack.wheel.as_deref().map(term::path_in_json);
    json!({ "folder": term::path_in_json(&pack.folder), "runs": pack.runs(), "wheel": wheel })
}

pub(super) fn tell(pack: &Pack) {
    if pack.wheel.is_none() {
        term::warn(
            "no wheel goes along: in a notebook without internet nothing can be installed\nhint: `make \
             wheel` in a clone makes one; name it with `--wheel`",
        );
    }
    if pack.competition.upload != UploadBy::Notebook {
        term::say("   the competition takes CSVs as well: `kaggle-kit submit --upload -m TEXT`");
    }
    let n = pack.runs().len();
    term::done(format_args!("{} in `{}`", term::count(n, "run"), pack.folder.display()));
}
