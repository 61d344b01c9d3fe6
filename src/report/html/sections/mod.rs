//! The page's sections, one file each, in the page's order. Each is a function of the facts, and
//! gives nothing where there is nothing to tell.

mod answers;
mod calibration;
mod data;
mod decision;
mod files;
mod head;
mod numbers;
mod pictures;
mod plan;
mod ranking;
mod rates;
mod risk;
mod settings;
mod tags;
mod training;
mod way;

use maud::Markup;

use super::facts::Facts;

pub(super) use files::of as files;
pub(super) use head::{figures, head, training};
pub(super) use rates::curve as rate_chart;
pub(super) use settings::table as settings_table;
pub(super) use training::{loss_scale, smoothed};

/// A part of the page that can be linked to.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// A sentence on how to read it; may be empty.
    pub(super) lead: String,
    pub(super) body: Markup,
}

/// All sections that have something to tell.
pub(super) fn all(facts: &Facts) -> Vec<Section> {
    let sections: [fn(&Facts) -> Option<Section>; 14] = [
        plan::section,
        way::section,
        rates::section,
        training::section,
        answers::section,
        numbers::section,
        ranking::section,
        decision::section,
        tags::section,
        calibration::section,
        pictures::section,
        data::section,
        files::section,
        settings::section,
    ];
    sections.into_iter().filter_map(|section| section(facts)).collect()
}
