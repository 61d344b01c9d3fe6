//! The root of the mean squared error over all numbers; scikit-learn's `root_mean_squared_error` of
//! all cells in one column.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training, mse};
use crate::target::TargetKind;

/// How far off numbers are, in their own units.
pub(super) static FAMILY: Family = Family {
    word: "rmse",
    number: None,
    title: |_| "root mean squared error".to_owned(),
    better: Direction::Lower,
    bounds: (0.0, f64::MAX),
    forms: &[(TargetKind::Number, Form::Numbers)],
    options: &[],
    trains: Training::SquaredError,
    serves: Serving::Range,
    score: ScoreBy::Whole(whole),
};

fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let squares = mse::squares(metric, rows)?;
    Ok((squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("numbers") {
            case.check("rmse", "rmse");
        }
    }

    #[test]
    fn of_nothing_there_is_none() {
        assert!(Case::numbers(&[], &[], 1).score("rmse").is_nan());
        assert_eq!(Case::numbers(&[3.0], &[1.0], 1).score("rmse"), 2.0);
    }
}
