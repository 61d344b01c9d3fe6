//! Galleries: pictures with what they show and what was said, and what the network looked at.

use maud::{Markup, html};

use super::super::decided::decided;
use super::super::facts::{Facts, Thumbnail, Validation};
use super::super::gallery::{GalleryKind, galleries};
use super::super::markup::{rough, words};
use super::super::thumbnail::{heat_address, jpeg_address};
use super::Section;
use crate::metric::most_probable;
use crate::report::chart::label;
use crate::target::{TargetKind, Truth};

/// All pictures of a page together have at most so many bytes: a page should open at once and fit
/// into a mail. Those beyond are told without their picture.
const MAX_BYTES: usize = 3_000_000;
/// The most tags that are told of a picture.
const MAX_TAGS: usize = 4;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    let validation = facts.validation.as_ref()?;
    let galleries = galleries(validation, facts.decision.as_ref());
    if galleries.is_empty() {
        return None;
    }
    let tags = match validation.kind {
        TargetKind::MultiLabel => decided(validation, facts.decision.as_ref()),
        _ => Vec::new(),
    };
    let mut left = MAX_BYTES;
    let mut affordable = |row: usize| {
        let picture = facts.pictures.get(&row)?;
        left = left.checked_sub(picture.jpeg.len())?;
        Some(picture)
    };
    let has_heat = facts.pictures.values().any(|picture| picture.heat.is_some());
    let body = html! {
        div.galleries {
            @if has_heat {
                label.switch {
                    input #heat type="checkbox" checked;
                    "show where the network looked (class-activation maps of its answer)"
                }
            }
            @for gallery in galleries {
                h3 { (title(gallery.kind)) }
                p.quiet { (meaning(gallery.kind, validation.kind)) }
                ul.gallery {
                    @for row in gallery.rows {
                        li {
                            (picture(validation, row, affordable(row)))
                            @match validation.kind {
                                TargetKind::MultiLabel => (tags_caption(validation, row, &tags[row])),
                                TargetKind::SingleLabel => (class_caption(validation, row)),
                                TargetKind::Ordinal | TargetKind::Number => (number_caption(validation, row)),
                            }
                        }
                    }
                }
            }
        }
    };
    let lead = "Images held out, worth a look: bad labels, hard cases and habits of the network \
                show here first."
        .to_owned();
    Some(Section { id: "pictures", title: "Pictures", lead, body })
}

fn title(kind: GalleryKind) -> &'static str {
    match kind {
        GalleryKind::MostWrong => "Most wrong",
        GalleryKind::ConfidentlyWrong => "Confident and wrong",
        GalleryKind::MostUncertain => "Most uncertain",
        GalleryKind::MostConfident => "Most confident and right",
    }
}

fn meaning(kind: GalleryKind, target: TargetKind) -> &'static str {
    match (kind, target) {
        (GalleryKind::MostWrong, _) => "The answers that cost most: what is true was given least.",
        (GalleryKind::ConfidentlyWrong, TargetKind::MultiLabel) => {
            "Beyond those above, the single tags that were most surely missed or falsely seen."
        }
        (GalleryKind::ConfidentlyWrong, _) => {
            "Beyond those above, the wrong answers given with the highest probability."
        }
        (GalleryKind::MostUncertain, _) => "The answers that hardly prefer one thing to another.",
        (GalleryKind::MostConfident, TargetKind::MultiLabel) => {
            "Every tag right and none in doubt, in turns by set of tags."
        }
        (GalleryKind::MostConfident, _) => "The surest right answers, in turns by class.",
    }
}

fn picture(validation: &Validation, row: usize, picture: Option<&Thumbnail>) -> Markup {
    let id = &validation.predictions.ids[row];
    html! {
        span.picture {
            @if let Some(picture) = picture {
                img src=(jpeg_address(&picture.jpeg)) alt=(id) width="208" height="208";
                @if let Some(heat) = picture.heat.as_ref().and_then(heat_address) {
                    img.heat src=(heat) alt="";
                }
            }
        }
        span.id title=(id) { (id) }
    }
}

/// What was said and what is true; of several numbers the first few.
fn number_caption(validation: &Validation, row: usize) -> Markup {
    let names = validation.predictions.classes.names();
    let said = validation.row(row).iter().map(|&number| label(f64::from(number)));
    let truth: Vec<String> = match &validation.truth {
        Truth::Numbers(numbers) => numbers.row(row).iter().map(|&number| label(number)).collect(),
        Truth::Classes(levels) => levels[row].iter().map(|&level| names[level].clone()).collect(),
    };
    let is_one = validation.kind == TargetKind::Ordinal || names.len() == 1;
    html! {
        @for ((said, truth), name) in said.zip(&truth).zip(names).take(MAX_TAGS) {
            span.said { @if !is_one { (words(name)) " " } (said) ", true " (words(truth)) }
        }
    }
}

fn class_caption(validation: &Validation, row: usize) -> Markup {
    let probabilities = validation.row(row);
    let answer = most_probable(probabilities);
    let truth = validation.classes()[row].first().copied().unwrap_or_default();
    let describe = |class: usize| {
        format!("{} {}", words(&validation.name(class)), rough(f64::from(probabilities[class])))
    };
    html! {
        @if answer == truth {
            span.right { (describe(truth)) }
            @if probabilities[truth] < 0.9 {
                @if let Some(next) = second(probabilities, answer) { span.quiet { "then " (describe(next)) } }
            }
        } @else {
            span { "is " (describe(truth)) }
            span.wrong { "said " (describe(answer)) }
        }
    }
}

/// The most probable class but one.
fn second(probabilities: &[f32], first: usize) -> Option<usize> {
    (0..probabilities.len())
        .filter(|&class| class != first)
        .max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]))
}

fn tags_caption(validation: &Validation, row: usize, answered: &[usize]) -> Markup {
    let probabilities = validation.row(row);
    let truth = &validation.classes()[row];
    let describe = |tags: Vec<usize>| {
        let mut names: Vec<String> = tags
            .iter()
            .take(MAX_TAGS)
            .map(|&tag| {
                format!("{} {}", words(&validation.name(tag)), rough(f64::from(probabilities[tag])))
            })
            .collect();
        if tags.len() > MAX_TAGS {
            names.push(format!("{} more", tags.len() - MAX_TAGS));
        }
        names.join(", ")
    };
    let of = |tags: &[usize], others: &[usize], both: bool| -> Vec<usize> {
        tags.iter().copied().filter(|tag| others.contains(tag) == both).collect()
    };
    let (right, missed, invented) =
        (of(truth, answered, true), of(truth, answered, false), of(answered, truth, false));
    html! {
        @if missed.is_empty() && invented.is_empty() {
            span.right { @if truth.len() == 1 { "the one tag right" } @else { "all " (truth.len()) " tags right" } }
        }
        @if !missed.is_empty() { span.wrong { "missed " (describe(missed)) } }
        @if !invented.is_empty() { span.wrong { "falsely " (describe(invented)) } }
        @if !right.is_empty() { span.quiet { (describe(right)) } }
    }
}
