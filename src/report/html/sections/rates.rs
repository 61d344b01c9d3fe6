//! What the learning-rate finder saw: the curves, with every rule's suggestion and the rate used.

use maud::{Markup, html};

use super::super::facts::Facts;
use super::super::markup::{linked, or_dash, rate};
use super::Section;
use crate::report::chart::{Axis, Chart, Look, Mark, Scale, Series, Width};
use crate::run::{RateCurve, Sweep};

pub(super) fn section(facts: &Facts) -> Option<Section> {
    if facts.sweeps.is_empty() {
        return None;
    }
    let body = html! {
        @if let [sweep] = &facts.sweeps[..] {
            (curve(sweep).figure(Width::Full))
            (suggestions(sweep))
        } @else {
            div.charts {
                @for sweep in &facts.sweeps {
                    div { (curve(sweep).figure(Width::Half)) (suggestions(sweep)) }
                }
            }
        }
        (linked(facts, "lr-find.csv", "The curves"))
    };
    let lead = "The loss while the rate climbs step by step; the network is put back as it was \
                afterwards. Marked are what each rule suggests and, in bold, the rate that was used."
        .to_owned();
    Some(Section { id: "rates", title: "Learning rates", lead, body })
}

/// A sweep's chart.
pub(in super::super) fn curve(sweep: &Sweep) -> Chart {
    let RateCurve { rates, losses, batch_losses, .. } = &sweep.curve;
    let points = |losses: &[f64]| rates.iter().copied().zip(losses.iter().copied()).collect();
    let series = vec![
        Series::new("batch by batch", Look::Faint, 0, points(batch_losses)),
        Series::new("smoothed", Look::Line, 0, points(losses)),
    ];
    let range = readable(losses);
    Chart {
        title: sweep.stage.title().to_owned(),
        x: Axis::new("learning rate of the head", Scale::Log),
        y: Axis { label: "training loss".to_owned(), scale: Scale::Linear, range },
        series,
        marks: marks(sweep),
        height: 190.0,
        ..Chart::default()
    }
}

/// The ends of the vertical axis. Single batches scatter wide and are not asked; nor is a loss that
/// explodes, which would press what is read of the smoothed curve, its fall, flat.
fn readable(losses: &[f64]) -> Option<(f64, f64)> {
    let finite = || losses.iter().copied().filter(|loss| loss.is_finite());
    let mut sorted: Vec<f64> = finite().collect();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (*sorted.first()?, *sorted.last()?);
    let before_the_lowest = finite().take_while(|&loss| loss > low);
    // A curve that is lowest at its start is read as well: four fifths of it are shown.
    let height = before_the_lowest.fold(sorted[sorted.len() * 4 / 5], f64::max);
    let top = high.min(height + (0.6 * (height - low)).max(0.5 * low));
    (low < top).then_some((low - 0.12 * (top - low), top + 0.08 * (top - low)))
}

fn marks(sweep: &Sweep) -> Vec<Mark> {
    let Sweep { curve, chosen, .. } = sweep;
    let is_used = |rate: f64| (chosen.rate / rate).ln().abs() < 1e-6;
    let mark = |at: f64, label: String, strong| Mark { at, label, dot: loss_at(curve, at), strong };
    let named = curve.suggestions.named().into_iter();
    let found = named.filter_map(|(name, rate)| Some((name, rate?)));
    let mut marks: Vec<Mark> = found
        .filter(|(_, rate)| !is_used(*rate))
        .map(|(name, rate)| mark(rate, name.to_owned(), false))
        .collect();
    marks.push(mark(chosen.rate, format!("used: {}", rate(chosen.rate)), true));
    marks
}

/// The smoothed loss at the sweep's step nearest to a rate.
fn loss_at(curve: &RateCurve, rate: f64) -> Option<f64> {
    let distance = |other: f64| (other / rate).ln().abs();
    curve
        .rates
        .iter()
        .zip(&curve.losses)
        .min_by(|a, b| distance(*a.0).total_cmp(&distance(*b.0)))
        .map(|(_, &loss)| loss)
}

fn suggestions(sweep: &Sweep) -> Markup {
    html! {
        table {
            caption.unseen { "Rates that rules suggest; used: " (rate(sweep.chosen.rate)) }
            tbody {
                @for (name, found) in sweep.curve.suggestions.named() {
                    tr {
                        td { (name) small { (meaning(name)) } }
                        td.n { (or_dash(found.map(rate))) }
                    }
                }
                tr.chosen { td { "used" } td.n { (rate(sweep.chosen.rate)) } }
            }
        }
        p.quiet { (sentence(&sweep.chosen.to_string())) }
    }
}

fn meaning(rule: &str) -> &'static str {
    match rule {
        "clear" => {
            "the highest rate at which the loss still clearly improves: the golden rule's own"
        }
        "valley" => "in the middle of the longest descent: fastai's default",
        "steep" => "where the loss falls fastest",
        "slide" => "the last steep stretch before the loss rises",
        "minimum" => "a tenth of the rate with the lowest loss",
        _ => "",
    }
}

/// A text with a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{RateChoice, RateReason, Stage, Suggestions, SweepEnd};

    #[test]
    fn an_explosion_does_not_press_the_fall_flat() {
        let ends = |losses: &[f64]| {
            let rates = (0..losses.len()).map(|i| 10_f64.powi(i as i32 - 6)).collect();
            let swept = RateCurve {
                rates,
                losses: losses.to_vec(),
                batch_losses: Vec::new(),
                end: SweepEnd::LastRate,
                suggestions: Suggestions::default(),
            };
            let chosen = RateChoice { rate: 1e-3, why: RateReason::NeverImproves };
            curve(&Sweep { stage: Stage::FindHeadRate, curve: swept, chosen }).y.range
        };
        // As on cats and dogs, where losses of nearly nothing rose to 45.
        let (low, high) = ends(&[1.0, 1.1, 0.6, 0.3, 0.5, 45.0]).unwrap();
        assert!(low < 0.3 && (1.1..2.0).contains(&high), "{low} {high}");
        let (_, high) = ends(&[1.0, 0.6, 0.3, 0.4]).unwrap();
        assert!((1.0..1.2).contains(&high), "no higher than the highest: {high}");
        assert_eq!(ends(&[]), None);
        assert_eq!(ends(&[0.5, 0.5]), None);
    }
}
