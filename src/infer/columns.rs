//! Which columns of a table are the label.

use std::collections::HashSet;

use super::sample::Sample;
use super::table::Table;
use super::text;

/// The columns of labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// One, and whether that is known.
    One { column: usize, is_sure: bool },
    /// All that the sample asks for.
    All(Vec<usize>),
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
    if names.len() > 1
        && let Some(column) =
            others.iter().copied().find(|&column| are_among(table, column, &names))
    {
        return one(column, true);
    }
    if let [only] = others.as_slice() {
        return one(*only, true);
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
