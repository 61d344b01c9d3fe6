//! The ways from what a model says to answers, and which of them serve a metric.

use serde::{Deserialize, Serialize};

use super::Options;
use crate::metric::{Form, Metric, Serving};
use crate::target::{Classes, TargetKind};

/// A way from what a model says to answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Nothing is done.
    AsTheyAre,
    /// Probabilities of one class, by a temperature and a clip.
    Softened,
    /// Probabilities of tags, clipped.
    Clipped,
    /// Probabilities of tags, each by a curve of its own, then clipped.
    Calibrated,
    /// Probabilities of classes around a level.
    Around,
    /// The likeliest class, or the likeliest few.
    Largest,
    /// The same, and where these are not likely, what is answered then.
    LargestOrUnknown,
    /// The likeliest class and how likely it is.
    Surest,
    /// The largest of probabilities divided by a power of the class's share.
    Priors,
    /// What is above one threshold.
    Threshold,
    /// The same of calibrated probabilities.
    CurvesAndThreshold,
    /// What is above a threshold of its own.
    ThresholdPerClass,
    /// Probabilities as 0 and 1, by one threshold.
    Hardened,
    /// The nearest level.
    Nearest,
    /// Levels between fitted limits.
    CutPoints,
    /// Numbers, no lower and no higher than they may be.
    Range,
}

/// What was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tried {
    pub way: Way,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::AsTheyAre,
        Self::Softened,
        Self::Clipped,
        Self::Calibrated,
        Self::Around,
        Self::Largest,
        Self::LargestOrUnknown,
        Self::Surest,
        Self::Priors,
        Self::Threshold,
        Self::CurvesAndThreshold,
        Self::ThresholdPerClass,
        Self::Hardened,
        Self::Nearest,
        Self::CutPoints,
        Self::Range,
    ];

    /// As it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::AsTheyAre => "as-they-are",
            Self::Softened => "softened",
            Self::Clipped => "clipped",
            Self::Calibrated => "calibrated",
            Self::Around => "around",
            Self::Largest => "largest",
            Self::LargestOrUnknown => "largest-or-unknown",
            Self::Surest => "surest",
            Self::Priors => "priors",
            Self::Threshold => "threshold",
            Self::CurvesAndThreshold => "curves-and-threshold",
            Self::ThresholdPerClass => "threshold-per-class",
            Self::Hardened => "hardened",
            Self::Nearest => "nearest",
            Self::CutPoints => "cut-points",
            Self::Range => "range",
        }
    }

    /// What it does, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::AsTheyAre => "as they are",
            Self::Softened => "temperature and clip",
            Self::Clipped => "clip",
            Self::Calibrated => "a curve a tag, and a clip",
            Self::Around => "classes around the level",
            Self::Largest => "the likeliest",
            Self::LargestOrUnknown => "the likeliest, or unknown",
            Self::Surest => "the likeliest and its probability",
            Self::Priors => "the likeliest for its share",
            Self::Threshold => "one threshold",
            Self::CurvesAndThreshold => "a curve a tag, and one threshold",
            Self::ThresholdPerClass => "a threshold a tag",
            Self::Hardened => "0 and 1 by a threshold",
            Self::Nearest => "the nearest level",
            Self::CutPoints => "cut points",
            Self::Range => "within the range",
        }
    }

    /// Whether it learns something from images.
    pub(super) fn is_fitted(self) -> bool {
        !matches!(
            self,
            Self::AsTheyAre | Self::Largest | Self::Surest | Self::Nearest | Self::Range
        )
    }
}

/// The ways that serve a metric, the one that others must beat first.
pub(super) fn ways(
    metric: &Metric,
    kind: TargetKind,
    classes: &Classes,
    options: &Options,
) -> Vec<Way> {
    let family = metric.family();
    let usual = || family.forms.iter().find(|(of, _)| *of == kind).map(|&(_, form)| form);
    let form = options.form.filter(|&form| metric.takes(kind, form)).or_else(usual);
    let knows_unknown = options.unknown().is_some_and(|name| classes.position(name).is_some());
    let largest = || {
        let or_unknown = knows_unknown.then_some(Way::LargestOrUnknown);
        [Way::Largest].into_iter().chain(or_unknown).collect()
    };
    match (kind, form, family.serves) {
        (TargetKind::Number, ..) | (_, Some(Form::Numbers), _) => vec![Way::Range],
        (_, Some(Form::ScoredLabel), _) => vec![Way::Surest],
        (_, Some(Form::Ranking), _) => largest(),
        (TargetKind::Ordinal, Some(Form::Probabilities), _) => vec![Way::Around],
        (TargetKind::Ordinal, ..) => vec![Way::Nearest, Way::CutPoints],
        (TargetKind::SingleLabel, _, Serving::Calibrated) => vec![Way::Softened],
        (TargetKind::MultiLabel, _, Serving::Calibrated) => vec![Way::Clipped, Way::Calibrated],
        (_, Some(Form::Probabilities), Serving::ZeroOrOne) => vec![Way::Hardened, Way::AsTheyAre],
        (_, Some(Form::Probabilities), _) => vec![Way::AsTheyAre],
        (TargetKind::SingleLabel, _, Serving::Threshold) if classes.len() == 2 => {
            vec![Way::Largest, Way::Threshold]
        }
        (
            TargetKind::SingleLabel,
            _,
            Serving::Threshold | Serving::ThresholdAClass | Serving::Priors,
        ) => vec![Way::Largest, Way::Priors],
        (TargetKind::SingleLabel, _, Serving::CutPoints) => vec![Way::Largest, Way::CutPoints],
        (TargetKind::SingleLabel, ..) => largest(),
        (TargetKind::MultiLabel, _, Serving::ThresholdAClass | Serving::Priors) => {
            vec![Way::Threshold, Way::ThresholdPerClass]
        }
        (TargetKind::MultiLabel, ..) => vec![Way::Threshold, Way::CurvesAndThreshold],
    }
}
