//! How probabilities become tags: every method that was tried, on images that it had not seen.

use maud::{Markup, html};

use super::super::facts::Facts;
use super::super::markup::{table, words};
use super::Section;
use crate::decide::Decision;
use crate::decide::answers::AnswerDecision;
use crate::decide::compare::Spread;
use crate::decide::interval::Interval;
use crate::decide::tags::{Candidate, TagDecision};
use crate::report::chart::label;
use crate::term;

pub(in super::super) fn section(facts: &Facts) -> Option<Section> {
    let tags = match &facts.decision {
        Some(Decision::Tags(tags)) => tags,
        Some(Decision::Answers(answers)) => return of_answers(answers),
        Some(Decision::Calibration(_)) | None => return None,
    };
    let body = html! {
        (methods(tags))
        (rules(tags))
        (reliability(tags))
    };
    let first = tags.candidates.first().map(|first| first.what.method.title()).unwrap_or_default();
    let lead = if tags.folds > 0 {
        format!(
            "A nested score is of {} that neither calibration nor threshold has seen, over {}; the \
             interval is of the gain over {first}, by paired bootstrap, and has the truth in \
             it 95 times of 100. What does not clearly beat {first} is not used.",
            term::count(tags.images, "held-out image"),
            term::count(tags.folds, "fold"),
        )
    } else {
        "There are too few held-out images to compare ways to decide.".to_owned()
    };
    Some(Section { id: "decision", title: "From probabilities to tags", lead, body })
}

/// The ways that were tried, where there are several.
fn of_answers(decision: &AnswerDecision) -> Option<Section> {
    if decision.candidates.len() < 2 {
        return None;
    }
    let nested = decision.folds > 0;
    let head = html! {
        th { "way" } th.n { (decision.metric) " in sample" }
        @if nested { th.n { "nested" } th.n { "gain" } }
        th {}
    };
    let rows = html! {
        @for (i, candidate) in decision.candidates.iter().enumerate() {
            @let is_used = candidate.what == decision.chosen;
            tr {
                td { @if is_used { strong { (candidate.what.way.title()) } } @else { (candidate.what.way.title()) } }
                td.n { (format!("{:.5}", candidate.in_sample)) }
                @if nested {
                    td.n { (format!("{:.5}", candidate.nested)) }
                    td.n { @if i > 0 { (format!("{:+.5} {}", candidate.gain, candidate.spread)) } }
                }
                td { @if is_used { "used" } }
            }
        }
    };
    let caption = format!("Ways to answer: {} is used", decision.chosen.way.title());
    let body = html! { p { (decision) "." } (table(&caption, &head, &rows)) };
    let lead =
        "A nested score is of held-out images that what decides had not seen; the first way \
                stands unless another clearly beats it."
            .to_owned();
    Some(Section { id: "decision", title: "From outputs to answers", lead, body })
}

fn methods(tags: &TagDecision) -> Markup {
    let nested = tags.folds > 0;
    let head = html! {
        th { "method" } th.n { "F" (tags.beta) " in sample" }
        @if nested { th.n { "nested" } th.n { "gain" } th.n { "interval" } }
        th {}
    };
    let rows = html! {
        @for (i, candidate) in tags.candidates.iter().enumerate() {
            (method(tags, candidate, i == 0))
        }
    };
    let caption = format!("Ways to decide: {} is used", tags.chosen.method.title());
    html! {
        (table(&caption, &head, &rows))
        @if nested {
            p.quiet {
                "Choosing itself, each fold decided by what is chosen without it, scores "
                (format!("{:.5}", tags.of_choice)) "."
            }
        }
    }
}

fn method(tags: &TagDecision, candidate: &Candidate, is_first: bool) -> Markup {
    let Candidate { what, in_sample, nested, gain, spread } = candidate;
    let (is_used, title) = (*what == tags.chosen, what.method.title());
    html! {
        tr {
            td { @if is_used { strong { (title) } } @else { (title) } }
            td.n { (format!("{in_sample:.5}")) }
            @if tags.folds > 0 {
                td.n { (format!("{nested:.5}")) }
                @if is_first {
                    td.n {} td.n {}
                } @else {
                    td.n { (format!("{gain:+.5}")) }
                    @if let Spread::Interval(Interval { low, high }) = spread {
                        td.n { (format!("{low:+.5} to {high:+.5}")) }
                    }
                }
            }
            td { @if is_used { "used" } }
        }
    }
}

fn rules(tags: &TagDecision) -> Markup {
    let lines = tags.structure.lines();
    html! {
        @if !lines.is_empty() {
            h3 { "What the spec rules out" }
            ul { @for line in lines { li { (words(&line)) } } }
        }
    }
}

fn reliability(tags: &TagDecision) -> Markup {
    let head = html! {
        th { "tag" } th.n { "images" } th.n { "error" } th.n { "calibrated" }
        th.n { "Brier" } th.n { "calibrated" }
    };
    let rows = html! {
        @for tag in &tags.reliability {
            tr {
                td { (words(&tag.tag)) }
                td.n { (tag.images) }
                td.n { (label(tag.before.ece)) }
                td.n { (label(tag.after.ece)) }
                td.n { (label(tag.before.brier)) }
                td.n { (label(tag.after.brier)) }
            }
        }
    };
    html! {
        @if !tags.reliability.is_empty() {
            details {
                summary { "How well each tag's probabilities were calibrated, before and after" }
                p.quiet {
                    "Calibration error: how far, on average, a probability is from the share of images "
                    "that have the tag; Brier score: its mean squared error. Each image is calibrated "
                    "without its own fold."
                }
                (table("Calibration tag by tag, before and after", &head, &rows))
            }
        }
    }
}
