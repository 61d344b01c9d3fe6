//! When training is to be over: `--max-minutes`.

use std::time::{Duration, Instant};

use kaggle_kit::commands::train::Args;

/// When the runs of one command are to be over.
pub(super) enum Ends {
    Never,
    /// Each after so long.
    Each(Duration),
    /// All of them, as a preset is planned.
    Together {
        at: Instant,
        /// What each fold takes, where all were found to fit.
        each: Vec<Duration>,
    },
}

impl Ends {
    /// As it was typed; `each` is what each fold takes, if that is known.
    pub(super) fn of(args: &Args, begun: Instant, each: Vec<Duration>) -> Self {
        let Some(minutes) = args.max_minutes else { return Self::Never };
        let time = Duration::from_secs_f64(60.0 * minutes);
        match args.recipe.preset {
            None => Self::Each(time),
            Some(_) => Self::Together { at: begun + time, each },
        }
    }

    /// When the run that begins now is to be over, if `after` folds come after it: it leaves them what they take, but
    /// has an equal part at least.
    pub(super) fn next(&self, after: usize) -> Option<Instant> {
        let now = Instant::now();
        let own = match self {
            Self::Never => return None,
            Self::Each(time) => *time,
            Self::Together { at, each } => {
                let left = at.saturating_duration_since(now);
                let equal = left / (after as u32 + 1);
                match each.iter().rev().take(after).collect::<Vec<_>>() {
                    those if those.len() < after => equal,
                    those => equal.max(left.saturating_sub(those.into_iter().sum())),
                }
            }
        };
        Some(now + own)
    }
}

#[cfg(test)]
mod tests {
    use kaggle_kit::recipe::Preset;

    use super::*;

    #[test]
    fn a_fold_leaves_time_for_those_after_it() {
        let mut args = Args::new("planet".to_owned());
        let seconds = |args: &Args, each: &[u64], after| {
            let each = each.iter().copied().map(Duration::from_secs).collect();
            let ends = Ends::of(args, Instant::now(), each);
            let own = ends.next(after)?.saturating_duration_since(Instant::now());
            Some((own.as_secs_f64()).round())
        };
        assert_eq!(seconds(&args, &[], 4), None);
        args.max_minutes = Some(5.0);
        assert_eq!(seconds(&args, &[], 4), Some(300.0));
        args.recipe.preset = Some(Preset::Quick);
        // The first computes activations for all.
        assert_eq!(seconds(&args, &[9, 3, 3, 3, 3], 4), Some(288.0));
        assert_eq!(seconds(&args, &[9, 3, 3, 3, 3], 0), Some(300.0));
        assert_eq!(seconds(&args, &[], 4), Some(60.0));
        let slower_than_foreseen = [100; 5];
        assert_eq!(seconds(&args, &slower_than_foreseen, 4), Some(60.0));
        // Backbones of their own take times of their own.
        assert_eq!(seconds(&args, &[200, 50, 20], 2), Some(230.0));
        assert_eq!(seconds(&args, &[200, 50, 20], 1), Some(280.0));
    }
}
