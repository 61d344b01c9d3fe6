//! A run's tables: `split.csv`, `steps.csv`, `valid-predictions.csv`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use csv::{Reader, StringRecord};

use super::super::facts::{ClassCount, StepFacts};
use super::events::title;
use crate::fs;
use crate::run::{LABEL_SEPARATOR, Run, SPLIT, STEPS, VALID_PREDICTIONS};
use crate::table::Table;
use crate::target::Classes;

/// Which images were trained on and held out, with their labels.
#[derive(Default)]
pub(super) struct Split {
    rows: Vec<Line>,
}

struct Line {
    id: String,
    part: String,
    /// Class names; empty where the table has no column for them.
    labels: Vec<String>,
}

impl Split {
    pub(super) fn read(run: &Run) -> Result<Self> {
        let Some((mut reader, path)) = open(run, SPLIT)? else { return Ok(Self::default()) };
        let header = reader.headers().cloned()?;
        let labels = header.iter().position(|name| name == "labels");
        let row = |record: StringRecord| Line {
            id: record.get(0).unwrap_or_default().to_owned(),
            part: record.get(1).unwrap_or_default().to_owned(),
            labels: labels
                .and_then(|column| record.get(column))
                .map(|text| {
                    text.split(LABEL_SEPARATOR)
                        .filter(|l| !l.is_empty())
                        .map(str::to_owned)
                        .collect()
                })
                .unwrap_or_default(),
        };
        let rows: Result<_, csv::Error> = reader.records().map(|r| r.map(row)).collect();
        Ok(Self { rows: rows.with_context(|| format!("failed to read `{path}`"))? })
    }

    /// Class indices of each id; none where a label is unknown or the table has no labels.
    pub(super) fn truth(&self, ids: &[String], classes: &Classes) -> Option<Vec<Vec<usize>>> {
        if self.rows.iter().all(|row| row.labels.is_empty()) {
            return None;
        }
        let by_id: HashMap<&str, &Line> =
            self.rows.iter().map(|row| (row.id.as_str(), row)).collect();
        let truth = |id: &String| {
            let row = by_id.get(id.as_str())?;
            row.labels.iter().map(|label| classes.position(label)).collect::<Option<Vec<usize>>>()
        };
        ids.iter().map(truth).collect()
    }

    pub(super) fn counts(&self, classes: &Classes) -> Vec<ClassCount> {
        let rows = self.rows.iter().map(|row| (row.part.as_str(), row.labels.as_slice()));
        super::count_classes(rows, classes)
    }
}

/// Ids and probabilities `[ids, classes]` of `valid-predictions.csv`.
pub(super) fn predictions(run: &Run) -> Result<Option<(Vec<String>, Table)>> {
    let Some((mut reader, path)) = open(run, VALID_PREDICTIONS)? else { return Ok(None) };
    let n_classes = reader.headers()?.len().saturating_sub(1);
    let (mut ids, mut probabilities) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record.with_context(|| format!("failed to read `{path}`"))?;
        ids.push(record.get(0).unwrap_or_default().to_owned());
        for cell in record.iter().skip(1) {
            let p: f32 =
                cell.parse().with_context(|| format!("`{cell}` in `{path}` is no number"))?;
            probabilities.push(p);
        }
    }
    Ok(Some((ids, Table::new(probabilities, n_classes))))
}

/// Every training step; empty for a run without `steps.csv`.
pub(super) fn steps(run: &Run) -> Result<Vec<StepFacts>> {
    let Some((mut reader, _)) = open(run, STEPS)? else { return Ok(Vec::new()) };
    let header = reader.headers().cloned()?;
    let column = |name: &str| header.iter().position(|found| found == name);
    let columns = ["stage", "cycle", "epoch", "loss", "rate", "momentum"].map(column);
    let [stage, cycle, epoch, loss, rate, momentum] = columns;
    let mut steps = Vec::new();
    // The last line of a run that was killed may be cut short: it is passed over.
    for record in reader.records().filter_map(Result::ok) {
        let text = |column: Option<usize>| column.and_then(|i| record.get(i)).unwrap_or_default();
        let number = |column| text(column).parse().unwrap_or(f64::NAN);
        steps.push(StepFacts {
            stage: title(text(stage)),
            cycle: text(cycle).parse().unwrap_or(1),
            epoch: text(epoch).parse().unwrap_or(1),
            loss: number(loss),
            rate: number(rate),
            momentum: number(momentum),
        });
    }
    Ok(steps)
}

fn open(run: &Run, name: &str) -> Result<Option<(Reader<fs::File>, String)>> {
    let path = run.file(name);
    let open = |path: &Path| fs::File::open(path).map(Reader::from_reader);
    let told = path.display().to_string();
    Ok(if path.is_file() { Some((open(&path)?, told)) } else { None })
}
