//! What is written: order, digits, bytes, speed; and that it reads back the same.

#![expect(clippy::print_stderr, reason = "a test says how fast it was")]

use std::collections::BTreeSet;
use std::time::Instant;

use kaggle_kit::competition::{self, Competition};
use kaggle_kit::dataset::SampleSubmission;
use kaggle_kit::fs;
use kaggle_kit::hash::Hash;
use kaggle_kit::metric::log_loss;
use kaggle_kit::rng::{self, Purpose};
use kaggle_kit::submission::{self, Against, Findings, Rows};
use kaggle_kit::table::Table;
use kaggle_kit::target::{Answers, Classes, Predictions, Said};
use proptest::prelude::*;
use rand::Rng;

use super::{per_class, probability_of, sample, strings, tag_list};
use crate::support;

fn predictions(ids: &str, classes: &str, probabilities: &[f32]) -> Predictions {
    let classes: Classes = strings(classes).into();
    let probabilities = Table::new(probabilities.to_vec(), classes.len());
    Predictions { ids: strings(ids), probabilities, classes }
}

fn tags(ids: &str, classes: &str, tags: &[&[usize]]) -> Answers {
    let tags = tags.iter().map(|tags| tags.to_vec()).collect();
    Answers { ids: strings(ids), classes: strings(classes).into(), said: Said::Lists(tags) }
}

fn csv(answers: &Answers, competition: &Competition, sample: &SampleSubmission) -> String {
    String::from_utf8(submission::to_csv(answers, competition, sample).unwrap()).unwrap()
}

#[test]
fn rows_are_in_the_samples_order_whatever_that_of_the_images() {
    let predicted = predictions("2 10 1", "cat dog", &[0.1, 0.9, 0.8, 0.2, 0.995, 0.005]);
    let answers = Answers::from(predicted);
    let sample = sample("id label", "1 2 10");
    assert_eq!(csv(&answers, &probability_of(), &sample), "id,label\n1,0.005\n2,0.9\n10,0.2\n");
}

#[test]
fn columns_are_in_the_samples_order_whatever_that_of_the_classes() {
    let predicted = predictions("a b", "pug beagle chow", &[0.7, 0.2, 0.1, 0.25, 0.5, 0.25]);
    let answers = Answers::from(predicted);
    let sample = sample("id beagle chow pug", "a b");
    assert_eq!(
        csv(&answers, &per_class(), &sample),
        "id,beagle,chow,pug\na,0.2,0.1,0.7\nb,0.5,0.25,0.25\n"
    );
}

#[test]
fn tags_are_words_in_class_order() {
    let answers = tags("b a", "clear primary water", &[&[0, 2], &[1]]);
    let sample = sample("image_name tags", "a b");
    assert_eq!(csv(&answers, &tag_list(), &sample), "image_name,tags\na,primary\nb,clear water\n");
}

#[test]
fn planets_sample_is_made_again_byte_for_byte() {
    let mut additional: Vec<String> = (0..20_522).map(|i| format!("file_{i}")).collect();
    additional.sort();
    let mut ids: Vec<String> = (0..40_669).map(|i| format!("test_{i}")).collect();
    ids.extend(additional);
    let tags = vec![vec![0, 1, 2, 3, 4]; ids.len()];
    let classes: Classes = strings("primary clear agriculture road water").into();
    let sample =
        SampleSubmission { header: strings("image_name tags"), id_at: 0, ids: ids.clone() };
    let start = Instant::now();
    let csv = csv(&Answers { ids, classes, said: Said::Lists(tags) }, &tag_list(), &sample);
    let (written, reading) = (start.elapsed(), Instant::now());
    let (_, findings) =
        submission::read(csv.as_bytes(), &tag_list(), Against::Sample(&sample, None));
    let checked = reading.elapsed();
    assert_eq!(findings, Findings::default());
    eprintln!("61,191 rows of tags: written in {written:.2?}, checked in {checked:.2?}");
    assert_eq!(csv.len(), 2_914_964);
    let digest = Hash::of(csv.as_bytes()).to_string();
    assert_eq!(digest, "e5e408073a483d96b1275934b04bc8b9bed962da718bf246808024fc4a8068f3");

    let Some(path) = support::shared("data/real-csv/planet_sample_submission_v2.csv") else {
        return;
    };
    assert_eq!(SampleSubmission::read(&path).unwrap(), sample);
    let planet = competition::find("planet").unwrap();
    assert_eq!(submission::check(&path, &planet, &sample, None).unwrap(), Findings::default());
}

#[test]
fn all_120_breeds_of_all_dogs_are_written() {
    let Some(labels) = support::shared("data/real-csv/dogbreed_labels.csv") else { return };
    let Some(ids) = support::shared("data/real-csv/dogbreed_test_ids.txt") else { return };
    let labels = fs::read_to_string(labels).unwrap();
    let breeds: BTreeSet<&str> =
        labels.lines().skip(1).filter_map(|line| Some(line.split_once(',')?.1)).collect();
    let breeds: Vec<String> = breeds.into_iter().map(str::to_owned).collect();
    let ids = strings(&fs::read_to_string(ids).unwrap());
    assert_eq!((breeds.len(), ids.len()), (120, 10_357));
    let header = ["id".to_owned()].into_iter().chain(breeds.clone()).collect();
    let sample = SampleSubmission { header, id_at: 0, ids: ids.clone() };
    let row: Vec<f32> = (1..=120).map(|i| i as f32 / 7260.0).collect();
    let probabilities = Table::new(row.repeat(ids.len()), 120);
    let answers = Answers::from(Predictions { ids, probabilities, classes: breeds.into() });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submission.csv");
    submission::write(&answers, &per_class(), &sample, &path).unwrap();
    let dog_breed = competition::find("dog-breed").unwrap();
    assert_eq!(submission::check(&path, &dog_breed, &sample, None).unwrap(), Findings::default());
    assert!(fs::metadata(&path).unwrap().len() < 14_000_000);
}

/// Probabilities as a fitted network gives them: a sure class, a few that are likely, the rest at a
/// floor.
fn as_from_a_network(n: usize, n_classes: usize) -> (Table, Vec<usize>) {
    let mut rng = rng::stream(Purpose::Draw, 1, 0, 0);
    let (mut probabilities, mut truth) = (Vec::new(), Vec::new());
    for _ in 0..n {
        // Products alone: they are the same everywhere, which `exp` is not.
        let mut eighth_power = || {
            let square = rng.random::<f64>();
            let square = square * square;
            square * square * square * square
        };
        let mut row: Vec<f64> = (0..n_classes).map(|_| 1e-6 + eighth_power()).collect();
        let sure = rng.random_range(0..n_classes);
        row[sure] += 1e3 * rng.random::<f64>();
        let sum: f64 = row.iter().sum();
        probabilities.extend(row.iter().map(|p| (p / sum) as f32));
        truth.push(if rng.random::<f64>() < 0.9 { sure } else { rng.random_range(0..n_classes) });
    }
    (Table::new(probabilities, n_classes), truth)
}

#[test]
fn a_full_file_is_written_fast_always_the_same_and_scores_as_the_probabilities_do() {
    let (n, n_classes) = (10_357, 120);
    let (probabilities, truth) = as_from_a_network(n, n_classes);
    let names = |prefix: &str, n| (0..n).map(|i| format!("{prefix}{i:03}")).collect::<Vec<_>>();
    let (ids, classes) = (names("id_", n), names("breed_", n_classes));
    let header = [vec!["id".to_owned()], classes.clone()].concat();
    let sample = SampleSubmission { header, id_at: 0, ids: ids.clone() };
    let exact = log_loss(&probabilities, &truth);
    let predictions = Predictions { ids, probabilities, classes: classes.into() };
    let start = Instant::now();
    let csv = submission::to_csv(&Answers::from(predictions), &per_class(), &sample).unwrap();
    let (written, reading) = (start.elapsed(), Instant::now());
    let (read, findings) = submission::read(&csv, &per_class(), Against::Sample(&sample, None));
    let checked = reading.elapsed();
    assert_eq!(findings, Findings::default());
    let Rows::PerClass { probabilities, .. } = read.rows else { panic!("per class") };
    let loss = log_loss(&Table::new(probabilities, n_classes), &truth);
    eprintln!(
        "10,357 x 120: written in {written:.2?}, checked in {checked:.2?}, {} bytes, log loss \
         {exact:.9} -> {loss:.9}",
        csv.len()
    );
    assert!((loss - exact).abs() < 1e-7, "{exact} {loss}");
    assert_eq!(
        Hash::of(&csv).to_string(),
        "14e17c7f8dbcb51af299fb189008eb519d2ab6cc9754cfbe0d391f35efbff28c"
    );
}

#[test]
fn a_file_that_does_not_fit_is_never_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submission.csv");
    let write = |answers: &Answers, competition: &Competition, sample: &SampleSubmission| {
        let error = submission::write(answers, competition, sample, &path).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        format!("{error:#}")
    };
    let predicted = |ids| Answers::from(predictions(ids, "cat dog", &[0.5; 4]));

    let sample_1_2_3 = sample("id label", "1 2 3");
    let error = write(&predicted("1 2"), &probability_of(), &sample_1_2_3);
    assert!(error.contains("1 id of the sample not predicted, such as `3`"), "{error}");

    let sample_1 = sample("id label", "1");
    let error = write(&predicted("1 2"), &probability_of(), &sample_1);
    assert!(error.contains("1 image predicted that the sample does not have"), "{error}");

    let breeds = sample("id cat dog fox", "1 2");
    let error = write(&predicted("1 2"), &per_class(), &breeds);
    assert!(error.contains("wants the class `fox`, which is not predicted"), "{error}");

    let tag_sample = sample("image_name tags", "1 2");
    let error = write(&predicted("1 2"), &tag_list(), &tag_sample);
    assert!(error.contains("`submission.tag-list` is not made of probabilities"), "{error}");

    let error = write(&tags("1 2", "clear haze", &[&[0], &[]]), &tag_list(), &tag_sample);
    assert!(error.contains("1 row without a tag: line 3"), "{error}");

    let mut lost = predictions("1 2", "cat dog", &[0.5; 4]);
    lost.probabilities.row_mut(0)[1] = f32::NAN;
    let sample_1_2 = sample("id label", "1 2");
    let error = write(&Answers::from(lost), &probability_of(), &sample_1_2);
    assert!(error.contains("1 value not finite: line 2: `NaN` in `label`"), "{error}");
}

proptest! {
    #[test]
    fn what_is_written_checks_clean_and_reads_back(
        rows in prop::collection::vec(prop::array::uniform3(1e-6f32..1.0), 1..30), seed: u64
    ) {
        let ids: Vec<String> = (0..rows.len()).map(|i| format!("id {i},\"{seed}")).collect();
        let mut probabilities: Vec<f32> = Vec::new();
        for row in &rows {
            let sum: f32 = row.iter().sum();
            probabilities.extend(row.iter().map(|p| p / sum));
        }
        let header = strings("id beagle chow pug");
        let sample = SampleSubmission { header, id_at: 0, ids: ids.iter().rev().cloned().collect() };
        let classes: Classes = strings("beagle chow pug").into();
        let predicted = Predictions { ids, probabilities: Table::new(probabilities, 3), classes };
        let answers = Answers::from(predicted.clone());
        let csv = submission::to_csv(&answers, &per_class(), &sample).unwrap();
        let (back, findings) = submission::read(&csv, &per_class(), Against::Sample(&sample, None));
        prop_assert_eq!(findings, Findings::default());
        prop_assert_eq!(&back.ids, &sample.ids);
        let Rows::PerClass { classes, probabilities } = back.rows else { panic!("per class") };
        prop_assert_eq!(&classes, &predicted.classes);
        for (row, back) in predicted.probabilities.rows().rev().zip(probabilities.chunks(3)) {
            for (&p, &back) in row.iter().zip(back) {
                prop_assert!((f64::from(p) - back).abs() <= 5e-6 * f64::from(p), "{p} {back}");
            }
            prop_assert!((back.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn tags_read_back(rows in prop::collection::vec(prop::collection::btree_set(0usize..5, 1..5), 1..20)) {
        let ids: Vec<String> = (0..rows.len()).map(|i| format!("test_{i}")).collect();
        let sample = SampleSubmission { header: strings("image_name tags"), id_at: 0, ids: ids.clone() };
        let classes: Classes = strings("clear haze primary road water").into();
        let tags: Vec<Vec<usize>> = rows.iter().map(|row| row.iter().copied().collect()).collect();
        let answers = Answers { ids, classes: classes.clone(), said: Said::Lists(tags.clone()) };
        let csv = submission::to_csv(&answers, &tag_list(), &sample).unwrap();
        let against = Against::Sample(&sample, Some(&classes));
        let (back, findings) = submission::read(&csv, &tag_list(), against);
        prop_assert_eq!(findings, Findings::default());
        let Rows::Lists(back) = back.rows else { panic!("tags") };
        for (tags, back) in tags.iter().zip(back) {
            let names: Vec<&String> = tags.iter().map(|&tag| &classes.names()[tag]).collect();
            prop_assert_eq!(names, back.iter().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_file_that_is_no_submission_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let sample = sample("id label", "1 2");
    let answers = Answers::from(predictions("1 2", "cat dog", &[0.1, 0.9, 0.8, 0.2]));
    let write = || submission::write(&answers, &probability_of(), &sample, &path);
    fs::write_atomic(&path, "my notes\n").unwrap();
    let error = write().unwrap_err().to_string();
    assert!(error.contains("is no submission of this kind: it is not replaced"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"my notes\n");
    fs::write_atomic(&path, "id,label\r\n1,0.7\r\n").unwrap();
    write().unwrap();
    assert!(fs::read_to_string(&path).unwrap().contains("1,0.9"));
}
