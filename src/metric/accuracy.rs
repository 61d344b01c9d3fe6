//! The share of images whose answer is the truth; scikit-learn's `accuracy_score`, with
//! `sample_weight` where images count differently by a part of their ids.

use super::family::weighted;
use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::table::Table;
use crate::target::TargetKind;

/// The share of images whose answer is the truth.
pub(super) static FAMILY: Family = Family {
    word: "accuracy",
    number: None,
    title: |_| "accuracy".to_owned(),
    better: Direction::Higher,
    bounds: (0.0, 1.0),
    forms: &[(TargetKind::SingleLabel, Form::Label), (TargetKind::Ordinal, Form::Label)],
    options: &["weight"],
    trains: Training::Likelihood,
    serves: Serving::Largest,
    score: ScoreBy::Rows(rows),
};

fn rows(metric: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    let (truth, said) = rows.lists(metric)?;
    let is_right = |(truth, said)| f64::from(u8::from(truth == said));
    let scores = truth.iter().zip(said).map(is_right).collect();
    if metric.options().weight.is_empty() {
        return Ok(scores);
    }
    Ok(weighted(scores, rows.ids.iter().map(|id| metric.options().weight_of(id))))
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
    use crate::metric::reference::{Case, reference};

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("labels") {
            case.check("accuracy", "accuracy");
        }
        let expected = &reference()["multiclass"];
        let rows: Vec<Vec<f64>> =
            serde_json::from_value(expected["probabilities"].clone()).unwrap();
        let truth: Vec<usize> = serde_json::from_value(expected["truth"].clone()).unwrap();
        let rows = Table::new(rows.concat(), 4);
        assert_eq!(accuracy(&rows, &truth), expected["accuracy"].as_f64().unwrap());
    }
    /// Camera Model Identification: what was altered counts 0.3, the rest 0.7. By hand:
    /// (0.7 + 0 + 0.3 + 0) / (0.7 + 0.7 + 0.3 + 0.3).
    #[test]
    fn images_count_by_a_part_of_their_ids() {
        let weighted = |weight: &str| {
            let metric = format!("m = {{ name = \"accuracy\", weight = {{ {weight} }} }}");
            let ids = ["1_unalt.tif", "2_unalt.tif", "3_manip.tif", "4_manip.tif"];
            let case = Case::lists(&[&[0], &[1], &[1], &[0]], &[&[0], &[0], &[1], &[1]], 2);
            case.with_ids(&ids).score(&metric)
        };
        let score = weighted("_unalt = 0.7, _manip = 0.3");
        assert!((score - 0.5).abs() < 1e-12, "{score}");
        // What no part is of counts 1, and of two parts the longer decides.
        let score = weighted("_unalt = 0.5, 1_unalt = 2");
        assert!((score - 3.0 / 4.5).abs() < 1e-12, "{score}");
    }
}
