//! What is said of how answers are made: a line for each method, with the scores that speak for it.

use crate::decide::Decision;
use crate::decide::answers::{self, AnswerDecision};
use crate::decide::compare::Candidate;
use crate::decide::tags::calibrate::{Kind, Reliability};
use crate::decide::tags::{TagDecision, TagReliability, Tried};
use crate::metric::Metric;
use crate::term;

/// Says it; `on_test` are the methods' scores on the test images.
pub(super) fn print(decision: &Decision, metric: &Metric, on_test: Option<&[f64]>) {
    match decision {
        Decision::Calibration(_) => {}
        Decision::Tags(tags) => print_tags(tags, on_test),
        Decision::Answers(answers) => print_answers(answers, metric, on_test),
    }
}

fn print_answers(decision: &AnswerDecision, metric: &Metric, on_test: Option<&[f64]>) {
    // A way that is alone is told in one sentence.
    if decision.candidates.len() < 2 && on_test.is_none() {
        return;
    }
    let told = |what: &answers::Tried| (what.way.title().to_owned(), *what == decision.chosen);
    let lines: Vec<Line> = decision.candidates.iter().map(|c| Line::of(c, told)).collect();
    let gain = gain_over_first(&lines);
    let table = table(&lines, &metric.name(), &gain, decision.folds, on_test);
    table.lines().for_each(|line| term::say(format_args!("   {line}")));
}

fn print_tags(decision: &TagDecision, on_test: Option<&[f64]>) {
    let lines = decision.structure.lines();
    if lines.is_empty() {
        term::say("   no tag excludes or implies another");
    }
    for line in lines {
        term::say(format_args!("   {line}"));
    }
    if let Some((before, after)) = mean_reliability(decision) {
        term::say(format_args!(
            "   calibration ({}): error {:.4} -> {:.4}, Brier score {:.5} -> {:.5}",
            kind(decision.calibration),
            before.ece,
            after.ece,
            before.brier,
            after.brier
        ));
    }
    let told = |what: &Tried| (what.method.to_string(), *what == decision.chosen);
    let lines: Vec<Line> = decision.candidates.iter().map(|c| Line::of(c, told)).collect();
    let metric = format!("F{}", decision.beta);
    let gain = gain_over_first(&lines);
    let table = table(&lines, &metric, &gain, decision.folds, on_test);
    table.lines().for_each(|line| term::say(format_args!("   {line}")));
    if decision.folds > 0 {
        term::say(format_args!(
            "   choosing itself, every fold decided by what is chosen without it: {}",
            Metric::mean_fbeta(decision.beta).describe(decision.of_choice)
        ));
    }
}

/// A method, and what it scores.
struct Line {
    name: String,
    is_chosen: bool,
    in_sample: f64,
    nested: f64,
    gain: String,
}

impl Line {
    fn of<What>(candidate: &Candidate<What>, told: impl Fn(&What) -> (String, bool)) -> Self {
        let Candidate { what, in_sample, nested, gain, spread } = candidate;
        let (name, is_chosen) = told(what);
        let gain = format!("{gain:+.5} {spread}");
        Self { name, is_chosen, in_sample: *in_sample, nested: *nested, gain }
    }
}

/// The title of what all are compared with.
fn gain_over_first(lines: &[Line]) -> String {
    format!("gain over {}", lines.first().map(|line| line.name.as_str()).unwrap_or_default())
}

/// A line a method.
fn table(
    lines: &[Line],
    metric: &str,
    gain: &str,
    folds: usize,
    on_test: Option<&[f64]>,
) -> String {
    let row = |(i, line): (usize, &Line)| {
        let mut row = vec![line.name.clone(), format!(" {:.5}", line.in_sample)];
        if folds > 0 {
            row.push(format!("{:.5}", line.nested));
            row.push(if i == 0 { String::new() } else { line.gain.clone() });
        }
        row.extend(on_test.map(|scores| format!("{:.5}", scores[i])));
        row.push(if line.is_chosen { "used".to_owned() } else { String::new() });
        row
    };
    let rows: Vec<Vec<String>> = lines.iter().enumerate().map(row).collect();
    let in_sample = format!("{metric} in sample");
    let mut header = vec!["", &in_sample];
    if folds > 0 {
        header.extend(["nested", gain]);
    }
    header.extend(on_test.map(|_| "test"));
    header.push("");
    term::table(&header, &rows)
}

/// The calibration numbers' means over tags, before and after.
fn mean_reliability(decision: &TagDecision) -> Option<(Reliability, Reliability)> {
    let tags = &decision.reliability;
    if tags.is_empty() {
        return None;
    }
    let mean = |of: fn(&TagReliability) -> Reliability| {
        Reliability::mean(&tags.iter().map(of).collect::<Vec<_>>())
    };
    Some((mean(|tag| tag.before), mean(|tag| tag.after)))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::None => "none",
        Kind::Temperature => "a temperature a tag",
        Kind::Platt => "Platt",
    }
}
