//! What can be wrong with a submission, counted, with the first few places of each kind.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use crate::dataset::SampleSubmission;
use crate::target::Classes;
use crate::term;

/// How many places of a kind are told.
const N_EXAMPLES: usize = 3;

/// What a submission is compared with.
#[derive(Clone, Copy, Debug)]
pub enum Against<'a> {
    /// The sample: header, ids and their order. Where the classes are known, tags must be among
    /// them; no row may be without one.
    Sample(&'a SampleSubmission, Option<&'a Classes>),
    /// The ids of a solution, in any order. Labels and tags may be any, and tags none: they score what
    /// they score, but those that are not among these classes are told. Columns of classes, and levels,
    /// must be these.
    Ids(&'a [String], Option<&'a Classes>),
}

/// A kind of thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Problem {
    /// No table at all: an archive, a spreadsheet's own format.
    NotText,
    /// Text in UTF-16.
    Encoding,
    /// A byte order mark before the first line.
    Mark,
    /// A row with bytes that are not UTF-8.
    NotUtf8,
    /// A row with a zero byte.
    Nul,
    /// The first line.
    Header,
    /// A column that the header should have.
    MissingColumn,
    /// A column that the header should not have.
    UnknownColumn,
    /// A column that the header has twice.
    RepeatedColumn,
    /// A row longer or shorter than the header.
    Columns,
    /// More or fewer rows than ids.
    RowCount,
    /// An id without a row.
    MissingId,
    /// A row whose id is not one of the test set's.
    UnknownId,
    /// A second row of an id.
    RepeatedId,
    /// A value that is no number.
    NotANumber,
    /// A value that is `NaN` or infinite.
    NotFinite,
    /// A probability below zero or above one.
    OutOfRange,
    /// A number that the target cannot be.
    BeyondRange,
    /// A row without a label.
    NoLabel,
    /// A label that is none of the competition's.
    UnknownLabel,
    /// A label given twice in a row.
    RepeatedLabel,
    /// More labels in a row than count.
    TooManyLabels,
    /// A label that is not followed by how sure it is.
    NoConfidence,
    /// A row without tags.
    NoTags,
    /// A tag that is none of the competition's.
    UnknownTag,
    /// A row without tags, in a file that is scored.
    Untagged,
    /// A tag that is none of the competition's, in a file that is scored.
    StrangeTag,
    /// A label that is none of the competition's, in a file that is scored.
    StrangeLabel,
    /// A tag given twice in a row.
    RepeatedTag,
    /// Probabilities of a row that are all zero.
    NoProbability,
    /// Probabilities of a row that do not sum to one.
    RowSum,
    /// Rows in another order than the sample's.
    Order,
}

/// Whether a file with the problem may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Kaggle refuses the file, or it certainly scores worse than meant.
    Error,
    /// Kaggle takes the file as it was meant.
    Note,
}

impl Problem {
    /// Whether it stops the file.
    pub fn severity(self) -> Severity {
        match self {
            Self::Mark
            | Self::Untagged
            | Self::StrangeTag
            | Self::StrangeLabel
            | Self::RepeatedTag
            | Self::RepeatedLabel
            | Self::TooManyLabels
            | Self::RowSum
            | Self::Order => Severity::Note,
            _ => Severity::Error,
        }
    }

    /// The problem in words, `n` times.
    fn describe(self, n: usize) -> String {
        let counted = |noun: &str, rest: &str| format!("{}{rest}", term::count(n, noun));
        match self {
            Self::NotText => "no CSV".to_owned(),
            Self::Encoding => "wrong encoding".to_owned(),
            Self::Mark => "a byte order mark at the start".to_owned(),
            Self::NotUtf8 => counted("row", " not in UTF-8"),
            Self::Nul => counted("row", " with zero bytes"),
            Self::Header => "wrong header".to_owned(),
            Self::MissingColumn => counted("missing column", ""),
            Self::UnknownColumn => counted("unknown column", ""),
            Self::RepeatedColumn => counted("repeated column", ""),
            Self::Columns => counted("row", " with another number of columns than the header"),
            Self::RowCount => "wrong number of rows".to_owned(),
            Self::MissingId => counted("missing id", ""),
            Self::UnknownId => counted("unknown id", ""),
            Self::RepeatedId => counted("repeated id", ""),
            Self::NotANumber => counted("value", " not a number"),
            Self::NotFinite => counted("value", " not finite"),
            Self::OutOfRange => counted("value", " outside [0, 1]"),
            Self::BeyondRange => counted("number", " outside the range"),
            Self::NoLabel => counted("row", " without a label"),
            Self::UnknownLabel => counted("unknown label", ""),
            Self::RepeatedLabel => counted("repeated label", " (it takes a place and counts once)"),
            Self::TooManyLabels => counted("row", " with more labels than count"),
            Self::NoConfidence => counted("label", " without a confidence behind it"),
            Self::NoTags => counted("row", " without a tag"),
            Self::UnknownTag => counted("unknown tag", ""),
            Self::Untagged => counted("row", " without a tag, which `submit --csv` would refuse"),
            Self::StrangeTag => counted("unknown tag", ", each scored as a wrong one"),
            Self::StrangeLabel => counted("unknown label", ", each scored as a wrong one"),
            Self::RepeatedTag => counted("repeated tag", ""),
            Self::NoProbability => counted("row", " of zeros only"),
            Self::RowSum => counted("row", " not summing to one (Kaggle scales them)"),
            Self::Order => counted("row", " in another order than the sample's"),
        }
    }
}

/// Where something is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    /// The line of the file, counted from one; none for what is absent.
    pub line: Option<u64>,
    /// What was found there, and what was expected.
    pub text: String,
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match (self.line, self.text.as_str()) {
            (Some(line), "") => write!(f, "line {line}"),
            (Some(line), text) => write!(f, "line {line}: {text}"),
            (None, text) => f.write_str(text),
        }
    }
}

/// All places of one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub problem: Problem,
    pub count: usize,
    pub examples: Vec<Example>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.problem.describe(self.count))?;
        let described = self.examples.iter().filter(|e| e.line.is_some() || !e.text.is_empty());
        for (i, example) in described.enumerate() {
            write!(f, "{} {example}", if i == 0 { ":" } else { ";" })?;
        }
        match self.count - self.examples.len() {
            0 => Ok(()),
            more => write!(f, "; and {} more", term::thousands(more)),
        }
    }
}

/// Everything found in one file, a [`Finding`] a kind, in the order met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    found: Vec<Finding>,
    hints: Vec<String>,
}

impl Findings {
    /// Notes one more place of `problem`.
    pub(super) fn add(
        &mut self,
        problem: Problem,
        line: impl Into<Option<u64>>,
        text: impl FnOnce() -> String,
    ) {
        let place = self.found.iter().position(|finding| finding.problem == problem);
        let place = place.unwrap_or_else(|| {
            self.found.push(Finding { problem, count: 0, examples: Vec::new() });
            self.found.len() - 1
        });
        let finding = &mut self.found[place];
        finding.count += 1;
        if finding.examples.len() < N_EXAMPLES {
            finding.examples.push(Example { line: line.into(), text: text() });
        }
    }

    /// Adds what to do about it, once.
    pub(super) fn hint(&mut self, text: impl FnOnce() -> String) {
        let text = text();
        if !self.hints.contains(&text) {
            self.hints.push(text);
        }
    }

    /// What to do about them, as far as it can be guessed.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.found.iter()
    }

    /// What is known of one problem, if it was met.
    pub fn of(&self, problem: Problem) -> Option<&Finding> {
        self.found.iter().find(|finding| finding.problem == problem)
    }

    /// Those that stop the file.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.found.iter().filter(|finding| finding.problem.severity() == Severity::Error)
    }

    /// Those worth a word only.
    pub fn notes(&self) -> impl Iterator<Item = &Finding> {
        self.found.iter().filter(|finding| finding.problem.severity() == Severity::Note)
    }

    /// All of them for a program.
    pub fn to_json(&self) -> Value {
        let found = self.found.iter().map(|finding| {
            json!({
                "problem": finding.problem,
                "severity": finding.problem.severity(),
                "count": finding.count,
                "examples": finding.examples,
                "told": finding.to_string(),
            })
        });
        found.collect()
    }

    /// An error that tells all findings of `file`, compared with `pattern`, unless they are notes
    /// only.
    pub fn ensure_fit(self, file: &str, pattern: &str) -> Result<Self, Misfit> {
        if self.errors().next().is_none() {
            return Ok(self);
        }
        Err(Misfit { file: file.to_owned(), pattern: pattern.to_owned(), findings: self })
    }
}

/// A file that must not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Misfit {
    /// The file, as errors name it.
    pub file: String,
    /// What it was compared with, likewise.
    pub pattern: String,
    /// All that is wrong with it.
    pub findings: Findings,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} does not fit {}", self.file, self.pattern)?;
        self.findings.errors().try_for_each(|finding| write!(f, "\n  - {finding}"))?;
        self.findings.hints().iter().try_for_each(|hint| write!(f, "\nhint: {hint}"))
    }
}
