//! The curves that schedules are made of, `t` in `[0, 1]`.

use std::f64::consts::PI;

/// From `start` to `end` along half a cosine
/// (SGDR, eq. 5: <https://arxiv.org/abs/1608.03983>; fastai's `SchedCos`).
pub fn cosine(start: f64, end: f64, t: f64) -> f64 {
    end + (start - end) * (1.0 + (PI * t).cos()) / 2.0
}

/// From `start` to `end` by a constant factor a step (fastai's `SchedExp`).
pub fn exponential(start: f64, end: f64, t: f64) -> f64 {
    start * (end / start).powf(t)
}

/// From `start` to `middle` in the first `part`, in `(0, 1)`, and on to `end`: half a cosine each
/// (fastai's `combined_cos`).
pub fn two_cosines(part: f64, [start, middle, end]: [f64; 3], t: f64) -> f64 {
    if t < part {
        cosine(start, middle, t / part)
    } else {
        cosine(middle, end, (t - part) / (1.0 - part))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What fastai 2.8 says: `tests/reference/make_fastai.py`.
    pub(in crate::schedule) fn reference(name: &str) -> Vec<f64> {
        let all: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/reference/fastai.json")).unwrap();
        serde_json::from_value(all["schedule"][name].clone()).unwrap()
    }

    /// fastai reckons positions in single precision.
    pub(in crate::schedule) const SINGLE: f64 = 2e-6;

    pub(in crate::schedule) fn assert_close(ours: f64, expected: f64) {
        let most = expected.abs().max(1e-9);
        assert!((ours - expected).abs() <= SINGLE * most, "{ours} is not {expected}");
    }

    #[test]
    fn curves_have_fastai_s_values() {
        let positions = reference("positions");
        let cosines = reference("cos 1e-2 -> 0");
        let exponentials = reference("exp 1e-7 -> 10");
        let one_cycle = reference("one-cycle pct .25: 4e-4 -> 1e-2 -> 1e-7");
        for (i, &t) in positions.iter().enumerate() {
            assert_close(cosine(1e-2, 0.0, t), cosines[i]);
            assert_close(exponential(1e-7, 10.0, t), exponentials[i]);
            assert_close(two_cosines(0.25, [1e-2 / 25.0, 1e-2, 1e-2 / 1e5], t), one_cycle[i]);
        }
    }

    #[test]
    fn two_cosines_meet_in_the_middle() {
        let curve = |t| two_cosines(0.3, [0.95, 0.85, 0.95], t);
        assert_eq!((curve(0.0), curve(0.3), curve(1.0)), (0.95, 0.85, 0.95));
        assert!((curve(0.3 - 1e-9) - 0.85).abs() < 1e-9);
    }
}
