//! Two runs on one page: what was done differently, what came of it, and whether the difference is
//! more than luck.

mod paired;

use maud::{Markup, html};

use super::facts::Facts;
use super::markup::{self, or_dash, section};
use super::sections::{loss_scale, settings_table, smoothed};
use crate::decide::compare::Spread;
use crate::metric;
use crate::recipe::Setting;
use crate::report::chart::{Axis, Chart, Look, Scale, Series, Width};
use crate::run::{Epoch, RateCurve, Sweep};
use crate::table::Table;
use crate::target::TargetKind;
use crate::term;

pub use paired::{Paired, paired};

/// Two runs of one competition, and where their recipes differ.
pub struct TwoRuns {
    /// The one that is compared with.
    pub a: Facts,
    /// The other.
    pub b: Facts,
    /// Settings of `a` (`other`) and `b` (`value`) that differ.
    pub settings: Vec<Setting>,
}

/// One line of what both runs came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    pub what: &'static str,
    pub a: String,
    pub b: String,
}

/// What each page says, and no other.
const LEAD: &str = "Two runs side by side: A is ";

/// Whether these bytes, the beginning of a file at least, are such a page.
pub fn is_page(bytes: &[u8]) -> bool {
    bytes.starts_with(b"<!DOCTYPE html>")
        && bytes.windows(LEAD.len()).any(|piece| piece == LEAD.as_bytes())
}

pub fn page(two: &TwoRuns) -> String {
    let TwoRuns { a, b, settings } = two;
    let (title_a, title_b) = (&a.about.run, &b.about.run);
    let main = html! {
        header {
            h1 { (a.about.title) }
            p.lead { (LEAD) code { (title_a) } ", B is " code { (title_b) } "." }
            div.figures {
                div.score { b { (format!("{:.5}", a.about.score)) } span.a { (a.about.metric.title()) } }
                div.score { b { (format!("{:.5}", b.about.score)) } span.b { (b.about.metric.title()) } }
                div { b { (term::duration(a.about.seconds)) } span.a { "in all" } }
                div { b { (term::duration(b.about.seconds)) } span.b { "in all" } }
            }
            p { (verdict(two)) }
        }
        (section("differences", "Recipe", "Settings that differ; all others are the same.", &html! {
            @if settings.is_empty() { p { "The recipes are the same, seed included." } }
            @else { (settings_table(settings, "A", "B")) }
        }))
        (section("outcome", "Outcome", "", &table(&lines(two))))
        (section("training", "Training", "A is drawn through, B dashed.", &training(a, b)))
        (sweeps(a, b))
        (section("time", "Time by stage", "", &stages(a, b)))
        (classes(a, b))
    };
    markup::page(&format!("{title_a} and {title_b} – {}", a.about.title), &main)
}

/// Which run is better, by how much, and how far that can be trusted.
pub fn verdict(two: &TwoRuns) -> String {
    let TwoRuns { a, b, .. } = two;
    let metric = &a.about.metric;
    let [judged, of_b] = [a, b].map(|f| f.about.refit.as_ref().unwrap_or(&f.about.run));
    if judged == of_b && a.about.run != b.about.run {
        return format!(
            "What both say of held-out images is what run {judged} says: a run on all images holds none out, so \
             nothing here tells which is better."
        );
    }
    let Some(found) = paired(a, b) else {
        return "The runs held out different images, or did not write their labels down: the \
                scores cannot be compared image by image, and a part of their difference is the \
                images'."
            .to_owned();
    };
    let Paired { n, difference, spread } = found;
    let on = format!("on the {} that both held out", term::count(n, "image"));
    let winner = if metric.better(difference, 0.0) { "B" } else { "A" };
    if difference == 0.0 {
        return format!("The runs score the same {on}.");
    }
    match spread {
        Spread::StandardError(error) => {
            let by = format!("{:.5}, standard error {error:.5}", difference.abs());
            if found.is_clear() {
                format!("{winner} is better by {by}, {on}: more than two standard errors.")
            } else {
                format!(
                    "{winner} is better by {by}, {on}: less than two standard errors, so it may be \
                     luck."
                )
            }
        }
        Spread::Interval(_) => {
            let by =
                format!("{:.5} (B less A {difference:+.5}, 95 % in {spread})", difference.abs());
            let luck = if found.is_clear() {
                "the interval does not hold zero"
            } else {
                "the interval holds zero, so it may be luck"
            };
            format!("{winner} is better by {by}, {on}: {luck}.")
        }
    }
}

/// What both came to, for the page and the terminal.
pub fn lines(two: &TwoRuns) -> Vec<Compared> {
    let TwoRuns { a, b, .. } = two;
    let mut lines = Vec::new();
    let mut line = |what: &'static str, of: &dyn Fn(&Facts) -> Option<String>| {
        if let (a, b) = (of(a), of(b))
            && (a.is_some() || b.is_some())
        {
            lines.push(Compared { what, a: or_dash(a), b: or_dash(b) });
        }
    };
    // Apart, so that a narrow terminal cuts no score.
    line("metric", &|f| Some(f.about.metric.name()));
    line("score", &|f| Some(format!("{:.5}", f.about.score)));
    line("accuracy", &|f| {
        single(f).map(|(rows, truth)| markup::percent(metric::accuracy(rows, &truth)))
    });
    line("calibration error", &|f| {
        let (rows, truth) = single(f)?;
        let bins = metric::reliability(metric::top_answers(rows, &truth), 15);
        Some(markup::percent(metric::expected_calibration_error(&bins)))
    });
    line("lowest held-out loss", &|f| {
        let of_epochs = f.epochs.iter().map(|epoch| epoch.score.loss);
        let of_steps = f.way.iter().filter_map(|step| step.loss);
        let lowest = of_epochs.chain(of_steps).min_by(f64::total_cmp)?;
        Some(format!("{lowest:.4}"))
    });
    line("epochs", &|f| Some(f.epochs.len().to_string()));
    line("training steps", &|f| (!f.steps.is_empty()).then(|| term::thousands(f.steps.len())));
    line("time", &|f| Some(term::duration(f.about.seconds)));
    line("images trained on", &|f| {
        let also = if f.about.refit.is_some() { f.about.valid_images } else { 0 };
        Some(term::thousands(f.about.train_images + also))
    });
    line("images held out", &|f| Some(term::thousands(f.about.valid_images)));
    line("fold", &|f| f.about.fold.map(|(fold, folds)| format!("{fold} of {folds}")));
    line("device", &|f| Some(f.about.device.clone()));
    line("program", &|f| Some(f.about.program.clone()));
    lines
}

/// Probabilities and truth of a run with one class an image.
fn single(facts: &Facts) -> Option<(&Table, Vec<usize>)> {
    let validation = facts.validation.as_ref().filter(|validation| !validation.is_empty())?;
    let is_single = validation.kind == TargetKind::SingleLabel;
    is_single.then(|| (&validation.predictions.probabilities, validation.classes_true()))
}

fn table(lines: &[Compared]) -> Markup {
    let head = html! { th {} th { "A" } th { "B" } };
    let rows = html! {
        @for line in lines { tr { td { (line.what) } td { (line.a) } td { (line.b) } } }
    };
    markup::table("Both runs side by side", &head, &rows)
}

fn training(a: &Facts, b: &Facts) -> Markup {
    let of_epochs = |value: fn(&Epoch) -> f64, x: fn(&[Epoch], usize) -> f64| {
        of_both(a, b, Look::Dots, |Facts { epochs, .. }| {
            (0..epochs.len()).map(|i| (x(epochs, i), value(&epochs[i]))).collect()
        })
    };
    let by_epoch = |_: &[Epoch], i: usize| i as f64 + 1.0;
    let by_minute =
        |epochs: &[Epoch], i: usize| epochs[..=i].iter().map(|e| e.seconds / 60.0).sum();
    let is_accuracy = a.epochs.iter().chain(&b.epochs).any(|e| e.score.accuracy.is_some());
    let metric: fn(&Epoch) -> f64 = |epoch| epoch.score.accuracy.unwrap_or(epoch.score.metric);
    let what = match (is_accuracy, a.about.metric.short()) {
        (true, _) => "accuracy".to_owned(),
        (false, name) if name == "F-beta" => "mean F-beta".to_owned(),
        (false, name) => name,
    };
    let chart = |title: &str, x: &str, y: Axis, series: Vec<Series>| {
        let title = title.to_owned();
        let x = Axis::new(x, Scale::Linear);
        Chart { title, x, y, series, height: 180.0, ..Chart::default() }.figure(Width::Full)
    };
    let losses = |title: &str, x: &str, series: Vec<Series>| {
        let (scale, range) = loss_scale(series.iter().flat_map(|s| &s.points).map(|p| p.1));
        chart(title, x, Axis { label: "loss".to_owned(), scale, range }, series)
    };
    let has_steps = !a.steps.is_empty() && !b.steps.is_empty();
    html! {
        (losses("Loss on the images held out", "epoch",
            of_epochs(|epoch| epoch.score.loss, by_epoch)))
        (chart("Held-out metric over time", "minutes of training", Axis::new(what, Scale::Linear),
            of_epochs(metric, by_minute)))
        @if has_steps {
            (losses("Training loss, smoothed", "training step",
                of_both(a, b, Look::Line, |facts| smoothed(&facts.steps))))
        }
    }
}

/// The same of both runs, each in its ink.
fn of_both<'a, T>(
    a: &'a T,
    b: &'a T,
    look: Look,
    points: impl Fn(&'a T) -> Vec<(f64, f64)>,
) -> Vec<Series> {
    vec![Series::new("A", look, 0, points(a)), Series::new("B", look, 1, points(b))]
}

fn sweeps(a: &Facts, b: &Facts) -> Markup {
    let pairs: Vec<(&Sweep, &Sweep)> = a
        .sweeps
        .iter()
        .filter_map(|one| Some((one, b.sweeps.iter().find(|other| other.stage == one.stage)?)))
        .collect();
    if pairs.is_empty() {
        return html! {};
    }
    let chart = |a: &Sweep, b: &Sweep| {
        let points = |sweep: &Sweep| {
            let RateCurve { rates, losses, .. } = &sweep.curve;
            rates.iter().copied().zip(losses.iter().copied()).collect()
        };
        Chart {
            title: a.stage.title().to_owned(),
            x: Axis::new("learning rate of the head", Scale::Log),
            y: Axis::new("training loss", Scale::Linear),
            series: of_both(a, b, Look::Line, points),
            height: 170.0,
            ..Chart::default()
        }
    };
    let used = |sweep: &Sweep| markup::rate(sweep.chosen.rate);
    let body = html! {
        div.charts {
            @for (a, b) in pairs {
                div {
                    (chart(a, b).figure(Width::Half))
                    p.quiet { "Used: A " (used(a)) ", B " (used(b)) "." }
                }
            }
        }
    };
    section("rates", "Learning rates", "", &body)
}

fn stages(a: &Facts, b: &Facts) -> Markup {
    let names = |facts: &Facts| facts.stages.iter().map(|s| s.stage.clone()).collect::<Vec<_>>();
    let (mut all, of_b) = (names(a), names(b));
    all.extend(of_b.into_iter().filter(|name| !all.contains(name)).collect::<Vec<_>>());
    let seconds = |facts: &Facts, name: &str| {
        let found = facts.stages.iter().find(|stage| stage.stage == name);
        or_dash(found.map(|stage| term::duration(stage.seconds)))
    };
    let head = html! { th { "stage" } th.n { "A" } th.n { "B" } };
    let rows = html! {
        @for name in &all {
            tr {
                td { (name) }
                td.n { (seconds(a, name)) }
                td.n { (seconds(b, name)) }
            }
        }
    };
    markup::table("Time of each stage", &head, &rows)
}

/// The classes for which it matters most which run answers.
fn classes(a: &Facts, b: &Facts) -> Markup {
    const SHOWN: usize = 12;
    let (Some(one), Some(other)) = (&a.validation, &b.validation) else { return html! {} };
    if one.predictions.classes != other.predictions.classes || one.is_empty() || other.is_empty() {
        return html! {};
    }
    let (of_a, of_b) = (paired::found(a, one), paired::found(b, other));
    let mut differing: Vec<(usize, f64, f64)> = of_a
        .into_iter()
        .zip(of_b)
        .enumerate()
        .filter_map(|(class, (a, b))| Some((class, a?, b?)))
        .filter(|(_, a, b)| a != b)
        .collect();
    differing.sort_by(|x, y| (y.2 - y.1).abs().total_cmp(&(x.2 - x.1).abs()));
    if differing.is_empty() {
        return html! {};
    }
    let head = html! { th { "class" } th.n { "A" } th.n { "B" } th.n { "B − A" } };
    let rows = html! {
        @for (class, a, b) in differing.into_iter().take(SHOWN) {
            tr {
                td { (markup::words(&one.name(class))) }
                td.n { (markup::percent(a)) }
                td.n { (markup::percent(b)) }
                td.n class=(if b > a { "right" } else { "wrong" }) {
                    (format!("{:+.1} %", (b - a) * 100.0))
                }
            }
        }
    };
    section(
        "classes",
        "Classes",
        "The share of its images in which a class was found: where the runs differ most.",
        &markup::table("Classes that one run finds more often", &head, &rows),
    )
}
