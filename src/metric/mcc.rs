//! Matthews' correlation coefficient, for two classes or more; scikit-learn's `matthews_corrcoef`.
//! Gorodkin 2004, "Comparing two K-category assignments by a K-category correlation coefficient".

use super::{
    Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, TagCounts, Training,
};
use crate::target::TargetKind;

/// The correlation of answers and truth: 0 for guessing, however rare a class is.
pub(super) static FAMILY: Family = Family {
    word: "mcc",
    number: None,
    title: |_| "Matthews' correlation coefficient".to_owned(),
    better: Direction::Higher,
    bounds: (-1.0, 1.0),
    forms: &[(TargetKind::SingleLabel, Form::Label), (TargetKind::Ordinal, Form::Label)],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::Priors,
    score: ScoreBy::Whole(whole),
};

/// 0 where truth or answers are one and the same class.
fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let counts = TagCounts::of_classes(rows.lists(metric)?, rows.classes.len());
    let sum = |of: fn(&TagCounts) -> f64| counts.iter().map(of).sum::<f64>();
    let n = sum(|class| class.truth as f64);
    let right = sum(|class| class.right as f64);
    let both = sum(|class| class.truth as f64 * class.answered as f64);
    let truths = n * n - sum(|class| (class.truth as f64).powi(2));
    let answers = n * n - sum(|class| (class.answered as f64).powi(2));
    let scale = (truths * answers).sqrt();
    Ok(if scale > 0.0 { (right * n - both) / scale } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("labels") {
            case.check("mcc", "mcc");
        }
    }

    #[test]
    fn always_the_same_answer_is_worth_nothing() {
        assert_eq!(Case::lists(&[&[0], &[1]], &[&[1], &[1]], 2).score("mcc"), 0.0);
        assert_eq!(Case::lists(&[&[0], &[1]], &[&[1], &[0]], 2).score("mcc"), -1.0);
        assert_eq!(Case::lists(&[&[0], &[2]], &[&[0], &[2]], 3).score("mcc"), 1.0);
    }
}
