//! From the names of files and the tables among them to a competition's spec, with a reason for every
//! field: what `kaggle-kit new` does once it knows what there is.
//!
//! Nothing here reads a file or asks anybody: [`Data`] is what was found, [`Wishes`] what was said
//! beforehand, [`Guess`] what follows, with the [`Question`]s that the data leave open; an answer
//! becomes a wish, and the inference is made again. The rules are those that held for 45 image
//! competitions of Kaggle; what the language cannot describe is a [`Beyond`].

mod beyond;
mod codes;
mod columns;
mod data;
mod groups;
mod guess;
mod images;
mod json;
mod labels;
mod metric;
mod paths;
mod peek;
mod pictures;
mod pixels;
mod place;
mod records;
mod said;
mod sample;
mod shape;
mod table;
mod text;
mod vocabulary;
mod written;

pub use beyond::Beyond;
pub use data::{Data, Entry, Listing, base, extension, is_table};
pub use guess::{
    Found, Guess, LabelsIn, NONE, Note, PixelTable, Question, Shape, Split, Submission, Wishes,
    word_of,
};
pub use metric::{Hint, of_kaggle};
pub use peek::{features, patient};
pub use pictures::Pictures;
pub use records::telling as telling_record;
pub use table::{Form, Table};
pub use written::toml;

use crate::target::TargetKind;
use columns::Columns;
use images::Images;
use labels::{From, Labels};
use pixels::Pixels;
use sample::{Asks, Sample};
use shape::Told;

/// More are not asked: the rest is guessed, and said.
const MOST_QUESTIONS: usize = 4;

/// The spec that fits the data; `called` is what the competition is called where nobody says otherwise,
/// `hint` what Kaggle says of its metric.
pub fn infer(
    data: &Data,
    called: &str,
    wishes: &Wishes,
    hint: Option<&Hint>,
) -> Result<Guess, Beyond> {
    said::check(data, wishes)?;
    let images = Images::of(&data.listing);
    let sample = Sample::find(data, &images, wishes.sample.as_deref())?;
    let labels = labels::find(data, &images, &sample, wishes.label.as_deref())?;
    let mut guess = Guess { is_notebook: wishes.is_notebook, ..Guess::default() };
    name(&mut guess, called, wishes);
    say_test(&mut guess, &sample, data.listing.is_whole());
    guess.extension = dicom(&images, &sample);
    say_train(&mut guess, &labels);
    beyond::of_long_numbers(&sample, &labels)?;
    beyond::of_several_labels(&sample, &labels)?;
    let told = Told::of(&labels);
    shape::decide(&mut guess, &sample, &labels, &told, wishes, hint);
    codes::find(&mut guess, data, &sample, &labels, &told);
    say_labels(&mut guess, &labels, &told);
    vocabulary::find(&mut guess, data, &images, &sample, &labels, &told, wishes);
    choose_images(&mut guess, &sample, &labels, wishes);
    groups::find(&mut guess, data, &images, &sample, &labels, wishes);
    said::check_guess(&guess, wishes)?;
    guess.names = names(data, &told);
    guess.found = Found {
        train: labels.n_images,
        test: match &sample.asks {
            Asks::Pixels(pixels) => Some(pixels.test.rows.len()).filter(|_| pixels.test.is_whole),
            _ => sample.place().map(|place| place.found.len() / place.channels.len().max(1)),
        },
        rows: sample.table.rows.len(),
        labels: Some(told.n_different()).filter(|&n| n > 0),
    };
    pictures::find(&mut guess, wishes);
    guess.questions.sort_by_key(|question| question.flag != "metric");
    guess.questions.truncate(MOST_QUESTIONS);
    Ok(guess)
}

fn name(guess: &mut Guess, called: &str, wishes: &Wishes) {
    let is_fit = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit();
    let mut slug: String = called
        .to_ascii_lowercase()
        .chars()
        .map(|sign| if is_fit(sign) { sign } else { '-' })
        .collect();
    while slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    let slug = slug.trim_matches('-').to_owned();
    guess.slug = if slug.is_empty() { "my-competition".to_owned() } else { slug };
    if let Some(slug) = &wishes.slug {
        guess.slug.clone_from(slug);
    } else {
        guess.note(
            "slug",
            false,
            "as the data are called: Kaggle's is at the end of the competition's address",
        );
    }
    guess.title = wishes.title.clone().unwrap_or_else(|| called.to_owned());
}

fn say_test(guess: &mut Guess, sample: &Sample, is_whole: bool) {
    guess.sample.clone_from(&sample.table.path);
    guess.note("files.sample", true, "by its name");
    if let Some(place) = sample.place() {
        guess.test.clone_from(&place.places);
        let share = (place.share * 100.0).floor();
        let (id, n) = (sample.id_name(), sample.table.rows.len());
        let why = if is_whole {
            format!("{share} % of the {n} values of the sample's `{id}` have an image there")
        } else {
            format!("the images that are listed there stand in the sample's `{id}`")
        };
        guess.note("files.test", place.share > 0.9 || !is_whole, why);
    }
    match &sample.asks {
        Asks::Table { table, .. } | Asks::Pool { table, .. } => {
            guess.test_table = Some(table.path.clone());
            guess.note(
                "files.test-table",
                true,
                "it has the sample's ids, and leads from them to the images",
            );
        }
        Asks::Pixels(pixels) => say_pixels(guess, pixels),
        Asks::Unseen { folders, .. } => {
            guess.test.clone_from(folders);
            guess.note(
                "files.test",
                false,
                "by its name: what is in it is not known before it is unpacked",
            );
        }
        Asks::Images(_) | Asks::Long { .. } => {}
    }
    if let Asks::Pool { table, image, .. } = &sample.asks {
        let why = format!(
            "a row of the sample is about several images, those of `{}`",
            table.header[*image]
        );
        guess.note("submission.pool", false, format!("{why}: their mean"));
    }
}

fn say_pixels(guess: &mut Guess, pixels: &Pixels) {
    guess.test = vec![pixels.test.path.clone()];
    guess.note("files.test", true, "a table of pixels: a row is an image");
    let shape = pixels.shape();
    guess.note("files.pixels", shape.is_some(), format!("{} numbers a row", pixels.n));
    guess.pixels = Some(PixelTable {
        columns: pixels.columns.clone(),
        planes: pixels.planes.iter().map(|plane| plane.name.clone()).collect(),
        shape: shape.unwrap_or_else(|| vec![1, pixels.n]),
        range: pixels.range(),
    });
}

/// The extension of DICOM files, where these are the images.
fn dicom(images: &Images, sample: &Sample) -> Option<String> {
    let first = &images.all[*sample.place()?.found.first()?];
    (first.form == images::Form::Dicom).then(|| data::extension(first.name))
}

fn say_train(guess: &mut Guess, labels: &Labels) {
    guess.train.clone_from(&labels.places);
    guess.note("files.train", labels.is_sure, labels.why.clone());
    let of_test = std::mem::take(&mut guess.channels);
    guess.channels = if labels.channels.is_empty() { of_test } else { labels.channels.clone() };
    if !labels.aside.is_empty() {
        let why =
            format!("an image has further files, which are left out: {}", text::few(&labels.aside));
        guess.note("files.channels", false, why);
    }
}

fn say_labels(guess: &mut Guess, labels: &Labels, told: &Told) {
    guess.labels = match &labels.from {
        From::Table { table, id, columns, is_long, photos } => {
            let label = match columns {
                Columns::One { column, is_sure } => {
                    let name = table.header[*column].clone();
                    let why = if *is_sure {
                        "by its name, or by what stands in it".to_owned()
                    } else {
                        format!("the likeliest column of `{}`; `--label` names another", table.path)
                    };
                    guess.note("target.labels.label", *is_sure, why);
                    Some(name)
                }
                Columns::All(_) | Columns::PerClass(_) => None,
            };
            LabelsIn::Table {
                file: table.path.clone(),
                is_json: table.form != Form::Csv,
                id: id.map(|id| table.header[id].clone()),
                label,
                separator: told.separator().filter(|_| guess.kind == TargetKind::MultiLabel),
                is_long: *is_long,
                photos: photos.map(|photos| {
                    let name = |column: usize| photos.table.header[column].clone();
                    [photos.table.path.clone(), name(photos.image), name(photos.of)]
                }),
            }
        }
        From::Folder { .. } => LabelsIn::Folder,
        From::FileName { separator, .. } => LabelsIn::FileName { separator: separator.clone() },
        From::Pattern { pattern, .. } => LabelsIn::Pattern(pattern.clone()),
        From::Record { id, label } => {
            guess.note("target.labels.record", false, labels.why.clone());
            LabelsIn::Record { id: id.clone(), label: label.clone() }
        }
    };
}

/// Of several places with the same images: thumbnails with the originals behind them, or what was
/// asked for.
fn choose_images(guess: &mut Guess, sample: &Sample, labels: &Labels, wishes: &Wishes) {
    let Some(place) = sample.place() else { return };
    let all: Vec<Vec<String>> =
        [place.places.clone()].into_iter().chain(place.instead.iter().cloned()).collect();
    if all.len() < 2 {
        return;
    }
    let of_train = |test: &[String]| -> Option<Vec<String>> {
        let all = [&labels.places].into_iter().chain(&labels.instead);
        let like = |one: &&Vec<String>| test.iter().any(|t| is_counterpart(t, &one[0]));
        all.into_iter().find(like).cloned()
    };
    let small = all.iter().find(|places| places[0].contains('{') && text::is_small(&places[0]));
    let wanted = wishes.images.as_deref();
    let chosen = match wanted {
        Some(wanted) => all.iter().find(|places| places[0].starts_with(wanted)),
        None => small,
    };
    let Some(chosen) = chosen.cloned() else {
        let names: Vec<String> = all.iter().map(|places| places[0].clone()).collect();
        guess.note("files.test", false, format!("of {} by its name", text::few(&names)));
        guess.ask("images", "which of them are the test images?", names);
        return;
    };
    let (mut test, mut train) = (chosen.clone(), of_train(&chosen));
    let is_small = small == Some(&chosen);
    if is_small && wanted.is_none() {
        // Where an image has no thumbnail it is small itself.
        test.extend(place.places.clone());
        if let Some(train) = &mut train {
            train.extend(labels.places.iter().filter(|place| !chosen.contains(place)).cloned());
        }
        let names: Vec<String> = all.iter().map(|places| places[0].clone()).collect();
        let why = format!(
            "thumbnails, and `{}` where there is none: originals are often too large",
            place.places[0]
        );
        guess.note("files.test", false, why);
        let first = chosen[0].clone();
        let choices =
            [first.clone()].into_iter().chain(names.into_iter().filter(|name| *name != first));
        guess.ask("images", "thumbnails or originals?", choices.collect());
    } else {
        guess.note("files.test", true, "as you said");
    }
    guess.test = test;
    if let Some(train) = train {
        guess.train = train;
    }
}

/// `train_thumbnails/{id}_thumbnail` for `test_thumbnails/{id}_thumbnail`.
fn is_counterpart(test: &str, train: &str) -> bool {
    let other = |word: &String| !text::is_test(word) && !text::is_train(word);
    let words = |path: &str| text::words(path).into_iter().filter(other).collect::<Vec<_>>();
    words(test) == words(train)
}

/// The file with the classes' names, which are numbers elsewhere.
fn names(data: &Data, told: &Told) -> Option<String> {
    let found = data.tables.iter().find(|table| {
        let known = table.values(0);
        table.form == Form::Names
            && !told.cells.is_empty()
            && told.cells.iter().all(|cell| known.contains(cell))
    })?;
    Some(found.path.clone())
}

#[cfg(test)]
mod tests;
