//! One threshold for all tags, that with the largest mean over images of F-beta. It is what is safe;
//! a [threshold a tag](super::per_tag) starts from it.
//!
//! A row is never left empty: an empty answer scores zero, the most probable tag may be right. All
//! scores here are of rows decided so.

mod grid;
mod images;

pub(super) use grid::{Steps, middle_of_best_plateau};
pub use images::Predicted;
pub(super) use images::PredictedImage;

use crate::metric::{most_probable, sample_fbeta, usual_threshold};

/// The tags of one image: the classes above their thresholds, in order, or the most probable one.
pub fn decide(row: &[f32], threshold: impl Fn(usize) -> f64) -> Vec<usize> {
    let above = |&class: &usize| f64::from(row[class]) > threshold(class);
    let tags: Vec<usize> = (0..row.len()).filter(above).collect();
    if tags.is_empty() && !row.is_empty() { vec![most_probable(row)] } else { tags }
}

/// The threshold with the best score if it is that of all classes, of hundredths between 0.02 and
/// 0.98; the middle of those that score alike.
pub fn global(images: &Predicted) -> f64 {
    if images.is_empty() {
        return usual_threshold(images.beta());
    }
    // A row's score changes only where the threshold passes one of its probabilities, so each row
    // adds its steps to a table over the grid, which is summed once.
    let mut steps = Steps::new();
    let mut order: Vec<usize> = Vec::new();
    for row in images.rows() {
        order.clear();
        order.extend(0..images.n_classes());
        order.sort_by(|&a, &b| row.probabilities[b].total_cmp(&row.probabilities[a]));
        let mut n_right = 0;
        let mut score = 0.0;
        for (n_earlier, &class) in order.iter().enumerate() {
            n_right += usize::from(row.truth[class]);
            let with = sample_fbeta(n_right, row.n_truth, n_earlier + 1, images.beta());
            if n_earlier == 0 {
                // The most probable tag stands whatever the threshold.
                steps.everywhere += with;
            } else {
                steps.add(row.probabilities[class], with - score);
            }
            score = with;
        }
    }
    middle_of_best_plateau(&steps.sums())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::Rng;

    use super::grid::{GRID, grid_point};
    use super::*;
    use crate::decide::tags::per_tag;
    use crate::metric::mean_fbeta;
    use crate::rng::{Purpose, stream};
    use crate::table::Table;

    /// Scores `threshold` the long way: decide, spread to `[n, classes]`, mean F2.
    fn score(truth: &Table<bool>, probabilities: &Table, threshold: impl Fn(usize) -> f64) -> f64 {
        let mut predicted = Table::new(vec![false; truth.as_slice().len()], truth.width());
        for (i, row) in probabilities.rows().enumerate() {
            for class in decide(row, &threshold) {
                predicted.row_mut(i)[class] = true;
            }
        }
        mean_fbeta(truth, &predicted, 2.0)
    }

    /// Images whose probabilities are calibrated but for the bias of each class: the logit of class
    /// `c` is `bias[c]` too high.
    fn images(n: usize, bias: &[f64], seed: u64) -> (Table<bool>, Table) {
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
        (Table::new(truth, bias.len()), Table::new(probabilities, bias.len()))
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
            let (truth, probabilities) = (Table::new(truth, 4), Table::new(probabilities, 4));
            let images = Predicted::new(&probabilities, &truth, 2.0);
            let found = global(&images);
            let brute = GRID
                .map(|step| score(&truth, &probabilities, |_| grid_point(step)))
                .fold(0.0, f64::max);
            let reached = score(&truth, &probabilities, |_| found);
            prop_assert!((reached - brute).abs() < 1e-9, "{found}: {reached} {brute}");
            prop_assert!((images.mean_score(|_| found) - reached).abs() < 1e-9);
            let each = per_tag::thresholds(&images, found);
            prop_assert!(images.mean_score(|class| each[class]) >= reached - 1e-9);
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
        let probabilities = Table::new(vec![0.9, 0.585, 0.295], 3);
        let truth = Table::new(vec![true, true, false], 3);
        assert_eq!(global(&Predicted::new(&probabilities, &truth, 2.0)), 0.44);
    }

    #[test]
    fn a_biased_class_gets_its_own_threshold() {
        let (truth, probabilities) = images(2000, &[0.0, 2.5, 0.0, -2.5], 1);
        let seen = Predicted::new(&probabilities, &truth, 2.0);
        let one = global(&seen);
        let each = per_tag::thresholds(&seen, one);
        assert!(each[1] > one && each[3] < one, "{one} {each:?}");
        let (truth, probabilities) = images(2000, &[0.0, 2.5, 0.0, -2.5], 2);
        let new = Predicted::new(&probabilities, &truth, 2.0);
        assert!(new.mean_score(|class| each[class]) > new.mean_score(|_| one) + 0.01);
    }

    #[test]
    fn a_rare_tag_keeps_the_single_threshold() {
        let (mut truth, probabilities) = images(300, &[0.0, 2.0], 3);
        // All but 20 positives of the biased tag are taken away.
        let positives = truth.rows_mut().map(|row| &mut row[1]).filter(|tag| **tag);
        positives.skip(20).for_each(|tag| *tag = false);
        let images = Predicted::new(&probabilities, &truth, 2.0);
        let one = global(&images);
        assert_eq!(per_tag::thresholds(&images, one)[1], one);
    }

    #[test]
    fn no_image_at_all_leaves_the_threshold_of_theory() {
        let (probabilities, truth) = (Table::empty(3), Table::empty(3));
        let none = Predicted::new(&probabilities, &truth, 2.0);
        assert_eq!((global(&none), per_tag::thresholds(&none, 0.2)), (0.2, vec![0.2; 3]));
    }
}
