//! A small torchrun: ranks on this machine, started as it would start them.

use anyhow::Result;
use kaggle_kit::ended::Ended;
use kaggle_kit::place::AGENT_STORE;
use kaggle_kit::term;

use super::processes::{Processes, copy_of_this};
use crate::torch::group::KeptStore;

/// Starts so many ranks, which are given this command line as it is, and ends as they do.
pub(in crate::commands) fn supervise(count: usize) -> Result<()> {
    supervise_other(count, &[], &[])
}

/// The same of a command line without some options, and with others.
pub(in crate::commands) fn supervise_other(
    count: usize,
    without: &[(&str, bool)],
    with: &[&str],
) -> Result<()> {
    // At a port that nobody else has: two jobs on a machine know nothing of each other.
    let store = KeptStore::open()?;
    let mut ranks = Processes::listening();
    for rank in 0..count {
        let mut command = copy_of_this(without)?;
        command.args(with);
        for (name, value) in [
            ("RANK", rank),
            ("LOCAL_RANK", rank),
            ("WORLD_SIZE", count),
            ("LOCAL_WORLD_SIZE", count),
            ("MASTER_PORT", usize::from(store.port)),
        ] {
            command.env(name, value.to_string());
        }
        command.env("MASTER_ADDR", "127.0.0.1").env(AGENT_STORE, "True");
        ranks.start(format!("rank {rank}"), command, rank == 0)?;
    }
    term::detail(format_args!("{count} ranks find each other at port {}", store.port));
    loop {
        let ended = ranks.next_ended()?;
        if ended.is_empty() {
            return Ok(());
        }
        if ended.iter().all(|(_, how)| *how == Ended::Well) {
            continue;
        }
        let ends = ranks.wind_up()?;
        let culprit = culprit(&ends, |rank| store.has_followed(rank));
        if let Some(error) = ranks.error(culprit, ends[culprit]) {
            return Err(error);
        }
        // It has told why.
        let Ended::WithCode(code) = ends[culprit] else { return Ok(()) };
        drop(ranks);
        std::process::exit(i32::from(code))
    }
}

/// The rank whose end was the others': one that a signal ended, else the first that failed of itself.
fn culprit(ends: &[Ended], has_followed: impl Fn(usize) -> bool) -> usize {
    let by_signal = ends.iter().position(|how| matches!(how, Ended::BySignal(_)));
    let by_itself =
        || (0..ends.len()).find(|&rank| ends[rank] != Ended::Well && !has_followed(rank));
    let any = || ends.iter().position(|how| *how != Ended::Well);
    by_signal.or_else(by_itself).or_else(any).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_that_failed_first_is_told_from_those_that_followed() {
        let ends = [Ended::WithCode(1), Ended::WithCode(5), Ended::Well];
        assert_eq!(culprit(&ends, |rank| rank == 0), 1);
        assert_eq!(culprit(&ends, |_| false), 0);
        assert_eq!(culprit(&ends, |_| true), 0);
        assert_eq!(culprit(&[Ended::WithCode(1), Ended::BySignal(9)], |_| false), 1);
    }
}
