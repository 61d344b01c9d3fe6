//! What a way has learned: from here on an answer follows from a row alone.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::cut_points::class_at;
use super::{probabilities, tags};
use crate::decide::log_loss;
use crate::decide::tags::calibrate::Calibration;
use crate::metric::{largest, most_probable};
use crate::run::checked::{Fault, all_finite, between, finite, hold};
use crate::table::Table;
use crate::target::{Answers, Predictions, Said, TargetKind};

/// What is done to what a model says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Rule {
    /// Nothing.
    AsTheyAre {},
    /// `softmax(ln p / temperature)`, then a clip, each row summing to one.
    Softened { temperature: f64, clip: f64 },
    /// Each probability clipped, after a curve a tag.
    Clipped {
        clip: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calibration: Option<Calibration>,
    },
    /// The shares of a logistic distribution around the level.
    Around { spread: f64 },
    /// The `k` likeliest classes, best first.
    Largest {
        k: usize,
        /// What is answered where no class is likely stands among them as if it were so likely.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unknown: Option<f64>,
    },
    /// The likeliest class and its probability.
    Surest {},
    /// The class with the largest `p / share^power`.
    Priors { shares: Vec<f64>, power: f64 },
    /// The tags above a threshold; of two classes, the second if it is.
    Above {
        threshold: f64,
        /// Whether the likeliest tag stands where none is above.
        never_empty: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        calibration: Option<Calibration>,
    },
    /// The tags above their own thresholds.
    AboveEach { thresholds: Vec<f64>, never_empty: bool },
    /// 1 where a probability is above a threshold, else 0.
    Hardened { threshold: f64 },
    /// The class between two limits of the level.
    CutPoints { points: Vec<f64> },
    /// Numbers, no lower and no higher.
    Within {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        range: Option<[f64; 2]>,
    },
}

impl Rule {
    /// The answers. `unknown` is what is answered where no class is likely; it comes last where it is
    /// none of the classes.
    pub fn answers(
        &self,
        kind: TargetKind,
        predictions: Predictions,
        unknown: Option<&str>,
    ) -> Answers {
        let Predictions { ids, probabilities, mut classes } = predictions;
        let n_classes = classes.len();
        let place = match (self, unknown) {
            (Self::Largest { unknown: Some(_), .. }, Some(name)) => {
                classes.position(name).unwrap_or_else(|| classes.push(name))
            }
            _ => n_classes,
        };
        Answers { ids, said: self.said(kind, &probabilities, n_classes, place), classes }
    }

    /// What is said of `rows`, `[n, outputs]`; `unknown` is the place of what is answered where no class
    /// is likely.
    pub(super) fn said(
        &self,
        kind: TargetKind,
        rows: &Table,
        n_classes: usize,
        unknown: usize,
    ) -> Said {
        let lists =
            |list: &dyn Fn(&[f32]) -> Vec<usize>| Said::Lists(rows.rows().map(list).collect());
        match self {
            Self::AsTheyAre {} => Said::Probabilities(rows.wide()),
            Self::Softened { temperature, clip } => {
                let mut rows = rows.clone();
                log_loss::apply(&mut rows, *temperature, *clip);
                Said::Probabilities(rows.wide())
            }
            Self::Clipped { clip, calibration } => {
                let mut rows = rows.clone();
                if let Some(calibration) = calibration {
                    calibration.apply(&mut rows);
                }
                probabilities::apply_clip(&mut rows, *clip);
                Said::Probabilities(rows.wide())
            }
            Self::Around { spread } => {
                let of = |row: &[f32]| probabilities::around(level(row, kind), n_classes, *spread);
                Said::Probabilities(Table::new(rows.rows().flat_map(of).collect(), n_classes))
            }
            Self::Largest { k, unknown: None } => lists(&|row| largest(row, *k)),
            Self::Largest { k, unknown: Some(likely) } => {
                lists(&|row| with_unknown(row, *k, unknown, *likely))
            }
            Self::Surest {} => Said::Scored(rows.rows().map(surest).collect()),
            Self::Priors { shares, power } => {
                let weights: Vec<f64> = shares.iter().map(|share| share.powf(-power)).collect();
                lists(&|row| vec![likeliest_by(row, &weights)])
            }
            Self::Above { threshold, .. } if kind == TargetKind::SingleLabel => {
                lists(&|row| vec![usize::from(f64::from(row[1]) > *threshold)])
            }
            Self::Above { threshold, never_empty, calibration: Some(calibration) } => {
                let mut rows = rows.clone();
                calibration.apply(&mut rows);
                let list = |row: &[f32]| tags::above(row, |_| *threshold, *never_empty);
                Said::Lists(rows.rows().map(list).collect())
            }
            Self::Above { threshold, never_empty, calibration: None } => {
                lists(&|row| tags::above(row, |_| *threshold, *never_empty))
            }
            Self::AboveEach { thresholds, never_empty } => {
                lists(&|row| tags::above(row, |tag| thresholds[tag], *never_empty))
            }
            Self::Hardened { threshold } => Said::Probabilities(hardened(rows, kind, *threshold)),
            Self::CutPoints { points } => lists(&|row| vec![class_at(level(row, kind), points)]),
            Self::Within { range } => {
                let [low, high] = range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
                let mut numbers = rows.wide();
                let cells = numbers.as_mut_slice().iter_mut();
                cells.for_each(|number| *number = number.clamp(low, high));
                Said::Numbers(numbers)
            }
        }
    }

    /// Finds what rows of so many classes cannot be answered by.
    pub(super) fn check(&self, kind: TargetKind, n_classes: usize) -> Result<(), Fault> {
        let as_many = |key: &str, n: usize, wanted: usize| {
            hold(n == wanted, key, || format!("has {n} numbers for {n_classes} classes"))
        };
        let calibrated = |calibration: &Option<Calibration>| match calibration {
            Some(curves) => curves.check(n_classes).map_err(|fault| fault.within("calibration")),
            None => Ok(()),
        };
        let found = match self {
            Self::AsTheyAre {} | Self::Surest {} | Self::Within { range: None } => Ok(()),
            Self::Softened { temperature, clip } => {
                between("temperature", *temperature, 0.01, 100.0)
                    .and_then(|()| between("clip", *clip, 0.0, 0.5))
            }
            Self::Clipped { clip, calibration } => {
                between("clip", *clip, 0.0, 0.5).and_then(|()| calibrated(calibration))
            }
            Self::Around { spread } => between("spread", *spread, 1e-3, 1e3),
            Self::Largest { k, unknown } => {
                hold(*k > 0, "k", || "is 0: it must be 1 or more".to_owned())
                    .and_then(|()| between("unknown", unknown.unwrap_or_default(), 0.0, 1.0))
            }
            Self::Priors { shares, power } => as_many("shares", shares.len(), n_classes)
                .and_then(|()| between("power", *power, -10.0, 10.0))
                .and_then(|()| {
                    shares.iter().enumerate().try_for_each(|(i, &share)| {
                        between(&format!("shares.{i}"), share, 1e-12, 1.0)
                    })
                }),
            Self::Above { threshold, calibration, .. } => {
                between("threshold", *threshold, 0.0, 1.0)
                    .and_then(|()| {
                        let is_two = kind != TargetKind::SingleLabel || n_classes == 2;
                        hold(is_two, "threshold", || {
                            format!("is between two of {n_classes} classes")
                        })
                    })
                    .and_then(|()| calibrated(calibration))
            }
            Self::AboveEach { thresholds, .. } => {
                as_many("thresholds", thresholds.len(), n_classes).and_then(|()| {
                    thresholds.iter().enumerate().try_for_each(|(i, &threshold)| {
                        between(&format!("thresholds.{i}"), threshold, 0.0, 1.0)
                    })
                })
            }
            Self::Hardened { threshold } => between("threshold", *threshold, 0.0, 1.0),
            Self::CutPoints { points } => {
                as_many("points", points.len(), n_classes.saturating_sub(1))
                    .and_then(|()| all_finite("points", points))
                    .and_then(|()| {
                        hold(points.is_sorted(), "points", || {
                            format!("are {points:?}: they must rise")
                        })
                    })
            }
            Self::Within { range: Some([low, high]) } => finite("range.0", *low)
                .and_then(|()| finite("range.1", *high))
                .and_then(|()| hold(low <= high, "range", || format!("is from {low} to {high}"))),
        };
        found.map_err(|fault| fault.within(self.key()))
    }

    /// Its name in a file.
    fn key(&self) -> &'static str {
        match self {
            Self::AsTheyAre {} => "as-they-are",
            Self::Softened { .. } => "softened",
            Self::Clipped { .. } => "clipped",
            Self::Around { .. } => "around",
            Self::Largest { .. } => "largest",
            Self::Surest {} => "surest",
            Self::Priors { .. } => "priors",
            Self::Above { .. } => "above",
            Self::AboveEach { .. } => "above-each",
            Self::Hardened { .. } => "hardened",
            Self::CutPoints { .. } => "cut-points",
            Self::Within { .. } => "within",
        }
    }
}

impl fmt::Display for Rule {
    /// What is answered, in a few words.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::AsTheyAre {} => write!(f, "as the model says them"),
            Self::Softened { temperature, clip } => {
                write!(f, "probabilities at a temperature of {temperature}, clipped at {clip}")
            }
            Self::Clipped { clip, calibration: None } => {
                write!(f, "probabilities clipped at {clip}")
            }
            Self::Clipped { clip, .. } => {
                write!(f, "probabilities corrected by a curve a tag, clipped at {clip}")
            }
            Self::Around { spread } => write!(f, "classes around the level, spread {spread}"),
            Self::Largest { k: 1, unknown: None } => write!(f, "the likeliest class"),
            Self::Largest { k, unknown: None } => write!(f, "the {k} likeliest classes"),
            Self::Largest { k: 1, unknown: Some(likely) } => {
                write!(f, "the likeliest class, unknown where it is below {likely:.4}")
            }
            Self::Largest { k, unknown: Some(likely) } => {
                write!(f, "the {k} likeliest classes, unknown at the place of {likely:.4}")
            }
            Self::Surest {} => write!(f, "the likeliest class and its probability"),
            Self::Priors { power, .. } => {
                write!(f, "the class with the largest probability / share^{power:.2}")
            }
            Self::Above { threshold, calibration: None, .. } => {
                write!(f, "what is above {threshold:.4}")
            }
            Self::Above { threshold, .. } => {
                write!(f, "what is above {threshold:.4} after a curve a tag")
            }
            Self::AboveEach { thresholds, .. } => {
                let (low, high) = ends(thresholds);
                write!(f, "tags above their own thresholds, from {low:.3} to {high:.3}")
            }
            Self::Hardened { threshold } => write!(f, "1 above {threshold:.4}, else 0"),
            Self::CutPoints { points } => {
                let points: Vec<String> =
                    points.iter().map(|point| format!("{point:.3}")).collect();
                write!(f, "levels cut at {}", points.join(", "))
            }
            Self::Within { range: None } => write!(f, "numbers as the model says them"),
            Self::Within { range: Some([low, high]) } => write!(f, "numbers from {low} to {high}"),
        }
    }
}

fn ends(numbers: &[f64]) -> (f64, f64) {
    let low = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    (low, numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// The level that a row tells: the one that it has, or that of probabilities of classes in order.
pub(super) fn level(row: &[f32], kind: TargetKind) -> f64 {
    match kind {
        TargetKind::Ordinal => row.first().copied().map_or(0.0, f64::from),
        _ => row.iter().enumerate().map(|(class, &p)| class as f64 * f64::from(p)).sum(),
    }
}

fn surest(row: &[f32]) -> Option<(usize, f64)> {
    let class = most_probable(row);
    row.get(class).map(|&p| (class, f64::from(p)))
}

/// The place of the largest weighted probability, the first of equals.
fn likeliest_by(row: &[f32], weights: &[f64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (class, (&p, weight)) in row.iter().zip(weights).enumerate() {
        let weighted = f64::from(p) * weight;
        if weighted > best.1 {
            best = (class, weighted);
        }
    }
    best.0
}

/// The `k` likeliest, among which `unknown` is as likely as told, or as it is said to be.
fn with_unknown(row: &[f32], k: usize, unknown: usize, likely: f64) -> Vec<usize> {
    let own = row.get(unknown).copied().map_or(0.0, f64::from);
    let mut list = largest(row, k + 1);
    list.retain(|&class| class != unknown);
    let likely = likely.max(own);
    let place = list.iter().take_while(|&&class| f64::from(row[class]) >= likely).count();
    list.insert(place, unknown);
    list.truncate(k);
    list
}

/// 0 and 1 by the probability of the second of two classes, or of each tag.
fn hardened(rows: &Table, kind: TargetKind, threshold: f64) -> Table<f64> {
    let is_above = |p: f32| f64::from(u8::from(f64::from(p) > threshold));
    let of_row = |row: &[f32]| -> Vec<f64> {
        match (kind, row) {
            (TargetKind::SingleLabel, [_, second]) => {
                let second = is_above(*second);
                vec![1.0 - second, second]
            }
            _ => row.iter().map(|&p| is_above(p)).collect(),
        }
    };
    Table::new(rows.rows().flat_map(of_row).collect(), rows.width())
}
