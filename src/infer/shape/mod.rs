//! What is predicted and what an upload looks like, from the cells of the sample and of the labels.

mod classes;
mod told;

use std::collections::HashSet;

use super::columns::{self, Columns};
use super::guess::{Guess, Shape, Submission, Wishes};
use super::labels::{From, Labels};
use super::metric::{self, Hint, Wants};
use super::sample::{Asks, Sample};
use super::table::Table;
use super::text;
use crate::target::TargetKind;
use classes::{numbered, probability, unknown};
use told::Cells;
pub(super) use told::Told;

/// Rows of the sample that are looked at.
const EXAMPLES: usize = 2_000;
/// More whole numbers than this are no levels but an amount.
const MOST_LEVELS: usize = 10;

/// Fills in kind, shape, classes and metric.
pub(super) fn decide(
    guess: &mut Guess,
    sample: &Sample,
    labels: &Labels,
    told: &Told,
    wishes: &Wishes,
    hint: Option<&Hint>,
) {
    sample.id_name().clone_into(&mut guess.submission.id);
    guess.submission.is_pooled = matches!(sample.asks, Asks::Pool { .. });
    let wanted = wishes.metric.clone();
    let sure = hint.filter(|hint| hint.is_sure).and_then(|hint| hint.words.first().cloned());
    let given = wanted.clone().or(sure);
    let asked = given.as_deref().and_then(metric::wants);
    match (&sample.asks, sample.values.as_slice()) {
        (Asks::Long { .. }, _) => long(guess, sample, labels),
        (Asks::Unseen { classes, .. }, _) if !classes.is_empty() => long(guess, sample, labels),
        (_, [column]) => one(guess, sample, *column, labels, told, asked, wishes),
        _ => several(guess, sample, labels, told, asked),
    }
    if let Some(kind) = wishes.kind {
        guess.kind = kind;
        guess.note("target.kind", true, "as you said");
    }
    if guess.kind == TargetKind::Ordinal && guess.classes.is_empty() {
        guess.classes = levels(told);
        guess.note("target.classes", told.are_numbers(), "the levels, from the least to the most");
    }
    let k = sample.values.first().map_or(5, |column| Cells::of(sample.table, *column).k);
    choose_metric(guess, wanted, hint, if k > 1 { k } else { 5 });
}

fn long(guess: &mut Guess, sample: &Sample, labels: &Labels) {
    guess.kind = TargetKind::MultiLabel;
    guess.submission.shape = Shape::Long;
    guess.submission.column = sample.names().first().map(|name| (*name).to_owned());
    guess.note(
        "submission",
        true,
        "the sample has a row for each class of an image: `<id>_<class>`",
    );
    guess.classes = per_class(labels).unwrap_or_default();
}

/// The classes, where the label table has a column for each.
fn per_class(labels: &Labels) -> Option<Vec<String>> {
    let From::Table { table, columns: Columns::PerClass(columns), .. } = &labels.from else {
        return None;
    };
    Some(columns.iter().map(|&column| table.header[column].clone()).collect())
}

/// All levels between the least and the most, where they are whole numbers.
fn levels(told: &Told) -> Vec<String> {
    let numbers: Option<Vec<i64>> = told.cells.iter().map(|cell| cell.parse().ok()).collect();
    if let Some(numbers) = numbers
        && let (Some(least), Some(most)) = (numbers.iter().min(), numbers.iter().max())
        && most - least <= 100
    {
        return (*least..=*most).map(|level| level.to_string()).collect();
    }
    let mut names: Vec<String> = told.cells.iter().map(|cell| (*cell).to_owned()).collect();
    text::sort(&mut names);
    names
}

/// A sample with a column a class, or a number a column.
fn several(guess: &mut Guess, sample: &Sample, labels: &Labels, told: &Told, asked: Option<Wants>) {
    let of_columns = match &labels.from {
        From::Table { table, columns: Columns::All(columns), .. } => Some((*table, columns)),
        _ => None,
    };
    if let Some((table, columns)) = of_columns {
        other_names(guess, sample, table, columns);
    }
    let (kind, why) = match of_columns {
        Some((table, columns)) => {
            let rows = table.spread(EXAMPLES).map(|row| {
                columns.iter().map(|&column| table.cell(row, column)).collect::<Vec<_>>()
            });
            let rows: Vec<Vec<&str>> = rows.collect();
            let is_hot = |cell: &&str| cell.is_empty() || text::is_zero_or_one(cell);
            let n_ones = |row: &Vec<&str>| row.iter().filter(|cell| cell.starts_with('1')).count();
            if !rows.iter().flatten().all(is_hot) || asked == Some(Wants::Numbers) {
                (TargetKind::Number, "the sample's columns hold numbers in the label table")
            } else if rows.iter().all(|row| n_ones(row) == 1) {
                (
                    TargetKind::SingleLabel,
                    "exactly one of the sample's columns is 1 in each row of the labels",
                )
            } else {
                (
                    TargetKind::MultiLabel,
                    "several of the sample's columns, or none, are 1 in a row of the labels",
                )
            }
        }
        None if told.tags.is_some() => (TargetKind::MultiLabel, "the sample has a column a tag"),
        None => (
            TargetKind::SingleLabel,
            "the sample has a column a class, and each image has one label",
        ),
    };
    guess.kind = kind;
    guess.submission.shape =
        if kind == TargetKind::Number { Shape::Numbers } else { Shape::ProbabilityPerClass };
    guess.note("target.kind", true, why);
    if kind == TargetKind::Number
        && let Some((table, columns)) = of_columns
    {
        let cells = columns.iter().flat_map(|&column| table.cells(column));
        guess.range = range(cells);
    }
}

/// What the sample calls columns of the label table.
fn other_names(guess: &mut Guess, sample: &Sample, table: &Table, columns: &[usize]) {
    let pairs = columns.iter().map(|&column| table.header[column].clone());
    let pairs = pairs.zip(sample.names()).map(|(theirs, ours)| (theirs, ours.to_owned()));
    guess.rename = pairs.filter(|(theirs, ours)| theirs != ours).collect();
    if !guess.rename.is_empty() {
        let why = format!("`{}` calls the sample's columns otherwise", table.path);
        guess.note("target.rename", false, why);
    }
}

/// From where to where numbers go, where their ends are such as people choose.
fn range<'a>(cells: impl Iterator<Item = &'a str>) -> Option<(f64, f64)> {
    let numbers = cells.filter_map(text::number);
    let (least, most) = numbers
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), number| {
            (least.min(number), most.max(number))
        });
    let is_end = [1.0, 5.0, 10.0, 100.0].contains(&most) && [0.0, 1.0].contains(&least);
    (is_end && least < most).then_some((least, most))
}

/// A sample with one column of answers.
fn one(
    guess: &mut Guess,
    sample: &Sample,
    column: usize,
    labels: &Labels,
    told: &Told,
    asked: Option<Wants>,
    wishes: &Wishes,
) {
    let cells = Cells::of(sample.table, column);
    guess.submission.column = Some(sample.table.header[column].clone());
    let (shape, why, is_sure) = match asked {
        Some(wants) => (of_metric(wants, told), "it is what the metric scores".to_owned(), true),
        None => of_cells(&cells, told, wishes.kind),
    };
    let amount = amount(guess, labels, told).filter(|_| {
        asked.is_none() && wishes.kind.is_none() && shape == Shape::Label && cells.are_numbers
    });
    let (shape, why, is_sure) = match amount {
        Some(why) => (Shape::Numbers, why, false),
        None => (shape, why, is_sure),
    };
    let is_tags = asked.is_none_or(|wants| matches!(wants, Wants::Tags | Wants::LabelOrTags));
    let (shape, why, is_sure) = match &labels.from {
        From::Table { table, columns: Columns::PerClass(columns), .. }
            if is_tags && !columns::is_one_hot(table, columns) =>
        {
            (Shape::TagList, "several of the labels' columns are 1 in a row: tags".to_owned(), true)
        }
        _ => (shape, why, is_sure),
    };
    if let Some(classes) = per_class(labels) {
        guess.classes = classes;
    }
    guess.submission.shape = shape;
    guess.note("submission", is_sure, why);
    guess.kind = match shape {
        Shape::Numbers => TargetKind::Number,
        Shape::TagList => TargetKind::MultiLabel,
        _ if asked == Some(Wants::Level) => TargetKind::Ordinal,
        _ => TargetKind::SingleLabel,
    };
    match shape {
        Shape::Numbers => {
            if let From::Table { table, columns: Columns::One { column, .. }, .. } = &labels.from {
                guess.range = range(table.cells(*column));
            }
            if guess.range.is_some() {
                guess.note("target.range", false, "the least and the most of the labels");
            }
        }
        Shape::TagList => guess.submission.separator = told.separator_of(&cells),
        Shape::ProbabilityOf => probability(guess, told, wishes),
        Shape::Label if cells.are_numbers && guess.kind != TargetKind::Ordinal => {
            numbered(guess, &cells, told, wishes);
        }
        _ => {}
    }
    unknown(guess, told, wishes);
}

/// Why labels that are whole numbers are no classes, if so: by the name of the column, or since hardly any
/// occurs again.
fn amount(guess: &Guess, labels: &Labels, told: &Told) -> Option<String> {
    let From::Table { table, columns: Columns::One { column, .. }, .. } = &labels.from else {
        return None;
    };
    let (name, n) = (&table.header[*column], told.cells.len());
    let is_id = text::words(name).iter().any(|word| word == "id");
    let names = [Some(name), guess.submission.column.as_ref()];
    let is_named = names.into_iter().flatten().any(|name| text::is_amount(name));
    if !told.are_numbers() || n <= MOST_LEVELS || is_id {
        return None;
    }
    let n_rows: usize = told.n_of.values().sum();
    (is_named || n * 3 > n_rows).then(|| {
        format!(
            "`{name}` has {n} whole numbers, which are an amount: `--kind` says if they are classes"
        )
    })
}

fn of_metric(wants: Wants, told: &Told) -> Shape {
    match wants {
        Wants::Probabilities => Shape::ProbabilityOf,
        Wants::Label | Wants::Level => Shape::Label,
        Wants::Ranking => Shape::TopK,
        Wants::LabelOrTags if told.tags.is_none() => Shape::Label,
        Wants::Tags | Wants::LabelOrTags => Shape::TagList,
        Wants::ScoredLabel => Shape::ScoredLabel,
        Wants::Numbers => Shape::Numbers,
    }
}

fn of_cells(cells: &Cells, told: &Told, kind: Option<TargetKind>) -> (Shape, String, bool) {
    let is_scored = |cell: &&str| {
        let Some((label, confidence)) = cell.split_once(' ') else { return false };
        let is_share = text::number(confidence).is_some_and(|share| (0.0..=1.0).contains(&share));
        is_share && !told.is_known(confidence) && !label.is_empty()
    };
    let are_known = |word: &str| {
        told.is_known(word) || told.tags.as_ref().is_some_and(|(tags, _)| tags.contains(word))
    };
    if kind == Some(TargetKind::Number) {
        return (Shape::Numbers, "numbers, as you said".to_owned(), true);
    }
    if told.tags.is_some() || kind == Some(TargetKind::MultiLabel) {
        return (Shape::TagList, "several words in a row of the labels are tags".to_owned(), true);
    }
    if !cells.all.is_empty() && cells.all.iter().all(is_scored) {
        return (
            Shape::ScoredLabel,
            "a row of the sample is a label and a number".to_owned(),
            true,
        );
    }
    let is_label = |cell: &&str| told.is_known(cell);
    if cells.k > 1 && !cells.all.iter().any(is_label) {
        let first = cells.all.iter().find(|cell| cell.contains(' ')).copied().unwrap_or_default();
        let is_sure = first.split_whitespace().all(are_known);
        let why = format!("a row of the sample holds {} labels, and each image has one", cells.k);
        return (Shape::TopK, why, is_sure);
    }
    let has_fractions = told.cells.iter().any(|cell| text::is_fraction(cell));
    let are_many = told.are_numbers() && told.cells.len() > MOST_LEVELS;
    if has_fractions || (are_many && cells.has_fractions) {
        return (
            Shape::Numbers,
            "the labels are numbers, more than levels would be".to_owned(),
            has_fractions,
        );
    }
    if cells.are_numbers && (cells.has_fractions || told.are_zeros_and_ones()) {
        let why = if cells.has_fractions {
            "the sample holds fractions: probabilities"
        } else {
            "labels are 0 and 1, and so is the sample: most such competitions ask for a probability"
        };
        return (Shape::ProbabilityOf, why.to_owned(), cells.has_fractions);
    }
    (Shape::Label, "a row of the sample holds one label".to_owned(), true)
}

/// The metric that was given, else Kaggle's, else the likeliest of those that fit.
fn choose_metric(guess: &mut Guess, wanted: Option<String>, hint: Option<&Hint>, k: usize) {
    let Submission { shape, .. } = guess.submission;
    let complete =
        |word: &String| if word.ends_with('@') { format!("{word}{k}") } else { word.clone() };
    let fitting = metric::fitting(shape, guess.kind, k);
    if let Some(wanted) = wanted {
        guess.metric = wanted;
        guess.note("metric", true, "as you said");
        return;
    }
    let Some(hint) = hint.filter(|hint| !hint.words.is_empty()) else {
        let others = text::few(&fitting[1..]);
        let why = if others.is_empty() {
            "the one that fits".to_owned()
        } else {
            format!("the likeliest; {others} would fit as well: see the evaluation page")
        };
        guess.note("metric", fitting.len() == 1, why);
        guess.metric.clone_from(&fitting[0]);
        if fitting.len() > 1 {
            guess.ask("metric", "how is it scored?", fitting);
        }
        return;
    };
    let mut words: Vec<String> = hint.words.iter().map(complete).collect();
    let remark = hint.remark.map_or_else(String::new, |remark| format!("; {remark}"));
    guess.note("metric", hint.is_sure, format!("Kaggle calls it `{}`{remark}", hint.name));
    guess.metric.clone_from(&words[0]);
    if !hint.is_sure {
        words.extend(fitting);
        let mut seen = HashSet::new();
        words.retain(|word| seen.insert(word.clone()));
        guess.ask("metric", format!("how is it scored? Kaggle calls it `{}`", hint.name), words);
    }
}
