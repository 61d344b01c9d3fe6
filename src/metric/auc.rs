//! The area under the ROC curve, the mean over columns; scikit-learn's
//! `roc_auc_score(average="macro")`.
//!
//! With `tpr`, only bands of the true positive rate count: the area between the curve and each band's
//! lower edge. With `weights` these are weighted and divided by the largest that they can be, as in
//! ALASKA2 (`tpr = [0, 0.4, 1]`, `weights = [2, 1]`); without, their sum is the score, as in ISIC 2024
//! (`tpr = [0.8, 1]`: at most 0.2).

use super::{
    Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, Training, Weights,
};
use crate::target::TargetKind;

/// How often what is true is thought likelier than what is not.
pub(super) static FAMILY: Family = Family {
    word: "auc",
    number: None,
    title: |metric| match (&metric.options().tpr[..], &metric.options().weights) {
        ([], _) => "ROC AUC".to_owned(),
        (_, None) => "partial ROC AUC".to_owned(),
        (_, Some(_)) => "weighted ROC AUC".to_owned(),
    },
    better: Direction::Higher,
    bounds: (0.0, 1.0),
    forms: &[
        (TargetKind::SingleLabel, Form::Probabilities),
        (TargetKind::MultiLabel, Form::Probabilities),
    ],
    options: &["tpr", "weights"],
    trains: Training::Likelihood,
    serves: Serving::AsTheyAre,
    score: ScoreBy::Whole(whole),
};

/// The mean over the columns that have rows of both kinds; no number where none has.
fn whole(metric: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let (truth, said) = rows.probabilities(metric)?;
    let of_column = |column: usize| {
        let is = truth.iter().map(|truth| truth.contains(&column));
        let mut answers: Vec<(f64, bool)> = said.column(column).zip(is).collect();
        answers.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
        let steps = steps(&answers);
        let [n_true, n_false] = steps.iter().fold([0, 0], |[a, b], [t, f]| [a + t, b + f]);
        (n_true > 0 && n_false > 0).then(|| area(metric, &steps, n_true as f64, n_false as f64))
    };
    let areas: Vec<f64> = metric
        .columns(rows.classes)
        .filter(|&at| at < said.width())
        .filter_map(of_column)
        .collect();
    Ok(areas.iter().sum::<f64>() / areas.len() as f64)
}

/// How many true and false rows each probability has, the largest first.
fn steps(answers: &[(f64, bool)]) -> Vec<[usize; 2]> {
    let of_step = |step: &[(f64, bool)]| {
        let n_true = step.iter().filter(|(_, is)| *is).count();
        [n_true, step.len() - n_true]
    };
    // -0 and 0 are one probability.
    answers.chunk_by(|(a, _), (b, _)| a == b).map(of_step).collect()
}

fn area(metric: &Metric, steps: &[[usize; 2]], n_true: f64, n_false: f64) -> f64 {
    let tpr = &metric.options().tpr[..];
    if tpr.is_empty() {
        // Each false row is beaten by all true ones above it, and half by those beside it.
        let (mut above, mut beaten) = (0.0, 0.0);
        for &[is, is_not] in steps {
            beaten += is_not as f64 * (above + is as f64 / 2.0);
            above += is as f64;
        }
        return beaten / (n_true * n_false);
    }
    let areas = tpr.windows(2).map(|band| band_area(steps, [n_true, n_false], [band[0], band[1]]));
    match &metric.options().weights {
        Some(Weights::Listed(weights)) => {
            let most: f64 = tpr
                .windows(2)
                .zip(weights)
                .map(|(band, weight)| (band[1] - band[0]) * weight)
                .sum();
            areas.zip(weights).map(|(area, weight)| area * weight).sum::<f64>() / most
        }
        _ => areas.sum(),
    }
}

/// The area between the curve and the lower edge of a band, as far as the curve lies in the band:
/// the integral over the false positive rate of `min(max(tpr - low, 0), high - low)`.
fn band_area(steps: &[[usize; 2]], [n_true, n_false]: [f64; 2], [low, high]: [f64; 2]) -> f64 {
    // What is below `y` of the band, integrated over `y`.
    let below = |y: f64| {
        let inside = (y.clamp(low, high) - low).powi(2) / 2.0;
        inside + (y - high).max(0.0) * (high - low)
    };
    let (mut above, mut sum) = (0.0, 0.0);
    for &[is, is_not] in steps {
        let (width, start) = (is_not as f64 / n_false, above / n_true);
        above += is as f64;
        let end = above / n_true;
        let height = if is == 0 {
            start.clamp(low, high) - low
        } else {
            (below(end) - below(start)) / (end - start)
        };
        sum += width * height;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::metric::reference::Case;

    const ALASKA: &str = "m = { name = \"auc\", tpr = [0, 0.4, 1], weights = [2, 1] }";
    const ISIC: &str = "m = { name = \"auc\", tpr = [0.8, 1] }";

    #[test]
    fn agrees_with_scikit_learn() {
        for case in Case::all("probabilities") {
            case.check("auc", "auc");
        }
        for case in Case::all("probability") {
            case.check("auc", "auc");
            case.check(ALASKA, "auc alaska");
            case.check(ISIC, "auc isic");
        }
    }

    fn one_column(p: &[f64], is: &[bool]) -> Case {
        let truth: Vec<Vec<usize>> =
            is.iter().map(|&is| if is { vec![0] } else { Vec::new() }).collect();
        Case::probabilities(&truth, p.to_vec(), 1)
    }

    #[test]
    fn ties_count_half() {
        let case = one_column(&[0.5, 0.5, 0.5], &[true, false, true]);
        assert_eq!(case.score("auc"), 0.5);
        assert!((case.score(ISIC) - 0.02).abs() < 1e-12, "{}", case.score(ISIC));
        assert_eq!(one_column(&[0.0, -0.0], &[true, false]).score("auc"), 0.5);
    }

    #[test]
    fn a_column_without_both_kinds_of_rows_is_passed_over() {
        let truth = [vec![0, 2], vec![2], vec![0, 2]];
        let p = vec![0.9, 0.1, 0.5, 0.2, 0.3, 0.5, 0.1, 0.2, 0.5];
        assert_eq!(Case::probabilities(&truth, p, 3).score("auc"), 0.5);
        assert!(one_column(&[0.1, 0.2], &[true, true]).score("auc").is_nan());
    }

    #[test]
    fn the_best_curve_fills_what_there_is() {
        let best = one_column(&[0.9, 0.8, 0.1], &[true, true, false]);
        assert!((best.score(ALASKA) - 1.0).abs() < 1e-12);
        assert!((best.score(ISIC) - 0.2).abs() < 1e-12);
        assert_eq!(one_column(&[0.1, 0.9], &[true, false]).score(ALASKA), 0.0);
    }

    proptest! {
        #[test]
        fn bands_that_cover_everything_are_the_whole_area(
            rows in prop::collection::vec((0u8..9, any::<bool>()), 2..60)
        ) {
            let (p, is): (Vec<f64>, Vec<bool>) =
                rows.iter().map(|&(p, is)| (f64::from(p) / 8.0, is)).unzip();
            let case = one_column(&p, &is);
            let whole = case.score("auc");
            let bands = case.score("m = { name = \"auc\", tpr = [0, 0.3, 0.7, 1] }");
            let weighted =
                case.score("m = { name = \"auc\", tpr = [0, 0.3, 1], weights = [3, 3] }");
            if whole.is_nan() {
                prop_assert!(bands.is_nan() && weighted.is_nan());
            } else {
                prop_assert!((whole - bands).abs() < 1e-12, "{whole} {bands}");
                prop_assert!((whole - weighted).abs() < 1e-12, "{whole} {weighted}");
            }
        }
    }
}
