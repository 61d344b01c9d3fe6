//! Images that are no files of their own, ids that are no names: columns, groups, pixels, records.

use super::*;

#[test]
fn planet_has_two_folders_of_test_images() {
    let ids =
        |start: &str, n: usize| -> Vec<String> { (0..n).map(|i| format!("{start}_{i}")).collect() };
    let (train, test, file) = (ids("train", 40), ids("test", 12), ids("file", 8));
    let all: Vec<String> = test.iter().chain(&file).cloned().collect();
    let tags = [
        "clear primary",
        "haze primary road",
        "clear water",
        "cloudy",
        "clear primary water",
        "primary",
        "clear",
    ];
    let drawn = Drawn::default()
        .files(images("train-jpg", &train, ".jpg"))
        .files(images("train-tif-v2", &train, ".tif"))
        .files(images("test-jpg", &test, ".jpg"))
        .files(images("test-jpg-additional", &file, ".jpg"))
        .table("train_v2.csv", "image_name,tags", rows(&train, |i| format!(",{}", tags[i % 7])))
        .table("test_v2_file_mapping.csv", "old,new", ["file_0.tif,file_1.tif"])
        .table(
            "sample_submission_v2.csv",
            "image_name,tags",
            rows(&all, |_| ",primary clear water".to_owned()),
        );
    let wanted = r#"
        files = { train = ["train-jpg"], test = ["test-jpg", "test-jpg-additional"], sample = "sample_submission_v2.csv" }
        target = { kind = "multi-label", labels.csv = { file = "train_v2.csv", id = "image_name", label = "tags" } }
        submission.tag-list = { id = "image_name", column = "tags" }"#;
    expect(&drawn.spec("mean-f2"), wanted);
}

#[test]
fn steganography_is_folders_of_the_same_names() {
    let (train, test) = (numbers(10_001..10_021), numbers(1..11));
    let folders = ["Cover", "JMiPOD", "JUNIWARD", "UERD"];
    let drawn = Drawn::default()
        .files(folders.iter().flat_map(|folder| images(folder, &train, ".jpg")))
        .files(images("Test", &test, ".jpg"))
        .table("sample_submission.csv", "Id,Label", rows(&test, |_| ".jpg,0".to_owned()));
    let wanted = r#"
        files = { train = ["Cover", "JMiPOD", "JUNIWARD", "UERD"], test = ["Test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", classes = ["0", "1"], labels.folder = {},
            rename = { Cover = "0", JMiPOD = "1", JUNIWARD = "1", UERD = "1" } }
        split.pattern = "([^/]+)$"
        submission.probability-of = { id = "Id", column = "Label", class = "1" }"#;
    expect(&drawn.spec("auc"), wanted);
}

#[test]
fn of_several_classes_the_one_that_was_said_is_the_one() {
    let files = (0..30).map(|i| format!("{}/{i}.jpg", ["Cover", "JMiPOD", "UERD"][i % 3]));
    let drawn = Drawn::default()
        .files(files)
        .files((40..50).map(|i| format!("Test/{i}.jpg")))
        .table("sample_submission.csv", "Id,Label", (40..50).map(|i| format!("{i}.jpg,0.5")));
    for (said, ones) in [(None, "JMiPOD UERD"), (Some("UERD"), "UERD"), (Some("Cover"), "Cover")] {
        let wishes = Wishes { positive: said.map(str::to_owned), ..Wishes::default() };
        let guess = drawn.with(&wishes);
        let found = guess.rename.iter().filter(|(_, to)| to == "1").map(|(name, _)| name.as_str());
        assert_eq!(found.collect::<Vec<_>>().join(" "), ones);
        assert_eq!(guess.why("target.rename").unwrap().is_sure, said.is_some());
    }
}

#[test]
fn cells_are_on_paths_of_columns() {
    let row = |experiment: &str, i: usize| {
        (format!("{experiment}-0{}", 1 + i % 3), 1 + i % 4, format!("B{:02}", 2 + i % 12))
    };
    let rows_of = |experiment: &str, n: usize, sirna: bool| -> Vec<String> {
        (0..n)
            .map(|i| {
                let (experiment, plate, well) = row(experiment, i);
                let label = if sirna { format!(",{}", 513 + i % 5) } else { String::new() };
                format!("{experiment}_{plate}_{well},{experiment},{plate},{well}{label}")
            })
            .collect()
    };
    let files = |folder: &str, experiment: &str, n: usize| -> Vec<String> {
        (0..n)
            .flat_map(|i| {
                let (experiment, plate, well) = row(experiment, i);
                let path = format!("{folder}/{experiment}/Plate{plate}/{well}");
                (1..=2).flat_map(move |site| {
                    let path = path.clone();
                    (1..=6).map(move |w| format!("{path}_s{site}_w{w}.png"))
                })
            })
            .collect()
    };
    let test: Vec<String> = rows_of("HUVEC", 12, false);
    let drawn = Drawn::default()
        .files(files("train", "HEPG2", 24))
        .files(files("test", "HUVEC", 12))
        .table("train.csv", "id_code,experiment,plate,well,sirna", rows_of("HEPG2", 24, true))
        .table("test.csv", "id_code,experiment,plate,well", &test)
        .table(
            "sample_submission.csv",
            "id_code,sirna",
            test.iter().map(|row| format!("{},0", row.split(',').next().unwrap())),
        );
    let wanted = r#"
        files = { train = ["train/{experiment}/Plate{plate}/{well}_s1_w{channel}"],
            test = ["test/{experiment}/Plate{plate}/{well}_s1_w{channel}"],
            channels = ["1", "2", "3", "4", "5", "6"], sample = "sample_submission.csv", test-table = "test.csv" }
        target = { kind = "single-label", labels.csv = { file = "train.csv", id = "id_code", label = "sirna" } }
        submission.label = { id = "id_code", column = "sirna" }"#;
    let mut spec = drawn.spec("accuracy");
    assert_eq!(spec.remove("split").unwrap()["group"].as_str(), Some("experiment"));
    expect(&spec, wanted);
}

#[test]
fn businesses_are_groups_of_photos() {
    let (train, test) = (numbers(1_000..1_060), numbers(2_000..2_040));
    let of = |ids: &[String], n: usize| rows(ids, |i| format!(",{}", 10 + i % n));
    let drawn = Drawn::default()
        .files(images("train_photos", &train, ".jpg"))
        .files(images("test_photos", &test, ".jpg"))
        .table("train_photo_to_biz_ids.csv", "photo_id,business_id", of(&train, 20))
        .table(
            "train.csv",
            "business_id,labels",
            (0..20).map(|i| {
                format!("{},{}", 10 + i, ["1 2 3", "2 8", "1 8", "", "1 2", "8", "2 3", "1"][i % 8])
            }),
        )
        .table(
            "test_photo_to_biz.csv",
            "photo_id,business_id",
            rows(&test, |i| format!(",t{}", i % 10)),
        )
        .table(
            "sample_submission.csv",
            "business_id,labels",
            (0..10).map(|i| format!("t{i},1 2 3 8")),
        );
    let wanted = r#"
        files = { train = ["train_photos"], test = ["test_photos"], sample = "sample_submission.csv", test-table = "test_photo_to_biz.csv" }
        target = { kind = "multi-label", labels.csv = { file = "train.csv", id = "business_id", label = "labels",
            photos = { file = "train_photo_to_biz_ids.csv", id = "photo_id", of = "business_id" } } }
        submission.tag-list = { id = "business_id", column = "labels", pool = "mean" }"#;
    expect(&drawn.spec("mean-f1"), wanted);
}

#[test]
fn breasts_are_several_views() {
    let (train, test) = (numbers(5_000..5_040), numbers(7_000..7_016));
    let nested = |folder: &str, ids: &[String], patient: usize| -> Vec<String> {
        ids.iter()
            .enumerate()
            .map(|(i, id)| format!("{folder}/{}/{id}.dcm", patient + i / 4))
            .collect()
    };
    let drawn = Drawn::default()
        .files(nested("train_images", &train, 100))
        .files(nested("test_images", &test, 300))
        .table(
            "train.csv",
            "site_id,patient_id,image_id,laterality,view,age,cancer,biopsy",
            train.iter().enumerate().map(|(i, id)| {
                format!(
                    "2,{},{id},{},CC,61,{},0",
                    100 + i / 4,
                    ["L", "R"][i / 2 % 2],
                    u8::from(i % 9 == 0)
                )
            }),
        )
        .table(
            "test.csv",
            "site_id,patient_id,image_id,laterality,view,age,prediction_id",
            test.iter().enumerate().map(|(i, id)| {
                format!("2,{0},{id},{1},CC,61,{0}_{1}", 300 + i / 4, ["L", "R"][i / 2 % 2])
            }),
        )
        .table(
            "sample_submission.csv",
            "prediction_id,cancer",
            (0..4).flat_map(|i| ["L", "R"].map(|side| format!("{}_{side},0.02", 300 + i))),
        );
    let wanted = r#"
        files = { train = ["train_images"], test = ["test_images"], extension = "dcm", sample = "sample_submission.csv", test-table = "test.csv" }
        target = { kind = "single-label", classes = ["0", "1"], labels.csv = { file = "train.csv", id = "image_id", label = "cancer" } }
        split.group = "patient_id"
        submission.probability-of = { id = "prediction_id", column = "cancer", class = "1", pool = "mean" }"#;
    expect(&drawn.spec("pf1"), wanted);
}

#[test]
fn icebergs_are_planes_in_json() {
    let band = |least: f64| format!("[{least}{}]", ", -20.5".repeat(75 * 75 - 1));
    let record = |id: &String, label: &str| {
        format!(
            r#"{{"id": "{id}", "band_1": {}, "band_2": {}, "inc_angle": "na"{label}}}"#,
            band(-30.2),
            band(4.9)
        )
    };
    let (train, test) = (hashes(0, 6), hashes(6, 4));
    let list = |records: Vec<String>| format!("[{}]", records.join(","));
    let drawn = Drawn::default()
        .json(
            "train.json",
            list(train.iter().map(|id| record(id, ", \"is_iceberg\": 1")).collect()),
        )
        .json("test.json", list(test.iter().map(|id| record(id, "")).collect()))
        .table("sample_submission.csv", "id,is_iceberg", rows(&test, |_| ",0.5".to_owned()));
    let wanted = r#"
        files = { train = ["train.json"], test = ["test.json"], sample = "sample_submission.csv",
            pixels = { planes = ["band_1", "band_2"], shape = [75, 75], range = [-31, 5] } }
        target = { kind = "single-label", classes = ["0", "1"], labels.json = { file = "train.json", id = "id", label = "is_iceberg" } }
        submission.probability-of = { id = "id", column = "is_iceberg", class = "1" }"#;
    expect(&drawn.spec("log-loss"), wanted);
}

#[test]
fn faces_are_texts_of_pixels() {
    let pixels = vec!["70"; 48 * 48].join(" ");
    let drawn = Drawn::default()
        .table("train.csv", "emotion,pixels", (0..20).map(|i| format!("{},{pixels}", i % 7)))
        .table("test.csv", "id,pixels", (0..5).map(|i| format!("{i},{pixels}")))
        .table("sample_submission.csv", "id,emotion", (0..5).map(|i| format!("{i},3")));
    let wanted = r#"
        files = { train = ["train.csv"], test = ["test.csv"], sample = "sample_submission.csv",
            pixels = { columns = "pixels", shape = [48, 48] } }
        target = { kind = "single-label", labels.csv = { file = "train.csv", label = "emotion" } }
        submission.label = { id = "id", column = "emotion" }"#;
    expect(&drawn.spec("accuracy"), wanted);
}

#[test]
fn wild_animals_are_coco() {
    let (train, test) = (hashes(0, 30), hashes(30, 10));
    let image = |id: &String| {
        format!(
            r#"{{"id": "{id}", "file_name": "{id}.jpg", "location": {}, "seq_id": "s{}"}}"#,
            id.len() + usize::from(id.as_bytes()[0] % 4),
            id.as_bytes()[1] % 5
        )
    };
    let records = |ids: &[String]| ids.iter().map(image).collect::<Vec<_>>().join(",");
    let labels: Vec<String> = train
        .iter()
        .enumerate()
        .map(|(i, id)| {
            format!(r#"{{"count": 1, "image_id": "{id}", "id": "a{i}", "category_id": {}}}"#, i % 4)
        })
        .collect();
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpg"))
        .files(images("test", &test, ".jpg"))
        .json(
            "iwildcam2020_train_annotations.json",
            format!(
                r#"{{"annotations": [{}], "images": [{}], "categories": []}}"#,
                labels.join(","),
                records(&train)
            ),
        )
        .json(
            "iwildcam2020_test_information.json",
            format!(r#"{{"images": [{}], "categories": []}}"#, records(&test)),
        )
        .table("sample_submission.csv", "Id,Category", rows(&test, |_| ",0".to_owned()));
    let guess = drawn.scored_by("accuracy");
    let LabelsIn::Table { file, is_json, id, label, .. } = &guess.labels else {
        panic!("{guess:?}")
    };
    assert_eq!(file, "iwildcam2020_train_annotations.json");
    assert_eq!(
        (*is_json, id.as_deref(), label.as_deref()),
        (true, Some("id"), Some("category_id"))
    );
    assert_eq!(
        (guess.train, guess.test, guess.test_table),
        (vec!["train".to_owned()], vec!["test".to_owned()], None)
    );
    assert!(matches!(guess.split, Some(Split::Group { column, .. }) if column == "seq_id"));
}

#[test]
fn flowers_are_records() {
    let record = |folder: &str, side: usize| {
        format!("tfrecords-jpeg-{side}x{side}/{folder}/00-{side}x{side}-798.tfrec")
    };
    let sizes = [192, 224, 331, 512];
    let mut drawn = Drawn::default()
        .files(
            sizes
                .iter()
                .flat_map(|&side| ["train", "val", "test"].map(|folder| record(folder, side))),
        )
        .table("sample_submission.csv", "id,label", rows(&hashes(0, 10), |_| ",0".to_owned()));
    drawn.features = ["class", "id", "image"].map(str::to_owned).to_vec();
    let wanted = r#"
        files = { train = ["tfrecords-jpeg-224x224/train", "tfrecords-jpeg-224x224/val"],
            test = ["tfrecords-jpeg-224x224/test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.record = { id = "id", label = "class" } }
        submission.label = { id = "id", column = "label" }"#;
    expect(&drawn.spec("macro-f1"), wanted);
}

#[test]
fn eyes_stay_together() {
    let eyes = |from: usize, n: usize| -> Vec<String> {
        (from..from + n).flat_map(|i| ["left", "right"].map(|side| format!("{i}_{side}"))).collect()
    };
    let (train, test) = (eyes(10, 20), eyes(90, 5));
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpeg"))
        .files(images("test", &test, ".jpeg"))
        .table("trainLabels.csv", "image,level", rows(&train, |i| format!(",{}", i % 5)))
        .table("sampleSubmission.csv", "image,level", rows(&test, |_| ",0".to_owned()));
    let spec = drawn.spec("kappa");
    assert_eq!(spec["split"]["pattern"].as_str(), Some(r"^(\d+)_"));
    assert_eq!(spec["files"]["train"].as_array().unwrap()[0].as_str(), Some("train"));
}

#[test]
fn packed_images_are_known_by_their_archives() {
    let (train, test) = (numbers(1..31), numbers(1..11));
    let mut drawn = Drawn::default()
        .table(
            "trainLabels.csv",
            "id,label",
            rows(&train, |i| format!(",{}", ["frog", "deer"][i % 2])),
        )
        .table("sampleSubmission.csv", "id,label", rows(&test, |_| ",cat".to_owned()));
    drawn.unseen = ["test", "train"].map(str::to_owned).to_vec();
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sampleSubmission.csv" }
        target = { kind = "single-label", labels.csv = { file = "trainLabels.csv", id = "id", label = "label" } }
        submission.label = { id = "id", column = "label" }"#;
    expect(&drawn.spec("accuracy"), wanted);
    assert!(!drawn.guess().why("files.test").unwrap().is_sure);
}
