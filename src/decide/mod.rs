//! From probabilities to what is submitted, chosen on validation predictions only.

pub mod compare;
mod decision;
pub mod ensemble;
pub mod interval;
mod judged;
mod largest;
pub mod log_loss;
mod newton;
mod numbers;
pub mod tags;

pub use decision::{Decision, TagOptions};
pub use judged::Judged;
pub use largest::Largest;
