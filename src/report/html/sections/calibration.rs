//! Whether probabilities mean what they say, and what a clip costs and saves.

use maud::{Markup, html};

use super::super::facts::{Facts, Validation};
use super::super::markup::{percent, table};
use super::Section;
use super::risk::{self, Risk, SureAnswers, USUAL_CLIPS};
use crate::decide::Decision;
use crate::decide::log_loss::{self, Calibration};
use crate::metric::{self, Bin, Serving};
use crate::report::chart::{Axis, Chart, Look, Mark, Scale, Series, Width, label};
use crate::target::TargetKind;
use crate::term;

/// Bins of the curve: fewer where there are few images to fill them.
const BINS: usize = 15;
const FEW_BINS: usize = 10;
const FEW_IMAGES: usize = 1000;
/// Clips between which the loss is drawn, and how many of them.
const CLIPS: (f64, f64) = (1e-7, 0.1);
const CLIP_POINTS: usize = 60;
/// A loss so many times the least is not drawn: it would flatten the rest.
const FAR: f64 = 2.5;

pub(super) fn section(facts: &Facts) -> Option<Section> {
    let validation = facts.validation.as_ref().filter(|validation| !validation.is_empty())?;
    let answers = answers(validation);
    if answers.is_empty() {
        return None;
    }
    let n_bins = if validation.len() < FEW_IMAGES { FEW_BINS } else { BINS };
    let bins = metric::reliability(answers, n_bins);
    let calibration = match &facts.decision {
        Some(Decision::Calibration(calibration)) => Some(calibration),
        _ => None,
    };
    let by_log_loss = facts.about.metric.family().serves == Serving::Calibrated;
    let body = html! {
        (figures(validation, &bins))
        div.charts {
            (reliability(&bins, n_bins).figure(Width::Half))
            (histogram(&bins, n_bins).figure(Width::Half))
        }
        @if by_log_loss && validation.kind == TargetKind::SingleLabel {
            (clip(validation, calibration))
        }
    };
    let lead = match validation.kind {
        TargetKind::SingleLabel | TargetKind::Ordinal | TargetKind::Number => {
            "Of all answers given with 80 %, 80 % should be right. Points below the diagonal are \
             too sure of themselves, points above too modest."
        }
        TargetKind::MultiLabel => {
            "Of all tags given 80 %, 80 % should be there: every tag of every image is an answer. \
             Points below the diagonal are too sure, points above too modest."
        }
    };
    Some(Section { id: "calibration", title: "Calibration", lead: lead.to_owned(), body })
}

/// Every answer's probability and whether it came true.
fn answers(validation: &Validation) -> Vec<(f64, bool)> {
    match validation.kind {
        TargetKind::Ordinal | TargetKind::Number => Vec::new(),
        TargetKind::SingleLabel => {
            let truth = validation.classes_true();
            metric::top_answers(&validation.predictions.probabilities, &truth).collect()
        }
        TargetKind::MultiLabel => validation
            .rows()
            .zip(validation.classes())
            .flat_map(|(row, truth)| {
                row.iter().enumerate().map(|(tag, &p)| (f64::from(p), truth.contains(&tag)))
            })
            .collect(),
    }
}

fn figures(validation: &Validation, bins: &[Bin]) -> Markup {
    let error = metric::expected_calibration_error(bins);
    let n: usize = bins.iter().map(|bin| bin.n).sum();
    let mean = |value: fn(&Bin) -> f64| {
        bins.iter().map(|bin| bin.n as f64 * value(bin)).sum::<f64>() / n.max(1) as f64
    };
    let (confidence, accuracy) = (mean(|bin| bin.confidence), mean(|bin| bin.accuracy));
    html! {
        div.figures {
            div { b { (percent(error)) } span { "expected calibration error, over " (bins.len()) " bins" } }
            @if validation.kind == TargetKind::SingleLabel {
                @let truth = validation.classes_true();
                div {
                    b { (label(metric::brier(&validation.predictions.probabilities, &truth))) }
                    span { "Brier score, 0 to 2, lower is better" }
                }
                div {
                    b { (label(metric::log_loss(&validation.predictions.probabilities, &truth))) }
                    span { "log loss of the raw probabilities" }
                }
            }
            div {
                b { (percent(confidence)) }
                span { "mean confidence, where " (percent(accuracy)) " came true" }
            }
        }
    }
}

fn reliability(bins: &[Bin], n_bins: usize) -> Chart {
    let filled = || bins.iter().filter(|bin| bin.n > 0);
    // A standard error up and down: few images say little.
    let spread = filled().flat_map(|bin| {
        let error =
            (bin.accuracy * (1.0 - bin.accuracy) / bin.n as f64).sqrt().max(0.5 / bin.n as f64);
        let (low, high) = ((bin.accuracy - error).max(0.0), (bin.accuracy + error).min(1.0));
        [(bin.confidence, low), (bin.confidence, high), (f64::NAN, f64::NAN)]
    });
    let points: Vec<(f64, f64)> = filled().map(|bin| (bin.confidence, bin.accuracy)).collect();
    let tips = filled().map(|bin| {
        let (given, was) = (percent(bin.confidence), percent(bin.accuracy));
        format!("{} given {given} on average: {was} came true", term::count(bin.n, "answer"))
    });
    Chart {
        title: "Reliability".to_owned(),
        x: Axis::between("probability given", 0.0, 1.0),
        y: Axis::between("share that came true", 0.0, 1.0),
        series: vec![
            Series::new("as it should be", Look::Guide, 0, vec![(0.0, 0.0), (1.0, 1.0)]),
            Series::new("", Look::Faint, 0, points.clone()),
            Series::new("", Look::Faint, 0, spread.collect()),
            Series {
                tips: tips.collect(),
                ..Series::new(
                    &format!("{n_bins} bins, one standard error"),
                    Look::Points,
                    0,
                    points,
                )
            },
        ],
        height: 240.0,
        ..Chart::default()
    }
}

fn histogram(bins: &[Bin], n_bins: usize) -> Chart {
    let middle = |i: usize| (i as f64 + 0.5) / n_bins as f64;
    let points = bins.iter().enumerate().map(|(i, bin)| (middle(i), bin.n as f64)).collect();
    let tips = bins.iter().map(|bin| term::count(bin.n, "answer")).collect();
    let most = bins.iter().map(|bin| bin.n).max().unwrap_or(0).max(1) as f64;
    let bars = Series { tips, ..Series::new("", Look::Bars(1.0 / n_bins as f64), 0, points) };
    Chart {
        title: "How sure the answers are".to_owned(),
        x: Axis::between("probability given", 0.0, 1.0),
        y: Axis::between("answers", 0.0, most * 1.05),
        series: vec![bars],
        height: 240.0,
        ..Chart::default()
    }
}

/// What clipping does to the log loss, on these images and by arithmetic.
fn clip(validation: &Validation, decided: Option<&Calibration>) -> Markup {
    let truth = validation.classes_true();
    let sure = SureAnswers::count(&validation.predictions.probabilities, &truth);
    let rows = risk::table(sure.error_rate());
    html! {
        h3 { "How sure a submission dares to be" }
        @if let Some(decided) = decided { p { "Decided: " (decided) "." } }
        div.charts {
            (clip_chart(validation, decided, &truth).figure(Width::Half))
            div {
                p {
                    "Of " (term::count(sure.n, "answer")) " given with at least "
                    (format!("{:.0} %", risk::SURE * 100.0)) ", " (sure.n_wrong) " "
                    @if sure.n_wrong == 1 { "is" } @else { "are" } " wrong: an error rate of "
                    strong { (format!("{:.4}", sure.error_rate())) }
                    ", half an image added. If every answer were fully sure and a share like that \
                    wrong, this is the log loss that each clip would cost. Test labels have noise \
                    of their own: read on to the rows below as well."
                }
                (risk_table(&rows))
            }
        }
    }
}

fn clip_chart(validation: &Validation, decided: Option<&Calibration>, truth: &[usize]) -> Chart {
    let temperature = decided.map_or(1.0, |decided| decided.temperature);
    let loss = |epsilon: f64| {
        let mut rows = validation.predictions.probabilities.clone();
        log_loss::apply(&mut rows, temperature, epsilon);
        metric::log_loss(&rows, truth)
    };
    let ratio = CLIPS.1 / CLIPS.0;
    let points: Vec<(f64, f64)> = (0..=CLIP_POINTS)
        .map(|i| CLIPS.0 * ratio.powf(i as f64 / CLIP_POINTS as f64))
        .map(|epsilon| (epsilon, loss(epsilon)))
        .collect();
    let least = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let near = |(x, loss)| if loss <= least * FAR { (x, loss) } else { (x, f64::NAN) };
    let points = points.into_iter().map(near).collect();
    let marks = decided.map(|decided| Mark {
        at: decided.epsilon,
        label: format!("used: {}", label(decided.epsilon)),
        dot: Some(loss(decided.epsilon)),
        strong: true,
    });
    Chart {
        title: "Log loss by clip, on the images held out".to_owned(),
        x: Axis::new("probabilities clipped at", Scale::Log),
        y: Axis::new("log loss", Scale::Linear),
        series: vec![Series::new("", Look::Line, 0, points)],
        marks: marks.into_iter().collect(),
        height: 190.0,
        ..Chart::default()
    }
}

fn risk_table(rows: &[Risk]) -> Markup {
    let head = html! {
        th.n { "wrong" } th.n { "best clip" }
        @for clip in USUAL_CLIPS { th.n { (label(clip)) } }
    };
    let rows = html! {
        @for (i, row) in rows.iter().enumerate() {
            tr class=[(i == 0).then_some("chosen")] {
                td.n { (format!("{:.4}", row.error_rate)) }
                td.n { (format!("{:.4}", row.best)) }
                @for loss in row.usual { td.n { (format!("{loss:.4}")) } }
            }
        }
    };
    table("Log loss by share of wrong answers and clip", &head, &rows)
}
