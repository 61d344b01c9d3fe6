//! What a loss in f16 is multiplied by, so that small gradients do not vanish: as large as gradients bear
//! (Micikevicius et al. 2017, <https://arxiv.org/abs/1710.03740>; `PyTorch`'s `GradScaler`).

/// `GradScaler`'s: where it starts, and after how many good steps in a row it is doubled.
const FIRST: f64 = 65536.0;
const GROWS_AFTER: u32 = 2000;
/// Below this nothing is gained: gradients of 2^-24 times their size are lost in f16.
const LEAST: f64 = 1.0 / 16_777_216.0;

/// The scale, and what it goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LossScale {
    pub(super) by: f64,
    /// Steps since it last changed.
    pub(super) good_steps: u32,
    /// In the precisions that need none it never changes.
    is_on: bool,
}

impl LossScale {
    pub(super) fn new(is_on: bool) -> Self {
        Self { by: if is_on { FIRST } else { 1.0 }, good_steps: 0, is_on }
    }

    pub(super) fn is_on(self) -> bool {
        self.is_on
    }

    /// What was kept of one, in this precision.
    pub(super) fn restored(self, by: f64, good_steps: u32) -> Self {
        if self.is_on { Self { by, good_steps, ..self } } else { self }
    }

    /// After gradients that are all finite, or not all: halved by these, which no step is made of, and
    /// doubled where none came for long.
    #[must_use]
    pub(super) fn after(self, is_finite: bool) -> Self {
        if !is_finite {
            return Self { by: (self.by / 2.0).max(LEAST), good_steps: 0, ..self };
        }
        if self.good_steps + 1 == GROWS_AFTER {
            return Self { by: 2.0 * self.by, good_steps: 0, ..self };
        }
        Self { good_steps: self.good_steps + 1, ..self }
    }

    /// Whether gradients are infinite whatever the loss is multiplied by.
    pub(super) fn is_at_its_end(self) -> bool {
        self.by <= LEAST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shrinks_at_once_and_grows_after_many_good_steps() {
        // torch.amp.GradScaler("cpu", init_scale=65536): two steps of inf, 1999 good ones, one of inf,
        // 2000 good ones; get_scale() after each part: 16384, 16384, 8192, 16384
        let mut scale = LossScale::new(true);
        let mut after = |n: usize, is_finite: bool| {
            (0..n).for_each(|_| scale = scale.after(is_finite));
            scale.by
        };
        assert_eq!(after(2, false), 16384.0);
        assert_eq!(after(1999, true), 16384.0);
        assert_eq!(after(1, false), 8192.0);
        assert_eq!(after(2000, true), 16384.0);
        assert!(after(100, false) > 0.0);
        assert!(scale.is_at_its_end());
    }

    #[test]
    fn what_was_kept_counts_only_where_one_is_used() {
        let kept = LossScale::new(true).restored(1024.0, 7);
        assert_eq!((kept.by, kept.good_steps), (1024.0, 7));
        assert_eq!(LossScale::new(false).restored(1024.0, 7), LossScale::new(false));
    }
}
