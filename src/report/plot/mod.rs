//! Charts beyond the page: as text for a terminal and as a PNG. As SVG they are
//! [`Chart::standalone`]'s.

mod png;
mod sheet;
mod terminal;

pub use png::png;
pub use terminal::terminal;

use super::html::chart::draw::cut;
use super::html::chart::scale::Span;
use super::html::chart::{Chart, Mark, Series};

/// A mark with its label above the plot.
struct Label<'a> {
    mark: &'a Mark,
    /// 0 is next to the plot.
    row: usize,
    /// The middle of its text.
    middle: f64,
}

/// The labels of the marks that lie on the axis, from left to right; one gives way upwards to those
/// left of it. `letter` is a letter's width, and texts stay between the ends of `within`.
fn labels<'a>(chart: &'a Chart, x: Span, letter: f64, within: (f64, f64)) -> Vec<Label<'a>> {
    let on_axis = |mark: &&Mark| x.scale.shows(mark.at) && (x.low..=x.high).contains(&mark.at);
    let mut marks: Vec<&Mark> = chart.marks.iter().filter(on_axis).collect();
    marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut row_ends: Vec<f64> = Vec::new();
    let place = |mark: &'a Mark| {
        let half = mark.label.chars().count() as f64 * letter / 2.0;
        let middle = x.at(mark.at).min(within.1 - half).max(within.0 + half);
        let free = row_ends.iter().position(|&end| end + 2.0 * letter <= middle - half);
        let row = free.unwrap_or(row_ends.len());
        row_ends.resize(row_ends.len().max(row + 1), f64::NEG_INFINITY);
        row_ends[row] = middle + half;
        Label { mark, row, middle }
    };
    marks.into_iter().map(place).collect()
}

/// The ends of both axes, laid over so many units to the right and upwards.
fn spans(chart: &Chart, width: f64, height: f64) -> (Span, Span) {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let (low, high) = Span::of(chart.x.scale, chart.x.range, points().map(|p| p.0), 0.0);
    let x = Span { scale: chart.x.scale, low, high, from: 0.0, to: width };
    let (low, high) = Span::of(chart.y.scale, chart.y.range, points().map(|p| p.1), 0.06);
    (x, Span { scale: chart.y.scale, low, high, from: height, to: 0.0 })
}

/// A place to the right of and below a corner.
type Place = (f64, f64);

/// Where a series' points lie, those that the axes can show.
fn points(series: &Series, x: Span, y: Span) -> Vec<Place> {
    let shown = |p: &&(f64, f64)| x.scale.shows(p.0) && y.scale.shows(p.1);
    series.points.iter().filter(shown).map(|p| (x.at(p.0), y.at(p.1))).collect()
}

/// The pieces of a series' line: gaps interrupt it, and it ends where it leaves the plot.
fn pieces(series: &Series, x: Span, y: Span) -> Vec<Vec<Place>> {
    let shown = |p: &(f64, f64)| x.scale.shows(p.0) && y.scale.shows(p.1);
    let on_sheet = |piece: &[(f64, f64)]| -> Vec<Place> {
        piece.iter().map(|p| (x.at(p.0), y.beyond(p.1))).collect()
    };
    let whole = series.points.split(|point| !shown(point));
    whole.flat_map(|piece| cut(&on_sheet(piece), y.to, y.from)).collect()
}

#[cfg(test)]
mod tests;
