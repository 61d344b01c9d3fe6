use proptest::prelude::*;
use rand::Rng;
use rand::seq::SliceRandom;

use super::*;
use crate::rng::{Purpose, stream};

const CLEAR: usize = 0;
const CLOUDY: usize = 1;
const HAZE: usize = 2;
const PARTLY: usize = 3;
const PRIMARY: usize = 4;
const WATER: usize = 5;
const CULTIVATION: usize = 6;
const BLOOMING: usize = 7;
const SHIP: usize = 8;
const DOCK: usize = 9;

/// Rules at random: some tags in groups, some alone, some in a forest, some free.
pub(in crate::decide) fn drawn(rng: &mut impl Rng, n_classes: usize) -> Structure {
    let mut free: Vec<usize> = (0..n_classes).collect();
    free.shuffle(rng);
    let (mut groups, mut alone, mut implies) = (Vec::new(), Vec::new(), Vec::new());
    while free.len() > 2 && rng.random_bool(0.6) {
        let members = free.split_off(free.len() - rng.random_range(2..=free.len().min(4)));
        let one = if rng.random_bool(0.6) { One::Exactly } else { One::AtMost };
        if rng.random_bool(0.4) {
            alone.push(members[0]);
        }
        groups.push(Group { members, one });
    }
    if free.len() > 1 && rng.random_bool(0.3) {
        alone.extend(free.pop());
    }
    for child in 1..free.len() {
        if rng.random_bool(0.5) {
            implies.push((free[child], free[rng.random_range(0..child)]));
        }
    }
    Structure::new(groups, alone, implies, n_classes).unwrap()
}

/// Images labelled like planet's, and some harbours: `[n, 10]`.
fn planet(n: usize, seed: u64) -> Vec<bool> {
    let mut rng = stream(Purpose::Draw, seed, 0, 0);
    let mut labels = Vec::new();
    for _ in 0..n {
        let mut row = [false; 10];
        let at = rng.random::<f64>();
        let weather = match at {
            _ if at < 0.70 => CLEAR,
            _ if at < 0.75 => CLOUDY,
            _ if at < 0.82 => HAZE,
            _ => PARTLY,
        };
        row[weather] = true;
        if weather != CLOUDY {
            row[PRIMARY] = rng.random_bool(0.95);
            row[CULTIVATION] = row[PRIMARY] && rng.random_bool(0.12);
            row[BLOOMING] = row[PRIMARY] && rng.random_bool(0.01);
            row[WATER] = rng.random_bool(0.2);
            row[SHIP] = row[WATER] && rng.random_bool(0.2);
            row[DOCK] = row[SHIP] && rng.random_bool(0.5);
        }
        labels.extend(row);
    }
    labels
}

fn weather() -> Group {
    Group { members: vec![CLEAR, CLOUDY, HAZE, PARTLY], one: One::Exactly }
}

#[test]
fn planets_rules_are_found() {
    let mut truth = planet(40_000, 1);
    let rules = vec![(CULTIVATION, PRIMARY), (BLOOMING, PRIMARY), (SHIP, WATER), (DOCK, SHIP)];
    let expected = Structure::new(vec![weather()], vec![CLOUDY], rules, 10).unwrap();
    assert_eq!(find(&truth, 10), expected);
    // One image without weather, two with another fault each.
    truth[..10].fill(false);
    let cloudy = truth.chunks(10).position(|row| row[CLOUDY]).unwrap();
    truth[cloudy * 10 + WATER] = true;
    let dock = truth.chunks(10).position(|row| row[DOCK]).unwrap();
    truth[dock * 10 + SHIP] = false;
    assert_eq!(find(&truth, 10), expected);
}

#[test]
fn few_hundred_images_show_the_weather() {
    for seed in 0..20 {
        let mut truth = planet(600, seed);
        truth[..4].fill(false);
        let found = find(&truth, 10);
        assert_eq!(found.groups, [weather()], "{seed}");
        assert!(found.alone == [CLOUDY] || found.alone.is_empty(), "{seed}: {found:?}");
    }
    assert!(find(&planet(30, 1), 10).is_empty());
}

#[test]
fn independent_tags_have_no_rules() {
    for seed in 0..50 {
        let mut rng = stream(Purpose::Draw, seed, 1, 0);
        let shares: Vec<f64> = (0..12).map(|_| rng.random_range(-5.0f64..0.0).exp()).collect();
        let truth: Vec<bool> = (0..12 * 3000).map(|at| rng.random_bool(shares[at % 12])).collect();
        let found = find(&truth, 12);
        assert!(found.is_empty(), "{seed}: {found:?}");
    }
    for n_classes in 1..4 {
        assert!(find(&[], n_classes).is_empty());
        assert!(find(&vec![true; 300 * n_classes], n_classes).is_empty());
        assert!(find(&vec![false; 300 * n_classes], n_classes).is_empty());
    }
}

#[test]
fn two_groups_are_found_beside_a_tag_that_stands_alone() {
    // Tag 0 alone; else one of 1, 2 and one of 3, 4, 5.
    let mut truth = Vec::new();
    for i in 0..3000 {
        let mut row = [false; 6];
        if i % 10 == 0 {
            row[0] = true;
        } else {
            row[1 + i % 2] = true;
            row[3 + i % 3] = true;
        }
        truth.extend(row);
    }
    let found = find(&truth, 6);
    assert_eq!(found.alone, [0]);
    // Both groups cover everything together with the lone tag, which can be in one of them.
    let members: Vec<&[usize]> = found.groups.iter().map(|group| &group.members[..]).collect();
    assert_eq!(members, [&[0, 1, 2][..], &[3, 4, 5]]);
    for row in truth.chunks(6) {
        let tags: Vec<usize> = (0..6).filter(|&tag| row[tag]).collect();
        assert!(found.admits(&tags), "{tags:?}");
    }
}

#[test]
fn single_labels_are_one_group() {
    let truth: Vec<bool> = (0..900).flat_map(|i| (0..3).map(move |class| i % 3 == class)).collect();
    let group = Group { members: vec![0, 1, 2], one: One::Exactly };
    let expected = Structure { groups: vec![group], ..Structure::default() };
    assert_eq!(find(&truth, 3), expected);
}

#[test]
fn tags_that_imply_each_other_go_one_way() {
    // 0 and 1 are the same; 3 is on all images of 2 and some others.
    let truth: Vec<bool> =
        (0..4000).flat_map(|i| [i % 10 == 0, i % 10 == 0, i % 20 == 3, i % 10 == 3]).collect();
    assert_eq!(find(&truth, 4).implies, [(1, 0), (2, 3)]);
}

#[test]
fn wrong_rules_are_told() {
    let group = |members: &[usize]| Group { members: members.to_vec(), one: One::Exactly };
    let error = |groups: Vec<Group>, alone: Vec<usize>, implies: Vec<(usize, usize)>| {
        Structure::new(groups, alone, implies, 6).unwrap_err()
    };
    let cases = [
        (error(vec![group(&[0, 6])], vec![], vec![]), "no tag 6 among 6"),
        (error(vec![group(&[0])], vec![], vec![]), "at least two"),
        (error(vec![group(&[0, 1]), group(&[2, 1])], vec![], vec![]), "tag 1 is in two groups"),
        (error(vec![group(&[0, 1])], vec![0, 1], vec![]), "nothing to the other tags"),
        (error(vec![], vec![3, 3], vec![]), "tag 3 stands alone twice"),
        (error(vec![], vec![], vec![(0, 1), (0, 2)]), "tag 0 implies two others"),
        (error(vec![group(&[0, 1])], vec![], vec![(2, 1)]), "tag 1 is in a group"),
        (error(vec![], vec![4], vec![(4, 1)]), "stands alone"),
        (error(vec![], vec![], vec![(0, 1), (1, 2), (2, 0)]), "tag 0 implies itself"),
        (error(vec![], vec![], vec![(5, 5)]), "tag 5 implies itself"),
    ];
    for (told, expected) in cases {
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn impossible_rows_are_repaired() {
    let implies = vec![(BLOOMING, PRIMARY), (DOCK, SHIP), (SHIP, WATER)];
    let rules = Structure::new(vec![weather()], vec![CLOUDY], implies, 10).unwrap();
    let repaired = |tags: &[usize], likely: &[(usize, f32)]| {
        let mut row = [0.1; 10];
        for &(tag, p) in likely {
            row[tag] = p;
        }
        let mut tags = tags.to_vec();
        rules.repair(&mut tags, &row);
        tags
    };
    // Cloudy as the best weather stands alone, as another it goes.
    assert_eq!(repaired(&[CLOUDY, PRIMARY], &[(CLOUDY, 0.5), (PRIMARY, 0.9)]), [CLOUDY]);
    assert_eq!(repaired(&[CLOUDY, WATER], &[(CLOUDY, 0.3), (HAZE, 0.4)]), [HAZE, WATER]);
    // No weather, and two of them.
    assert_eq!(repaired(&[PRIMARY], &[(PARTLY, 0.2)]), [PARTLY, PRIMARY]);
    assert_eq!(repaired(&[PRIMARY], &[(CLOUDY, 0.9)]), [CLEAR, PRIMARY]);
    assert_eq!(repaired(&[], &[(CLOUDY, 0.9)]), [CLOUDY]);
    assert_eq!(repaired(&[CLEAR, HAZE, WATER], &[(HAZE, 0.4)]), [HAZE, WATER]);
    // A dock brings ship and water.
    assert_eq!(repaired(&[CLEAR, DOCK], &[]), [CLEAR, WATER, SHIP, DOCK]);
}

#[test]
fn a_lone_tag_without_a_group_must_lead_the_whole_row() {
    let rules = Structure::new(vec![], vec![0, 1], vec![], 4).unwrap();
    let repaired = |tags: &[usize], row: [f32; 4]| {
        let mut tags = tags.to_vec();
        rules.repair(&mut tags, &row);
        tags
    };
    assert_eq!(repaired(&[0, 2], [0.9, 0.1, 0.5, 0.1]), [0]);
    assert_eq!(repaired(&[0, 2], [0.4, 0.1, 0.5, 0.1]), [2]);
    // Neither leads, but an empty row is worse.
    assert_eq!(repaired(&[0, 1], [0.3, 0.4, 0.5, 0.1]), [1]);
}

#[test]
fn completing_adds_but_never_takes() {
    let rules = Structure::new(vec![weather()], vec![CLOUDY, DOCK], vec![], 10).unwrap();
    let mut row = [0.1; 10];
    row[CLOUDY] = 0.6;
    for (tags, expected) in [
        (vec![WATER], vec![CLEAR, WATER]),
        (vec![], vec![CLOUDY]),
        (vec![DOCK], vec![DOCK]),
        (vec![CLEAR, HAZE], vec![CLEAR, HAZE]),
    ] {
        let mut completed = tags.clone();
        rules.complete(&mut completed, &row);
        assert_eq!(completed, expected, "{tags:?}");
    }
}

proptest! {
    #[test]
    fn repaired_rows_are_possible_and_possible_ones_are_left(
        n_classes in 2usize..10, seed in 0u64..1_000_000
    ) {
        let mut rng = stream(Purpose::Draw, seed, 2, 0);
        let rules = drawn(&mut rng, n_classes);
        let row: Vec<f32> = (0..n_classes).map(|_| rng.random()).collect();
        let before: Vec<usize> = (0..n_classes).filter(|_| rng.random_bool(0.4)).collect();
        let mut tags = before.clone();
        rules.repair(&mut tags, &row);
        prop_assert!(rules.admits(&tags), "{rules:?} {row:?}: {before:?} -> {tags:?}");
        prop_assert!(before.is_empty() || !tags.is_empty());
        prop_assert!(tags.is_sorted());
        if rules.admits(&before) {
            prop_assert_eq!(&tags, &before);
        }
        // What is only completed is possible where nothing had to go and no parent was missing.
        let mut completed = before.clone();
        rules.complete(&mut completed, &row);
        prop_assert!(before.iter().all(|tag| completed.contains(tag)));
    }

    #[test]
    fn rules_are_found_again_in_rows_that_keep_them(seed in 0u64..1_000_000) {
        // Whatever is found in rows that keep some rules is kept by all of those rows.
        let mut rng = stream(Purpose::Draw, seed, 3, 0);
        let rules = drawn(&mut rng, 8);
        let mut truth = Vec::new();
        for _ in 0..400 {
            let row: Vec<f32> = (0..8).map(|_| rng.random()).collect();
            let mut tags: Vec<usize> = (0..8).filter(|_| rng.random_bool(0.3)).collect();
            rules.repair(&mut tags, &row);
            truth.extend((0..8).map(|tag| tags.contains(&tag)));
        }
        let found = find(&truth, 8);
        let n_classes = 8;
        let Structure { groups, alone, implies } = found.clone();
        let checked = Structure::new(groups, alone, implies, n_classes);
        prop_assert_eq!(checked, Ok(found.clone()));
        let n_broken = truth
            .chunks(8)
            .filter(|row| !found.admits(&(0..8).filter(|&tag| row[tag]).collect::<Vec<_>>()))
            .count();
        // One image may lack a member of each of its groups.
        prop_assert!(n_broken <= 1 + found.groups.len(), "{found:?} of {rules:?}: {n_broken}");
    }
}
