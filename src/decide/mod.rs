//! From probabilities to what is submitted, chosen on validation predictions only.

pub mod blend;
pub mod calibrate;
pub mod calibration;
mod cholesky;
pub mod clip;
mod decision;
pub mod expected_f;
mod folds;
pub mod interval;
pub mod paired;
pub mod structure;
pub mod tags;
pub mod temperature;
pub mod thresholds;

pub use decision::{Decision, TagOptions};
