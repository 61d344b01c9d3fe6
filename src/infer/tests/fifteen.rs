//! The layouts of `../shared/layouts`.

use super::*;

#[test]
fn cassava_has_ids_with_jpg_and_names_of_classes() {
    let (train, test) = (hashes(0, 30), hashes(30, 10));
    let names = r#"{"0": "Blight", "1": "Streak", "2": "Mottle", "3": "Mosaic", "4": "Healthy"}"#;
    let drawn = Drawn::default()
        .files(images("train_images", &train, ".jpg"))
        .files(images("test_images", &test, ".jpg"))
        .files(["train_tfrecords/ld_train00.tfrec".to_owned()])
        .table("train.csv", "image_id,label", rows(&train, |i| format!(".jpg,{}", i % 5)))
        .table("sample_submission.csv", "image_id,label", rows(&test, |_| ".jpg,4".to_owned()))
        .json("label_num_to_disease_map.json", names.to_owned());
    let wanted = r#"
        files = { train = ["train_images"], test = ["test_images"], sample = "sample_submission.csv" }
        target = { kind = "single-label", names = "label_num_to_disease_map.json",
            labels.csv = { file = "train.csv", id = "image_id", label = "label" } }
        submission.label = { id = "image_id", column = "label" }"#;
    expect(&drawn.spec("accuracy"), wanted);
    let guess = drawn.guess();
    assert_eq!(guess.metric, "accuracy");
    assert_eq!(guess.questions[0].flag, "metric");
}

#[test]
fn cifar_has_the_same_names_in_both_folders() {
    let (train, test): (Vec<String>, Vec<String>) =
        ((1..=30).map(|i| i.to_string()).collect(), (1..=20).map(|i| i.to_string()).collect());
    let drawn = Drawn::default()
        .files(images("train", &train, ".png"))
        .files(images("test", &test, ".png"))
        .table(
            "trainLabels.csv",
            "id,label",
            rows(&train, |i| format!(",{}", ["frog", "deer"][i % 2])),
        )
        .table("sampleSubmission.csv", "id,label", rows(&test, |_| ",cat".to_owned()));
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sampleSubmission.csv" }
        target = { kind = "single-label", labels.csv = { file = "trainLabels.csv", id = "id", label = "label" } }
        submission.label = { id = "id", column = "label" }"#;
    expect(&drawn.spec("accuracy"), wanted);
}

#[test]
fn digits_are_rows_of_pixels() {
    let pixels: Vec<String> = (0..784).map(|i| format!("pixel{i}")).collect();
    let (header, zeros) = (pixels.join(","), vec!["0"; 784].join(","));
    let drawn = Drawn::default()
        .table(
            "train.csv",
            &format!("label,{header}"),
            (0..30).map(|i| format!("{},{zeros}", i % 10)),
        )
        .table("test.csv", &header, (0..10).map(|_| zeros.clone()))
        .table("sample_submission.csv", "ImageId,Label", (1..=10).map(|i| format!("{i},0")));
    let wanted = r#"
        files = { train = ["train.csv"], test = ["test.csv"], sample = "sample_submission.csv",
            pixels = { columns = "pixel*", shape = [28, 28] } }
        target = { kind = "single-label", labels.csv = { file = "train.csv", label = "label" } }
        submission.label = { id = "ImageId", column = "Label" }"#;
    expect(&drawn.spec("accuracy"), wanted);
    assert_eq!(drawn.guess().metric, "accuracy");
}

#[test]
fn ovaries_have_thumbnails_and_originals() {
    let (train, test): (Vec<String>, Vec<String>) =
        ((4..24).map(|i| i.to_string()).collect(), (30..40).map(|i| i.to_string()).collect());
    let drawn = Drawn::default()
        .files(images("train_images", &train, ".png"))
        .files(images("train_thumbnails", &train[2..], "_thumbnail.png"))
        .files(images("test_images", &test, ".png"))
        .files(images("test_thumbnails", &test, "_thumbnail.png"))
        .table(
            "train.csv",
            "image_id,label,image_width,image_height,is_tma",
            rows(&train, |i| format!(",{},44834,38841,False", ["HGSC", "EC", "CC"][i % 3])),
        )
        .table("test.csv", "image_id,image_width,image_height", rows(&test, |_| ",3,4".to_owned()))
        .table("sample_submission.csv", "image_id,label", rows(&test, |_| ",HGSC".to_owned()));
    let wanted = r#"
        files = { train = ["train_thumbnails/{id}_thumbnail", "train_images"],
            test = ["test_thumbnails/{id}_thumbnail", "test_images"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.csv = { file = "train.csv", id = "image_id", label = "label" } }
        submission.label = { id = "image_id", column = "label" }"#;
    expect(&drawn.spec("balanced-accuracy"), wanted);
    let wishes = Wishes { images: Some("test_images".to_owned()), ..Wishes::default() };
    let guess = drawn.with(&wishes);
    assert_eq!(
        (guess.train, guess.test),
        (vec!["train_images".to_owned()], vec!["test_images".to_owned()])
    );
    let wishes = Wishes { unknown: Some("Other".to_owned()), ..Wishes::default() };
    assert_eq!(drawn.with(&wishes).unknown.as_deref(), Some("Other"));
}

#[test]
fn herbarium_has_its_paths_in_json() {
    let train: Vec<String> = (0..24).map(|i| format!("{:05}__{:03}", i % 6 * 743, i)).collect();
    let path = |id: &String| format!("{}/{}/{id}.jpg", &id[..3], &id[3..5]);
    let records: Vec<String> = train
        .iter()
        .map(|id| format!(r#"{{"image_id": "{id}", "file_name": "{}", "license": 1}}"#, path(id)))
        .collect();
    let labels: Vec<String> = train
        .iter()
        .map(|id| {
            format!(
                r#"{{"image_id": "{id}", "category_id": {}, "genus_id": 3, "institution_id": 0}}"#,
                &id[..5].trim_start_matches('0').parse::<u32>().unwrap_or(0)
            )
        })
        .collect();
    let tests: Vec<String> = (0..12)
        .map(|i| {
            format!(r#"{{"image_id": "{i}", "file_name": "000/test-{i:06}.jpg", "license": 1}}"#)
        })
        .collect();
    let drawn = Drawn::default()
        .files(train.iter().map(|id| format!("train_images/{}", path(id))))
        .files((0..12).map(|i| format!("test_images/000/test-{i:06}.jpg")))
        .json("train_metadata.json", format!(r#"{{"annotations": [{}], "images": [{}], "license": [{{"id": 1, "name": "CC"}}]}}"#, labels.join(","), records.join(",")))
        .json("test_metadata.json", format!("[{}]", tests.join(",")))
        .table("sample_submission.csv", "Id,Predicted", (0..12).map(|i| format!("{i},42")));
    let wanted = r#"
        files = { train = ["train_images"], test = ["test_images/{file_name}"], sample = "sample_submission.csv",
            test-table = "test_metadata.json" }
        target = { kind = "single-label",
            labels.json = { file = "train_metadata.json", id = "image_id", label = "category_id" } }
        submission.label = { id = "Id", column = "Predicted" }"#;
    expect(&drawn.spec("macro-f1"), wanted);
}

#[test]
fn plants_have_tags() {
    let (train, test) = (hashes(0, 40), hashes(40, 10));
    let tags = [
        "scab",
        "healthy",
        "rust",
        "scab rust",
        "complex",
        "rust complex",
        "scab complex",
        "complex rust",
    ];
    let drawn = Drawn::default()
        .files(images("train_images", &train, ".jpg"))
        .files(images("test_images", &test, ".jpg"))
        .table("train.csv", "image,labels", rows(&train, |i| format!(".jpg,{}", tags[i % 8])))
        .table("sample_submission.csv", "image,labels", rows(&test, |_| ".jpg,healthy".to_owned()));
    let wanted = r#"
        files = { train = ["train_images"], test = ["test_images"], sample = "sample_submission.csv" }
        target = { kind = "multi-label", labels.csv = { file = "train.csv", id = "image", label = "labels" } }
        submission.tag-list = { id = "image", column = "labels" }"#;
    expect(&drawn.spec("mean-f1"), wanted);
    assert_eq!(drawn.guess().metric, "mean-f1");
}

#[test]
fn proteins_are_four_files_a_picture() {
    let (train, test) = (hashes(0, 40), hashes(40, 10));
    let colours = ["red", "green", "blue", "yellow"];
    let all = |folder: &str, ids: &[String]| -> Vec<String> {
        colours.iter().flat_map(|colour| images(folder, ids, &format!("_{colour}.png"))).collect()
    };
    let tags = ["0", "25", "25 0", "16", "16 0", "25 16", "0 16"];
    let drawn = Drawn::default()
        .files(all("train", &train))
        .files(all("test", &test))
        .table("train.csv", "Id,Target", rows(&train, |i| format!(",{}", tags[i % 7])))
        .table("sample_submission.csv", "Id,Predicted", rows(&test, |_| ",0".to_owned()));
    let wanted = r#"
        files = { train = ["train/{id}_{channel}"], test = ["test/{id}_{channel}"],
            channels = ["red", "green", "blue", "yellow"], sample = "sample_submission.csv" }
        target = { kind = "multi-label", labels.csv = { file = "train.csv", id = "Id", label = "Target" } }
        submission.tag-list = { id = "Id", column = "Predicted" }"#;
    expect(&drawn.spec("mean-f1"), wanted);
    // A mean over classes counts those that no image has: their numbers tell as many as can be known.
    let guess = drawn.scored_by("macro-f1");
    assert_eq!(guess.classes, numbers(0..26));
    let note = guess.why("target.classes").unwrap();
    assert!(!note.is_sure && note.why.contains("of 0 to 25 the labels name 3"), "{}", note.why);
    assert!(guess.questions.iter().any(|question| question.flag == "classes"));
    let wishes = Wishes {
        metric: Some("macro-f1".to_owned()),
        classes: Some("28".to_owned()),
        ..Wishes::default()
    };
    let guess = drawn.with(&wishes);
    assert_eq!(guess.classes, numbers(0..28));
    assert!(guess.why("target.classes").unwrap().is_sure);
}

#[test]
fn a_cactus_is_a_probability() {
    let (train, test) = (hashes(0, 30), hashes(30, 10));
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpg"))
        .files(images("test", &test, ".jpg"))
        .table("train.csv", "id,has_cactus", rows(&train, |i| format!(".jpg,{}", i % 2)))
        .table("sample_submission.csv", "id,has_cactus", rows(&test, |_| ".jpg,0.5".to_owned()));
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", classes = ["0", "1"], labels.csv = { file = "train.csv", id = "id", label = "has_cactus" } }
        submission.probability-of = { id = "id", column = "has_cactus", class = "1" }"#;
    expect(&drawn.spec("auc"), wanted);
    assert_eq!(drawn.guess().metric, "auc");
}
