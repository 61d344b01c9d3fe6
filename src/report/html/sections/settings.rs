//! The recipe, where it is not the default, and what else the run stood on.

use std::collections::HashSet;

use maud::{Markup, html};

use super::super::facts::Facts;
use super::super::markup;
use super::Section;
use crate::recipe::Setting;
use crate::term;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    if facts.recipe.is_empty() && facts.environment.is_empty() {
        return None;
    }
    let body = html! {
        @if facts.changed.is_empty() {
            p { "Every setting is the default." }
        } @else {
            (table(&facts.changed, "default", "this run"))
        }
        @if !facts.recipe.is_empty() {
            details {
                summary { "the whole recipe" }
                (whole(&facts.recipe, &facts.changed))
            }
        }
        @if !facts.environment.is_empty() {
            h3 { "Environment" }
            div.scroll {
                table {
                    caption.unseen { "What the run ran on" }
                    tbody {
                        @for (name, value) in &facts.environment {
                            tr { th scope="row" { (name) } td { (value) } }
                        }
                    }
                }
            }
        }
    };
    let lead =
        "What this run did differently from the default recipe, and what it ran on.".to_owned();
    Some(Section { id: "recipe", title: "Recipe and environment", lead, body })
}

/// Settings side by side.
pub(in super::super) fn table(settings: &[Setting], other: &str, own: &str) -> Markup {
    let value = |value: &str| html! { @if value.is_empty() { "–" } @else { code { (value) } } };
    let head = html! { th { "setting" } th { (other) } th { (own) } };
    let rows = html! {
        @for setting in settings {
            tr {
                td { code { (setting.key) } }
                td { (value(&setting.other)) }
                td { (value(&setting.value)) }
            }
        }
    };
    let caption = format!("{} set otherwise", term::count(settings.len(), "setting"));
    markup::table(&caption, &head, &rows)
}

/// The recipe's text with the lines marked that are not the default.
fn whole(recipe: &str, changed: &[Setting]) -> Markup {
    let changed: HashSet<&str> = changed.iter().map(|setting| setting.key.as_str()).collect();
    let mut table = String::new();
    let lines: Vec<(bool, &str)> = recipe
        .lines()
        .map(|line| {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                table = format!("{name}.");
                return (false, line);
            }
            let key = line.split(" = ").next().unwrap_or_default();
            (changed.contains(format!("{table}{key}").as_str()), line)
        })
        .collect();
    html! {
        pre {
            @for (is_changed, line) in lines {
                @if is_changed { mark { (line) } } @else { (line) }
                "\n"
            }
        }
    }
}
