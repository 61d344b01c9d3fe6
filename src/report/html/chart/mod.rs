//! Charts as SVG: lines, points and bars over two axes, with shaded stretches and marked places.
//!
//! Own code, because the page needs what plotting crates do not give: inline SVG whose colours are
//! the page's CSS variables (light, dark, print), laid out twice so that its letters are of one
//! size on a phone and on a desk, dashes and shapes that tell series apart without colours, and
//! labels that give way to each other. `plotters` writes colours and pixels into the SVG and has
//! rested for years; `poloto` has one layout and no marks.

pub(in crate::report) mod draw;
pub(in crate::report) mod scale;

use maud::{Markup, PreEscaped, html};

pub use scale::{Scale, label};

/// A chart, in the units of its data.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// The line above it; also what a screen reader calls it.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Shaded stretches of the horizontal axis, behind everything.
    pub bands: Vec<Band>,
    /// What is drawn, the last on top.
    pub series: Vec<Series>,
    /// Places on the horizontal axis that have a name.
    pub marks: Vec<Mark>,
    /// Height of the plot, in pixels of the layout.
    pub height: f64,
}

/// An axis.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// What is measured, with its unit.
    pub label: String,
    /// How numbers become lengths.
    pub scale: Scale,
    /// The ends, where the data are not to choose them.
    pub range: Option<(f64, f64)>,
}

impl Axis {
    /// An axis whose ends follow from the data.
    pub fn new(label: impl Into<String>, scale: Scale) -> Self {
        Self { label: label.into(), scale, range: None }
    }

    /// An axis from `low` to `high`.
    pub fn between(label: impl Into<String>, low: f64, high: f64) -> Self {
        Self { label: label.into(), scale: Scale::Linear, range: Some((low, high)) }
    }
}

/// A shaded stretch.
#[derive(Clone, Debug)]
pub struct Band {
    /// Where it starts.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Written at its top where there is room; empty: nothing.
    pub label: String,
    /// Whether it is of the darker kind; neighbours alternate.
    pub dark: bool,
}

/// Numbers of one kind.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend; empty: not in it.
    pub name: String,
    /// How it is drawn.
    pub look: Look,
    /// Which of the page's inks, from 0; each has its own dash and shape too.
    pub ink: usize,
    /// Horizontal and vertical values; one that is not finite interrupts a line.
    pub points: Vec<(f64, f64)>,
    /// What each point says under a pointer; empty: nothing.
    pub tips: Vec<String>,
}

impl Series {
    /// A series without tips.
    pub fn new(name: &str, look: Look, ink: usize, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.to_owned(), look, ink, points, tips: Vec::new() }
    }
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// A line.
    Line,
    /// A thin, light line: what lies behind a smoothed one.
    Faint,
    /// A line through points.
    Dots,
    /// Points alone.
    Points,
    /// Bars from the bottom, so wide.
    Bars(f64),
    /// A thin dashed line to compare with.
    Guide,
}

/// A place on the horizontal axis.
#[derive(Clone, Debug)]
pub struct Mark {
    /// Where.
    pub at: f64,
    /// Its name.
    pub label: String,
    /// The height of a dot there, if it is to have one.
    pub dot: Option<f64>,
    /// Whether it is the one that matters.
    pub strong: bool,
}

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

/// The charts' own rules, in the page's variables.
const STYLE: &str = include_str!("chart.css");

/// What the variables are where there is no page: a light one.
const LIGHT: &[(&str, &str)] = &[
    ("--paper", "#ffffff"),
    ("--ink", "#1f2328"),
    ("--quiet", "#646b73"),
    ("--rule", "#d9dce0"),
    ("--band", "#f3f2ee"),
    ("--band-dark", "#e6e4dd"),
    ("--s0", "#1f5f99"),
    ("--s1", "#b4521a"),
    ("--s2", "#2f7d4f"),
    ("--s3", "#7a4fa3"),
];

impl Chart {
    /// The chart as a figure of the page.
    pub fn figure(&self, width: Width) -> Markup {
        let class = if width == Width::Full { "chart full" } else { "chart half" };
        html! {
            figure class=(class) {
                figcaption { span.name { (self.title) } (self.legend()) }
                @if width == Width::Full { (draw::svg(self, WIDE, "wide")) }
                (draw::svg(self, NARROW, "narrow"))
            }
        }
    }

    /// The chart alone, as the text of an SVG file with colours of its own.
    pub fn standalone(&self) -> String {
        let mut style = STYLE.to_owned();
        for (variable, colour) in LIGHT {
            style = style.replace(&format!("var({variable})"), colour);
        }
        let inner = PreEscaped(format!(
            "<style>{style}</style><rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
        ));
        draw::svg_with(self, WIDE, "wide", &inner).into_string()
    }

    fn legend(&self) -> Markup {
        let named: Vec<&Series> = self.series.iter().filter(|s| !s.name.is_empty()).collect();
        html! {
            @if named.len() > 1 || named.iter().any(|s| s.name != self.y.label) {
                span.legend {
                    @for series in named {
                        span.key { (draw::swatch(series)) (series.name) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
