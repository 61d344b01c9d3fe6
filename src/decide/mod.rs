//! From what models say to what is submitted, chosen on validation predictions only.

pub mod answers;
pub mod compare;
mod contest;
mod decision;
pub mod ensemble;
pub mod interval;
mod judged;
pub mod log_loss;
mod newton;
mod numbers;
pub mod tags;
mod together;
mod whole;

pub use answers::Options;
pub use compare::deal;
pub use contest::{difference, score_and_error};
pub use decision::Decision;
pub use judged::Judged;
pub use together::together;
