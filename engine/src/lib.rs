//! The part of kaggle-kit that has libtorch in it; all else is in the `kaggle-kit` crate.

pub mod commands;
pub mod torch;
