//! Which labelled images are held out, chosen so that every class keeps its share on both sides.

use rand::Rng;
use rand::seq::SliceRandom;

use super::open::Sample;
use crate::rng::{self, Purpose};
use crate::target::TargetKind;

/// A partition of the labelled images, as sorted indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// To learn from.
    pub train: Vec<usize>,
    /// To judge by.
    pub valid: Vec<usize>,
}

/// Holds out `valid_fraction` of the samples.
///
/// With single labels exactly that many (rounded), shared out over the classes: every class with
/// two images or more is on both sides so long as there are places for all of them, and a class
/// with one image is for training and does not count. With tags by iterative stratification. The same seed makes the
/// same split.
pub fn split(
    samples: &[Sample],
    n_classes: usize,
    kind: TargetKind,
    valid_fraction: f64,
    seed: u64,
) -> Split {
    let mut rng = rng::stream(Purpose::Split, seed, 0, 0);
    let held_out = match kind {
        TargetKind::SingleLabel => stratified(samples, n_classes, valid_fraction, &mut rng),
        TargetKind::MultiLabel => iterative(samples, n_classes, valid_fraction, &mut rng),
    };
    let (valid, train) = (0..samples.len()).partition(|&i| held_out[i]);
    Split { train, valid }
}

/// Shares out the places class by class, and fills each class's at random.
fn stratified(
    samples: &[Sample],
    n_classes: usize,
    valid_fraction: f64,
    rng: &mut impl Rng,
) -> Vec<bool> {
    let mut of_class = vec![Vec::new(); n_classes];
    for (i, sample) in samples.iter().enumerate() {
        of_class[sample.target[0]].push(i);
    }
    for members in &mut of_class {
        members.shuffle(rng);
    }
    let counts: Vec<usize> = of_class.iter().map(Vec::len).collect();
    let places = shared_out(&counts, valid_fraction, rng);
    let mut held_out = vec![false; samples.len()];
    for (members, n) in of_class.iter().zip(places) {
        for &i in &members[..n] {
            held_out[i] = true;
        }
    }
    held_out
}

/// How many of each class to hold out: one each to begin with where there are places for all, then
/// every further place to the class that is furthest below its share; ties at random.
fn shared_out(counts: &[usize], valid_fraction: f64, rng: &mut impl Rng) -> Vec<usize> {
    let most: Vec<usize> = counts.iter().map(|n| n.saturating_sub(1)).collect();
    let total: usize = counts.iter().filter(|n| **n > 1).sum();
    let wanted = (total as f64 * valid_fraction).round() as usize;
    let divisible = most.iter().filter(|most| **most > 0).count();
    let first = usize::from(divisible <= wanted);
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

/// Iterative stratification (Sechidis, Tsoumakas, Vlahavas 2011, "On the stratification of
/// multi-label data", algorithm 1) for two sides: the rarest tag's images first, each to the side
/// that is furthest below its share of the tag.
fn iterative(
    samples: &[Sample],
    n_classes: usize,
    valid_fraction: f64,
    rng: &mut impl Rng,
) -> Vec<bool> {
    let shares = [1.0 - valid_fraction, valid_fraction];
    let mut left: Vec<usize> = vec![0; n_classes];
    for &tag in samples.iter().flat_map(|sample| &sample.target) {
        left[tag] += 1;
    }
    let mut wanted: Vec<[f64; 2]> =
        left.iter().map(|&n| shares.map(|share| share * n as f64)).collect();
    let mut wanted_all = shares.map(|share| share * samples.len() as f64);
    let mut held_out: Vec<Option<bool>> = vec![None; samples.len()];
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.shuffle(rng);
    loop {
        let rarest = (0..n_classes).filter(|&tag| left[tag] > 0).min_by_key(|&tag| left[tag]);
        for &i in &order {
            let target = &samples[i].target;
            // With no tag left, what remains are the images without any.
            if held_out[i].is_some() || rarest.is_some_and(|tag| !target.contains(&tag)) {
                continue;
            }
            let [train, valid] = rarest.map_or(wanted_all, |tag| wanted[tag]);
            let preferred = valid.total_cmp(&train).then(wanted_all[1].total_cmp(&wanted_all[0]));
            let side = if preferred.is_eq() { rng.random() } else { preferred.is_gt() };
            held_out[i] = Some(side);
            wanted_all[usize::from(side)] -= 1.0;
            for &tag in target {
                wanted[tag][usize::from(side)] -= 1.0;
                left[tag] -= 1;
            }
        }
        if rarest.is_none() {
            break;
        }
    }
    held_out.into_iter().map(|side| side == Some(true)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples(targets: impl IntoIterator<Item = Vec<usize>>) -> Vec<Sample> {
        let sample = |(i, target): (usize, Vec<usize>)| Sample {
            id: i.to_string(),
            path: i.to_string().into(),
            target,
        };
        targets.into_iter().enumerate().map(sample).collect()
    }

    /// So many samples of each class.
    fn of_counts(counts: &[usize]) -> Vec<Sample> {
        samples(counts.iter().enumerate().flat_map(|(c, &n)| vec![vec![c]; n]))
    }

    fn held_out_of(samples: &[Sample], split: &Split, class: usize) -> usize {
        split.valid.iter().filter(|&&i| samples[i].target.contains(&class)).count()
    }

    #[test]
    fn every_class_gives_its_share() {
        let samples = of_counts(&[50, 30, 4, 1]);
        let split = split(&samples, 4, TargetKind::SingleLabel, 0.2, 1);
        let valid: Vec<usize> = (0..4).map(|c| held_out_of(&samples, &split, c)).collect();
        assert_eq!(valid, [10, 6, 1, 0]);
    }

    #[test]
    fn many_small_classes_do_not_swell_the_validation_set() {
        let counts: Vec<usize> = (0..120).map(|c| 2 + c % 2).collect();
        let samples = of_counts(&counts);
        let split = split(&samples, 120, TargetKind::SingleLabel, 0.2, 1);
        assert_eq!(split.valid.len(), 60);
        assert!((0..120).all(|c| held_out_of(&samples, &split, c) <= 1));
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
            let valid: Vec<usize> = (0..4).map(|c| held_out_of(&samples, &split, c)).collect();
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

    proptest! {
        #[test]
        fn a_split_is_a_partition(
            targets in prop::collection::vec(prop::collection::btree_set(0..6usize, 0..4), 1..80),
            fraction in 0.0..0.9,
            seed in 0..1000u64,
        ) {
            for kind in [TargetKind::SingleLabel, TargetKind::MultiLabel] {
                let samples = samples(targets.iter().map(|tags| match kind {
                    TargetKind::SingleLabel => vec![tags.first().copied().unwrap_or(5)],
                    TargetKind::MultiLabel => tags.iter().copied().collect(),
                }));
                let split = split(&samples, 6, kind, fraction, seed);
                prop_assert!(split.train.is_sorted() && split.valid.is_sorted());
                let mut all = [split.train.clone(), split.valid.clone()].concat();
                all.sort_unstable();
                prop_assert_eq!(all, (0..samples.len()).collect::<Vec<_>>());
                if kind == TargetKind::SingleLabel {
                    for class in 0..6 {
                        let n = samples.iter().filter(|s| s.target == [class]).count();
                        let valid = held_out_of(&samples, &split, class);
                        prop_assert!(valid < n || n == 0);
                        prop_assert!((valid as f64 - n as f64 * fraction).abs() <= 2.0);
                    }
                }
            }
        }
    }
}
