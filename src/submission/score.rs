//! The competition's own score of a submission, given the true answers.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use csv::ReaderBuilder;

use super::check::{Rows, SubmissionFile, read};
use super::findings::Against;
use super::header::shown;
use crate::competition::{Competition, Labels, SubmissionFormat};
use crate::explain;
use crate::lines::{self, Lines};
use crate::metric::{Metric, accuracy, binary_log_loss, log_loss, sample_fbeta};
use crate::table::Table;
use crate::target::Classes;

/// What a submission scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    pub metric: Metric,
    pub value: f64,
    pub n_rows: usize,
    /// The share of right answers, for single labels.
    pub accuracy: Option<f64>,
}

/// Scores a file against the solution's, which must cover exactly its ids.
pub fn score(csv: &Path, solution: &Path, competition: &Competition) -> Result<Score> {
    let name = |path: &Path| format!("`{}`", path.display());
    let names = [name(csv), name(solution)];
    let (csv, solution) = (lines::read_table(csv)?, lines::read_table(solution)?);
    score_named(&csv, &solution, competition, &names)
}

/// The same on files in memory; an error names them `the submission` and `the solution`.
pub fn score_bytes(csv: &[u8], solution: &[u8], competition: &Competition) -> Result<Score> {
    let names = ["the submission".to_owned(), "the solution".to_owned()];
    score_named(csv, solution, competition, &names)
}

fn score_named(
    csv: &[u8],
    solution: &[u8],
    competition: &Competition,
    [csv_name, solution_name]: &[String; 2],
) -> Result<Score> {
    let solution = explain::table_text(solution, solution_name)?;
    let solution = Solution::parse(solution, competition)
        .with_context(|| format!("failed to read {solution_name}"))?;
    let (submission, findings) = read(csv, &competition.submission, Against::Ids(&solution.ids));
    findings.ensure_fit(csv_name, solution_name)?;
    solution.score(&submission, competition, solution_name)
}

/// The true answers: a label an id, with the line it is on.
struct Solution {
    ids: Vec<String>,
    labels: Vec<(u64, String)>,
}

impl Solution {
    fn parse(csv: &[u8], competition: &Competition) -> Result<Self> {
        let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(csv);
        let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let [id, label] = columns(&header, competition)?;
        let mut solution = Self { ids: Vec::new(), labels: Vec::new() };
        let mut counter = Lines::new(csv);
        let mut lines: HashMap<String, u64> = HashMap::new();
        for record in reader.records() {
            let record = record?;
            let line = counter.of(record.position());
            if let Some(first) = lines.insert(record[id].to_owned(), line) {
                bail!("line {line}: id `{}` is also on line {first}", shown(&record[id]));
            }
            solution.ids.push(record[id].to_owned());
            solution.labels.push((line, record[label].to_owned()));
        }
        ensure!(!solution.ids.is_empty(), "it has no rows");
        Ok(solution)
    }

    /// Scores a submission that has exactly the solution's ids; `name` is the solution's.
    fn score(
        &self,
        submission: &SubmissionFile,
        competition: &Competition,
        name: &str,
    ) -> Result<Score> {
        let positions: HashMap<&str, usize> =
            submission.ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
        let order: Vec<usize> = self.ids.iter().map(|id| positions[id.as_str()]).collect();
        let (value, accuracy) = match (competition.metric, &submission.rows) {
            (Metric::LogLoss, Rows::Probability(probabilities)) => {
                let truth = self.yes_or_no(competition, name)?;
                let p: Vec<f64> = order.iter().map(|&row| probabilities[row]).collect();
                let n_right = p.iter().zip(&truth).filter(|&(&p, &yes)| (p > 0.5) == yes).count();
                (binary_log_loss(&p, &truth), Some(n_right as f64 / truth.len() as f64))
            }
            (Metric::LogLoss, Rows::PerClass { classes, probabilities }) => {
                let truth: Vec<usize> = self.in_classes(classes, name)?;
                let n = classes.len();
                let rows = order.iter().map(|&row| &probabilities[row * n..][..n]);
                let rows = Table::from_rows(rows, n);
                (log_loss(&rows, &truth), Some(accuracy(&rows, &truth)))
            }
            (Metric::MeanFbeta { beta }, Rows::Tags(tags)) => {
                (self.mean_fbeta(beta, order.iter().map(|&row| tags[row].as_slice())), None)
            }
            (metric, _) => {
                bail!("`{}` cannot be scored by `{}`", competition.name, metric.name())
            }
        };
        Ok(Score { metric: competition.metric, value, n_rows: self.ids.len(), accuracy })
    }

    /// Labels as answers to "is it the class?": 1, 0, or a class's name.
    fn yes_or_no(&self, competition: &Competition, name: &str) -> Result<Vec<bool>> {
        let SubmissionFormat::ProbabilityOf { class, .. } = &competition.submission else {
            bail!("`{}` does not ask for one probability", competition.name)
        };
        let others = &competition.target.classes;
        let labels = self.labels.iter().map(|(line, label)| match label.parse::<f64>() {
            _ if label == class => Ok(true),
            _ if others.contains(label) => Ok(false),
            Ok(1.0) => Ok(true),
            Ok(0.0) => Ok(false),
            _ => {
                let label = shown(label);
                bail!("{name}, line {line}: `{label}` is not 0, 1 or a class's name")
            }
        });
        labels.collect()
    }

    fn in_classes(&self, classes: &Classes, name: &str) -> Result<Vec<usize>> {
        let labels = self.labels.iter().map(|(line, label)| {
            classes.meant_by(label).with_context(|| {
                let label = shown(label);
                format!("{name}, line {line}: the submission has no column `{label}`")
            })
        });
        labels.collect()
    }

    fn mean_fbeta<'a>(&self, beta: f64, predicted: impl Iterator<Item = &'a [String]>) -> f64 {
        let scores = self.labels.iter().zip(predicted).map(|((_, label), predicted)| {
            let mut truth: Vec<&str> = label.split_whitespace().collect();
            truth.sort_unstable();
            truth.dedup();
            let n_right = predicted.iter().filter(|tag| truth.contains(&tag.as_str())).count();
            sample_fbeta(n_right, truth.len(), predicted.len(), beta)
        });
        scores.sum::<f64>() / self.labels.len() as f64
    }
}

/// Where a solution has its ids and its labels. Further columns (Kaggle's `Usage`) are passed over
/// so long as the label's is known by name.
fn columns(header: &[String], competition: &Competition) -> Result<[usize; 2]> {
    let find = |name: &str| header.iter().position(|column| column == name);
    let told = || shown(header.join(","));
    let advice = || match explain::slip(header) {
        Some(slip) => format!("\nhint: {}", slip.in_table()),
        None => String::new(),
    };
    let id_name = competition.submission.id_column();
    let id = find(id_name).with_context(|| {
        format!("its header is `{}`, without the id column `{id_name}`{}", told(), advice())
    })?;
    if header.len() == 2 {
        return Ok([id, 1 - id]);
    }
    let mut names: Vec<&str> = Vec::new();
    if let SubmissionFormat::ProbabilityOf { column, .. }
    | SubmissionFormat::TagList { column, .. } = &competition.submission
    {
        names.push(column);
    }
    if let Labels::Csv { label: Some(label), .. } = &competition.target.labels {
        names.push(label);
    }
    let label = names.iter().find_map(|name| find(name)).with_context(|| {
        format!("its header is `{}`: which column holds the labels?{}", told(), advice())
    })?;
    let repeated = [id, label]
        .iter()
        .any(|&at| header.iter().filter(|column| **column == header[at]).count() > 1);
    ensure!(!repeated, "its header is `{}`, with a column twice", told());
    Ok([id, label])
}
