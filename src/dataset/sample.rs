//! An image of a data set, and where it is.

use std::path::PathBuf;

#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What tables call it: the file's name, with or without its extension, or whatever a template makes
    /// its path of (with labels by folder, `<folder>/<stem>`).
    pub id: String,
    pub path: PathBuf,
    /// Files of the further channels, in order, where each channel of an image is a file.
    pub planes: Vec<PathBuf>,
    /// Class indices, sorted: exactly one for a single label, none for a test image or numbers.
    pub target: Vec<usize>,
    /// The numbers that are asked for, in the order of their columns; none for classes.
    pub numbers: Vec<f64>,
}

impl Sample {
    /// An image of one file, with its classes.
    pub fn new(id: impl Into<String>, path: impl Into<PathBuf>, target: Vec<usize>) -> Self {
        let (id, path) = (id.into(), path.into());
        Self { id, path, planes: Vec::new(), target, numbers: Vec::new() }
    }
}
