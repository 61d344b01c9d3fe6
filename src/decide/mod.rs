//! From probabilities to what is submitted, chosen on validation predictions only.

pub mod compare;
mod decision;
pub mod ensemble;
pub mod interval;
pub mod log_loss;
mod newton;
mod numbers;
pub mod tags;

pub use decision::{Decision, TagOptions};
