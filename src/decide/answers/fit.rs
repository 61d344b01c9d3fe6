//! What a way learns from images: the numbers with the best score by the metric itself, or, where
//! that would take long or goes by likelihood, by what it follows from.

use super::rule::{Rule, level};
use super::search::{best_place, places_between};
use super::{Options, Way, cut_points, probabilities, tags};
use crate::decide::judged::{Judged, Part};
use crate::decide::log_loss::{self, Calibration};
use crate::decide::tags::calibrate::{self, Kind};
use crate::decide::tags::rules::{One, TagRules};
use crate::metric::{Metric, Scoring, largest};
use crate::target::{Predictions, Said, TargetKind, tagged};

/// More images than these are thinned out evenly: one number is known well enough from them.
const MOST_IMAGES: usize = 30_000;
/// The powers of shares that are tried: from none to more than theory asks of calibrated
/// probabilities, which is one.
const POWERS: std::ops::RangeInclusive<u32> = 0..=30;
const POWERS_A_UNIT: f64 = 20.0;

/// What `way` learns from images to be good at `metric`.
pub(super) fn rule(way: Way, metric: &Metric, images: &Judged, options: &Options) -> Rule {
    let thinned = thinned(images);
    let images = &thinned.as_ref().map_or(*images, Part::judged);
    let fit = Fit { metric, images, options };
    match way {
        Way::AsTheyAre => Rule::AsTheyAre {},
        Way::Softened => {
            let Calibration { temperature, epsilon, .. } =
                log_loss::fit(&images.predictions.probabilities, &images.classes());
            Rule::Softened { temperature, clip: epsilon }
        }
        Way::Clipped => fit.clipped(None),
        Way::Calibrated => fit.clipped(Some(fit.calibration())),
        Way::Around => Rule::Around {
            spread: probabilities::fit_spread(
                &fit.levels(),
                &images.classes(),
                images.predictions.classes.len(),
            ),
        },
        Way::Largest => Rule::Largest { k: metric.n_answers(), unknown: None },
        Way::LargestOrUnknown => fit.unknown(),
        Way::Surest => Rule::Surest {},
        Way::Priors => fit.priors(),
        Way::Threshold => fit.threshold(None),
        Way::CurvesAndThreshold => fit.threshold(Some(fit.calibration())),
        Way::ThresholdPerClass => fit.threshold_per_class(),
        Way::Hardened => fit.hardened(),
        Way::Nearest => {
            Rule::CutPoints { points: cut_points::halves(images.predictions.classes.len()) }
        }
        Way::CutPoints => fit.cut_points(),
        Way::Range => Rule::Within { range: options.range.filter(|[low, high]| low <= high) },
    }
}

/// Some of many images.
fn thinned(images: &Judged) -> Option<Part> {
    let n = images.truth.len();
    (n > MOST_IMAGES).then(|| {
        let taken: Vec<usize> = (0..n).step_by(n.div_ceil(MOST_IMAGES)).collect();
        Part::of(images, &taken)
    })
}

struct Fit<'a> {
    metric: &'a Metric,
    images: &'a Judged<'a>,
    options: &'a Options,
}

impl Fit<'_> {
    /// The score of a rule, larger if it is better; what has none is worst.
    fn of_rule(&self, rule: &Rule) -> f64 {
        let Predictions { probabilities, classes, .. } = self.images.predictions;
        let unknown = self.options.unknown().and_then(|name| classes.position(name));
        let n = classes.len();
        self.of(&rule.said(self.images.kind, probabilities, n, unknown.unwrap_or(n)))
    }

    fn of(&self, said: &Said) -> f64 {
        let Judged { kind, predictions: Predictions { ids, classes, .. }, truth, .. } =
            *self.images;
        let rows = Scoring { kind, ids, classes, truth, said };
        self.oriented(self.metric.score(&rows).unwrap_or(f64::NAN))
    }

    fn oriented(&self, score: f64) -> f64 {
        match score {
            _ if score.is_nan() => f64::NEG_INFINITY,
            _ if self.metric.better(1.0, 0.0) => score,
            _ => -score,
        }
    }

    fn levels(&self) -> Vec<f64> {
        let Judged { kind, predictions, .. } = self.images;
        predictions.rows().map(|row| level(row, *kind)).collect()
    }

    fn truth(&self) -> crate::table::Table<bool> {
        let targets = self.images.truth.classes().iter().map(Vec::as_slice);
        tagged(targets, self.images.predictions.classes.len())
    }

    /// A curve a tag; those of which every image has exactly one share a softmax.
    fn calibration(&self) -> calibrate::Calibration {
        let TagRules { groups, .. } = &self.options.structure;
        let exactly = groups.iter().filter(|group| group.one == One::Exactly);
        let groups: Vec<Vec<usize>> = exactly.map(|group| group.members.clone()).collect();
        let rows = &self.images.predictions.probabilities;
        calibrate::fit(Kind::Platt, rows, &self.truth(), &groups)
    }

    fn clipped(&self, calibration: Option<calibrate::Calibration>) -> Rule {
        let mut rows = self.images.predictions.probabilities.clone();
        if let Some(calibration) = &calibration {
            calibration.apply(&mut rows);
        }
        Rule::Clipped { clip: probabilities::fit_clip(&rows, &self.truth()), calibration }
    }

    /// Whether every image has a tag, so that an answer without one is wrong.
    fn never_empty(&self) -> bool {
        self.images.truth.classes().iter().all(|tags| !tags.is_empty())
    }

    /// One threshold for all cells, or for the second of two classes.
    fn threshold(&self, calibration: Option<calibrate::Calibration>) -> Rule {
        let mut predictions = self.images.predictions.clone();
        if let Some(calibration) = &calibration {
            calibration.apply(&mut predictions.probabilities);
        }
        let images = Judged { predictions: &predictions, ..*self.images };
        let fit = Fit { images: &images, ..*self };
        let never_empty = self.never_empty();
        let above = |threshold| Rule::Above { threshold, never_empty, calibration: None };
        let best = best_place(&fit.places(), |threshold| fit.of_rule(&above(threshold)));
        Rule::Above { threshold: best.unwrap_or(0.5), never_empty, calibration }
    }

    /// Where a threshold may stand.
    fn places(&self) -> Vec<f64> {
        let rows = &self.images.predictions.probabilities;
        let cells: Vec<f64> = match self.images.kind {
            TargetKind::SingleLabel => rows.rows().map(|row| f64::from(row[1])).collect(),
            _ => rows.as_slice().iter().map(|&p| f64::from(p)).collect(),
        };
        places_between(cells, 0.0, 1.0)
    }

    fn threshold_per_class(&self) -> Rule {
        let Rule::Above { threshold, never_empty, .. } = self.threshold(None) else {
            unreachable!("made by the same type")
        };
        let rows = &self.images.predictions.probabilities;
        let thresholds = tags::thresholds(rows, &self.truth(), threshold);
        Rule::AboveEach { thresholds, never_empty }
    }

    fn hardened(&self) -> Rule {
        let hardened = |threshold| Rule::Hardened { threshold };
        let best = best_place(&self.places(), |threshold| self.of_rule(&hardened(threshold)));
        hardened(best.unwrap_or(0.5))
    }

    /// Shares as the images have them, one image of each class more (Laplace), and their power.
    fn priors(&self) -> Rule {
        let n_classes = self.images.predictions.classes.len();
        let mut counts = vec![1.0; n_classes];
        self.images.classes().into_iter().for_each(|class| counts[class] += 1.0);
        let n: f64 = counts.iter().sum();
        let shares: Vec<f64> = counts.into_iter().map(|count| count / n).collect();
        let with = |power| Rule::Priors { shares: shares.clone(), power };
        let powers: Vec<f64> = POWERS.map(|step| f64::from(step) / POWERS_A_UNIT).collect();
        let best = best_place(&powers, |power| self.of_rule(&with(power)));
        with(best.unwrap_or_default())
    }

    /// How likely a class must be to stand before what is answered where none is.
    fn unknown(&self) -> Rule {
        let k = self.metric.n_answers();
        let with = |likely| Rule::Largest { k, unknown: Some(likely) };
        let rows = self.images.predictions.rows();
        let likely =
            rows.flat_map(|row| largest(row, k).into_iter().map(|class| f64::from(row[class])));
        let places = places_between(likely.collect(), 0.0, 1.0);
        with(best_place(&places, |likely| self.of_rule(&with(likely))).unwrap_or_default())
    }

    fn cut_points(&self) -> Rule {
        let (levels, truth) = (self.levels(), self.images.classes());
        let n_classes = self.images.predictions.classes.len();
        Rule::CutPoints {
            points: cut_points::fit(&levels, &truth, n_classes, |said| self.of(said)),
        }
    }
}
