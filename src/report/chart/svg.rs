//! A chart as SVG: in the page's colours, at two widths; or as a file of its own.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::layout::{Label, Plot, Point, Sheet, horizontal, n_rows, vertical};
use super::model::{Band, Chart, Look, Mark, Series};
use super::words::said;

/// How much room a chart has on a wide screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// The whole column; on a phone it is laid out anew.
    Full,
    /// Two or more side by side, one below the other on a phone.
    Half,
}

/// Widths of the two layouts, in pixels.
const WIDE: f64 = 860.0;
const NARROW: f64 = 360.0;

/// The colours of the page and its charts by day and by night, as CSS variables.
pub(in crate::report) const PALETTE: &str = include_str!("palette.css");
/// The charts' own rules, in these variables.
pub(in crate::report) const STYLE: &str = include_str!("chart.css");
/// What a file of its own is drawn on: slides and papers are whiter than the page.
const WHITE: &str = "#ffffff";

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

impl Chart {
    /// The chart as a figure of the page.
    pub fn figure(&self, width: Width) -> Markup {
        let class = if width == Width::Full { "chart full" } else { "chart half" };
        html! {
            figure class=(class) {
                figcaption { span.name { (self.title) } (legend(self)) }
                @if width == Width::Full { (svg(self, WIDE, "wide", &html! {})) }
                (svg(self, NARROW, "narrow", &html! {}))
            }
        }
    }

    /// The chart alone, as the text of an SVG file with colours of its own.
    pub fn standalone(&self) -> String {
        let mut style = STYLE.replace("var(--paper)", WHITE);
        for (name, colour) in light() {
            style = style.replace(&format!("var(--{name})"), colour);
        }
        let inner = PreEscaped(format!(
            "<style>{style}</style><rect width=\"100%\" height=\"100%\" fill=\"{WHITE}\"/>"
        ));
        svg(self, WIDE, "wide", &inner).into_string()
    }
}

/// The palette by day: names and colours.
fn light() -> impl Iterator<Item = (&'static str, &'static str)> {
    let day = PALETTE.split('}').next().unwrap_or_default();
    day.split(';').filter_map(|rule| rule.split_once("--")?.1.split_once(": "))
}

/// The chart at one width, with something of the caller's inside it, before all else.
fn svg(chart: &Chart, width: f64, class: &str, inner: &Markup) -> Markup {
    let x = horizontal(chart, LEFT, width - RIGHT);
    let labels = Sheet { width, edge: 2.0, letter: LETTER, gap: 8.0 }.labels(chart, x);
    let top = ABOVE + n_rows(&labels) as f64 * LINE;
    let plot = Plot { x, y: vertical(chart, top, top + chart.height) };
    let height = plot.bottom() + BELOW;
    html! {
        svg class=(class) xmlns="http://www.w3.org/2000/svg"
            viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(said(chart)) {
            (inner)
            @for band in &chart.bands { (draw_band(band, &plot)) }
            (axes(chart, &plot, width))
            @for series in &chart.series { (draw_series(series, &plot)) }
            // No line crosses a name.
            @for label in &labels { (mark_line(label, &plot)) }
            @for label in &labels { (mark_name(label, &plot)) }
        }
    }
}

fn axes(chart: &Chart, plot: &Plot, width: f64) -> Markup {
    let (left, right, top, bottom) = (plot.left(), plot.right(), plot.top(), plot.bottom());
    let n_across = (width / 60.0) as usize;
    let n_up = (chart.height / 34.0).max(2.0) as usize;
    // A label that would run into the one before it is left out.
    let mut taken = f64::NEG_INFINITY;
    let across: Vec<(f64, String)> = plot
        .x
        .ticks(n_across)
        .into_iter()
        .map(|(value, label)| (plot.x.at(value), label))
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
            @for (value, label) in plot.y.ticks(n_up) {
                @let y = plot.y.at(value);
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

fn draw_band(band: &Band, plot: &Plot) -> Markup {
    let (from, to) = (plot.x.at(band.from), plot.x.at(band.to));
    let fits = band.label.chars().count() as f64 * LETTER < to - from - 6.0;
    let class = if band.dark { "band dark" } else { "band" };
    html! {
        rect class=(class) x=(px(from)) y=(px(plot.top())) width=(px((to - from).max(0.0)))
            height=(px(plot.bottom() - plot.top())) {
            @if !band.label.is_empty() { title { (band.label) } }
        }
        @if fits && !band.label.is_empty() {
            text.note x=(px(from + 4.0)) y=(px(plot.top() + 12.0)) { (band.label) }
        }
    }
}

fn draw_series(series: &Series, plot: &Plot) -> Markup {
    let ink = format!("s{}", series.ink);
    let kind = match series.look {
        Look::Bars(wide) => return draw_bars(series, wide, plot),
        Look::Faint => "faint",
        Look::Guide => "guide",
        Look::Line | Look::Dots | Look::Points => "line",
    };
    let pixels = (plot.right() - plot.left()) * POINTS_A_PIXEL;
    let pieces: Vec<Vec<Point>> =
        plot.pieces(series).iter().map(|piece| thin(piece, pixels as usize)).collect();
    html! {
        @if series.points.len() > 1 && series.look != Look::Points {
            path class=(format!("{kind} {ink}")) d=(path(&pieces)) {}
        }
        @if matches!(series.look, Look::Dots | Look::Points) {
            @for (i, value) in plot.shown(series) {
                path class=(format!("dot {ink}")) d=(shape(series.ink, plot.at(value), 3.2)) {
                    (tip(series, i))
                }
            }
        }
    }
}

fn draw_bars(series: &Series, wide: f64, plot: &Plot) -> Markup {
    html! {
        g class=(format!("bars s{}", series.ink)) {
            @for (i, value) in plot.shown(series) {
                @let from = plot.x.at(value.0 - wide / 2.0) + 0.5;
                @let to = plot.x.at(value.0 + wide / 2.0) - 0.5;
                @let y = plot.y.at(value.1);
                rect x=(px(from)) width=(px((to - from).max(0.5))) y=(px(y))
                    height=(px(plot.bottom() - y)) { (tip(series, i)) }
            }
        }
    }
}

fn tip(series: &Series, i: usize) -> Markup {
    html! { @if let Some(tip) = series.tips.get(i) { title { (tip) } } }
}

/// Where the name of a mark stands.
fn height_of(label: &Label, plot: &Plot) -> f64 {
    plot.top() - 5.0 - label.row as f64 * LINE
}

fn class_of(mark: &Mark) -> &'static str {
    if mark.strong { "mark strong" } else { "mark" }
}

fn mark_line(label: &Label, plot: &Plot) -> Markup {
    let (x, y) = (plot.x.at(label.mark.at), height_of(label, plot) + 4.0);
    html! {
        g class=(class_of(label.mark)) {
            line x1=(px(x)) x2=(px(x)) y1=(px(y)) y2=(px(plot.bottom())) {}
        }
    }
}

fn mark_name(label: &Label, plot: &Plot) -> Markup {
    let Label { mark, middle, .. } = *label;
    let x = plot.x.at(mark.at);
    html! {
        g class=(class_of(mark)) {
            text.mid x=(px(middle)) y=(px(height_of(label, plot))) { (mark.label) }
            @if let Some(y) = mark.dot.filter(|&y| plot.y.scale.shows(y)) {
                circle cx=(px(x)) cy=(px(plot.y.at(y))) r=(if mark.strong { "4.5" } else { "3" }) {}
            }
        }
    }
}

fn legend(chart: &Chart) -> Markup {
    let named: Vec<&Series> = chart.series.iter().filter(|s| !s.name.is_empty()).collect();
    html! {
        @if named.len() > 1 || named.iter().any(|s| s.name != chart.y.label) {
            span.legend {
                @for series in named {
                    span.key { (swatch(series)) (series.name) }
                }
            }
        }
    }
}

/// How a series looks in the legend.
fn swatch(series: &Series) -> Markup {
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
fn shape(ink: usize, (x, y): Point, r: f64) -> String {
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

fn path(pieces: &[Vec<Point>]) -> String {
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
pub(super) fn thin(points: &[Point], n: usize) -> Vec<Point> {
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
