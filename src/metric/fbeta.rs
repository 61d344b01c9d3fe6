//! Mean F-beta over samples: <https://www.kaggle.com/wiki/MeanFScore>; scikit-learn's
//! `fbeta_score(average="samples", zero_division=0)`.

use super::{Direction, Family, Form, Metric, Misfit, Number, ScoreBy, Scoring, Serving, Training};
use crate::table::Table;
use crate::target::TargetKind;

/// The mean over images of F-beta.
pub(super) static FAMILY: Family = Family {
    word: "mean-f",
    // The square of any other leaves nothing of precision, or of recall.
    number: Some(Number { name: "beta", usual: 2.0, range: (0.001, 1000.0), is_whole: false }),
    title: |metric| format!("mean F{}", beta(metric)),
    better: Direction::Higher,
    bounds: (0.0, 1.0),
    forms: &[(TargetKind::MultiLabel, Form::Tags)],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::TagsAnImage,
    score: ScoreBy::Rows(rows),
};

fn beta(metric: &Metric) -> f64 {
    metric.number().unwrap_or(2.0)
}

fn rows(metric: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    let (truth, said) = rows.lists(metric)?;
    let score = |(truth, said): (&Vec<usize>, &Vec<usize>)| {
        let n_right = said.iter().filter(|tag| truth.contains(tag)).count();
        sample_fbeta(n_right, truth.len(), said.len(), beta(metric))
    };
    Ok(truth.iter().zip(said).map(score).collect())
}

/// F-beta of one image: `(1+b^2) tp / (b^2 |truth| + |predicted|)`, 0 when nothing is right.
pub fn sample_fbeta(n_right: usize, n_truth: usize, n_predicted: usize, beta: f64) -> f64 {
    if n_right == 0 {
        return 0.0;
    }
    let b2 = beta * beta;
    (1.0 + b2) * n_right as f64 / (b2 * n_truth as f64 + n_predicted as f64)
}

/// `1 / (1 + beta^2)`: above which probability a tag should be named, where probabilities are
/// calibrated and little is wrong; the limit of `F* / (1 + beta^2)` (Lipton et al. 2014, "Thresholding
/// Classifiers to Maximize F1 Score", <https://arxiv.org/abs/1402.1892>). A fifth for F2.
pub fn usual_threshold(beta: f64) -> f64 {
    1.0 / (1.0 + beta * beta)
}

/// The mean over images. `truth` and `predicted` are `[n, classes]`.
pub fn mean_fbeta(truth: &Table<bool>, predicted: &Table<bool>, beta: f64) -> f64 {
    assert_eq!(truth.n_rows(), predicted.n_rows(), "truth and predictions of one shape");
    let scores = truth.rows().zip(predicted.rows()).map(|(truth, predicted)| {
        let count = |tags: &[bool]| tags.iter().filter(|&&tag| tag).count();
        let n_right = truth.iter().zip(predicted).filter(|&(&t, &p)| t && p).count();
        sample_fbeta(n_right, count(truth), count(predicted), beta)
    });
    scores.sum::<f64>() / truth.n_rows() as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metric::reference::reference;

    #[test]
    fn agrees_with_scikit_learn() {
        let expected = &reference()["multilabel"];
        let n_hot = |name: &str| -> Table<bool> {
            let rows: Vec<Vec<u8>> = serde_json::from_value(expected[name].clone()).unwrap();
            Table::new(rows.concat().iter().map(|&tag| tag == 1).collect(), 5)
        };
        for (name, beta) in [("f1 samples", 1.0), ("f2 samples", 2.0)] {
            let score = mean_fbeta(&n_hot("truth"), &n_hot("predicted"), beta);
            assert!((score - expected[name].as_f64().unwrap()).abs() < 1e-12, "{name}: {score}");
        }
    }

    #[test]
    fn agrees_with_the_formula_on_precision_and_recall() {
        // tp 2 of 3 true, 4 predicted: P = 1/2, R = 2/3, F2 = 5PR / (4P + R).
        let (p, r) = (0.5, 2.0 / 3.0);
        assert!((sample_fbeta(2, 3, 4, 2.0) - 5.0 * p * r / (4.0 * p + r)).abs() < 1e-12);
    }

    #[test]
    fn an_empty_prediction_scores_nothing() {
        let truth = Table::new(vec![true, false, false, false], 2);
        assert_eq!(mean_fbeta(&truth, &Table::new(vec![false; 4], 2), 2.0), 0.0);
    }

    proptest! {
        #[test]
        fn f_lies_between_none_right_and_all_right(
            tags in prop::collection::vec(any::<(bool, bool)>(), 5..50), beta in 0.5f64..4.0
        ) {
            let tags = &tags[..tags.len() / 5 * 5];
            let (truth, predicted): (Vec<bool>, Vec<bool>) = tags.iter().copied().unzip();
            let (truth, predicted) = (Table::new(truth, 5), Table::new(predicted, 5));
            let score = mean_fbeta(&truth, &predicted, beta);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&score), "{score}");
            let n_tagged = truth.rows().filter(|row| row.contains(&true)).count();
            let perfect = n_tagged as f64 / truth.n_rows() as f64;
            prop_assert!((mean_fbeta(&truth, &truth, beta) - perfect).abs() < 1e-12);
        }
    }
}
