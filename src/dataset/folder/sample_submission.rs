//! The sample submission: the header, the ids and their order that an upload must have.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::missing;
use super::table::{Table, header_text};
use crate::competition::{Competition, SubmissionFormat};

/// What a submission has to look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleSubmission {
    /// The column names; the first is the id's.
    pub header: Vec<String>,
    /// The test images' ids, in order.
    pub ids: Vec<String>,
}

impl SampleSubmission {
    /// Reads the file; ids must be there, and differ.
    pub fn read(path: &Path) -> Result<Self> {
        let table = Table::read(path)?;
        ensure!(
            !table.rows.is_empty(),
            "`{}` has no rows\nhint: it should hold every test id; download it again",
            path.display()
        );
        let mut lines: HashMap<&str, u64> = HashMap::new();
        let mut ids = Vec::with_capacity(table.rows.len());
        for (line, row) in &table.rows {
            let id = row.get(0).unwrap_or_default();
            if id.is_empty() {
                bail!("{}: no id\nhint: download the file again", table.place(*line));
            }
            if let Some(first) = lines.insert(id, *line) {
                bail!(
                    "{}: id `{id}` is also on line {first}\nhint: keep one of the two rows, or \
                     download the file again",
                    table.place(*line)
                );
            }
            ids.push(id.to_owned());
        }
        drop(lines);
        Ok(Self { header: table.header, ids })
    }

    /// Finds the sample of a competition in its data folder, and checks its header.
    pub fn find(competition: &Competition, folder: &Path) -> Result<Self> {
        let name = &competition.files.sample;
        let path = missing::find_table(competition, folder, name)?;
        let sample = Self::read(&path)?;
        let expected = match &competition.submission {
            SubmissionFormat::ProbabilityOf { id, column, .. }
            | SubmissionFormat::TagList { id, column } => format!("{id},{column}"),
            SubmissionFormat::ProbabilityPerClass { id } => format!("{id},<class>,<class>,..."),
        };
        let fits = match &competition.submission {
            SubmissionFormat::ProbabilityPerClass { id } => {
                sample.header.len() > 2 && sample.header[0] == *id
            }
            _ => sample.header.join(",") == expected,
        };
        ensure!(
            fits,
            "`{}`, line 1: the header is not that of `{}`\n  expected `{expected}`\n  found    \
             `{}`\nhint: run `kaggle-kit fetch {}`, or change `submission` in the spec",
            path.display(),
            competition.name,
            header_text(&sample.header),
            competition.name
        );
        Ok(sample)
    }
}
