//! Pages of two runs.

use super::super::comparison::{self, TwoRuns};
use super::super::facts::Facts;
use super::{check, facts, names};
use crate::target::TargetKind;

#[test]
fn a_comparison_says_whether_it_may_be_luck() {
    let a = facts(TargetKind::SingleLabel, &names(3), 200);
    let mut b = a.clone();
    b.about.run = "20261124-111500-77aa".to_owned();
    let two = |b: Facts| TwoRuns { a: a.clone(), b, settings: Vec::new() };
    let same = comparison::verdict(&two(b.clone()));
    assert!(same.contains("score the same on the 200 images"), "{same}");
    b.about.refit = Some(a.about.run.clone());
    let of_plan = comparison::verdict(&two(b.clone()));
    assert!(of_plan.contains("nothing here tells which is better"), "{of_plan}");
    b.about.refit = None;
    // Everything a little surer of the truth is better, and on every image.
    let validation = b.validation.as_mut().unwrap();
    for (row, truth) in validation.truth.classes().iter().enumerate() {
        let p = &mut validation.predictions.probabilities.row_mut(row)[truth[0]];
        *p += (1.0 - *p) * 0.5;
    }
    let better = comparison::verdict(&two(b.clone()));
    assert!(better.starts_with("B is better by") && better.ends_with("errors."), "{better}");
    let text = comparison::page(&two(b.clone()));
    check(&text);
    assert!(text.contains("20261124-101500-3fa9") && text.contains("20261124-111500-77aa"));
    b.validation.as_mut().unwrap().predictions.ids.iter_mut().for_each(|id| id.push('x'));
    let apart = comparison::verdict(&two(b.clone()));
    assert!(apart.contains("different images"), "{apart}");
    b.validation = None;
    check(&comparison::page(&two(b)));
}
