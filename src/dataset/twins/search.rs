//! Which of many looks are similar, without comparing each with each.
//!
//! Signs of nearly equal looks are mostly equal. They are cut into bands of twelve; a look is
//! compared with those that share a band of it, where its four least certain signs may be either
//! way (locality-sensitive hashing by signs, Charikar 2002, with probes as in Lv et al. 2007,
//! "Multi-probe LSH"). That is one look in 50, first by counting the signs that differ. Of 17,237
//! pictures and their changed copies that are similar by at least .85, 17,224 are found, of 15,074
//! above .95 all; 100,000 pictures in eight symmetries take 25 s of one core.

use rayon::prelude::*;

use super::perceptual_hash::{PerceptualHash, SIDE, similarity};
use crate::dataset::view::Symmetry;

/// Bands a look is cut into.
const BANDS: usize = 5;
/// Signs a band.
const SIGNS: usize = 12;
/// Signs of a band that may be either way.
const UNCERTAIN: usize = 4;
/// More signs that differ than in any pair of pictures that is found above .85.
const MOST_DIFFERENT: u32 = 20;
/// Similar ones kept a look, the most similar: where many are alike, these hold them together.
const KEPT: usize = 32;

/// Two looks and how similar they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) a: usize,
    pub(super) b: usize,
    pub(super) similarity: f32,
}

/// The pairs of looks that are at least so similar once one of them is transformed; some pairs
/// come twice.
pub(super) fn similar_pairs(
    looks: &[PerceptualHash],
    symmetries: &[Symmetry],
    least: f32,
) -> Vec<Pair> {
    let index = Index::new(looks);
    let pairs_of = |a: usize| {
        let mut pairs = Vec::new();
        if looks[a] != PerceptualHash::NONE {
            for &symmetry in symmetries {
                index.find(a, &looks[a].turned(symmetry), least, &mut pairs);
            }
            pairs
                .sort_unstable_by(|x, y| y.similarity.total_cmp(&x.similarity).then(x.b.cmp(&y.b)));
            pairs.dedup_by_key(|pair| pair.b);
            pairs.truncate(KEPT);
        }
        pairs
    };
    (0..looks.len()).into_par_iter().with_min_len(64).flat_map_iter(pairs_of).collect()
}

/// All looks, to be found by a band of signs.
struct Index<'a> {
    looks: &'a [PerceptualHash],
    bands: [Band; BANDS],
}

/// Which looks have which signs in a band.
struct Band {
    /// Where those of each of `2^SIGNS` values start in `looks` and `signs`, and where the last end.
    starts: Vec<u32>,
    looks: Vec<u32>,
    /// All signs of each, here so that a value's are read in a row.
    signs: Vec<u64>,
}

impl<'a> Index<'a> {
    fn new(looks: &'a [PerceptualHash]) -> Self {
        Self { looks, bands: std::array::from_fn(|band| Band::new(looks, band)) }
    }

    /// Adds the looks other than `own` that are at least so similar to `look`.
    fn find(&self, own: usize, look: &PerceptualHash, least: f32, pairs: &mut Vec<Pair>) {
        let (signs, direction) = (look.signs(), look.direction());
        for (i, band) in self.bands.iter().enumerate() {
            for value in probes(look, i) {
                let range = band.starts[value] as usize..band.starts[value + 1] as usize;
                for (&b, others) in band.looks[range.clone()].iter().zip(&band.signs[range]) {
                    let b = b as usize;
                    if (others ^ signs).count_ones() > MOST_DIFFERENT || b == own {
                        continue;
                    }
                    let similarity = similarity(&direction, &self.looks[b].direction());
                    if similarity >= least {
                        pairs.push(Pair { a: own, b, similarity });
                    }
                }
            }
        }
    }
}

impl Band {
    fn new(looks: &[PerceptualHash], band: usize) -> Self {
        let value_of =
            |look: &PerceptualHash| (*look != PerceptualHash::NONE).then(|| value(look, band));
        let values: Vec<Option<usize>> = looks.iter().map(value_of).collect();
        let mut starts = vec![0_u32; (1 << SIGNS) + 1];
        for &value in values.iter().flatten() {
            starts[value + 1] += 1;
        }
        for value in 0..1 << SIGNS {
            starts[value + 1] += starts[value];
        }
        let mut next = starts.clone();
        let n = values.iter().flatten().count();
        let mut band = Self { starts, looks: vec![0; n], signs: vec![0; n] };
        for (i, value) in values.iter().enumerate() {
            if let Some(value) = *value {
                let at = next[value] as usize;
                band.looks[at] = i as u32;
                band.signs[at] = looks[i].signs();
                next[value] += 1;
            }
        }
        band
    }
}

/// The numbers of a look that make up a band: every fifth, so that each band has low frequencies
/// and high ones.
fn numbers(band: usize) -> impl Iterator<Item = usize> {
    (0..SIGNS).map(move |i| 1 + band + i * BANDS)
}

fn value(look: &PerceptualHash, band: usize) -> usize {
    numbers(band).enumerate().fold(0, |value, (i, n)| value | usize::from(look.0[n] > 0) << i)
}

/// The band's value, and those with some of its least certain signs turned.
fn probes(look: &PerceptualHash, band: usize) -> impl Iterator<Item = usize> {
    let mut certainty = [(0, 0); SIGNS];
    for ((i, n), out) in numbers(band).enumerate().zip(&mut certainty) {
        *out = (look.0[n].unsigned_abs(), 1 << i);
    }
    certainty.sort_unstable();
    let value = value(look, band);
    (0..1_usize << UNCERTAIN).map(move |turned| {
        let signs = certainty[..UNCERTAIN].iter().enumerate();
        signs
            .filter(|(i, _)| turned >> i & 1 == 1)
            .fold(value, |value, (_, (_, sign))| value ^ sign)
    })
}

const _: () = assert!(BANDS * SIGNS < SIDE * SIDE, "a look has no more numbers");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::Rng;

    use super::*;
    use crate::rng::{self, Purpose};

    /// A random look, and it again with noise of a given strength.
    fn look(rng: &mut impl Rng) -> [f32; SIDE * SIDE] {
        std::array::from_fn(|i| if i == 0 { 0.0 } else { normal(rng) })
    }

    fn normal(rng: &mut impl Rng) -> f32 {
        (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
    }

    fn rounded(numbers: [f32; SIDE * SIDE]) -> PerceptualHash {
        PerceptualHash(numbers.map(|x| (x * 30.0).clamp(-127.0, 127.0) as i8))
    }

    #[test]
    fn what_each_with_each_finds_is_found() {
        let mut rng = rng::stream(Purpose::Draw, 1, 0, 0);
        let mut looks = Vec::new();
        for i in 0..400 {
            let original = look(&mut rng);
            looks.push(rounded(original));
            // Every fourth look has a turned twin, the noisier the later.
            if i % 4 == 0 {
                let noise = i as f32 / 400.0 * 0.5;
                let twin = rounded(original.map(|x| x + noise * normal(&mut rng)));
                looks.push(twin.turned(Symmetry::ALL[i / 4 % 8]));
            }
        }
        looks.push(PerceptualHash::NONE);
        looks.push(PerceptualHash::NONE);
        let least = 0.85;
        let mut expected = BTreeSet::new();
        for (a, look) in looks.iter().enumerate() {
            for symmetry in Symmetry::ALL {
                let turned = look.turned(symmetry).direction();
                let alike = |b: &usize| similarity(&turned, &looks[*b].direction()) >= least;
                expected.extend((a + 1..looks.len()).filter(alike).map(|b| (a, b)));
            }
        }
        assert!((90..=100).contains(&expected.len()), "{}", expected.len());
        let pairs = similar_pairs(&looks, &Symmetry::ALL, least);
        assert!(pairs.iter().all(|pair| pair.similarity >= least));
        let found: BTreeSet<(usize, usize)> =
            pairs.iter().map(|pair| (pair.a.min(pair.b), pair.a.max(pair.b))).collect();
        assert!(found.is_subset(&expected));
        let missed: Vec<_> = expected.difference(&found).collect();
        assert!(missed.len() <= 1, "{missed:?}");
    }

    #[test]
    fn many_that_are_alike_are_held_together_by_few_pairs() {
        let mut rng = rng::stream(Purpose::Draw, 2, 0, 0);
        let original = look(&mut rng);
        let mut alike = || rounded(original.map(|x| x + 0.1 * normal(&mut rng)));
        let looks: Vec<PerceptualHash> = (0..200).map(|_| alike()).collect();
        let pairs = similar_pairs(&looks, &[Symmetry::IDENTITY], 0.85);
        assert_eq!(pairs.len(), 200 * KEPT);
        let mut sets = crate::dataset::sets::Sets::new(200);
        for pair in &pairs {
            sets.join(pair.a, pair.b);
        }
        assert_eq!(sets.members().len(), 1);
    }
}
