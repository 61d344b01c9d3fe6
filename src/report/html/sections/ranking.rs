//! How well probabilities rank: receiver operating characteristics, for metrics that ask for nothing
//! else.

use maud::{Markup, html};

use super::super::facts::{Facts, Validation};
use super::super::markup::{or_dash, table, words};
use super::Section;
use crate::metric::Serving;
use crate::report::chart::{Axis, Chart, Look, Series, Width};

/// The most curves of one chart: there are no more inks that can be told apart.
const CURVES: usize = 6;
/// Points of a curve.
const POINTS: usize = 200;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    let validation = facts.validation.as_ref().filter(|validation| !validation.is_empty())?;
    if facts.about.metric.family().serves != Serving::AsTheyAre {
        return None;
    }
    let mut curves: Vec<Curve> = columns(validation).map(|at| Curve::of(validation, at)).collect();
    if curves.is_empty() {
        return None;
    }
    // The hardest first: they are what can be gained.
    curves.sort_by(|a, b| a.area.unwrap_or(1.0).total_cmp(&b.area.unwrap_or(1.0)));
    let body = html! {
        (chart(validation, &curves).figure(Width::Full))
        (areas(validation, &curves))
    };
    let lead =
        "Of the images that have the class, the share that a threshold finds, against the share \
                of the others that it takes for it: the area under the curve is how often an image \
                with the class is ranked above one without."
            .to_owned();
    Some(Section { id: "ranking", title: "Ranking", lead, body })
}

/// Of two classes one is enough: the other's curve is the same.
fn columns(validation: &Validation) -> impl Iterator<Item = usize> {
    let n = validation.n_classes();
    let from = usize::from(validation.kind.has_one_class() && n == 2);
    from..n
}

/// One class's.
struct Curve {
    class: usize,
    positives: usize,
    /// None where all images have the class, or none.
    area: Option<f64>,
    /// Shares of the images without and with the class that a threshold takes for it.
    points: Vec<(f64, f64)>,
}

impl Curve {
    fn of(validation: &Validation, class: usize) -> Self {
        let truths = validation.truth.classes();
        let mut rows: Vec<(f32, bool)> = validation
            .rows()
            .zip(truths)
            .map(|(row, truth)| (row[class], truth.contains(&class)))
            .collect();
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let positives = rows.iter().filter(|row| row.1).count();
        let negatives = rows.len() - positives;
        let (mut points, mut area) = (vec![(0.0, 0.0)], 0.0);
        let (mut with, mut without) = (0, 0);
        // Equal scores are one threshold.
        for tied in rows.chunk_by(|a, b| a.0 == b.0) {
            let of_class = tied.iter().filter(|row| row.1).count();
            let others = tied.len() - of_class;
            area += others as f64 * (with as f64 + of_class as f64 / 2.0);
            (with, without) = (with + of_class, without + others);
            points.push((share(without, negatives), share(with, positives)));
        }
        let step = points.len().div_ceil(POINTS).max(1);
        let last = points.last().copied();
        let mut points: Vec<(f64, f64)> = points.into_iter().step_by(step).collect();
        points.extend(last.filter(|last| points.last() != Some(last)));
        let known = positives > 0 && negatives > 0;
        let area = known.then(|| area / (positives as f64 * negatives as f64));
        Self { class, positives, area, points }
    }
}

fn share(part: usize, all: usize) -> f64 {
    part as f64 / all.max(1) as f64
}

fn chart(validation: &Validation, curves: &[Curve]) -> Chart {
    let guide = Series::new("by chance", Look::Guide, 0, vec![(0.0, 0.0), (1.0, 1.0)]);
    let drawn = curves.iter().filter(|curve| curve.area.is_some()).take(CURVES).enumerate();
    let line = |(ink, curve): (usize, &Curve)| {
        let name = words(&validation.name(curve.class));
        Series::new(&name, Look::Line, ink, curve.points.clone())
    };
    Chart {
        title: "Found, against taken for it in error".to_owned(),
        x: Axis::between("share of the others", 0.0, 1.0),
        y: Axis::between("share found", 0.0, 1.0),
        series: std::iter::once(guide).chain(drawn.map(line)).collect(),
        height: 280.0,
        ..Chart::default()
    }
}

fn areas(validation: &Validation, curves: &[Curve]) -> Markup {
    let head = html! { th { "class" } th.n { "images" } th.n { "area under the curve" } };
    let rows = html! {
        @for curve in curves {
            tr {
                td { (words(&validation.name(curve.class))) }
                td.n { (curve.positives) }
                td.n { (or_dash(curve.area.map(|area| format!("{area:.4}")))) }
            }
        }
    };
    let areas = curves.iter().filter_map(|curve| Some((curve.area?, curve.class)));
    let least = areas.min_by(|a, b| a.0.total_cmp(&b.0));
    let caption = least.map_or_else(String::new, |(area, class)| {
        format!("Areas under the curves: least, {area:.4}, of {}", words(&validation.name(class)))
    });
    table(&caption, &head, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;
    use crate::target::{Predictions, TargetKind, Truth};

    #[test]
    fn areas_are_scikit_learn_s() {
        // sklearn.metrics.roc_auc_score([0, 0, 1, 1, 1], [.1, .4, .35, .8, .4]) = .75
        let scores = [0.1, 0.4, 0.35, 0.8, 0.4];
        let cells = scores.iter().flat_map(|&p| [1.0 - p, p]).collect();
        let classes = ["no", "yes"].map(str::to_owned).to_vec().into();
        let ids = (0..5).map(|i| i.to_string()).collect();
        let validation = Validation {
            predictions: Predictions { ids, probabilities: Table::new(cells, 2), classes },
            kind: TargetKind::SingleLabel,
            truth: Truth::Classes([0, 0, 1, 1, 1].map(|class| vec![class]).to_vec()),
            called: std::collections::BTreeMap::new(),
        };
        assert_eq!(columns(&validation).collect::<Vec<_>>(), [1]);
        let curve = Curve::of(&validation, 1);
        assert!((curve.area.unwrap() - 0.75).abs() < 1e-9, "{:?}", curve.area);
        assert_eq!(curve.points.last(), Some(&(1.0, 1.0)));
        let mut alike = validation.clone();
        alike.truth = Truth::Classes(vec![vec![1]; 5]);
        assert_eq!(Curve::of(&alike, 1).area, None);
    }
}
