//! Arguments of `standin`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::standin::{FAULTS, Faults, Images, Rules};

/// Arguments of `standin`
#[derive(Args, Debug)]
pub struct Standin {
    /// What to do
    #[command(subcommand)]
    pub action: StandinAction,
}

/// What `standin` does
#[derive(Debug, Subcommand)]
pub enum StandinAction {
    /// Serve until Ctrl-C; the first line on stdout is the address
    Serve(Serve),
}

const SERVE_EXAMPLES: &str = "\
Examples:
  kaggle-kit standin serve
  kaggle-kit standin serve --competition planet --images withdrawn
  kaggle-kit standin serve --filler 200000000 --rate 50000000 --log requests.jsonl
  kaggle-kit standin serve --fault cut=1000000 --fault expired --fault api-429=2*3";

/// Arguments of `standin serve`
#[derive(Args, Debug)]
#[command(after_help = SERVE_EXAMPLES, after_long_help = format!("Faults, each used up as it happens; `*N` behind one makes it happen N times:\n{FAULTS}\n\n{SERVE_EXAMPLES}"))]
pub struct Serve {
    /// Where to listen; 0 takes a free port
    #[arg(long, default_value_t = 7777)]
    pub port: u16,
    /// What to draw and serve (repeatable); without it, all competitions
    #[arg(long = "competition", value_name = "NAME")]
    pub competitions: Vec<String>,
    /// Whether images are among the files; planet's are withdrawn since 2019
    #[arg(long, default_value = "served", value_parser = images())]
    pub images: Images,
    /// Whether the account has accepted the rules
    #[arg(long, default_value = "accepted", value_parser = rules())]
    pub rules: Rules,
    /// Make every bundle larger by a file of noise, kept on disk
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    pub filler: u64,
    /// Let so many bytes a second pass in one request, as over a slow line
    #[arg(long, value_name = "BYTES")]
    pub rate: Option<u64>,
    /// How many submissions a day are taken
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub daily_submissions: u32,
    /// Let something go wrong (repeatable); `--help` lists what
    #[arg(long = "fault", value_name = "NAME[=ARG][*N]")]
    pub faults: Vec<Faults>,
    /// Append a line of JSON for every request
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

fn images() -> impl TypedValueParser<Value = Images> {
    PossibleValuesParser::new(["served", "withdrawn"])
        .map(|text| if text == "served" { Images::Served } else { Images::Withdrawn })
}

fn rules() -> impl TypedValueParser<Value = Rules> {
    PossibleValuesParser::new(["accepted", "not-accepted"])
        .map(|text| if text == "accepted" { Rules::Accepted } else { Rules::NotAccepted })
}
