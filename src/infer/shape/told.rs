//! What stands in the cells of labels and of the sample.

use std::collections::{BTreeMap, HashSet};

use super::super::columns::Columns;
use super::super::labels::{From, Labels};
use super::super::table::Table;
use super::super::text;
use super::EXAMPLES;

/// What may stand between tags.
const SEPARATORS: [&str; 4] = [" ", "|", ",", ";"];

/// What the labels of training images look like.
pub(in crate::infer) struct Told<'a> {
    /// Each label once, as it stands in its cell.
    pub(in crate::infer) cells: Vec<&'a str>,
    /// How many images have each.
    pub(in crate::infer) n_of: BTreeMap<&'a str, usize>,
    /// The tags, and what is between them, where cells hold several.
    pub(super) tags: Option<(HashSet<&'a str>, &'static str)>,
}

impl<'a> Told<'a> {
    pub(in crate::infer) fn of(labels: &'a Labels) -> Self {
        let mut n_of: BTreeMap<&str, usize> = BTreeMap::new();
        let names = match &labels.from {
            From::Table { table, columns: Columns::One { column, .. }, .. } => {
                for cell in table.cells(*column).filter(|cell| !cell.is_empty()) {
                    *n_of.entry(cell).or_default() += 1;
                }
                &[][..]
            }
            From::Table { .. } | From::Record { .. } => &[][..],
            From::Folder { names } | From::FileName { names, .. } | From::Pattern { names, .. } => {
                names
            }
        };
        n_of.extend(names.iter().map(|name| (name.as_str(), 2)));
        let cells: Vec<&str> = n_of.keys().copied().collect();
        let is_table = matches!(labels.from, From::Table { .. });
        let tags = if is_table { tags(&cells) } else { None };
        Self { cells, n_of, tags }
    }

    /// How many labels there are, or tags.
    pub(in crate::infer) fn n_different(&self) -> usize {
        self.tags.as_ref().map_or(self.cells.len(), |(tags, _)| tags.len())
    }

    /// Each label or tag once.
    pub(in crate::infer) fn words(&self) -> Vec<&'a str> {
        match &self.tags {
            Some((tags, _)) => tags.iter().copied().collect(),
            None => self.cells.clone(),
        }
    }

    /// What is between the tags of a cell, where it is no blank.
    pub(in crate::infer) fn separator(&self) -> Option<String> {
        let (_, separator) = self.tags.as_ref()?;
        (*separator != " ").then(|| (*separator).to_owned())
    }

    /// What is between the tags of the sample's cells, where it is no blank.
    pub(super) fn separator_of(&self, cells: &Cells) -> Option<String> {
        let (tags, _) = self.tags.as_ref()?;
        let is_it = |separator: &&&str| {
            let with = |cell: &&&str| cell.contains(**separator);
            let mut parts = cells.all.iter().filter(with).flat_map(|cell| cell.split(**separator));
            parts.any(|part| tags.contains(part.trim()))
        };
        let found = SEPARATORS.iter().find(is_it).copied();
        found.filter(|separator| *separator != " ").map(str::to_owned)
    }

    pub(super) fn is_known(&self, word: &str) -> bool {
        self.n_of.contains_key(word)
    }

    pub(super) fn are_numbers(&self) -> bool {
        !self.cells.is_empty() && self.cells.iter().all(|cell| text::number(cell).is_some())
    }

    pub(super) fn are_zeros_and_ones(&self) -> bool {
        self.cells.len() <= 2 && self.cells.iter().all(|cell| text::is_zero_or_one(cell))
    }
}

/// The words of cells and what is between them, where several words are less than the cells are: labels
/// with blanks in them have more words.
fn tags<'a>(cells: &[&'a str]) -> Option<(HashSet<&'a str>, &'static str)> {
    SEPARATORS.into_iter().find_map(|separator| {
        let words: HashSet<&str> = cells
            .iter()
            .flat_map(|cell| cell.split(separator))
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .collect();
        let n_several = cells.iter().filter(|cell| cell.trim().contains(separator)).count();
        (n_several > 0 && words.len() < cells.len()).then_some((words, separator))
    })
}

/// What stands in the sample's rows.
pub(super) struct Cells<'a> {
    pub(super) all: Vec<&'a str>,
    /// The most words in one.
    pub(super) k: usize,
    pub(super) has_fractions: bool,
    pub(super) are_numbers: bool,
}

impl<'a> Cells<'a> {
    pub(super) fn of(table: &'a Table, column: usize) -> Self {
        let all: Vec<&str> = table
            .spread(EXAMPLES)
            .map(|row| table.cell(row, column))
            .filter(|cell| !cell.is_empty())
            .collect();
        let k = all.iter().map(|cell| cell.split_whitespace().count()).max().unwrap_or(0);
        let has_fractions = all.iter().any(|cell| text::is_fraction(cell));
        let are_numbers = !all.is_empty() && all.iter().all(|cell| text::number(cell).is_some());
        Self { all, k, has_fractions, are_numbers }
    }
}
