//! Where the things of a chart lie, whatever it is drawn on.

use super::model::{Chart, Look, Mark, Series};
use super::scale::Span;

/// To the right of and below the upper left corner.
pub(super) type Point = (f64, f64);

/// The rectangle between the axes, with what is measured along it.
#[derive(Clone, Copy)]
pub(super) struct Plot {
    pub(super) x: Span,
    pub(super) y: Span,
}

impl Plot {
    pub(super) fn left(&self) -> f64 {
        self.x.from
    }

    pub(super) fn right(&self) -> f64 {
        self.x.to
    }

    pub(super) fn top(&self) -> f64 {
        self.y.to
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y.from
    }

    fn shows(&self, value: &(f64, f64)) -> bool {
        self.x.scale.shows(value.0) && self.y.scale.shows(value.1)
    }

    /// The values of a series that the axes can show, by their place in it.
    pub(super) fn shown<'a>(
        &'a self,
        series: &'a Series,
    ) -> impl Iterator<Item = (usize, (f64, f64))> + 'a {
        series.points.iter().copied().enumerate().filter(|(_, value)| self.shows(value))
    }

    pub(super) fn at(&self, value: (f64, f64)) -> Point {
        (self.x.at(value.0), self.y.at(value.1))
    }

    /// The pieces of a series' line: gaps interrupt it, and it ends where it leaves the plot.
    pub(super) fn pieces(&self, series: &Series) -> Vec<Vec<Point>> {
        let on_sheet = |value: &(f64, f64)| (self.x.at(value.0), self.y.beyond(value.1));
        let whole = series.points.split(|value| !self.shows(value));
        let lines = whole.map(|piece| piece.iter().map(on_sheet).collect::<Vec<Point>>());
        lines.flat_map(|line| cut(&line, self.top(), self.bottom())).collect()
    }
}

/// The horizontal axis between two ends. Bars are wider than the values that they stand on.
pub(super) fn horizontal(chart: &Chart, left: f64, right: f64) -> Span {
    let is_bars = chart.series.iter().any(|series| matches!(series.look, Look::Bars(_)));
    let values = chart.series.iter().flat_map(|series| &series.points).map(|value| value.0);
    let air = if is_bars { 0.05 } else { 0.0 };
    let (low, high) = Span::of(chart.x.scale, chart.x.range, values, air);
    Span { scale: chart.x.scale, low, high, from: left, to: right }
}

pub(super) fn vertical(chart: &Chart, top: f64, bottom: f64) -> Span {
    let values = chart.series.iter().flat_map(|series| &series.points).map(|value| value.1);
    let (low, high) = Span::of(chart.y.scale, chart.y.range, values, 0.06);
    Span { scale: chart.y.scale, low, high, from: bottom, to: top }
}

/// A mark with its label above the plot.
pub(super) struct Label<'a> {
    pub(super) mark: &'a Mark,
    /// 0 is next to the plot.
    pub(super) row: usize,
    /// The middle of its text.
    pub(super) middle: f64,
}

/// What labels are written on, in its own units.
pub(super) struct Sheet {
    pub(super) width: f64,
    /// What stays free at both sides.
    pub(super) edge: f64,
    /// A letter's mean width.
    pub(super) letter: f64,
    /// Between two labels of a row, at least.
    pub(super) gap: f64,
}

impl Sheet {
    /// The labels of the marks that lie on the axis, from left to right: one gives way upwards to
    /// those left of it.
    pub(super) fn labels<'a>(&self, chart: &'a Chart, x: Span) -> Vec<Label<'a>> {
        let on_axis = |mark: &&Mark| x.scale.shows(mark.at) && (x.low..=x.high).contains(&mark.at);
        let mut marks: Vec<&Mark> = chart.marks.iter().filter(on_axis).collect();
        marks.sort_by(|a, b| a.at.total_cmp(&b.at));
        let mut row_ends: Vec<f64> = Vec::new();
        let place = |mark: &'a Mark| {
            let half = mark.label.chars().count() as f64 * self.letter / 2.0;
            let middle = x.at(mark.at).max(half + self.edge).min(self.width - half - self.edge);
            let free = row_ends.iter().position(|&end| end + self.gap < middle - half);
            let row = free.unwrap_or(row_ends.len());
            row_ends.resize(row_ends.len().max(row + 1), f64::NEG_INFINITY);
            row_ends[row] = middle + half;
            Label { mark, row, middle }
        };
        marks.into_iter().map(place).collect()
    }
}

/// How many rows labels take.
pub(super) fn n_rows(labels: &[Label]) -> usize {
    labels.iter().map(|label| label.row + 1).max().unwrap_or(0)
}

/// The parts of a line that lie between `top` and `bottom`: it ends where it leaves the plot, and
/// does not run along its edge.
pub(super) fn cut(line: &[Point], top: f64, bottom: f64) -> Vec<Vec<Point>> {
    let is_in = |p: Point| (top..=bottom).contains(&p.1);
    let crossing = |a: Point, b: Point| {
        let edge = if a.1.min(b.1) < top { top } else { bottom };
        (a.0 + (b.0 - a.0) * (edge - a.1) / (b.1 - a.1), edge)
    };
    let mut parts: Vec<Vec<Point>> = Vec::new();
    let mut before = None;
    for &point in line {
        match (before, is_in(point)) {
            (Some(last), true) if !is_in(last) => parts.push(vec![crossing(last, point), point]),
            (None, true) => parts.push(vec![point]),
            (Some(last), false) if is_in(last) => {
                if let Some(part) = parts.last_mut() {
                    part.push(crossing(last, point));
                }
            }
            (_, true) => {
                if let Some(part) = parts.last_mut() {
                    part.push(point);
                }
            }
            _ => {}
        }
        before = Some(point);
    }
    parts
}
