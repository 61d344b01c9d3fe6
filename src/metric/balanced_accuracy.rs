//! The mean over the classes of the truth of how often each is recognised; scikit-learn's
//! `balanced_accuracy_score`.

use super::{
    Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, TagCounts, Training,
};
use crate::target::TargetKind;

/// The mean recall: rare classes count as much as frequent ones.
pub(super) static FAMILY: Family = Family {
    word: "balanced-accuracy",
    number: None,
    title: |_| "balanced accuracy".to_owned(),
    better: Direction::Higher,
    bounds: (0.0, 1.0),
    forms: &[(TargetKind::SingleLabel, Form::Label), (TargetKind::Ordinal, Form::Label)],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::Priors,
    score: ScoreBy::Whole(whole),
};

fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let counts = TagCounts::of_classes(rows.lists(metric)?, rows.classes.len());
    let met: Vec<f64> =
        counts.iter().filter(|counts| counts.truth > 0).map(|counts| counts.recall()).collect();
    Ok(met.iter().sum::<f64>() / met.len() as f64)
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("labels") {
            case.check("balanced-accuracy", "balanced-accuracy");
        }
    }

    #[test]
    fn a_class_that_is_only_answered_is_none_to_be_recognised() {
        let case = Case::lists(&[&[0], &[0], &[1]], &[&[0], &[3], &[1]], 4);
        assert!((case.score("balanced-accuracy") - 0.75).abs() < 1e-12);
    }
}
