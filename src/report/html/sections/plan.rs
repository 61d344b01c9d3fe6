//! The golden rule's steps: what was planned, what was found, and how long it took.

use maud::html;

use super::super::facts::Facts;
use super::super::markup::{bar, stacked_table};
use super::Section;
use crate::term;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    if facts.stages.is_empty() {
        return None;
    }
    let longest = facts.stages.iter().map(|stage| stage.seconds).fold(f64::MIN_POSITIVE, f64::max);
    let in_stages: f64 = facts.stages.iter().map(|stage| stage.seconds).sum();
    let rest = facts.about.seconds - in_stages;
    let head = html! {
        th { "" } th { "step" } th { "plan, and what was found" } th.n { "time" } th.track {}
    };
    let rows = html! {
        @for (i, stage) in facts.stages.iter().enumerate() {
            tr {
                td.n.quiet { (i + 1) }
                td.name { (stage.stage) }
                td.wide.whole {
                    @if !stage.planned.is_empty() { small { (stage.planned) } }
                    (stage.found)
                }
                td.n { @if stage.seconds > 0.0 || !stage.found.is_empty() { (term::duration(stage.seconds)) } }
                td.track { (bar(stage.seconds / longest)) }
            }
        }
    };
    let slowest = facts.stages.iter().max_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let caption = slowest.filter(|stage| stage.seconds > 0.0).map_or_else(String::new, |stage| {
        let share = 100.0 * stage.seconds / in_stages;
        format!("{:.0} % of {} went into: {}", share, term::duration(in_stages), stage.stage)
    });
    let body = html! {
        (stacked_table(&caption, &head, &rows))
        @if rest > 1.0 {
            p.quiet {
                (term::duration(rest)) " more went into reading images and files, and into what lies \
                between the steps; " (term::duration(facts.about.seconds)) " in all."
            }
        }
    };
    let lead = "The golden rule, step by step.".to_owned();
    Some(Section { id: "plan", title: "Plan and findings", lead, body })
}
