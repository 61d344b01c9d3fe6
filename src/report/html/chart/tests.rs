//! Charts of made-up data, and of none.

use super::draw::{cut, px, thin};
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
