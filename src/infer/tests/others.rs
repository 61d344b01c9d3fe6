//! Other real layouts that the language describes.

use super::*;

#[test]
fn seedlings_lie_in_a_folder_a_class() {
    let species = ["Black-grass", "Common wheat", "Fat Hen", "Sugar beet"];
    let test = hashes(40, 10);
    let drawn = Drawn::default()
        .files(
            hashes(0, 40)
                .iter()
                .enumerate()
                .map(|(i, id)| format!("train/{}/{id}.png", species[i % 4])),
        )
        .files(images("test", &test, ".png"))
        .table(
            "sample_submission.csv",
            "file,species",
            rows(&test, |_| ".png,Sugar beet".to_owned()),
        );
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.folder = {} }
        submission.label = { id = "file", column = "species" }"#;
    expect(&drawn.spec("micro-f1"), wanted);
    expect(&drawn.spec("accuracy"), wanted);
}

#[test]
fn histology_is_a_probability_or_a_label_by_its_metric() {
    let (train, test) = (hashes(0, 30), hashes(30, 10));
    let drawn = Drawn::default()
        .files(images("train", &train, ".tif"))
        .files(images("test", &test, ".tif"))
        .table("train_labels.csv", "id,label", rows(&train, |i| format!(",{}", i % 2)))
        .table("sample_submission.csv", "id,label", rows(&test, |_| ",0".to_owned()));
    let spec = drawn.spec("auc");
    assert_eq!(spec["submission"]["probability-of"]["class"].as_str(), Some("1"));
    let spec = drawn.spec("accuracy");
    assert_eq!(spec["submission"]["label"]["column"].as_str(), Some("label"));
    let guess = drawn.guess();
    assert_eq!(guess.metric, "auc");
    assert!(!guess.why("submission").unwrap().is_sure);
}

#[test]
fn melanomas_are_pictures_beside_dicom_and_records() {
    let (train, test) = (hashes(0, 30), hashes(30, 10));
    let isic =
        |ids: &[String]| -> Vec<String> { ids.iter().map(|id| format!("ISIC_{id}")).collect() };
    let (train, test) = (isic(&train), isic(&test));
    let drawn = Drawn::default()
        .files(images("jpeg/train", &train, ".jpg"))
        .files(images("jpeg/test", &test, ".jpg"))
        .files(images("train", &train, ".dcm"))
        .files(images("test", &test, ".dcm"))
        .files(["tfrecords/train00-2071.tfrec".to_owned()])
        .table(
            "train.csv",
            "image_name,patient_id,sex,age_approx,diagnosis,benign_malignant,target",
            rows(&train, |i| {
                format!(
                    ",IP_{},male,{},unknown,benign,{}",
                    i % 8,
                    40 + i % 3 * 5,
                    u8::from(i % 6 == 0)
                )
            }),
        )
        .table("test.csv", "image_name,patient_id,sex", rows(&test, |_| ",IP_9,male".to_owned()))
        .table("sample_submission.csv", "image_name,target", rows(&test, |_| ",0".to_owned()));
    let wanted = r#"
        files = { train = ["jpeg/train"], test = ["jpeg/test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", classes = ["0", "1"], labels.csv = { file = "train.csv", id = "image_name", label = "target" } }
        split.group = "patient_id"
        submission.probability-of = { id = "image_name", column = "target", class = "1" }"#;
    expect(&drawn.spec("auc"), wanted);
    let wishes = Wishes { group: Some(NONE.to_owned()), ..Wishes::default() };
    assert_eq!(drawn.with(&wishes).split, None);
}

#[test]
fn hotels_lie_in_folders_of_chains() {
    let (train, test) = (hashes(0, 60), hashes(60, 10));
    let drawn = Drawn::default()
        .files(train.iter().enumerate().map(|(i, id)| format!("train_images/{}/{id}.jpg", i % 4)))
        .files(images("test_images", &test, ".jpg"))
        .table(
            "train.csv",
            "image,chain,hotel_id,timestamp",
            rows(&train, |i| format!(".jpg,{},{},2018-02-11 19:56:00", i % 4, 18_000 + i % 15)),
        )
        .table(
            "sample_submission.csv",
            "image,hotel_id",
            rows(&test, |_| ".jpg,18000 18001 18002 18003 18004".to_owned()),
        );
    let wanted = r#"
        files = { train = ["train_images"], test = ["test_images"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.csv = { file = "train.csv", id = "image", label = "hotel_id" } }
        submission.top-k = { id = "image", column = "hotel_id" }"#;
    expect(&drawn.spec("map@5"), wanted);
    assert_eq!(drawn.guess().metric, "map@5");
}

#[test]
fn attributes_are_tags_that_are_numbers() {
    let (train, test) = (hashes(0, 60), hashes(60, 10));
    let drawn = Drawn::default()
        .files(images("train", &train, ".png"))
        .files(images("test", &test, ".png"))
        .table(
            "train.csv",
            "id,attribute_ids",
            rows(&train, |i| format!(",{} {}", i % 7, 448 + i % 5)),
        )
        .table("sample_submission.csv", "id,attribute_ids", rows(&test, |_| ",0 1 2".to_owned()));
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "multi-label", labels.csv = { file = "train.csv", id = "id", label = "attribute_ids" } }
        submission.tag-list = { id = "id", column = "attribute_ids" }"#;
    expect(&drawn.spec("micro-f1"), wanted);
    // The table of names has two more than occur, where that changes the score.
    let drawn = drawn.table(
        "labels.csv",
        "attribute_id,attribute_name",
        numbers(0..7).into_iter().chain(numbers(448..455)).map(|id| format!("{id},tag::{id}")),
    );
    let guess = drawn.scored_by("macro-f1");
    assert_eq!(guess.classes.len(), 14);
    let note = guess.why("target.classes").unwrap();
    assert!(note.is_sure && note.why.contains("`attribute_id` of `labels.csv`"), "{}", note.why);
}

#[test]
fn apples_have_a_column_a_class_and_one_folder() {
    let ids = |start: &str| -> Vec<String> { (0..20).map(|i| format!("{start}_{i}")).collect() };
    let (train, test) = (ids("Train"), ids("Test"));
    let drawn = Drawn::default()
        .files(images("images", &train, ".jpg"))
        .files(images("images", &test, ".jpg"))
        .table(
            "train.csv",
            "image_id,healthy,rust,scab",
            rows(&train, |i| [",1,0,0", ",0,1,0", ",0,0,1"][i % 3].to_owned()),
        )
        .table("test.csv", "image_id", test.clone())
        .table(
            "sample_submission.csv",
            "image_id,healthy,rust,scab",
            rows(&test, |_| ",0.25,0.25,0.25".to_owned()),
        );
    let wanted = r#"
        files = { train = ["images"], test = ["images"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.csv = { file = "train.csv", id = "image_id" } }
        submission.probability-per-class = { id = "image_id" }"#;
    expect(&drawn.spec("auc"), wanted);
}

#[test]
fn paddy_has_folders_and_a_table_and_an_empty_sample() {
    let (train, test) = (numbers(100_001..100_031), numbers(200_001..200_011));
    let label = |i: usize| ["normal", "blast", "hispa"][i % 3];
    let drawn = Drawn::default()
        .files(
            train.iter().enumerate().map(|(i, id)| format!("train_images/{}/{id}.jpg", label(i))),
        )
        .files(images("test_images", &test, ".jpg"))
        .table(
            "train.csv",
            "image_id,label,variety,age",
            rows(&train, |i| format!(".jpg,{},ADT45,{}", label(i), 45 + i % 9)),
        )
        .table("sample_submission.csv", "image_id,label", rows(&test, |_| ".jpg,".to_owned()));
    let wanted = r#"
        files = { train = ["train_images"], test = ["test_images"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.csv = { file = "train.csv", id = "image_id", label = "label" } }
        submission.label = { id = "image_id", column = "label" }"#;
    expect(&drawn.spec("accuracy"), wanted);
}

#[test]
fn leaves_are_numbered_in_one_folder_beside_their_features() {
    let (train, test) = (numbers(1..41), numbers(41..61));
    let features: Vec<String> = (1..=64).map(|i| format!("margin{i}")).collect();
    let features = format!(
        "{},{}",
        features.join(","),
        (1..=64).map(|i| format!("shape{i}")).collect::<Vec<_>>().join(",")
    );
    let zeros = ",0.1".repeat(128);
    let species = ["Acer_Opalus", "Pterocarya_Stenoptera", "Tilia_Tomentosa"];
    let drawn = Drawn::default()
        .files(images("images", &train, ".jpg"))
        .files(images("images", &test, ".jpg"))
        .table(
            "train.csv",
            &format!("id,species,{features}"),
            rows(&train, |i| format!(",{}{zeros}", species[i % 3])),
        )
        .table("test.csv", &format!("id,{features}"), rows(&test, |_| zeros.clone()))
        .table(
            "sample_submission.csv",
            &format!("id,{}", species.join(",")),
            rows(&test, |_| ",0.01,0.01,0.01".to_owned()),
        );
    let wanted = r#"
        files = { train = ["images"], test = ["images"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.csv = { file = "train.csv", id = "id", label = "species" } }
        submission.probability-per-class = { id = "id" }"#;
    expect(&drawn.spec("log-loss"), wanted);
}

#[test]
fn galaxies_are_many_numbers() {
    let (train, test) = (numbers(100_008..100_048), numbers(200_000..200_010));
    let drawn = Drawn::default()
        .files(images("images_training_rev1", &train, ".jpg"))
        .files(images("images_test_rev1", &test, ".jpg"))
        .table(
            "training_solutions_rev1.csv",
            "GalaxyID,Class1.1,Class1.2,Class1.3",
            rows(&train, |i| format!(",0.{:02},{},0.25", i, i % 2)),
        )
        .table(
            "all_zeros_benchmark.csv",
            "GalaxyID,Class1.1,Class1.2,Class1.3",
            rows(&test, |_| ",0,0,0".to_owned()),
        );
    let wanted = r#"
        files = { train = ["images_training_rev1"], test = ["images_test_rev1"], sample = "all_zeros_benchmark.csv" }
        target = { kind = "number", range = [0, 1], labels.csv = { file = "training_solutions_rev1.csv", id = "GalaxyID" } }
        submission.numbers = { id = "GalaxyID" }"#;
    expect(&drawn.spec("rmse"), wanted);
}

#[test]
fn cats_and_dogs_are_file_names() {
    let test = numbers(1..21);
    let names = (0..20).flat_map(|i| ["cat", "dog"].map(|class| format!("train/{class}.{i}.jpg")));
    let drawn = Drawn::default().files(names).files(images("test", &test, ".jpg")).table(
        "sample_submission.csv",
        "id,label",
        rows(&test, |_| ",0.5".to_owned()),
    );
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", classes = ["cat", "dog"], labels.file-name.separator = "." }
        submission.probability-of = { id = "id", column = "label", class = "dog" }"#;
    expect(&drawn.spec("log-loss"), wanted);
    let spec = drawn.spec("accuracy");
    let rename = &spec["target"]["rename"];
    assert_eq!((rename["cat"].as_str(), rename["dog"].as_str()), (Some("0"), Some("1")));
    let wishes = Wishes { positive: Some("cat".to_owned()), ..Wishes::default() };
    assert_eq!(drawn.with(&wishes).submission.class.as_deref(), Some("cat"));
    assert!(drawn.guess().questions.iter().any(|question| question.flag == "positive"));
}

#[test]
fn happy_whales_are_individuals_and_not_species() {
    let (train, test) = (hashes(0, 40), hashes(40, 10));
    let individuals = hashes(90, 12);
    let drawn = Drawn::default()
        .files(images("train_images", &train, ".jpg"))
        .files(images("test_images", &test, ".jpg"))
        .table(
            "train.csv",
            "image,species,individual_id",
            rows(&train, |i| format!(".jpg,{},{}", ["beluga", "orca"][i % 2], individuals[i % 12])),
        )
        .table(
            "sample_submission.csv",
            "image,predictions",
            rows(&test, |_| format!(".jpg,{}", individuals[..5].join(" "))),
        );
    let wanted = r#"
        files = { train = ["train_images"], test = ["test_images"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.csv = { file = "train.csv", id = "image", label = "individual_id" } }
        submission.top-k = { id = "image", column = "predictions" }"#;
    // `individual` is a word of groups, but what is predicted is none.
    expect(&drawn.spec("map@5"), wanted);
    // The sample's individuals need not be among those of training: they look like these.
    let strangers = hashes(500, 5).join(" ");
    let labels = drawn.tables[0].clone();
    let sample = rows(&test, |_| format!(".jpg,{strangers}"));
    let mut drawn = Drawn::default()
        .files(images("train_images", &train, ".jpg"))
        .files(images("test_images", &test, ".jpg"))
        .table("sample_submission.csv", "image,predictions", sample);
    drawn.files.push("train.csv".to_owned());
    drawn.tables.push(labels);
    expect(&drawn.spec("map@5"), wanted);
    assert!(!drawn.guess().why("target.labels.label").unwrap().is_sure);
}

/// Names that count from one in every folder say nothing; those that all folders have are one picture.
#[test]
fn the_same_names_in_all_folders_are_a_guess() {
    let test = hashes(40, 8);
    let drawn = |sizes: [usize; 3]| {
        let names = ["archery", "boxing", "curling"].into_iter().zip(sizes);
        let files =
            names.flat_map(|(sport, n)| (1..=n).map(move |i| format!("train/{sport}/{i:03}.jpg")));
        let sample = rows(&test, |_| ",archery".to_owned());
        let drawn = Drawn::default().files(files).files(images("test", &test, ".jpg"));
        drawn.table("sample_submission.csv", "id,sport", sample).scored_by("accuracy")
    };
    assert_eq!(drawn([12, 20, 15]).split, None);
    let guess = drawn([12, 12, 12]);
    assert_eq!(guess.split, Some(Split::Pattern("([^/]+)$".to_owned())));
    assert!(!guess.why("split").unwrap().is_sure);
}

#[test]
fn cameras_lie_in_folders_and_tests_are_of_another_format() {
    let models = ["HTC-1-M7", "iPhone-4s", "Sony-NEX-7"];
    let test: Vec<String> = hashes(40, 10).iter().map(|id| format!("img_{id}_unalt.tif")).collect();
    let drawn = Drawn::default()
        .files(
            models
                .iter()
                .flat_map(|model| (1..=9).map(move |i| format!("train/{model}/({model}){i}.jpg"))),
        )
        .files(images("test", &test, ""))
        .table("sample_submission.csv", "fname,camera", rows(&test, |_| ",HTC-1-M7".to_owned()));
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.folder = {} }
        submission.label = { id = "fname", column = "camera" }"#;
    expect(&drawn.spec("accuracy"), wanted);
}

#[test]
fn findings_have_a_word_for_none_and_lesions_are_groups() {
    let (train, test) = (hashes(0, 40), hashes(40, 10));
    let findings = ["Mass", "Mass|Nodule", "No Finding", "Nodule", "Edema|Mass", "Edema"];
    let columns = "Edema,Mass,Nodule";
    let drawn = Drawn::default()
        .files(images("images", &train, ".png"))
        .files(images("images", &test, ".png"))
        .table(
            "train.csv",
            "Image Index,Finding Labels,lesion_id",
            rows(&train, |i| format!(".png,{},HAM_{}", findings[i % 6], i / 3)),
        )
        .table(
            "sample_submission.csv",
            &format!("Image Index,{columns}"),
            rows(&test, |_| ".png,0,0,0".to_owned()),
        );
    let wanted = r#"
        files = { train = ["images"], test = ["images"], sample = "sample_submission.csv" }
        target = { kind = "multi-label", labels.csv = { file = "train.csv", id = "Image Index",
            label = "Finding Labels", separator = "|" } }
        split.group = "lesion_id"
        submission.probability-per-class = { id = "Image Index" }"#;
    expect(&drawn.spec("auc"), wanted);
}
