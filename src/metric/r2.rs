//! The share of the variance that is explained, the mean over columns; scikit-learn's `r2_score`, as in
//! `PlantTraits` 2024.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::target::TargetKind;

/// 1 less the squared error over that of always answering the mean.
pub(super) static FAMILY: Family = Family {
    word: "r2",
    number: None,
    title: |_| "R2".to_owned(),
    better: Direction::Higher,
    bounds: (f64::MIN, 1.0),
    forms: &[(TargetKind::Number, Form::Numbers)],
    options: &[],
    trains: Training::SquaredError,
    serves: Serving::Range,
    score: ScoreBy::Whole(whole),
};

/// A column of one and the same number has nothing to explain: 1 where it is answered, else 0.
fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let (truth, said) = rows.numbers(metric)?;
    let of_column = |column: usize| {
        let numbers: Vec<f64> = truth.column(column).collect();
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let missed: f64 = numbers
            .iter()
            .zip(said.column(column))
            .map(|(truth, said)| (said - truth).powi(2))
            .sum();
        let spread: f64 = numbers.iter().map(|truth| (truth - mean).powi(2)).sum();
        match (missed, spread) {
            (0.0, 0.0) => 1.0,
            (_, 0.0) => 0.0,
            _ => 1.0 - missed / spread,
        }
    };
    if truth.is_empty() {
        return Ok(f64::NAN);
    }
    Ok((0..truth.width()).map(of_column).sum::<f64>() / truth.width() as f64)
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("numbers") {
            case.check("r2", "r2");
        }
    }

    #[test]
    fn one_and_the_same_number_has_nothing_to_explain() {
        assert_eq!(Case::numbers(&[2.0, 2.0], &[2.0, 2.0], 1).score("r2"), 1.0);
        assert_eq!(Case::numbers(&[2.0, 2.0], &[2.0, 3.0], 1).score("r2"), 0.0);
        assert!(Case::numbers(&[], &[], 1).score("r2").is_nan());
    }
}
