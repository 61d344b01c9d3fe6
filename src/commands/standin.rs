//! `kaggle-kit standin serve`: a Kaggle on this machine, for trying clients and for measuring them.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::competition::Competition;
use crate::standin::{
    self, Account, Faults, Images, Rules,
    miniature::{Miniature, Sizes},
};
use crate::term;

/// What is served, and how.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where to listen; none takes a free port.
    pub port: Option<u16>,
    /// What to draw.
    pub competitions: Vec<Competition>,
    /// Whether images are among the files.
    pub images: Images,
    /// Whether the account has accepted the rules.
    pub rules: Rules,
    /// As many bytes of noise make every bundle larger.
    pub filler: u64,
    /// How many bytes a second pass in one request.
    pub rate: Option<u64>,
    /// How many submissions a day and competition are taken.
    pub daily_submissions: u32,
    /// What goes wrong.
    pub faults: Faults,
    /// The file that gets a line of JSON for every request.
    pub log: Option<PathBuf>,
}

/// The pictures follow from it.
const SEED: u64 = 20;
/// The port where `kagglehub` looks for a Kaggle to test with.
const KAGGLEHUBS: u16 = 7777;

/// Serves until it is ended from outside; the first line on stdout is the address.
pub fn serve(options: ServeOptions) -> Result<()> {
    let miniatures = options
        .competitions
        .iter()
        .map(|competition| Miniature::generate(competition, Sizes::tiny(), SEED))
        .collect::<Result<Vec<_>>>()?;
    let slugs: Vec<&str> = options.competitions.iter().map(|one| one.slug.as_str()).collect();
    let server = standin::start(standin::Options {
        port: options.port,
        images: options.images,
        rules: options.rules,
        filler: options.filler,
        rate: options.rate,
        daily_submissions: options.daily_submissions,
        faults: options.faults,
        log: options.log,
        ..standin::Options::new(miniatures)
    })
    .context("failed to start the stand-in for Kaggle")?;
    term::out(server.url());
    introduce(server.port(), server.account(), &slugs);
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
