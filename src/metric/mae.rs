//! The mean absolute error; scikit-learn's `mean_absolute_error`.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::target::TargetKind;

/// The mean over all numbers of the difference, whatever its sign.
pub(super) static FAMILY: Family = Family {
    word: "mae",
    number: None,
    title: |_| "mean absolute error".to_owned(),
    better: Direction::Lower,
    bounds: (0.0, f64::MAX),
    forms: &[(TargetKind::Number, Form::Numbers)],
    options: &[],
    trains: Training::AbsoluteError,
    serves: Serving::Range,
    score: ScoreBy::Rows(rows),
};

fn rows(metric: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    rows.mean_of_cells(metric, |truth, said| (said - truth).abs())
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("numbers") {
            case.check("mae", "mae");
        }
    }
}
