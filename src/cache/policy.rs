//! When it pays to keep decoded pictures for later epochs.

use std::fmt;

use serde::Deserialize;

use crate::term;

/// When to keep pictures, as it is typed: `auto`, `always` or `never`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CachePolicy {
    /// Where it [pays](CachePolicy::decide).
    #[default]
    Auto,
    /// Wherever the disk takes them.
    Always,
    Never,
}

/// Whether pictures are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheDecision {
    Keep,
    Skip(SkipReason),
}

/// Why pictures are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    Never,
    /// Each is looked at only so many times.
    FewPasses(usize),
    UnknownMemory,
    /// They take more bytes than half of the free memory.
    TooLarge {
        bytes: u64,
        half: u64,
    },
}

/// So often every picture must be wanted at least.
const PASSES: usize = 3;

impl CachePolicy {
    /// Whether to keep pictures that take `bytes` and are wanted `passes` times.
    ///
    /// The first pass writes them, which costs a tenth of decoding them; each later one saves nine
    /// tenths of it, as long as they are read from memory. From a disk they may come slower than files
    /// are decoded, for a kept picture is ten times as large as its JPEG. So all of them must fit into
    /// half of the memory that is `free` now; where the system does not tell, none is kept.
    pub fn decide(self, bytes: u64, passes: usize, free: Option<u64>) -> CacheDecision {
        let reason = match (self, free) {
            (Self::Always, _) => return CacheDecision::Keep,
            (Self::Never, _) => SkipReason::Never,
            _ if passes < PASSES => SkipReason::FewPasses(passes),
            (_, None) => SkipReason::UnknownMemory,
            (_, Some(free)) if bytes > free / 2 => SkipReason::TooLarge { bytes, half: free / 2 },
            _ => return CacheDecision::Keep,
        };
        CacheDecision::Skip(reason)
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("`--keep-pictures never`"),
            Self::FewPasses(passes) => write!(f, "each is looked at {passes} times at most"),
            Self::UnknownMemory => f.write_str("this system does not tell how much memory is free"),
            Self::TooLarge { bytes, half } => write!(
                f,
                "they take {}, more than half of the free memory, {}",
                term::bytes(*bytes),
                term::bytes(*half)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words;

    #[test]
    fn pictures_are_kept_where_it_pays_or_where_it_was_asked_for() {
        use CachePolicy::{Always, Auto, Never};
        let kept = |policy: CachePolicy, bytes, passes, free| {
            policy.decide(bytes, passes, free) == CacheDecision::Keep
        };
        assert!(kept(Auto, 50, 3, Some(100)));
        assert!(!kept(Auto, 51, 3, Some(100)));
        assert!(!kept(Auto, 50, 2, Some(100)));
        assert!(!kept(Auto, 50, 9, None));
        assert!(kept(Always, 5000, 1, None) && !kept(Never, 1, 9, Some(100)));
        for (name, policy) in [("auto", Auto), ("always", Always), ("never", Never)] {
            assert_eq!(words::word(name), Ok(policy));
        }
        let error = words::word::<CachePolicy>("sometimes").unwrap_err();
        assert_eq!(error, "known are auto, always and never");
    }
}
