//! The mean over columns of the root mean squared error (MCRMSE); scikit-learn's
//! `root_mean_squared_error` with its usual mean over outputs.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::target::TargetKind;

/// Every column counts alike, however large its numbers are.
pub(super) static FAMILY: Family = Family {
    word: "mean-rmse",
    number: None,
    title: |_| "mean of the columns' root mean squared errors".to_owned(),
    better: Direction::Lower,
    bounds: (0.0, f64::MAX),
    forms: &[(TargetKind::Number, Form::Numbers)],
    options: &[],
    trains: Training::SquaredError,
    serves: Serving::Range,
    score: ScoreBy::Whole(whole),
};

fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let (truth, said) = rows.numbers(metric)?;
    let of_column = |column: usize| {
        let pairs = truth.column(column).zip(said.column(column));
        let squares: f64 = pairs.map(|(truth, said)| (said - truth).powi(2)).sum();
        (squares / truth.n_rows() as f64).sqrt()
    };
    Ok((0..truth.width()).map(of_column).sum::<f64>() / truth.width() as f64)
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("numbers") {
            case.check("mean-rmse", "mean-rmse");
        }
    }
}
