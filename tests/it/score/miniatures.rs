//! Submissions to miniatures of real competitions score what scikit-learn or the formula says.

use std::path::Path;
use std::process::Command;

use kaggle_kit::competition::{Competition, SubmissionFormat};
use kaggle_kit::fs;
use kaggle_kit::submission;

use crate::support;

/// A row of the table in `../shared/layouts/README.md`: what sample, `noisy.csv` and `perfect.csv` score.
struct Expected {
    slug: String,
    scores: [f64; 3],
}

fn table(readme: &str) -> Vec<Expected> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let &[slug, _, sample, noisy, perfect, _] = &cells[..] else { return None };
        let [sample, noisy, perfect] = [sample, noisy, perfect].map(|score| score.parse().ok());
        Some(Expected { slug: slug.to_owned(), scores: [sample?, noisy?, perfect?] })
    };
    readme.lines().filter_map(row).collect()
}

#[test]
fn every_miniature_scores_what_its_metric_says() {
    let Some(script) = support::shared("layouts/make_layouts.py") else { return };
    let Some(readme) = support::shared("layouts/README.md") else { return };
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("python3").arg(&script).arg(folder.path()).output().unwrap();
    if !made.status.success() {
        let told = String::from_utf8_lossy(&made.stderr);
        eprintln!("skipped: {} did not run: {told}", script.display());
        return;
    }
    let expected = table(&fs::read_to_string(readme).unwrap());
    assert_eq!(expected.len(), 15);
    let mut wrong = Vec::new();
    for Expected { slug, scores } in &expected {
        let spec = support::repository().join(format!("tests/specs/{slug}.toml"));
        let text = fs::read_to_string(&spec).unwrap();
        // How pixels become pictures says nothing about scores.
        let is_about_pixels =
            |line: &&str| line.starts_with("pixels =") || line.starts_with("windows =");
        let text: String = text
            .lines()
            .filter(|line| !is_about_pixels(line))
            .flat_map(|line| [line, "\n"])
            .collect();
        let competition = Competition::parse(slug, &text, slug);
        let competition = competition.unwrap_or_else(|error| panic!("{slug}: {error:#}"));
        let sample = folder.path().join("data").join(slug).join(competition.files.sample.as_str());
        let answers = folder.path().join("answers").join(slug);
        let csvs = [sample, answers.join("noisy.csv"), answers.join("perfect.csv")];
        for (csv, expected) in csvs.iter().zip(scores) {
            let solution = answers.join("solution.csv");
            let scored = submission::score(csv, &solution, &competition, None);
            let found = scored.map(|(score, _)| score.value);
            if !found.as_ref().is_ok_and(|value| (value - expected).abs() < 1e-9) {
                wrong.push(format!("{}: {found:?}, not {expected}", csv.display()));
            }
        }
        told_with_a_usage_column(&competition, &answers, scores[1]);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Kaggle's own solutions say in a column of their own on which leaderboard a row counts.
fn told_with_a_usage_column(competition: &Competition, answers: &Path, expected: f64) {
    let text = fs::read_to_string(answers.join("solution.csv")).unwrap();
    let line = |(nth, line): (usize, &str)| match nth {
        0 => format!("{line},Usage\n"),
        _ => format!("{line},Private\n"),
    };
    let solution: String = text.lines().enumerate().map(line).collect();
    let csv = fs::read(answers.join("noisy.csv")).unwrap();
    let scored = submission::score_bytes(&csv, solution.as_bytes(), competition).unwrap();
    assert!((scored.value - expected).abs() < 1e-9, "{}: {}", competition.name, scored.value);
    let is_long = matches!(competition.submission, SubmissionFormat::Long { .. });
    let n = if is_long { 6 } else { 1 };
    assert_eq!(scored.n_rows * n, text.lines().count() - 1, "{}", competition.name);
}
