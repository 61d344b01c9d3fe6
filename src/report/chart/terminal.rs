//! A chart as text: a line of braille dots, 2 x 4 of them a letter, that needs no colours.

use super::layout::{Label, Plot, Point, Sheet, horizontal, n_rows, vertical};
use super::model::{Chart, Look, Mark};
use super::scale::Span;

/// Lines of text that the plot is high.
const ROWS: usize = 12;

/// Letters between the labels of two ticks of the horizontal axis, at least.
const TICK_EVERY: usize = 12;

/// The eight dots of a letter: `DOTS[row][column]` of Unicode's braille patterns.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
const BRAILLE: u32 = 0x2800;

/// The chart in lines of at most `columns` letters, without a line end behind the last.
///
/// Lines and dots are drawn; bars, bands and what is faint are not.
pub fn terminal(chart: &Chart, columns: usize) -> String {
    let y = vertical(chart, 0.0, (4 * ROWS - 1) as f64);
    let up = y.ticks(ROWS / 3);
    let gutter = up.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
    let across = columns.saturating_sub(gutter + 2).max(TICK_EVERY);
    let plot = Plot { x: horizontal(chart, 0.0, (2 * across - 1) as f64), y };
    let sheet = Sheet { width: (2 * across) as f64, edge: 0.0, letter: 2.0, gap: 4.0 };
    let labels = sheet.labels(chart, plot.x);

    let mut lines = vec![chart.title.clone(), chart.y.label.clone()];
    lines.retain(|line| !line.is_empty());
    let indented = |line: String| format!("{:gutter$}  {line}", "");
    lines.extend(label_lines(&labels, plot.x, across).into_iter().map(indented));
    for (i, row) in curves(chart, &plot, &labels, across).into_iter().enumerate() {
        let tick = up.iter().find(|(value, _)| (y.at(*value) / 4.0) as usize == i);
        let (label, edge) = tick.map_or(("", '│'), |(_, label)| (label.as_str(), '┤'));
        lines.push(format!("{label:>gutter$} {edge}{row}"));
    }
    let right = plot.x.ticks(across / TICK_EVERY);
    let right: Vec<(usize, &str)> =
        right.iter().map(|(value, label)| (column(plot.x.at(*value)), label.as_str())).collect();
    let base = (0..across).map(|i| if right.iter().any(|(at, _)| *at == i) { '┴' } else { '─' });
    lines.push(format!("{:gutter$} └{}", "", base.collect::<String>()));
    lines.push(indented(written(right.into_iter(), across).into_iter().collect()));
    let what = std::iter::once((across / 2, chart.x.label.as_str()));
    lines.push(indented(written(what, across).into_iter().collect()));
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n").trim_end().to_owned()
}

/// The letter in which a dot lies.
fn column(x: f64) -> usize {
    (x / 2.0) as usize
}

/// The plot's rows: lines, dots and the marks behind them.
fn curves(chart: &Chart, plot: &Plot, labels: &[Label], across: usize) -> Vec<String> {
    let mut dots = Dots::new(across);
    for series in &chart.series {
        match series.look {
            Look::Line | Look::Dots => plot.pieces(series).iter().for_each(|p| dots.line(p)),
            Look::Points => plot.shown(series).for_each(|(_, value)| dots.dot(plot.at(value))),
            Look::Faint | Look::Guide | Look::Bars(_) => {}
        }
    }
    let mut rows = dots.letters();
    for Label { mark, .. } in labels {
        for row in &mut rows {
            draw_mark(mark, &mut row[column(plot.x.at(mark.at))]);
        }
    }
    rows.into_iter().map(String::from_iter).collect()
}

/// The labels of the marks, the uppermost row first, with the lines of those above running down.
fn label_lines(labels: &[Label], x: Span, across: usize) -> Vec<String> {
    let line = |row: usize| {
        let of_row = labels.iter().filter(|label| label.row == row);
        let texts = of_row.map(|label| (column(label.middle), label.mark.label.as_str()));
        let mut line = written(texts, across);
        line.resize(across, ' ');
        for Label { mark, .. } in labels.iter().filter(|label| label.row > row) {
            draw_mark(mark, &mut line[column(x.at(mark.at))]);
        }
        String::from_iter(line)
    };
    (0..n_rows(labels)).rev().map(line).collect()
}

/// Texts around their middles on one line; one that would touch the one before it is left out.
fn written<'a>(texts: impl Iterator<Item = (usize, &'a str)>, width: usize) -> Vec<char> {
    let mut line: Vec<char> = Vec::new();
    for (middle, text) in texts {
        let n = text.chars().count();
        let start = middle.saturating_sub(n / 2).min(width.saturating_sub(n));
        if line.is_empty() || start > line.len() {
            line.resize(start, ' ');
            line.extend(text.chars());
        }
    }
    line
}

/// A piece of a mark's line, where there is nothing yet or only a weaker mark.
fn draw_mark(mark: &Mark, letter: &mut char) {
    if mark.strong && matches!(letter, ' ' | '┊') {
        *letter = '│';
    } else if *letter == ' ' {
        *letter = '┊';
    }
}

/// Dots in rows of letters.
struct Dots {
    across: usize,
    letters: Vec<u32>,
}

impl Dots {
    fn new(across: usize) -> Self {
        Self { across, letters: vec![0; across * ROWS] }
    }

    /// A line through points, in dots from the upper left.
    fn line(&mut self, points: &[Point]) {
        if let [point] = points {
            self.dot(*point);
        }
        for ends in points.windows(2) {
            let (from, to) = (ends[0], ends[1]);
            let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).ceil().max(1.0);
            for step in 0..=steps as usize {
                let t = step as f64 / steps;
                self.dot((from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1)));
            }
        }
    }

    fn dot(&mut self, (x, y): Point) {
        let (x, y) = (x.round() as usize, y.round() as usize);
        if x / 2 < self.across && y / 4 < ROWS {
            self.letters[y / 4 * self.across + x / 2] |= DOTS[y % 4][x % 2];
        }
    }

    fn letters(&self) -> Vec<Vec<char>> {
        let letter = |&dots: &u32| match dots {
            0 => ' ',
            _ => char::from_u32(BRAILLE + dots).unwrap_or(' '),
        };
        self.letters.chunks(self.across).map(|row| row.iter().map(letter).collect()).collect()
    }
}
