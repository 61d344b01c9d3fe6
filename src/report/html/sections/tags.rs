//! Tag by tag: how well each is found, at which threshold, and with which others it stands.

use maud::{Markup, html};

use super::super::decided::decided;
use super::super::facts::{Facts, Validation};
use super::super::markup::{self, bar, cell, percent, words};
use super::Section;
use crate::decide::Decision;
use crate::decide::tags::threshold::decide;
use crate::metric::{Averages, TagCounts, averages, mean_fbeta};
use crate::report::chart::{Axis, Chart, Look, Mark, Scale, Series, Width, label};
use crate::table::Table;
use crate::target::{TargetKind, tagged};
use crate::term;

/// Thresholds at which curves are drawn: every hundredth between the ends.
const GRID: std::ops::RangeInclusive<usize> = 1..=99;
/// Size of a tag's little curve, in pixels.
const SPARK: (f64, f64) = (110.0, 26.0);

pub(super) fn section(facts: &Facts) -> Option<Section> {
    let validation = facts.validation.as_ref().filter(|validation| !validation.is_empty())?;
    if validation.kind != TargetKind::MultiLabel {
        return None;
    }
    let (decision, beta) = (facts.decision.as_ref(), facts.about.metric.number().unwrap_or(2.0));
    let answered = decided(validation, decision);
    let threshold = decision.and_then(Decision::threshold);
    let n = validation.n_classes();
    let averages = averages(&hot(validation.classes(), n), &hot(&answered, n), beta);
    let body = html! {
        @if let Some(decision) = decision { p { "Decided: " (decision) "." } }
        (means(&averages, beta))
        (global(validation, threshold, beta).figure(Width::Full))
        h3 { "Tag by tag, the hardest first" }
        (table(validation, &averages.per_tag, threshold, beta))
        h3 { "Which tags stand together" }
        p.quiet {
            "Of the images held out that have the tag of the row, the share that has the tag of the \
            column too; on the diagonal, how many have the tag."
        }
        (together("Tags that stand together in truth", validation, validation.classes()))
        details {
            summary { "the same of the answers" }
            (together("Tags that stand together in the answers", validation, &answered))
        }
    };
    let lead = format!(
        "Found is recall, right is precision; F{beta} is their mean with recall counted {} times, \
         here over images, tag by tag.",
        beta * beta
    );
    Some(Section { id: "tags", title: "Tags", lead, body })
}

/// Lists of tags as `[n, classes]`.
fn hot(tags: &[Vec<usize>], n_classes: usize) -> Table<bool> {
    tagged(tags.iter().map(Vec::as_slice), n_classes)
}

/// Precision, recall and F-beta, averaged in three ways.
fn means(averages: &Averages, beta: f64) -> Markup {
    let lines = [
        ("over images, as it is scored", averages.samples),
        ("over all answers (micro)", averages.micro),
        ("over tags (macro)", averages.tag_mean),
    ];
    let head = html! { th { "mean" } th.n { "found" } th.n { "right" } th.n { "F" (beta) } };
    let rows = html! {
        @for (name, scores) in lines {
            tr {
                td { (name) }
                td.n { (percent(scores.recall)) }
                td.n { (percent(scores.precision)) }
                td.n { (format!("{:.5}", scores.fbeta)) }
            }
        }
    };
    let caption = format!("Means: F{beta} is {:.5} over images", averages.samples.fbeta);
    markup::table(&caption, &head, &rows)
}

/// The score by one threshold for all tags.
fn global(validation: &Validation, single: Option<f64>, beta: f64) -> Chart {
    let n = validation.n_classes();
    let truth = hot(validation.classes(), n);
    let score = |threshold: f64| {
        let answered: Vec<Vec<usize>> =
            validation.rows().map(|row| decide(row, |_| threshold)).collect();
        mean_fbeta(&truth, &hot(&answered, n), beta)
    };
    let points = GRID.map(|i| i as f64 / 100.0).map(|t| (t, score(t))).collect();
    let mark = |at: f64| Mark {
        at,
        label: format!("best: {at}, F{beta} {:.4}", score(at)),
        dot: Some(score(at)),
        strong: true,
    };
    let marks = single.map(mark).into_iter().collect();
    Chart {
        title: format!("Mean F{beta} over images by one threshold for all tags"),
        x: Axis::between("threshold", 0.0, 1.0),
        y: Axis::new(format!("mean F{beta}"), Scale::Linear),
        series: vec![Series::new("", Look::Line, 0, points)],
        marks,
        height: 170.0,
        ..Chart::default()
    }
}

fn table(
    validation: &Validation,
    per_tag: &[TagCounts],
    threshold: Option<f64>,
    beta: f64,
) -> Markup {
    let mut tags: Vec<usize> = (0..validation.n_classes()).collect();
    // A tag that no image held out has is neither hard nor easy: it comes last.
    tags.sort_by(|&a, &b| {
        let key = |tag: usize| (per_tag[tag].truth == 0, per_tag[tag].fbeta(beta));
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    let head = html! {
        th { "tag" } th.n { "images" } th.n { "found" } th.n { "right" } th.n { "F" (beta) } th.track {}
        @if threshold.is_some() { th.n { "threshold" } }
        th { "F" (beta) " by threshold" }
    };
    let rows = html! {
        @for tag in tags {
            @let counts = per_tag[tag];
            tr {
                td { (words(&validation.name(tag))) }
                td.n { (counts.truth) }
                @if counts.truth == 0 {
                    td.n { "–" } td.n { "–" } td.n { "–" } td.track {}
                } @else {
                    td.n { (percent(counts.recall())) }
                    td.n { (percent(counts.precision())) }
                    td.n { (format!("{:.3}", counts.fbeta(beta))) }
                    td.track { (bar(counts.fbeta(beta))) }
                }
                @if let Some(threshold) = threshold { td.n { (label(threshold)) } }
                td { (spark(&curve(validation, tag, beta), threshold)) }
            }
        }
    };
    let n_missed = per_tag.iter().filter(|tag| tag.truth > 0 && tag.recall() == 0.0).count();
    let caption = match n_missed {
        0 => "Every tag that was held out was found at least once".to_owned(),
        n => format!("{} never found", term::count(n, "tag")),
    };
    markup::table(&caption, &head, &rows)
}

/// A tag's F-beta at each threshold of the grid.
fn curve(validation: &Validation, tag: usize, beta: f64) -> Vec<f64> {
    let at = |threshold: f64| {
        let pairs = validation.rows().zip(validation.classes());
        let pair = |(row, truth): (&[f32], &Vec<usize>)| {
            (truth.contains(&tag), f64::from(row[tag]) > threshold)
        };
        TagCounts::count(pairs.map(pair)).fbeta(beta)
    };
    GRID.map(|i| at(i as f64 / 100.0)).collect()
}

/// A curve so small that it needs no axes: from 0 to 1 both ways, the threshold marked.
fn spark(curve: &[f64], threshold: Option<f64>) -> Markup {
    let (width, height) = SPARK;
    let place = |(i, f2): (usize, &f64)| {
        let x = (i + 1) as f64 / 100.0 * width;
        format!("{x:.1} {:.1}", 1.0 + (height - 2.0) * (1.0 - f2))
    };
    let points: Vec<String> = curve.iter().enumerate().map(place).collect();
    let best = curve.iter().copied().fold(0.0_f64, f64::max);
    let x = threshold.map(|at| format!("{:.1}", at.clamp(0.0, 1.0) * width));
    html! {
        svg.spark width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) role="img"
            aria-label=(format!("F-beta by threshold, at most {best:.3}")) {
            line.base x1="0" x2=(width) y1=(height - 0.5) y2=(height - 0.5) {}
            @if let Some(x) = x { line.threshold x1=(x) x2=(x) y1="0" y2=(height) {} }
            path class="line s0" d=(format!("M{}", points.join("L"))) {}
        }
    }
}

/// The shares of tags among the images of each tag.
fn together(caption: &str, validation: &Validation, tags: &[Vec<usize>]) -> Markup {
    let n = validation.n_classes();
    let mut counts = vec![0usize; n * n];
    for tags in tags {
        for &a in tags {
            for &b in tags {
                counts[a * n + b] += 1;
            }
        }
    }
    let share = |a: usize, b: usize| counts[a * n + b] as f64 / counts[a * n + a].max(1) as f64;
    let text = |a: usize, b: usize| match (a == b, (share(a, b) * 100.0).round()) {
        (true, _) => counts[a * n + a].to_string(),
        (_, 0.0) => String::new(),
        (_, percent) => format!("{percent}"),
    };
    let tip = |a: usize, b: usize| {
        let (of, with) = (words(&validation.name(a)), words(&validation.name(b)));
        if a == b {
            format!("{} images of {of}", counts[a * n + a])
        } else {
            format!("{} of {} of {of} have {with}", counts[a * n + b], counts[a * n + a])
        }
    };
    markup::matrix(
        caption,
        n,
        |tag| words(&validation.name(tag)),
        |a, b| cell(if a == b { 0.0 } else { share(a, b) }, &text(a, b), &tip(a, b), a == b),
    )
}
