//! What the data leave open, asked one after another; an answer may settle the next one.

use anyhow::{Context, Result};

use crate::infer::{Beyond, Guess, Question, Wishes};
use crate::metric::Metric;
use crate::term;
use crate::words;

/// No more are asked.
const MOST: usize = 4;
/// Lines of the evaluation page that are shown with the question for the metric.
const PAGE_LINES: usize = 6;

/// Asks, infers anew after each answer, and gives the last guess.
pub(super) fn ask(
    mut guess: Guess,
    wishes: &mut Wishes,
    page: &str,
    infer: &dyn Fn(&Wishes) -> Result<Guess, Beyond>,
) -> Result<Guess> {
    let mut asked: Vec<&str> = Vec::new();
    while asked.len() < MOST {
        let open = guess.questions.iter().find(|question| !asked.contains(&question.flag));
        let Some(question) = open.cloned() else { break };
        asked.push(question.flag);
        if question.flag == "metric" && !page.is_empty() {
            term::say("   the evaluation page begins:");
            page.lines().take(PAGE_LINES).for_each(|line| {
                term::say(format_args!("   | {}", term::one_line(line, 160)));
            });
        }
        let Some(answer) = answer_to(&question)? else { break };
        settle(wishes, question.flag, answer);
        guess = infer(wishes)?;
    }
    Ok(guess)
}

/// A choice, by its number or its word; the first where nothing is typed, none where nobody answers.
fn answer_to(question: &Question) -> Result<Option<String>> {
    term::say(format_args!("{} (--{})", question.text, question.flag));
    for (n, choice) in (1..).zip(&question.choices) {
        term::say(format_args!("  {n}  {choice}"));
    }
    let first = question.choices.first().cloned().unwrap_or_default();
    loop {
        let typed = term::ask(&format!("which? [{first}]")).context("failed to read the answer")?;
        let Some(typed) = typed else { return Ok(None) };
        match chosen(question, &typed) {
            Some(answer) => return Ok(Some(answer)),
            None => term::warn(format_args!("`{typed}` is none of them: give a number or a word")),
        }
    }
}

fn chosen(question: &Question, typed: &str) -> Option<String> {
    if typed.is_empty() {
        return question.choices.first().cloned();
    }
    // A count of classes is a number itself.
    let numbered = if question.flag == "classes" { &[][..] } else { &question.choices };
    let by_number = typed.parse::<usize>().ok().and_then(|n| numbered.get(n.checked_sub(1)?));
    let by_word = || question.choices.iter().find(|choice| choice.eq_ignore_ascii_case(typed));
    let known = by_number.or_else(by_word).cloned();
    known.or_else(|| {
        let is_free = match question.flag {
            "metric" => Metric::of(typed).is_ok(),
            "classes" => typed.contains(',') || typed.parse::<usize>().is_ok_and(|n| n > 1),
            _ => false,
        };
        is_free.then(|| typed.to_owned())
    })
}

fn settle(wishes: &mut Wishes, flag: &str, answer: String) {
    match flag {
        "metric" => wishes.metric = Some(answer),
        "group" => wishes.group = Some(answer),
        "unknown" => wishes.unknown = Some(answer),
        "classes" => wishes.classes = Some(answer),
        "positive" => wishes.positive = Some(answer),
        "images" => wishes.images = Some(answer),
        // One of its words.
        "pictures" => wishes.pictures = words::word(&answer).ok(),
        other => debug_assert!(false, "a question about {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_number_a_word_or_nothing() {
        let choices = ["accuracy", "kappa"].map(str::to_owned).to_vec();
        let question = Question { flag: "metric", text: String::new(), choices };
        for (typed, answer) in [
            ("", Some("accuracy")),
            ("2", Some("kappa")),
            ("Kappa", Some("kappa")),
            ("map@3", Some("map@3")),
            ("0", None),
            ("3", None),
            ("loss", None),
        ] {
            assert_eq!(chosen(&question, typed).as_deref(), answer, "{typed}");
        }
        let question =
            Question { flag: "classes", text: String::new(), choices: vec!["26".to_owned()] };
        for (typed, answer) in
            [("", Some("26")), ("28", Some("28")), ("1", None), ("a,b", Some("a,b")), ("a", None)]
        {
            assert_eq!(chosen(&question, typed).as_deref(), answer, "{typed}");
        }
    }
}
