use proptest::prelude::*;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::rng::{Purpose, stream};

/// `[classes, classes]` of tags that know nothing of one another; by enumeration.
fn independent(row: &[f32], p_is: &mut [f64]) {
    let n_classes = row.len();
    p_is.fill(0.0);
    for set in 0..1_usize << n_classes {
        let is_set = |tag: usize| set >> tag & 1 == 1;
        let p_of = |tag: usize| if is_set(tag) { row[tag] } else { 1.0 - row[tag] };
        let p: f64 = (0..n_classes).map(|tag| f64::from(p_of(tag))).product();
        for tag in (0..n_classes).filter(|&tag| is_set(tag)) {
            p_is[tag * n_classes + set.count_ones() as usize - 1] += p;
        }
    }
}

/// Images of three tags: the second is set where the first is not, which the probabilities do not
/// tell; the third knows nothing of the others.
fn images(n: usize) -> (Vec<f32>, Vec<bool>) {
    let mut rng = stream(Purpose::Draw, 5, 0, 0);
    let (mut rows, mut truth) = (Vec::new(), Vec::new());
    let chance = |rng: &mut ChaCha8Rng| rng.random_range(0.1..0.9_f32);
    for _ in 0..n {
        let p = chance(&mut rng);
        let third = chance(&mut rng);
        let is_first = rng.random::<f32>() < p;
        rows.extend([p, 1.0 - p, third]);
        truth.extend([is_first, !is_first, rng.random::<f32>() < third]);
    }
    (rows, truth)
}

fn corrected(fitted: &Regressions, row: &[f32]) -> Vec<f64> {
    let mut p_is = vec![0.0; row.len() * row.len()];
    independent(row, &mut p_is);
    fitted.correct(row, &mut p_is, &mut Scratch::default());
    p_is
}

#[test]
fn learns_that_tags_exclude_one_another() {
    let (rows, truth) = images(20_000);
    let fitted = fit(&rows, &truth, 3, independent);
    for (p, third) in [(0.3_f32, 0.6_f32), (0.5, 0.2), (0.8, 0.8)] {
        let row = [p, 1.0 - p, third];
        let [p, third] = [p, third].map(f64::from);
        let expected = [
            [p * (1.0 - third), p * third, 0.0],
            [(1.0 - p) * (1.0 - third), (1.0 - p) * third, 0.0],
            [0.0, third, 0.0],
        ];
        let mut before = [0.0; 9];
        independent(&row, &mut before);
        let error = |found: &[f64]| {
            let pairs = found.iter().zip(expected.as_flattened());
            pairs.map(|(found, expected)| (found - expected).abs()).fold(0.0, f64::max)
        };
        let found = corrected(&fitted, &row);
        // Corrections are linear in logits, and this is not.
        assert!(error(&found) < 0.07, "{found:?}, not {expected:?}");
        assert!(error(&found) < 0.5 * error(&before), "{found:?}, before {before:?}");
    }
}

#[test]
fn threads_change_nothing() {
    let (rows, truth) = images(3000);
    let by = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| fit(&rows, &truth, 3, independent))
    };
    assert_eq!(by(1), by(3));
}

#[test]
fn without_images_nothing_is_corrected() {
    let fitted = fit(&[], &[], 3, independent);
    let row = [0.2, 0.7, 0.4];
    let mut before = [0.0; 9];
    independent(&row, &mut before);
    let pairs = corrected(&fitted, &row).into_iter().zip(before);
    assert!(pairs.into_iter().all(|(found, before)| (found - before).abs() < 1e-5));
}

#[test]
fn a_tag_that_was_never_seen_becomes_rare() {
    let (rows, mut truth) = images(2000);
    truth.iter_mut().skip(2).step_by(3).for_each(|is_set| *is_set = false);
    let fitted = fit(&rows, &truth, 3, independent);
    let third: f64 = corrected(&fitted, &[0.5, 0.5, 0.5])[6..].iter().sum();
    assert!(third < 0.02, "{third}");
}

#[test]
fn rare_sizes_go_with_their_neighbours() {
    // Seen among 2 tags 40 times, among 3 eight times, among 4 and 5 thirty and four times.
    let tag = Regression::new(&[0, 40, 8, 30, 4], &[0.0; 5]);
    assert_eq!((tag.from.as_slice(), tag.usual.as_slice()), (&[1, 3][..], &[2, 4][..]));
    let classes: Vec<usize> = (1..=5).map(|size| tag.class(size)).collect();
    assert_eq!(classes, [1, 1, 2, 2, 2]);
    // Not those that should have been seen.
    let tag = Regression::new(&[0, 40, 8, 30, 4], &[20.0, 20.0, 1.0, 1.0, 12.0]);
    assert_eq!((tag.from, tag.usual), (vec![1, 2, 3, 5], vec![1, 2, 4, 5]));
    // Nothing but a few, or nothing at all.
    let tag = Regression::new(&[0, 3, 0], &[0.0; 3]);
    assert_eq!((tag.from, tag.usual), (vec![1], vec![2]));
    let tag = Regression::new(&[0, 0, 0], &[0.0; 3]);
    assert_eq!((tag.from, tag.usual), (vec![1], vec![1]));
}

#[test]
fn sizes_of_a_class_share_as_the_joint_has_it() {
    let weights = vec![vec![2.0_f64.ln(), 0.0, 0.0, 0.0]];
    let tag = Regression { from: vec![1], usual: vec![2], weights };
    let mut p = [0.1, 0.3, 0.0];
    tag.correct(&[0.0; 3], &mut p, &mut Vec::new());
    // The odds of .4 to .6 are doubled, to 4/7 in all.
    let expected = [1.0 / 7.0, 3.0 / 7.0, 0.0];
    assert!(p.iter().zip(expected).all(|(p, expected)| (p - expected).abs() < 1e-5), "{p:?}");
    // What the joint had for impossible is of the usual size.
    let mut p = [0.0; 3];
    tag.correct(&[0.0; 3], &mut p, &mut Vec::new());
    assert!(p[1] > 1e-6 && p[0] == 0.0 && p[2] == 0.0, "{p:?}");
}

#[test]
fn is_kept_as_toml() {
    let (rows, truth) = images(500);
    let fitted = fit(&rows, &truth, 3, independent);
    let text = toml::to_string(&fitted).unwrap();
    assert_eq!(toml::from_str::<Regressions>(&text).unwrap(), fitted);
}

proptest! {
    #[test]
    fn are_probabilities(row in prop::collection::vec(0.0..=1.0_f32, 3), bias in -30.0..30.0_f64) {
        let tag = |usual| Regression {
            from: vec![1, 3],
            usual,
            weights: vec![vec![bias, 1.0, -2.0, 0.5], vec![0.3, -1.0, 0.2, bias / 10.0]],
        };
        let tags = vec![tag(vec![1, 3]), tag(vec![2, 3]), tag(vec![1, 3])];
        let fitted = Regressions { means: vec![0.0; 3], spreads: vec![1.0; 3], tags };
        for p in corrected(&fitted, &row).chunks_exact(3) {
            prop_assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{p:?}");
            prop_assert!(p.iter().sum::<f64>() <= 1.0 + 1e-9, "{p:?}");
        }
    }
}
