//! The golden rule and the loop under it, over any [`Model`]: no tensors, no printing.
//!
//! `golden_rule.rs` is the recipe, `fit.rs` the loop, `lr_find/` the learning-rate finder;
//! `learner.rs` keeps what is best, and goes on where a run was stopped; `agreed.rs` is what several ranks
//! decide together, through `group.rs`.

mod agreed;
mod average;
mod choose;
mod data;
mod fit;
mod golden_rule;
pub mod group;
mod held_out;
mod learner;
mod linear;
mod lr_find;
mod mix;
mod model;
mod moments;
mod pace;
mod precompute;
mod refit;
mod replay;
mod stop;
#[cfg(test)]
mod tests;
pub mod tta;
mod workload;

pub use agreed::DriftedApart;
pub use data::{Data, Precomputed, Pretrained, SplitSide};
pub use fit::{FeedKind, score};
pub use golden_rule::{epochs_on_images, golden_rule, plan};
pub use group::{Alone, Group};
pub use learner::Learner;
pub use linear::LinearLayer;
pub use lr_find::{choose_rate, suggest};
pub use model::{Input, Model, StepLoss, StepOutcome, StepRates, Trainable};
pub use moments::Moments;
pub use pace::{Cores, Pace};
pub use refit::Plan;
pub use stop::{Limits, Stop};
pub use workload::{Piece, Work, workload};
