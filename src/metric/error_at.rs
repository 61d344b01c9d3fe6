//! The share of images without the truth among the first `k` answers, as in the yearly
//! contests of fine-grained recognition; 1 less scikit-learn's `top_k_accuracy_score`.

use super::{Direction, Family, Form, Metric, Misfit, Number, ScoreBy, Scoring, Serving, Training};
use crate::target::TargetKind;

/// How often the first few answers miss.
pub(super) static FAMILY: Family = Family {
    word: "error@",
    number: Some(Number { name: "k", usual: 3.0, range: (1.0, 1000.0), is_whole: true }),
    title: |metric| format!("top-{} error", metric.n_answers()),
    better: Direction::Lower,
    bounds: (0.0, 1.0),
    forms: &[(TargetKind::SingleLabel, Form::Ranking), (TargetKind::MultiLabel, Form::Ranking)],
    options: &[],
    trains: Training::Likelihood,
    serves: Serving::Largest,
    score: ScoreBy::Rows(rows),
};

/// Of several truths, one suffices.
fn rows(metric: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    let (truth, said) = rows.lists(metric)?;
    let misses = |(truth, said): (&Vec<usize>, &Vec<usize>)| {
        let is_hit = said.iter().take(metric.n_answers()).any(|class| truth.contains(class));
        f64::from(u8::from(!is_hit))
    };
    Ok(truth.iter().zip(said).map(misses).collect())
}

#[cfg(test)]
mod tests {
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("rankings") {
            for k in [1, 2, 3] {
                case.check(&format!("error@{k}"), &format!("error@{k}"));
            }
        }
    }

    #[test]
    fn only_the_first_few_count_and_nothing_is_a_miss() {
        let case = Case::lists(&[&[0], &[1], &[2], &[1, 2]], &[&[2, 1, 0], &[0, 1], &[], &[2]], 3);
        for (word, expected) in [("error@1", 0.75), ("error@2", 0.5), ("error@3", 0.25)] {
            assert!((case.score(word) - expected).abs() < 1e-12, "{word}");
        }
    }
}
