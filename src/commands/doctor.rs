//! `kaggle-kit doctor`: what may be typed. `engine/src/commands/doctor.rs` looks.

#[derive(clap::Args, Debug)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
