//! The mean over classes of F1; scikit-learn's `f1_score(average="macro", zero_division=0)`.
//!
//! Over which classes is the question. Of one class an image they are those of the truth and of the
//! answers, which is scikit-learn's default and Kaggle's for single labels; of tags they are all that
//! there are (`target.classes`, where the spec has them), and one without either scores 0.

use super::{
    Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, TagCounts, Training,
};
use crate::target::TargetKind;

/// The mean of the classes' F1: rare ones count as much as frequent ones.
pub(super) static FAMILY: Family = Family {
    word: "macro-f1",
    number: None,
    title: |_| "macro F1".to_owned(),
    better: Direction::Higher,
    bounds: (0.0, 1.0),
    forms: &[
        (TargetKind::SingleLabel, Form::Label),
        (TargetKind::MultiLabel, Form::Tags),
        (TargetKind::Ordinal, Form::Label),
    ],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::ThresholdAClass,
    score: ScoreBy::Whole(whole),
};

fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let counts = TagCounts::of_classes(rows.lists(metric)?, rows.classes.len());
    let all = !rows.kind.has_one_class();
    let counted = counts.iter().filter(|counts| all || counts.truth + counts.answered > 0);
    let scores: Vec<f64> = counted.map(|counts| counts.fbeta(1.0)).collect();
    Ok(scores.iter().sum::<f64>() / scores.len() as f64)
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("labels").into_iter().chain(Case::all("tags")) {
            case.check("macro-f1", "macro-f1");
        }
    }

    #[test]
    fn what_is_met_nowhere_counts_among_tags_alone() {
        // Two of four classes are met: one has F 2/3, the other 2/3.
        let (truth, said): ([&[usize]; 3], [&[usize]; 3]) =
            ([&[0], &[0], &[1]], [&[0], &[1], &[1]]);
        let one = Case::lists(&truth, &said, 4).score("macro-f1");
        assert!((one - 2.0 / 3.0).abs() < 1e-12, "{one}");
        let tags = Case::tags(&truth, &said, 4).score("macro-f1");
        assert!((tags - 1.0 / 3.0).abs() < 1e-12, "{tags}");
    }
}
