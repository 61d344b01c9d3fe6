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
    let lines_of = |row: usize| match validation.kind {
        TargetKind::MultiLabel => of_tags(validation, row, &tags[row]),
        TargetKind::SingleLabel => of_class(validation, row),
        TargetKind::Ordinal | TargetKind::Number => of_numbers(validation, row),
    };
    let has_heat = facts.pictures.values().any(|picture| picture.heat.is_some());
    let is_imported = facts.about.backbone.contains("timm:");
    let body = html! {
        div.galleries {
            @if has_heat {
                label.switch {
                    input #heat type="checkbox" checked;
                    "show where the network looked (class-activation maps of its answer"
                    @if is_imported {
                        "; of an imported network, where its pixels move the answer"
                    }
                    ")"
                }
            }
            @for gallery in galleries {
                h3 { (title(gallery.kind)) }
                p.quiet { (meaning(gallery.kind, validation.kind)) }
                ul.gallery {
                    @for row in gallery.rows {
                        li {
                            (picture(validation, row, affordable(row), &lines_of(row)))
                        }
                    }
                }
            }
        }
    };
    let lead = "Images held out, worth a look: bad labels, hard cases and habits of the network \
                show here first. A click makes one large."
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

/// A line below a picture: how it looks, and what it says.
type Line = (&'static str, String);

/// The picture, which opens large, and what is said of it.
fn picture(
    validation: &Validation,
    row: usize,
    picture: Option<&Thumbnail>,
    lines: &[Line],
) -> Markup {
    let id = &validation.predictions.ids[row];
    let told: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
    let alt = format!("{id}: {}", told.join("; "));
    html! {
        @match picture {
            Some(picture) => details.large {
                summary title="larger or smaller" {
                    span.picture {
                        img src=(jpeg_address(&picture.jpeg)) alt=(alt) width="208" height="208";
                        @if let Some(heat) = picture.heat.as_ref().and_then(heat_address) {
                            img.heat src=(heat) alt="";
                        }
                    }
                }
            },
            None => span.picture {},
        }
        span.id title=(id) { (id) }
        @for (class, text) in lines { span class=[(!class.is_empty()).then_some(class)] { (text) } }
    }
}

/// What was said and what is true; of several numbers the first few.
fn of_numbers(validation: &Validation, row: usize) -> Vec<Line> {
    let names = validation.predictions.classes.names();
    let said = validation.row(row).iter().map(|&number| label(f64::from(number)));
    let truth: Vec<String> = match &validation.truth {
        Truth::Numbers(numbers) => numbers.row(row).iter().map(|&number| label(number)).collect(),
        Truth::Classes(levels) => levels[row].iter().map(|&level| names[level].clone()).collect(),
    };
    let is_one = validation.kind == TargetKind::Ordinal || names.len() == 1;
    let lines = said.zip(&truth).zip(names).take(MAX_TAGS).map(|((said, truth), name)| {
        let name = if is_one { String::new() } else { format!("{} ", words(name)) };
        ("said", format!("{name}{said}, true {}", words(truth)))
    });
    lines.collect()
}

fn of_class(validation: &Validation, row: usize) -> Vec<Line> {
    let probabilities = validation.row(row);
    let answer = most_probable(probabilities);
    let truth = validation.classes()[row].first().copied().unwrap_or_default();
    let describe = |class: usize| {
        format!("{} {}", words(&validation.name(class)), rough(f64::from(probabilities[class])))
    };
    if answer != truth {
        return vec![
            ("", format!("is {}", describe(truth))),
            ("wrong", format!("said {}", describe(answer))),
        ];
    }
    let next = second(probabilities, answer).filter(|_| probabilities[truth] < 0.9);
    let next = next.map(|next| ("quiet", format!("then {}", describe(next))));
    std::iter::once(("right", describe(truth))).chain(next).collect()
}

/// The most probable class but one.
fn second(probabilities: &[f32], first: usize) -> Option<usize> {
    (0..probabilities.len())
        .filter(|&class| class != first)
        .max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]))
}

fn of_tags(validation: &Validation, row: usize, answered: &[usize]) -> Vec<Line> {
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
    let all_right = match truth.len() {
        _ if !missed.is_empty() || !invented.is_empty() => String::new(),
        1 => "the one tag right".to_owned(),
        n => format!("all {n} tags right"),
    };
    let told = |what: &str, tags: Vec<usize>| match tags.len() {
        0 => String::new(),
        _ => format!("{what}{}", describe(tags)),
    };
    let lines = [
        ("right", all_right),
        ("wrong", told("missed ", missed)),
        ("wrong", told("falsely ", invented)),
        ("quiet", told("", right)),
    ];
    lines.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}
