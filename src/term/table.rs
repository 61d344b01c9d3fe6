//! Tables for people: columns padded to a common width, and fitted to the terminal they are read on.
//! What goes into a pipe or a file is as wide as it is.

use std::env;
use std::io;

use super::clean::cell;

/// Between two columns.
const GAP: usize = 2;
/// A column that was not asked to give is shortened to this at most.
const LEAST: usize = 8;
/// A terminal that says it is narrower says nothing.
const NARROWEST: usize = 20;
/// A column that goes on below is no narrower.
const LEAST_OF_LINES: usize = 12;
/// The first column says which row it is: it keeps so many letters where others are told to be left out.
const LEAST_OF_FIRST: usize = 24;
/// What stands for letters that are left out.
const CUT: &str = "..";

/// What a column gives where a table is wider than the terminal; columns are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Give {
    /// Letters, until it has so many.
    Shorten(usize, usize),
    /// Its place.
    Drop(usize),
    /// A line: its cells go on below.
    Wrap(usize),
}

/// A table, and the columns that it has no room for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fitted {
    pub(super) text: String,
    pub(super) left_out: Vec<String>,
}

/// Columns padded to a common width, two spaces apart; numbers (right-aligned) start with a space.
/// What is too wide for the terminal goes on below in the last column, and is shortened in the others, the
/// widest first.
pub fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    giving(header, rows, &[Give::Wrap(header.len().saturating_sub(1))])
}

/// The same, where columns give in this order first. Of those that are dropped nothing is said:
/// [`super::out_table`] does.
pub fn giving(header: &[&str], rows: &[Vec<String>], gives: &[Give]) -> String {
    fitted(header, rows, gives, width(), LeavesOut::Nothing).text
}

/// How many letters a line of stdout has: `COLUMNS`, or what the terminal says; no bound for a pipe.
pub(super) fn width() -> Option<usize> {
    // What tests expect must not hang on where they are started.
    if cfg!(test) {
        return None;
    }
    let told = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || terminal_size::terminal_size_of(io::stdout()).map(letters_of);
    told.or_else(asked).filter(|&width| width >= NARROWEST)
}

/// How many letters a line of stderr has, if it is a terminal.
pub(super) fn story_width() -> Option<usize> {
    if cfg!(test) {
        return None;
    }
    terminal_size::terminal_size_of(io::stderr())
        .map(letters_of)
        .filter(|&width| width >= NARROWEST)
}

fn letters_of((terminal_size::Width(width), _): Size) -> usize {
    width.into()
}

type Size = (terminal_size::Width, terminal_size::Height);

pub(super) fn fitted(
    header: &[&str],
    rows: &[Vec<String>],
    gives: &[Give],
    width: Option<usize>,
    leaves_out: LeavesOut,
) -> Fitted {
    let mut columns: Vec<Column> =
        header.iter().enumerate().map(|(at, name)| Column::new(name, at, rows)).collect();
    if let Some(width) = width {
        for give in gives {
            give.apply(&mut columns, width);
        }
        if leaves_out == LeavesOut::LastColumns {
            drop_last(&mut columns, width);
        }
        shorten_widest(&mut columns, width);
    }
    let left_out = columns.iter().filter(|column| column.is_dropped && !column.name.is_empty());
    let left_out = left_out.map(|column| column.name.trim().to_owned()).collect();
    columns.retain(|column| !column.is_dropped);
    let names: Vec<_> =
        columns.iter().map(|column| vec![cut_end(&column.name, column.width)]).collect();
    let mut lines = lines_of(&columns, &names);
    for row in 0..rows.len() {
        let cells: Vec<_> = columns.iter().map(|column| column.lines(row)).collect();
        lines.extend(lines_of(&columns, &cells));
    }
    Fitted { text: lines.join("\n"), left_out }
}

struct Column {
    name: String,
    cells: Vec<String>,
    width: usize,
    is_dropped: bool,
    wraps: bool,
}

impl Column {
    fn new(name: &str, at: usize, rows: &[Vec<String>]) -> Self {
        let cells: Vec<String> =
            rows.iter().map(|row| row.get(at).map(|text| cell(text)).unwrap_or_default()).collect();
        let longest = cells.iter().map(|cell| count(cell)).max().unwrap_or_default();
        let width = longest.max(count(name));
        Self { name: name.to_owned(), cells, width, is_dropped: false, wraps: false }
    }

    /// The lines of a row's cell.
    fn lines(&self, row: usize) -> Vec<String> {
        let text = &self.cells[row];
        if self.wraps { wrapped(text, self.width) } else { vec![cut(text, self.width)] }
    }
}

impl Give {
    fn apply(self, columns: &mut [Column], width: usize) {
        let too_much = total(columns).saturating_sub(width);
        if too_much == 0 {
            return;
        }
        let (Self::Shorten(at, _) | Self::Drop(at) | Self::Wrap(at)) = self;
        let Some(column) = columns.get_mut(at) else { return };
        match self {
            Self::Drop(_) => column.is_dropped = true,
            Self::Shorten(_, least) => {
                column.width = column.width.min(column.width.saturating_sub(too_much).max(least));
            }
            Self::Wrap(_) => {
                column.wraps = true;
                column.width =
                    column.width.saturating_sub(too_much).max(LEAST_OF_LINES.min(column.width));
            }
        }
    }
}

/// So many letters has a line.
fn total(columns: &[Column]) -> usize {
    let kept = || columns.iter().filter(|column| !column.is_dropped);
    kept().map(|column| column.width).sum::<usize>() + GAP * kept().count().saturating_sub(1)
}

/// What is left out beyond what a table was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeavesOut {
    Nothing,
    /// As many as it takes for the first one to be read; the reader is told.
    LastColumns,
}

/// Leaves out the last columns where the first would be too short to know the rows by.
fn drop_last(columns: &mut [Column], width: usize) {
    let least = |(at, column): (usize, &Column)| match at {
        0 => column.width.min(LEAST_OF_FIRST),
        _ if column.wraps => column.width,
        _ => column.width.min(LEAST),
    };
    loop {
        let kept = columns.iter().enumerate().filter(|(_, column)| !column.is_dropped);
        let n = kept.clone().count();
        let needed = kept.map(least).sum::<usize>() + GAP * n.saturating_sub(1);
        let last = columns.iter_mut().rfind(|column| !column.is_dropped && !column.wraps);
        match last {
            Some(last) if needed > width && n > 2 => last.is_dropped = true,
            _ => return,
        }
    }
}

fn shorten_widest(columns: &mut [Column], width: usize) {
    // The first column says which row it is, and gives last.
    let first = columns.first().filter(|first| !first.is_dropped);
    let first = first.map_or(0, |first| first.width + GAP);
    shorten(columns.get_mut(1..).unwrap_or_default(), width.saturating_sub(first));
    shorten(columns, width);
}

fn shorten(columns: &mut [Column], width: usize) {
    while total(columns) > width {
        let widest = columns
            .iter_mut()
            .filter(|column| !column.is_dropped && !column.wraps && column.width > LEAST)
            .max_by_key(|column| column.width);
        let Some(widest) = widest else { return };
        widest.width -= 1;
    }
}

/// The lines that a row's cells make together.
fn lines_of(columns: &[Column], cells: &[Vec<String>]) -> Vec<String> {
    let n_lines = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |i: usize| {
        let padded: Vec<String> = columns
            .iter()
            .zip(cells)
            .map(|(column, lines)| {
                let (text, width) = (lines.get(i).map_or("", String::as_str), column.width);
                format!("{text:width$}")
            })
            .collect();
        padded.join(&" ".repeat(GAP)).trim_end().to_owned()
    };
    (0..n_lines).map(line).collect()
}

/// The first letters of a text.
fn cut_end(text: &str, width: usize) -> String {
    if count(text) <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(CUT.len())).chain(CUT.chars()).collect()
}

/// A text in so many letters; of a path the end is kept.
fn cut(text: &str, width: usize) -> String {
    let n = count(text);
    if n <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(CUT.len());
    if text.contains('/') {
        return CUT.chars().chain(text.chars().skip(n - kept)).collect();
    }
    cut_end(text, width)
}

/// A text in lines of so many letters, broken at blanks; a word that is longer stays whole.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines
            .last_mut()
            .filter(|last| last.is_empty() || count(last) + 1 + count(word) <= width);
        match last {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn count(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        [
            ["20261124-101500-3fa9", "planet", " 0.93", "tf_efficientnet_lite0", "size=96 fold=1"],
            ["20261125-101500-77b0", "dogs-vs-cats", " 0.02", "resnet34", ""],
        ]
        .map(|row| row.map(str::to_owned).to_vec())
        .to_vec()
    }

    const HEADER: [&str; 5] = ["run", "competition", " score", "backbone", "not the default"];

    fn widest(text: &str) -> usize {
        text.lines().map(count).max().unwrap()
    }

    #[test]
    fn a_pipe_gets_all_of_it() {
        let Fitted { text, left_out } =
            fitted(&HEADER, &rows(), &[Give::Drop(4)], None, LeavesOut::LastColumns);
        assert_eq!(
            text,
            "run                   competition    score  backbone               not the default\n\
             20261124-101500-3fa9  planet         0.93   tf_efficientnet_lite0  size=96 fold=1\n\
             20261125-101500-77b0  dogs-vs-cats   0.02   resnet34"
        );
        assert!(left_out.is_empty());
    }

    #[test]
    fn columns_give_in_order_and_no_more_than_they_must() {
        let gives = [Give::Shorten(3, 12), Give::Drop(4), Give::Shorten(1, 6)];
        let fit = |width| fitted(&HEADER, &rows(), &gives, Some(width), LeavesOut::Nothing);
        let Fitted { text, left_out } = fit(80);
        assert_eq!((widest(&text), left_out.len()), (80, 0));
        assert!(text.contains("tf_efficientnet_l..  size=96"), "{text}");
        let Fitted { text, left_out } = fit(64);
        assert_eq!(left_out, ["not the default"]);
        assert!(text.contains("tf_efficie..") && widest(&text) <= 64, "{text}");
        // What no order was given for: the widest column.
        for width in [60, 50, 45] {
            assert!(widest(&fit(width).text) <= width, "{}", fit(width).text);
        }
        // Nothing is left of columns in less; no panic, and no endless work either.
        assert!(widest(&fit(20).text) > 20);
    }

    #[test]
    fn the_first_column_says_which_row_it_is_where_others_are_left_out() {
        let fit = |width| fitted(&HEADER, &rows(), &[], Some(width), LeavesOut::LastColumns);
        for width in [40, 50, 60, 80] {
            let Fitted { text, left_out } = fit(width);
            assert!(text.contains("20261124-101500-3fa9") && widest(&text) <= width, "{text}");
            assert_eq!(left_out.is_empty(), width > 50, "{width}: {left_out:?}");
        }
        assert_eq!(fit(40).left_out, ["backbone", "not the default"]);
    }

    #[test]
    fn what_wraps_goes_on_below_and_keeps_its_words() {
        let rows = vec![vec!["threads".to_owned(), "1 for the network, 2 for images".to_owned()]];
        let Fitted { text, .. } =
            fitted(&["", "found"], &rows, &[Give::Wrap(1)], Some(30), LeavesOut::Nothing);
        assert_eq!(text, "         found\nthreads  1 for the network, 2\n         for images");
        let path = "/a/very/long/path/of/which/nothing/may/go";
        let rows = vec![vec!["libtorch".to_owned(), format!("2.13, {path}")]];
        let Fitted { text, .. } =
            fitted(&["", "found"], &rows, &[Give::Wrap(1)], Some(30), LeavesOut::Nothing);
        assert!(text.contains(path), "{text}");
    }

    #[test]
    fn a_path_keeps_its_end_and_letters_are_counted_not_bytes() {
        assert_eq!(cut("data/planet/train.csv", 12), "../train.csv");
        assert_eq!(cut("größer als das", 8), "größer..");
        assert_eq!(cut("größer", 6), "größer");
    }
}
