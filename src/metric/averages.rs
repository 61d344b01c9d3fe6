//! The ways to average precision, recall and F-beta of many tags: over images, which is how Kaggle
//! scores, over all answers at once, and over tags; scikit-learn's
//! `precision_recall_fscore_support` with `average="samples"`, `"micro"` and `"macro"`,
//! `zero_division=0`.

use super::TagCounts;
use crate::table::Table;

/// Precision, recall and their weighted harmonic mean, or averages of each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// The share of the answers that are right.
    pub precision: f64,
    /// The share of the truth that was answered.
    pub recall: f64,
    /// F-beta; of averages, the average of it and not that of the averages.
    pub fbeta: f64,
}

/// The same answers, averaged in three ways.
#[derive(Clone, Debug, PartialEq)]
pub struct Averages {
    /// The mean over images: what counts where images count alike.
    pub samples: Scores,
    /// Of all answers together: frequent tags count most.
    pub micro: Scores,
    /// The mean over tags ("macro"): rare tags count as much as frequent ones.
    pub tag_mean: Scores,
    /// What happened to each tag.
    pub per_tag: Vec<TagCounts>,
}

/// Averages over images and tags; `truth` and `predicted` are `[n, classes]`.
pub fn averages(truth: &Table<bool>, predicted: &Table<bool>, beta: f64) -> Averages {
    assert_eq!(truth.n_rows(), predicted.n_rows(), "truth and predictions of one shape");
    let count = |(truth, predicted): (&[bool], &[bool])| {
        TagCounts::count(truth.iter().copied().zip(predicted.iter().copied()))
    };
    let of_images = truth.rows().zip(predicted.rows()).map(count);
    let of_tag = |tag: usize| TagCounts::count(truth.column(tag).zip(predicted.column(tag)));
    let per_tag: Vec<TagCounts> = (0..truth.width()).map(of_tag).collect();
    let scores = |counts| Scores::of(counts, beta);
    Averages {
        samples: Scores::mean(of_images.map(scores)),
        micro: scores(count((truth.as_slice(), predicted.as_slice()))),
        tag_mean: Scores::mean(per_tag.iter().copied().map(scores)),
        per_tag,
    }
}

impl Scores {
    /// Those of one tag, of one image or of all answers.
    pub fn of(counts: TagCounts, beta: f64) -> Self {
        let (precision, recall) = (counts.precision(), counts.recall());
        Self { precision, recall, fbeta: counts.fbeta(beta) }
    }

    /// The mean of each; 0 of nothing.
    fn mean(scores: impl Iterator<Item = Self>) -> Self {
        let (mut n, mut sum) = (0, Self::default());
        for scores in scores {
            n += 1;
            sum.precision += scores.precision;
            sum.recall += scores.recall;
            sum.fbeta += scores.fbeta;
        }
        let n = f64::from(n.max(1));
        Self { precision: sum.precision / n, recall: sum.recall / n, fbeta: sum.fbeta / n }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::metric::mean_fbeta;
    use crate::metric::reference::reference;

    fn n_hot(rows: &Value) -> Table<bool> {
        let rows: Vec<Vec<u8>> = serde_json::from_value(rows.clone()).unwrap();
        Table::new(rows.concat().iter().map(|&tag| tag == 1).collect(), 7)
    }

    fn check(name: &str, found: &[f64], expected: &Value) {
        let expected: Vec<f64> = serde_json::from_value(expected.clone()).unwrap();
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{name}: {found}, not {expected}");
        }
    }

    #[test]
    fn agrees_with_scikit_learn() {
        let cases = reference()["multilabel more"].as_array().unwrap().clone();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let (truth, predicted) = (n_hot(&case["truth"]), n_hot(&case["predicted"]));
            for (beta, expected) in case["betas"].as_object().unwrap() {
                let beta: f64 = beta.parse().unwrap();
                let averages = averages(&truth, &predicted, beta);
                let averaged = [
                    ("samples", averages.samples),
                    ("micro", averages.micro),
                    ("macro", averages.tag_mean),
                ];
                for (name, scores) in averaged {
                    let Scores { precision, recall, fbeta } = scores;
                    check(name, &[precision, recall, fbeta], &expected[name]);
                }
                let of_tags = |score: &dyn Fn(TagCounts) -> f64| -> Vec<f64> {
                    averages.per_tag.iter().map(|&counts| score(counts)).collect()
                };
                let per_tag = &expected["per tag"];
                check("precision", &of_tags(&TagCounts::precision), &per_tag[0]);
                check("recall", &of_tags(&TagCounts::recall), &per_tag[1]);
                check("F-beta", &of_tags(&|counts| counts.fbeta(beta)), &per_tag[2]);
                check("support", &of_tags(&|counts| counts.truth as f64), &per_tag[3]);
            }
        }
    }

    #[test]
    fn no_images_score_nothing() {
        let averages = averages(&Table::empty(2), &Table::empty(2), 2.0);
        assert_eq!((averages.samples, averages.micro), (Scores::default(), Scores::default()));
        assert_eq!(averages.per_tag, [TagCounts::default(); 2]);
    }

    proptest! {
        #[test]
        fn the_mean_over_images_is_what_kaggle_scores(
            tags in prop::collection::vec(any::<(bool, bool)>(), 5..99), beta in 0.5f64..4.0
        ) {
            let (truth, predicted): (Vec<bool>, Vec<bool>) =
                tags[..tags.len() / 5 * 5].iter().copied().unzip();
            let (truth, predicted) = (Table::new(truth, 5), Table::new(predicted, 5));
            let averages = averages(&truth, &predicted, beta);
            let expected = mean_fbeta(&truth, &predicted, beta);
            prop_assert!((averages.samples.fbeta - expected).abs() < 1e-12);
            // What is averaged over tags does not depend on their order.
            let turned = |tags: &Table<bool>| {
                Table::new(tags.rows().flat_map(|row| row.iter().rev()).copied().collect(), 5)
            };
            let mut other = super::averages(&turned(&truth), &turned(&predicted), beta);
            other.per_tag.reverse();
            prop_assert_eq!(&averages.per_tag, &other.per_tag);
            prop_assert!((averages.tag_mean.fbeta - other.tag_mean.fbeta).abs() < 1e-12);
        }
    }
}
