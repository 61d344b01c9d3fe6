//! Levels and numbers: what was predicted beside what is true, and how far it is off.

use maud::{Markup, html};

use super::super::facts::{Facts, Validation};
use super::super::markup::words;
use super::Section;
use crate::decide::Decision;
use crate::decide::answers::Rule;
use crate::report::chart::{Axis, Chart, Look, Mark, Series, Width, label};
use crate::target::{TargetKind, Truth};
use crate::term;

/// Bars of the histogram of errors.
const BARS: usize = 30;
/// The most points of a scatter: more make a page heavy, and hide each other.
const POINTS: usize = 2000;
/// The most numbers that are drawn.
const COLUMNS: usize = 6;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    let validation = facts.validation.as_ref().filter(|validation| !validation.is_empty())?;
    let columns = columns(validation);
    if columns.is_empty() {
        return None;
    }
    let cuts = cut_points(facts.decision.as_ref());
    let body = html! {
        @for column in columns.iter().take(COLUMNS) {
            @if columns.len() > 1 { h3 { (words(&column.name)) } }
            (figures(column))
            div.charts {
                (scatter(column, cuts).figure(Width::Half))
                (errors(column).figure(Width::Half))
            }
        }
        @if columns.len() > COLUMNS {
            p.quiet { "and " (columns.len() - COLUMNS) " more columns, which are not drawn." }
        }
        @if let Some(decision) = &facts.decision { p { "Decided: " (decision) "." } }
    };
    let (title, lead) = if validation.kind == TargetKind::Ordinal {
        (
            "Levels",
            "Each point is an image: what the network says, before it becomes a level, and \
                    what is true. On the dashed line both are the same.",
        )
    } else {
        (
            "Numbers",
            "Each point is an image: what the network says and what is true. On the dashed \
                     line both are the same.",
        )
    };
    Some(Section { id: "numbers", title, lead: lead.to_owned(), body })
}

/// The limits between levels, if it is these that decide.
fn cut_points(decision: Option<&Decision>) -> Option<&[f64]> {
    match decision {
        Some(Decision::Answers(answers)) => match &answers.rule {
            Rule::CutPoints { points } => Some(points),
            _ => None,
        },
        _ => None,
    }
}

/// What was said and what is true of one number.
struct Column {
    name: String,
    said: Vec<f64>,
    truth: Vec<f64>,
}

fn columns(validation: &Validation) -> Vec<Column> {
    let said = |at: usize| validation.rows().map(|row| f64::from(row[at])).collect();
    match (validation.kind, &validation.truth) {
        (TargetKind::Ordinal, Truth::Classes(_)) => {
            let truth = validation.classes_true().into_iter().map(|level| level as f64).collect();
            vec![Column { name: "level".to_owned(), said: said(0), truth }]
        }
        (TargetKind::Number, Truth::Numbers(numbers)) => {
            let names = validation.predictions.classes.names().iter().enumerate();
            let column = |(at, name): (usize, &String)| Column {
                name: name.clone(),
                said: said(at),
                truth: numbers.rows().map(|row| row[at]).collect(),
            };
            names.map(column).collect()
        }
        _ => Vec::new(),
    }
}

impl Column {
    fn errors(&self) -> impl Iterator<Item = f64> {
        self.said.iter().zip(&self.truth).map(|(said, truth)| said - truth)
    }

    /// From the least to the largest of both.
    fn range(&self) -> (f64, f64) {
        let all = || self.said.iter().chain(&self.truth).copied();
        (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max))
    }
}

fn figures(column: &Column) -> Markup {
    let n = column.truth.len() as f64;
    let mean_of = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / n;
    let squares = mean_of(&mut column.errors().map(|error| error * error));
    let absolute = mean_of(&mut column.errors().map(f64::abs));
    let bias = mean_of(&mut column.errors());
    let mean = mean_of(&mut column.truth.iter().copied());
    let spread = mean_of(&mut column.truth.iter().map(|truth| (truth - mean).powi(2)));
    html! {
        div.figures {
            div { b { (label(squares.sqrt())) } span { "root mean squared error" } }
            div { b { (label(absolute)) } span { "off by on average" } }
            div { b { (label(bias)) } span { "too high on average" } }
            @if spread > 0.0 {
                div {
                    b { (format!("{:.3}", 1.0 - squares / spread)) }
                    span { "of the spread explained (R²)" }
                }
            }
        }
    }
}

fn scatter(column: &Column, cuts: Option<&[f64]>) -> Chart {
    let (low, high) = column.range();
    let step = column.truth.len().div_ceil(POINTS).max(1);
    let points = column.said.iter().copied().zip(column.truth.iter().copied()).step_by(step);
    let marks = cuts.unwrap_or_default().iter().enumerate();
    Chart {
        title: "Predicted and true".to_owned(),
        x: Axis::between("predicted", low, high),
        y: Axis::between("true", low, high),
        series: vec![
            Series::new("as it should be", Look::Guide, 0, vec![(low, low), (high, high)]),
            Series::new("an image", Look::Points, 0, points.collect()),
        ],
        marks: marks
            .map(|(i, &at)| Mark {
                at,
                label: format!("{i} | {}", i + 1),
                dot: None,
                strong: false,
            })
            .collect(),
        height: 260.0,
        ..Chart::default()
    }
}

fn errors(column: &Column) -> Chart {
    let most = column.errors().map(f64::abs).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    let width = 2.0 * most / BARS as f64;
    let mut counts = [0_usize; BARS];
    for error in column.errors() {
        counts[(((error + most) / width) as usize).min(BARS - 1)] += 1;
    }
    let middle = |i: usize| (i as f64 + 0.5) * width - most;
    let bars = counts.iter().enumerate().map(|(i, &n)| (middle(i), n as f64)).collect();
    let tips = counts.iter().map(|n| term::count(*n, "image")).collect();
    let highest = counts.iter().copied().max().unwrap_or(1) as f64;
    Chart {
        title: "Errors".to_owned(),
        x: Axis::between("predicted less true", -most, most),
        y: Axis::between("images", 0.0, highest * 1.05),
        series: vec![Series { tips, ..Series::new("", Look::Bars(width), 0, bars) }],
        height: 260.0,
        ..Chart::default()
    }
}
