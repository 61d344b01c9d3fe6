//! A submission is written in the sample's shape, reads back the same, and says all that is wrong.

use std::collections::BTreeSet;

use kaggle_kit::competition::{self, SubmissionFormat};
use kaggle_kit::dataset::SampleSubmission;
use kaggle_kit::fs;
use kaggle_kit::submission::{self, Against, Findings, Problem, Rows};
use kaggle_kit::target::{Answers, Classes, Predictions};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::support;

fn strings(words: &str) -> Vec<String> {
    words.split_whitespace().map(str::to_owned).collect()
}

fn probability_of() -> SubmissionFormat {
    competition::find("dogs-vs-cats").unwrap().submission
}

fn per_class() -> SubmissionFormat {
    competition::find("dog-breed").unwrap().submission
}

fn tag_list() -> SubmissionFormat {
    competition::find("planet").unwrap().submission
}

fn sample(header: &str, ids: &str) -> SampleSubmission {
    SampleSubmission { header: strings(header), ids: strings(ids) }
}

fn predictions(ids: &str, classes: &str, probabilities: &[f32]) -> Predictions {
    Predictions {
        ids: strings(ids),
        probabilities: probabilities.to_vec(),
        classes: strings(classes).into(),
    }
}

fn tags(ids: &str, classes: &str, tags: &[&[usize]]) -> Answers {
    let tags = tags.iter().map(|tags| tags.to_vec()).collect();
    Answers::Tags { ids: strings(ids), classes: strings(classes).into(), tags }
}

fn csv(answers: &Answers, format: &SubmissionFormat, sample: &SampleSubmission) -> String {
    String::from_utf8(submission::to_csv(answers, format, sample).unwrap()).unwrap()
}

#[test]
fn rows_are_in_the_samples_order_whatever_that_of_the_images() {
    let predicted = predictions("2 10 1", "cat dog", &[0.1, 0.9, 0.8, 0.2, 0.995, 0.005]);
    let answers = Answers::Probabilities(predicted);
    let sample = sample("id label", "1 2 10");
    assert_eq!(csv(&answers, &probability_of(), &sample), "id,label\n1,0.005\n2,0.9\n10,0.2\n");
}

#[test]
fn columns_are_in_the_samples_order_whatever_that_of_the_classes() {
    let predicted = predictions("a b", "pug beagle chow", &[0.7, 0.2, 0.1, 0.25, 0.5, 0.25]);
    let answers = Answers::Probabilities(predicted);
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

fn base16(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[test]
fn planets_sample_is_made_again_byte_for_byte() {
    let mut additional: Vec<String> = (0..20_522).map(|i| format!("file_{i}")).collect();
    additional.sort();
    let mut ids: Vec<String> = (0..40_669).map(|i| format!("test_{i}")).collect();
    ids.extend(additional);
    let tags = vec![vec![0, 1, 2, 3, 4]; ids.len()];
    let classes: Classes = strings("primary clear agriculture road water").into();
    let sample = SampleSubmission { header: strings("image_name tags"), ids: ids.clone() };
    let csv = csv(&Answers::Tags { ids, classes, tags }, &tag_list(), &sample);
    assert_eq!(csv.len(), 2_914_964);
    let digest = base16(&Sha256::digest(csv.as_bytes()));
    assert_eq!(digest, "e5e408073a483d96b1275934b04bc8b9bed962da718bf246808024fc4a8068f3");

    let Some(path) = support::shared("data/real-csv/planet_sample_submission_v2.csv") else {
        return;
    };
    assert_eq!(SampleSubmission::read(&path).unwrap(), sample);
    let planet = competition::find("planet").unwrap();
    assert_eq!(submission::check(&path, &planet, &sample).unwrap(), Findings::default());
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
    let sample = SampleSubmission { header, ids: ids.clone() };
    let row: Vec<f32> = (1..=120).map(|i| i as f32 / 7260.0).collect();
    let probabilities = row.repeat(ids.len());
    let answers =
        Answers::Probabilities(Predictions { ids, probabilities, classes: breeds.into() });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submission.csv");
    submission::write(&answers, &per_class(), &sample, &path).unwrap();
    let dog_breed = competition::find("dog-breed").unwrap();
    assert_eq!(submission::check(&path, &dog_breed, &sample).unwrap(), Findings::default());
    assert!(fs::metadata(&path).unwrap().len() < 14_000_000);
}

#[test]
fn a_file_that_does_not_fit_is_never_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("submission.csv");
    let write = |answers: &Answers, format: &SubmissionFormat, sample: &SampleSubmission| {
        let error = submission::write(answers, format, sample, &path).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        format!("{error:#}")
    };
    let predicted = |ids| Answers::Probabilities(predictions(ids, "cat dog", &[0.5; 4]));

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
    assert!(error.contains("the competition wants tags"), "{error}");

    let error = write(&tags("1 2", "clear haze", &[&[0], &[]]), &tag_list(), &tag_sample);
    assert!(error.contains("1 row without a tag: line 3"), "{error}");

    let mut lost = predictions("1 2", "cat dog", &[0.5; 4]);
    lost.probabilities[1] = f32::NAN;
    let sample_1_2 = sample("id label", "1 2");
    let error = write(&Answers::Probabilities(lost), &probability_of(), &sample_1_2);
    assert!(error.contains("1 value not finite: line 2: `NaN` in `label`"), "{error}");
}

#[test]
fn every_fault_of_a_file_is_found() {
    let dogs = (probability_of(), sample("id label", "1 2 3"));
    let breeds = (per_class(), sample("id beagle chow pug", "a b"));
    let planet = (tag_list(), sample("image_name tags", "test_0 test_1"));
    let cases = [
        (&dogs, "", Problem::Header, "wrong header: line 1: ``, expected `id,label`"),
        (
            &dogs,
            "<!DOCTYPE html>\n<html lang=\"en\">\n",
            Problem::Header,
            "wrong header: line 1: `<!DOCTYPE html>`, expected `id,label`",
        ),
        (
            &dogs,
            "id,dog\n1,0.5\n2,0.5\n3,0.5\n",
            Problem::Header,
            "wrong header: line 1: `id,dog`, expected `id,label`",
        ),
        (
            &breeds,
            "id,beagle,pug,chow\na,1,0,0\nb,1,0,0\n",
            Problem::Header,
            "wrong header: line 1: column 3 is `pug`, expected `chow`",
        ),
        (
            &dogs,
            "id,label\n1,0.5\n2\n3,0.5\n",
            Problem::Columns,
            "1 row with another number of columns than the header: line 3: 1, not 2",
        ),
        (
            &dogs,
            "id,label\n1,0.5\n2,0.5\n",
            Problem::RowCount,
            "wrong number of rows: 2, expected 3",
        ),
        (&dogs, "id,label\n1,0.5\n2,0.5\n", Problem::MissingId, "1 missing id: `3`"),
        (
            &dogs,
            "id,label\n1,0.5\n2,0.5\n3,0.5\n4,0.5\n",
            Problem::UnknownId,
            "1 unknown id: line 5: `4`",
        ),
        (
            &dogs,
            "id,label\n1,0.5\n2,0.5\n1,0.5\n",
            Problem::RepeatedId,
            "1 repeated id: line 4: `1`, first on line 2",
        ),
        (
            &dogs,
            "id,label\n1,cat\n2,\n3,0.5\n",
            Problem::NotANumber,
            "2 values not a number: line 2: `cat` in `label`; line 3: `` in `label`",
        ),
        (
            &dogs,
            "id,label\n1,NaN\n2,inf\n3,0.5\n",
            Problem::NotFinite,
            "2 values not finite: line 2: `NaN` in `label`; line 3: `inf` in `label`",
        ),
        (
            &breeds,
            "id,beagle,chow,pug\na,1.5,-0.5,0\nb,1,0,0\n",
            Problem::OutOfRange,
            "2 values outside [0, 1]: line 2: `1.5` in `beagle`; line 2: `-0.5` in `chow`",
        ),
        (
            &planet,
            "image_name,tags\ntest_0,\ntest_1,clear\n",
            Problem::NoTags,
            "1 row without a tag: line 2",
        ),
        (
            &planet,
            "image_name,tags\ntest_0,claer\ntest_1,clear\n",
            Problem::UnknownTag,
            "1 unknown tag: line 2: `claer`",
        ),
    ];
    let classes: Classes = strings("clear primary").into();
    for ((format, sample), text, problem, told) in cases {
        let against = Against::Sample(sample, Some(&classes));
        let (_, findings) = submission::read(text.as_bytes(), format, against);
        let finding = findings.of(problem).unwrap_or_else(|| panic!("{text}: {findings:?}"));
        assert_eq!(finding.to_string(), told);
        assert!(findings.clone().ensure_fit("`x.csv`", "the sample").is_err());
    }
    let latin_1 = b"id,label\n1,0.5\n2,0.5\n\xe9,0.5\n";
    let (_, findings) =
        submission::read(latin_1, &dogs.0, Against::Sample(&dogs.1, Some(&classes)));
    let told = findings.of(Problem::NotUtf8).unwrap().to_string();
    assert_eq!(told, "1 row not in UTF-8: line 4");
}

#[test]
fn what_kaggle_takes_all_the_same_is_only_noted() {
    let classes: Classes = strings("clear primary").into();
    let breeds = sample("id beagle chow pug", "a b");
    let planet = sample("image_name tags", "test_0 test_1");
    for (format, sample, text, told) in [
        (
            per_class(),
            &breeds,
            "id,beagle,chow,pug\na,0.5,0.5,0.5\nb,1,0,0\n",
            "1 row not summing to one (Kaggle scales them): line 2: 1.500000",
        ),
        (
            tag_list(),
            &planet,
            "image_name,tags\ntest_0,clear clear\ntest_1,clear\n",
            "1 repeated tag: line 2: `clear`",
        ),
        (
            tag_list(),
            &planet,
            "\u{feff}image_name,tags\r\ntest_1,clear\r\ntest_0,clear\r\n",
            "2 rows in another order than the sample's: line 2: `test_1`, where it has `test_0`; \
             line 3: `test_0`, where it has `test_1`",
        ),
    ] {
        let against = Against::Sample(sample, Some(&classes));
        let (_, findings) = submission::read(text.as_bytes(), &format, against);
        let findings = findings.ensure_fit("`x.csv`", "the sample").unwrap();
        let notes: Vec<String> = findings.notes().map(ToString::to_string).collect();
        assert_eq!(notes, [told]);
    }
}

#[test]
fn all_faults_are_told_at_once_with_the_first_few_places() {
    let ids: Vec<String> = (1..=9).map(|id| id.to_string()).collect();
    let sample = SampleSubmission { header: strings("id label"), ids };
    let text = "id,label\n1,2\n2,3\n3,4\n4,5\n5,nan\n5,0.5\nsix,0.5\n";
    let (_, findings) =
        submission::read(text.as_bytes(), &probability_of(), Against::Sample(&sample, None));
    let error = findings.ensure_fit("`x.csv`", "the sample").unwrap_err();
    insta::assert_snapshot!(error, @r"
    `x.csv` does not fit the sample
      - 4 values outside [0, 1]: line 2: `2` in `label`; line 3: `3` in `label`; line 4: `4` in `label`; and 1 more
      - 1 value not finite: line 6: `nan` in `label`
      - wrong number of rows: 7, expected 9
      - 1 repeated id: line 7: `5`, first on line 6
      - 1 unknown id: line 8: `six`
      - 4 missing ids: `6`; `7`; `8`; and 1 more
    ");
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
        let sample = SampleSubmission { header, ids: ids.iter().rev().cloned().collect() };
        let classes: Classes = strings("beagle chow pug").into();
        let predicted = Predictions { ids, probabilities, classes };
        let answers = Answers::Probabilities(predicted.clone());
        let csv = submission::to_csv(&answers, &per_class(), &sample).unwrap();
        let (back, findings) = submission::read(&csv, &per_class(), Against::Sample(&sample, None));
        prop_assert_eq!(findings, Findings::default());
        prop_assert_eq!(&back.ids, &sample.ids);
        let Rows::PerClass { classes, probabilities } = back.rows else { panic!("per class") };
        prop_assert_eq!(&classes, &predicted.classes);
        for (row, back) in predicted.probabilities.chunks(3).rev().zip(probabilities.chunks(3)) {
            for (&p, &back) in row.iter().zip(back) {
                prop_assert!((f64::from(p) - back).abs() <= 5e-6 * f64::from(p), "{p} {back}");
            }
            prop_assert!((back.iter().sum::<f64>() - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn tags_read_back(rows in prop::collection::vec(prop::collection::btree_set(0usize..5, 1..5), 1..20)) {
        let ids: Vec<String> = (0..rows.len()).map(|i| format!("test_{i}")).collect();
        let sample = SampleSubmission { header: strings("image_name tags"), ids: ids.clone() };
        let classes: Classes = strings("clear haze primary road water").into();
        let tags: Vec<Vec<usize>> = rows.iter().map(|row| row.iter().copied().collect()).collect();
        let answers = Answers::Tags { ids, classes: classes.clone(), tags: tags.clone() };
        let csv = submission::to_csv(&answers, &tag_list(), &sample).unwrap();
        let against = Against::Sample(&sample, Some(&classes));
        let (back, findings) = submission::read(&csv, &tag_list(), against);
        prop_assert_eq!(findings, Findings::default());
        let Rows::Tags(back) = back.rows else { panic!("tags") };
        for (tags, back) in tags.iter().zip(back) {
            let names: Vec<&String> = tags.iter().map(|&tag| &classes.names()[tag]).collect();
            prop_assert_eq!(names, back.iter().collect::<Vec<_>>());
        }
    }
}
