//! Iterative stratification: images with tags on sides of given shares.

use rand::Rng;
use rand::seq::SliceRandom;

use super::units::{Unit, totals};

/// The side of each unit.
///
/// Sechidis, Tsoumakas, Vlahavas 2011, "On the stratification of multi-label data", algorithm 1:
/// the rarest tag's images first, each to the side that is furthest below its share of the tag.
/// Here a unit of several images moves as one, before those of fewer: they make good what it
/// leaves uneven.
pub(super) fn iterative(
    units: &[Unit],
    n_classes: usize,
    shares: &[f64],
    rng: &mut impl Rng,
) -> Vec<usize> {
    let mut left = totals(units, n_classes);
    let of_all = |n: usize| shares.iter().map(|share| share * n as f64).collect::<Vec<f64>>();
    let mut wanted: Vec<Vec<f64>> = left.iter().map(|&n| of_all(n)).collect();
    let mut wanted_all = of_all(units.iter().map(Unit::len).sum());
    let mut sides: Vec<Option<usize>> = vec![None; units.len()];
    let mut order: Vec<usize> = (0..units.len()).collect();
    order.shuffle(rng);
    order.sort_by_key(|&i| std::cmp::Reverse(units[i].len()));
    loop {
        let rarest = (0..n_classes).filter(|&tag| left[tag] > 0).min_by_key(|&tag| left[tag]);
        for &i in &order {
            // With no tag left, what remains are the images without any.
            if sides[i].is_some() || rarest.is_some_and(|tag| !units[i].has(tag)) {
                continue;
            }
            let of_tag = rarest.map_or(&wanted_all, |tag| &wanted[tag]);
            let side = neediest(of_tag, &wanted_all, rng);
            sides[i] = Some(side);
            wanted_all[side] -= units[i].len() as f64;
            for &(tag, n) in &units[i].counts {
                wanted[tag][side] -= n as f64;
                left[tag] -= n;
            }
        }
        if rarest.is_none() {
            break;
        }
    }
    sides.into_iter().map(Option::unwrap_or_default).collect()
}

/// The side with the most wanting of the tag, then of all; ties at random.
fn neediest(of_tag: &[f64], of_all: &[f64], rng: &mut impl Rng) -> usize {
    let by_need = |&a: &usize, &b: &usize| {
        of_tag[a].total_cmp(&of_tag[b]).then(of_all[a].total_cmp(&of_all[b]))
    };
    let Some(most) = (0..of_tag.len()).max_by(by_need) else { return 0 };
    let equal: Vec<usize> = (0..of_tag.len()).filter(|side| by_need(side, &most).is_eq()).collect();
    if equal.len() == 1 { most } else { equal[rng.random_range(0..equal.len())] }
}
