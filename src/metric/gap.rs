//! Global average precision, "GAP" of Google's landmarks (micro average precision at 1; Perronnin,
//! Liu, Renders 2009, "A Family of Contextual Measures of Similarity"): the answers of all images in
//! one list by confidence, and the precision down to each right one, summed, over the images that
//! have a truth. An image without a truth is best not answered.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::target::{Said, TargetKind, Truth};

/// Precision down the list of all answers.
pub(super) static FAMILY: Family = Family {
    word: "gap",
    number: None,
    title: |_| "global average precision".to_owned(),
    better: Direction::Higher,
    bounds: (0.0, 1.0),
    forms: &[
        (TargetKind::SingleLabel, Form::ScoredLabel),
        (TargetKind::MultiLabel, Form::ScoredLabel),
    ],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::LargestAndHowSure,
    score: ScoreBy::Whole(whole),
};

/// Answers of one confidence stand in the order of rows.
fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let (Truth::Classes(truth), Said::Scored(said)) = (rows.truth, rows.said) else {
        return Err(Misfit::new(metric, rows.said));
    };
    let answered = truth.iter().zip(said).filter_map(|(truth, said)| Some((truth, (*said)?)));
    let mut list: Vec<(bool, f64)> =
        answered.map(|(truth, (class, sure))| (truth.contains(&class), sure)).collect();
    list.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let (mut n_right, mut sum) = (0, 0.0);
    for (place, (is_right, _)) in list.into_iter().enumerate() {
        if is_right {
            n_right += 1;
            sum += f64::from(n_right) / (place + 1) as f64;
        }
    }
    let n_true = truth.iter().filter(|truth| !truth.is_empty()).count();
    Ok(sum / n_true as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::reference::Case;

    type Answer = Option<(usize, f64)>;

    fn gap(truth: &[&[usize]], said: &[Answer]) -> f64 {
        Case::new(TargetKind::SingleLabel, truth, Said::Scored(said.to_vec()), 4).score("gap")
    }

    #[test]
    fn agrees_with_the_formula() {
        for case in Case::all("scored") {
            case.check("gap", "gap");
        }
        // By confidence: right (1/1), wrong, right (2/3); two images have a truth.
        let score = gap(&[&[0], &[1], &[]], &[Some((0, 0.9)), Some((1, 0.2)), Some((2, 0.5))]);
        assert!((score - f64::midpoint(1.0, 2.0 / 3.0)).abs() < 1e-12, "{score}");
    }

    #[test]
    fn what_is_not_answered_is_not_in_the_list() {
        assert_eq!(gap(&[&[0], &[]], &[Some((0, 0.1)), None]), 1.0);
        assert_eq!(gap(&[&[0], &[1]], &[Some((0, 0.1)), None]), 0.5);
        assert_eq!(gap(&[&[0], &[1]], &[None, None]), 0.0);
        assert!(gap(&[&[]], &[Some((0, 0.1))]).is_nan());
    }

    #[test]
    fn answers_as_sure_as_others_stand_in_the_order_of_rows() {
        assert_eq!(gap(&[&[0], &[]], &[Some((0, 0.1)), Some((0, 0.1))]), 1.0);
        assert_eq!(gap(&[&[], &[0]], &[Some((0, 0.1)), Some((0, 0.1))]), 0.5);
    }
}
