//! Log loss as Kaggle computes it: <https://www.kaggle.com/wiki/LogLoss> and
//! <https://www.kaggle.com/wiki/MultiClassLogLoss>.
//!
//! Probabilities may be `f32` (a model's) or `f64` (a CSV's: near one, single precision would
//! change the score).

use super::family::weighted;
use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::table::Table;
use crate::target::TargetKind;

/// The mean of `-ln p`.
pub(super) static FAMILY: Family = Family {
    word: "log-loss",
    number: None,
    title: |metric| match &metric.options().weights {
        None => "log loss".to_owned(),
        Some(_) => "weighted log loss".to_owned(),
    },
    better: Direction::Lower,
    bounds: (0.0, WORST),
    forms: &[
        (TargetKind::SingleLabel, Form::Probabilities),
        (TargetKind::MultiLabel, Form::Probabilities),
    ],
    options: &["weights"],
    trains: Training::Likelihood,
    serves: Serving::Calibrated,
    score: ScoreBy::Rows(rows),
};

/// Where every image has one class, rows are distributions over the classes; else each cell is the
/// probability of a tag, and a row's score the mean over its cells. Classes that count differently
/// weight rows by their truth, or cells by their column.
fn rows(metric: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    let (truth, said) = rows.probabilities(metric)?;
    let weights = metric.class_weights(rows.classes)?;
    if rows.kind != TargetKind::SingleLabel {
        let weights = weights.unwrap_or_else(|| vec![1.0; said.width()]);
        let sum: f64 = weights.iter().sum();
        let score = |(row, tags): (&[f64], &Vec<usize>)| {
            let losses = row
                .iter()
                .zip(&weights)
                .enumerate()
                .map(|(class, (&p, weight))| weight * cell_log_loss(p, tags.contains(&class)));
            losses.sum::<f64>() / sum
        };
        return Ok(said.rows().zip(truth).map(score).collect());
    }
    let classes = truth.iter().map(|truth| truth.first().copied().unwrap_or_default());
    let score = |(row, class): (&[f64], usize)| row_log_loss(row, class);
    let scores = said.rows().zip(classes.clone()).map(score).collect();
    Ok(match weights {
        Some(weights) => weighted(scores, classes.map(|class| weights[class])),
        None => scores,
    })
}

/// Kaggle's own clip, far below any that is worth submitting.
const KAGGLE_CLIP: f64 = 1e-15;

/// The log loss of a file that is certain of what is false: `-ln 1e-15`.
pub(super) const WORST: f64 = 34.538_776_394_910_684;

/// Multi-class log loss: the mean of `-ln p(true class)`, rows scaled to sum to one first.
///
/// `rows` are `[n, classes]`; `truth` is one class index a row.
pub fn log_loss<P: Copy + Into<f64>>(rows: &Table<P>, truth: &[usize]) -> f64 {
    assert_eq!(rows.n_rows(), truth.len(), "a row of probabilities for every truth");
    let losses = rows.rows().zip(truth).map(|(row, &class)| row_log_loss(row, class));
    losses.sum::<f64>() / truth.len() as f64
}

/// That of one row.
pub fn row_log_loss<P: Copy + Into<f64>>(row: &[P], class: usize) -> f64 {
    let sum: f64 = row.iter().map(|&p| p.into()).sum();
    let p = if sum > 0.0 { row[class].into() / sum } else { 0.0 };
    -p.clamp(KAGGLE_CLIP, 1.0 - KAGGLE_CLIP).ln()
}

/// Log loss of one probability a row: `-(1/n) sum [y ln p + (1-y) ln(1-p)]`.
pub fn binary_log_loss<P: Copy + Into<f64>>(probabilities: &[P], truth: &[bool]) -> f64 {
    assert_eq!(probabilities.len(), truth.len(), "a probability for every truth");
    let losses = probabilities.iter().zip(truth).map(|(&p, &positive)| cell_log_loss(p, positive));
    losses.sum::<f64>() / truth.len() as f64
}

/// That of one probability.
fn cell_log_loss<P: Into<f64>>(p: P, positive: bool) -> f64 {
    let p = p.into().clamp(KAGGLE_CLIP, 1.0 - KAGGLE_CLIP);
    if positive { -p.ln() } else { -(1.0 - p).ln() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::reference::{Case, metric, reference};

    #[test]
    fn nothing_is_worse_than_certain_and_wrong() {
        assert_eq!(binary_log_loss(&[0.0], &[true]), WORST);
        assert_eq!(log_loss(&Table::new(vec![0.0, 1.0], 2), &[0]), WORST);
    }

    #[test]
    fn kaggle_wiki_vector() {
        let rows = [0.5, 0.5, 0.1, 0.9, 0.01, 0.99, 0.9, 0.1, 0.75, 0.25, 0.001, 0.999];
        let loss = log_loss(&Table::new(rows.to_vec(), 2), &[0, 0, 0, 1, 1, 1]);
        assert!((loss - 1.881_797_068_998_267).abs() < 1e-12, "{loss}");
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let expected = &reference()["multiclass"];
        let rows: Vec<Vec<f64>> =
            serde_json::from_value(expected["probabilities"].clone()).unwrap();
        let truth: Vec<usize> = serde_json::from_value(expected["truth"].clone()).unwrap();
        let loss = log_loss(&Table::new(rows.concat(), 4), &truth);
        assert!((loss - expected["log_loss"].as_f64().unwrap()).abs() < 1e-12, "{loss}");

        let expected = &reference()["binary"];
        let p: Vec<f64> = serde_json::from_value(expected["probabilities"].clone()).unwrap();
        let truth: Vec<u8> = serde_json::from_value(expected["truth"].clone()).unwrap();
        let truth: Vec<bool> = truth.iter().map(|&y| y == 1).collect();
        let loss = binary_log_loss(&p, &truth);
        assert!((loss - expected["log_loss"].as_f64().unwrap()).abs() < 1e-12, "{loss}");
        let clipped: Vec<f64> = p.iter().map(|p| p.clamp(0.02, 0.98)).collect();
        let loss = binary_log_loss(&clipped, &truth);
        let clipped_loss = expected["log_loss clipped [.02,.98]"].as_f64().unwrap();
        assert!((loss - clipped_loss).abs() < 1e-12, "{loss}");
    }

    #[test]
    fn cells_and_rows_count_by_their_classes() {
        for case in Case::all("probabilities") {
            case.check("log-loss", "log-loss");
            case.check("m = { name = \"log-loss\", weights = { 1 = 2 } }", "log-loss, 1 twice");
        }
        for case in Case::all("distributions") {
            case.check("log-loss", "log-loss");
            case.check("m = { name = \"log-loss\", weights = { 1 = 2 } }", "log-loss, 1 twice");
        }
        let case = Case::probabilities(&[vec![0], vec![]], vec![0.5; 4], 2);
        let metric = metric("m = { name = \"log-loss\", weights = { any = 2 } }");
        let error = case.try_score(&metric).unwrap_err().to_string();
        let expected = "`weights` of `log-loss` name `any`, which is none of the classes\n\
                        hint: they are 0, 1";
        assert_eq!(error, expected);
    }

    #[test]
    fn the_sample_submission_scores_ln_2() {
        let loss = binary_log_loss(&[0.5; 4], &[true, false, true, true]);
        assert!((loss - std::f64::consts::LN_2).abs() < 1e-12);
    }

    #[test]
    fn a_sure_and_wrong_row_costs_what_kaggle_charges() {
        let loss = binary_log_loss(&[0.0], &[true]);
        assert!((loss - 34.538_776).abs() < 1e-5, "{loss}");
    }

    proptest! {
        #[test]
        fn log_loss_is_never_negative(
            rows in prop::collection::vec((prop::array::uniform3(0f32..=1.0), 0usize..3), 1..20)
        ) {
            let truth: Vec<usize> = rows.iter().map(|&(_, class)| class).collect();
            let rows: Vec<f32> = rows.iter().flat_map(|&(row, _)| row).collect();
            let loss = log_loss(&Table::new(rows, 3), &truth);
            prop_assert!((0.0..=34.6).contains(&loss), "{loss}");
        }
    }
}
