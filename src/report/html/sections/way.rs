//! Where the score comes from: what each step had on the held-out images.

use maud::html;

use super::super::facts::Facts;
use super::super::markup::stacked_table;
use super::Section;
use crate::report::way;
use crate::run::{self, Fate};

pub(super) fn section(facts: &Facts) -> Option<Section> {
    if facts.way.is_empty() {
        return None;
    }
    let (header, rows) = way::rows(&facts.way, &facts.about.metric);
    let is_kept = |i: usize| facts.way[i].fate == Fate::Kept;
    let head = html! { @for (i, name) in header.iter().enumerate() { th.n[i > 0] { (name) } } };
    let cells = html! {
        @for (i, row) in rows.iter().enumerate() {
            tr class=[is_kept(i).then_some("chosen")] {
                @for (at, text) in row.iter().enumerate() { td.n[at > 0] { (text) } }
            }
        }
    };
    let last = facts.way.iter().rev().find(|step| step.fate == Fate::Kept && step.stage.is_some());
    let caption = last.map_or_else(String::new, |step| format!("What predicts: {}", step.step));
    let body = html! {
        (stacked_table(&caption, &head, &cells))
        @for sentence in run::idle(&facts.way) { p.quiet { (sentence) } }
    };
    let lead = "The best that each step had on the held-out images, with the standard error over \
                these: a difference that is no larger may be luck."
        .to_owned();
    Some(Section { id: "way", title: "Where the score comes from", lead, body })
}
