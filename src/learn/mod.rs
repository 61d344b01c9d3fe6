//! The golden rule and the loop under it, over any [`Model`]: no tensors, no printing.
//!
//! `golden_rule.rs` is the recipe, `learner.rs` the loop, `lr_find/` the learning-rate finder.

mod checkpoint;
mod data;
mod event;
mod golden_rule;
mod journal;
mod learner;
mod lr_find;
mod mix;
mod model;
mod precompute;
mod stop;
#[cfg(test)]
mod tests;
pub mod tta;

pub use checkpoint::Checkpoints;
pub use data::{Activations, Data, Feed, Part};
pub use event::{Event, Listener, Stage};
pub use golden_rule::{epochs_on_images, golden_rule, plan};
pub use journal::{Entry, Journal, Place};
pub use learner::{CyclePlan, FeedKind, Learner, Score, cycle_file};
pub use lr_find::{Choice, RateCurve, Suggestions, SweepEnd, Why, suggest};
pub use model::{GROUPS, Input, Model, Pace, Rates, Trainable};
pub use precompute::{Precomputed, Pretrained};
pub use stop::{Limits, Stop};
