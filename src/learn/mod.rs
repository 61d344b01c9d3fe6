//! The golden rule and the loop under it, over any [`Model`]: no tensors, no printing.
//!
//! `golden_rule.rs` is the recipe, `learner.rs` the loop, `lr_find.rs` the learning-rate finder.

mod data;
mod event;
mod golden_rule;
mod learner;
mod lr_find;
mod model;
#[cfg(test)]
mod tests;

pub use data::{Activations, Data, Feed, Part};
pub use event::{Event, Listener, Stage};
pub use golden_rule::{golden_rule, plan};
pub use learner::{Learner, Score};
pub use lr_find::{RateCurve, SweepEnd};
pub use model::{GROUPS, Input, Model, Rates, Trainable};
