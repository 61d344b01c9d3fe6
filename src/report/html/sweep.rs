//! A sweep as a page: its trials as a picture and a table.

use maud::html;

use super::markup::{page, section, stacked_table};
use crate::report::chart::{Chart, Width};

/// The page of a sweep of the competition that is called `title`: `rows` under `header`, the best first.
pub fn page_of(
    title: &str,
    lead: &str,
    chart: &Chart,
    header: &[&str],
    rows: &[Vec<String>],
) -> String {
    let head =
        html! { @for (i, name) in header.iter().enumerate() { th.n[i > 0] { (name.trim()) } } };
    let cells = html! {
        @for (i, row) in rows.iter().enumerate() {
            tr class=[(i == 0).then_some("chosen")] {
                @for (at, text) in row.iter().enumerate() { td.n[at > 0] { (text.trim()) } }
            }
        }
    };
    let best = rows
        .first()
        .and_then(|row| row.first())
        .map_or_else(String::new, |settings| format!("Went furthest: {settings}"));
    let body = html! {
        (chart.figure(Width::Full))
        (stacked_table(&best, &head, &cells))
    };
    let main = html! {
        header { h1 { (title) } p.lead { (lead) } }
        (section("trials", "Trials", "", &body))
    };
    page(&format!("Sweep – {title}"), &main)
}
