//! A single validation set.

use rand::Rng;
use rand::seq::SliceRandom;

use super::Split;
use super::iterative::iterative;
use super::strata::Strata;
use super::units::{Unit, totals, units};
use crate::dataset::sample::Sample;
use crate::rng::{self, Purpose};
use crate::target::TargetKind;

/// Holds out `valid_fraction` of the samples.
///
/// With single labels exactly that many (rounded), shared out over the classes: every class with
/// two images or more is on both sides so long as there are places for all of them, and a class
/// with one image is for training and does not count. With tags by iterative stratification. The
/// same seed makes the same split.
pub fn split(
    samples: &[Sample],
    n_classes: usize,
    kind: TargetKind,
    valid_fraction: f64,
    seed: u64,
) -> Split {
    hold_out(samples, &[], n_classes, kind, valid_fraction, seed)
}

/// The same where `groups`, lists of indices into `samples`, stay together.
///
/// The sizes are then as near to [`split`]'s as the groups allow: a group that does not fit into
/// its class's places is for training, unless the class had nothing else to be judged by. Where most
/// images are in groups, these are dealt out like images with tags.
pub fn hold_out(
    samples: &[Sample],
    groups: &[Vec<usize>],
    n_classes: usize,
    kind: TargetKind,
    valid_fraction: f64,
    seed: u64,
) -> Split {
    let mut rng = rng::stream(Purpose::Split, seed, 0, 0);
    let strata = Strata::new(samples, n_classes, kind);
    let (units, n_classes) = (units(&strata, groups), strata.n());
    // Where most images are in groups of mixed classes, no class has places for a whole one: the share of all
    // of them is what counts then.
    let are_few = 2 * units.len() <= samples.len();
    let held_out = if strata.is_single() && !are_few {
        stratified(&units, n_classes, valid_fraction, &mut rng)
    } else {
        let shares = [1.0 - valid_fraction, valid_fraction];
        let sides = iterative(&units, n_classes, &shares, &mut rng);
        let mut held_out: Vec<bool> = sides.into_iter().map(|side| side == 1).collect();
        if are_few {
            leave_some(&units, n_classes, &mut held_out);
        }
        held_out
    };
    let mut split = Split { train: Vec::new(), valid: Vec::new() };
    for (unit, held_out) in units.iter().zip(held_out) {
        let side = if held_out { &mut split.valid } else { &mut split.train };
        side.extend(&unit.members);
    }
    split.train.sort_unstable();
    split.valid.sort_unstable();
    split
}

/// Gives back a unit of each class that is held out whole: there must be something to learn from.
fn leave_some(units: &[Unit], n_classes: usize, held_out: &mut [bool]) {
    for class in 0..n_classes {
        let of_class: Vec<usize> = (0..units.len()).filter(|&i| units[i].has(class)).collect();
        if of_class.iter().all(|&i| held_out[i])
            && let Some(&smallest) = of_class.iter().min_by_key(|&&i| units[i].len())
        {
            held_out[smallest] = false;
        }
    }
}

/// Shares out the places class by class, and fills each class's at random.
fn stratified(
    units: &[Unit],
    n_classes: usize,
    valid_fraction: f64,
    rng: &mut impl Rng,
) -> Vec<bool> {
    let mut of_class = vec![Vec::new(); n_classes];
    for (i, unit) in units.iter().enumerate() {
        of_class[unit.class().unwrap_or_default()].push(i);
    }
    for members in &mut of_class {
        members.shuffle(rng);
    }
    let counts = totals(units, n_classes);
    // What stays for training whatever the places: the class's largest unit, which may be all of it.
    let mut kept = vec![0; n_classes];
    for &(class, n) in units.iter().flat_map(|unit| &unit.counts) {
        kept[class] = n.max(kept[class]);
    }
    let most: Vec<usize> = counts.iter().zip(kept).map(|(n, kept)| n - kept).collect();
    let places = shared_out(&counts, &most, valid_fraction, rng);
    let mut held_out = vec![false; units.len()];
    let mut taken = vec![0; n_classes];
    let mut take = |i: usize, limits: &[usize]| -> bool {
        let counts = &units[i].counts;
        let fits = counts.iter().all(|&(class, n)| taken[class] + n <= limits[class]);
        if fits {
            held_out[i] = true;
            for &(class, n) in counts {
                taken[class] += n;
            }
        }
        fits
    };
    let mut without = Vec::new();
    for (class, members) in of_class.iter().enumerate() {
        let n_taken = members.iter().filter(|&&i| take(i, &places)).count();
        if n_taken == 0 && places[class] > 0 {
            without.push(class);
        }
    }
    for class in without {
        of_class[class].sort_by_key(|&i| units[i].len());
        // The smallest that leaves something to learn from.
        of_class[class].iter().any(|&i| take(i, &most));
    }
    held_out
}

/// How many images of each class to hold out: one each to begin with where there are places for
/// all, then every further place to the class that is furthest below its share; ties at random.
fn shared_out(
    counts: &[usize],
    most: &[usize],
    valid_fraction: f64,
    rng: &mut impl Rng,
) -> Vec<usize> {
    let divisible = || (0..counts.len()).filter(|&class| most[class] > 0);
    let total: usize = divisible().map(|class| counts[class]).sum();
    let wanted = (total as f64 * valid_fraction).round() as usize;
    let first = usize::from(divisible().count() <= wanted);
    let mut places: Vec<usize> = most.iter().map(|&most| most.min(first)).collect();
    let mut by_chance: Vec<usize> = (0..counts.len()).collect();
    by_chance.shuffle(rng);
    for _ in places.iter().sum()..wanted {
        let below = |c: &usize| counts[*c] as f64 * valid_fraction - places[*c] as f64;
        let open = by_chance.iter().copied().filter(|&c| places[c] < most[c]);
        let Some(neediest) = open.max_by(|a, b| below(a).total_cmp(&below(b))) else { break };
        places[neediest] += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::{count_of, groups, of_counts, samples, targets};
    use super::*;

    #[test]
    fn every_class_gives_its_share() {
        let samples = of_counts(&[50, 30, 4, 1]);
        let split = split(&samples, 4, TargetKind::SingleLabel, 0.2, 1);
        let valid: Vec<usize> = (0..4).map(|c| count_of(&samples, &split.valid, c)).collect();
        assert_eq!(valid, [10, 6, 1, 0]);
    }

    #[test]
    fn many_small_classes_do_not_swell_the_validation_set() {
        let counts: Vec<usize> = (0..120).map(|c| 2 + c % 2).collect();
        let samples = of_counts(&counts);
        let split = split(&samples, 120, TargetKind::SingleLabel, 0.2, 1);
        assert_eq!(split.valid.len(), 60);
        assert!((0..120).all(|c| count_of(&samples, &split.valid, c) <= 1));
    }

    #[test]
    fn rare_tags_are_on_both_sides() {
        // A common tag, one on every seventh image, one on ten images, one on three, and none.
        let target = |i: usize| {
            let tags =
                [(0, !i.is_multiple_of(10)), (1, i.is_multiple_of(7)), (2, i < 10), (3, i < 3)];
            tags.into_iter().filter(|(_, has)| *has).map(|(tag, _)| tag).collect()
        };
        let samples = samples((0..500).map(target));
        for seed in 0..20 {
            let split = split(&samples, 4, TargetKind::MultiLabel, 0.2, seed);
            let valid: Vec<usize> = (0..4).map(|c| count_of(&samples, &split.valid, c)).collect();
            assert!((88..=92).contains(&valid[0]) && (14..=15).contains(&valid[1]), "{valid:?}");
            assert!(valid[2] == 2 && valid[3] == 1, "{valid:?}");
            assert!((98..=102).contains(&split.valid.len()), "{}", split.valid.len());
        }
    }

    #[test]
    fn a_seed_makes_one_split() {
        let samples = of_counts(&[40, 40]);
        let with = |seed| split(&samples, 2, TargetKind::SingleLabel, 0.25, seed);
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }

    /// A run is repeated by its seed: what a seed held out before there were groups, it holds out
    /// now.
    #[test]
    fn the_splits_of_earlier_runs_are_the_same() {
        let single = of_counts(&[9, 7, 4, 1]);
        let valid = split(&single, 4, TargetKind::SingleLabel, 0.3, 7).valid;
        assert_eq!(valid, [0, 3, 4, 10, 13, 17]);
        let tags_of = |i: usize| (0..4).filter(|tag| i.is_multiple_of(tag + 2)).collect();
        let tags = samples((0..40).map(tags_of));
        let valid = split(&tags, 4, TargetKind::MultiLabel, 0.25, 7).valid;
        assert_eq!(valid, [4, 13, 17, 18, 19, 24, 25, 30, 34, 37]);
    }

    #[test]
    fn twins_stay_together_and_sizes_stay_right() {
        let samples = of_counts(&[60, 40]);
        let pairs: Vec<Vec<usize>> = (0..20).map(|i| vec![i, i + 20]).collect();
        for seed in 0..20 {
            let split = hold_out(&samples, &pairs, 2, TargetKind::SingleLabel, 0.2, seed);
            let valid = |c| count_of(&samples, &split.valid, c);
            assert_eq!((valid(0), valid(1)), (12, 8), "{seed}");
            let on_both = |p: &&Vec<usize>| p.iter().filter(|i| split.valid.contains(i)).count();
            assert!(pairs.iter().all(|pair| on_both(&pair) != 1));
        }
    }

    #[test]
    fn a_class_of_clusters_is_on_both_sides_all_the_same() {
        // Class 1 is two clusters, of five and of three; class 2 is one cluster.
        let samples = of_counts(&[40, 8, 4]);
        let clusters = [(40..45).collect(), (45..48).collect(), (48..52).collect()];
        let split = hold_out(&samples, &clusters, 3, TargetKind::SingleLabel, 0.2, 1);
        let valid: Vec<usize> = (0..3).map(|c| count_of(&samples, &split.valid, c)).collect();
        assert_eq!(valid, [8, 3, 0]);
    }

    proptest! {
        #[test]
        fn a_split_is_a_partition(
            tags in prop::collection::vec(prop::collection::btree_set(0..6usize, 0..4), 1..80),
            of_sample in prop::collection::vec(0..30usize, 80),
            fraction in 0.0..0.9,
            seed in 0..1000u64,
        ) {
            let groups = groups(&of_sample[..tags.len()]);
            for kind in [TargetKind::SingleLabel, TargetKind::MultiLabel] {
                let samples = samples(targets(&tags, kind == TargetKind::SingleLabel));
                let alone = split(&samples, 6, kind, fraction, seed);
                let grouped = hold_out(&samples, &groups, 6, kind, fraction, seed);
                for split in [&alone, &grouped] {
                    prop_assert!(split.train.is_sorted() && split.valid.is_sorted());
                    let mut all = [split.train.clone(), split.valid.clone()].concat();
                    all.sort_unstable();
                    prop_assert_eq!(all, (0..samples.len()).collect::<Vec<_>>());
                }
                for group in &groups {
                    let n = group.iter().filter(|i| grouped.valid.contains(i)).count();
                    prop_assert!(n == 0 || n == group.len());
                }
                if kind == TargetKind::SingleLabel {
                    for class in 0..6 {
                        let n = samples.iter().filter(|s| s.target == [class]).count();
                        let valid = count_of(&samples, &alone.valid, class);
                        prop_assert!(valid < n || n == 0);
                        // What a small class cannot give, less than one image, a large one does.
                        prop_assert!((valid as f64 - n as f64 * fraction).abs() <= 6.0);
                        prop_assert!(count_of(&samples, &grouped.valid, class) < n || n == 0);
                    }
                }
            }
        }
    }
}
