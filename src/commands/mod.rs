//! The commands, each with what may be typed on top of it. Nothing below knows of them.
//!
//! What needs libtorch is in `engine/src/commands`.

pub mod bad_images;
pub mod cache;
pub mod compare;
pub mod completions;
pub mod decide;
pub mod demo;
pub mod doctor;
pub mod enter;
pub mod export;
pub mod fetch;
pub mod leaderboard;
pub mod list;
pub mod lr_find;
mod meant;
pub mod models;
pub mod new;
pub mod pack;
pub mod predict;
pub mod ranks;
pub mod runs;
pub mod score;
pub mod stage;
pub mod standin;
pub mod submissions;
pub mod submit;
pub mod sweep;
pub mod train;

use self::submit::TestSet;
use crate::decide::ensemble::members::Member;
use crate::device::DeviceChoice;

/// What needs libtorch: most of it as it was typed.
#[derive(Clone, Copy)]
pub enum Computation<'a> {
    Train(&'a train::Args),
    LrFind(&'a lr_find::Args),
    Submit(&'a submit::Args),
    /// Predict pictures of any kind.
    Photos(&'a predict::Args),
    /// Predict the test images with the runs whose predictions are missing.
    Predict(&'a TestSet, &'a [Member], DeviceChoice),
    /// Measure backbones.
    Bench(&'a models::Args),
    /// Import a backbone.
    Import(&'a models::import::Args),
    Doctor(&'a doctor::Args),
    Demo(&'a demo::Args),
}
