//! Charts of made-up data, and of none.

use super::layout::cut;
use super::svg::{px, thin};
use super::*;

fn chart(points: Vec<(f64, f64)>) -> Chart {
    Chart {
        title: "loss <by> rate".to_owned(),
        x: Axis::new("learning rate", Scale::Log),
        y: Axis::new("loss", Scale::Linear),
        series: vec![Series::new("smoothed & raw", Look::Line, 0, points)],
        height: 160.0,
        ..Chart::default()
    }
}

#[test]
fn texts_are_escaped_in_figures_and_files() {
    for text in [
        chart(vec![(1e-4, 1.0), (1e-2, 0.5)]).figure(Width::Full).into_string(),
        chart(vec![(1e-4, 1.0), (1e-2, 0.5)]).standalone(),
    ] {
        assert!(text.contains("loss &lt;by&gt; rate"), "{text}");
        assert!(!text.contains("<by>"), "{text}");
    }
}

#[test]
fn a_file_of_its_own_needs_no_variables() {
    let text = chart(vec![(1e-4, 1.0), (1e-2, 0.5)]).standalone();
    assert!(text.starts_with("<svg ") && text.ends_with("</svg>"), "{text}");
    assert!(!text.contains("var("), "{text}");
}

#[test]
fn a_chart_of_nothing_still_has_its_axes() {
    for points in [vec![], vec![(f64::NAN, 1.0)], vec![(-1.0, 2.0)], vec![(1e-3, f64::INFINITY)]] {
        let text = chart(points).figure(Width::Half).into_string();
        assert!(text.contains("learning rate"));
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
fn a_gap_interrupts_a_line() {
    let text = chart(vec![(1e-4, 1.0), (1e-3, 0.8), (3e-3, f64::NAN), (1e-2, 0.5), (1e-1, 0.9)])
        .standalone();
    let path = text.split("d=\"").nth(1).and_then(|rest| rest.split('"').next());
    assert_eq!(path.map(|d| d.matches('M').count()), Some(2), "{text}");
}

#[test]
fn labels_of_neighbours_stand_above_each_other() {
    let mut crowded = chart(vec![(1e-5, 1.0), (1.0, 0.5)]);
    let mark =
        |at: f64, label: &str| Mark { at, label: label.to_owned(), dot: None, strong: false };
    crowded.marks =
        vec![mark(1.1e-3, "valley"), mark(1e-3, "steep"), mark(0.5, "slide"), mark(9.0, "beyond")];
    let text = crowded.standalone();
    let height_of = |label: &str| {
        let tag =
            text.split(&format!(">{label}</text>")).next().and_then(|t| t.rsplit("y=\"").next());
        tag.and_then(|t| t.split('"').next()).map(str::to_owned)
    };
    assert_ne!(height_of("valley"), height_of("steep"));
    assert_eq!(height_of("steep"), height_of("slide"));
    assert!(!text.contains("beyond"), "a place outside the axis is not shown");
}

#[test]
fn thinning_keeps_every_spike() {
    let mut points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), 1.0)).collect();
    points[4321].1 = 9.0;
    points[77].1 = -3.0;
    let kept = thin(&points, 400);
    assert!(kept.len() <= 400 && kept.len() >= 200, "{}", kept.len());
    assert!(kept.contains(&points[4321]) && kept.contains(&points[77]));
    assert!(kept.contains(&points[0]) && kept.contains(&points[9999]));
}

#[test]
fn a_line_ends_where_it_leaves_the_plot() {
    let line = [(0.0, 50.0), (10.0, 150.0), (20.0, 150.0), (30.0, 50.0), (40.0, -50.0)];
    let parts = cut(&line, 0.0, 100.0);
    assert_eq!(
        parts,
        [vec![(0.0, 50.0), (5.0, 100.0)], vec![(25.0, 100.0), (30.0, 50.0), (35.0, 0.0)]]
    );
    assert!(cut(&[(0.0, 500.0), (1.0, 600.0)], 0.0, 100.0).is_empty());
    assert_eq!(cut(&[(0.0, 5.0)], 0.0, 100.0), [vec![(0.0, 5.0)]]);
}

#[test]
fn lengths_are_short() {
    assert_eq!([1.0, 2.34, -0.04, 100.06].map(px), ["1", "2.3", "0", "100.1"]);
}

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
fn charts_of_nothing_are_drawn_all_the_same() {
    let empty = Chart::default();
    assert!(terminal(&empty, 60).contains('└'));
    let mut nothing = sweep();
    nothing.series[1].points = vec![(f64::NAN, 1.0), (-1.0, 2.0), (1e-3, f64::INFINITY)];
    nothing.series[0].points.clear();
    assert!(terminal(&nothing, 60).contains("learning rate"));
}
