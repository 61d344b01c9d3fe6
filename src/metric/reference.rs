//! Lists of answers with what other programs say that they score; `tests/reference/make_reference.py`
//! made the numbers.

use serde_json::Value;

use super::{Metric, Misfit, Scoring};
use crate::table::Table;
use crate::target::{Classes, Said, TargetKind, Truth};

/// All that `make_reference.py` has written.
pub(super) fn reference() -> Value {
    serde_json::from_str(include_str!("../../tests/reference/reference.json")).unwrap()
}

/// Answers and their truth, of classes that are called `0`, `1` and so on.
pub(super) struct Case {
    kind: TargetKind,
    ids: Vec<String>,
    classes: Classes,
    truth: Truth,
    said: Said,
    /// Scores by the names that the reference gives them.
    expected: Value,
}

impl Case {
    /// Those of one kind that the reference has.
    pub(super) fn all(name: &str) -> Vec<Self> {
        let cases = reference()["cases"][name].as_array().unwrap().clone();
        assert!(!cases.is_empty(), "{name}");
        cases.into_iter().map(|case| Self::read(name, &case)).collect()
    }

    fn read(name: &str, case: &Value) -> Self {
        fn cells<T: serde::de::DeserializeOwned>(value: &Value) -> Vec<Vec<T>> {
            serde_json::from_value(value.clone()).unwrap()
        }
        let table = |value: &Value| Table::new(cells(value).concat(), n(case));
        let said = &case["said"];
        let said = match name {
            "labels" | "tags" | "rankings" | "rankings of tags" => Said::Lists(cells(said)),
            "scored" => Said::Scored(serde_json::from_value(said.clone()).unwrap()),
            "numbers" => Said::Numbers(table(said)),
            _ => Said::Probabilities(table(said)),
        };
        let kind = match name {
            "numbers" => TargetKind::Number,
            "tags" | "probabilities" | "probability" | "rankings of tags" => TargetKind::MultiLabel,
            _ => TargetKind::SingleLabel,
        };
        let truth = match name {
            "numbers" => Truth::Numbers(table(&case["truth"])),
            _ => Truth::Classes(cells(&case["truth"])),
        };
        Self { expected: case["expected"].clone(), ..Self::of(kind, truth, said, n(case)) }
    }

    fn of(kind: TargetKind, truth: Truth, said: Said, n_classes: usize) -> Self {
        let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        let (ids, classes) = (names(truth.len()), names(n_classes).into());
        Self { kind, ids, classes, truth, said, expected: Value::Null }
    }

    pub(super) fn new(kind: TargetKind, truth: &[&[usize]], said: Said, n_classes: usize) -> Self {
        let truth = truth.iter().map(|classes| classes.to_vec()).collect();
        Self::of(kind, Truth::Classes(truth), said, n_classes)
    }

    /// Labels or rankings about images of one class.
    pub(super) fn lists(truth: &[&[usize]], said: &[&[usize]], n_classes: usize) -> Self {
        let said = said.iter().map(|classes| classes.to_vec()).collect();
        Self::new(TargetKind::SingleLabel, truth, Said::Lists(said), n_classes)
    }

    pub(super) fn tags(truth: &[&[usize]], said: &[&[usize]], n_classes: usize) -> Self {
        Self { kind: TargetKind::MultiLabel, ..Self::lists(truth, said, n_classes) }
    }

    /// Probabilities of tags, row by row.
    pub(super) fn probabilities(truth: &[Vec<usize>], p: Vec<f64>, n_classes: usize) -> Self {
        let (truth, said) =
            (Truth::Classes(truth.to_vec()), Said::Probabilities(Table::new(p, n_classes)));
        Self::of(TargetKind::MultiLabel, truth, said, n_classes)
    }

    pub(super) fn numbers(truth: &[f64], said: &[f64], width: usize) -> Self {
        let [truth, said] = [truth, said].map(|cells| Table::new(cells.to_vec(), width));
        Self::of(TargetKind::Number, Truth::Numbers(truth), Said::Numbers(said), width)
    }

    pub(super) fn with_ids(self, ids: &[&str]) -> Self {
        Self { ids: ids.iter().map(|&id| id.to_owned()).collect(), ..self }
    }

    pub(super) fn try_score(&self, metric: &Metric) -> Result<f64, Misfit> {
        let Self { kind, ids, classes, truth, said, .. } = self;
        metric.score(&Scoring { kind: *kind, ids, classes, truth, said })
    }

    pub(super) fn score_by(&self, metric: &Metric) -> f64 {
        self.try_score(metric).unwrap()
    }

    /// By a word, or by `m = { name = .., .. }`.
    pub(super) fn score(&self, written: &str) -> f64 {
        self.score_by(&metric(written))
    }

    /// Whether a metric says what the reference has under `name`.
    #[track_caller]
    pub(super) fn check(&self, written: &str, name: &str) {
        let expected = self.expected[name].as_f64().unwrap_or_else(|| panic!("no `{name}`"));
        let found = self.score(written);
        assert!((found - expected).abs() < 1e-9, "{name}: {found}, not {expected}");
    }
}

fn n(case: &Value) -> usize {
    case["classes"].as_u64().unwrap() as usize
}

/// A metric as specs write it: a word, or `m = { name = .., .. }`.
pub(super) fn metric(written: &str) -> Metric {
    #[derive(serde::Deserialize)]
    struct Holder {
        m: Metric,
    }
    if written.starts_with("m = ") {
        toml::from_str::<Holder>(written).unwrap().m
    } else {
        Metric::of(written).unwrap()
    }
}
