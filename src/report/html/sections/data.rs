//! The images: how many of each class, and which are there twice.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::super::facts::{ClassCount, Facts, NamedDuplicates};
use super::super::markup::{self, words};
use super::Section;
use crate::dataset::Found;
use crate::report::chart::{Axis, Chart, Look, Series, Width};
use crate::term;

/// The most classes that are listed at once; more are drawn, and listed on demand.
const LISTED: usize = 30;
/// The most groups of duplicates that are listed.
const GROUPS: usize = 12;
/// The most ids of a group.
const IDS: usize = 6;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    if facts.counts.is_empty() && facts.duplicates.is_none() && facts.found.is_none() {
        return None;
    }
    let about = &facts.about;
    let names = facts.found.as_ref().map(|found| found.names.clone()).unwrap_or_default();
    let body = html! {
        @if !facts.counts.is_empty() { (counts(&facts.counts, &names)) }
        @if let Some(found) = &facts.duplicates { (duplicates(found)) }
        @if let Some(found) = &facts.found { (folder(found)) }
    };
    let lead = format!(
        "{} trained on, {} held out.",
        term::count(about.train_images, "image"),
        term::thousands(about.valid_images)
    );
    Some(Section { id: "data", title: "Data", lead, body })
}

fn counts(counts: &[ClassCount], names: &BTreeMap<String, String>) -> Markup {
    let mut sorted: Vec<&ClassCount> = counts.iter().collect();
    sorted.sort_by_key(|count| std::cmp::Reverse(count.train + count.valid));
    if sorted.len() <= LISTED {
        return table(&sorted, names);
    }
    let total = |count: &ClassCount| count.train + count.valid;
    let bars: Vec<(f64, f64)> =
        sorted.iter().enumerate().map(|(i, c)| (i as f64 + 1.0, total(c) as f64)).collect();
    let tips = sorted.iter().map(|c| format!("{}: {}", words(&c.class), total(c))).collect();
    let most = total(sorted[0]) as f64;
    let median = total(sorted[sorted.len() / 2]);
    let chart = Chart {
        title: format!(
            "Images of each of {} classes: from {} to {}, half of them at least {median}",
            sorted.len(),
            sorted.last().map_or(0, |count| total(count)),
            total(sorted[0])
        ),
        x: Axis::between("classes, the most frequent first", 0.0, sorted.len() as f64 + 1.0),
        y: Axis::between("images", 0.0, most * 1.05),
        series: vec![Series { tips, ..Series::new("", Look::Bars(1.0), 0, bars) }],
        height: 130.0,
        ..Chart::default()
    };
    html! {
        (chart.figure(Width::Full))
        details { summary { "every class" } (table(&sorted, names)) }
    }
}

/// With `names` beside the classes, where there are some.
fn table(counts: &[&ClassCount], names: &BTreeMap<String, String>) -> Markup {
    let most = counts.iter().map(|c| c.train + c.valid).max().unwrap_or(1).max(1) as f64;
    let width = |n: usize| format!("width:{:.1}%", n as f64 / most * 100.0);
    let head = html! {
        th { "class" } th.n { "trained on" } th.n { "held out" } th.track { "filled and outlined" }
    };
    let rows = html! {
        @for count in counts {
            tr {
                td {
                    (words(&count.class))
                    @if let Some(name) = names.get(&count.class) { ": " (words(name)) }
                }
                td.n { (term::thousands(count.train)) }
                td.n { (term::thousands(count.valid)) }
                td.track {
                    span.pair {
                        @if count.train > 0 { span.bar style=(width(count.train)) {} }
                        @if count.valid > 0 { span.bar.outline style=(width(count.valid)) {} }
                    }
                }
            }
        }
    };
    let caption = format!("{}, the most frequent first", term::count(counts.len(), "line"));
    markup::table(&caption, &head, &rows)
}

/// What was found in the data folder before training, and what there is to look at.
fn folder(found: &Found) -> Markup {
    let head = html! { th { "found" } th.n { "count" } th {} };
    let rows = html! {
        @for [what, n, word] in found.rows() {
            tr { td { (what) } td.n { (n) } td { (word) } }
        }
    };
    html! {
        h3 { "The data folder" }
        @for warning in &found.warnings { p.wrong { (warning) } }
        (markup::table("What the data folder holds", &head, &rows))
        @for note in &found.notes { p.quiet { (note) } }
    }
}

fn duplicates(found: &NamedDuplicates) -> Markup {
    let NamedDuplicates { groups, across, conflicts } = found;
    let n_images: usize = groups.iter().map(Vec::len).sum();
    html! {
        h3 { "Duplicates" }
        @if groups.is_empty() && across.is_empty() {
            p { "No two images show the same." }
        } @else {
            p {
                (term::count(groups.len(), "group")) " of training images that show the same, "
                (term::count(n_images, "image")) " in all, kept on one side of every split; "
                (term::count(across.len(), "test image")) " that "
                @if across.len() == 1 { "shows" } @else { "show" } " the same as a training image."
            }
        }
        @if !conflicts.is_empty() {
            p.wrong { (term::count(conflicts.len(), "group")) " with labels that contradict each other:" }
            (list(conflicts.iter().map(|group| {
                let labelled = group.iter().map(|(id, label)| format!("{id} ({})", words(label)));
                labelled.collect::<Vec<String>>()
            })))
        }
        @if !groups.is_empty() {
            details { summary { "groups among training images" } (list(groups.iter().cloned())) }
        }
        @if !across.is_empty() {
            details {
                summary { "training and test images that show the same" }
                (list(across.iter().map(|(a, b)| vec![a.clone(), b.clone()])))
            }
        }
    }
}

fn list(groups: impl ExactSizeIterator<Item = Vec<String>>) -> Markup {
    let n_more = groups.len().saturating_sub(GROUPS);
    html! {
        ul {
            @for group in groups.take(GROUPS) {
                li {
                    (group.iter().take(IDS).cloned().collect::<Vec<String>>().join(" = "))
                    @if group.len() > IDS { " and " (group.len() - IDS) " more" }
                }
            }
            @if n_more > 0 { li.quiet { "and " (n_more) " more" } }
        }
    }
}
