use proptest::prelude::*;
use rand::Rng;
use rand::seq::SliceRandom;

use super::*;
use crate::decide::tags::rules::{Group, One, TagRules, tests::drawn};
use crate::metric::sample_fbeta;
use crate::rng::{Purpose, stream};

/// All sets of `m` tags, the empty one first.
fn all_sets(m: usize) -> Vec<Vec<usize>> {
    (0..1usize << m).map(|bits| (0..m).filter(|tag| bits >> tag & 1 == 1).collect()).collect()
}

/// A joint distribution at random: a probability for each of [`all_sets`], some of them zero.
fn any_joint(rng: &mut impl Rng, m: usize) -> Vec<f64> {
    let mut weights: Vec<f64> = (0..1 << m)
        .map(|_| if rng.random_bool(0.3) { rng.random::<f64>().powi(4) } else { 0.0 })
        .collect();
    weights[rng.random_range(0..1usize << m)] += 0.1;
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

/// `p_is` by counting through all sets.
fn p_is_of(joint: &[f64], m: usize) -> Vec<f64> {
    let mut p_is = vec![0.0; m * m];
    for (set, p) in all_sets(m).iter().zip(joint) {
        for tag in set {
            p_is[tag * m + set.len() - 1] += p;
        }
    }
    p_is
}

/// The expected score of calling an image `predicted`, by counting through all sets.
fn expected_of(joint: &[f64], sets: &[Vec<usize>], predicted: &[usize], beta: f64) -> f64 {
    let score = |truth: &Vec<usize>| {
        let n_right = truth.iter().filter(|tag| predicted.contains(tag)).count();
        sample_fbeta(n_right, truth.len(), predicted.len(), beta)
    };
    sets.iter().zip(joint).filter(|(_, p)| **p > 0.0).map(|(truth, p)| p * score(truth)).sum()
}

/// The probability of a set in the model that the documentation of `joint` tells.
fn modelled(rules: &TagRules, row: &[f32], set: &[usize]) -> f64 {
    let m = row.len();
    let scaled = |p: &mut Vec<f64>, tags: &[usize], one: One| {
        let sum: f64 = tags.iter().map(|&tag| p[tag]).sum();
        if sum > 1.0 || (sum > 0.0 && one == One::Exactly) {
            for &tag in tags {
                p[tag] /= sum;
            }
        }
    };
    let mut p: Vec<f64> = row.iter().map(|&p| f64::from(p)).collect();
    for group in &rules.groups {
        scaled(&mut p, &group.members, group.one);
    }
    scaled(&mut p, &rules.alone, One::AtMost);
    if let Some(&tag) = set.iter().find(|tag| rules.alone.contains(tag)) {
        return if set.len() == 1 { p[tag] } else { 0.0 };
    }
    let rest = 1.0 - rules.alone.iter().map(|&tag| p[tag]).sum::<f64>();
    if rest <= 1e-12 {
        return 0.0;
    }
    let mut probability = rest;
    let mut p: Vec<f64> = p.iter().map(|p| (p / rest).min(1.0)).collect();
    for group in &rules.groups {
        let mut members = group.members.clone();
        members.retain(|tag| !rules.alone.contains(tag));
        if group.one == One::Exactly && members.iter().all(|&tag| p[tag] == 0.0) {
            for &tag in &members {
                p[tag] = 1.0 / members.len() as f64;
            }
        }
        scaled(&mut p, &members, group.one);
        let present: Vec<usize> = members.iter().copied().filter(|tag| set.contains(tag)).collect();
        probability *= match present[..] {
            [] => (1.0 - members.iter().map(|&tag| p[tag]).sum::<f64>()).max(0.0),
            [tag] => p[tag],
            _ => 0.0,
        };
    }
    let is_below = |mut tag: usize, ancestor: usize| {
        while tag != ancestor {
            let Some(parent) = rules.parent(tag) else { return false };
            tag = parent;
        }
        true
    };
    let raised = |tag: usize| {
        (0..m).filter(|&other| is_below(other, tag)).map(|other| p[other]).fold(0.0, f64::max)
    };
    for tag in (0..m).filter(|&tag| !rules.is_alone(tag) && rules.group_of(tag).is_none()) {
        let given = match rules.parent(tag) {
            Some(parent) if !set.contains(&parent) => 0.0,
            Some(parent) if raised(parent) > 0.0 => raised(tag) / raised(parent),
            Some(_) => 0.0,
            None => raised(tag),
        };
        probability *= if set.contains(&tag) { given } else { 1.0 - given };
    }
    probability
}

/// Probabilities of which some are certain.
fn any_row(rng: &mut impl Rng, m: usize) -> Vec<f32> {
    (0..m)
        .map(|_| match rng.random_range(0..10) {
            0 => 0.0,
            1 => 1.0,
            _ => rng.random::<f32>().powi(2),
        })
        .collect()
}

fn p_is_with(row: &[f32], joint: &Joint, scratch: &mut Scratch) -> Vec<f64> {
    let mut out = vec![f64::NAN; row.len() * row.len()];
    p_is(row, joint, &mut out, scratch);
    out
}

#[test]
fn the_best_set_is_the_best_of_all_for_any_joint_distribution() {
    let mut scratch = Scratch::default();
    let mut tags = vec![7; 3];
    for m in 1..=12 {
        let sets = all_sets(m);
        for seed in 0..(1 << (12 - m)).min(100) {
            let mut rng = stream(Purpose::Draw, seed, m as u64, 0);
            let joint = any_joint(&mut rng, m);
            let p_is = p_is_of(&joint, m);
            let beta = [0.5, 1.0, 2.0, 3.0][rng.random_range(0..4)];
            let worth = Worth::new(m, beta);
            best(&p_is, &worth, &mut scratch, &mut tags);
            assert!(!tags.is_empty() && tags.is_sorted());
            let reached = expected_of(&joint, &sets, &tags, beta);
            assert!((expected(&p_is, &worth, &tags) - reached).abs() < 1e-12);
            let most = sets.iter().map(|predicted| expected_of(&joint, &sets, predicted, beta));
            let most = most.fold(0.0, f64::max);
            assert!((reached - most).abs() < 1e-12, "{m} {seed}: {tags:?} {reached} < {most}");
        }
    }
}

#[test]
fn the_best_possible_set_is_the_best_of_all_that_keep_the_rules() {
    let mut scratch = Scratch::default();
    let mut tags = vec![7; 3];
    for m in 1..=9 {
        let sets = all_sets(m);
        for seed in 0..100 {
            let mut rng = stream(Purpose::Draw, seed, m as u64, 1);
            let rules = drawn(&mut rng, m);
            let beta = [0.5, 1.0, 2.0, 3.0][rng.random_range(0..4)];
            let worth = Worth::new(m, beta);
            // From a distribution that knows nothing of the rules.
            let p_is = p_is_of(&any_joint(&mut rng, m), m);
            best_possible(&p_is, &worth, &Joint::of(&rules, m), &mut scratch, &mut tags);
            assert!(rules.admits(&tags) && !tags.is_empty(), "{rules:?}: {tags:?}");
            let reached = expected(&p_is, &worth, &tags);
            let possible = sets.iter().filter(|set| !set.is_empty() && rules.admits(set));
            let most = possible.map(|set| expected(&p_is, &worth, set)).fold(0.0, f64::max);
            assert!((reached - most).abs() < 1e-12, "{rules:?}: {tags:?} {reached} < {most}");
        }
    }
}

#[test]
fn p_is_is_that_of_the_model() {
    let mut scratch = Scratch::default();
    for m in 1..=8 {
        let sets = all_sets(m);
        for seed in 0..200 {
            let mut rng = stream(Purpose::Draw, seed, m as u64, 2);
            let rules = if seed == 0 { TagRules::default() } else { drawn(&mut rng, m) };
            let row = any_row(&mut rng, m);
            let joint: Vec<f64> = sets.iter().map(|set| modelled(&rules, &row, set)).collect();
            assert!((joint.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{rules:?} {row:?}");
            let possible = sets.iter().zip(&joint).all(|(set, &p)| p < 1e-12 || rules.admits(set));
            assert!(possible, "{rules:?} {row:?}");
            let calculated = p_is_with(&row, &Joint::of(&rules, m), &mut scratch);
            for (a, b) in calculated.iter().zip(p_is_of(&joint, m)) {
                assert!((a - b).abs() < 1e-6, "{rules:?} {row:?}: {calculated:?}");
            }
        }
    }
}

#[test]
fn independent_tags_are_taken_from_the_most_probable_on() {
    let mut scratch = Scratch::default();
    let mut tags = Vec::new();
    for seed in 0..200 {
        let mut rng = stream(Purpose::Draw, seed, 0, 3);
        let m = rng.random_range(1..40);
        let row: Vec<f32> = (0..m).map(|_| rng.random::<f32>().powi(2)).collect();
        let p_is = p_is_with(&row, &Joint::independent(m), &mut scratch);
        for beta in [0.5, 1.0, 2.0] {
            let worth = Worth::new(m, beta);
            best(&p_is, &worth, &mut scratch, &mut tags);
            let mut order: Vec<usize> = (0..m).collect();
            order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
            let top = |k: usize| expected(&p_is, &worth, &order[..k]);
            let best_k = (1..=m).max_by(|&a, &b| top(a).total_cmp(&top(b))).unwrap();
            let mut expected_tags = order[..best_k].to_vec();
            expected_tags.sort_unstable();
            assert_eq!(tags, expected_tags, "{row:?}");
            let possible = &mut Vec::new();
            best_possible(&p_is, &worth, &Joint::independent(m), &mut scratch, possible);
            assert_eq!(&tags, possible);
        }
    }
}

#[test]
fn agrees_with_numpy() {
    // from itertools import product; import numpy as np
    // p = np.array([.9, .5, .2, .15]); Y = np.array(list(product([0, 1], repeat=4)))
    // w = np.prod(np.where(Y, p, 1 - p), axis=1); s = Y.sum(1)
    // [[w[(s == k) & (Y[:, i] == 1)].sum() for k in (1, 2, 3, 4)] for i in range(4)]
    let row = [0.9, 0.5, 0.2, 0.15];
    let mut scratch = Scratch::default();
    let calculated = p_is_with(&row, &Joint::independent(4), &mut scratch);
    let numpy = [
        [0.306, 0.4365, 0.144, 0.0135],
        [0.034, 0.3205, 0.132, 0.0135],
        [0.0085, 0.0865, 0.0915, 0.0135],
        [0.006, 0.0615, 0.069, 0.0135],
    ];
    for (a, b) in calculated.iter().zip(numpy.concat()) {
        assert!((a - b).abs() < 1e-7, "{calculated:?}");
    }
    // f = lambda h, b: (w * (1 + b*b) * (Y @ h) / np.maximum(b*b*s + h.sum(), 1e-9)).sum()
    // [max((f(h, b), h.nonzero()[0]) for h in Y[1:]) for b in (.5, 1, 2)]
    for (beta, expected_tags, score) in
        [(0.5, &[0][..], 0.781_044_6), (1.0, &[0, 1], 0.724_566_7), (2.0, &[0, 1], 0.767_904_8)]
    {
        let worth = Worth::new(4, beta);
        let mut tags = Vec::new();
        best(&calculated, &worth, &mut scratch, &mut tags);
        assert_eq!(tags, expected_tags, "{beta}");
        assert!((expected(&calculated, &worth, &tags) - score).abs() < 1e-6, "{beta}");
    }
}

#[test]
fn an_image_that_may_have_no_tag_is_given_the_same_ones() {
    let mut rng = stream(Purpose::Draw, 1, 0, 4);
    let joint = any_joint(&mut rng, 6);
    let p_is = p_is_of(&joint, 6);
    // Half of the time there is no tag, which scores nothing whatever is predicted.
    let halved: Vec<f64> = p_is.iter().map(|p| p / 2.0).collect();
    let (worth, mut scratch) = (Worth::new(6, 2.0), Scratch::default());
    let (mut tags, mut of_halved) = (Vec::new(), Vec::new());
    best(&p_is, &worth, &mut scratch, &mut tags);
    best(&halved, &worth, &mut scratch, &mut of_halved);
    assert_eq!(tags, of_halved);
    // Never any tag: still one is named.
    best(&[0.0; 36], &worth, &mut scratch, &mut tags);
    assert_eq!(tags, [0]);
    assert_eq!(expected(&p_is, &worth, &[]), 0.0);
}

#[test]
fn a_probably_cloudy_image_is_cloudy_or_something_else() {
    // clear, cloudy, haze, partly cloudy, primary, water, blooming
    let weather = Group { members: vec![0, 1, 2, 3], one: One::Exactly };
    let rules = TagRules::new(vec![weather], vec![1], vec![(6, 4)], 7).unwrap();
    let joint = Joint::of(&rules, 7);
    let (worth, mut scratch) = (Worth::new(7, 2.0), Scratch::default());
    let mut decided = |row: [f32; 7]| {
        let p_is = p_is_with(&row, &joint, &mut scratch);
        let mut tags = Vec::new();
        best_possible(&p_is, &worth, &joint, &mut scratch, &mut tags);
        tags
    };
    assert_eq!(decided([0.1, 0.6, 0.1, 0.2, 0.4, 0.05, 0.01]), [1]);
    assert_eq!(decided([0.3, 0.3, 0.2, 0.2, 0.65, 0.3, 0.01]), [0, 4, 5]);
    assert_eq!(decided([0.9, 0.0, 0.05, 0.05, 0.4, 0.1, 0.5]), [0, 4, 6]);
    // Nothing is likely.
    assert_eq!(decided([0.0; 7]), [0]);
}

proptest! {
    #[test]
    fn what_tags_are_called_changes_nothing(m in 2usize..12, seed in 0u64..1_000_000) {
        let mut rng = stream(Purpose::Draw, seed, 0, 5);
        let rules = drawn(&mut rng, m);
        let row: Vec<f32> = (0..m).map(|_| rng.random::<f32>().powi(2)).collect();
        let mut to: Vec<usize> = (0..m).collect();
        to.shuffle(&mut rng);
        let renamed = |tags: &[usize]| {
            let mut tags: Vec<usize> = tags.iter().map(|&tag| to[tag]).collect();
            tags.sort_unstable();
            tags
        };
        let groups = rules.groups.iter();
        let other_rules = TagRules::new(
            groups.map(|g| Group { members: renamed(&g.members), one: g.one }).collect(),
            renamed(&rules.alone),
            rules.implies.iter().map(|&(child, parent)| (to[child], to[parent])).collect(),
            m,
        )
        .unwrap();
        let mut other_row = vec![0.0; m];
        for (tag, p) in row.iter().enumerate() {
            other_row[to[tag]] = *p;
        }
        let (worth, mut scratch) = (Worth::new(m, 2.0), Scratch::default());
        let mut decided = |row: &[f32], rules: &TagRules| {
            let joint = Joint::of(rules, m);
            let p_is = p_is_with(row, &joint, &mut scratch);
            let (mut tags, mut possible) = (Vec::new(), Vec::new());
            best(&p_is, &worth, &mut scratch, &mut tags);
            best_possible(&p_is, &worth, &joint, &mut scratch, &mut possible);
            (tags, possible)
        };
        let (tags, possible) = decided(&row, &rules);
        let expected = (renamed(&tags), renamed(&possible));
        prop_assert_eq!(decided(&other_row, &other_rules), expected);
    }

    #[test]
    fn a_tag_that_never_is_changes_nothing(m in 1usize..12, seed in 0u64..1_000_000) {
        let mut rng = stream(Purpose::Draw, seed, 0, 6);
        let rules = drawn(&mut rng, m);
        let mut row: Vec<f32> = (0..m).map(|_| rng.random::<f32>().powi(2) + 0.01).collect();
        let mut scratch = Scratch::default();
        let mut decided = |row: &[f32]| {
            let m = row.len();
            let joint = Joint::of(&rules, m);
            let p_is = p_is_with(row, &joint, &mut scratch);
            let (mut tags, mut possible) = (Vec::new(), Vec::new());
            best(&p_is, &Worth::new(m, 2.0), &mut scratch, &mut tags);
            best_possible(&p_is, &Worth::new(m, 2.0), &joint, &mut scratch, &mut possible);
            (tags, possible)
        };
        let before = decided(&row);
        row.push(0.0);
        prop_assert_eq!(decided(&row), before);
    }

    #[test]
    fn every_row_sums_to_the_probability_of_its_tag(m in 1usize..60, seed in 0u64..1_000_000) {
        let mut rng = stream(Purpose::Draw, seed, 0, 7);
        let row = any_row(&mut rng, m);
        let p_is = p_is_with(&row, &Joint::independent(m), &mut Scratch::default());
        for (p, sizes) in row.iter().zip(p_is.chunks(m)) {
            prop_assert!((sizes.iter().sum::<f64>() - f64::from(*p)).abs() < 1e-12);
            prop_assert!(sizes.iter().all(|p| (0.0..=1.0).contains(p)));
        }
    }
}
