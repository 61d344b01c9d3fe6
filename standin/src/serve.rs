//! `kaggle-kit standin serve`: a Kaggle on this machine, for trying clients and for measuring them.

use std::io;

use anyhow::{Context, Result};
use clap::Args;
use kaggle_kit::competition::{self, Competition};
use kaggle_kit::term;

use crate::account::Account;
use crate::faults::NAMES as FAULTS;
use crate::miniature::{Miniature, Sizes};
use crate::own;
use crate::server::{self, Options};

const EXAMPLES: &str = "\
Examples:
  kaggle-kit standin serve
  kaggle-kit standin serve --competition planet --images withdrawn
  kaggle-kit standin serve --competition leaf-blight --competition eye-damage
  kaggle-kit standin serve --filler 200000000 --rate 50000000 --log requests.jsonl
  kaggle-kit standin serve --fault cut=1000000 --fault expired --fault api-429=2*3";

/// Arguments of `standin serve`
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("Faults, each used up as it happens; `*N` behind one makes it happen N times:\n{FAULTS}\n\n{EXAMPLES}"))]
pub struct Serve {
    /// What to draw and serve (repeatable); without it, all built-in competitions, `leaf-blight` and
    /// `eye-damage`
    #[arg(long = "competition", value_name = "NAME")]
    competitions: Vec<String>,
    #[command(flatten)]
    sizes: Sizes,
    #[command(flatten)]
    options: Options,
    /// Serve until standard input ends, as it does when the program ends that started this one
    #[arg(long)]
    until_stdin_ends: bool,
}

/// The pictures follow from it.
const SEED: u64 = 20;
/// The port where `kagglehub` looks for a Kaggle to test with.
const KAGGLEHUBS: u16 = 7777;

/// Serves until it is ended from outside; the first line on stdout is the address.
pub fn run(args: Serve) -> Result<()> {
    let find = |name: &String| match own::find(name)? {
        Some(own) => Ok(own),
        None => competition::find(name),
    };
    let competitions: Vec<Competition> = if args.competitions.is_empty() {
        [competition::all()?, own::all()?].concat()
    } else {
        args.competitions.iter().map(find).collect::<Result<_>>()?
    };
    let miniatures = competitions
        .iter()
        .map(|competition| Miniature::generate(competition, args.sizes, SEED))
        .collect::<Result<_>>()?;
    let server = server::start(miniatures, args.options)
        .context("failed to start the stand-in for Kaggle")?;
    term::out(server.url());
    let slugs: Vec<&str> = competitions.iter().map(|one| one.slug.as_str()).collect();
    introduce(server.port(), server.account(), &slugs);
    if args.until_stdin_ends {
        io::copy(&mut io::stdin(), &mut io::sink()).context("failed to read standard input")?;
        return Ok(());
    }
    server.wait()
}

/// How clients are pointed at it.
fn introduce(port: u16, account: &Account, slugs: &[&str]) {
    let slug = slugs.first().unwrap_or(&"SLUG");
    let Account { username, key, token } = account;
    term::heading("a stand-in for Kaggle; Ctrl-C ends it");
    term::say(format_args!("it serves {}", slugs.join(", ")));
    term::say(format_args!(
        "with this program:
  KAGGLE_API_TOKEN={token} kaggle-kit fetch {slug} --endpoint http://localhost:{port}
with the `kaggle` command of 2.x:
  KAGGLE_API_ENVIRONMENT=LOCALHOST http_proxy=http://127.0.0.1:{port} no_proxy= NO_PROXY= \\
  KAGGLE_USERNAME={username} KAGGLE_KEY={key} \\
  kaggle competitions download {slug}"
    ));
    if port == KAGGLEHUBS {
        term::say(format_args!(
            "with `kagglehub` 1.x:
  KAGGLE_API_ENVIRONMENT=TEST KAGGLE_USERNAME={username} KAGGLE_KEY={key} \\
  python3 -c \"import kagglehub; print(kagglehub.competition_download('{slug}'))\""
        ));
    } else {
        term::say(format_args!("with `kagglehub` 1.x: only where it listens at port {KAGGLEHUBS}"));
    }
}
