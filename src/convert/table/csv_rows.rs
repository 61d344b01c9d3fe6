//! Rows of a CSV, read as they come.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use csv::{ReaderBuilder, StringRecord, Trim};

use super::super::batches::Batches;
use super::super::output::Output;
use super::{BATCH, Row, Table, number, numbers};
use crate::competition::Pixels;
use crate::fs;
use crate::term;

/// The longest row, in bytes.
const LONGEST_ROW: u64 = 64 << 20;
const BUFFER: usize = 1 << 18;
/// Characters of a header that an error shows.
const SHOWN: usize = 80;

/// Hands every row to `work`, and writes the table without its pixels.
pub(super) fn read(
    table: &Table,
    output: &Output,
    work: impl Fn(Row) -> Result<()> + Sync,
) -> Result<()> {
    let path = &table.source.path;
    let failed = || format!("failed to read `{}`", path.display());
    let left = Rc::new(Cell::new(LONGEST_ROW));
    let bounded = Bounded { inner: fs::open(path)?, left: Rc::clone(&left) };
    let bounded = BufReader::with_capacity(BUFFER, bounded);
    let mut reader = ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(bounded);
    let header = reader.headers().with_context(failed)?.clone();
    let columns = Columns::of(table, &header)?;
    let mut rest = columns.rest(output, table)?;
    let mut batches = Batches::new(BATCH, work);
    let mut record = StringRecord::new();
    let mut count = 0_usize;
    let mut lines = 1;
    loop {
        left.set(LONGEST_ROW);
        // The reader counts a line less after `\r\n`; rows of pixels have no line ends in them.
        if !reader.read_record(&mut record).with_context(failed)? {
            break;
        }
        (count, lines) = (count + 1, lines + 1);
        let place = format!("`{}`, line {lines}", path.display());
        if record.len() != header.len() {
            bail!(
                "{place}: {} fields, but the header has {}\nhint: a table cut short needs downloading \
                 again",
                record.len(),
                header.len()
            );
        }
        let id = columns.id.map_or_else(|| count.to_string(), |at| record[at].to_owned());
        if let Some(rest) = &mut rest {
            rest.write_record(columns.without_pixels(&id, &record))?;
        }
        let (record, columns) = (record.clone(), &columns);
        batches.push(Row { id, place, planes: Box::new(move || columns.planes(&record)) })?;
    }
    batches.finish()?;
    match rest {
        Some(rest) => rest
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)
            .with_context(failed)?
            .commit(),
        None => Ok(()),
    }
}

/// Where things are in a row.
struct Columns<'a> {
    id: Option<usize>,
    /// The name of the ids' column, where the table has none and the spec names one.
    added: Option<&'a str>,
    pixels: Vec<usize>,
    others: Vec<usize>,
    header: &'a StringRecord,
    /// Whether a column holds a whole plane.
    are_planes: bool,
}

impl<'a> Columns<'a> {
    fn of(table: &Table<'a>, header: &'a StringRecord) -> Result<Self> {
        let is_pixels = |at: &usize| table.pixels.is_pixels(&header[*at]);
        let (mut pixels, others): (Vec<usize>, Vec<usize>) = (0..header.len()).partition(is_pixels);
        let Pixels { columns, planes, .. } = table.pixels;
        // Planes go by the spec's order, pixels by the table's.
        if !planes.is_empty() {
            let at = |plane: &String| header.iter().position(|column| column == plane);
            pixels = planes.iter().filter_map(at).collect();
        }
        if pixels.is_empty() || pixels.len() < planes.len() {
            let wanted = columns.clone().unwrap_or_else(|| planes.join("`, `"));
            bail!(
                "`{}`, line 1: no column `{wanted}`\n  found `{}`\nhint: `files.pixels` in the spec says \
                 which columns are pixels",
                table.source.path.display(),
                term::short(&header.iter().collect::<Vec<_>>().join(","), SHOWN)
            );
        }
        let id = table.ids.iter().find_map(|id| header.iter().position(|column| column == *id));
        let id = id.filter(|at| others.contains(at));
        let added = if id.is_none() { table.ids.first().copied() } else { None };
        let are_planes = !planes.is_empty() || pixels.len() == 1;
        Ok(Self { id, added, pixels, others, header, are_planes })
    }

    /// A writer of the table without its pixels; none where nothing is left of it.
    fn rest(&self, output: &Output, table: &Table) -> Result<Option<csv::Writer<fs::AtomicFile>>> {
        let names = self.others.iter().map(|at| &self.header[*at]);
        let names: Vec<&str> = self.added.into_iter().chain(names).collect();
        if names.is_empty() {
            return Ok(None);
        }
        let mut writer = csv::Writer::from_writer(output.table(&table.source.place)?);
        writer.write_record(names)?;
        Ok(Some(writer))
    }

    fn without_pixels<'r>(&self, id: &'r str, record: &'r StringRecord) -> Vec<&'r str> {
        let others = self.others.iter().map(|at| &record[*at]);
        self.added.map(|_| id).into_iter().chain(others).collect()
    }

    fn planes(&self, record: &StringRecord) -> Result<Vec<Vec<f64>>> {
        if self.are_planes {
            return self.pixels.iter().map(|at| numbers(&record[*at])).collect();
        }
        let pixels: Result<Vec<f64>> = self.pixels.iter().map(|at| number(&record[*at])).collect();
        Ok(vec![pixels?])
    }
}

/// A reader that ends in an error where one row is too long: a file without line ends would fill the
/// memory.
struct Bounded<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.left.get() == 0 {
            let most = term::bytes(LONGEST_ROW);
            return Err(io::Error::other(format!("a row is longer than {most}: is it a table?")));
        }
        let n = self.inner.read(to)?;
        self.left.set(self.left.get().saturating_sub(n as u64));
        Ok(n)
    }
}
