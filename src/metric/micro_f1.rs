//! F1 of all answers together; scikit-learn's `f1_score(average="micro", zero_division=0)`. Where
//! every image has one class and gets one, it is the accuracy.

use super::{
    Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, TagCounts, Training,
};
use crate::target::TargetKind;

/// F1 of pooled counts: frequent tags count most.
pub(super) static FAMILY: Family = Family {
    word: "micro-f1",
    number: None,
    title: |_| "micro F1".to_owned(),
    better: Direction::Higher,
    bounds: (0.0, 1.0),
    forms: &[
        (TargetKind::SingleLabel, Form::Label),
        (TargetKind::MultiLabel, Form::Tags),
        (TargetKind::Ordinal, Form::Label),
    ],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::Threshold,
    score: ScoreBy::Whole(whole),
};

fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let counts = TagCounts::of_classes(rows.lists(metric)?, rows.classes.len());
    Ok(counts.into_iter().sum::<TagCounts>().fbeta(1.0))
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("labels").into_iter().chain(Case::all("tags")) {
            case.check("micro-f1", "micro-f1");
        }
    }

    #[test]
    fn no_answers_score_nothing() {
        assert_eq!(Case::lists(&[&[0], &[]], &[&[], &[]], 2).score("micro-f1"), 0.0);
    }
}
