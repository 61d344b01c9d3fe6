//! A metric as it is written: a word, or a table of its name and its options.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::family::{Family, Number};
use super::{Metric, table};

/// What a competition says about its metric beside the word.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// The number in its word.
    #[serde(skip)]
    pub number: Option<f64>,
    /// How much classes count, or the areas between the limits of `tpr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weights>,
    /// How much images count, by a part of their ids.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weight: BTreeMap<String, f64>,
    /// Limits of the true positive rate, rising.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tpr: Vec<f64>,
}

/// Weights by name, or in an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Weights {
    Named(BTreeMap<String, f64>),
    Listed(Vec<f64>),
}

/// A metric as specs and summaries have it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Written {
    Word(String),
    WithOptions {
        name: String,
        #[serde(flatten)]
        options: Options,
    },
}

/// No metric is written so.
#[derive(Debug, thiserror::Error)]
pub enum UnknownMetric {
    #[error("unknown metric `{name}`, expected {}", known())]
    Word { name: String },
    #[error("`{metric}` has no option `{option}`{}", options_of(.family))]
    Option { metric: String, option: &'static str, family: &'static Family },
    #[error("`{option}` of `{metric}` {fault}")]
    Value { metric: String, option: &'static str, fault: String },
}

fn known() -> String {
    let words = table::FAMILIES.iter().map(|family| match &family.number {
        Some(Number { name, usual, .. }) => {
            format!("`{0}<{name}>` such as `{0}{usual}`", family.word)
        }
        None => format!("`{}`", family.word),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn options_of(family: &Family) -> String {
    match family.options {
        [] => ": it has none".to_owned(),
        options => format!(", but `{}`", options.join("`, `")),
    }
}

impl TryFrom<Written> for Metric {
    type Error = UnknownMetric;

    fn try_from(written: Written) -> Result<Self, UnknownMetric> {
        let (name, options) = match written {
            Written::Word(name) => (name, Options::default()),
            Written::WithOptions { name, options } => (name, options),
        };
        let found =
            table::FAMILIES.iter().find_map(|family| Some((*family, number(family, &name)?)));
        let Some((family, number)) = found else { return Err(UnknownMetric::Word { name }) };
        let given = [
            ("weights", options.weights.is_some()),
            ("weight", !options.weight.is_empty()),
            ("tpr", !options.tpr.is_empty()),
        ];
        let is_unknown = |option: &str| !family.options.contains(&option);
        if let Some((option, _)) = given.into_iter().find(|&(o, is)| is && is_unknown(o)) {
            return Err(UnknownMetric::Option { metric: name, option, family });
        }
        Ok(Self { family, options: Options { number, ..options } })
    }
}

/// The number behind a family's word, if the name is that word; `Some(None)` where it has none.
fn number(family: &Family, name: &str) -> Option<Option<f64>> {
    let rest = name.strip_prefix(family.word)?;
    let Some(Number { range, is_whole, .. }) = &family.number else {
        return rest.is_empty().then_some(None);
    };
    let number = rest.parse::<f64>().ok()?;
    let fits = (range.0..=range.1).contains(&number) && (!is_whole || number.fract() == 0.0);
    fits.then_some(Some(number))
}

impl From<Metric> for Written {
    fn from(metric: Metric) -> Self {
        let name = metric.name();
        let plain = Options { number: metric.options.number, ..Options::default() };
        if metric.options == plain {
            Self::Word(name)
        } else {
            Self::WithOptions { name, options: metric.options }
        }
    }
}
