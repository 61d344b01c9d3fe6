//! `kaggle-kit standin`: what may be typed. The program of that name (`standin/`) reads it.

use std::ffi::OsString;

#[derive(clap::Args, Debug)]
#[command(disable_help_flag = true, override_usage = "kaggle-kit standin serve [OPTIONS]")]
pub struct Args {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub typed: Vec<OsString>,
}
