//! Which columns of a table are the label.

mod other_names;

use std::collections::HashSet;

use super::sample::{Asks, Sample};
use super::table::Table;
use super::text;

/// The columns of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// One, and whether that is known.
    One { column: usize, is_sure: bool },
    /// All that the sample asks for, in its order; their names may differ from the sample's.
    All(Vec<usize>),
    /// A column a class, with 0 or 1, for a sample with a column of classes or a row for each.
    PerClass(Vec<usize>),
}

/// What columns of labels are usually called, the likeliest first.
const USUAL: [&str; 14] = [
    "label",
    "labels",
    "target",
    "class",
    "category_id",
    "category",
    "tags",
    "tag",
    "species",
    "breed",
    "class_id",
    "label_id",
    "classname",
    "y",
];

/// Finds the columns of labels among those that are not `left_out`.
pub(super) fn find(
    table: &Table,
    id: Option<usize>,
    sample: &Sample,
    wanted: Option<&str>,
    left_out: &dyn Fn(usize) -> bool,
) -> Option<Columns> {
    if let Some(column) = wanted.and_then(|wanted| table.column(wanted)) {
        return Some(Columns::One { column, is_sure: true });
    }
    let others: Vec<usize> =
        (0..table.header.len()).filter(|&column| Some(column) != id && !left_out(column)).collect();
    let names = sample.names();
    let same: Vec<usize> = names.iter().filter_map(|name| table.column(name)).collect();
    let one = |column: usize, is_sure: bool| Some(Columns::One { column, is_sure });
    match (same.as_slice(), names.as_slice()) {
        ([], _) => {}
        (same, names) if same.len() == names.len() && names.len() > 1 => {
            return Some(Columns::All(same.to_vec()));
        }
        ([only], [_]) => return one(*only, true),
        _ => {}
    }
    if names.len() > 1 {
        let among = others.iter().copied().find(|&column| are_among(table, column, &names));
        if let Some(column) = among {
            return one(column, true);
        }
        if let Some(columns) = other_names::find(table, &others, &names) {
            return Some(Columns::All(columns));
        }
    } else if let Some(columns) = per_class(table, &others, sample) {
        return Some(Columns::PerClass(columns));
    }
    if let [only] = others.as_slice() {
        return one(*only, true);
    }
    if names.len() > 1 {
        // Of several answers none is in it: as many labels may be what they are about.
        let of_as_many = |column: &&usize| table.values(**column).len() == names.len();
        let as_many = others.iter().rev().find(of_as_many).copied();
        return usual(table, &others)
            .or_else(|| as_many.map(|column| Columns::One { column, is_sure: false }));
    }
    // One number in all rows of a sample may stand in any column.
    let asked = words_of(sample);
    let is_telling = asked.len() > 1 || asked.iter().any(|word| text::number(word).is_none());
    let like_sample = || like(table, &others, &asked);
    let found = if is_telling {
        like_sample()
            .or_else(|| of_one_form(table, &others, &asked))
            .or_else(|| usual(table, &others))
    } else {
        usual(table, &others).or_else(like_sample)
    };
    found.or_else(|| others.last().map(|&column| Columns::One { column, is_sure: false }))
}

/// The columns of classes, each with 0 or 1, where the sample's one column holds their names, or a row of it
/// ends with one: `MEL,NV,BCC` for a sample that says `NV`.
fn per_class(table: &Table, others: &[usize], sample: &Sample) -> Option<Vec<usize>> {
    let asked: HashSet<&str> = match &sample.asks {
        Asks::Long { classes, .. } => classes.iter().map(String::as_str).collect(),
        _ => words_of(sample),
    };
    let is_hot = |column: &usize| {
        let mut cells = table.cells(*column).filter(|cell| !cell.is_empty()).peekable();
        cells.peek().is_some() && cells.all(text::is_zero_or_one)
    };
    let hot: Vec<usize> = others.iter().copied().filter(is_hot).collect();
    let is_column = |word: &&str| hot.iter().any(|&column| table.header[column] == **word);
    if asked.is_empty() || hot.len() < 2 || !asked.iter().all(is_column) {
        return None;
    }
    if matches!(sample.asks, Asks::Long { .. }) {
        let asked = hot.into_iter().filter(|&column| asked.contains(table.header[column].as_str()));
        return Some(asked.collect());
    }
    // Further columns of 0 and 1 may be something else: of the classes exactly one is 1, unless the sample
    // has several in a row.
    let has_several = sample
        .values
        .first()
        .is_some_and(|&column| sample.table.cells(column).any(|cell| cell.contains(' ')));
    (has_several || is_one_hot(table, &hot)).then_some(hot)
}

/// Whether exactly one of some columns is 1 in each row.
pub(super) fn is_one_hot(table: &Table, columns: &[usize]) -> bool {
    let n_ones = |row| columns.iter().filter(|&&at| table.cell(row, at).starts_with('1')).count();
    (0..table.rows.len()).all(|row| n_ones(row) == 1)
}

/// Whether a column's values, or the tags in them, are the names of the sample's columns.
fn are_among(table: &Table, column: usize, names: &[&str]) -> bool {
    let known: HashSet<&str> = names.iter().copied().collect();
    let values = table.values(column);
    let is_known = |value: &&&str| {
        known.contains(**value) || value.split([' ', '|', ',']).all(|tag| known.contains(tag))
    };
    let n = values.iter().filter(is_known).count();
    // There may be a word for none of them.
    n > 1 && n * 4 >= values.len() * 3
}

/// What the sample's rows say, word by word.
fn words_of<'a>(sample: &Sample<'a>) -> HashSet<&'a str> {
    let Some(&column) = sample.values.first() else { return HashSet::new() };
    let table: &'a Table = sample.table;
    let words = table.cells(column).take(1_000).flat_map(str::split_whitespace);
    words.filter(|word| !text::is_fraction(word)).collect()
}

/// The only column among whose values those of the sample are.
fn like(table: &Table, others: &[usize], asked: &HashSet<&str>) -> Option<Columns> {
    let share = |column: usize| {
        let values = table.values(column);
        let n = asked.iter().filter(|value| values.contains(*value)).count();
        n as f64 / asked.len().max(1) as f64
    };
    let fitting: Vec<usize> =
        others.iter().copied().filter(|&column| share(column) >= 0.5).collect();
    match fitting.as_slice() {
        [only] => Some(Columns::One { column: *only, is_sure: true }),
        _ => None,
    }
}

/// The only column whose values are built as the sample's words are, where none of these occurs: twelve
/// letters and digits, as `37c7aba965a5` has them.
fn of_one_form(table: &Table, others: &[usize], asked: &HashSet<&str>) -> Option<Columns> {
    /// Shorter words are alike by chance.
    const SHORTEST: usize = 6;
    let form = |word: &str| {
        let is_code = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let n_digits = word.bytes().filter(u8::is_ascii_digit).count();
        (is_code && word.len() >= SHORTEST && n_digits > 0)
            .then_some((word.len(), n_digits == word.len()))
    };
    let wanted: HashSet<_> = asked.iter().filter_map(|word| form(word)).collect();
    let [wanted] = wanted.iter().collect::<Vec<_>>()[..] else { return None };
    let n_asked = asked.iter().filter(|word| form(word) == Some(*wanted)).count();
    let is_like = |column: &usize| {
        let values = table.values(*column);
        let n = values.iter().filter(|value| form(value) == Some(*wanted)).count();
        n * 10 >= values.len() * 9 && n > 1
    };
    let fitting: Vec<usize> = others.iter().copied().filter(is_like).collect();
    match fitting.as_slice() {
        [only] if n_asked * 2 >= asked.len() => {
            Some(Columns::One { column: *only, is_sure: false })
        }
        _ => None,
    }
}

fn usual(table: &Table, others: &[usize]) -> Option<Columns> {
    let called = |wanted: &str| {
        others.iter().copied().find(|&column| table.header[column].eq_ignore_ascii_case(wanted))
    };
    let column = USUAL.iter().find_map(|wanted| called(wanted))?;
    Some(Columns::One { column, is_sure: true })
}
