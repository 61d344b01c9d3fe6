//! Random erasing (Zhong et al. 2017, <https://arxiv.org/abs/1708.04896>): a box of noise, so that a network
//! does not go by one part of a picture.

use rand::{Rng, RngCore};

use crate::rng::{self, Purpose};

/// A box's share of the picture's area.
const AREA: [f64; 2] = [0.02, 0.33];
/// Its height by its width, drawn evenly in its logarithm.
const RATIO: [f64; 2] = [0.3, 1.0 / 0.3];
/// How often a box that fits is looked for, as in timm and torchvision.
const TRIES: usize = 10;

/// Fills a box of a picture, `[size, size, 3]`, with this probability. Each value is drawn by itself from all
/// that a byte can be, which was the best of the paper's four fillings, and asks for no network's mean.
pub(super) fn erase(
    picture: &mut [u8],
    size: usize,
    probability: f64,
    (seed, epoch, index): (u64, u64, usize),
) {
    let mut rng = rng::stream(Purpose::Erase, seed, epoch, index as u64);
    if !rng.random_bool(probability) {
        return;
    }
    for _ in 0..TRIES {
        let area = (size * size) as f64 * rng.random_range(AREA[0]..AREA[1]);
        let ratio = rng.random_range(RATIO[0].ln()..RATIO[1].ln()).exp();
        let sides = [(area / ratio).sqrt(), (area * ratio).sqrt()];
        let [width, height] = sides.map(|side| side.round() as usize);
        if width < size && height < size {
            let left = rng.random_range(0..=size - width);
            let top = rng.random_range(0..=size - height);
            for y in top..top + height {
                let at = (y * size + left) * 3;
                rng.fill_bytes(&mut picture[at..at + width * 3]);
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 100;

    /// The boxes of many draws: left, top, width and height.
    fn boxes(probability: f64) -> Vec<[usize; 4]> {
        let found = (0..1000).filter_map(|index| {
            let mut picture = vec![0; SIZE * SIZE * 3];
            erase(&mut picture, SIZE, probability, (1, 2, index));
            let is_erased = |i: usize| picture[i * 3..i * 3 + 3] != [0; 3];
            let erased: Vec<usize> = (0..SIZE * SIZE).filter(|&i| is_erased(i)).collect();
            let columns: Vec<usize> = erased.iter().map(|i| i % SIZE).collect();
            let rows: Vec<usize> = erased.iter().map(|i| i / SIZE).collect();
            let ends = |at: &[usize]| Some([*at.iter().min()?, *at.iter().max()?]);
            let ([left, right], [top, bottom]) = (ends(&columns)?, ends(&rows)?);
            let area = (right - left + 1) * (bottom - top + 1);
            // One of 16 million colours is black.
            assert!(erased.len() + 2 >= area, "{} of {area}", erased.len());
            Some([left, top, right - left + 1, bottom - top + 1])
        });
        found.collect()
    }

    #[test]
    fn boxes_are_as_often_as_large_and_as_long_as_the_paper_has_them() {
        assert_eq!(boxes(0.0).len(), 0);
        let some = boxes(0.25).len();
        // 250, with a deviation of 14.
        assert!((190..310).contains(&some), "{some}");
        let all = boxes(1.0);
        assert!(all.len() > 970, "{}", all.len());
        let shares = all.iter().map(|[.., w, h]| (w * h) as f64 / (SIZE * SIZE) as f64);
        let ratios = all.iter().map(|[.., w, h]| *h as f64 / *w as f64);
        assert!(shares.clone().all(|share| (0.015..0.345).contains(&share)));
        assert!(ratios.clone().all(|ratio| (0.27..3.7).contains(&ratio)));
        let n = all.len() as f64;
        // .175 for even draws; the largest do not fit where they are long.
        let mean = shares.sum::<f64>() / n;
        assert!((0.15..0.185).contains(&mean), "{mean}");
        let mean = ratios.map(f64::ln).sum::<f64>() / n;
        assert!(mean.abs() < 0.09, "{mean}");
        // Anywhere: the first and the last rows and columns are met as well.
        assert!(all.iter().any(|[left, ..]| *left == 0));
        assert!(all.iter().any(|[_, top, _, height]| top + height == SIZE));
    }

    #[test]
    fn the_filling_is_every_value_alike() {
        let mut picture = vec![0; SIZE * SIZE * 3];
        (0..200).for_each(|index| erase(&mut picture, SIZE, 1.0, (1, 2, index)));
        let n = picture.len() as f64;
        let mean = picture.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        assert!((mean - 127.5).abs() < 2.0, "{mean}");
    }

    #[test]
    fn no_picture_is_too_small() {
        for size in 1..6 {
            for index in 0..50 {
                erase(&mut vec![0; size * size * 3], size, 1.0, (1, 2, index));
            }
        }
    }
}
