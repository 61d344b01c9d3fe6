//! Mean average precision at `k`, as Ben Hamner's `ml_metrics.mapk` and Kaggle's page of every
//! competition by it have it: the mean over images of `sum P(i) rel(i) / min(truths, k)`, where
//! `P(i)` is the precision of the first `i` answers.

use super::{Direction, Family, Form, Metric, Misfit, Number, ScoreBy, Scoring, Serving, Training};
use crate::target::TargetKind;

/// How far up the truth stands: of one truth, 1 by its place.
pub(super) static FAMILY: Family = Family {
    word: "map@",
    number: Some(Number { name: "k", usual: 5.0, range: (1.0, 1000.0), is_whole: true }),
    title: |metric| format!("mean average precision at {}", metric.n_answers()),
    better: Direction::Higher,
    bounds: (0.0, 1.0),
    forms: &[(TargetKind::SingleLabel, Form::Ranking), (TargetKind::MultiLabel, Form::Ranking)],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::Largest,
    score: ScoreBy::Rows(rows),
};

fn rows(metric: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    let (truth, said) = rows.lists(metric)?;
    let k = metric.n_answers();
    Ok(truth.iter().zip(said).map(|(truth, said)| average_precision(truth, said, k)).collect())
}

/// That of one image. An answer given again takes a place and counts no more; without a truth there
/// is nothing to be right about, and the score is 0.
fn average_precision(truth: &[usize], said: &[usize], k: usize) -> f64 {
    let (mut n_right, mut sum) = (0, 0.0);
    for (place, class) in said.iter().take(k).enumerate() {
        if truth.contains(class) && !said[..place].contains(class) {
            n_right += 1;
            sum += f64::from(n_right) / (place + 1) as f64;
        }
    }
    sum / truth.len().clamp(1, k) as f64
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    /// `ml_metrics.mapk`, of which `make_reference.py` has the lines.
    #[test]
    fn agrees_with_ml_metrics() {
        for case in Case::all("rankings") {
            for k in [1, 3, 5] {
                case.check(&format!("map@{k}"), &format!("map@{k}"));
            }
        }
        for case in Case::all("rankings of tags") {
            case.check("map@3", "map@3");
        }
    }

    #[test]
    fn an_answer_given_again_takes_a_place_and_counts_once() {
        for (truth, said, expected) in [
            (&[0][..], &[1, 1, 0][..], 1.0 / 3.0),
            (&[0], &[0, 0, 0], 1.0),
            // (1/1 + 2/3) / 2
            (&[0, 1], &[0, 0, 1], 5.0 / 6.0),
            (&[0], &[1, 2, 3, 4, 5, 0], 0.0),
            (&[0], &[], 0.0),
            (&[], &[0], 0.0),
        ] {
            let score = Case::lists(&[truth], &[said], 6).score("map@5");
            assert!((score - expected).abs() < 1e-12, "{truth:?} {said:?}: {score}");
        }
    }
}
