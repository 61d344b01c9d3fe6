//! A metric as it is written: a word, or a table of its name and its options.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::family::{Family, Number};
use super::{Metric, table};

/// What a competition says about its metric beside the word.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Options {
    /// The number in its word.
    #[serde(skip)]
    pub number: Option<f64>,
    /// How much classes count, or the areas between the limits of `tpr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weights>,
    /// How much images count, by a part of their ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weight: BTreeMap<String, f64>,
    /// Limits of the true positive rate, rising.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tpr: Vec<f64>,
}

impl Options {
    /// How much an image counts: by the longest part of its id that has a weight, else 1.
    pub(super) fn weight_of(&self, id: &str) -> f64 {
        let parts = self.weight.iter().filter(|(part, _)| id.contains(part.as_str()));
        parts.max_by_key(|(part, _)| part.len()).map_or(1.0, |(_, &weight)| weight)
    }
}

/// Weights by name, or in an order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "weights are numbers by class, `{ any = 2 }`, or a list of numbers")]
pub enum Weights {
    Named(BTreeMap<String, f64>),
    Listed(Vec<f64>),
}

/// A metric as specs and summaries have it.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Written {
    Word(String),
    WithOptions {
        name: String,
        #[serde(flatten)]
        options: Options,
    },
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

/// Tells a word from a table, so that an error is about what is written and not about both.
struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a metric, such as \"accuracy\" or { name = \"auc\", tpr = [0.8, 1] }")
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Written, E> {
        String::deserialize(StrDeserializer::new(word)).map(Written::Word)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Written, M::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "kebab-case")]
        struct Table {
            name: String,
            weights: Option<Weights>,
            #[serde(default)]
            weight: BTreeMap<String, f64>,
            #[serde(default)]
            tpr: Vec<f64>,
        }
        let Table { name, weights, weight, tpr } =
            Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Written::WithOptions { name, options: Options { number: None, weights, weight, tpr } })
    }
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
            table::FAMILIES.iter().find_map(|family| Some((*family, of_word(family, &name)?)));
        let Some((family, Options { number, .. })) = found else {
            return Err(UnknownMetric::Word { name });
        };
        let given = [
            ("weights", options.weights.is_some()),
            ("weight", !options.weight.is_empty()),
            ("tpr", !options.tpr.is_empty()),
        ];
        let is_unknown = |option: &str| !family.options.contains(&option);
        if let Some((option, _)) = given.into_iter().find(|&(o, is)| is && is_unknown(o)) {
            return Err(UnknownMetric::Option { metric: name, option, family });
        }
        if let Err((option, fault)) = check(family, &options) {
            return Err(UnknownMetric::Value { metric: name, option, fault });
        }
        Ok(Self { family, options: Options { number, ..options }, asked: None })
    }
}

/// Finds values that make no sense: which option, and what is wrong with it.
fn check(family: &Family, options: &Options) -> Result<(), (&'static str, String)> {
    let Options { weights, weight, tpr, .. } = options;
    let rises = tpr.windows(2).all(|pair| pair[0] < pair[1]);
    if !tpr.is_empty() && (tpr.len() < 2 || !rises || !tpr.iter().all(|t| (0.0..=1.0).contains(t)))
    {
        let fault = format!("is {tpr:?}: give two limits or more from 0 to 1, rising");
        return Err(("tpr", fault));
    }
    if weight.keys().any(String::is_empty) {
        return Err(("weight", "has an empty name: give a part of the ids".to_owned()));
    }
    sensible(weight.values().copied()).map_err(|fault| ("weight", fault))?;
    let of_areas = family.options.contains(&"tpr");
    match weights {
        None => Ok(()),
        Some(Weights::Named(_)) if of_areas => {
            let fault = "are of classes: give a list, a weight an area between limits of `tpr`";
            Err(("weights", fault.to_owned()))
        }
        Some(Weights::Listed(_)) if !of_areas => {
            let fault = "are a list: give them by class, such as `{ any = 2 }`";
            Err(("weights", fault.to_owned()))
        }
        Some(Weights::Listed(weights)) if weights.len() + 1 != tpr.len() => {
            let (n, limits) = (weights.len(), tpr.len());
            let fault = format!(
                "are {n} for {limits} limits of `tpr`: give one an area between two limits"
            );
            Err(("weights", fault))
        }
        Some(Weights::Listed(weights)) => sensible(weights.iter().copied()).map_err(told),
        Some(Weights::Named(weights)) => sensible(weights.values().copied()).map_err(told),
    }
}

fn told(fault: String) -> (&'static str, String) {
    ("weights", fault)
}

/// Weights must be numbers from zero on, not all of them zero.
fn sensible(weights: impl Iterator<Item = f64> + Clone) -> Result<(), String> {
    if let Some(weight) = weights.clone().find(|weight| !weight.is_finite() || *weight < 0.0) {
        return Err(format!("has {weight}: give a number from 0 on"));
    }
    if weights.clone().next().is_some() && weights.sum::<f64>() == 0.0 {
        return Err("has nothing but zeros: something must count".to_owned());
    }
    Ok(())
}

/// What a name says by itself, if it is the family's word: the number behind it, where it has one.
fn of_word(family: &Family, name: &str) -> Option<Options> {
    let rest = name.strip_prefix(family.word)?;
    let Some(Number { range, is_whole, .. }) = &family.number else {
        return rest.is_empty().then(Options::default);
    };
    let number = rest.parse::<f64>().ok()?;
    let fits = (range.0..=range.1).contains(&number) && (!is_whole || number.fract() == 0.0);
    fits.then(|| Options { number: Some(number), ..Options::default() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Spec {
        metric: Metric,
    }

    fn read(written: &str) -> Result<Metric, String> {
        let spec = toml::from_str::<Spec>(&format!("metric = {written}"));
        spec.map(|spec| spec.metric).map_err(|error| error.to_string())
    }

    #[test]
    fn options_come_back_as_they_were_written() {
        for written in [
            r#""map@5""#,
            r#"{ name = "log-loss", weights = { any = 2 } }"#,
            r#"{ name = "auc", tpr = [0, 0.4, 1], weights = [2, 1] }"#,
            r#"{ name = "auc", tpr = [0.8, 1] }"#,
            r#"{ name = "accuracy", weight = { _unalt = 0.7, _manip = 0.3 } }"#,
        ] {
            let metric = read(written).unwrap();
            let text = toml::to_string(&Spec { metric: metric.clone() }).unwrap();
            assert_eq!(toml::from_str::<Spec>(&text).unwrap().metric, metric, "{text}");
            let json = serde_json::to_string(&metric).unwrap();
            assert_eq!(serde_json::from_str::<Metric>(&json).unwrap(), metric, "{json}");
        }
        assert_eq!(read(r#"{ name = "accuracy" }"#).unwrap(), Metric::of("accuracy").unwrap());
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (written, expected) in [
            (r#""acuracy""#, "unknown metric `acuracy`, expected `log-loss`, `accuracy`"),
            ("5", "expected a metric, such as \"accuracy\" or { name"),
            ("{ weights = { any = 2 } }", "missing field `name`"),
            (r#"{ name = "auc", tp = [0, 1] }"#, "unknown field `tp`, expected one of `name`"),
            (r#"{ name = "auc", tpr = 0.8 }"#, "expected a sequence"),
            (
                r#"{ name = "kappa", weights = { 1 = 2 } }"#,
                "`kappa` has no option `weights`: it has",
            ),
            (r#"{ name = "log-loss", tpr = [0, 1] }"#, "has no option `tpr`, but `weights`"),
            (r#"{ name = "log-loss", weights = "2" }"#, "weights are numbers by class"),
            (r#"{ name = "log-loss", weights = [1, 2] }"#, "`weights` of `log-loss` are a list"),
            (r#"{ name = "log-loss", weights = { a = -1 } }"#, "has -1: give a number from 0 on"),
            (r#"{ name = "log-loss", weights = { a = inf } }"#, "has inf: give a number"),
            (r#"{ name = "log-loss", weights = { a = 0 } }"#, "nothing but zeros"),
            (r#"{ name = "auc", tpr = [0.8] }"#, "`tpr` of `auc` is [0.8]: give two limits"),
            (
                r#"{ name = "auc", tpr = [0, 1.5] }"#,
                "is [0.0, 1.5]: give two limits or more from 0",
            ),
            (r#"{ name = "auc", tpr = [1, 0] }"#, "is [1.0, 0.0]"),
            (r#"{ name = "auc", tpr = [nan, 1] }"#, "is [NaN, 1.0]"),
            (r#"{ name = "auc", weights = [1] }"#, "are 1 for 0 limits of `tpr`"),
            (r#"{ name = "auc", weights = { a = 1 } }"#, "are of classes: give a list"),
            (r#"{ name = "auc", tpr = [0, 1], weights = [1, 1] }"#, "are 2 for 2 limits of `tpr`"),
            (r#"{ name = "accuracy", weight = { a = nan } }"#, "`weight` of `accuracy` has NaN"),
            (r#"{ name = "accuracy", weight = { "" = 1 } }"#, "has an empty name"),
        ] {
            let error = read(written).unwrap_err();
            assert!(error.contains(expected), "{written}: {error}");
        }
    }
}
