//! A made-up sweep as text, and charts of nothing.

use super::*;
use crate::report::html::chart::{Axis, Look, Scale, Series};
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
    let mut nothing = sweep();
    nothing.series[1].points = vec![(f64::NAN, 1.0), (-1.0, 2.0), (1e-3, f64::INFINITY)];
    nothing.series[0].points.clear();
    assert!(terminal(&nothing, 60).contains("learning rate"));
}
