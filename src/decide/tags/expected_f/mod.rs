//! The set of tags with the largest expected F-beta: the decision for a score that is a mean over
//! images, with no threshold at all.
//!
//! All that has to be known of an image is `p_is`: with which probability tag `i` is set and `s`
//! tags are set in all (Dembczynski et al. 2011, "An Exact Algorithm for F-Measure Maximization",
//! NIPS 24; Waegeman et al. 2014, "On the Bayes-optimality of F-measure maximizers", JMLR 15). It
//! comes from [probabilities and rules](p_is) among tags. The [best] set then takes a sort for every
//! size, the [best possible](best_possible) one, which keeps the rules, a small dynamic programme.
//!
//! Everything here is about one image; who has many calls it in parallel, with a [`Scratch`] for
//! every thread.

mod gfm;
mod joint;

#[cfg(test)]
use gfm::expected;
pub use gfm::{Worth, best, best_possible};
pub use joint::{Joint, p_is};

/// Memory for the calculations about an image, which the next one may use again.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    joint: joint::Room,
    gfm: gfm::Room,
}

#[cfg(test)]
mod tests;
