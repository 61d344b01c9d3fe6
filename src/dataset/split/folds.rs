//! The folds of cross-validation.

use std::cmp::Reverse;

use rand::Rng;
use rand::seq::SliceRandom;

use super::iterative::iterative;
use super::strata::Strata;
use super::units::{Unit, totals, units};
use crate::dataset::sample::Sample;
use crate::rng::{self, Purpose};
use crate::target::TargetKind;

/// The fold of each sample, in `0..k`.
///
/// `groups` are lists of indices into `samples` that stay together (see
/// [`Twins::groups`](crate::dataset::Twins::groups)); every other image is by itself.
///
/// With single labels and no groups, the sizes of the folds differ by one image at most, and so do
/// the images of each class in them. With groups no fold can be more even than the groups allow:
/// they are dealt out first, the largest first, and single images make good what they leave.
/// With tags by iterative stratification. With fewer groups than folds some folds are empty. The
/// same seed makes the same folds.
pub fn folds(
    samples: &[Sample],
    groups: &[Vec<usize>],
    n_classes: usize,
    kind: TargetKind,
    k: usize,
    seed: u64,
) -> Vec<usize> {
    let mut rng = rng::stream(Purpose::Split, seed, k as u64, 0);
    let strata = Strata::new(samples, n_classes, kind);
    let (units, n_classes) = (units(&strata, groups), strata.n());
    let of_unit = if strata.is_single() {
        dealt_out(&units, n_classes, k, &mut rng)
    } else {
        iterative(&units, n_classes, &vec![1.0 / k as f64; k], &mut rng)
    };
    let mut folds = vec![0; samples.len()];
    for (unit, fold) in units.iter().zip(of_unit) {
        for &i in &unit.members {
            folds[i] = fold;
        }
    }
    folds
}

/// Deals out the units class by class, each to the fold that has least of what the unit holds,
/// then to the smallest; ties at random.
fn dealt_out(units: &[Unit], n_classes: usize, k: usize, rng: &mut impl Rng) -> Vec<usize> {
    let totals = totals(units, n_classes);
    let mut ranks: Vec<usize> = (0..n_classes).collect();
    ranks.shuffle(rng);
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.shuffle(rng);
    order.sort_by_key(|&i| (Reverse(units[i].len()), units[i].class().map(|class| ranks[class])));
    let mut held = vec![vec![0; n_classes]; k];
    let mut sizes = vec![0; k];
    let mut fold_of = vec![0; units.len()];
    for i in order {
        let share = |fold: usize| -> f64 {
            let share = |&(class, n): &(usize, usize)| {
                n as f64 * held[fold][class] as f64 / totals[class] as f64
            };
            units[i].counts.iter().map(share).sum()
        };
        let mut by_chance: Vec<usize> = (0..k).collect();
        by_chance.shuffle(rng);
        let fewest =
            |a: &usize, b: &usize| share(*a).total_cmp(&share(*b)).then(sizes[*a].cmp(&sizes[*b]));
        let Some(fold) = by_chance.into_iter().min_by(fewest) else { break };
        fold_of[i] = fold;
        sizes[fold] += units[i].len();
        for &(class, n) in &units[i].counts {
            held[fold][class] += n;
        }
    }
    fold_of
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Split;
    use super::super::tests::{count_of, groups, of_counts, samples, targets};
    use super::*;

    /// Images of each class in each fold.
    fn table(samples: &[Sample], folds: &[usize], k: usize, n_classes: usize) -> Vec<Vec<usize>> {
        let of_fold = |fold| Split::of_fold(folds, fold).valid;
        let row = |fold| (0..n_classes).map(|c| count_of(samples, &of_fold(fold), c)).collect();
        (0..k).map(row).collect()
    }

    /// The largest difference in a column of `table`, and in the folds' sizes.
    fn unevenness(samples: &[Sample], folds: &[usize], k: usize, n: usize) -> (usize, usize) {
        let spread =
            |counts: Vec<usize>| counts.iter().max().unwrap() - counts.iter().min().unwrap();
        let table = table(samples, folds, k, n);
        let of_class = (0..n).map(|c| spread(table.iter().map(|row| row[c]).collect())).max();
        let sizes = (0..k).map(|fold| folds.iter().filter(|&&f| f == fold).count()).collect();
        (of_class.unwrap_or(0), spread(sizes))
    }

    #[test]
    fn every_fold_has_its_share_of_every_class() {
        // The counts of dogs and cats, and of 120 breeds, of which some have fewer images than
        // there are folds.
        let breeds: Vec<usize> = (0..120).map(|c| 2 + c * 7 % 9).collect();
        for counts in [vec![601, 599], breeds] {
            let samples = of_counts(&counts);
            for k in [2, 5, 10] {
                let folds = folds(&samples, &[], counts.len(), TargetKind::SingleLabel, k, 1);
                let (of_class, of_size) = unevenness(&samples, &folds, k, counts.len());
                assert!(of_class <= 1 && of_size <= 1, "{k}: {of_class} {of_size}");
            }
        }
    }

    #[test]
    fn twins_never_straddle_and_folds_stay_even() {
        // 1,000 images of two classes, every tenth of which has up to five twins.
        let samples = of_counts(&[700, 300]);
        let of_sample: Vec<usize> =
            (0..1000).map(|i| if i % 10 < i / 100 % 6 { 1 + i / 10 } else { 0 }).collect();
        let groups = groups(&of_sample);
        assert!(groups.len() == 60 && groups.iter().any(|group| group.len() == 5));
        for seed in 0..20 {
            let folds = folds(&samples, &groups, 2, TargetKind::SingleLabel, 5, seed);
            assert!(groups.iter().all(|g| g.iter().all(|&i| folds[i] == folds[g[0]])));
            let (of_class, of_size) = unevenness(&samples, &folds, 5, 2);
            assert!(of_class <= 1 && of_size <= 1, "{of_class} {of_size}");
        }
    }

    #[test]
    fn a_set_of_copies_is_split_like_the_set() {
        // Every image eight times, as in a test of memory.
        let samples = samples((0..8 * 60).map(|i| vec![i % 60 % 3]));
        let groups: Vec<Vec<usize>> =
            (0..60).map(|i| (0..8).map(|c| i + 60 * c).collect()).collect();
        let folds = folds(&samples, &groups, 3, TargetKind::SingleLabel, 5, 3);
        assert_eq!(table(&samples, &folds, 5, 3), vec![vec![32; 3]; 5]);
    }

    #[test]
    fn a_cluster_larger_than_a_fold_is_a_fold_by_itself() {
        let samples = of_counts(&[60, 40]);
        let groups = [(0..30).collect::<Vec<usize>>()];
        let folds = folds(&samples, &groups, 2, TargetKind::SingleLabel, 5, 1);
        let table = table(&samples, &folds, 5, 2);
        let large = folds[0];
        assert_eq!(table[large], [30, 8]);
        assert!((0..5).filter(|fold| *fold != large).all(|f| (7..=8).contains(&table[f][0])));
    }

    #[test]
    fn tags_are_shared_out_even_when_they_are_rare() {
        // Tags as frequent as Planet's: .93, .70, .30, .18, .09, .05, and then .0084, .0025.
        let every = [(0, 1.075), (1, 1.43), (2, 3.3), (3, 5.6), (4, 11.0), (5, 20.0), (6, 119.0)];
        let has = |i: usize, n: f64| (i as f64 / n).fract() < 1.0 / n;
        let target = |i| every.iter().filter(|(_, n)| has(i, *n)).map(|(tag, _)| *tag).collect();
        let samples = samples((0..2000).map(target));
        let twins: Vec<Vec<usize>> =
            (0..100).map(|i| vec![i * 17, i * 17 + 5, i * 17 + 6]).collect();
        for (groups, most, size) in [(vec![], 4, 8), (twins, 6, 8)] {
            for seed in 0..5 {
                let folds = folds(&samples, &groups, 7, TargetKind::MultiLabel, 5, seed);
                assert!(groups.iter().all(|g| g.iter().all(|&i| folds[i] == folds[g[0]])));
                let (of_tag, of_size) = unevenness(&samples, &folds, 5, 7);
                assert!(of_tag <= most && of_size <= size, "{of_tag} {of_size}");
                let table = table(&samples, &folds, 5, 7);
                let rarest: Vec<usize> = table.iter().map(|row| row[6]).collect();
                assert!(rarest.iter().all(|n| (6..=7).contains(n)), "{rarest:?}");
            }
        }
    }

    #[test]
    fn a_seed_makes_one_set_of_folds() {
        let samples = of_counts(&[40, 40]);
        let with = |seed| folds(&samples, &[vec![1, 2]], 2, TargetKind::SingleLabel, 4, seed);
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }

    proptest! {
        #[test]
        fn folds_are_a_partition_that_keeps_groups_and_parts_classes(
            tags in prop::collection::vec(prop::collection::btree_set(0..6usize, 0..4), 1..80),
            of_sample in prop::collection::vec(0..30usize, 80),
            k in 2..7usize,
            seed in 0..1000u64,
        ) {
            let groups = groups(&of_sample[..tags.len()]);
            for kind in [TargetKind::SingleLabel, TargetKind::MultiLabel] {
                let samples = samples(targets(&tags, kind == TargetKind::SingleLabel));
                let folds = folds(&samples, &groups, 6, kind, k, seed);
                prop_assert!(folds.len() == samples.len() && folds.iter().all(|&f| f < k));
                prop_assert!(groups.iter().all(|g| g.iter().all(|&i| folds[i] == folds[g[0]])));
                let alone = super::folds(&samples, &[], 6, kind, k, seed);
                let (of_class, of_size) = unevenness(&samples, &alone, k, 6);
                if kind == TargetKind::SingleLabel {
                    prop_assert!(of_class <= 1 && of_size <= 1, "{} {}", of_class, of_size);
                }
            }
        }
    }
}
