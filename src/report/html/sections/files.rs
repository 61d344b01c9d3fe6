//! The tables that lie beside the page, for a spreadsheet or a stack.

use maud::html;

use super::super::facts::Facts;
use super::Section;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    of(&facts.files)
}

/// The section of these files, each with what is in it; none where there is none.
pub(in super::super) fn of(files: &[(&str, &str)]) -> Option<Section> {
    if files.is_empty() {
        return None;
    }
    let body = html! {
        ul {
            @for (name, what) in files {
                li { a href=(name) { (name) } ": " (what) }
            }
        }
    };
    let lead = "In the run's folder, beside this page.".to_owned();
    Some(Section { id: "files", title: "Tables", lead, body })
}
