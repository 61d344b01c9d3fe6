//! Random numbers that depend on what they are for, not on who asks first.
//!
//! Every use has its own stream, keyed by a purpose and three counters (seed, epoch, sample), so
//! that the number of loader threads, or a restart in the middle of an epoch, changes nothing.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What the numbers are for.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Purpose {
    /// Which images are held out.
    Split = 1,
    /// The order of an epoch.
    Shuffle = 2,
    /// A random view of an image.
    Augment = 3,
    /// Generated pictures.
    Draw = 4,
    /// The first weights of a head, and its dropout.
    Weights = 5,
    /// Which images of a batch are mixed, and how.
    Mix = 6,
    /// Which images an epoch shows, where not every one once.
    Sample = 7,
    /// Resamplings of a bootstrap.
    Resample = 8,
    /// Operations of a policy of augmentation.
    Policy = 9,
    /// A box of an image that is erased.
    Erase = 10,
    /// Residual branches that an image leaves out.
    DropPath = 11,
}

/// The stream of `purpose` at `(seed, epoch, sample)`: `ChaCha8` with the four numbers as its key.
pub fn stream(purpose: Purpose, seed: u64, epoch: u64, sample: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (bytes, number) in key.chunks_exact_mut(8).zip([purpose as u64, seed, epoch, sample]) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// The first `n` numbers in `[0, 1)` of a stream.
pub fn uniform(purpose: Purpose, key: [u64; 3], n: usize) -> Vec<f64> {
    let [seed, epoch, sample] = key;
    stream(purpose, seed, epoch, sample).random_iter().take(n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let first = |epoch| stream(Purpose::Augment, 1, epoch, 3).random::<u64>();
        assert_eq!(first(2), first(2));
        assert_ne!(first(2), first(4));
        let numbers = uniform(Purpose::DropPath, [1, 2, 3], 1000);
        let mean = numbers.iter().sum::<f64>() / 1000.0;
        assert!((mean - 0.5).abs() < 0.04 && numbers.iter().all(|n| (0.0..1.0).contains(n)));
    }
}
