//! The page that teaches the language: every example on it is read by the program.

use kaggle_kit::competition::Competition;
use kaggle_kit::fs;
use kaggle_kit::metric::Metric;

use crate::support;

/// What examples that show a few lines leave out.
const REST: &str = "title = \"Mine\"\nslug = \"mine\"\n";

#[test]
fn every_example_of_the_page_is_a_spec() {
    let page = fs::read_to_string(support::repository().join("competitions/README.md")).unwrap();
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(examples.len() >= 20, "{} examples", examples.len());
    let mut whole: Option<toml::Table> = None;
    for example in examples {
        let table: toml::Table = toml::from_str(example).unwrap();
        // A few lines change the whole spec above them; what takes the place of a table is all of it.
        let spec = if table.contains_key("title") { table } else { changed(whole.as_ref(), table) };
        let text = toml::to_string(&spec).unwrap();
        if let Err(error) = Competition::parse("mine", &text, "mine.toml") {
            panic!("{error:#}\n{example}");
        }
        whole = whole.or(Some(spec));
    }
}

#[test]
fn the_page_names_every_metric() {
    let page = fs::read_to_string(support::repository().join("competitions/README.md")).unwrap();
    let known = Metric::of("none").unwrap_err().to_string();
    let words: Vec<&str> = known.split('`').skip(3).step_by(2).collect();
    assert!(words.len() >= 18, "{known}");
    for word in words.iter().filter(|word| !word.contains('<')) {
        let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
        assert!(page.contains(&format!("`{stem}")), "the page lacks `{word}`");
    }
}

fn changed(whole: Option<&toml::Table>, mut by: toml::Table) -> toml::Table {
    let mut spec = whole.cloned().unwrap_or_else(|| toml::from_str(REST).unwrap());
    // There is one table of labels and one of the submission.
    let labels = by.get_mut("target").and_then(|target| target.as_table_mut()?.remove("labels"));
    if let Some(labels) = labels {
        spec["target"]["labels"] = labels;
    }
    if let Some(submission) = by.remove("submission") {
        spec["submission"] = submission;
    }
    for (key, value) in by {
        match (spec.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => old.extend(new),
            (_, value) => {
                spec.insert(key, value);
            }
        }
    }
    spec
}
