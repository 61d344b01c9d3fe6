//! Layouts of further competitions, of which each has something that no other has.

use super::*;

#[test]
fn fish_are_tested_in_two_stages() {
    let kinds = ["ALB", "BET", "NoF"];
    let train = (0..30).map(|i| format!("train/train/{}/img_{i:05}.jpg", kinds[i % 3]));
    let (first, second) = (30..40, 0..20);
    let sample = |rows: Vec<String>| rows.into_iter().map(|id| format!("{id},0.4,0.3,0.3"));
    let of_first: Vec<String> = first.clone().map(|i| format!("img_{i:05}.jpg")).collect();
    let of_second = second.clone().map(|i| format!("test_stg2/image_{i:05}.jpg"));
    let drawn = Drawn::default()
        .files(train)
        .files(first.map(|i| format!("test_stg1/test_stg1/img_{i:05}.jpg")))
        .files(second.map(|i| format!("test_stg2/test_stg2/image_{i:05}.jpg")))
        .table("sample_submission_stg1.csv", "image,ALB,BET,NoF", sample(of_first.clone()))
        .table(
            "sample_submission_stg2.csv",
            "image,ALB,BET,NoF",
            sample(of_first.into_iter().chain(of_second).collect()),
        );
    expect(
        &drawn.spec("log-loss"),
        r#"
        files = { train = ["train/train"], test = ["test_stg1", "test_stg2"], sample = "sample_submission_stg2.csv" }
        target = { kind = "single-label", labels.folder = {} }
        submission.probability-per-class = { id = "image" }"#,
    );
    assert!(drawn.guess().why("files.test").unwrap().is_sure);
}

#[test]
fn plants_have_numbers_that_the_sample_calls_otherwise() {
    let (train, test) = (numbers(100..130), numbers(200..210));
    let drawn = Drawn::default()
        .files(images("train_images", &train, ".jpeg"))
        .files(images("test_images", &test, ".jpeg"))
        .table(
            "train.csv",
            "id,SOIL,X4_mean,X11_mean,X4_sd,X11_sd",
            rows(&train, |i| format!(",7,{i}.5,{i}.25,0.01,0.02")),
        )
        .table("test.csv", "id,SOIL", rows(&test, |_| ",7".to_owned()))
        .table("sample_submission.csv", "id,X4,X11", rows(&test, |_| ",1,1".to_owned()));
    let files = r#"files = { train = ["train_images"], test = ["test_images"], sample = "sample_submission.csv" }"#;
    expect(
        &drawn.spec("r2"),
        &format!(
            r#"{files}
            target = {{ kind = "number", rename = {{ X4_mean = "X4", X11_mean = "X11" }}, labels.csv = {{ file = "train.csv", id = "id" }} }}
            submission.numbers = {{ id = "id" }}"#
        ),
    );
    assert!(!drawn.guess().why("target.rename").unwrap().is_sure);
}

/// What a detector found is no label, and the bursts of a camera are all of one place.
#[test]
fn wild_animals_lie_beside_what_a_detector_says() {
    let (train, test) = (hashes(0, 40), hashes(40, 8));
    let places = 8;
    let image = |(i, id): (usize, &String)| {
        let place = i % places;
        let burst = place * 10 + (i / places) % 2;
        format!(
            r#"{{"id": "{id}", "file_name": "{id}.jpg", "seq_id": "s{burst}", "location": {place}}}"#
        )
    };
    let list = |ids: &[String]| ids.iter().enumerate().map(image).collect::<Vec<_>>().join(", ");
    let said = train.iter().enumerate().map(|(i, id)| {
        format!(r#"{{"id": "a{i}", "image_id": "{id}", "category_id": {}}}"#, [0, 7, 96][i % 3])
    });
    let said = said.collect::<Vec<_>>().join(", ");
    let boxes = train.iter().map(|id| {
        format!(r#"{{"id": "{id}", "detections": [], "max_detection_conf": 0.{}}}"#, id.len())
    });
    let boxes = boxes.collect::<Vec<_>>().join(", ");
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpg"))
        .files(images("test", &test, ".jpg"))
        .json("iwildcam2020_megadetector_results.json", format!(r#"{{"images": [{boxes}]}}"#))
        .json(
            "iwildcam2020_train_annotations.json",
            format!(r#"{{"annotations": [{said}], "images": [{}]}}"#, list(&train)),
        )
        .json("iwildcam2020_test_information.json", format!(r#"{{"images": [{}]}}"#, list(&test)))
        .table("sample_submission.csv", "Id,Category", rows(&test, |_| ",0".to_owned()));
    let spec = drawn.spec("accuracy");
    let labels = &spec["target"]["labels"]["json"];
    assert_eq!(labels["file"].as_str(), Some("iwildcam2020_train_annotations.json"), "{spec}");
    assert_eq!(labels["label"].as_str(), Some("category_id"));
    assert_eq!(spec["split"]["group"].as_str(), Some("location"));
}

#[test]
fn a_label_for_a_column_a_class() {
    let (train, test) = (hashes(0, 30), hashes(30, 8));
    let one_of =
        |i: usize| [0, 1, 2].map(|class| format!(",{}.0", u8::from(i % 3 == class))).concat();
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpg"))
        .files(images("test", &test, ".jpg"))
        .table("truth.csv", "image,MEL,NV,BCC", rows(&train, one_of))
        .table("sample_submission.csv", "image,label", rows(&test, |_| ",NV".to_owned()));
    expect(
        &drawn.spec("accuracy"),
        r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", classes = ["MEL", "NV", "BCC"], labels.csv = { file = "truth.csv", id = "image" } }
        submission.label = { id = "image", column = "label" }"#,
    );
}

#[test]
fn tags_for_a_column_a_tag() {
    let (train, test) = (hashes(0, 30), hashes(30, 8));
    let some = |i: usize| format!(",{},{}", i % 2, u8::from(i.is_multiple_of(3)));
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpg"))
        .files(images("test", &test, ".jpg"))
        .table("train.csv", "id,cat,dog", rows(&train, some))
        .table("sample_submission.csv", "id,labels", rows(&test, |_| ",cat dog".to_owned()));
    expect(
        &drawn.spec("macro-f1"),
        r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "multi-label", classes = ["cat", "dog"], labels.csv = { file = "train.csv", id = "id" } }
        submission.tag-list = { id = "id", column = "labels" }"#,
    );
}

#[test]
fn a_row_an_image_and_a_class_for_a_column_a_class() {
    let (train, test) = (hashes(0, 30), hashes(30, 8));
    let sample = |id: &String| ["any", "epidural"].map(|class| format!("{id}_{class},0.5"));
    let drawn = Drawn::default()
        .files(images("train", &train, ".png"))
        .files(images("test", &test, ".png"))
        .table(
            "train.csv",
            "id,epidural,any,age",
            rows(&train, |i| format!(",{},{},{}", i % 2, i % 2, 20 + i)),
        )
        .table("sample_submission.csv", "ID,Label", test.iter().flat_map(sample));
    expect(
        &drawn.spec("log-loss"),
        r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "multi-label", classes = ["epidural", "any"], labels.csv = { file = "train.csv", id = "id" } }
        submission.long = { id = "ID", column = "Label", row = "{id}_{class}" }"#,
    );
}

#[test]
fn json_tells_a_label_by_the_name_of_the_image() {
    let (train, test) = (hashes(0, 30), hashes(30, 8));
    let pairs = train
        .iter()
        .enumerate()
        .map(|(i, id)| format!(r#""{id}.png": "{}""#, ["covid", "normal"][i % 2]));
    let drawn = Drawn::default()
        .files(images("train", &train, ".png"))
        .files(images("test", &test, ".png"))
        .json("train_labels.json", format!("{{{}}}", pairs.collect::<Vec<_>>().join(", ")))
        .table(
            "sampleSubmission.csv",
            "label,image",
            test.iter().map(|id| format!("normal,{id}.png")),
        );
    expect(
        &drawn.spec("accuracy"),
        r#"
        files = { train = ["train"], test = ["test"], sample = "sampleSubmission.csv" }
        target = { kind = "single-label", labels.json = { file = "train_labels.json", id = "id", label = "label" } }
        submission.label = { id = "image", column = "label" }"#,
    );
}

#[test]
fn paths_of_another_machine_name_the_images() {
    let (train, test) = (hashes(0, 30), hashes(30, 8));
    let path = |part: &str, id: &String| format!("/kaggle/input/mine/images/{part}/{id}.jpg");
    let drawn = Drawn::default()
        .files(images("images/train", &train, ".jpg"))
        .files(images("images/test", &test, ".jpg"))
        .table(
            "train.csv",
            "path,label",
            train.iter().enumerate().map(|(i, id)| format!("{},{}", path("train", id), i % 3)),
        )
        .table(
            "test.csv",
            "id,path",
            test.iter().enumerate().map(|(i, id)| format!("{i},{}", path("test", id))),
        )
        .table("sample_submission.csv", "id,label", (0..8).map(|i| format!("{i},0")));
    expect(
        &drawn.spec("accuracy"),
        r#"
        files = { train = ["images/train"], test = ["{path}"], sample = "sample_submission.csv", test-table = "test.csv" }
        target = { kind = "single-label", labels.csv = { file = "train.csv", id = "path", label = "label" } }
        submission.label = { id = "id", column = "label" }"#,
    );
}

#[test]
fn tags_are_answered_as_the_sample_separates_them() {
    let (train, test) = (hashes(0, 30), hashes(30, 8));
    let tags = ["old oak", "ash", "old oak|ash", "elm|ash", "elm"];
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpg"))
        .files(images("test", &test, ".jpg"))
        .table("train.csv", "id,tags", rows(&train, |i| format!(",{}", tags[i % 5])))
        .table("sample_submission.csv", "id,tags", rows(&test, |_| ",ash|elm".to_owned()));
    let spec = drawn.spec("mean-f1");
    assert_eq!(spec["target"]["labels"]["csv"]["separator"].as_str(), Some("|"), "{spec}");
    assert_eq!(spec["submission"]["tag-list"]["separator"].as_str(), Some("|"), "{spec}");
}

/// Whole numbers of which hardly any occurs again, or that are called an amount, are no classes.
#[test]
fn an_amount_is_no_class() {
    let (train, test) = (hashes(0, 60), hashes(60, 8));
    let drawn = |column: &str, n: usize| {
        Drawn::default()
            .files(images("train", &train, ".jpg"))
            .files(images("test", &test, ".jpg"))
            .table("train.csv", &format!("image,{column}"), rows(&train, |i| format!(",{}", i % n)))
            .table(
                "sample_submission.csv",
                &format!("image,{column}"),
                rows(&test, |_| ",1".to_owned()),
            )
            .guess()
    };
    for (column, n, kind) in [
        ("age", 40, TargetKind::Number),
        ("count", 12, TargetKind::Number),
        ("value", 40, TargetKind::Number),
        ("value", 12, TargetKind::SingleLabel),
        // Few levels, and numbers of things.
        ("rating", 5, TargetKind::SingleLabel),
        ("landmark_id", 40, TargetKind::SingleLabel),
    ] {
        let guess = drawn(column, n);
        assert_eq!(guess.kind, kind, "{column} {n}");
        assert!(kind != TargetKind::Number || !guess.why("submission").unwrap().is_sure);
    }
}

#[test]
fn a_table_tells_the_numbers_of_the_labels() {
    let (train, test) = (numbers(0..30), hashes(30, 8));
    let kinds = ["ash", "elm", "oak"];
    let files = train.iter().enumerate().map(|(i, id)| format!("train/{}/{id}.jpg", kinds[i % 3]));
    let drawn = |table: bool| {
        let drawn = Drawn::default()
            .files(files.clone())
            .files(images("test", &test, ".jpg"))
            .table("sample_submission.csv", "id,label", rows(&test, |_| ",1".to_owned()));
        if table {
            drawn.table("classes.csv", "name,number", ["oak,0", "ash,1", "elm,2"])
        } else {
            drawn
        }
    };
    let numbers = |guess: &Guess| {
        guess.rename.iter().map(|(name, number)| format!("{name} {number}")).collect::<Vec<_>>()
    };
    let guessed = drawn(false).guess();
    assert_eq!(numbers(&guessed), ["ash 0", "elm 1", "oak 2"]);
    assert!(!guessed.why("target.rename").unwrap().is_sure);
    let told = drawn(true).guess();
    assert_eq!(numbers(&told), ["ash 1", "elm 2", "oak 0"]);
    assert_eq!(told.why("target.rename").unwrap().why, "as `classes.csv` has their numbers");
}

/// Slices that not all patients have are no channels, and what is left out is told.
#[test]
fn series_of_slices_are_told() {
    let brain = |part: &'static str, range: std::ops::Range<usize>| {
        range.flat_map(move |p| {
            let slices = move |series| {
                (1 + p % 3..9 + p % 2).map(move |n| format!("{part}/{p:05}/{series}/Image-{n}.dcm"))
            };
            ["FLAIR", "T1w"].into_iter().flat_map(slices)
        })
    };
    let row = |p: usize| format!("{p:05},{}", p % 2);
    let drawn = Drawn::default()
        .files(brain("train", 0..24))
        .files(brain("test", 30..36))
        .table("train_labels.csv", "BraTS21ID,MGMT_value", (0..24).map(row))
        .table(
            "sample_submission.csv",
            "BraTS21ID,MGMT_value",
            (30..36).map(|p| format!("{p:05},0.5")),
        );
    let guess = drawn.guess();
    assert_eq!(guess.train, ["train/{id}/FLAIR/Image-{channel}"]);
    assert_eq!(guess.channels, ["3", "4", "5", "6", "7", "8"]);
    assert_eq!((guess.found.train, guess.found.test), (Some(24), Some(6)));
    let note = guess.why("files.channels").unwrap();
    assert!(!note.is_sure && note.why.contains("`train/{id}/T1w/Image-3`"), "{}", note.why);
}
