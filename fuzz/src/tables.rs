//! Tables: samples, submissions, solutions.

use kaggle_kit::competition::{self, Competition};
use kaggle_kit::dataset::SampleSubmission;
use kaggle_kit::submission::{Against, Rows, read, score_bytes};
use kaggle_kit::target::Classes;

use super::place;

/// What the first byte of an input picks from.
const NAMES: [&str; 3] = ["dogs-vs-cats", "dog-breed", "planet"];

thread_local! {
    static COMPETITIONS: Vec<Competition> =
        NAMES.iter().map(|name| competition::find(name).unwrap()).collect();
}

/// Reads the bytes as a sample, and, split at `0xff`, as a submission and what it is compared with.
pub(super) fn check(which: u8, bytes: &[u8]) {
    COMPETITIONS.with(|all| check_for(&all[usize::from(which) % all.len()], bytes));
}

fn check_for(competition: &Competition, bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |&byte| byte == 0xff);
    let csv = parts.next().unwrap_or_default();
    let other = parts.next().unwrap_or_default();
    let _ = score_bytes(csv, other, competition);
    let Some(sample) = sample(other) else { return };
    assert!(!sample.ids.is_empty());
    let classes: Classes = competition.target.classes.clone().into();
    let against = Against::Sample(&sample, Some(&classes));
    let (submission, findings) = read(csv, competition, against);
    if findings.errors().next().is_some() {
        return;
    }
    let mut ids = submission.ids.clone();
    let mut expected = sample.ids.clone();
    ids.sort_unstable();
    expected.sort_unstable();
    assert_eq!(ids, expected, "a faultless submission has the sample's ids");
    let is_probability = |p: &f64| (0.0..=1.0).contains(p);
    match submission.rows {
        Rows::Probability(p) => assert!(p.iter().all(is_probability)),
        Rows::PerClass { probabilities, .. } => assert!(probabilities.iter().all(is_probability)),
        Rows::Lists(lists) => assert!(lists.iter().all(|list| !list.is_empty())),
        Rows::Scored(scored) => assert!(scored.iter().flatten().all(|(_, sure)| sure.is_finite())),
        Rows::Numbers { numbers, .. } => assert!(numbers.iter().all(|number| number.is_finite())),
    }
}

fn sample(bytes: &[u8]) -> Option<SampleSubmission> {
    let place = place();
    let file = place.path().join("sample.csv");
    std::fs::write(&file, bytes).unwrap();
    SampleSubmission::read(&file).ok()
}
