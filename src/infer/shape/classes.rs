//! Which class a number of the sample stands for, and which is the answer where none is likely.

use super::super::guess::{Guess, NONE, Shape, Wishes};
use super::super::text;
use super::told::{Cells, Told};
use crate::target::TargetKind;

/// Words for what is not there, or is as it should be.
const NEGATIVE: [&str; 16] = [
    "no",
    "none",
    "negative",
    "normal",
    "healthy",
    "cover",
    "clean",
    "background",
    "original",
    "real",
    "benign",
    "false",
    "absent",
    "control",
    "cat",
    "0",
];

fn is_negative(name: &str) -> bool {
    text::words(name).iter().any(|word| NEGATIVE.contains(&word.as_str()))
}

/// The class that a 1 stands for, and whether its name says so.
fn positive(names: &[String], column: &str, wishes: &Wishes) -> Option<(String, bool)> {
    if let Some(wanted) = wishes.positive.as_ref().filter(|wanted| names.contains(wanted)) {
        return Some((wanted.clone(), true));
    }
    let asked = text::words(column);
    let is_asked = |name: &&String| {
        let words = text::words(name);
        !words.is_empty() && words.iter().all(|word| asked.contains(word))
    };
    let named: Vec<&String> = names.iter().filter(is_asked).collect();
    if let [only] = named.as_slice() {
        return Some(((*only).clone(), true));
    }
    if let Some(true_one) = names
        .iter()
        .find(|name| matches!(name.to_lowercase().as_str(), "1" | "1.0" | "true" | "yes"))
    {
        return Some((true_one.clone(), true));
    }
    let others: Vec<&String> = names.iter().filter(|name| !is_negative(name)).collect();
    match others.as_slice() {
        [only] => Some(((*only).clone(), false)),
        _ => names.last().map(|last| (last.clone(), false)),
    }
}

/// A probability of one of two classes; of more, those that are not the first are one.
pub(super) fn probability(guess: &mut Guess, told: &Told, wishes: &Wishes) {
    let mut names: Vec<String> = told.cells.iter().map(|cell| (*cell).to_owned()).collect();
    text::sort(&mut names);
    if names.len() < 2 || told.are_zeros_and_ones() {
        let float = names.iter().any(|name| name.contains('.'));
        names = if float { ["0.0", "1.0"] } else { ["0", "1"] }.map(str::to_owned).to_vec();
    }
    let column = guess.submission.column.clone().unwrap_or_default();
    let Some((one, is_sure)) = positive(&names, &column, wishes) else { return };
    if names.len() == 2 {
        guess.note(
            "submission.class",
            is_sure,
            format!("`{column}` is the probability of this class"),
        );
        if !is_sure {
            guess.ask(
                "positive",
                format!("`{column}` is the probability of which class?"),
                both(&names, &one),
            );
        }
        (guess.classes, guess.submission.class) = (names, Some(one));
        return;
    }
    let said = wishes.positive.as_ref().filter(|wanted| names.contains(wanted));
    let zero = names.iter().find(|name| is_negative(name)).or(names.first());
    let is_one = |name: &String| said.map_or(Some(name) != zero, |said| said == name);
    let pair = |name: &String| (name.clone(), if is_one(name) { "1" } else { "0" }.to_owned());
    guess.rename = names.iter().map(pair).collect();
    let odd = said.or(zero).map_or("", String::as_str);
    let (its, others) = if said.is_some() { ("1", "0") } else { ("0", "1") };
    let why = format!(
        "the sample asks for one number of {} classes: `{odd}` is its {its}, the others its {others}",
        names.len()
    );
    guess.note("target.rename", said.is_some(), why);
    guess.classes = ["0", "1"].map(str::to_owned).to_vec();
    guess.submission.class = Some("1".to_owned());
}

/// The answers of a yes-or-no question, the likelier first.
fn both(names: &[String], first: &String) -> Vec<String> {
    let others = names.iter().filter(|name| *name != first);
    [first].into_iter().chain(others).cloned().collect()
}

/// Labels that are words, where the sample has numbers for them.
pub(super) fn numbered(guess: &mut Guess, cells: &Cells, told: &Told, wishes: &Wishes) {
    let has_words = told.cells.iter().any(|cell| text::number(cell).is_none());
    if !has_words || told.cells.is_empty() || cells.all.iter().any(|cell| told.is_known(cell)) {
        return;
    }
    let mut names: Vec<String> = told.cells.iter().map(|cell| (*cell).to_owned()).collect();
    text::sort(&mut names);
    let column = guess.submission.column.clone().unwrap_or_default();
    if names.len() == 2
        && let Some((one, is_sure)) = positive(&names, &column, wishes)
    {
        names = both(&names, &one);
        if !is_sure {
            guess.ask("positive", format!("which class is 1 in `{column}`?"), names.clone());
        }
        names.reverse();
    }
    guess.rename =
        names.iter().enumerate().map(|(n, name)| (name.clone(), n.to_string())).collect();
    guess.note(
        "target.rename",
        false,
        "the sample has numbers for the labels: in the order of their names",
    );
}

/// A class that is the answer where no other is likely.
pub(super) fn unknown(guess: &mut Guess, told: &Told, wishes: &Wishes) {
    if !matches!(guess.submission.shape, Shape::Label | Shape::TopK)
        || guess.kind != TargetKind::SingleLabel
    {
        return;
    }
    if let Some(wanted) = &wishes.unknown {
        if wanted != NONE {
            guess.unknown = Some(wanted.clone());
            guess.note("target.unknown", true, "as you said");
        }
        return;
    }
    let is_one = |cell: &&&str| {
        let words = text::words(cell);
        words.iter().any(|word| ["new", "unknown", "unidentified"].contains(&word.as_str()))
    };
    if guess.submission.shape == Shape::TopK
        && let Some(found) = told.cells.iter().find(is_one)
    {
        guess.unknown = Some((*found).to_owned());
        guess.note("target.unknown", false, "by its name, the answer for images of no other class");
        let choices = vec![(*found).to_owned(), NONE.to_owned()];
        guess.ask("unknown", "which class is the answer where no other is likely?", choices);
    }
}
