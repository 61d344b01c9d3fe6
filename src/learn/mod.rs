//! The golden rule and the loop under it, over any [`Model`]: no tensors, no printing.
//!
//! `golden_rule.rs` is the recipe, `learner.rs` the loop, `lr_find/` the learning-rate finder.

mod data;
mod golden_rule;
mod learner;
mod lr_find;
mod mix;
mod model;
mod precompute;
mod replay;
mod stop;
#[cfg(test)]
mod tests;
pub mod tta;

pub use data::{Activations, Data, Feed, Part};
pub use golden_rule::{epochs_on_images, golden_rule, plan};
pub use learner::{CyclePlan, FeedKind, Learner};
pub use lr_find::{choose_rate, suggest};
pub use model::{Input, Model, Pace, Trainable};
pub use precompute::{Precomputed, Pretrained};
pub use stop::{Limits, Stop};
