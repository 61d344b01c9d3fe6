//! What is asked about an image, what a model says about it, and what is answered in the end.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::table::Table;

/// What an image is asked about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// One class an image: softmax, cross-entropy.
    #[default]
    SingleLabel,
    /// Any number of tags an image: a sigmoid each, binary cross-entropy.
    MultiLabel,
    /// One of several classes that have an order, predicted as a level: 0 for the first, `n - 1` for
    /// the last, and anything between.
    Ordinal,
    /// One number or several; the names of the numbers take the place of the classes.
    Number,
}

impl TargetKind {
    /// How many numbers a model says about an image.
    pub fn n_outputs(self, n_classes: usize) -> usize {
        match self {
            Self::Ordinal => 1,
            Self::SingleLabel | Self::MultiLabel | Self::Number => n_classes,
        }
    }

    /// Whether an image has exactly one class.
    pub fn has_one_class(self) -> bool {
        matches!(self, Self::SingleLabel | Self::Ordinal)
    }
}

/// What is true of a list of images.
#[derive(Clone, Debug, PartialEq)]
pub enum Truth {
    /// Class indices, sorted, a list an image.
    Classes(Vec<Vec<usize>>),
    /// `[images, numbers]`.
    Numbers(Table<f64>),
}

impl Truth {
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Numbers(numbers) => numbers.n_rows(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class indices of each image; of numbers there are none.
    pub fn classes(&self) -> &[Vec<usize>] {
        match self {
            Self::Classes(classes) => classes,
            Self::Numbers(_) => &[],
        }
    }

    /// Those images, in the order of `images`.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => {
                Self::Classes(images.iter().map(|&i| classes[i].clone()).collect())
            }
            Self::Numbers(numbers) => Self::Numbers(numbers.select(images)),
        }
    }
}

/// The vocabulary: class names in the order of a model's outputs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Classes {
    names: Vec<String>,
    positions: HashMap<String, usize>,
}

impl Classes {
    pub fn len(&self) -> usize {
        self.names.len()
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// One name more, at the end; gives its place.
    pub fn push(&mut self, name: &str) -> usize {
        let place = self.names.len();
        self.names.push(name.to_owned());
        self.positions.insert(name.to_owned(), place);
        place
    }

    /// The place of a name, if it is one of them.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.positions.get(name).copied()
    }

    /// The same for a name that a table gives, in which a whole number may have become a float: `0.0`
    /// is `0`, and `0` is `0.0`.
    pub fn meant_by(&self, name: &str) -> Option<usize> {
        self.position(name)
            .or_else(|| self.position(whole(name)?))
            .or_else(|| self.position(&format!("{name}.0")).filter(|_| is_whole(name)))
    }
}

impl From<Vec<String>> for Classes {
    fn from(names: Vec<String>) -> Self {
        let positions = names.iter().enumerate().map(|(i, name)| (name.clone(), i)).collect();
        Self { names, positions }
    }
}

impl From<Classes> for Vec<String> {
    fn from(classes: Classes) -> Self {
        classes.names
    }
}

/// `12` of `12.0`; none where it is no whole number written as a float.
fn whole(name: &str) -> Option<&str> {
    let (whole, zeros) = name.split_once('.')?;
    let are_zeros = !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0');
    (are_zeros && is_whole(whole)).then_some(whole)
}

fn is_whole(name: &str) -> bool {
    let digits = name.strip_prefix('-').unwrap_or(name);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a model says about a list of images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// One id a row.
    pub ids: Vec<String>,
    /// `[ids, outputs]`: probabilities in `[0, 1]`, a column a class; or the level; or the numbers in
    /// their own units.
    pub probabilities: Table,
    pub classes: Classes,
}

impl Predictions {
    /// The rows, one slice of `[classes]` an id.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.probabilities.rows()
    }

    /// Those about some images, in the order of `images`.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        Self {
            ids: images.iter().map(|&i| self.ids[i].clone()).collect(),
            probabilities: self.probabilities.select(images),
            classes: self.classes.clone(),
        }
    }
}

/// What is answered about every image in the end: what a submission holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// One id an image.
    pub ids: Vec<String>,
    /// What the indices and columns in `said` mean.
    pub classes: Classes,
    pub said: Said,
}

impl From<Predictions> for Answers {
    /// Probabilities as they are.
    fn from(Predictions { ids, probabilities, classes }: Predictions) -> Self {
        Self { ids, classes, said: Said::Probabilities(probabilities.wide()) }
    }
}

/// An answer an image.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// `[images, classes]`.
    Probabilities(Table<f64>),
    /// Class indices: one, the tags in their order, or the likeliest classes from the best on.
    Lists(Vec<Vec<usize>>),
    /// At most one class an image, and how sure it is.
    Scored(Vec<Option<(usize, f64)>>),
    /// `[images, numbers]`.
    Numbers(Table<f64>),
}

impl Answers {
    /// Those about some images, in the order of `images`.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        Self {
            ids: images.iter().map(|&i| self.ids[i].clone()).collect(),
            classes: self.classes.clone(),
            said: self.said.select(images),
        }
    }

    /// The answers about further images, of the same form.
    pub fn append(&mut self, more: &Self) {
        self.ids.extend_from_slice(&more.ids);
        match (&mut self.said, &more.said) {
            (Said::Probabilities(rows), Said::Probabilities(more))
            | (Said::Numbers(rows), Said::Numbers(more)) => {
                more.rows().for_each(|row| rows.push(row));
            }
            (Said::Lists(lists), Said::Lists(more)) => lists.extend_from_slice(more),
            (Said::Scored(scored), Said::Scored(more)) => scored.extend_from_slice(more),
            _ => panic!("answers of one form are joined"),
        }
    }
}

impl Said {
    /// The same about some images, in the order of `images`.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        match self {
            Self::Probabilities(rows) => Self::Probabilities(rows.select(images)),
            Self::Lists(lists) => Self::Lists(images.iter().map(|&i| lists[i].clone()).collect()),
            Self::Scored(scored) => Self::Scored(images.iter().map(|&i| scored[i]).collect()),
            Self::Numbers(rows) => Self::Numbers(rows.select(images)),
        }
    }

    /// How many numbers an answer is, about.
    pub fn width(&self) -> usize {
        match self {
            Self::Probabilities(rows) | Self::Numbers(rows) => rows.width().max(1),
            Self::Lists(_) | Self::Scored(_) => 1,
        }
    }
}

/// Lists of class indices (sorted, one list an image) as `[n, classes]` of zeros and ones.
pub fn n_hot<'a>(targets: impl IntoIterator<Item = &'a [usize]>, n_classes: usize) -> Table {
    marked(targets, n_classes, 0.0, 1.0)
}

/// The same as whether each image has each tag.
pub fn tagged<'a>(targets: impl IntoIterator<Item = &'a [usize]>, n_classes: usize) -> Table<bool> {
    marked(targets, n_classes, false, true)
}

fn marked<'a, T: Copy>(
    targets: impl IntoIterator<Item = &'a [usize]>,
    n_classes: usize,
    unset: T,
    set: T,
) -> Table<T> {
    let mut hot = Vec::new();
    for classes in targets {
        let start = hot.len();
        hot.resize(start + n_classes, unset);
        for &class in classes {
            hot[start + class] = set;
        }
    }
    Table::new(hot, n_classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_may_be_written_as_a_float() {
        let classes: Classes = ["0", "1", "2.0", "x.0"].map(str::to_owned).to_vec().into();
        for (name, place) in [
            ("0", Some(0)),
            ("1.0", Some(1)),
            ("1.00", Some(1)),
            ("2", Some(2)),
            ("2.0", Some(2)),
            ("x.0", Some(3)),
            ("x", None),
            ("1.5", None),
            ("01", None),
            (".0", None),
        ] {
            assert_eq!(classes.meant_by(name), place, "{name}");
        }
    }
}
