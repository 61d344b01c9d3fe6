//! Probabilistic F1, as in RSNA Breast Cancer Detection: F1 of the precision `sum p y / sum p` and the
//! recall `sum p y / sum y`. Yacouby, Axman 2020, "Probabilistic Extension of Precision, Recall, and
//! F1 Score", equations 5 and 6 without its normalisation.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::target::TargetKind;

/// F1 of what was said in probabilities, which pays to be sure.
pub(super) static FAMILY: Family = Family {
    word: "pf1",
    number: None,
    title: |_| "probabilistic F1".to_owned(),
    better: Direction::Higher,
    bounds: (0.0, 1.0),
    forms: &[
        (TargetKind::SingleLabel, Form::Probabilities),
        (TargetKind::MultiLabel, Form::Probabilities),
    ],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::ZeroOrOne,
    score: ScoreBy::Whole(whole),
};

/// The mean over the answer's columns; 0 of one without a positive row, or with zeros only.
fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let (truth, said) = rows.probabilities(metric)?;
    let of_column = |column: usize| {
        let (mut right, mut answered, mut n_true) = (0.0, 0.0, 0.0);
        for (p, truth) in said.column(column).zip(truth) {
            answered += p;
            if truth.contains(&column) {
                right += p;
                n_true += 1.0;
            }
        }
        // 2 P R / (P + R) with P = right / answered, R = right / true.
        if right > 0.0 { 2.0 * right / (answered + n_true) } else { 0.0 }
    };
    let scores: Vec<f64> =
        metric.columns(rows.classes).filter(|&at| at < said.width()).map(of_column).collect();
    Ok(scores.iter().sum::<f64>() / scores.len() as f64)
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    /// The lines of the competition's evaluation page, in `make_reference.py`.
    #[test]
    fn agrees_with_the_formula() {
        for case in Case::all("probability") {
            case.check("pf1", "pf1");
        }
    }

    #[test]
    fn of_zeros_and_ones_it_is_f1() {
        let truth = [vec![0], vec![0], vec![], vec![]];
        let score = Case::probabilities(&truth, vec![1.0, 0.0, 1.0, 0.0], 1).score("pf1");
        assert!((score - 0.5).abs() < 1e-12, "{score}");
        assert_eq!(Case::probabilities(&truth, vec![0.0; 4], 1).score("pf1"), 0.0);
        let none = [vec![], vec![]];
        assert_eq!(Case::probabilities(&none, vec![0.5; 2], 1).score("pf1"), 0.0);
    }
}
