//! Batches of two images in one: mixup (Zhang et al. 2017, <https://arxiv.org/abs/1710.09412>) and
//! `CutMix` (Yun et al. 2019, <https://arxiv.org/abs/1905.04899>); and smoothed targets.
//!
//! All of it in host memory, on bytes: a rounding of half a grey level matters to nobody, and the
//! network need not know.

use std::ops::Range;

use rand::Rng;
use rand_distr::{Beta, Distribution};
use rayon::prelude::*;

use crate::dataset::Images;
use crate::recipe::LossSettings;
use crate::rng::{self, Purpose};
use crate::target::TargetKind;

/// Moves a part of every target to the other classes: `y (1 - s) + s / classes` for one class of
/// many (Szegedy et al. 2015, <https://arxiv.org/abs/1512.00567>, sec. 7), `y (1 - s) + s / 2` for a
/// tag.
pub(super) fn smooth(targets: &mut [f32], kind: TargetKind, n_classes: usize, smoothing: f64) {
    if smoothing == 0.0 {
        return;
    }
    let base = match kind {
        TargetKind::SingleLabel => smoothing / n_classes as f64,
        TargetKind::MultiLabel => smoothing / 2.0,
        TargetKind::Ordinal | TargetKind::Number => return,
    };
    for y in targets {
        *y = (f64::from(*y) * (1.0 - smoothing) + base) as f32;
    }
}

/// Whether any images are mixed.
pub(super) fn mixes(settings: &LossSettings) -> bool {
    settings.mixup > 0.0 || settings.cutmix > 0.0
}

/// How the images of a batch are mixed: every one is blended with the next one of its batch, which is
/// shuffled, or gets a part of that, and the targets go with them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mix {
    /// What is pasted; without it, images are blended.
    area: Option<Area>,
    /// The part of an image that stays its own.
    share: f64,
}

impl Mix {
    /// Draws it for pictures of a size; nothing where none are mixed. Which of the two, where both are
    /// wanted, is up to chance. Follows from `seed` and `epoch`, and the number of the batch in it.
    pub(super) fn draw(
        settings: &LossSettings,
        size: usize,
        (seed, epoch, batch): (u64, u64, u64),
    ) -> Option<Self> {
        let mut rng = rng::stream(Purpose::Mix, seed, epoch, batch);
        let is_cut = match (settings.mixup > 0.0, settings.cutmix > 0.0) {
            (false, false) => return None,
            (true, true) => rng.random(),
            (_, cut) => cut,
        };
        let alpha = if is_cut { settings.cutmix } else { settings.mixup };
        let share = beta(alpha, &mut rng);
        Some(if is_cut {
            let area = Area::draw(size, share, &mut rng);
            let share = 1.0 - area.pixels() as f64 / (size * size) as f64;
            Self { area: Some(area), share }
        } else {
            // An image is more itself than its partner, so that no pair is mixed twice the same way.
            Self { area: None, share: share.max(1.0 - share) }
        })
    }

    /// Mixes the part `own` of a batch, with the image after it behind it where there are others, which is
    /// taken away here.
    pub(super) fn images(self, images: &mut Images, own: &Range<usize>) {
        let (size, share) = (images.size, self.share);
        match self.area {
            Some(area) => with_next(images, |image, next| area.paste(image, next, size)),
            None => with_next(images, |image, next| blend(image, next, share)),
        }
        images.pixels.truncate(own.len() * size * size * 3);
        images.n = own.len();
    }

    /// Mixes the whole batch's targets, `width` numbers an image.
    pub(super) fn targets(self, targets: &mut [f32], width: usize) {
        let share = self.share;
        let first = targets[..width.min(targets.len())].to_vec();
        for at in (0..targets.len()).step_by(width.max(1)) {
            let (row, rest) = targets[at..].split_at_mut(width);
            let next = if rest.is_empty() { &first } else { &*rest };
            for (y, other) in row.iter_mut().zip(next) {
                *y = (f64::from(*y) * share + f64::from(*other) * (1.0 - share)) as f32;
            }
        }
    }
}

/// Shows each image together with the next one, as that was before; after the last comes the first. Each
/// core has some of them, one after another.
fn with_next(images: &mut Images, work: impl Fn(&mut [u8], &[u8]) + Sync) {
    let bytes = images.size * images.size * 3;
    if images.pixels.is_empty() {
        return;
    }
    let some = images.n.div_ceil(rayon::current_num_threads()) * bytes;
    // The first of each core's as it was: the last of the core's before is shown with it.
    let firsts: Vec<Vec<u8>> =
        images.pixels.chunks(some).map(|some| some[..bytes].to_vec()).collect();
    images.pixels.par_chunks_mut(some).enumerate().for_each(|(number, some)| {
        let after = &firsts[(number + 1) % firsts.len()];
        for at in (0..some.len()).step_by(bytes) {
            let (image, rest) = some[at..].split_at_mut(bytes);
            work(image, if rest.is_empty() { after } else { &rest[..bytes] });
        }
    });
}

/// The share of an image that stays its own, in `[0, 1]`.
fn beta(alpha: f64, rng: &mut impl Rng) -> f64 {
    Beta::new(alpha, alpha).map_or(1.0, |beta| beta.sample(rng))
}

fn blend(image: &mut [u8], next: &[u8], share: f64) {
    let own = (share * 256.0).round() as u32;
    for (value, other) in image.iter_mut().zip(next) {
        *value = ((u32::from(*value) * own + u32::from(*other) * (256 - own) + 128) >> 8) as u8;
    }
}

/// A box of pixels.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Area {
    /// A box whose sides are `sqrt(1 - share)` of the image's, anywhere, cut off at the edges.
    fn draw(size: usize, share: f64, rng: &mut impl Rng) -> Self {
        let half = size as f64 * (1.0 - share).sqrt() / 2.0;
        let side = |rng: &mut _| -> (usize, usize) {
            let middle = Rng::random_range(rng, 0.0..size as f64);
            let low = (middle - half).max(0.0).round() as usize;
            (low, ((middle + half).round() as usize).min(size))
        };
        let ((left, right), (top, bottom)) = (side(rng), side(rng));
        Self { left, top, right, bottom }
    }

    fn pixels(self) -> usize {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// Puts this part of `next` into `image`; both have sides of `size`.
    fn paste(self, image: &mut [u8], next: &[u8], size: usize) {
        for y in self.top..self.bottom {
            let row = (y * size + self.left) * 3..(y * size + self.right) * 3;
            image[row.clone()].copy_from_slice(&next[row]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::{Recipe, resolve};

    fn settings(mixup: f64, cutmix: f64) -> LossSettings {
        let Recipe { loss, .. } = resolve(&[]).unwrap();
        LossSettings { mixup, cutmix, ..loss }
    }

    /// Images of one value each, 0, 10, 20, ..., with a target each.
    fn batch(n: usize) -> (Images, Vec<f32>) {
        let size = 16;
        let pixels = (0..n).flat_map(|i| vec![10 * i as u8; size * size * 3]).collect();
        let mut targets = vec![0.0; n * n];
        (0..n).for_each(|i| targets[i * n + i] = 1.0);
        (Images { pixels: Vec::into(pixels), n, size }, targets)
    }

    fn mixed(n: usize, mixup: f64, cutmix: f64, number: u64) -> (Images, Vec<f32>) {
        let (mut images, mut targets) = batch(n);
        let mix = Mix::draw(&settings(mixup, cutmix), images.size, (1, 2, number)).unwrap();
        mix.images(&mut images, &(0..n));
        mix.targets(&mut targets, n);
        (images, targets)
    }

    #[test]
    fn smoothing_has_pytorch_s_values() {
        // torch.nn.CrossEntropyLoss(label_smoothing=0.1) against targets of 0.925 and 0.025, 4 classes
        let mut targets = [0.0, 1.0, 0.0, 0.0];
        smooth(&mut targets, TargetKind::SingleLabel, 4, 0.1);
        assert_eq!(targets, [0.025, 0.925, 0.025, 0.025]);
        let mut tags = [0.0, 1.0];
        smooth(&mut tags, TargetKind::MultiLabel, 2, 0.1);
        assert_eq!(tags, [0.05, 0.95]);
    }

    #[test]
    fn pixels_and_targets_are_mixed_in_the_same_proportion() {
        for (mixup, cutmix) in [(0.4, 0.0), (0.0, 1.0), (0.4, 1.0)] {
            for number in 0..20 {
                let (images, targets) = mixed(8, mixup, cutmix, number);
                let pixels = 16 * 16 * 3;
                for (image, row) in images.pixels.chunks(pixels).zip(targets.chunks(8)) {
                    let mean = image.iter().map(|&v| f64::from(v)).sum::<f64>() / pixels as f64;
                    let target: f64 =
                        row.iter().enumerate().map(|(i, &y)| 10.0 * i as f64 * f64::from(y)).sum();
                    assert!((mean - target).abs() < 0.7, "{mixup} {cutmix}: {mean} {target}");
                    assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn a_batch_number_makes_one_mix() {
        assert_eq!(mixed(8, 0.4, 1.0, 3), mixed(8, 0.4, 1.0, 3));
        assert_ne!(mixed(8, 0.4, 1.0, 3), mixed(8, 0.4, 1.0, 4));
        assert!(Mix::draw(&settings(0.0, 0.0), 16, (1, 2, 3)).is_none());
    }

    #[test]
    fn every_image_is_mixed_with_the_next_as_that_was_before() {
        // More and fewer than there are cores, in parts that do not come out even.
        for n in [1, 2, 3, 7, 8, 23] {
            for (mixup, cutmix) in [(0.4, 0.0), (0.0, 1.0)] {
                let (before, _) = batch(n);
                let (after, _) = mixed(n, mixup, cutmix, 5);
                let mix = Mix::draw(&settings(mixup, cutmix), 16, (1, 2, 5)).unwrap();
                let bytes = 16 * 16 * 3;
                for (i, found) in after.pixels.chunks(bytes).enumerate() {
                    let at = |i: usize| before.pixels[i * bytes..(i + 1) * bytes].to_vec();
                    let (mut image, next) = (at(i), at((i + 1) % n));
                    match mix.area {
                        Some(area) => area.paste(&mut image, &next, 16),
                        None => blend(&mut image, &next, mix.share),
                    }
                    assert!(found == image, "{i} of {n}");
                }
            }
        }
    }

    #[test]
    fn a_part_of_a_batch_is_mixed_as_in_the_whole() {
        for (mixup, cutmix) in [(0.4, 0.0), (0.0, 1.0)] {
            let (whole, _) = mixed(7, mixup, cutmix, 3);
            let bytes = 16 * 16 * 3;
            for own in [0..2, 2..5, 5..7] {
                let (all, _) = batch(7);
                let picture = |i: usize| all.pixels[i * bytes..(i + 1) * bytes].to_vec();
                let pixels: Vec<u8> = own.clone().chain([own.end % 7]).flat_map(picture).collect();
                let mut part = Images { pixels: pixels.into(), n: own.len() + 1, size: 16 };
                let mix = Mix::draw(&settings(mixup, cutmix), 16, (1, 2, 3)).unwrap();
                mix.images(&mut part, &own);
                assert_eq!(part.n, own.len());
                assert_eq!(part.pixels[..], whole.pixels[own.start * bytes..own.end * bytes]);
            }
        }
    }

    #[test]
    fn shares_have_the_mean_and_variance_of_a_beta_distribution() {
        let mut rng = rng::stream(Purpose::Mix, 1, 0, 0);
        let shares: Vec<f64> = (0..20_000).map(|_| beta(0.4, &mut rng)).collect();
        let mean = shares.iter().sum::<f64>() / shares.len() as f64;
        let variance = shares.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / shares.len() as f64;
        // Beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)).
        assert!((mean - 0.5).abs() < 0.01 && (variance - 1.0 / 7.2).abs() < 0.003);
    }
}
