//! A run as one page: `report.html`, self-contained, for a screen, a phone and paper.
//!
//! [`gather::of_run`] makes [`Facts`] of a run's folder, the caller adds what the folder does not
//! hold (pictures, duplicates, the plan), and [`page`] is a pure function of them. Templates are
//! maud's: they are checked by the compiler and escape every text that is put into them.

pub mod chart;
pub mod comparison;
mod decided;
pub mod facts;
pub mod gallery;
pub mod gather;
mod markup;
mod sections;
pub mod thumbnail;

use maud::html;

pub use facts::Facts;
use sections::Section;

/// The page of a run.
pub fn page(facts: &Facts) -> String {
    let sections = sections::all(facts);
    let about = &facts.about;
    let main = html! {
        (sections::head(facts, &sections))
        @for Section { id, title, lead, body } in &sections {
            (markup::section(id, title, lead, body))
        }
        footer {
            p { "Made by " (about.program) ". To submit this run: " code { "kaggle-kit submit --run runs/" (about.competition) "/" (about.run) } }
        }
    };
    markup::page(&format!("{} {} – {}", about.competition, about.run, about.title), &main)
}

/// A sweep of the learning-rate finder with what each rule suggests, also for a file of its own
/// ([`chart::Chart::standalone`]).
pub fn rate_chart(sweep: &facts::Sweep) -> chart::Chart {
    sections::rate_chart(sweep)
}

#[cfg(test)]
mod tests;
