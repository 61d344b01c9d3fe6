//! All classes that there are, where the metric counts those too that no image has: a table of names tells
//! them, or their numbers do.

use std::collections::HashSet;

use super::data::{self, Data};
use super::guess::{Guess, Shape, Wishes};
use super::images::Images;
use super::labels::{From, Labels};
use super::sample::{Asks, Sample};
use super::shape::Told;
use super::table::Table;
use super::text;
use crate::metric::Metric;

/// More are not written into a spec.
const MOST: usize = 10_000;

/// Fills in the classes where a count of them changes the score, and says what they rest on.
pub(super) fn find(
    guess: &mut Guess,
    data: &Data,
    images: &Images,
    sample: &Sample,
    labels: &Labels,
    told: &Told,
    wishes: &Wishes,
) {
    if guess.submission.shape != Shape::TagList && wishes.classes.is_none() {
        return;
    }
    let mut seen: Vec<&str> = told.words();
    if let (Shape::TagList, [column]) = (guess.submission.shape, sample.values.as_slice()) {
        let words = sample.table.cells(*column).flat_map(str::split_whitespace);
        let known: HashSet<&str> = seen.iter().copied().collect();
        // What the sample says in another way than the labels is no class.
        let are_numbers = whole_numbers(&seen).is_some();
        let others: HashSet<&str> =
            words.filter(|word| !known.contains(word) && are_numbers && is_whole(word)).collect();
        seen.extend(others);
    }
    if let Some(wanted) = &wishes.classes {
        return said(guess, wanted, &seen);
    }
    let counts = Metric::of(&guess.metric).is_ok_and(|it| it.counts_every_class(guess.kind));
    if !counts || !guess.classes.is_empty() || seen.is_empty() {
        return;
    }
    let metric = guess.metric.clone();
    let counted = format!("`{metric}` counts classes that no image has");
    if let Some((names, why)) = of_table(data, images, sample, labels, &seen) {
        guess.classes = names;
        guess.note("target.classes", true, format!("{counted}: {why}"));
        return;
    }
    let is_whole = labels.from.table().is_none_or(|(table, _)| table.is_whole);
    let Some(numbers) = whole_numbers(&seen).filter(|numbers| *numbers.end() < MOST as u64) else {
        let mut names: Vec<String> = seen.iter().map(|name| (*name).to_owned()).collect();
        text::sort(&mut names);
        names.truncate(MOST);
        guess.classes = names;
        let rest = if is_whole { "" } else { ", of which only the first were read" };
        let why = format!("{counted}: these are the labels' own{rest}");
        return guess.note("target.classes", is_whole, why);
    };
    let (n, n_seen) = (numbers.clone().count(), seen.len());
    guess.classes = numbers.clone().map(|number| number.to_string()).collect();
    if n == n_seen {
        let why = format!("{counted}: the labels are numbered without a gap");
        return guess.note("target.classes", is_whole, why);
    }
    let (first, last) = (numbers.start(), numbers.end());
    let why = format!(
        "{counted}, and the data do not tell how many there are: of {first} to {last} the labels name \
         {n_seen}; see the competition's Data page, and say `--classes <number>` if it has more"
    );
    guess.note("target.classes", false, why);
    let text = format!("how many classes are there? {n_seen} occur, the last is {last}");
    guess.ask("classes", text, vec![n.to_string()]);
}

/// As many as a person said, or those whose names were given.
fn said(guess: &mut Guess, wanted: &str, seen: &[&str]) {
    let count = wanted.trim().parse::<u64>().ok().filter(|n| (1..=MOST as u64).contains(n));
    guess.classes = match (count, whole_numbers(seen)) {
        (Some(n), Some(numbers)) => {
            let first = *numbers.start();
            (first..first + n).map(|number| number.to_string()).collect()
        }
        (Some(n), None) => {
            let why = format!(
                "`--classes {n}` is a number, but the labels are not numbered: give their names, with commas"
            );
            return guess.note("target.classes", false, why);
        }
        (None, _) => wanted
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect(),
    };
    guess.note("target.classes", true, "as you said");
}

fn is_whole(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit()) && word.parse::<u64>().is_ok()
}

/// From 0 or 1 to the largest, where all are whole numbers that begin there.
fn whole_numbers(words: &[&str]) -> Option<std::ops::RangeInclusive<u64>> {
    let number = |word: &&str| {
        let number = word.parse::<u64>().ok()?;
        // `007` is a name.
        (number.to_string() == **word).then_some(number)
    };
    let numbers = words.iter().map(number).collect::<Option<Vec<u64>>>()?;
    let (least, most) = (*numbers.iter().min()?, *numbers.iter().max()?);
    Some(least.min(1)..=most)
}

/// The column of a table that has each label once, and others: `labels.csv` with `attribute_id`.
fn of_table(
    data: &Data,
    images: &Images,
    sample: &Sample,
    labels: &Labels,
    seen: &[&str],
) -> Option<(Vec<String>, String)> {
    let asked = match &sample.asks {
        Asks::Table { table, .. } | Asks::Pool { table, .. } => Some(table.path.as_str()),
        _ => None,
    };
    let own = labels.from.table().map(|(table, _)| table.path.as_str());
    let photos = match &labels.from {
        From::Table { photos: Some(photos), .. } => Some(photos.table.path.as_str()),
        _ => None,
    };
    let is_other = |table: &&Table| {
        let name = data::base(&table.path);
        let path = Some(table.path.as_str());
        table.is_whole
            && path != asked
            && path != own
            && path != photos
            && table.path != sample.table.path
            && !text::is_test(name)
            && !text::is_train(name)
    };
    data.tables.iter().filter(is_other).find_map(|table| {
        let column = (0..table.header.len().min(8)).find(|&column| {
            let values = table.values(column);
            let n_images = values.iter().filter(|value| !images.named(value).is_empty()).count();
            values.len() == table.rows.len()
                && (2..=MOST).contains(&values.len())
                && n_images * 2 < values.len()
                && seen.iter().all(|label| values.contains(label))
        })?;
        let names: Vec<String> = table.cells(column).map(str::to_owned).collect();
        let why = format!("`{}` of `{}` names them all", table.header[column], table.path);
        Some((names, why))
    })
}
