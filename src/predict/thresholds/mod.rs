//! From probabilities to tags: thresholds that maximise the mean over images of F-beta.
//!
//! For calibrated probabilities the best threshold is about `F* / (1 + beta^2)` (Lipton et al.
//! 2014, arXiv 1402.1892), near 0.2 for F2. One threshold for all tags is what is safe; a threshold
//! a tag fits noise as readily as signal, above all for rare tags. It is therefore searched with
//! care - from the single one, drawn back to it, by steps that must pay - and used only where tags
//! decided by thresholds fitted on other images score better by more than a standard error.
//!
//! A row is never left empty: an empty answer scores zero, the most probable tag may be right. All
//! scores here are of rows decided so.

mod grid;
mod search;

use serde::{Deserialize, Serialize};

use self::search::{Validation, best_global, mean_and_error, search_per_class};
use crate::metric::most_probable;

/// Parts of the validation images: each is decided by thresholds fitted on the others.
const FOLDS: usize = 5;
/// With fewer images nothing is said about other images, and the single threshold is used.
const MIN_IMAGES: usize = 10 * FOLDS;

/// One threshold for all tags and one for each, with what speaks for the choice between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Thresholds {
    /// The best single threshold.
    pub global: f64,
    /// A threshold a class.
    pub per_class: Vec<f64>,
    /// Which of the two decides.
    pub chosen: Choice,
    /// The score of `global` on the images it was fitted on.
    pub global_score: f64,
    /// The score of `per_class` on the images it was fitted on.
    pub per_class_score: f64,
    /// The scores on images that the thresholds have not seen.
    pub held_out: Option<HeldOut>,
}

/// Which thresholds decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// One for all tags.
    Global,
    /// A threshold a tag.
    PerClass,
}

/// What a cross-fit says: every image decided by thresholds fitted without its fold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HeldOut {
    /// The score of single thresholds.
    pub global_score: f64,
    /// The score of thresholds a tag.
    pub per_class_score: f64,
    /// The standard error of their difference, from its spread over images.
    pub standard_error: f64,
}

/// Fits thresholds on validation predictions: `truth` and `probabilities` are `[n, classes]`,
/// row-major.
pub fn fit(truth: &[bool], probabilities: &[f32], n_classes: usize, beta: f64) -> Thresholds {
    assert_eq!(truth.len(), probabilities.len(), "truth and probabilities of one shape");
    let all = Validation::collect(truth, probabilities, n_classes, beta, |_| true);
    let (global, global_score) = best_global(&all);
    let per_class = search_per_class(&all, global);
    let per_class_score = all.mean_score(|class| per_class[class]);
    let held_out = (all.len() >= MIN_IMAGES)
        .then(|| cross_fit(truth, probabilities, n_classes, beta, all.len()));
    let per_class_pays =
        held_out.is_some_and(|h: HeldOut| h.per_class_score - h.global_score > h.standard_error);
    let chosen = if per_class_pays { Choice::PerClass } else { Choice::Global };
    Thresholds { global, per_class, chosen, global_score, per_class_score, held_out }
}

/// The tags of one image: the classes above their thresholds, in order, or the most probable one.
pub fn decide(row: &[f32], threshold: impl Fn(usize) -> f64) -> Vec<usize> {
    let above = |&class: &usize| f64::from(row[class]) > threshold(class);
    let tags: Vec<usize> = (0..row.len()).filter(above).collect();
    if tags.is_empty() && !row.is_empty() { vec![most_probable(row)] } else { tags }
}

fn cross_fit(
    truth: &[bool],
    probabilities: &[f32],
    n_classes: usize,
    beta: f64,
    n: usize,
) -> HeldOut {
    let mut summed = [0.0; 2];
    let (mut gain, mut squares) = (0.0, 0.0);
    for fold in 0..FOLDS {
        let seen =
            Validation::collect(truth, probabilities, n_classes, beta, |i| i % FOLDS != fold);
        let unseen =
            Validation::collect(truth, probabilities, n_classes, beta, |i| i % FOLDS == fold);
        let (global, _) = best_global(&seen);
        let per_class = search_per_class(&seen, global);
        for row in &unseen.rows {
            let with_global = unseen.score(row, |_| global);
            let with_own = unseen.score(row, |class| per_class[class]);
            summed[0] += with_global;
            summed[1] += with_own;
            gain += with_own - with_global;
            squares += (with_own - with_global).powi(2);
        }
    }
    let (_, standard_error) = mean_and_error(gain, squares, n);
    HeldOut {
        global_score: summed[0] / n as f64,
        per_class_score: summed[1] / n as f64,
        standard_error,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::Rng;

    use super::grid::{GRID, grid_point};
    use super::*;
    use crate::metric::mean_fbeta;
    use crate::rng::{Purpose, stream};

    /// Scores `threshold` the long way: decide, spread to `[n, classes]`, mean F2.
    fn score(
        truth: &[bool],
        probabilities: &[f32],
        n_classes: usize,
        threshold: impl Fn(usize) -> f64,
    ) -> f64 {
        let mut predicted = vec![false; truth.len()];
        for (i, row) in probabilities.chunks(n_classes).enumerate() {
            for class in decide(row, &threshold) {
                predicted[i * n_classes + class] = true;
            }
        }
        mean_fbeta(truth, &predicted, n_classes, 2.0)
    }

    /// Images whose probabilities are calibrated but for the bias of each class: the logit of class
    /// `c` is `bias[c]` too high.
    fn images(n: usize, bias: &[f64], seed: u64) -> (Vec<bool>, Vec<f32>) {
        let mut rng = stream(Purpose::Draw, seed, 0, 0);
        let mut truth = Vec::new();
        let mut probabilities = Vec::new();
        for _ in 0..n {
            for bias in bias {
                let logit = rng.random_range(-5.0..3.0f64);
                truth.push(rng.random_bool(1.0 / (1.0 + (-logit).exp())));
                probabilities.push((1.0 / (1.0 + (-logit - bias).exp())) as f32);
            }
        }
        (truth, probabilities)
    }

    proptest! {
        #[test]
        fn the_single_threshold_is_the_best_of_the_grid(
            cells in prop::collection::vec((any::<bool>(), 0f32..=1.0), 4..80), on_grid: bool
        ) {
            let cells = &cells[..cells.len() / 4 * 4];
            let (truth, mut probabilities): (Vec<bool>, Vec<f32>) = cells.iter().copied().unzip();
            if on_grid {
                // Probabilities that fall on the grid itself.
                for p in &mut probabilities {
                    *p = (*p * 100.0).round() / 100.0;
                }
            }
            let fitted = fit(&truth, &probabilities, 4, 2.0);
            let brute = GRID
                .map(|step| score(&truth, &probabilities, 4, |_| grid_point(step)))
                .fold(0.0, f64::max);
            prop_assert!((fitted.global_score - brute).abs() < 1e-9, "{fitted:?} {brute}");
            let again = score(&truth, &probabilities, 4, |_| fitted.global);
            prop_assert!((fitted.global_score - again).abs() < 1e-9);
            prop_assert!(fitted.per_class_score >= fitted.global_score - 1e-9);
        }

        #[test]
        fn no_image_is_left_without_a_tag(
            row in prop::collection::vec(0f32..=1.0, 1..20), threshold in 0.0f64..=1.0
        ) {
            let tags = decide(&row, |_| threshold);
            prop_assert!(!tags.is_empty());
            prop_assert!(tags.is_sorted());
        }
    }

    #[test]
    fn the_middle_of_a_plateau_is_taken() {
        // The second tag is right, the third is not: 0.30 to 0.58 decide alike.
        let fitted = fit(&[true, true, false], &[0.9, 0.585, 0.295], 3, 2.0);
        assert_eq!((fitted.global, fitted.global_score), (0.44, 1.0));
    }

    #[test]
    fn a_biased_class_gets_its_own_threshold() {
        let (truth, probabilities) = images(2000, &[0.0, 2.5, 0.0, -2.5], 1);
        let fitted = fit(&truth, &probabilities, 4, 2.0);
        assert_eq!(fitted.chosen, Choice::PerClass, "{fitted:?}");
        assert!(fitted.per_class[1] > fitted.global && fitted.per_class[3] < fitted.global);
        let held_out = fitted.held_out.unwrap();
        assert!(held_out.per_class_score > held_out.global_score + 0.01, "{held_out:?}");
        let (truth, probabilities) = images(2000, &[0.0, 2.5, 0.0, -2.5], 2);
        let new = |threshold: &dyn Fn(usize) -> f64| score(&truth, &probabilities, 4, threshold);
        assert!(new(&|class| fitted.per_class[class]) > new(&|_| fitted.global) + 0.01);
    }

    #[test]
    fn calibrated_classes_mostly_share_one_threshold() {
        // A gain of one standard error comes by chance in about one of six.
        let chosen = (0..20).map(|seed| {
            let (truth, probabilities) = images(400, &[0.0; 6], seed);
            fit(&truth, &probabilities, 6, 2.0).chosen
        });
        let n_global = chosen.filter(|&chosen| chosen == Choice::Global).count();
        assert!(n_global >= 15, "{n_global} of 20");
    }

    #[test]
    fn a_rare_tag_keeps_the_single_threshold() {
        let (mut truth, probabilities) = images(300, &[0.0, 2.0], 3);
        // All but 20 positives of the biased tag are taken away.
        let positives = truth.iter_mut().skip(1).step_by(2).filter(|tag| **tag);
        positives.skip(20).for_each(|tag| *tag = false);
        let fitted = fit(&truth, &probabilities, 2, 2.0);
        assert_eq!(fitted.per_class[1], fitted.global);
    }

    #[test]
    fn no_image_at_all_leaves_the_threshold_of_theory() {
        let fitted = fit(&[], &[], 3, 2.0);
        assert_eq!((fitted.global, fitted.chosen), (0.2, Choice::Global));
    }
}
