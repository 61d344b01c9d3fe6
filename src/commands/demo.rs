//! `kaggle-kit demo`: what may be typed. `engine/src/commands/demo.rs` walks the path.

use crate::device::DeviceChoice;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit demo
  kaggle-kit demo planet
Starts a stand-in for Kaggle on this machine, then fetches, trains, submits and uploads over HTTP.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The competition to draw
    #[arg(default_value = "dogs-vs-cats")]
    pub competition: String,
    /// Where the stand-in listens; 0 takes a free port
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: DeviceChoice,
}
