//! A chart as text: a line of braille dots, 2 x 4 of them a letter, that needs no colours.

use super::{Label, Place, labels, pieces, points, spans};
use crate::report::html::chart::{Chart, Look, Mark};

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
    let (_, y) = spans(chart, 0.0, (4 * ROWS - 1) as f64);
    let up = y.ticks(ROWS / 3);
    let gutter = up.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
    let across = columns.saturating_sub(gutter + 2).max(TICK_EVERY);
    let (x, _) = spans(chart, (2 * across - 1) as f64, 0.0);
    let mut dots = Dots::new(across);
    for series in &chart.series {
        match series.look {
            Look::Line | Look::Dots => pieces(series, x, y).iter().for_each(|p| dots.line(p)),
            Look::Points => points(series, x, y).into_iter().for_each(|p| dots.dot(p)),
            Look::Faint | Look::Guide | Look::Bars(_) => {}
        }
    }
    let mut plot = dots.letters();
    let letters = |place: f64| (place / 2.0) as usize;
    let marks = labels(chart, x, 2.0, (0.0, (2 * across) as f64));
    for Label { mark, .. } in &marks {
        for row in &mut plot {
            draw_mark(mark, &mut row[letters(x.at(mark.at))]);
        }
    }

    let mut lines = vec![chart.title.clone(), chart.y.label.clone()];
    lines.retain(|line| !line.is_empty());
    let n_rows = marks.iter().map(|label| label.row + 1).max().unwrap_or(0);
    for row in (0..n_rows).rev() {
        let of_row = marks.iter().filter(|label| label.row == row);
        let texts = of_row.map(|l| (letters(l.middle), l.mark.label.as_str()));
        let mut line = written(texts, across);
        line.resize(across, ' ');
        for Label { mark, .. } in marks.iter().filter(|label| label.row > row) {
            draw_mark(mark, &mut line[letters(x.at(mark.at))]);
        }
        lines.push(format!("{:gutter$}  {}", "", String::from_iter(line)));
    }
    for (i, row) in plot.iter().enumerate() {
        let tick = up.iter().find(|(value, _)| (y.at(*value) / 4.0) as usize == i);
        let (label, edge) = tick.map_or(("", '│'), |(_, label)| (label.as_str(), '┤'));
        lines.push(format!("{label:>gutter$} {edge}{}", String::from_iter(row)));
    }
    let right = x.ticks(across / TICK_EVERY);
    let right: Vec<(usize, &str)> =
        right.iter().map(|(value, label)| (letters(x.at(*value)), label.as_str())).collect();
    let base = (0..across).map(|i| if right.iter().any(|(at, _)| *at == i) { '┴' } else { '─' });
    lines.push(format!("{:gutter$} └{}", "", base.collect::<String>()));
    let what = (across / 2, chart.x.label.as_str());
    for below in [written(right.into_iter(), across), written(std::iter::once(what), across)] {
        lines.push(format!("{:gutter$}  {}", "", String::from_iter(below)));
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n").trim_end().to_owned()
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

    /// A line through places, in dots from the upper left.
    fn line(&mut self, places: &[Place]) {
        if let [place] = places {
            self.dot(*place);
        }
        for ends in places.windows(2) {
            let (from, to) = (ends[0], ends[1]);
            let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()).ceil().max(1.0);
            for step in 0..=steps as usize {
                let t = step as f64 / steps;
                self.dot((from.0 + t * (to.0 - from.0), from.1 + t * (to.1 - from.1)));
            }
        }
    }

    fn dot(&mut self, (x, y): Place) {
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
