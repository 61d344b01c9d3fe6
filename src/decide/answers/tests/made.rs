//! Metrics of the tests' own, and images that are drawn.

#![expect(clippy::unnecessary_wraps, reason = "a family's function may fail")]

use rand::Rng;

use crate::decide::numbers::softmax;
use crate::metric::{
    Direction, Family, Form, Metric, Misfit, ScoreBy, Scoring, Serving, TagCounts, Training,
};
use crate::rng::{Purpose, stream};
use crate::table::Table;
use crate::target::{Classes, Predictions, Said, TargetKind, Truth};

const fn family(word: &'static str, serves: Serving, score: ScoreBy) -> Family {
    Family {
        word,
        number: None,
        title: |_| "made up".to_owned(),
        better: Direction::Higher,
        forms: &[
            (TargetKind::SingleLabel, Form::Label),
            (TargetKind::Ordinal, Form::Label),
            (TargetKind::MultiLabel, Form::Tags),
        ],
        bounds: (-1e9, 1e9),
        options: &[],
        trains: Training::Likelihood,
        serves,
        score,
    }
}

pub(super) static KAPPA: Family = family("test-kappa", Serving::CutPoints, ScoreBy::Whole(kappa));
pub(super) static RECALL: Family =
    family("test-recall", Serving::Priors, ScoreBy::Whole(mean_recall));
pub(super) static MICRO: Family =
    family("test-micro", Serving::Threshold, ScoreBy::Whole(micro_f1));
pub(super) static MACRO: Family =
    family("test-macro", Serving::ThresholdAClass, ScoreBy::Whole(macro_f1));
pub(super) static HIT: Family = family("test-hit", Serving::Largest, ScoreBy::Rows(hits));
pub(super) static AREA: Family = Family {
    forms: &[(TargetKind::SingleLabel, Form::Probabilities)],
    ..family("test-area", Serving::AsTheyAre, ScoreBy::Whole(area))
};
pub(super) static ERROR: Family = Family {
    better: Direction::Lower,
    forms: &[(TargetKind::Number, Form::Numbers)],
    ..family("test-error", Serving::Range, ScoreBy::Whole(error))
};

fn pairs<'a>(rows: &'a Scoring) -> impl Iterator<Item = (usize, usize)> + 'a {
    let Said::Lists(said) = rows.said else { panic!("labels") };
    rows.truth.classes().iter().zip(said).map(|(truth, said)| (truth[0], said[0]))
}

/// The quadratic kappa of labels.
fn kappa(_: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let n = rows.classes.len();
    let mut counts = vec![0.0; n * n];
    pairs(rows).for_each(|(truth, said)| counts[truth * n + said] += 1.0);
    let sum = |cells: &mut dyn Iterator<Item = usize>| cells.map(|i| counts[i]).sum::<f64>();
    let of_truth: Vec<f64> = (0..n).map(|t| sum(&mut (0..n).map(|s| t * n + s))).collect();
    let of_said: Vec<f64> = (0..n).map(|s| sum(&mut (0..n).map(|t| t * n + s))).collect();
    let all: f64 = of_truth.iter().sum();
    let (mut seen, mut by_chance) = (0.0, 0.0);
    for truth in 0..n {
        for said in 0..n {
            let w = (truth as f64 - said as f64).powi(2);
            seen += w * counts[truth * n + said];
            by_chance += w * of_truth[truth] * of_said[said] / all;
        }
    }
    Ok(1.0 - seen / by_chance)
}

fn mean_recall(_: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let n = rows.classes.len();
    let (mut right, mut of) = (vec![0.0; n], vec![0.0; n]);
    for (truth, said) in pairs(rows) {
        of[truth] += 1.0;
        right[truth] += f64::from(u8::from(truth == said));
    }
    let known: Vec<f64> = (0..n).filter(|&c| of[c] > 0.0).map(|c| right[c] / of[c]).collect();
    Ok(known.iter().sum::<f64>() / known.len() as f64)
}

fn counts(rows: &Scoring, tag: usize) -> TagCounts {
    let Said::Lists(said) = rows.said else { panic!("tags") };
    let pairs = rows.truth.classes().iter().zip(said);
    TagCounts::count(pairs.map(|(t, s)| (t.contains(&tag), s.contains(&tag))))
}

fn macro_f1(_: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let n = rows.classes.len();
    Ok((0..n).map(|tag| counts(rows, tag).fbeta(1.0)).sum::<f64>() / n as f64)
}

fn micro_f1(_: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let Said::Lists(said) = rows.said else { panic!("tags") };
    let (mut n_right, mut n) = (0, 0);
    for (truth, said) in rows.truth.classes().iter().zip(said) {
        n_right += said.iter().filter(|tag| truth.contains(tag)).count();
        n += said.len() + truth.len();
    }
    Ok(2.0 * n_right as f64 / n.max(1) as f64)
}

fn hits(_: &Metric, rows: &Scoring) -> Result<Vec<f64>, Misfit> {
    Ok(pairs(rows).map(|(truth, said)| f64::from(u8::from(truth == said))).collect())
}

/// The area under the ROC curve of the second of two classes.
fn area(_: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let Said::Probabilities(said) = rows.said else { panic!("probabilities") };
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for (row, truth) in said.rows().zip(rows.truth.classes()) {
        if truth[0] == 1 { yes.push(row[1]) } else { no.push(row[1]) }
    }
    let win = |a: f64, b: f64| if a > b { 1.0 } else { f64::from(u8::from(a == b)) / 2.0 };
    let wins: f64 = yes.iter().flat_map(|&a| no.iter().map(move |&b| win(a, b))).sum();
    Ok(wins / (yes.len() * no.len()) as f64)
}

fn error(_: &Metric, rows: &Scoring) -> Result<f64, Misfit> {
    let (Truth::Numbers(truth), Said::Numbers(said)) = (rows.truth, rows.said) else {
        panic!("numbers")
    };
    let squares = truth.as_slice().iter().zip(said.as_slice()).map(|(t, s)| (t - s).powi(2));
    Ok((squares.sum::<f64>() / truth.as_slice().len() as f64).sqrt())
}

pub(super) fn classes(n: usize) -> Classes {
    (0..n).map(|i| i.to_string()).collect::<Vec<String>>().into()
}

pub(super) fn said(cells: Vec<f32>, width: usize, n_classes: usize) -> Predictions {
    let probabilities = Table::new(cells, width);
    let ids = (0..probabilities.n_rows()).map(|i| format!("image {i}")).collect();
    Predictions { ids, probabilities, classes: classes(n_classes) }
}

/// Levels that lie nearer to the middle than the classes that are true.
pub(super) fn levels(n: usize, n_classes: usize, seed: u64) -> (Predictions, Truth) {
    let mut rng = stream(Purpose::Draw, seed, 0, 0);
    let middle = (n_classes - 1) as f64 / 2.0;
    let (mut cells, mut truth) = (Vec::new(), Vec::new());
    for _ in 0..n {
        // The first class is the most frequent.
        let class = (rng.random::<f64>().powi(2) * n_classes as f64) as usize;
        let noise = rng.random_range(-0.6..0.6);
        cells.push((middle + 0.5 * (class as f64 - middle) + noise) as f32);
        truth.push(vec![class]);
    }
    (said(cells, 1, n_classes), Truth::Classes(truth))
}

/// Calibrated probabilities of classes of which each is half as frequent as the one before.
pub(super) fn skewed(n: usize, n_classes: usize, seed: u64) -> (Predictions, Truth) {
    let mut rng = stream(Purpose::Draw, seed, 1, 0);
    let (mut cells, mut truth) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let logit = |class: usize| rng.random_range(-1.5..1.5) - 0.9 * class as f64;
        let p = softmax(&(0..n_classes).map(logit).collect::<Vec<f64>>());
        let (at, mut below) = (rng.random::<f64>(), 0.0);
        let class = p.iter().position(|p| {
            below += p;
            at < below
        });
        truth.push(vec![class.unwrap_or(0)]);
        cells.extend(p.into_iter().map(|p| p as f32));
    }
    (said(cells, n_classes, n_classes), Truth::Classes(truth))
}

/// Tags whose probabilities are calibrated but for a bias of each.
pub(super) fn tagged(n: usize, bias: &[f64], seed: u64) -> (Predictions, Truth) {
    let mut rng = stream(Purpose::Draw, seed, 2, 0);
    let (mut cells, mut truth) = (Vec::new(), Vec::new());
    for _ in 0..n {
        let mut tags = Vec::new();
        for (tag, bias) in bias.iter().enumerate() {
            let logit = rng.random_range(-4.0..2.0f64);
            if rng.random_bool(1.0 / (1.0 + (-logit).exp())) {
                tags.push(tag);
            }
            cells.push((1.0 / (1.0 + (-logit - bias).exp())) as f32);
        }
        truth.push(tags);
    }
    (said(cells, bias.len(), bias.len()), Truth::Classes(truth))
}
