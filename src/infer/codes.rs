//! Numbers that the sample has for the labels' words, where a table says which is which.

use std::collections::HashSet;

use super::data::Data;
use super::guess::{Guess, Shape};
use super::labels::Labels;
use super::sample::Sample;
use super::shape::Told;
use super::table::Table;
use super::text;

/// Puts the numbers of a table in the place of those that were guessed by the order of names.
pub(super) fn find(guess: &mut Guess, data: &Data, sample: &Sample, labels: &Labels, told: &Told) {
    let is_number = |name: &String| text::number(name).is_some();
    if guess.submission.shape != Shape::Label
        || guess.rename.is_empty()
        || !guess.rename.iter().all(|(_, to)| is_number(to))
    {
        return;
    }
    let [column] = sample.values[..] else { return };
    let asked = sample.table.values(column);
    let own = labels.from.table().map(|(table, _)| table.path.as_str());
    let mut others = data.tables.iter().filter(|table| {
        table.is_whole && table.path != sample.table.path && Some(table.path.as_str()) != own
    });
    let found = others.find_map(|table| Some((table, codes(table, &asked, told)?)));
    let Some((table, (names, numbers))) = found else { return };
    let number_of = |name: &str| {
        let row = table.cells(names).position(|cell| cell == name)?;
        Some(table.cell(row, numbers).to_owned())
    };
    guess.rename =
        told.cells.iter().filter_map(|name| Some(((*name).to_owned(), number_of(name)?))).collect();
    guess.note("target.rename", true, format!("as `{}` has their numbers", table.path));
    guess.questions.retain(|question| question.flag != "positive");
}

/// The columns of names and of numbers: each label is among the names, what the sample says among the
/// numbers, and each is there once.
fn codes(table: &Table, asked: &HashSet<&str>, told: &Told) -> Option<(usize, usize)> {
    let columns: Vec<usize> = (0..table.header.len().min(8)).collect();
    let is_once = |column: usize| table.values(column).len() == table.rows.len();
    let names = columns.iter().copied().find(|&column| {
        let values = table.values(column);
        is_once(column) && told.cells.iter().all(|name| values.contains(name))
    })?;
    let numbers = columns.into_iter().find(|&column| {
        let values = table.values(column);
        column != names
            && is_once(column)
            && values.iter().all(|value| text::number(value).is_some())
            && asked.iter().all(|value| values.contains(value))
    })?;
    Some((names, numbers))
}
