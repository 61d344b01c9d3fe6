//! A made-up sweep as text and as a picture, and charts of nothing.

use super::*;
use crate::report::html::chart::{Axis, Band, Look, Scale, Series};
use crate::report::html::facts::Sweep;
use crate::report::html::rate_chart;

/// Falls from 1e-4 on, explodes from 0.1 on.
fn sweep() -> Chart {
    let rates: Vec<f64> = (0..=60).map(|i| 10_f64.powf(-6.0 + f64::from(i) / 10.0)).collect();
    let loss = |rate: f64| {
        let t = (rate.log10() / 3.0 + 4.0 / 3.0).clamp(0.0, 1.0);
        2.5 - 2.0 * t * t * (3.0 - 2.0 * t) + (3.0 * rate).powi(3)
    };
    let curve: Vec<(f64, f64)> = rates.iter().map(|&rate| (rate, loss(rate))).collect();
    let wobble = |i: usize| 0.3 * (i as f64 * 2.4).sin();
    let batches = curve.iter().enumerate().map(|(i, &(x, y))| (x, y + wobble(i))).collect();
    let mark = |at: f64, label: &str, strong| Mark {
        at,
        label: label.to_owned(),
        dot: Some(loss(at)),
        strong,
    };
    Chart {
        title: "find the head's rate".to_owned(),
        x: Axis::new("learning rate", Scale::Log),
        y: Axis { range: Some((0.2, 3.0)), ..Axis::new("training loss", Scale::Linear) },
        series: vec![
            Series::new("batch by batch", Look::Faint, 0, batches),
            Series::new("smoothed", Look::Line, 0, curve),
        ],
        marks: vec![
            mark(1e-3, "valley", false),
            mark(2e-3, "steep", false),
            mark(1.26e-2, "used: 1.3e-2", true),
        ],
        ..Chart::default()
    }
}

#[test]
fn a_terminal_shows_the_curve_and_its_marks() {
    insta::assert_snapshot!(terminal(&sweep(), 72), @r"
    find the head's rate
    training loss
                                          steep
                                      valley┊  used: 1.3e-2
    3 ┤                                  ┊  ┊        │                 ⡎
      │                                  ┊  ┊        │                 ⡇
      │⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠒⠒⠲⠤⣄⡀    ┊  ┊        │                 ⡇
      │                             ⠈⠑⠢⢄ ┊  ┊        │                ⢰⠁
    2 ┤                                 ⠉⠲⢄⡀┊        │                ⢸
      │                                  ┊ ⠉⠲⢄       │                ⡇
      │                                  ┊  ┊ ⠑⠢⣀    │               ⢠⠃
      │                                  ┊  ┊    ⠓⢤⡀ │               ⡜
    1 ┤                                  ┊  ┊      ⠈⠓⢤⡀             ⢰⠁
      │                                  ┊  ┊        │⠈⠑⠢⢄⣀        ⡰⠃
      │                                  ┊  ┊        │    ⠈⠉⠒⠒⠢⠤⠔⠒⠉
      │                                  ┊  ┊        │
      └┴─────────────────────┴──────────────────────┴──────────────────────┴
       1e-6                1e-4                   1e-2                   1e0
                                   learning rate
    ");
}

#[test]
fn a_terminal_s_lines_are_as_long_as_they_may_be() {
    for columns in [0, 10, 40, 72, 200] {
        let text = terminal(&sweep(), columns);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= columns.max(20), "{widest} of {columns}\n{text}");
    }
}

#[test]
fn a_gap_interrupts_a_terminal_s_line() {
    let mut chart = sweep();
    chart.marks.clear();
    let n_dots = |chart: &Chart| {
        let is_dots = |c: &char| ('\u{2801}'..='\u{28ff}').contains(c);
        terminal(chart, 72).chars().filter(is_dots).count()
    };
    let whole = n_dots(&chart);
    chart.series[1].points[30].1 = f64::NAN;
    assert!(n_dots(&chart) < whole);
}

#[test]
fn an_explosion_does_not_press_the_fall_flat() {
    let ends = |losses: &[f64]| {
        let rates = (0..losses.len()).map(|i| 10_f64.powi(i as i32 - 6)).collect();
        rate_chart(&Sweep { rates, losses: losses.to_vec(), ..Sweep::default() }).y.range
    };
    // As on cats and dogs, where losses of nearly nothing rose to 45.
    let (low, high) = ends(&[1.0, 1.1, 0.6, 0.3, 0.5, 45.0]).unwrap();
    assert!(low < 0.3 && (1.1..2.0).contains(&high), "{low} {high}");
    let (_, high) = ends(&[1.0, 0.6, 0.3, 0.4]).unwrap();
    assert!((1.0..1.2).contains(&high), "no higher than the highest: {high}");
    assert_eq!(ends(&[]), None);
    assert_eq!(ends(&[0.5, 0.5]), None);
}

#[test]
fn charts_of_nothing_are_drawn_all_the_same() {
    let empty = Chart::default();
    assert!(terminal(&empty, 60).contains('└'));
    assert!(png(&empty).unwrap().len() > 100);
    let mut nothing = sweep();
    nothing.series[1].points = vec![(f64::NAN, 1.0), (-1.0, 2.0), (1e-3, f64::INFINITY)];
    nothing.series[0].points.clear();
    assert!(terminal(&nothing, 60).contains("learning rate"));
    png(&nothing).unwrap();
}

#[test]
fn a_picture_shows_the_curve_where_it_is() {
    let bytes = png(&sweep()).unwrap();
    if let Some(path) = std::env::var_os("PLOT_OUT") {
        crate::fs::write_atomic(std::path::Path::new(&path), &bytes).unwrap();
    }
    let picture = image::load_from_memory(&bytes).unwrap().to_rgb8();
    assert_eq!(picture.width(), 1280);
    assert_eq!(picture.get_pixel(0, 0).0, [255; 3]);
    let is_curve = |pixel: &image::Rgb<u8>| {
        pixel.0.iter().zip([0x1f, 0x5f, 0x99]).all(|(a, b): (&u8, u8)| a.abs_diff(b) < 8)
    };
    let curve: Vec<(u32, u32)> = picture
        .enumerate_pixels()
        // Below the legend, whose swatch is of the same colour.
        .filter(|(_, y, pixel)| *y > 60 && is_curve(pixel))
        .map(|(x, y, _)| (x, y))
        .collect();
    let mean_height = |from: u32, to: u32| {
        let part: Vec<u32> =
            curve.iter().filter(|(x, _)| (from..to).contains(x)).map(|&(_, y)| y).collect();
        f64::from(part.iter().sum::<u32>()) / part.len() as f64
    };
    // Rates from 1e-6 to 1 lie between about 70 and 1240: flat up to 1e-4, lowest at about 0.1.
    let (start, lowest) = (mean_height(80, 400), mean_height(1000, 1060));
    assert!(lowest > start + 250.0, "{start} {lowest}");
    assert_eq!(bytes, png(&sweep()).unwrap(), "the same chart is the same file");
}

#[test]
fn bars_and_bands_are_drawn() {
    let mut chart = sweep();
    chart.x.scale = Scale::Linear;
    chart.series = vec![Series::new("", Look::Bars(0.1), 1, vec![(0.5, 2.0)])];
    chart.bands = vec![Band { from: 0.4, to: 0.6, label: "cycle 1".to_owned(), dark: true }];
    let with = image::load_from_memory(&png(&chart).unwrap()).unwrap().to_rgb8();
    chart.bands.clear();
    let without = image::load_from_memory(&png(&chart).unwrap()).unwrap().to_rgb8();
    assert!(with.pixels().any(|pixel| pixel.0 == [0xe6, 0xe4, 0xdd]));
    assert!(!without.pixels().any(|pixel| pixel.0 == [0xe6, 0xe4, 0xdd]));
    assert!(without.pixels().any(|pixel| pixel.0[0].saturating_sub(pixel.0[2]) > 40), "the bar");
}
