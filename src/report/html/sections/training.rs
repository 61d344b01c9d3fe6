//! Loss, metric and schedule over the whole run, with cycles shaded and stages marked.

use maud::html;

use super::super::facts::Facts;
use super::super::markup::linked;
use super::Section;
use crate::report::chart::{Axis, Band, Chart, Look, Mark, Scale, Series, Width, label};
use crate::run::{Epoch, Stage, Step};
use crate::target::TargetKind;

/// Batch losses are smoothed over the last fiftieth of a stage's steps, but over no more than fast.ai's
/// 50 (a weight of the past of 0.98) and no fewer than 5.
const MEMORY: (f64, f64, f64) = (50.0, 5.0, 50.0);
/// A loss that falls further than this is drawn over a logarithmic axis.
const FALLS_FAR: f64 = 12.0;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    if facts.epochs.is_empty() && facts.steps.is_empty() {
        return None;
    }
    let by_step = Timeline::by_step(facts);
    let by_time = Timeline::by_time(facts);
    let charts = |time: &Timeline| {
        html! {
            (loss(facts, time).figure(Width::Full))
            @if let Some(chart) = metric(facts, time) { (chart.figure(Width::Full)) }
            @for chart in schedule(facts, time) { (chart.figure(Width::Full)) }
        }
    };
    let body = html! {
        @if let Some(by_time) = &by_time {
            label.switch { input #by-time type="checkbox"; "by time in place of steps" }
            div.by-time { (charts(by_time)) }
        }
        div.by-step { (charts(&by_step)) }
        (linked(facts, "steps.csv", "Every step"))
    };
    let what = if facts.steps.is_empty() { "epoch by epoch" } else { "step by step" };
    let lead = format!(
        "The whole run, {what}. Every shade is a cycle of the schedule; dashed lines are where a \
         stage begins. Falling training loss with rising held-out loss is over-fitting."
    );
    Some(Section { id: "training", title: "Training", lead, body })
}

/// The horizontal axis that the section's charts share.
struct Timeline {
    unit: &'static str,
    /// Where each step begins, or each epoch where there are no steps, and where the last one ends.
    places: Vec<f64>,
    bands: Vec<Band>,
    marks: Vec<Mark>,
    /// Where each epoch ends.
    epochs: Vec<f64>,
}

impl Timeline {
    fn by_step(facts: &Facts) -> Self {
        let n = if facts.steps.is_empty() { facts.epochs.len() } else { facts.steps.len() };
        let unit = if facts.steps.is_empty() { "epoch" } else { "training step" };
        Self::of(facts, unit, (0..=n).map(|i| i as f64).collect())
    }

    /// The same by the time that training took, which is known of whole epochs: a step has its part of its
    /// epoch's. Without an epoch there is none.
    fn by_time(facts: &Facts) -> Option<Self> {
        let seconds = seconds(facts)?;
        let mut places = vec![0.0];
        places.extend(seconds.iter().scan(0.0, |sum, seconds| {
            *sum += seconds;
            Some(*sum)
        }));
        let end = *places.last()?;
        let (unit, a_unit) = if end < 180.0 { ("seconds", 1.0) } else { ("minutes", 60.0) };
        (end > 0.0).then(|| Self::of(facts, unit, places.iter().map(|at| at / a_unit).collect()))
    }

    fn of(facts: &Facts, unit: &'static str, at: Vec<f64>) -> Self {
        // Stage and cycle of everything that has a place on the axis, in order.
        let places: Vec<(Stage, usize)> = if facts.steps.is_empty() {
            facts.epochs.iter().map(|epoch| (epoch.stage, epoch.cycle)).collect()
        } else {
            facts.steps.iter().map(|step| (step.stage, step.cycle)).collect()
        };
        let (mut bands, mut marks): (Vec<Band>, Vec<Mark>) = (Vec::new(), Vec::new());
        let mut start = 0;
        for part in places.chunk_by(|a, b| a == b) {
            let (stage, _) = part[0];
            if start == 0 || places[start - 1].0 != stage {
                let (at, label) = (at[start], stage.title().to_owned());
                marks.push(Mark { at, label, dot: None, strong: false });
            }
            let (from, to) = (at[start], at[start + part.len()]);
            bands.push(Band { from, to, label: String::new(), dark: bands.len() % 2 == 1 });
            start += part.len();
        }
        let epochs = if facts.steps.is_empty() {
            at[1..].to_vec()
        } else {
            facts.epochs.iter().map(|epoch| at[end_of(epoch, &facts.steps)]).collect()
        };
        Self { unit, places: at, bands, marks, epochs }
    }

    fn end(&self) -> f64 {
        self.places.last().copied().unwrap_or_default()
    }

    /// Where a step's end lies, by its number from 1.
    fn after(&self, step: f64) -> f64 {
        self.places[(step as usize).min(self.places.len() - 1)]
    }

    /// A chart over the whole axis.
    fn chart(&self, title: &str, y: Axis, series: Vec<Series>, height: f64) -> Chart {
        Chart {
            title: title.to_owned(),
            x: Axis::between(self.unit, 0.0, if self.end() > 0.0 { self.end() } else { 1.0 }),
            y,
            bands: self.bands.clone(),
            series,
            marks: Vec::new(),
            height,
        }
    }

    /// Values of epochs, each with what it says under a pointer.
    fn of_epochs(
        &self,
        facts: &Facts,
        name: &str,
        ink: usize,
        value: impl Fn(&Epoch) -> f64,
    ) -> Series {
        let points = self.epochs.iter().copied().zip(facts.epochs.iter().map(&value)).collect();
        let tip = |epoch: &Epoch| {
            let Epoch { stage, epoch: number, cycle, .. } = epoch;
            let (stage, value) = (stage.title(), label(value(epoch)));
            format!("{stage}, epoch {number}, cycle {cycle}: {value}")
        };
        let tips = facts.epochs.iter().map(tip).collect();
        Series { tips, ..Series::new(name, Look::Dots, ink, points) }
    }
}

/// The steps until an epoch's last one; one without steps of its own lies at the end.
fn end_of(epoch: &Epoch, steps: &[Step]) -> usize {
    let last = steps.iter().rposition(|s| s.stage == epoch.stage && s.epoch == epoch.epoch);
    last.map_or(steps.len(), |last| last + 1)
}

/// The seconds of each step, or of each epoch where there are no steps; those of an epoch that is not over
/// are taken for as long as the ones before. None where no epoch is over.
fn seconds(facts: &Facts) -> Option<Vec<f64>> {
    if facts.steps.is_empty() {
        let seconds: Vec<f64> = facts.epochs.iter().map(|epoch| epoch.seconds).collect();
        return (!seconds.is_empty()).then_some(seconds);
    }
    let mut pace = None;
    let mut seconds = Vec::with_capacity(facts.steps.len());
    let mut ended = facts.epochs.iter();
    for steps in facts.steps.chunk_by(|a, b| (a.stage, a.epoch) == (b.stage, b.epoch)) {
        let is_this =
            |epoch: &&Epoch| (epoch.stage, epoch.epoch) == (steps[0].stage, steps[0].epoch);
        if let Some(epoch) = ended.find(is_this) {
            pace = Some(epoch.seconds / steps.len() as f64);
        }
        seconds.extend(std::iter::repeat_n(pace?, steps.len()));
    }
    Some(seconds)
}

fn loss(facts: &Facts, time: &Timeline) -> Chart {
    let mut series = Vec::new();
    let valid = time.of_epochs(facts, "held out", 1, |epoch| epoch.score.loss);
    let train = if facts.steps.is_empty() {
        time.of_epochs(facts, "training, mean of an epoch", 0, |epoch| epoch.train_loss)
    } else {
        let raw = facts.steps.iter().zip(&time.places[1..]).map(|(step, &at)| (at, step.loss));
        series.push(Series::new("training, batch by batch", Look::Faint, 0, raw.collect()));
        let smoothed =
            smoothed(&facts.steps).into_iter().map(|(step, loss)| (time.after(step), loss));
        Series::new("training, smoothed", Look::Line, 0, smoothed.collect())
    };
    let (scale, range) = loss_scale(train.points.iter().chain(&valid.points).map(|p| p.1));
    series.extend([train, valid]);
    let y = Axis { label: "loss".to_owned(), scale, range };
    Chart { marks: time.marks.clone(), ..time.chart("Loss", y, series, 230.0) }
}

/// Batch losses as an exponential mean, its bias corrected, which starts anew with every stage:
/// with augmentation and other layers the loss is another one.
pub(in super::super) fn smoothed(steps: &[Step]) -> Vec<(f64, f64)> {
    let mut points = Vec::with_capacity(steps.len());
    let (part, least, most) = MEMORY;
    let mut before = 0;
    for stage in steps.chunk_by(|a, b| a.stage == b.stage) {
        let past = 1.0 - 1.0 / (stage.len() as f64 / part).clamp(least, most);
        let (mut mean, mut n) = (0.0, 0);
        for (i, step) in stage.iter().enumerate().filter(|(_, step)| step.loss.is_finite()) {
            n += 1;
            mean = past * mean + (1.0 - past) * step.loss;
            points.push(((before + i) as f64 + 1.0, mean / (1.0 - past.powi(n))));
        }
        before += stage.len();
        points.push((before as f64, f64::NAN));
    }
    points
}

/// The axis on which losses can be read: single batches that lie beyond are drawn at its ends.
pub(in super::super) fn loss_scale(
    losses: impl Iterator<Item = f64>,
) -> (Scale, Option<(f64, f64)>) {
    let losses = losses.filter(|loss| loss.is_finite() && *loss > 0.0);
    let (low, high) = losses.fold((f64::INFINITY, 0.0_f64), |(l, h), x| (l.min(x), h.max(x)));
    if low >= high {
        return (Scale::Linear, None);
    }
    if high / low > FALLS_FAR {
        (Scale::Log, Some((low * 0.8, high * 1.25)))
    } else {
        (Scale::Linear, Some(((low - (high - low) * 0.1).max(0.0), high + (high - low) * 0.1)))
    }
}

fn metric(facts: &Facts, time: &Timeline) -> Option<Chart> {
    let first = facts.epochs.first()?;
    let name = facts.about.metric.short();
    let (title, y, series) = if first.score.accuracy.is_some() {
        let accuracy = |epoch: &Epoch| epoch.score.accuracy.unwrap_or(f64::NAN);
        (
            "Accuracy on the images held out".to_owned(),
            "share named right".to_owned(),
            time.of_epochs(facts, "", 1, accuracy),
        )
    } else {
        let f2 = |epoch: &Epoch| epoch.score.metric;
        let decides = match facts.validation.as_ref().map(|validation| validation.kind) {
            Some(TargetKind::Ordinal | TargetKind::Number) => "anything is decided",
            _ => "thresholds are chosen",
        };
        (
            format!("{name} on the images held out, before {decides}"),
            if name == "F-beta" { "mean F-beta".to_owned() } else { name },
            time.of_epochs(facts, "", 1, f2),
        )
    };
    Some(time.chart(&title, Axis::new(y, Scale::Linear), vec![series], 130.0))
}

/// The rate, and the momentum where it moves.
fn schedule(facts: &Facts, time: &Timeline) -> Vec<Chart> {
    let of_steps = |value: fn(&Step) -> f64| -> Vec<(f64, f64)> {
        let middles = time.places.windows(2).map(|ends| f64::midpoint(ends[0], ends[1]));
        middles.zip(&facts.steps).map(|(at, step)| (at, value(step))).collect()
    };
    let finite = |points: &[(f64, f64)]| points.iter().any(|p| p.1.is_finite());
    let mut charts = Vec::new();
    let rates = of_steps(|step| step.rate);
    if finite(&rates) {
        let values = || rates.iter().map(|p| p.1).filter(|rate| *rate > 0.0);
        let high = values().fold(0.0_f64, f64::max);
        // Heads learn hundreds of times faster than whole networks: over a linear axis the whole
        // network's rate would be a flat line.
        let stage_highs = facts.steps.chunk_by(|a, b| a.stage == b.stage).map(|steps| {
            steps.iter().map(|step| step.rate).filter(|r| r.is_finite()).fold(0.0_f64, f64::max)
        });
        let lowest_high = stage_highs.filter(|&rate| rate > 0.0).fold(high, f64::min);
        let far = high / lowest_high > FALLS_FAR;
        let y = Axis {
            label: "learning rate".to_owned(),
            scale: if far { Scale::Log } else { Scale::Linear },
            range: far.then_some((lowest_high / 100.0, high * 1.3)),
        };
        let rates = Series::new("", Look::Line, 2, rates);
        charts.push(time.chart("Schedule: the head's learning rate", y, vec![rates], 120.0));
    }
    let momenta = of_steps(|step| step.momentum);
    let moves = momenta.windows(2).any(|pair| (pair[0].1 - pair[1].1).abs() > 1e-9);
    if finite(&momenta) && moves {
        let momenta = Series::new("", Look::Line, 3, momenta);
        let y = Axis::new("momentum", Scale::Linear);
        charts.push(time.chart("Schedule: momentum", y, vec![momenta], 80.0));
    }
    charts
}
