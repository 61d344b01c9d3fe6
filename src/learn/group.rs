//! What a learner asks of the others that train the same network with it: little, as it is the network
//! itself that adds up gradients. The engine's answer is `torch::Group`, that of a process on its own
//! [`Alone`], the tests' ranks that are threads.
//!
//! Every rank calls the same of these in the same order, or all wait for one that does not.

use anyhow::Result;

use crate::place::Share;

/// All ranks, as one of them sees them.
pub trait Group {
    /// Which part of everything is this rank's.
    fn share(&self) -> Share;

    /// Adds numbers up over all ranks, in place.
    fn sum(&self, numbers: &mut [f64]) -> Result<()>;

    /// The rows of all ranks, in their order: `rows` are this rank's, `lengths` say how many each rank
    /// has, `width` how many numbers a row has.
    fn gather(&self, rows: &[f32], lengths: &[usize], width: usize) -> Result<Vec<f32>>;

    /// Gives everybody the bytes of the first rank.
    fn follow(&self, bytes: &mut Vec<u8>) -> Result<()>;

    /// Waits until the first rank comes here as well, however long its work before takes: it may hash a
    /// terabyte of pictures, or wait for another run.
    fn wait_for_first(&self) -> Result<()>;
}

/// A process on its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Group for Alone {
    fn share(&self) -> Share {
        Share::WHOLE
    }

    fn sum(&self, _: &mut [f64]) -> Result<()> {
        Ok(())
    }

    fn gather(&self, rows: &[f32], _: &[usize], _: usize) -> Result<Vec<f32>> {
        Ok(rows.to_vec())
    }

    fn follow(&self, _: &mut Vec<u8>) -> Result<()> {
        Ok(())
    }

    fn wait_for_first(&self) -> Result<()> {
        Ok(())
    }
}

/// A number that the first rank has, for all: what follows from it is then decided alike, also where
/// processors round differently.
pub(super) fn agreed<const N: usize>(group: &dyn Group, mut numbers: [f64; N]) -> Result<[f64; N]> {
    if !group.share().is_first() {
        numbers = [0.0; N];
    }
    group.sum(&mut numbers)?;
    Ok(numbers)
}
