//! Which class was taken for which: a matrix of few classes, the most confused pairs of many.

use maud::{Markup, html};

use super::super::decided::decided;
use super::super::facts::{Facts, Validation};
use super::super::markup::{self, bar, cell, or_dash, percent, words};
use super::Section;
use crate::decide::Decision;
use crate::metric::{Confusion, most_probable};
use crate::target::TargetKind;
use crate::term;

/// The most classes whose matrix can be read.
const MATRIX: usize = 20;
/// The most pairs and classes that are listed.
const PAIRS: usize = 15;
const HARDEST: usize = 15;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    let validation = facts.validation.as_ref()?;
    if !validation.kind.has_one_class() || validation.is_empty() {
        return None;
    }
    let answered = answered(validation, facts.decision.as_ref());
    let pairs = validation.classes_true().into_iter().zip(answered);
    let confusion = Confusion::count(pairs, validation.n_classes());
    let few = validation.n_classes() <= MATRIX;
    let body = html! {
        @if few { (matrix(validation, &confusion)) } @else { (most_confused(validation, &confusion)) }
        (hardest(validation, &confusion))
    };
    let lead = if few {
        "A row is a true class, a column an answer; right answers are on the diagonal. Shades are \
         shares of the row."
    } else {
        "The mistakes that are made again and again, and the classes that suffer most."
    };
    let title = if few { "Confusion" } else { "Most confused" };
    Some(Section { id: "answers", title, lead: lead.to_owned(), body })
}

/// The class that each image is answered with; the likeliest one where probabilities are answered.
pub(super) fn answered(validation: &Validation, decision: Option<&Decision>) -> Vec<usize> {
    let first = |classes: Vec<usize>| classes.first().copied().unwrap_or_default();
    match (validation.kind, decision) {
        (TargetKind::Ordinal, _) | (_, Some(Decision::Answers(_))) => {
            let of_image = decided(validation, decision).into_iter().map(first);
            // What is answered where no class is likely may be none of the classes.
            of_image.map(|class| class.min(validation.n_classes() - 1)).collect()
        }
        _ => validation.rows().map(most_probable).collect(),
    }
}

fn matrix(validation: &Validation, confusion: &Confusion) -> Markup {
    let name = |class| words(&validation.name(class));
    let n_wrong: usize = confusion.mistakes().iter().map(|mistake| mistake.n).sum();
    let caption = format!("Confusion: {n_wrong} of {} named wrongly", validation.len());
    markup::matrix(&caption, confusion.n_classes, name, |truth, answered| {
        matrix_cell(validation, confusion, truth, answered)
    })
}

fn matrix_cell(
    validation: &Validation,
    confusion: &Confusion,
    truth: usize,
    answered: usize,
) -> Markup {
    let count = confusion.at(truth, answered);
    let share = count as f64 / confusion.of(truth).max(1) as f64;
    let text = if count == 0 { String::new() } else { count.to_string() };
    let tip = format!(
        "{} taken for {}: {count} of {}",
        words(&validation.name(truth)),
        words(&validation.name(answered)),
        confusion.of(truth)
    );
    cell(share, &text, &tip, truth == answered)
}

fn most_confused(validation: &Validation, confusion: &Confusion) -> Markup {
    let mistakes = confusion.mistakes();
    if mistakes.is_empty() {
        return html! { p { "No mistake was made." } };
    }
    let most = mistakes[0].n as f64;
    let [truth, answered] =
        [mistakes[0].truth, mistakes[0].answered].map(|class| words(&validation.name(class)));
    let caption = format!("Most often: {truth} taken for {answered}");
    let head = html! { th { "true class" } th { "taken for" } th.n { "images" } th.track {} };
    let rows = html! {
        @for mistake in mistakes.iter().take(PAIRS) {
            tr {
                td.name { (words(&validation.name(mistake.truth))) }
                td.whole { (words(&validation.name(mistake.answered))) }
                td.n { (mistake.n) " of " (confusion.of(mistake.truth)) }
                td.track { (bar(mistake.n as f64 / most)) }
            }
        }
    };
    html! {
        (markup::stacked_table(&caption, &head, &rows))
        @if mistakes.len() > PAIRS {
            p.quiet {
                "and " (term::count(mistakes.len() - PAIRS, "other pair")) ", none of them more than "
                (mistakes[PAIRS].n) "."
            }
        }
    }
}

fn hardest(validation: &Validation, confusion: &Confusion) -> Markup {
    let mut classes: Vec<usize> =
        (0..confusion.n_classes).filter(|&class| confusion.of(class) > 0).collect();
    let recall = |class: usize| confusion.recall(class).unwrap_or(1.0);
    let harmonic = |class: usize| {
        let (r, p) = (recall(class), confusion.precision(class).unwrap_or_default());
        if r + p > 0.0 { 2.0 * r * p / (r + p) } else { 0.0 }
    };
    classes.sort_by(|&a, &b| harmonic(a).total_cmp(&harmonic(b)));
    let n_more = classes.len().saturating_sub(HARDEST);
    let caption = classes.first().map_or_else(String::new, |&class| {
        let name = words(&validation.name(class));
        format!("Hardest: {name}, found {} of the time", percent(recall(class)))
    });
    let head = html! {
        th { "class" } th.n { "images" } th.n { "found" } th.n { "answers right" }
        th.track { "F1" }
    };
    let rows = html! {
        @for class in classes.into_iter().take(HARDEST) {
            tr {
                td { (words(&validation.name(class))) }
                td.n { (confusion.of(class)) }
                td.n { (percent(recall(class))) }
                td.n { (or_dash(confusion.precision(class).map(percent))) }
                td.track title=(format!("F1 {:.3}", harmonic(class))) { (bar(harmonic(class))) }
            }
        }
    };
    html! {
        h3 { "Class by class, the hardest first" }
        (markup::table(&caption, &head, &rows))
        @if n_more > 0 { p.quiet { "The other " (n_more) " classes do no worse." } }
    }
}
