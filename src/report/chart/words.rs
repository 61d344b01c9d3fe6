//! What a chart says, in words: for who does not see it.

use super::model::{Chart, Look, Series};
use super::scale::label;

/// The title, and of each series what it comes to.
pub(super) fn said(chart: &Chart) -> String {
    let of_series = chart.series.iter().filter_map(|series| told(series, chart));
    let marks = chart.marks.iter().filter(|mark| mark.strong);
    let marks = marks.map(|mark| format!("marked at {}: {}", label(mark.at), mark.label));
    let told: Vec<String> = of_series.chain(marks).collect();
    match told.len() {
        0 => chart.title.clone(),
        _ => format!("{}: {}.", chart.title, told.join("; ")),
    }
}

fn told(series: &Series, chart: &Chart) -> Option<String> {
    let points = || series.points.iter().filter(|point| point.0.is_finite() && point.1.is_finite());
    let (first, last) = (points().next()?, points().next_back()?);
    let lowest = points().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let highest = points().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let name = if series.name.is_empty() { &chart.y.label } else { &series.name };
    let (x, n) = (&chart.x.label, points().count());
    let [from, to, low, high] = [first, last, lowest, highest].map(|point| label(point.1));
    Some(match series.look {
        // What lies behind, and what is compared with.
        Look::Faint | Look::Guide => return None,
        Look::Line | Look::Dots => format!(
            "{name} from {from} to {to}, lowest {low} at {x} {}, highest {high} at {x} {}",
            label(lowest.0),
            label(highest.0)
        ),
        Look::Points => format!("{name}: {n} points between {low} and {high}"),
        Look::Bars(_) => format!("{name} highest, {high}, at {x} {}", label(highest.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Axis, Scale};
    use super::*;

    #[test]
    fn a_chart_says_what_it_comes_to() {
        let points = vec![(1.0, 0.9), (2.0, f64::NAN), (3.0, 0.3), (4.0, 0.5)];
        let chart = Chart {
            title: "Loss".to_owned(),
            x: Axis::new("epoch", Scale::Linear),
            series: vec![
                Series::new("raw", Look::Faint, 0, points.clone()),
                Series::new("held out", Look::Dots, 0, points),
            ],
            ..Chart::default()
        };
        assert_eq!(
            said(&chart),
            "Loss: held out from 0.9 to 0.5, lowest 0.3 at epoch 3, highest 0.9 at epoch 1."
        );
        assert_eq!(said(&Chart { title: "Nothing".to_owned(), ..Chart::default() }), "Nothing");
    }
}
