//! A chart's layout at one width.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::scale::Span;
use super::{Band, Chart, Look, Mark, Series};

/// Room for what stands around the plot, in pixels.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 12.0;
const BELOW: f64 = 36.0;
const ABOVE: f64 = 8.0;
/// A line of labels.
const LINE: f64 = 15.0;
/// A letter's mean width.
const LETTER: f64 = 6.1;
/// More points than pixels say nothing.
const POINTS_A_PIXEL: f64 = 1.0;

/// Where the plot lies.
struct Frame {
    x: Span,
    y: Span,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

pub(super) fn svg(chart: &Chart, width: f64, class: &str) -> Markup {
    svg_with(chart, width, class, &html! {})
}

/// The same with something of the caller's inside it, before all else.
pub(super) fn svg_with(chart: &Chart, width: f64, class: &str, inner: &Markup) -> Markup {
    let marks = place_marks(chart, width);
    let rows = marks.iter().map(|(_, row, _)| row + 1).max().unwrap_or(0);
    let frame = frame(chart, width, rows);
    let height = frame.bottom + BELOW;
    html! {
        svg class=(class) xmlns="http://www.w3.org/2000/svg"
            viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(chart.title) {
            (inner)
            @for band in &chart.bands { (draw_band(band, &frame)) }
            (axes(chart, &frame, width))
            @for series in &chart.series { (draw_series(series, &frame)) }
            @for (mark, row, x) in &marks { (draw_mark(mark, *row, *x, &frame)) }
        }
    }
}

fn frame(chart: &Chart, width: f64, label_rows: usize) -> Frame {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let is_bars = chart.series.iter().any(|series| matches!(series.look, Look::Bars(_)));
    let top = ABOVE + label_rows as f64 * LINE;
    let (left, right, bottom) = (LEFT, width - RIGHT, top + chart.height);
    let (low, high) = Span::of(
        chart.x.scale,
        chart.x.range,
        points().map(|p| p.0),
        if is_bars { 0.05 } else { 0.0 },
    );
    let x = Span { scale: chart.x.scale, low, high, from: left, to: right };
    let (low, high) = Span::of(chart.y.scale, chart.y.range, points().map(|p| p.1), 0.06);
    let y = Span { scale: chart.y.scale, low, high, from: bottom, to: top };
    Frame { x, y, left, right, top, bottom }
}

fn axes(chart: &Chart, frame: &Frame, width: f64) -> Markup {
    let Frame { left, right, top, bottom, .. } = *frame;
    let n_across = (width / 60.0) as usize;
    let n_up = (chart.height / 34.0).max(2.0) as usize;
    // A label that would run into the one before it is left out.
    let mut taken = f64::NEG_INFINITY;
    let across: Vec<(f64, String)> = frame
        .x
        .ticks(n_across)
        .into_iter()
        .map(|(value, label)| (frame.x.at(value), label))
        .filter(|(x, label)| {
            let half = label.chars().count() as f64 * LETTER / 2.0;
            let free = x - half > taken + 4.0;
            if free {
                taken = x + half;
            }
            free
        })
        .collect();
    let middle = f64::midpoint(top, bottom);
    html! {
        g.axis {
            @for (value, label) in frame.y.ticks(n_up) {
                @let y = frame.y.at(value);
                line.grid x1=(px(left)) x2=(px(right)) y1=(px(y)) y2=(px(y)) {}
                text.end x=(px(left - 6.0)) y=(px(y + 4.0)) { (label) }
            }
            line.base x1=(px(left)) x2=(px(right)) y1=(px(bottom)) y2=(px(bottom)) {}
            @for (x, label) in across {
                line.tick x1=(px(x)) x2=(px(x)) y1=(px(bottom)) y2=(px(bottom + 4.0)) {}
                text.mid x=(px(x)) y=(px(bottom + 16.0)) { (label) }
            }
            text.what.mid x=(px(f64::midpoint(left, right))) y=(px(bottom + 32.0)) { (chart.x.label) }
            text.what.mid transform=(format!("translate(10 {}) rotate(-90)", px(middle))) {
                (chart.y.label)
            }
        }
    }
}

fn draw_band(band: &Band, frame: &Frame) -> Markup {
    let (from, to) = (frame.x.at(band.from), frame.x.at(band.to));
    let fits = band.label.chars().count() as f64 * LETTER < to - from - 6.0;
    let class = if band.dark { "band dark" } else { "band" };
    html! {
        rect class=(class) x=(px(from)) y=(px(frame.top)) width=(px((to - from).max(0.0)))
            height=(px(frame.bottom - frame.top)) {
            @if !band.label.is_empty() { title { (band.label) } }
        }
        @if fits && !band.label.is_empty() {
            text.note x=(px(from + 4.0)) y=(px(frame.top + 12.0)) { (band.label) }
        }
    }
}

fn draw_series(series: &Series, frame: &Frame) -> Markup {
    let shown = |p: &(f64, f64)| frame.x.scale.shows(p.0) && frame.y.scale.shows(p.1);
    let place = |p: &(f64, f64)| (frame.x.at(p.0), frame.y.at(p.1));
    let ink = format!("s{}", series.ink);
    match series.look {
        Look::Bars(wide) => html! {
            g class=(format!("bars {ink}")) {
                @for (i, point) in series.points.iter().enumerate().filter(|(_, p)| shown(p)) {
                    @let from = frame.x.at(point.0 - wide / 2.0) + 0.5;
                    @let to = frame.x.at(point.0 + wide / 2.0) - 0.5;
                    @let y = frame.y.at(point.1);
                    rect x=(px(from)) width=(px((to - from).max(0.5))) y=(px(y))
                        height=(px(frame.bottom - y)) { (tip(series, i)) }
                }
            }
        },
        look => {
            let kind = match look {
                Look::Faint => "faint",
                Look::Guide => "guide",
                _ => "line",
            };
            let pixels = (frame.right - frame.left) * POINTS_A_PIXEL;
            let on_sheet = |p: &(f64, f64)| (frame.x.at(p.0), frame.y.beyond(p.1));
            let pieces: Vec<Vec<(f64, f64)>> = series
                .points
                .split(|point| !shown(point))
                .map(|piece| piece.iter().map(on_sheet).collect::<Vec<_>>())
                .flat_map(|piece| cut(&piece, frame.top, frame.bottom))
                .map(|piece| thin(&piece, pixels as usize))
                .collect();
            html! {
                @if series.points.len() > 1 && look != Look::Points {
                    path class=(format!("{kind} {ink}")) d=(path(&pieces)) {}
                }
                @if matches!(look, Look::Dots | Look::Points) {
                    @for (i, point) in series.points.iter().enumerate().filter(|(_, p)| shown(p)) {
                        path class=(format!("dot {ink}")) d=(shape(series.ink, place(point), 3.2)) {
                            (tip(series, i))
                        }
                    }
                }
            }
        }
    }
}

/// The parts of a line that lie between `top` and `bottom`: it ends where it leaves the plot, and
/// does not run along its edge.
pub(in crate::report) fn cut(line: &[(f64, f64)], top: f64, bottom: f64) -> Vec<Vec<(f64, f64)>> {
    let is_in = |p: (f64, f64)| (top..=bottom).contains(&p.1);
    let crossing = |a: (f64, f64), b: (f64, f64)| {
        let edge = if a.1.min(b.1) < top { top } else { bottom };
        (a.0 + (b.0 - a.0) * (edge - a.1) / (b.1 - a.1), edge)
    };
    let mut parts: Vec<Vec<(f64, f64)>> = Vec::new();
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

fn tip(series: &Series, i: usize) -> Markup {
    html! { @if let Some(tip) = series.tips.get(i) { title { (tip) } } }
}

/// Every label's row above the plot and the middle of its text: it gives way upwards to those left
/// of it.
fn place_marks<'a>(chart: &'a Chart, width: f64) -> Vec<(&'a Mark, usize, f64)> {
    let frame = frame(chart, width, 0);
    let inside = |mark: &&Mark| {
        frame.x.scale.shows(mark.at) && (frame.x.low..=frame.x.high).contains(&mark.at)
    };
    let mut marks: Vec<&Mark> = chart.marks.iter().filter(inside).collect();
    marks.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut row_ends: Vec<f64> = Vec::new();
    let place = |mark: &'a Mark| {
        let half = mark.label.chars().count() as f64 * LETTER / 2.0;
        let middle = frame.x.at(mark.at).max(half + 2.0).min(width - half - 2.0);
        let free = row_ends.iter().position(|&end| end + 8.0 < middle - half);
        let row = free.unwrap_or(row_ends.len());
        if row == row_ends.len() {
            row_ends.push(f64::NEG_INFINITY);
        }
        row_ends[row] = middle + half;
        (mark, row, middle)
    };
    marks.into_iter().map(place).collect()
}

fn draw_mark(mark: &Mark, row: usize, text_x: f64, frame: &Frame) -> Markup {
    let x = frame.x.at(mark.at);
    let text_y = frame.top - 4.0 - row as f64 * LINE;
    let class = if mark.strong { "mark strong" } else { "mark" };
    html! {
        g class=(class) {
            line x1=(px(x)) x2=(px(x)) y1=(px(text_y + 3.0)) y2=(px(frame.bottom)) {}
            text.mid x=(px(text_x)) y=(px(text_y)) { (mark.label) }
            @if let Some(y) = mark.dot.filter(|&y| frame.y.scale.shows(y)) {
                circle cx=(px(x)) cy=(px(frame.y.at(y))) r=(if mark.strong { "4.5" } else { "3" }) {}
            }
        }
    }
}

/// How a series looks in the legend.
pub(super) fn swatch(series: &Series) -> Markup {
    let ink = format!("s{}", series.ink);
    html! {
        svg.swatch viewBox="0 0 26 10" aria-hidden="true" {
            @match series.look {
                Look::Bars(_) => g class=(format!("bars {ink}")) {
                    rect x="6" y="1" width="14" height="8" {}
                },
                Look::Faint => path class=(format!("faint {ink}")) d="M1 5H25" {},
                Look::Guide => path class=(format!("guide {ink}")) d="M1 5H25" {},
                look => {
                    @if look != Look::Points { path class=(format!("line {ink}")) d="M1 5H25" {} }
                    @if look != Look::Line {
                        path class=(format!("dot {ink}")) d=(shape(series.ink, (13.0, 5.0), 3.2)) {}
                    }
                },
            }
        }
    }
}

/// A circle, a square, a diamond or a triangle: inks differ in shape too.
fn shape(ink: usize, (x, y): (f64, f64), r: f64) -> String {
    let (left, right, top, bottom) = (px(x - r), px(x + r), px(y - r), px(y + r));
    match ink % 4 {
        0 => format!("M{left} {}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 -{} 0z", px(y), r * 2.0, r * 2.0),
        1 => format!("M{left} {top}H{right}V{bottom}H{left}z"),
        2 => {
            let (x, y) = (px(x), px(y));
            format!("M{x} {top}L{right} {y}L{x} {bottom}L{left} {y}z")
        }
        _ => format!("M{} {top}L{right} {bottom}H{left}z", px(x)),
    }
}

fn path(pieces: &[Vec<(f64, f64)>]) -> String {
    let mut d = String::new();
    for piece in pieces {
        for (i, (x, y)) in piece.iter().enumerate() {
            let command = if i == 0 { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(d, "{command}{} {}", px(*x), px(*y));
        }
    }
    d
}

/// At most about `n` points: of each stretch the first, the lowest, the highest and the last, so
/// that no spike is lost.
pub(super) fn thin(points: &[(f64, f64)], n: usize) -> Vec<(f64, f64)> {
    if points.len() <= n.max(8) {
        return points.to_vec();
    }
    let mut kept = Vec::new();
    for stretch in points.chunks(points.len().div_ceil((n / 4).max(2))) {
        let at = |place: usize| stretch[place];
        let (mut lowest, mut highest) = (0, 0);
        for i in 0..stretch.len() {
            if at(i).1 < at(lowest).1 {
                lowest = i;
            }
            if at(i).1 > at(highest).1 {
                highest = i;
            }
        }
        let mut places = [0, lowest, highest, stretch.len() - 1];
        places.sort_unstable();
        let mut before = None;
        for place in places {
            if before != Some(place) {
                kept.push(at(place));
            }
            before = Some(place);
        }
    }
    kept
}

/// Tenths of a pixel, without a needless `.0`.
pub(super) fn px(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    format!("{}", if tenths == 0.0 { 0.0 } else { tenths })
}
