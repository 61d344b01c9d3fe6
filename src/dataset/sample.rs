//! An image of a data set, and where it is.

use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What tables call it: the file's name without its extension (with labels by folder,
    /// `<folder>/<stem>`).
    pub id: String,
    pub path: PathBuf,
    /// Class indices, sorted: exactly one for a single label, none for a test image.
    pub target: Vec<usize>,
}
