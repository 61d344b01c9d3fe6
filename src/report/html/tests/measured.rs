//! Pages of levels and numbers.

use super::*;

/// Levels or numbers, near what is true.
fn measured(kind: TargetKind, n: usize) -> Facts {
    let mut facts = facts(TargetKind::SingleLabel, &names(4), n);
    let mut random = rng::stream(Purpose::Split, 2, 0, 0);
    let ids: Vec<String> = (0..n).map(|i| format!("image_{i}")).collect();
    let width = if kind == TargetKind::Ordinal { 1 } else { 4 };
    let truth: Vec<Vec<f64>> = (0..n).map(|i| vec![(i % 4) as f64; width]).collect();
    let said = truth.iter().flatten().map(|y| (y + random.random_range(-0.6..0.6)) as f32);
    let probabilities = Table::new(said.collect(), width);
    let truth = match kind {
        TargetKind::Ordinal => Truth::Classes((0..n).map(|i| vec![i % 4]).collect()),
        _ => Truth::Numbers(Table::new(truth.concat(), width)),
    };
    let predictions = Predictions { ids, classes: names(4).into(), probabilities };
    let metric = Metric::of(if kind == TargetKind::Ordinal { "kappa" } else { "rmse" }).unwrap();
    let images = Judged::new(kind, &predictions, &truth);
    facts.decision = Some(Decision::fit(&metric, &images, &Options::default()).unwrap());
    facts.about.metric = metric;
    facts.validation = Some(Validation { predictions, kind, truth, called: BTreeMap::new() });
    facts
}

#[test]
fn levels_and_numbers_have_what_they_need() {
    let levels = page(&measured(TargetKind::Ordinal, 120));
    check(&levels);
    for part in ["id=\"numbers\"", "Predicted and true", "id=\"answers\"", "Confusion", "0 | 1"] {
        assert!(levels.contains(part), "{part}");
    }
    assert!(!levels.contains("id=\"calibration\""));
    let numbers = page(&measured(TargetKind::Number, 120));
    check(&numbers);
    for part in ["id=\"numbers\"", "off by on average", "Errors", "id=\"pictures\"", ", true "] {
        assert!(numbers.contains(part), "{part}");
    }
    assert!(!numbers.contains("id=\"answers\"") && !numbers.contains("named right, "));
}
