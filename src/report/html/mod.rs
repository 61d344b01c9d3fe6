//! A run as one page: `report.html`, self-contained, for a screen, a phone and paper.
//!
//! [`gather::of_run`] makes [`Facts`] of a run's folder, the caller adds what the folder does not
//! hold (pictures, duplicates, the plan), and [`page`] is a pure function of them. Templates are
//! maud's: they are checked by the compiler and escape every text that is put into them.

pub mod comparison;
mod decided;
pub mod duplicates;
pub mod facts;
pub mod gallery;
pub mod gather;
mod markup;
mod sections;
pub mod sweep;
mod thumbnail;

use anyhow::Result;
use maud::html;

pub use facts::Facts;
use sections::Section;

use super::chart::Chart;
use crate::fs;
use crate::run::{REPORT, Run, Stage, Sweep};
use crate::term;
use crate::typed;

pub fn page(facts: &Facts) -> String {
    let sections = sections::all(facts);
    let about = &facts.about;
    let main = html! {
        (sections::head(facts, &sections))
        @for Section { id, title, lead, body } in &sections {
            (markup::section(id, title, lead, body))
        }
        footer {
            p { "Made by " (about.program) ". To submit this run: " code { "kaggle-kit submit --run " (typed::quoted(&format!("runs/{}/{}", about.competition, about.run))) } }
        }
    };
    markup::page(&format!("{} {} – {}", about.competition, about.run, about.title), &main)
}

/// The standard error of a finished run's score, over the images held out; none where the metric is no mean
/// over images.
pub fn standard_error(run: &Run) -> Result<Option<f64>> {
    Ok(decided::standard_error(&gather::of_run(run)?))
}

/// A browser asks for the page of a run that is trained again after so many seconds.
const REFRESH: u32 = 5;

/// The page of a run that is trained, in this stage.
pub fn live(facts: &Facts, stage: Option<Stage>) -> String {
    let about = &facts.about;
    let main = html! {
        (sections::training(facts, stage))
        @for Section { id, title, lead, body } in &sections::all(facts) {
            (markup::section(id, title, lead, body))
        }
    };
    let title = format!("{} {} – training", about.competition, about.run);
    markup::page_again(&title, &main, REFRESH)
}

/// The sections that follow from a run's decision, and need no picture.
const REVISED: [&str; 2] = ["decision", "tags"];

/// Writes a run's page anew as far as its decision is told there; its pictures stay as they are. A
/// run without a page stays without.
pub fn revise(run: &Run) -> Result<()> {
    let path = run.file(REPORT);
    if !path.is_file() {
        return Ok(());
    }
    let facts = gather::of_run(run)?;
    let sections = sections::all(&facts);
    let mut page = fs::read_to_string(&path)?;
    for Section { id, title, lead, body } in sections.iter().filter(|s| REVISED.contains(&s.id)) {
        let anew = markup::section(id, title, lead, body).into_string();
        page = markup::with_section(&page, id, "tags", &anew);
    }
    let figures = sections::figures(&facts).into_string();
    run.write(REPORT, markup::with_figures(&page, &figures))
}

/// Writes a run's page anew as far as Kaggle's scores are told there, one of which is new. A run without a
/// page stays without, and trouble is told and no more: what was submitted stays submitted.
pub fn tell_submitted(run: &Run) {
    let path = run.file(REPORT);
    let tell = || -> Result<()> {
        let page = fs::read_to_string(&path)?;
        let figures = sections::figures(&gather::of_run(run)?).into_string();
        run.write(REPORT, markup::with_figures(&page, &figures))
    };
    if path.is_file()
        && let Err(error) = tell()
    {
        term::warn(format_args!("`{}` lacks Kaggle's scores: {error:#}", path.display()));
    }
}

/// Writes a run's page anew as far as it links the tables beside it, of which one is new. A run without a
/// page stays without.
pub fn link_files(run: &Run) -> Result<()> {
    let path = run.file(REPORT);
    let Some(Section { id, title, lead, body }) = sections::files(&gather::files(run)) else {
        return Ok(());
    };
    if !path.is_file() {
        return Ok(());
    }
    let page = fs::read_to_string(&path)?;
    let section = markup::section(id, title, &lead, &body).into_string();
    run.write(REPORT, markup::with_section(&page, id, "recipe", &section))
}

/// A sweep of the learning-rate finder with what each rule suggests, also for a file of its own
/// ([`Chart::standalone`]).
pub fn rate_chart(sweep: &Sweep) -> Chart {
    sections::rate_chart(sweep)
}

#[cfg(test)]
mod tests;
