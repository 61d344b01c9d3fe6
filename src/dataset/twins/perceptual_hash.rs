//! What a picture looks like from afar: two that differ by compression, size, contrast or a narrow
//! border look the same.

use std::f32::consts::PI;
use std::sync::LazyLock;

use anyhow::Result;
use image::RgbImage;
use kaggle_kit_pixels::brightness_grid;

use crate::dataset::view::{Symmetry, pixels_of};

/// Side of the thumbnail, in pixels.
const GRID: usize = 32;
/// Frequencies a side.
pub(super) const SIDE: usize = 8;
/// Units of a thumbnail's brightness a level of the picture's.
const LEVEL: u16 = 256;

/// The picture's low frequencies, `[vertical, horizontal]`, row-major, the largest 127; the first
/// is the constant and left out (0). All zeros: a picture without anything on it.
///
/// A perceptual hash by DCT (Zauner 2010, "Implementation and benchmarking of perceptual image hash
/// functions", 3.2) with two changes. Brightness is replaced by its rank, so that a white border or
/// one cloud over a forest does not drown everything else. And the numbers are kept, each weighted
/// by its frequency as the spectra of photographs fall with it: [`similarity`] is then a
/// correlation in which all of them count alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PerceptualHash(pub(super) [i8; SIDE * SIDE]);

impl PerceptualHash {
    pub(super) const NONE: Self = Self([0; SIDE * SIDE]);

    pub(super) fn of(image: &RgbImage) -> Result<Self> {
        let thumbnail = brightness_grid(pixels_of(image), GRID)?;
        let flat = thumbnail.iter().max().zip(thumbnail.iter().min());
        if flat.is_none_or(|(most, least)| most - least < 2 * LEVEL) {
            return Ok(Self::NONE);
        }
        Ok(Self::of_spectrum(&low_frequencies(&ranks(&thumbnail))))
    }

    fn of_spectrum(spectrum: &[f32; SIDE * SIDE]) -> Self {
        let most = spectrum.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        if most == 0.0 {
            Self::NONE
        } else {
            Self(spectrum.map(|x| (x / most * 127.0).round() as i8))
        }
    }

    /// The look of the transformed picture: a mirror turns signs, a quarter turn swaps the axes.
    #[must_use]
    pub(super) fn turned(&self, symmetry: Symmetry) -> Self {
        // Where the corner and its right neighbour come from, in a picture of two by two.
        let (left, top) = symmetry.source((0, 0), 2);
        let swapped = symmetry.source((1, 0), 2).0 == left;
        let sign = |frequency: usize, mirrored: usize| {
            if frequency * mirrored % 2 == 1 { -1 } else { 1 }
        };
        let mut turned = [0; SIDE * SIDE];
        for (i, out) in turned.iter_mut().enumerate() {
            let (v, u) = (i / SIDE, i % SIDE);
            let (v, u) = if swapped { (u, v) } else { (v, u) };
            *out = self.0[v * SIDE + u] * sign(u, left) * sign(v, top);
        }
        Self(turned)
    }

    /// The numbers as a vector of length 1, or 0 for a picture without anything on it.
    pub(super) fn direction(&self) -> [f32; SIDE * SIDE] {
        let length = self.0.iter().map(|&x| f32::from(x).powi(2)).sum::<f32>().sqrt();
        self.0.map(|x| f32::from(x) / length.max(1.0))
    }

    /// A bit a number: whether it is positive.
    pub(super) fn signs(&self) -> u64 {
        self.0.iter().enumerate().fold(0, |bits, (i, x)| bits | u64::from(*x > 0) << i)
    }
}

/// The correlation of two looks' directions, in [-1, 1].
pub(super) fn similarity(a: &[f32; SIDE * SIDE], b: &[f32; SIDE * SIDE]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Each value's place in the order of all, from -0.5 to 0.5; equal values share theirs.
fn ranks(values: &[u16]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by_key(|&i| values[i]);
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let middle = first as f32 + (equal.len() - 1) as f32 / 2.0;
        for &i in equal {
            ranks[i] = middle / (values.len() - 1) as f32 - 0.5;
        }
        first += equal.len();
    }
    ranks
}

/// `COSINES[k][x]`: the discrete cosine transform (DCT-II) of `GRID` values.
static COSINES: LazyLock<[[f32; GRID]; SIDE]> = LazyLock::new(|| {
    let scale = |k| if k == 0 { 0.5_f32.sqrt() } else { 1.0 };
    let cosine = |k, x| (PI * k as f32 * (2 * x + 1) as f32 / (2 * GRID) as f32).cos();
    std::array::from_fn(|k| std::array::from_fn(|x| scale(k) * cosine(k, x)))
});

/// The two-dimensional transform of `[GRID, GRID]`, its lowest frequencies, each times its distance
/// from the constant.
fn low_frequencies(values: &[f32]) -> [f32; SIDE * SIDE] {
    let mut of_rows = [[0.0; SIDE]; GRID];
    for (row, out) in values.chunks_exact(GRID).zip(&mut of_rows) {
        for (cosines, out) in COSINES.iter().zip(out) {
            *out = row.iter().zip(cosines).map(|(x, c)| x * c).sum();
        }
    }
    std::array::from_fn(|i| {
        let (v, u) = (i / SIDE, i % SIDE);
        let sum: f32 = of_rows.iter().zip(&COSINES[v]).map(|(row, c)| row[u] * c).sum();
        sum * ((u * u + v * v) as f32).sqrt()
    })
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// A picture that is not like its own mirror images.
    fn picture(size: u32) -> RgbImage {
        let at = |x: u32, size: u32| x as f32 / size as f32;
        RgbImage::from_fn(size, size, |x, y| {
            let (x, y) = (at(x, size), at(y, size));
            let value = 90.0 * (7.0 * x * y + x).sin() + 60.0 * (9.0 * (x - y * y)).cos() + 120.0;
            Rgb([value as u8, (value * 0.8) as u8, 255 - value as u8 / 2])
        })
    }

    fn similar(a: &RgbImage, b: &RgbImage) -> f32 {
        similarity(
            &PerceptualHash::of(a).unwrap().direction(),
            &PerceptualHash::of(b).unwrap().direction(),
        )
    }

    #[test]
    fn a_look_outlives_size_contrast_and_a_mark_in_a_corner() {
        let original = picture(200);
        assert!(similar(&original, &picture(64)) > 0.99);
        let mut pale = original.clone();
        pale.pixels_mut().for_each(|p| p.0 = p.0.map(|c| 100 + c / 4));
        assert!(similar(&original, &pale) > 0.99);
        let mut marked = original.clone();
        for (x, y) in (0..25).flat_map(|y| (0..25).map(move |x| (x, y))) {
            marked.put_pixel(x, y, Rgb([255; 3]));
        }
        let marked = similar(&original, &marked);
        assert!(marked > 0.9, "{marked}");
    }

    #[test]
    fn a_turned_look_is_the_look_of_the_turned_picture() {
        let original = picture(60);
        let look = PerceptualHash::of(&original).unwrap();
        for (i, symmetry) in Symmetry::ALL.into_iter().enumerate() {
            let mut turned = original.clone();
            symmetry.apply(original.as_raw(), 60, &mut turned);
            let expected = look.turned(symmetry).direction();
            let same = similarity(&expected, &PerceptualHash::of(&turned).unwrap().direction());
            assert!(same > 0.999, "{symmetry:?}: {same}");
            assert!(i == 0 || similar(&original, &turned) < 0.8, "{symmetry:?}");
        }
    }

    #[test]
    fn nothing_looks_like_nothing() {
        let blank = RgbImage::from_pixel(50, 40, Rgb([7, 8, 9]));
        assert_eq!(PerceptualHash::of(&blank).unwrap(), PerceptualHash::NONE);
        assert_eq!(similar(&blank, &blank), 0.0);
        assert!(PerceptualHash::of(&RgbImage::from_fn(1, 1, |_, _| Rgb([9; 3]))).is_ok());
    }

    #[test]
    fn equal_brightness_shares_a_rank() {
        assert_eq!(ranks(&[5, 9, 5, 1, 7]), [-0.125, 0.5, -0.125, -0.5, 0.25]);
    }
}
