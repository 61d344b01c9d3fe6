//! Scores an upload as Kaggle does: a public and a private part, or an error for the whole file.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};

use crate::miniature::Miniature;
use crate::spool::Stored;
use crate::state::Verdict;
use kaggle_kit::submission::score_bytes;
use kaggle_kit::term;

/// What is drawn here is answered in a hundredth of it.
const MOST_SCORED: u64 = 64 << 20;
/// More of what is wrong is not said.
const LONGEST_DESCRIPTION: usize = 2_000;
/// One row in so many counts for the public score, the others for the private one.
const PUBLIC_ROW: usize = 3;

/// What Kaggle says to a file.
pub(crate) fn judge(csv: &Stored, miniature: &Miniature) -> Verdict {
    if csv.length() > MOST_SCORED {
        let description = format!("the file has {}", term::bytes(csv.length()));
        return Verdict::Error { description };
    }
    let read = csv.read().context("the file cannot be read");
    read.map_or_else(|error| turned_down(&error), |bytes| judge_bytes(&bytes, miniature))
}

/// The same for a file in memory.
pub(crate) fn judge_bytes(csv: &[u8], miniature: &Miniature) -> Verdict {
    match scores(csv, miniature) {
        Ok([public, private]) => {
            Verdict::Complete { public: format!("{public:.5}"), private: format!("{private:.5}") }
        }
        Err(error) => turned_down(&error),
    }
}

fn turned_down(error: &anyhow::Error) -> Verdict {
    let text = format!("{error:#}");
    Verdict::Error { description: text.chars().take(LONGEST_DESCRIPTION).collect() }
}

fn scores(csv: &[u8], miniature: &Miniature) -> Result<[f64; 2]> {
    let competition = &miniature.competition;
    let solution = miniature.solution_csv()?;
    ensure!(!csv.starts_with(b"PK"), "the submission is a zip: the stand-in takes plain CSV files");
    // The whole file must fit before any part is looked at.
    score_bytes(csv, solution.as_bytes(), competition)?;
    let part = |public: bool| -> Result<f64> {
        let ids: HashSet<&str> = miniature
            .solution
            .iter()
            .enumerate()
            .filter(|(row, _)| (row % PUBLIC_ROW == 0) == public)
            .map(|(_, (id, _))| id.as_str())
            .collect();
        let id = competition.submission.id_column();
        let (csv, truth) = (rows(csv, id, &ids)?, rows(solution.as_bytes(), id, &ids)?);
        Ok(score_bytes(&csv, &truth, competition)?.value)
    };
    Ok([part(true)?, part(false)?])
}

/// The header and the rows with these ids.
fn rows(csv: &[u8], id_column: &str, ids: &HashSet<&str>) -> Result<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(csv);
    let header = reader.headers()?.clone();
    let id = header.iter().position(|column| column == id_column).unwrap_or(0);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header)?;
    for record in reader.records() {
        let record = record?;
        if ids.contains(&record[id]) {
            writer.write_record(&record)?;
        }
    }
    writer.into_inner().context("failed to split a submission")
}
