//! Listeners: what turns the work's events into bars, lines and files, none of which ever stops a
//! run; and the page that a run becomes.

mod bar;
pub mod chart;
mod console;
mod estimate;
pub mod html;
mod live;
mod mlflow;
mod record;
mod tracker;
mod way;

use crate::run::{Event, Listener};

pub use bar::{Bar, Unit};
pub use console::Console;
pub use live::LivePage;
pub use record::Record;
pub use tracker::{Tracker, Trackers};
pub use way::tell_way;

/// Two listeners that hear the same.
pub struct Both<'a>(pub &'a mut dyn Listener, pub &'a mut dyn Listener);

impl Listener for Both<'_> {
    fn event(&mut self, event: &Event) {
        self.0.event(event);
        self.1.event(event);
    }
}
