//! A chart as data, in the units of what it tells.

use super::scale::Scale;

#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// The line above it; also what a screen reader calls it.
    pub title: String,
    pub x: Axis,
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

#[derive(Clone, Debug, Default)]
pub struct Axis {
    /// What is measured, with its unit.
    pub label: String,
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
    pub from: f64,
    pub to: f64,
    /// Written at its top where there is room; empty: nothing.
    pub label: String,
    /// Whether it is of the darker kind; neighbours alternate.
    pub dark: bool,
}

#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend; empty: not in it.
    pub name: String,
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
    Line,
    /// A thin, light line: what lies behind a smoothed one.
    Faint,
    /// A line through points.
    Dots,
    Points,
    /// Bars from the bottom, so wide.
    Bars(f64),
    /// A thin dashed line to compare with.
    Guide,
}

/// A place on the horizontal axis.
#[derive(Clone, Debug)]
pub struct Mark {
    pub at: f64,
    pub label: String,
    /// The height of a dot there, if it is to have one.
    pub dot: Option<f64>,
    /// Whether it is the one that matters.
    pub strong: bool,
}
