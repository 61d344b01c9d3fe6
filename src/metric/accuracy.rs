//! The share of images whose most probable class is the true one.

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::table::Table;
use crate::target::{Said, TargetKind, Truth};

/// The share of images whose answer is the truth.
pub(super) static FAMILY: Family = Family {
    word: "accuracy",
    number: None,
    title: |_| "accuracy".to_owned(),
    better: Direction::Higher,
    forms: &[(TargetKind::SingleLabel, Form::Label), (TargetKind::Ordinal, Form::Label)],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::Largest,
    score: ScoreBy::Rows(rows),
};

fn rows(metric: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    let (Truth::Classes(truth), Said::Lists(said)) = (rows.truth, rows.said) else {
        return Err(Misfit::new(metric, rows.said));
    };
    let is_right = |(truth, said): (&Vec<usize>, &Vec<usize>)| f64::from(u8::from(truth == said));
    Ok(truth.iter().zip(said).map(is_right).collect())
}

/// Accuracy of `rows` (`[n, classes]`) against one class index a row.
pub fn accuracy<P: Copy + Into<f64>>(rows: &Table<P>, truth: &[usize]) -> f64 {
    assert_eq!(rows.n_rows(), truth.len(), "a row of probabilities for every truth");
    let pairs = rows.rows().zip(truth);
    let n_right = pairs.filter(|&(row, &class)| most_probable(row) == class).count();
    n_right as f64 / truth.len() as f64
}

/// The place of the largest probability, the first of equals.
pub fn most_probable<P: Copy + Into<f64>>(row: &[P]) -> usize {
    let mut best = 0;
    for (class, &p) in row.iter().enumerate() {
        if p.into() > row[best].into() {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::log_loss::tests::reference;

    #[test]
    fn agrees_with_scikit_learn() {
        let expected = &reference()["multiclass"];
        let rows: Vec<Vec<f64>> =
            serde_json::from_value(expected["probabilities"].clone()).unwrap();
        let truth: Vec<usize> = serde_json::from_value(expected["truth"].clone()).unwrap();
        let rows = Table::new(rows.concat(), 4);
        assert_eq!(accuracy(&rows, &truth), expected["accuracy"].as_f64().unwrap());
    }
}
