//! A chart as a PNG, for places that take no SVG: chats, slides, notebooks.

use anyhow::Result;

use super::sheet::{Anchor, Ink, LETTER, Pen, Sheet};
use super::{Label, labels, pieces, points, spans};
use crate::report::html::chart::scale::Span;
use crate::report::html::chart::{Chart, Look, Series};

/// Width of the picture and height of the plot, in pixels.
const WIDTH: f64 = 1280.0;
const HEIGHT: f64 = 480.0;

/// Room around things.
const MARGIN: f64 = 20.0;
const GAP: f64 = 8.0;

/// Height of a line of text.
const LINE: f64 = LETTER.1 + 4.0;

const PAPER: Ink = [255; 4];
const TEXT: Ink = [0x1f, 0x23, 0x28, 255];
const QUIET: Ink = [0x64, 0x6b, 0x73, 255];
const RULE: Ink = [0xd9, 0xdc, 0xe0, 255];
const BANDS: [Ink; 2] = [[0xf3, 0xf2, 0xee, 255], [0xe6, 0xe4, 0xdd, 255]];
const SERIES: [Ink; 4] = [
    [0x1f, 0x5f, 0x99, 255],
    [0xb4, 0x52, 0x1a, 255],
    [0x2f, 0x7d, 0x4f, 255],
    [0x7a, 0x4f, 0xa3, 255],
];
/// Dashes that tell series apart without colours.
const DASHES: [&[f32]; 4] = [&[], &[14.0, 6.0], &[4.0, 6.0], &[16.0, 6.0, 4.0, 6.0]];

/// The chart as the bytes of a PNG file, on white.
pub fn png(chart: &Chart) -> Result<Vec<u8>> {
    let (_, y) = spans(chart, 0.0, HEIGHT);
    let up = y.ticks((HEIGHT / 80.0) as usize);
    let widest = up.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0);
    let left = MARGIN + widest as f64 * LETTER.0 + GAP;
    let right = WIDTH - 2.0 * MARGIN;
    let (x, _) = spans(chart, right - left, 0.0);
    let x = Span { from: left, to: right, ..x };
    let marks = labels(chart, x, LETTER.0, (MARGIN, WIDTH - MARGIN));
    let n_rows = marks.iter().map(|label| label.row + 1).max().unwrap_or(0);
    let heading = MARGIN + 2.0 * LINE;
    let top = heading + n_rows as f64 * LINE + GAP;
    let (bottom, y) = (top + HEIGHT, Span { from: top + HEIGHT, to: top, ..y });
    let height = bottom + GAP + 2.0 * LINE + MARGIN;
    let mut sheet = Sheet::new(WIDTH as u32, height.ceil() as u32)?;

    for band in &chart.bands {
        let ink = BANDS[usize::from(band.dark)];
        sheet.rectangle((x.at(band.from), top), (x.at(band.to), bottom), ink);
        sheet.text((x.at(band.from) + GAP, top + LINE), Anchor::Left, &band.label, QUIET);
    }
    let thin = |ink| Pen { ink, width: 1.5, dash: &[] };
    for (value, label) in &up {
        let y = y.at(*value);
        sheet.line(&[(left, y), (right, y)], thin(RULE));
        sheet.text((left - GAP, y), Anchor::Right, label, QUIET);
    }
    sheet.line(&[(left, bottom), (right, bottom)], thin(QUIET));
    for (value, label) in x.ticks(((right - left) / 130.0) as usize) {
        let x = x.at(value);
        sheet.line(&[(x, bottom), (x, bottom + GAP)], thin(QUIET));
        sheet.text((x, bottom + GAP + LINE / 2.0), Anchor::Middle, &label, QUIET);
    }
    let middle = f64::midpoint(left, right);
    sheet.text((middle, bottom + GAP + 1.5 * LINE), Anchor::Middle, &chart.x.label, TEXT);
    sheet.text((MARGIN, MARGIN + LINE / 2.0), Anchor::Left, &chart.title, TEXT);
    sheet.text((MARGIN, MARGIN + 1.5 * LINE), Anchor::Left, &chart.y.label, QUIET);
    legend(&mut sheet, chart, right, MARGIN + LINE / 2.0);
    for series in &chart.series {
        draw(&mut sheet, series, x, y);
    }
    let text_y = |row: usize| top - GAP - (row as f64 + 0.5) * LINE;
    for Label { mark, row, .. } in &marks {
        let (ink, width) = if mark.strong { (TEXT, 2.5) } else { (QUIET, 1.5) };
        let dash: &[f32] = if mark.strong { &[] } else { &[6.0, 6.0] };
        let x = x.at(mark.at);
        sheet.line(&[(x, text_y(*row) + LINE / 2.0), (x, bottom)], Pen { ink, width, dash });
        if let Some(value) = mark.dot.filter(|&value| y.scale.shows(value)) {
            sheet.dot((x, y.at(value)), if mark.strong { 8.0 } else { 6.0 }, ink);
        }
    }
    // After all lines and on white, so that no line runs through a label.
    for Label { mark, row, middle } in &marks {
        let (y, half) = (text_y(*row), mark.label.chars().count() as f64 * LETTER.0 / 2.0 + 2.0);
        let (top, bottom) = (y - LETTER.1 / 2.0, y + LETTER.1 / 2.0);
        sheet.rectangle((middle - half, top), (middle + half, bottom), PAPER);
        sheet.text(
            (*middle, y),
            Anchor::Middle,
            &mark.label,
            if mark.strong { TEXT } else { QUIET },
        );
    }
    sheet.encode()
}

fn draw(sheet: &mut Sheet, series: &Series, x: Span, y: Span) {
    let ink = SERIES[series.ink % SERIES.len()];
    if let Look::Bars(wide) = series.look {
        let [red, green, blue, _] = ink;
        for point in series.points.iter().filter(|p| x.scale.shows(p.0) && y.scale.shows(p.1)) {
            let (left, right) = (x.at(point.0 - wide / 2.0), x.at(point.0 + wide / 2.0));
            sheet.rectangle((left, y.from), (right, y.at(point.1)), [red, green, blue, 97]);
        }
        return;
    }
    if series.look != Look::Points {
        for piece in pieces(series, x, y) {
            sheet.line(&piece, pen(series));
        }
    }
    if matches!(series.look, Look::Dots | Look::Points) {
        for point in points(series, x, y) {
            sheet.dot(point, 5.0, ink);
        }
    }
}

fn pen(series: &Series) -> Pen {
    let [red, green, blue, _] = SERIES[series.ink % SERIES.len()];
    match series.look {
        Look::Faint => Pen { ink: [red, green, blue, 82], width: 1.5, dash: &[] },
        Look::Guide => Pen { ink: QUIET, width: 1.5, dash: &[3.0, 6.0] },
        Look::Line | Look::Dots | Look::Points | Look::Bars(_) => {
            let dash = DASHES[series.ink % DASHES.len()];
            Pen { ink: [red, green, blue, 255], width: 3.0, dash }
        }
    }
}

/// The names of the series, one line up to the right, where there are several.
fn legend(sheet: &mut Sheet, chart: &Chart, right: f64, y: f64) {
    let named: Vec<&Series> = chart.series.iter().filter(|s| !s.name.is_empty()).collect();
    if named.len() < 2 {
        return;
    }
    let mut x = right;
    for series in named.into_iter().rev() {
        sheet.text((x, y), Anchor::Right, &series.name, QUIET);
        x -= series.name.chars().count() as f64 * LETTER.0 + GAP;
        sheet.line(&[(x - 40.0, y), (x, y)], pen(series));
        x -= 40.0 + 3.0 * GAP;
    }
}
