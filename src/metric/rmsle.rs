//! The root of the mean squared difference of logarithms, `ln (1 + x)`; scikit-learn's
//! `root_mean_squared_log_error` of all cells in one column.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::target::TargetKind;

/// How far off numbers are in proportion.
pub(super) static FAMILY: Family = Family {
    word: "rmsle",
    number: None,
    title: |_| "root mean squared logarithmic error".to_owned(),
    better: Direction::Lower,
    bounds: (0.0, f64::MAX),
    forms: &[(TargetKind::Number, Form::Numbers)],
    options: &[],
    trains: Training::SquaredLogError,
    serves: Serving::Range,
    score: ScoreBy::Whole(whole),
};

/// What is below zero counts as zero: there is no logarithm of less than nothing, and scikit-learn
/// refuses it.
fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let log = |x: f64| x.max(0.0).ln_1p();
    let squares = rows.mean_of_cells(metric, |truth, said| (log(said) - log(truth)).powi(2))?;
    Ok((squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("numbers") {
            case.check("rmsle", "rmsle");
        }
    }

    #[test]
    fn below_zero_is_zero() {
        let score = Case::numbers(&[3.0, 0.0], &[3.0, -7.0], 1).score("rmsle");
        assert_eq!(score, 0.0);
    }
}
