//! The sample submission: the header, the ids and their order that an upload must have.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::missing::{self, SHOWN};
use super::table::{Table, header_text};
use crate::competition::{Competition, SubmissionFormat};
use crate::explain;
use crate::target::TargetKind;
use crate::term;

/// What a submission has to look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleSubmission {
    /// The column names.
    pub header: Vec<String>,
    /// Where among them that of the ids is: the first of most.
    pub id_at: usize,
    /// The test images' ids, in order.
    pub ids: Vec<String>,
}

/// A competition's sample, and what is worth knowing about the file.
pub(super) struct Read {
    pub(super) sample: SampleSubmission,
    pub(super) notes: Vec<String>,
}

impl SampleSubmission {
    /// The columns of answers, in their order.
    pub fn columns(&self) -> Vec<String> {
        let header = self.header.iter().enumerate();
        header.filter(|(at, _)| *at != self.id_at).map(|(_, name)| name.clone()).collect()
    }

    /// Reads the file, whose first column holds the ids; they must be there, and differ.
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_table(Table::read(path)?, 0, 0)
    }

    /// Finds the sample of a competition in its data folder, and checks its header.
    pub fn find(competition: &Competition, folder: &Path) -> Result<Self> {
        Ok(find(competition, folder)?.sample)
    }

    /// The columns but for the first few; the ids are in the one at `id_at`.
    fn from_table(table: Table, id_at: usize, skipped: usize) -> Result<Self> {
        ensure!(
            !table.rows.is_empty(),
            "`{}` has no rows\nhint: it should hold every test id; download it again",
            table.path.display()
        );
        let mut lines: HashMap<&str, u64> = HashMap::new();
        let mut ids = Vec::with_capacity(table.rows.len());
        for (line, row) in &table.rows {
            let id = row.get(id_at).unwrap_or_default();
            table.check_ends(*line, id)?;
            if id.is_empty() {
                bail!("{}: no id\nhint: download the file again", table.place(*line));
            }
            if let Some(first) = lines.insert(id, *line) {
                bail!(
                    "{}: id `{}` is also on line {first}\nhint: keep one of the two rows, or \
                     download the file again",
                    table.place(*line),
                    term::short(id, SHOWN)
                );
            }
            ids.push(id.to_owned());
        }
        drop(lines);
        let header = table.header.into_iter().skip(skipped).collect();
        Ok(Self { header, id_at: id_at - skipped, ids })
    }
}

/// Finds the sample of a competition in its data folder, and checks its header. A first column without
/// a name, as pandas writes its index, is passed over.
pub(super) fn find(competition: &Competition, folder: &Path) -> Result<Read> {
    let name = &competition.files.sample;
    let path = missing::find_table(competition, folder, name)?;
    let table = Table::read(&path)?;
    let id = competition.submission.id_column();
    let has_index = table.header.len() > 2
        && table.header[0].is_empty()
        && table.header[1..].iter().any(|column| column == id);
    let skipped = usize::from(has_index);
    check_header(competition, &table, &table.header[skipped..])?;
    let id_at = table.header.iter().position(|column| column == id).unwrap_or(skipped);
    let sample = SampleSubmission::from_table(table, id_at, skipped)?;
    let note = format!("the first column of {name} has no name and is passed over (pandas' index)");
    Ok(Read { sample, notes: has_index.then_some(note).into_iter().collect() })
}

fn check_header(competition: &Competition, table: &Table, header: &[String]) -> Result<()> {
    let id = competition.submission.id_column();
    let expected = match (&competition.submission, competition.submission.value_column()) {
        (_, Some(column)) => format!("{id},{column}"),
        (SubmissionFormat::Numbers { .. }, None) => format!("{id},<number>,..."),
        (_, None) => format!("{id},<class>,<class>,..."),
    };
    // One column is one tag; one class would be nothing to tell apart.
    let fewest = if competition.target.kind == TargetKind::MultiLabel { 1 } else { 2 };
    // In whichever order.
    let has = |name: &str| header.iter().any(|column| column == name);
    let fits = has(id)
        && match (&competition.submission, competition.submission.value_column()) {
            (_, Some(column)) => header.len() == 2 && has(column),
            (SubmissionFormat::Numbers { .. }, None) => header.len() > 1,
            (_, None) => header.len() > fewest,
        };
    if !fits {
        let hint = match explain::slip(&table.header) {
            Some(slip) => slip.in_table(),
            None => format!(
                "run `{}`, or change `submission` in the spec",
                competition.command("fetch")
            ),
        };
        bail!(
            "{}: the header is not that of `{}`\n  expected `{expected}`\n  found    `{}`\nhint: \
             {hint}",
            table.place(1),
            competition.name,
            header_text(&table.header)
        );
    }
    // Which of two columns an answer belongs into cannot be known.
    let mut seen = BTreeSet::new();
    for column in header {
        ensure!(
            !column.is_empty(),
            "{}: a column has no name: `{}`\nhint: download the file again",
            table.place(1),
            header_text(header)
        );
        ensure!(
            seen.insert(column),
            "{}: two columns are called `{}`\nhint: download the file again, or take one of them out",
            table.place(1),
            term::short(column, SHOWN)
        );
    }
    Ok(())
}
