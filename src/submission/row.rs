//! One row of a submission: what its fields say, and what is wrong with them.

use csv::StringRecord;

use super::findings::{Against, Findings, Problem};
use super::header::shown;
use crate::competition::{Competition, SubmissionFormat};
use crate::explain;
use crate::metric::{Form, Serving};
use crate::target::{Classes, TargetKind};

/// Probabilities of a row may miss one by this much; six digits of 120 classes miss it by less.
const SUM_TOLERANCE: f64 = 1e-3;

/// So many hints of a file are told.
const MOST_HINTS: usize = 3;

/// What a row must be like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    format: &'a SubmissionFormat,
    kind: TargetKind,
    /// The classes that may be answered, where they are known.
    classes: Option<&'a Classes>,
    /// One that may be answered besides.
    unknown: Option<&'a str>,
    /// Whether the file is to be sent, and not only scored: something must be answered.
    is_sent: bool,
    /// Whether probabilities need only be numbers: nothing but their order counts.
    any_number: bool,
    /// What numbers may be.
    range: Option<[f64; 2]>,
    /// How many classes of a ranking count.
    k: usize,
}

impl<'a> Rules<'a> {
    pub(super) fn of(competition: &'a Competition, against: Against<'a>) -> Self {
        let target = &competition.target;
        let (classes, is_sent) = match against {
            Against::Sample(_, classes) => (classes, true),
            Against::Ids(_, classes) => (classes, false),
        };
        let any_number = competition.metric.family().serves == Serving::AsTheyAre;
        Self {
            format: &competition.submission,
            kind: target.kind,
            classes,
            unknown: target.unknown.as_deref(),
            is_sent,
            any_number,
            range: target.range.filter(|_| is_sent),
            k: competition.metric.n_answers(),
        }
    }

    /// Whether the probabilities of a row are shares of one.
    fn sums(&self) -> bool {
        self.kind == TargetKind::SingleLabel && !self.any_number
    }

    fn knows(&self, class: &str) -> bool {
        let is_class = |classes: &Classes| classes.meant_by(class).is_some();
        self.unknown == Some(class) || self.classes.is_none_or(is_class)
    }
}

/// One row being read.
pub(super) struct RowReader<'a> {
    pub(super) line: u64,
    pub(super) header: &'a [String],
    pub(super) findings: &'a mut Findings,
    pub(super) rules: &'a Rules<'a>,
}

impl RowReader<'_> {
    pub(super) fn probability(&mut self, column: usize, record: &StringRecord) -> f64 {
        let p = self.finite(column, record);
        if p.is_finite() && !self.rules.any_number && !(0.0..=1.0).contains(&p) {
            self.add(Problem::OutOfRange, column, &record[column]);
        }
        p
    }

    /// A number within the range of the target.
    pub(super) fn number(&mut self, column: usize, record: &StringRecord) -> f64 {
        let number = self.finite(column, record);
        if let Some([low, high]) = self.rules.range
            && number.is_finite()
            && !(low..=high).contains(&number)
        {
            let (field, name) = (shown(&record[column]), shown(&self.header[column]));
            self.findings.add(Problem::BeyondRange, self.line, || {
                format!("`{field}` in `{name}`, which is from {low} to {high}")
            });
        }
        number
    }

    fn finite(&mut self, column: usize, record: &StringRecord) -> f64 {
        let field = &record[column];
        let Ok(number) = field.trim().parse::<f64>() else {
            self.add(Problem::NotANumber, column, field);
            return f64::NAN;
        };
        if !number.is_finite() {
            self.add(Problem::NotFinite, column, field);
        }
        number
    }

    fn add(&mut self, problem: Problem, column: usize, field: &str) {
        let name = &self.header[column];
        self.findings
            .add(problem, self.line, || format!("`{}` in `{}`", shown(field), shown(name)));
    }

    pub(super) fn probabilities(
        &mut self,
        columns: &[usize],
        record: &StringRecord,
        into: &mut Vec<f64>,
    ) {
        let start = into.len();
        into.extend(columns.iter().map(|&column| self.probability(column, record)));
        if !self.rules.sums() {
            return;
        }
        let row = &into[start..];
        let sum: f64 = row.iter().sum();
        if row.iter().all(|&p| p == 0.0) {
            self.findings.add(Problem::NoProbability, self.line, String::new);
        } else if sum.is_finite() && (sum - 1.0).abs() > SUM_TOLERANCE {
            self.findings.add(Problem::RowSum, self.line, || format!("{sum:.6}"));
        }
    }

    /// The classes in a field: one, which may have blanks in it, or what stands between blanks.
    pub(super) fn list(&mut self, field: &str) -> Vec<String> {
        match self.rules.format {
            SubmissionFormat::Label { .. } => self.label(field),
            SubmissionFormat::TopK { .. } => self.ranking(field),
            _ => self.tags(field),
        }
    }

    fn label(&mut self, field: &str) -> Vec<String> {
        let label = field.trim();
        if label.is_empty() {
            self.findings.add(Problem::NoLabel, self.line, String::new);
            return Vec::new();
        }
        self.ensure_known(label, Problem::UnknownLabel);
        vec![label.to_owned()]
    }

    /// What is answered twice keeps both places: it counts once, and takes the place of another.
    fn ranking(&mut self, field: &str) -> Vec<String> {
        let labels: Vec<String> = field.split_whitespace().map(str::to_owned).collect();
        for (place, label) in labels.iter().enumerate() {
            if labels[..place].contains(label) {
                self.findings
                    .add(Problem::RepeatedLabel, self.line, || format!("`{}`", shown(label)));
            } else {
                self.ensure_known(label, Problem::UnknownLabel);
            }
        }
        let (n, k) = (labels.len(), self.rules.k);
        if n > k {
            self.findings.add(Problem::TooManyLabels, self.line, || format!("{n}, of which {k}"));
        }
        if n == 0 && self.rules.is_sent {
            self.findings.add(Problem::NoLabel, self.line, String::new);
        }
        labels
    }

    fn tags(&mut self, field: &str) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let said: Vec<&str> = match self.rules.format.separator() {
            Some(separator) => field.split(separator).map(str::trim).collect(),
            None => field.split_whitespace().collect(),
        };
        for tag in said.into_iter().filter(|tag| !tag.is_empty()) {
            if tags.iter().any(|earlier| earlier == tag) {
                self.findings.add(Problem::RepeatedTag, self.line, || format!("`{}`", shown(tag)));
                continue;
            }
            self.ensure_known(tag, Problem::UnknownTag);
            tags.push(tag.to_owned());
        }
        if tags.is_empty() {
            let problem = if self.rules.is_sent { Problem::NoTags } else { Problem::Untagged };
            self.findings.add(problem, self.line, String::new);
        }
        tags
    }

    /// A class and its confidence, or nothing.
    pub(super) fn scored(
        &mut self,
        columns: &[usize],
        record: &StringRecord,
    ) -> Option<(String, f64)> {
        let &column = columns.first()?;
        let field = record[column].trim();
        if field.is_empty() {
            return None;
        }
        let (label, confidence) = field.rsplit_once(char::is_whitespace).unwrap_or((field, ""));
        let Ok(confidence) = confidence.parse::<f64>() else {
            self.add(Problem::NoConfidence, column, field);
            return None;
        };
        if !confidence.is_finite() {
            self.add(Problem::NotFinite, column, field);
            return None;
        }
        let label = label.trim();
        self.ensure_known(label, Problem::UnknownLabel);
        Some((label.to_owned(), confidence))
    }

    /// Tells what is none of the classes: a fault of what is to be sent, worth a word of what is scored.
    fn ensure_known(&mut self, class: &str, problem: Problem) {
        if self.rules.knows(class) {
            return;
        }
        let problem = match problem {
            // A level that there is not has no distance to any other.
            _ if self.rules.is_sent || self.rules.kind == TargetKind::Ordinal => problem,
            Problem::UnknownTag => Problem::StrangeTag,
            _ => Problem::StrangeLabel,
        };
        self.findings.add(problem, self.line, || format!("`{}`", shown(class)));
        self.hint_at(class);
    }

    /// What was probably meant by a class that is none.
    fn hint_at(&mut self, class: &str) {
        let Some(classes) = self.rules.classes else { return };
        if self.findings.hints().len() >= MOST_HINTS {
            return;
        }
        let is_joined = |separator: &char| {
            class.contains(*separator)
                && class
                    .split(*separator)
                    .all(|part| part.is_empty() || classes.position(part).is_some())
        };
        let is_list = !matches!(self.rules.format, SubmissionFormat::Label { .. });
        if let Some(separator) = [',', ';', '|'].into_iter().find(is_joined).filter(|_| is_list) {
            let noun = if self.rules.format.form() == Form::Tags { "tags" } else { "labels" };
            self.findings.hint(|| format!("{noun} are separated by blanks, not by `{separator}`"));
        } else if let Some(near) =
            explain::nearest(class, classes.names().iter().map(String::as_str))
        {
            self.findings.hint(|| format!("`{}`: did you mean `{near}`?", shown(class)));
        }
    }
}
