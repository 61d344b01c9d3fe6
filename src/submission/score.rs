//! The competition's own score of a submission, given the true answers.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::check::{Rows, SubmissionFile, read};
use super::findings::{Against, Findings};
use super::header::shown;
use super::long;
use super::solution::{Solution, Words};
use crate::competition::{Competition, SubmissionFormat};
use crate::explain;
use crate::lines;
use crate::metric::{Form, Metric, Scoring, accuracy};
use crate::table::Table;
use crate::target::{Classes, Said, TargetKind, Truth};

/// What a submission scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    pub metric: Metric,
    pub value: f64,
    /// How many answers were scored: rows, or images where a row is an image and a class.
    pub n_rows: usize,
    /// The share of right answers, for single labels.
    pub accuracy: Option<f64>,
}

/// Scores a file against the solution's, which must cover exactly its ids; with what is worth a word.
/// `classes` are the competition's, where they are known: a label or tag that is none of them, and that
/// the solution does not have either, scores as a wrong one, and is told.
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
    let solution = Solution::parse(solution, competition, solution_name)
        .with_context(|| format!("failed to read {solution_name}"))?;
    let known = known(&solution, competition, classes)?;
    let (submission, findings) =
        read(csv, competition, Against::Ids(&solution.ids, known.as_ref()));
    let notes = findings.ensure_fit(csv_name, solution_name)?;
    Ok((pairs(&solution, &submission, competition)?.score(competition)?, notes))
}

/// The classes that a submission may name: these, and those of the solution; or the columns and levels
/// that it must have, where anything tells.
fn known(
    solution: &Solution,
    competition: &Competition,
    classes: Option<&Classes>,
) -> Result<Option<Classes>> {
    let own: Classes = competition.target.classes.clone().into();
    let told = classes.or((!own.is_empty()).then_some(&own));
    match competition.submission.form() {
        Form::Probabilities | Form::Numbers => Ok(told.cloned()),
        _ if competition.target.kind == TargetKind::Ordinal => Ok(told.cloned()),
        // Of many labels a solution may have few.
        form if form != Form::Tags && told.is_none() => Ok(None),
        _ => {
            let mut words = Words::of(competition);
            for class in told.into_iter().flat_map(Classes::names) {
                words.label(class);
            }
            words_of(solution, &mut words, competition)?;
            Ok(Some(words.classes))
        }
    }
}

/// Answers beside what is true, in one vocabulary.
struct Pairs {
    ids: Vec<String>,
    classes: Classes,
    truth: Truth,
    said: Said,
}

impl Pairs {
    fn score(&self, competition: &Competition) -> Result<Score> {
        let Self { ids, classes, truth, said } = self;
        let kind = competition.target.kind;
        let metric = competition.metric.clone();
        let value = metric.score(&Scoring { kind, ids, classes, truth, said })?;
        ensure!(
            value.is_finite(),
            "`{}` has no value here: what it counts occurs nowhere in the solution",
            metric.name()
        );
        let accuracy = match said {
            Said::Probabilities(rows) if kind == TargetKind::SingleLabel => {
                let truth: Vec<usize> = truth.classes().iter().map(|truth| truth[0]).collect();
                Some(accuracy(rows, &truth))
            }
            _ => None,
        };
        Ok(Score { metric, value, n_rows: ids.len(), accuracy })
    }
}

/// Puts a submission that has exactly the solution's ids beside it, in the solution's order.
fn pairs(
    solution: &Solution,
    submission: &SubmissionFile,
    competition: &Competition,
) -> Result<Pairs> {
    let places: HashMap<&str, usize> =
        submission.ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let order: Vec<usize> = solution.ids.iter().map(|id| places[id.as_str()]).collect();
    let ids = solution.ids.clone();
    let (classes, truth, said) = match &submission.rows {
        Rows::Probability(p) => {
            let p = order.iter().map(|&row| p[row]);
            return match &competition.submission {
                SubmissionFormat::Long { .. } => {
                    long_pairs(solution, &p.collect::<Vec<_>>(), competition)
                }
                _ => one_probability(solution, p, competition),
            };
        }
        Rows::PerClass { classes, probabilities } => {
            let said = reordered(probabilities, classes.len(), &order);
            (classes.clone(), per_class(solution, classes, competition)?, Said::Probabilities(said))
        }
        Rows::Numbers { columns, numbers } => {
            let Some(at) = solution.columns(columns.names()) else {
                bail!("the solution lacks a column of `{}`", shown(columns.names().join(",")))
            };
            let said = reordered(numbers, columns.len(), &order);
            (columns.clone(), Truth::Numbers(solution.numbers(&at)?), Said::Numbers(said))
        }
        Rows::Lists(lists) => {
            let mut words = Words::of(competition);
            let truth = words_of(solution, &mut words, competition)?;
            let said = words.answers(order.iter().map(|&row| lists[row].as_slice()));
            (words.classes, truth, said)
        }
        Rows::Scored(scored) => {
            let mut words = Words::of(competition);
            let truth = words_of(solution, &mut words, competition)?;
            let said = words.scored(order.iter().map(|&row| &scored[row]));
            (words.classes, truth, said)
        }
    };
    Ok(Pairs { ids, classes, truth, said })
}

/// Rows of a table in another order.
fn reordered(cells: &[f64], width: usize, order: &[usize]) -> Table<f64> {
    Table::from_rows(order.iter().map(|&row| &cells[row * width..][..width]), width)
}

/// A probability of one of two classes: that of the other is what is left.
fn one_probability(
    solution: &Solution,
    p: impl Iterator<Item = f64>,
    competition: &Competition,
) -> Result<Pairs> {
    let SubmissionFormat::ProbabilityOf { class, .. } = &competition.submission else {
        bail!("`{}` does not ask for one probability", competition.name)
    };
    let classes: Classes = competition.target.classes.clone().into();
    let column = classes.position(class).context("`class` is none of `target.classes`")?;
    let truth = solution.yes_or_no(competition)?;
    let truth = truth.into_iter().map(|yes| vec![if yes { column } else { 1 - column }]).collect();
    let rows = p.flat_map(|p| if column == 1 { [1.0 - p, p] } else { [p, 1.0 - p] });
    let said = Said::Probabilities(Table::new(rows.collect(), 2));
    Ok(Pairs { ids: solution.ids.clone(), classes, truth: Truth::Classes(truth), said })
}

/// What is true where a column is a class: columns of zeros and ones, or one of labels.
fn per_class(solution: &Solution, classes: &Classes, competition: &Competition) -> Result<Truth> {
    let kind = competition.target.kind;
    if let Some(columns) = solution.columns(classes.names()) {
        return Ok(Truth::Classes(solution.marked(&columns, kind)?));
    }
    let target = &competition.target;
    let place = |line: u64, label: &str| {
        classes.meant_by(target.renamed(label)).with_context(|| {
            format!("{}: the submission has no column `{}`", solution.at(line), shown(label))
        })
    };
    let of_row = |(line, text): (u64, &str)| {
        if kind.has_one_class() {
            return Ok(vec![place(line, text)?]);
        }
        text.split_whitespace().map(|tag| place(line, tag)).collect()
    };
    let labels = solution.labels(competition)?;
    Ok(Truth::Classes(labels.into_iter().map(of_row).collect::<Result<_>>()?))
}

/// What is true where answers are names: the whole text of a label, or what stands between blanks of tags.
fn words_of(solution: &Solution, words: &mut Words, competition: &Competition) -> Result<Truth> {
    let may_be_empty = !matches!(competition.submission, SubmissionFormat::Label { .. });
    let mut truth = Vec::new();
    for (line, text) in solution.labels(competition)? {
        let places = if competition.target.kind.has_one_class() {
            words.label(text)
        } else {
            words.tags(text)
        };
        ensure!(may_be_empty || !places.is_empty(), "{}: no label", solution.at(line));
        truth.push(places);
    }
    Ok(Truth::Classes(truth))
}

/// A row an image and a class: the table of images and classes that they are.
fn long_pairs(solution: &Solution, p: &[f64], competition: &Competition) -> Result<Pairs> {
    let SubmissionFormat::Long { row, .. } = &competition.submission else {
        bail!("`{}` does not ask for a row an image and a class", competition.name)
    };
    let grid = long::grid(&solution.ids, row, &competition.target.classes)?;
    let is = solution.zeros_and_ones(competition)?;
    let width = grid.classes.len();
    let of_image = |rows: &[usize]| (0..width).filter(|&class| is[rows[class]]).collect::<Vec<_>>();
    let truth: Vec<Vec<usize>> = grid.rows.chunks_exact(width).map(of_image).collect();
    if competition.target.kind.has_one_class()
        && let Some(image) = truth.iter().position(|classes| classes.len() != 1)
    {
        bail!(
            "{} of the rows of `{}` are 1, expected one",
            truth[image].len(),
            shown(&grid.images[image])
        );
    }
    let said = Table::new(grid.rows.iter().map(|&row| p[row]).collect(), width);
    Ok(Pairs {
        ids: grid.images,
        classes: grid.classes,
        truth: Truth::Classes(truth),
        said: Said::Probabilities(said),
    })
}
