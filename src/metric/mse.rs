//! The mean squared error; scikit-learn's `mean_squared_error`.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::target::TargetKind;

/// The mean over all numbers of the squared difference.
pub(super) static FAMILY: Family = Family {
    word: "mse",
    number: None,
    title: |_| "mean squared error".to_owned(),
    better: Direction::Lower,
    bounds: (0.0, f64::MAX),
    forms: &[(TargetKind::Number, Form::Numbers)],
    options: &[],
    trains: Training::SquaredError,
    serves: Serving::Range,
    score: ScoreBy::Rows(squares),
};

/// The mean of each row's squared differences.
pub(super) fn squares(metric: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    rows.mean_of_cells(metric, |truth, said| (said - truth).powi(2))
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("numbers") {
            case.check("mse", "mse");
        }
    }
}
