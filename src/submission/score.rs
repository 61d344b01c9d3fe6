//! The competition's own score of a submission, given the true answers.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use csv::ReaderBuilder;

use super::check::{Rows, SubmissionFile, read};
use super::findings::{Against, Findings};
use super::header::shown;
use crate::competition::{Competition, SubmissionFormat};
use crate::explain;
use crate::lines::{self, Lines};
use crate::metric::{Metric, Scoring, accuracy};
use crate::table::Table;
use crate::target::{Classes, Said, Truth};

/// What a submission scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    pub metric: Metric,
    pub value: f64,
    pub n_rows: usize,
    /// The share of right answers, for single labels.
    pub accuracy: Option<f64>,
}

/// Scores a file against the solution's, which must cover exactly its ids; with what is worth a word.
/// `classes` are the competition's, where they are known: a tag that is none of them, and that the
/// solution does not have either, scores as a wrong one, and is told.
pub fn score(
    csv: &Path,
    solution: &Path,
    competition: &Competition,
    classes: Option<&Classes>,
) -> Result<(Score, Findings)> {
    let name = |path: &Path| format!("`{}`", path.display());
    let names = [name(csv), name(solution)];
    let (csv, solution) = (lines::read_table(csv)?, lines::read_table(solution)?);
    score_named(&csv, &solution, competition, classes, &names)
}

/// The same on files in memory; an error names them `the submission` and `the solution`.
pub fn score_bytes(csv: &[u8], solution: &[u8], competition: &Competition) -> Result<Score> {
    let names = ["the submission".to_owned(), "the solution".to_owned()];
    Ok(score_named(csv, solution, competition, None, &names)?.0)
}

fn score_named(
    csv: &[u8],
    solution: &[u8],
    competition: &Competition,
    classes: Option<&Classes>,
    [csv_name, solution_name]: &[String; 2],
) -> Result<(Score, Findings)> {
    let solution = explain::table_text(solution, solution_name)?;
    let solution = Solution::parse(solution, competition)
        .with_context(|| format!("failed to read {solution_name}"))?;
    let known = solution.known(competition, classes);
    let against = Against::Ids(&solution.ids, known.as_ref());
    let (submission, findings) = read(csv, &competition.submission, against);
    let notes = findings.ensure_fit(csv_name, solution_name)?;
    Ok((solution.score(&submission, competition, solution_name)?, notes))
}

/// The true answers: a label an id, with the line it is on.
struct Solution {
    ids: Vec<String>,
    labels: Vec<(u64, String)>,
    /// What stands between the tags of a label, besides blanks.
    separator: Option<String>,
}

impl Solution {
    fn parse(csv: &[u8], competition: &Competition) -> Result<Self> {
        let mut reader = ReaderBuilder::new().trim(csv::Trim::All).from_reader(csv);
        let header: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
        let [id, label] = columns(&header, competition)?;
        let separator = competition.target.labels.separator().map(str::to_owned);
        let mut solution = Self { ids: Vec::new(), labels: Vec::new(), separator };
        let mut counter = Lines::new(csv);
        let mut lines: HashMap<String, u64> = HashMap::new();
        for record in reader.records() {
            let record = record?;
            let line = counter.of(record.position());
            if let Some(first) = lines.insert(record[id].to_owned(), line) {
                bail!("line {line}: id `{}` is also on line {first}", shown(&record[id]));
            }
            if [id, label].iter().any(|&at| explain::goes_on(&record[at])) {
                bail!(
                    "line {line}: a value goes on on the next line\nhint: {}",
                    explain::LEFT_OPEN
                );
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
        let (classes, truth, said) = match &submission.rows {
            Rows::Probability(probabilities) => {
                let truth = self.yes_or_no(competition, name)?;
                let truth = truth.into_iter().map(|yes| vec![usize::from(yes)]).collect();
                let rows =
                    order.iter().flat_map(|&row| [1.0 - probabilities[row], probabilities[row]]);
                let classes = ["0", "1"].map(str::to_owned).to_vec().into();
                let said = Said::Probabilities(Table::new(rows.collect(), 2));
                (classes, Truth::Classes(truth), said)
            }
            Rows::PerClass { classes, probabilities } => {
                let truth = self.in_classes(classes, name)?;
                let n = classes.len();
                let rows = order.iter().map(|&row| &probabilities[row * n..][..n]);
                let said = Said::Probabilities(Table::from_rows(rows, n));
                let truth = truth.into_iter().map(|class| vec![class]).collect();
                (classes.clone(), Truth::Classes(truth), said)
            }
            Rows::Lists(lists) => {
                let lists = order.iter().map(|&row| lists[row].as_slice());
                let (classes, truth, said) = self.in_words(competition, lists);
                (classes, Truth::Classes(truth), Said::Lists(said))
            }
            Rows::Scored(_) | Rows::Numbers { .. } => {
                bail!("`{}` cannot be scored by `{}`", competition.name, competition.metric.name())
            }
        };
        let (kind, ids) = (competition.target.kind, &self.ids[..]);
        let rows = Scoring { kind, ids, classes: &classes, truth: &truth, said: &said };
        let value = competition.metric.score(&rows)?;
        let accuracy = match &said {
            Said::Probabilities(rows) if kind.has_one_class() => {
                let truth: Vec<usize> = truth.classes().iter().map(|truth| truth[0]).collect();
                Some(accuracy(rows, &truth))
            }
            _ => None,
        };
        Ok(Score { metric: competition.metric.clone(), value, n_rows: self.ids.len(), accuracy })
    }

    /// Words of both files as places in one vocabulary: of labels the whole text, of tags and rankings
    /// what stands between blanks.
    #[expect(clippy::type_complexity, reason = "it is taken apart at once")]
    fn in_words<'a>(
        &self,
        competition: &Competition,
        lists: impl Iterator<Item = &'a [String]>,
    ) -> (Classes, Vec<Vec<usize>>, Vec<Vec<usize>>) {
        let is_whole = competition.target.kind.has_one_class();
        let mut words = Words::default();
        let truth = self.labels.iter().map(|(_, label)| {
            let mut places: Vec<usize> = if is_whole {
                vec![words.place(label)]
            } else {
                self.tags(label).into_iter().map(|tag| words.place(tag)).collect()
            };
            places.sort_unstable();
            places.dedup();
            places
        });
        let truth: Vec<Vec<usize>> = truth.collect();
        let said = lists.map(|list| list.iter().map(|word| words.place(word)).collect()).collect();
        (words.0, truth, said)
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

    /// The classes that a submission may name: these, and those of the solution; or the columns that it
    /// must have, where anything tells.
    fn known(&self, competition: &Competition, classes: Option<&Classes>) -> Option<Classes> {
        let own: Classes = competition.target.classes.clone().into();
        let told = classes.or((!own.is_empty()).then_some(&own));
        match competition.submission {
            SubmissionFormat::TagList { .. } => {
                let told = told.into_iter().flat_map(|told| told.names().iter().cloned());
                let here = self.labels.iter().flat_map(|(_, label)| self.tags(label));
                let all: BTreeSet<String> = told.chain(here.map(str::to_owned)).collect();
                Some(all.into_iter().collect::<Vec<_>>().into())
            }
            SubmissionFormat::ProbabilityPerClass { .. } => told.cloned(),
            _ => None,
        }
    }

    /// The tags of a label, each once.
    fn tags<'a>(&self, label: &'a str) -> BTreeSet<&'a str> {
        match self.separator.as_deref().filter(|separator| label.contains(separator)) {
            Some(separator) => {
                label.split(separator).map(str::trim).filter(|tag| !tag.is_empty()).collect()
            }
            None => label.split_whitespace().collect(),
        }
    }
}

/// A vocabulary that grows with what is read.
#[derive(Default)]
struct Words(Classes);

impl Words {
    fn place(&mut self, word: &str) -> usize {
        self.0.meant_by(word).unwrap_or_else(|| self.0.push(word))
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
    names.extend(competition.submission.value_column());
    names.extend(competition.target.labels.label_column());
    let label = names.iter().find_map(|name| find(name)).with_context(|| {
        format!("its header is `{}`: which column holds the labels?{}", told(), advice())
    })?;
    let repeated = [id, label]
        .iter()
        .any(|&at| header.iter().filter(|column| **column == header[at]).count() > 1);
    ensure!(!repeated, "its header is `{}`, with a column twice", told());
    Ok([id, label])
}
