//! Cohen's kappa with quadratic weights: `1 - sum w O / sum w E` with `w = (i - j)^2`, `O` the counts
//! and `E` what the margins alone would give; scikit-learn's
//! `cohen_kappa_score(weights="quadratic")`. Cohen 1968, "Weighted kappa".

use super::{Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training};
use crate::target::{Classes, TargetKind};

/// Agreement beyond chance, where a miss by two levels costs four times as much as one by one.
pub(super) static FAMILY: Family = Family {
    word: "kappa",
    number: None,
    title: |_| "quadratic weighted kappa".to_owned(),
    better: Direction::Higher,
    bounds: (-1.0, 1.0),
    forms: &[(TargetKind::Ordinal, Form::Label)],
    options: &[],
    trains: Training::SquaredError,
    serves: Serving::CutPoints,
    score: ScoreBy::Whole(whole),
};

/// 1 where nothing but one and the same level is true and answered.
fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let (truth, said) = rows.lists(metric)?;
    let (levels, n) = (levels(rows.classes), truth.len() as f64);
    if truth.is_empty() {
        return Ok(f64::NAN);
    }
    let square = |a: usize, b: usize| (levels[a] - levels[b]).powi(2);
    let mut margins = [vec![0.0; levels.len()], vec![0.0; levels.len()]];
    let mut observed = 0.0;
    for (truth, said) in truth.iter().zip(said) {
        let (Some(&truth), Some(&said)) = (truth.first(), said.first()) else { continue };
        margins[0][truth] += 1.0;
        margins[1][said] += 1.0;
        observed += square(truth, said);
    }
    let [truths, answers] = margins;
    let met = |margin: &[f64]| -> Vec<(usize, f64)> {
        margin.iter().copied().enumerate().filter(|&(_, n)| n > 0.0).collect()
    };
    let (truths, answers) = (met(&truths), met(&answers));
    let pairs = truths.iter().flat_map(|&(a, n)| answers.iter().map(move |&(b, m)| (a, b, n * m)));
    let expected = pairs.map(|(a, b, count)| square(a, b) * count / n).sum::<f64>();
    Ok(if expected > 0.0 { 1.0 - observed / expected } else { 1.0 })
}

/// What each class is worth: its name, if all are numbers, else its place.
fn levels(classes: &Classes) -> Vec<f64> {
    let named: Option<Vec<f64>> = classes
        .names()
        .iter()
        .map(|name| name.parse().ok().filter(|number: &f64| number.is_finite()))
        .collect();
    named.unwrap_or_else(|| (0..classes.len()).map(|place| place as f64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::reference::Case;

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("labels") {
            case.check("kappa", "kappa");
        }
    }

    #[test]
    fn always_the_same_answer_is_worth_nothing_unless_it_is_all_there_is() {
        let score =
            |truth: &[&[usize]], said: &[&[usize]]| Case::lists(truth, said, 5).score("kappa");
        assert_eq!(score(&[&[0], &[1], &[4]], &[&[2], &[2], &[2]]), 0.0);
        assert_eq!(score(&[&[2], &[2]], &[&[2], &[2]]), 1.0);
        assert!(score(&[], &[]).is_nan());
    }

    #[test]
    fn levels_are_numbers_where_their_names_are() {
        let levels = |names: &[&str]| {
            levels(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>().into())
        };
        assert_eq!(levels(&["1", "2", "4", "3"]), [1.0, 2.0, 4.0, 3.0]);
        assert_eq!(levels(&["none", "mild", "severe"]), [0.0, 1.0, 2.0]);
    }
}
