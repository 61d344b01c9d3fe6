//! Tag by tag: how well each is found, at which threshold, and with which others it stands.

use maud::{Markup, html};

use super::super::chart::{Axis, Chart, Look, Mark, Scale, Series, Width, label};
use super::super::decided::{decided, thresholds_of};
use super::super::facts::{Facts, Outcome};
use super::super::markup::{self, bar, cell, percent, words};
use super::Section;
use crate::metric::{TagCounts, mean_fbeta};
use crate::predict::Decision;
use crate::target::{TargetKind, n_hot};

/// The competition's beta: recall counts four times as much as precision.
const BETA: f64 = 2.0;
/// Thresholds at which curves are drawn: every hundredth between the ends.
const GRID: std::ops::RangeInclusive<usize> = 1..=99;
/// Size of a tag's little curve, in pixels.
const SPARK: (f64, f64) = (110.0, 26.0);

pub(super) fn section(facts: &Facts) -> Option<Section> {
    let outcome = facts.outcome.as_ref().filter(|outcome| !outcome.is_empty())?;
    if outcome.kind == TargetKind::SingleLabel {
        return None;
    }
    let thresholds = thresholds_of(facts.decision.as_ref(), &outcome.classes);
    let answered = decided(outcome, &thresholds);
    let body = html! {
        @if let Some(decision) = &facts.decision { p { "Decided: " (decision) "." } }
        (global(outcome, facts.decision.as_ref()).figure(Width::Full))
        h3 { "Tag by tag, the hardest first" }
        (table(outcome, &answered, &thresholds))
        h3 { "Which tags stand together" }
        p.quiet {
            "Of the images held out that have the tag of the row, the share that has the tag of the \
            column too; on the diagonal, how many have the tag."
        }
        (together(outcome, &outcome.truth))
        details {
            summary { "the same of the answers" }
            (together(outcome, &answered))
        }
    };
    let lead = "Found is recall, right is precision; F2 is their mean with recall counted four \
                times, here over images, tag by tag."
        .to_owned();
    Some(Section { id: "tags", title: "Tags", lead, body })
}

/// The score by one threshold for all tags.
fn global(outcome: &Outcome, decision: Option<&Decision>) -> Chart {
    let n = outcome.classes.len();
    let truth: Vec<bool> =
        n_hot(outcome.truth.iter().map(Vec::as_slice), n).iter().map(|&tag| tag == 1.0).collect();
    let score = |threshold: f64| {
        let answered = decided(outcome, &vec![threshold; n]);
        let hot = n_hot(answered.iter().map(Vec::as_slice), n);
        let answered: Vec<bool> = hot.iter().map(|&tag| tag == 1.0).collect();
        mean_fbeta(&truth, &answered, n, BETA)
    };
    let points = GRID.map(|i| i as f64 / 100.0).map(|t| (t, score(t))).collect();
    let marks = match decision {
        Some(Decision::Thresholds(thresholds)) => vec![Mark {
            at: thresholds.global,
            label: format!("best: {}, F2 {:.4}", thresholds.global, thresholds.global_score),
            dot: Some(score(thresholds.global)),
            strong: true,
        }],
        _ => Vec::new(),
    };
    Chart {
        title: "Mean F2 over images by one threshold for all tags".to_owned(),
        x: Axis::between("threshold", 0.0, 1.0),
        y: Axis::new("mean F2", Scale::Linear),
        series: vec![Series::new("", Look::Line, 0, points)],
        marks,
        height: 170.0,
        ..Chart::default()
    }
}

struct Tag {
    /// Its place among the classes.
    class: usize,
    counts: TagCounts,
    /// F2 at each threshold of the grid.
    curve: Vec<f64>,
}

fn table(outcome: &Outcome, answered: &[Vec<usize>], thresholds: &[f64]) -> Markup {
    let has = |tags: &[usize], tag| tags.contains(&tag);
    let of = |tag: usize| {
        let pairs = outcome.truth.iter().zip(answered);
        let counts = TagCounts::count(pairs.map(|(t, a)| (has(t, tag), has(a, tag))));
        let at = |threshold: f64| {
            let pairs = outcome.rows().zip(&outcome.truth);
            let pair = |(row, truth): (&[f32], &Vec<usize>)| {
                (has(truth, tag), f64::from(row[tag]) > threshold)
            };
            TagCounts::count(pairs.map(pair)).fbeta(BETA)
        };
        Tag { class: tag, counts, curve: GRID.map(|i| at(i as f64 / 100.0)).collect() }
    };
    let mut tags: Vec<Tag> = (0..outcome.classes.len()).map(of).collect();
    // A tag that no image held out has is neither hard nor easy: it comes last.
    tags.sort_by(|a, b| {
        let key = |tag: &Tag| (tag.counts.truth == 0, tag.counts.fbeta(BETA));
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th { "tag" } th.n { "images" } th.n { "found" } th.n { "right" } th.n { "F2" } th.track {}
                        th.n { "threshold" } th { "F2 by threshold" }
                    }
                }
                tbody {
                    @for Tag { class, counts, curve } in &tags {
                        @let f2 = counts.fbeta(BETA);
                        tr {
                            td { (words(outcome.name(*class))) }
                            td.n { (counts.truth) }
                            @if counts.truth == 0 {
                                td.n { "–" } td.n { "–" } td.n { "–" } td.track {}
                            } @else {
                                td.n { (percent(counts.recall())) }
                                td.n { (percent(counts.precision())) }
                                td.n { (format!("{f2:.3}")) }
                                td.track { (bar(f2)) }
                            }
                            td.n { (label(thresholds[*class])) }
                            td { (spark(curve, thresholds[*class])) }
                        }
                    }
                }
            }
        }
    }
}

/// A curve so small that it needs no axes: from 0 to 1 both ways, the threshold marked.
fn spark(curve: &[f64], threshold: f64) -> Markup {
    let (width, height) = SPARK;
    let place = |(i, f2): (usize, &f64)| {
        let x = (i + 1) as f64 / 100.0 * width;
        format!("{x:.1} {:.1}", 1.0 + (height - 2.0) * (1.0 - f2))
    };
    let points: Vec<String> = curve.iter().enumerate().map(place).collect();
    let best = curve.iter().copied().fold(0.0_f64, f64::max);
    let x = format!("{:.1}", threshold.clamp(0.0, 1.0) * width);
    html! {
        svg.spark width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) role="img"
            aria-label=(format!("F2 by threshold, at most {best:.3}")) {
            line.base x1="0" x2=(width) y1=(height - 0.5) y2=(height - 0.5) {}
            line.threshold x1=(x) x2=(x) y1="0" y2=(height) {}
            path class="line s0" d=(format!("M{}", points.join("L"))) {}
        }
    }
}

/// The shares of tags among the images of each tag.
fn together(outcome: &Outcome, tags: &[Vec<usize>]) -> Markup {
    let n = outcome.classes.len();
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
        let (of, with) = (words(outcome.name(a)), words(outcome.name(b)));
        if a == b {
            format!("{} images of {of}", counts[a * n + a])
        } else {
            format!("{} of {} of {of} have {with}", counts[a * n + b], counts[a * n + a])
        }
    };
    markup::matrix(
        n,
        |tag| words(outcome.name(tag)),
        |a, b| cell(if a == b { 0.0 } else { share(a, b) }, &text(a, b), &tip(a, b), a == b),
    )
}
