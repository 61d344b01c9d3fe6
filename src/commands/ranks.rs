//! How many processes share a piece of work: what may be typed. `engine/src/commands/ranks` starts them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

// Ranks of this machine; torchrun, srun and mpirun start theirs themselves.
#[derive(clap::Args, Clone, Debug)]
pub struct RanksArgs {
    /// Share the work among so many processes of this machine; with `--folds`, or several networks by `--refit`,
    /// train so many of these at a time
    #[arg(long, value_name = "N", conflicts_with = "gpus", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub ranks: Option<u16>,
    /// The same with an NVIDIA GPU each: so many, or all
    #[arg(long, value_name = "N|all")]
    pub gpus: Option<Gpus>,
    /// Take a process for lost that does not answer for so long
    #[arg(long, value_name = "SECONDS", default_value_t = GROUP_TIMEOUT, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub group_timeout: u64,
}

/// `torch.distributed`'s usual one.
const GROUP_TIMEOUT: u64 = 600;

/// How many GPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gpus {
    All,
    Some(usize),
}

impl FromStr for Gpus {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        match typed.parse() {
            _ if typed == "all" => Ok(Self::All),
            Ok(n @ 1..=256) => Ok(Self::Some(n)),
            _ => Err("give a number from 1, or all".to_owned()),
        }
    }
}

impl fmt::Display for Gpus {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Some(n) => n.fmt(f),
        }
    }
}

impl Default for RanksArgs {
    fn default() -> Self {
        Self { ranks: None, gpus: None, group_timeout: GROUP_TIMEOUT }
    }
}

impl RanksArgs {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.group_timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gpus_are_a_number_or_all() {
        assert_eq!("all".parse(), Ok(Gpus::All));
        assert_eq!("2".parse(), Ok(Gpus::Some(2)));
        for typed in ["0", "-1", "two", "", "257"] {
            assert!(typed.parse::<Gpus>().is_err(), "{typed}");
        }
    }
}
