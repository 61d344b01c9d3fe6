//! From probabilities to what is submitted, chosen on validation predictions only.

pub mod blend;
pub mod calibration;
pub mod clip;
mod decision;
pub mod paired;
pub mod risk;
pub mod temperature;
pub mod thresholds;
pub mod tta;

pub use decision::{Decision, TagThresholds};
