//! From probabilities to what is submitted, chosen on validation predictions only.

pub mod clip;
mod decision;
pub mod thresholds;
pub mod tta;

pub use decision::{Decision, TagThresholds};
