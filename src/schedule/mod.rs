//! Learning rates as pure functions of where training stands: no state, nothing to restore.
//!
//! `curve.rs` has the curves, `cycle.rs` what a cycle can look like, `groups.rs` the rates of layer
//! groups. How many cycles there are, and when they end, is `learn`'s business.

mod curve;
mod cycle;
mod groups;

pub use curve::{cosine, exponential, two_cosines};
pub use cycle::Schedule;
pub use groups::{GROUPS, LayerRates, Rates, differential, layer_decay, rates_of};

/// The epochs of each cycle: `len`, `len * mult`, `len * mult^2`, ...
pub fn cycle_epochs(len: usize, mult: usize, cycles: usize) -> impl Iterator<Item = usize> {
    (0..cycles).scan(len, move |epochs, _| {
        let this = *epochs;
        *epochs = this.saturating_mul(mult);
        Some(this)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_restart_where_fastai_restarts() {
        // fit(lrs, 3, cycle_len=1, cycle_mult=2) is seven epochs (golden rule, A7).
        assert_eq!(cycle_epochs(1, 2, 3).collect::<Vec<_>>(), [1, 2, 4]);
        assert_eq!(cycle_epochs(2, 1, 3).collect::<Vec<_>>(), [2, 2, 2]);
    }
}
