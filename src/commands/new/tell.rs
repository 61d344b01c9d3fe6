//! What was found and guessed, as a table and as JSON, and what to type next.

use std::path::Path;

use serde_json::{Value, json};

use super::{Source, command, guesses};
use crate::infer::{self, Data, Guess, LabelsIn, Split};
use crate::term;

/// Tells the guess on stderr; what to type next where there is a source for it.
pub(super) fn guess(guess: &Guess, data: &Data, path: &Path, source: Option<&Source>) {
    let rows: Vec<Vec<String>> = rows(guess)
        .into_iter()
        .map(|(field, value, note)| {
            let why = guess.why(note).map_or_else(String::new, |note| note.why.clone());
            vec![format!("   {field}"), term::short(&value, 60), why]
        })
        .collect();
    term::say(term::table(&["   what", "is", "because"], &rows));
    let found = &guess.found;
    let n = |n: Option<usize>| n.map_or_else(|| "?".to_owned(), term::thousands);
    if data.listing.is_whole() {
        term::say(format_args!(
            "   found: {} images with a label{}, {} to answer, {} in the sample",
            n(found.train),
            found
                .labels
                .map_or_else(String::new, |n| format!(" ({} different)", term::thousands(n))),
            n(found.test),
            term::count(found.rows, "row")
        ));
    }
    for note in guesses(guess) {
        term::warn(format_args!("`{}` is a guess: {}", note.field, note.why));
    }
    term::done(format_args!("`{}`", path.display()));
    if guesses(guess).next().is_none() {
        term::say("   no field of it rests on a guess");
    }
    match source {
        Some(Source::Here(from)) => {
            let from = from.display().to_string();
            term::say(format_args!("next: {}", command("fetch", path, &["--from", &from])));
        }
        Some(Source::Kaggle) => term::say(format_args!("next: {}", command("fetch", path, &[]))),
        None => {}
    }
}

/// The fields, their values, and under which name it is said why.
fn rows(guess: &Guess) -> Vec<(&'static str, String, &'static str)> {
    let mut rows = vec![
        ("metric", guess.metric.clone(), "metric"),
        ("training images", guess.train.join(", "), "files.train"),
        ("test images", guess.test.join(", "), "files.test"),
        ("sample", guess.sample.clone(), "files.sample"),
    ];
    if let Some(table) = &guess.test_table {
        rows.push(("test table", table.clone(), "files.test-table"));
    }
    if !guess.channels.is_empty() {
        rows.push(("channels", guess.channels.join(", "), "files.channels"));
    }
    rows.push(("labels", labels(guess), "target.labels.label"));
    rows.push(("kind", infer::word_of(guess.kind).to_owned(), "target.kind"));
    if let Some(unknown) = &guess.unknown {
        rows.push(("unknown", unknown.clone(), "target.unknown"));
    }
    if let Some(split) = &guess.split {
        let split = match split {
            Split::Group { column, .. } => format!("by `{column}`"),
            Split::Pattern(pattern) => format!("by the pattern {pattern}"),
        };
        rows.push(("split", split, "split"));
    }
    let shape = guess.submission.shape.word();
    let class =
        guess.submission.class.as_ref().map_or_else(String::new, |class| format!(" {class}"));
    rows.push(("upload", format!("{shape}{class}"), "submission"));
    if let Some(pictures) = guess.pictures {
        rows.push(("pictures", pictures.word().to_owned(), "recipe.augment"));
    }
    if guess.is_notebook {
        rows.push(("sent by", "a notebook".to_owned(), "upload"));
    }
    rows
}

fn labels(guess: &Guess) -> String {
    match &guess.labels {
        LabelsIn::Table { file, label: Some(label), .. } => format!("`{label}` of {file}"),
        LabelsIn::Table { file, label: None, .. } => format!("the sample's columns of {file}"),
        LabelsIn::Folder => "the folder of an image".to_owned(),
        LabelsIn::FileName { separator } => format!("the file's name up to `{separator}`"),
        LabelsIn::Pattern(pattern) => format!("in the file's name: {pattern}"),
        LabelsIn::Record { label, .. } => format!("`{label}` of the records"),
    }
}

/// The guess for another program.
pub(super) fn json(guess: &Guess, path: &Path) -> Value {
    let notes = guess
        .notes
        .iter()
        .map(|note| json!({ "field": note.field, "why": note.why, "guess": !note.is_sure }));
    let questions = guess.questions.iter().map(|question| {
        json!({ "flag": question.flag, "text": question.text, "choices": question.choices })
    });
    json!({
        "spec": term::path_in_json(path),
        "slug": guess.slug,
        "metric": guess.metric,
        "kind": infer::word_of(guess.kind),
        "submission": guess.submission.shape.word(),
        "train": guess.train,
        "test": guess.test,
        "sample": guess.sample,
        "labels": labels(guess),
        "pictures": guess.pictures.map(infer::Pictures::word),
        "notebook": guess.is_notebook,
        "images": {
            "train": guess.found.train, "test": guess.found.test, "rows": guess.found.rows,
            "labels": guess.found.labels,
        },
        "reasons": notes.collect::<Vec<_>>(),
        "questions": questions.collect::<Vec<_>>(),
    })
}
