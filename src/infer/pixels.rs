//! Pictures that are rows of a table: numbered columns, or lists of numbers.

use super::data::{self, Data};
use super::table::{Plane, Table};
use super::text;

/// Pictures in two tables.
#[derive(Clone, Debug)]
pub(super) struct Pixels<'a> {
    /// `pixel*`, or the one column that holds them all as a text; empty where they are lists.
    pub(super) columns: String,
    /// Columns that hold a list of numbers.
    pub(super) planes: Vec<Plane>,
    /// Pixels of a picture in a plane.
    pub(super) n: usize,
    pub(super) train: &'a Table,
    pub(super) test: &'a Table,
}

/// Fewer columns are features, not a picture.
const FEWEST: usize = 16;
/// The same of a text.
const FEWEST_IN_A_TEXT: usize = 64;

impl Pixels<'_> {
    /// Rows and columns, and colours where there are some: a square.
    pub(super) fn shape(&self) -> Option<Vec<usize>> {
        let side = |n: usize| (1..=n).find(|side| side * side >= n).filter(|side| side * side == n);
        if let Some(side) = side(self.n) {
            return Some(vec![side, side]);
        }
        let side = side(self.n / 3).filter(|_| self.n.is_multiple_of(3))?;
        Some(vec![side, side, 3])
    }

    /// From where to where the numbers go, unless they are bytes.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        let least = self.planes.iter().map(|plane| plane.least).fold(f64::INFINITY, f64::min);
        let most = self.planes.iter().map(|plane| plane.most).fold(f64::NEG_INFINITY, f64::max);
        let are_bytes = least >= 0.0 && most > 1.0 && most <= 255.0;
        (!self.planes.is_empty() && !are_bytes).then(|| (least.floor(), most.ceil()))
    }

    /// Whether a column of a table is a part of a picture.
    pub(super) fn is_pixel(&self, name: &str) -> bool {
        let start = self.columns.trim_end_matches('*');
        name == self.columns
            || (self.columns.ends_with('*')
                && numbered(name).is_some_and(|(found, _)| found == start))
    }
}

/// A table, and where its pixels are: their columns, or planes, and how many there are.
type Found<'t> = (&'t Table, (String, Vec<Plane>, usize));

/// The tables of pixels that belong to a sample.
pub(super) fn find<'a>(data: &'a Data, sample: &Table) -> Option<Pixels<'a>> {
    let of = |table: &Table| -> Option<(String, Vec<Plane>, usize)> {
        if !table.planes.is_empty() {
            return Some((String::new(), table.planes.clone(), table.planes[0].n));
        }
        if let Some((start, n)) = longest_row(&table.header) {
            return Some((format!("{start}*"), Vec::new(), n));
        }
        let (column, n) = texts(table)?;
        Some((column, Vec::new(), n))
    };
    let tables: Vec<Found> = data
        .tables
        .iter()
        .filter(|table| table.path != sample.path)
        .filter_map(|table| Some((table, of(table)?)))
        .collect();
    let name = |table: &Table| data::base(&table.path).to_owned();
    let (test, found) = tables
        .iter()
        .find(|(table, _)| text::is_test(&name(table)))
        .or_else(|| tables.iter().min_by_key(|(table, _)| table.header.len()))?;
    let others = tables.iter().filter(|(table, of)| table.path != test.path && of.2 == found.2);
    let (train, _) = others.max_by_key(|(table, _)| text::is_train(&name(table)))?;
    let (columns, planes, n) = found.clone();
    Some(Pixels { columns, planes, n, train, test })
}

/// The column that holds all pixels of a picture, with blanks between, and how many these are.
fn texts(table: &Table) -> Option<(String, usize)> {
    let count = |cell: &str| {
        let words = cell.split(' ').map(text::number);
        words.collect::<Option<Vec<f64>>>().map_or(0, |numbers| numbers.len())
    };
    let column =
        (0..table.header.len()).find(|&column| count(table.cell(0, column)) >= FEWEST_IN_A_TEXT)?;
    let n = count(table.cell(0, column));
    let is_same = |row: usize| count(table.cell(row, column)) == n;
    table.spread(10).all(is_same).then(|| (table.header[column].clone(), n))
}

/// The beginning that the most numbered columns have, and how many these are.
fn longest_row(header: &[String]) -> Option<(String, usize)> {
    let starts = || header.iter().filter_map(|name| Some(numbered(name)?.0));
    let first = starts().next_back()?;
    let n = starts().filter(|start| *start == first).count();
    // `margin1` to `margin64` are features beside `shape1` to `shape64`.
    let is_only = n * 10 >= header.len() * 9;
    (n >= FEWEST && is_only).then(|| (first.to_owned(), n))
}

/// `pixel` and 12 for `pixel12`.
fn numbered(name: &str) -> Option<(&str, usize)> {
    let start = name.trim_end_matches(|sign: char| sign.is_ascii_digit());
    Some((start, name[start.len()..].parse().ok()?))
}
