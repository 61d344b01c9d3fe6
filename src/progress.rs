//! How long work says how far it is, without knowing who listens.

/// A listener to one piece of work. `report::Bar` draws it; `()` ignores it.
pub trait Progress: Sync {
    /// The work has this many units in all (bytes, images, batches).
    fn total(&self, _units: u64) {}
    /// So many more of them are done.
    fn advance(&self, _units: u64) {}
    /// A line for the person in the middle of the work: a wait, a retry, a new beginning.
    fn note(&self, _text: &str) {}
}

impl Progress for () {}
