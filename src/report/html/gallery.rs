//! Which pictures are worth a look: the most wrong, the most confidently wrong, the most uncertain
//! and the most confident right ones. A picture is shown once, in the first of these.

use std::collections::{HashMap, HashSet};

use image::RgbImage;

use super::decided::decided;
use super::facts::{Facts, Heat, Thumbnail, Validation};
use super::thumbnail;
use crate::decide::Decision;
use crate::metric::most_probable;
use crate::target::{TargetKind, Truth};

/// Pictures a gallery: two rows on a wide page, four on a phone.
const PICTURES: usize = 12;
/// Keeps the logarithm of a probability finite.
const TINY: f64 = 1e-7;

/// A gallery's pictures, the most extreme first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gallery {
    pub kind: GalleryKind,
    /// Rows of the validation predictions.
    pub rows: Vec<usize>,
}

/// What the pictures of a gallery have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GalleryKind {
    /// The answer costs most: the truth was given least probability.
    MostWrong,
    /// The answer is wrong and was given with the highest probability.
    ConfidentlyWrong,
    /// The answer hardly prefers one to the others.
    MostUncertain,
    MostConfident,
}

/// Loads the pictures that a page shows: `load` gives an image held out by its id, as the square
/// that the network saw, with what the network looked at. One that cannot be had is told without its
/// picture.
pub fn fill(facts: &mut Facts, mut load: impl FnMut(&str) -> Option<(RgbImage, Option<Heat>)>) {
    let Some(validation) = &facts.validation else { return };
    for row in wanted(validation, facts.decision.as_ref()) {
        let loaded = load(&validation.predictions.ids[row]);
        let picture = loaded
            .and_then(|(image, heat)| Some(Thumbnail { jpeg: thumbnail::jpeg(&image)?, heat }));
        if let Some(picture) = picture {
            facts.pictures.insert(row, picture);
        }
    }
}

/// The rows whose pictures a page shows.
pub(super) fn wanted(validation: &Validation, decision: Option<&Decision>) -> Vec<usize> {
    galleries(validation, decision).into_iter().flat_map(|gallery| gallery.rows).collect()
}

/// The galleries that have a picture.
pub fn galleries(validation: &Validation, decision: Option<&Decision>) -> Vec<Gallery> {
    if validation.is_empty() || validation.predictions.classes.is_empty() {
        return Vec::new();
    }
    let judged = match validation.kind {
        TargetKind::SingleLabel => judge_classes(validation),
        TargetKind::MultiLabel => judge_tags(validation, decision),
        TargetKind::Ordinal | TargetKind::Number => return furthest_off(validation),
    };
    let mut shown = HashSet::new();
    let mut pick = |kind: GalleryKind, mut rows: Vec<usize>, key: fn(&Judged) -> f64| {
        rows.retain(|row| !shown.contains(row));
        // Of equals the first, so that a page is the same every time.
        rows.sort_by(|&a, &b| key(&judged[b]).total_cmp(&key(&judged[a])));
        if kind == GalleryKind::MostConfident {
            rows = spread(&rows, &judged);
        }
        rows.truncate(PICTURES);
        shown.extend(rows.iter().copied());
        Gallery { kind, rows }
    };
    let all = || (0..validation.len()).collect::<Vec<usize>>();
    let wrong = || all().into_iter().filter(|&row| !judged[row].is_right).collect::<Vec<usize>>();
    let right = || all().into_iter().filter(|&row| judged[row].is_right).collect::<Vec<usize>>();
    let mut galleries = vec![
        pick(GalleryKind::MostWrong, wrong(), |judged| judged.loss),
        pick(GalleryKind::ConfidentlyWrong, wrong(), |judged| judged.confidence),
        pick(GalleryKind::MostUncertain, all(), |judged| judged.entropy),
        pick(GalleryKind::MostConfident, right(), |judged| judged.confidence),
    ];
    // Of two classes the most wrong answer is the most confident wrong one.
    let same = validation.kind == TargetKind::SingleLabel && validation.n_classes() <= 2;
    galleries.retain(|gallery| !(same && gallery.kind == GalleryKind::ConfidentlyWrong));
    galleries.retain(|gallery| !gallery.rows.is_empty());
    galleries
}

/// The images whose levels or numbers are furthest off, each number by its own spread.
fn furthest_off(validation: &Validation) -> Vec<Gallery> {
    let errors = errors(validation);
    let mut rows: Vec<usize> = (0..errors.len()).filter(|&row| errors[row] > 0.0).collect();
    rows.sort_by(|&a, &b| errors[b].total_cmp(&errors[a]));
    rows.truncate(PICTURES);
    if rows.is_empty() {
        return Vec::new();
    }
    vec![Gallery { kind: GalleryKind::MostWrong, rows }]
}

/// How far each image's answer is off: the sum over its numbers, in deviations of what is true.
fn errors(validation: &Validation) -> Vec<f64> {
    let truth: Vec<Vec<f64>> = match &validation.truth {
        Truth::Numbers(numbers) => numbers.rows().map(<[f64]>::to_vec).collect(),
        Truth::Classes(_) => {
            validation.classes_true().into_iter().map(|level| vec![level as f64]).collect()
        }
    };
    let width = truth.first().map_or(0, Vec::len);
    let deviation = |at: usize| {
        let n = truth.len() as f64;
        let mean = truth.iter().map(|row| row[at]).sum::<f64>() / n;
        let variance = truth.iter().map(|row| (row[at] - mean).powi(2)).sum::<f64>() / n;
        if variance > 0.0 { variance.sqrt() } else { 1.0 }
    };
    let deviations: Vec<f64> = (0..width).map(deviation).collect();
    let error = |(row, truth): (&[f32], &Vec<f64>)| {
        let off = row.iter().zip(truth).zip(&deviations);
        off.map(|((&said, truth), deviation)| (f64::from(said) - truth).abs() / deviation).sum()
    };
    validation.rows().zip(&truth).map(error).collect()
}

/// What is to be said of one answer.
struct Judged {
    is_right: bool,
    loss: f64,
    /// Of the answer; of tags, of the most confident mistake, or of all tags where none is made.
    confidence: f64,
    entropy: f64,
    /// What it is an example of.
    class: usize,
}

fn judge_classes(validation: &Validation) -> Vec<Judged> {
    let judge = |(row, truth): (&[f32], &Vec<usize>)| {
        let (answer, truth) = (most_probable(row), truth.first().copied().unwrap_or_default());
        Judged {
            is_right: answer == truth,
            loss: -f64::from(row[truth]).max(TINY).ln(),
            confidence: f64::from(row[answer]),
            entropy: row.iter().map(|&p| entropy(p)).sum(),
            class: answer,
        }
    };
    validation.rows().zip(validation.classes()).map(judge).collect()
}

fn judge_tags(validation: &Validation, decision: Option<&Decision>) -> Vec<Judged> {
    let answered = decided(validation, decision);
    let judge = |((row, truth), answered): ((&[f32], &Vec<usize>), Vec<usize>)| {
        let given = |tag: usize| {
            let p = f64::from(row[tag]);
            if truth.contains(&tag) { p } else { 1.0 - p }
        };
        let mistakes = (0..row.len()).filter(|tag| truth.contains(tag) != answered.contains(tag));
        let worst = mistakes.map(|tag| 1.0 - given(tag)).fold(0.0_f64, f64::max);
        let is_right = *truth == answered;
        let surest = (0..row.len()).map(given).fold(1.0_f64, f64::min);
        Judged {
            is_right,
            loss: (0..row.len()).map(|tag| -given(tag).max(TINY).ln()).sum(),
            confidence: if is_right { surest } else { worst },
            entropy: row.iter().map(|&p| entropy(p) + entropy(1.0 - p)).sum(),
            class: truth.iter().fold(0, |seed, tag| seed * 31 + tag + 1),
        }
    };
    validation.rows().zip(validation.classes()).zip(answered).map(judge).collect()
}

fn entropy(p: f32) -> f64 {
    let p = f64::from(p);
    if p > 0.0 { -p * p.ln() } else { 0.0 }
}

/// Rows in turns, one of each class: the surest answers should not all be of the easiest class.
fn spread(rows: &[usize], judged: &[Judged]) -> Vec<usize> {
    let mut turns: HashMap<usize, usize> = HashMap::new();
    let mut placed: Vec<(usize, usize)> = rows
        .iter()
        .map(|&row| {
            let turn = turns.entry(judged[row].class).or_default();
            *turn += 1;
            (*turn, row)
        })
        .collect();
    placed.sort_by_key(|(turn, _)| *turn);
    placed.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;
    use crate::target::Predictions;

    fn validation(kind: TargetKind, classes: &[&str], rows: &[(&[f32], &[usize])]) -> Validation {
        let predictions = Predictions {
            ids: (0..rows.len()).map(|i| i.to_string()).collect(),
            classes: classes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>().into(),
            probabilities: Table::from_rows(rows.iter().map(|(row, _)| *row), classes.len()),
        };
        let truth = rows.iter().map(|(_, truth)| truth.to_vec());
        let truth = crate::target::Truth::Classes(truth.collect());
        Validation { predictions, kind, truth, called: std::collections::BTreeMap::new() }
    }

    fn rows_of(galleries: &[Gallery], kind: GalleryKind) -> Vec<usize> {
        let found = galleries.iter().find(|gallery| gallery.kind == kind);
        found.map(|gallery| gallery.rows.clone()).unwrap_or_default()
    }

    #[test]
    fn each_picture_is_shown_once_and_in_its_place() {
        let three = validation(
            TargetKind::SingleLabel,
            &["cat", "dog", "emu"],
            &[
                (&[0.90, 0.05, 0.05], &[0]),
                (&[0.01, 0.98, 0.01], &[1]),
                (&[0.95, 0.01, 0.04], &[1]),
                (&[0.34, 0.33, 0.33], &[0]),
                (&[0.99, 0.00, 0.01], &[0]),
            ],
        );
        let shown = galleries(&three, None);
        assert_eq!(rows_of(&shown, GalleryKind::MostWrong), [2]);
        assert_eq!(rows_of(&shown, GalleryKind::ConfidentlyWrong), [0; 0]);
        assert_eq!(rows_of(&shown, GalleryKind::MostUncertain)[0], 3);
        let mut all = wanted(&three, None);
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_surest_answers_are_not_all_of_one_class() {
        let rows: Vec<(&[f32], &[usize])> =
            std::iter::repeat_n::<(&[f32], &[usize])>((&[0.999, 0.001], &[0]), 60)
                .chain(std::iter::repeat_n::<(&[f32], &[usize])>((&[0.1, 0.9], &[1]), 60))
                .collect();
        let two = validation(TargetKind::SingleLabel, &["cat", "dog"], &rows);
        let surest = rows_of(&galleries(&two, None), GalleryKind::MostConfident);
        assert_eq!(surest.len(), PICTURES);
        assert_eq!(surest.iter().filter(|&&row| row < 60).count(), PICTURES / 2);
    }

    #[test]
    fn a_missing_tag_is_a_mistake_and_so_is_a_false_one() {
        let tags = validation(
            TargetKind::MultiLabel,
            &["clear", "road", "water"],
            &[
                (&[0.99, 0.99, 0.01], &[0, 1]),
                (&[0.99, 0.01, 0.01], &[0, 1]),
                (&[0.99, 0.01, 0.95], &[0]),
            ],
        );
        let shown = galleries(&tags, None);
        assert_eq!(rows_of(&shown, GalleryKind::MostWrong), [1, 2]);
        assert!(!rows_of(&shown, GalleryKind::MostUncertain).is_empty());
    }

    #[test]
    fn nothing_has_no_galleries() {
        assert_eq!(galleries(&validation(TargetKind::SingleLabel, &["a", "b"], &[]), None), []);
        assert_eq!(galleries(&validation(TargetKind::MultiLabel, &[], &[]), None), []);
    }
}
