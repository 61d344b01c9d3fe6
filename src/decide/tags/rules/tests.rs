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
const BLOOMING: usize = 7;
const SHIP: usize = 8;
const DOCK: usize = 9;

/// Rules at random: some tags in groups, some alone, some in a forest, some free.
pub(in crate::decide) fn drawn(rng: &mut impl Rng, n_classes: usize) -> TagRules {
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
    TagRules::new(groups, alone, implies, n_classes).unwrap()
}

fn weather() -> Group {
    Group { members: vec![CLEAR, CLOUDY, HAZE, PARTLY], one: One::Exactly }
}

#[test]
fn wrong_rules_are_told() {
    let group = |members: &[usize]| Group { members: members.to_vec(), one: One::Exactly };
    let error = |groups: Vec<Group>, alone: Vec<usize>, implies: Vec<(usize, usize)>| {
        TagRules::new(groups, alone, implies, 6).unwrap_err()
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
    let rules = TagRules::new(vec![weather()], vec![CLOUDY], implies, 10).unwrap();
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
    let rules = TagRules::new(vec![], vec![0, 1], vec![], 4).unwrap();
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
    let rules = TagRules::new(vec![weather()], vec![CLOUDY, DOCK], vec![], 10).unwrap();
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
}
