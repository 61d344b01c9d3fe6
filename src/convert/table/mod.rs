//! Tables whose rows are images (`[files.pixels]`): each becomes a PNG, and what else the table has a
//! table of its own, row by row as it was.

mod csv_rows;
mod json_records;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::PoisonError;

use anyhow::{Context, Result, ensure};

use super::Source;
use super::output::{Output, file_name};
use super::picture;
use crate::competition::{Pixels, TableFormat, format_of};

/// Rows in memory at a time: half a megabyte of small digits, twelve of radar planes.
const BATCH: usize = 64;

/// A table and how its rows are images.
pub(super) struct Table<'a> {
    pub(super) source: &'a Source,
    pub(super) pixels: &'a Pixels,
    /// What a column of ids is called: the first of these that the table has, else its rows are
    /// counted from 1.
    pub(super) ids: Vec<&'a str>,
}

/// The planes of a row, not scaled yet.
struct Row<'a> {
    id: String,
    /// Where it is, as errors begin.
    place: String,
    planes: Box<dyn FnOnce() -> Result<Vec<Vec<f64>>> + Send + 'a>,
}

pub(super) fn convert(table: &Table, output: &Output) -> Result<()> {
    let largest = Mutex::new(f64::NEG_INFINITY);
    let work = |row: Row| -> Result<()> {
        let place = row.place.clone();
        let max = write(table, row, output).with_context(|| place)?;
        let mut largest = largest.lock().unwrap_or_else(PoisonError::into_inner);
        *largest = largest.max(max);
        Ok(())
    };
    match format_of(&table.source.place) {
        Some(TableFormat::Json) => json_records::read(table, output, work)?,
        _ => csv_rows::read(table, output, work)?,
    }
    let largest = largest.into_inner().unwrap_or_else(PoisonError::into_inner);
    ensure!(
        table.pixels.range.is_some() || largest > 1.0,
        "no pixel in `{}` is above {largest}\nhint: say in the spec which values become black and white: \
         `range = [0, 1]` in `[files.pixels]`",
        table.source.path.display()
    );
    Ok(())
}

/// Writes a row's picture; gives the largest of its values.
fn write(table: &Table, row: Row, output: &Output) -> Result<f64> {
    let path = output.claim(&table.source.place, &format!("{}.png", file_name(&row.id)?))?;
    let planes = (row.planes)()?;
    let picture = picture::of_values(&planes, table.pixels)?;
    output.write(&path, &picture.to_png()?)?;
    Ok(planes.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// Numbers that blanks separate.
fn numbers(text: &str) -> Result<Vec<f64>> {
    text.split_whitespace().map(number).collect()
}

fn number(text: &str) -> Result<f64> {
    text.parse().with_context(|| {
        format!("`{}` where a pixel's number is expected", crate::term::short(text, 40))
    })
}
