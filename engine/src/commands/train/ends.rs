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
        /// What each fold after the first takes, where all were found to fit.
        later: Option<Duration>,
    },
}

impl Ends {
    /// As it was typed; `later` is what each fold after the first takes, if that is known.
    pub(super) fn of(args: &Args, begun: Instant, later: Option<Duration>) -> Self {
        let Some(minutes) = args.max_minutes else { return Self::Never };
        let time = Duration::from_secs_f64(60.0 * minutes);
        match args.recipe.preset {
            None => Self::Each(time),
            Some(_) => Self::Together { at: begun + time, later },
        }
    }

    /// When the run that begins now is to be over, if `after` folds come after it: it leaves them what they take, but
    /// has an equal part at least.
    pub(super) fn next(&self, after: usize) -> Option<Instant> {
        let now = Instant::now();
        let own = match self {
            Self::Never => return None,
            Self::Each(time) => *time,
            Self::Together { at, later } => {
                let left = at.saturating_duration_since(now);
                let equal = left / (after as u32 + 1);
                later.map_or(equal, |later| equal.max(left.saturating_sub(later * after as u32)))
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
        let seconds = |args: &Args, later: Option<u64>, after| {
            let ends = Ends::of(args, Instant::now(), later.map(Duration::from_secs));
            let own = ends.next(after)?.saturating_duration_since(Instant::now());
            Some((own.as_secs_f64()).round())
        };
        assert_eq!(seconds(&args, None, 4), None);
        args.max_minutes = Some(5.0);
        assert_eq!(seconds(&args, None, 4), Some(300.0));
        args.recipe.preset = Some(Preset::Quick);
        // The first computes activations for all.
        assert_eq!(seconds(&args, Some(3), 4), Some(288.0));
        assert_eq!(seconds(&args, Some(3), 0), Some(300.0));
        assert_eq!(seconds(&args, None, 4), Some(60.0));
        assert_eq!(seconds(&args, Some(100), 4), Some(60.0), "slower than foreseen");
    }
}
