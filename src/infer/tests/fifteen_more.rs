//! The other half of the layouts of `../shared/layouts`.

use super::*;

#[test]
fn catheters_are_columns_of_patients() {
    let uid = |ids: Vec<String>| -> Vec<String> {
        ids.into_iter()
            .map(|id| format!("1.2.826.0.1.{}", u32::from_str_radix(&id, 16).unwrap()))
            .collect()
    };
    let (train, test) = (uid(hashes(0, 40)), uid(hashes(40, 10)));
    let columns = "ETT - Abnormal,NGT - Normal,Swan Ganz Catheter Present";
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpg"))
        .files(images("test", &test, ".jpg"))
        .table(
            "train.csv",
            &format!("StudyInstanceUID,{columns},PatientID"),
            rows(&train, |i| {
                format!(",{},{},{},p{}", i % 2, i % 3 / 2, u8::from(i % 5 == 0), i % 9)
            }),
        )
        .table(
            "train_annotations.csv",
            "StudyInstanceUID,label,data",
            train.iter().flat_map(|id| {
                [
                    format!("{id},NGT - Normal,\"[[1, 2]]\""),
                    format!("{id},ETT - Abnormal,\"[[1, 2]]\""),
                ]
            }),
        )
        .table(
            "sample_submission.csv",
            &format!("StudyInstanceUID,{columns}"),
            rows(&test, |_| ",0,0,0".to_owned()),
        );
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "multi-label", labels.csv = { file = "train.csv", id = "StudyInstanceUID" } }
        split.group = "PatientID"
        submission.probability-per-class = { id = "StudyInstanceUID" }"#;
    expect(&drawn.spec("auc"), wanted);
    assert_eq!(drawn.guess().metric, "auc");
}

#[test]
fn retinas_have_levels_if_the_metric_says_so() {
    let (train, test) = (hashes(0, 30), hashes(30, 10));
    let drawn = Drawn::default()
        .files(images("train_images", &train, ".png"))
        .files(images("test_images", &test, ".png"))
        .table("train.csv", "id_code,diagnosis", rows(&train, |i| format!(",{}", i % 5)))
        .table("test.csv", "id_code", test.clone())
        .table("sample_submission.csv", "id_code,diagnosis", rows(&test, |_| ",0".to_owned()));
    let wanted = r#"
        files = { train = ["train_images"], test = ["test_images"], sample = "sample_submission.csv" }
        target = { kind = "ordinal", classes = ["0", "1", "2", "3", "4"],
            labels.csv = { file = "train.csv", id = "id_code", label = "diagnosis" } }
        submission.label = { id = "id_code", column = "diagnosis" }"#;
    expect(&drawn.spec("kappa"), wanted);
    assert_eq!(drawn.guess().kind, TargetKind::SingleLabel);
    let wishes = Wishes { kind: Some(TargetKind::Ordinal), ..Wishes::default() };
    let guess = drawn.with(&wishes);
    assert_eq!((guess.metric.as_str(), guess.classes.len()), ("kappa", 5));
}

#[test]
fn whales_are_ranked_and_some_are_new() {
    let (train, test) = (hashes(0, 30), hashes(30, 10));
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpg"))
        .files(images("test", &test, ".jpg"))
        .table(
            "train.csv",
            "Image,Id",
            rows(&train, |i| match i % 4 {
                0 => ".jpg,new_whale".to_owned(),
                w => format!(".jpg,w_{w}"),
            }),
        )
        .table(
            "sample_submission.csv",
            "Image,Id",
            rows(&test, |_| ".jpg,new_whale w_1 w_2 w_3 w_4".to_owned()),
        );
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", unknown = "new_whale", labels.csv = { file = "train.csv", id = "Image", label = "Id" } }
        submission.top-k = { id = "Image", column = "Id" }"#;
    expect(&drawn.spec("map@5"), wanted);
    assert_eq!(drawn.guess().metric, "map@5");
}

#[test]
fn landmarks_come_with_a_confidence() {
    let (train, test) = (hashes(0, 30), hashes(30, 10));
    let nested = |folder: &str, ids: &[String]| -> Vec<String> {
        ids.iter()
            .map(|id| format!("{folder}/{}/{}/{}/{id}.jpg", &id[..1], &id[1..2], &id[2..3]))
            .collect()
    };
    let drawn = Drawn::default()
        .files(nested("train", &train))
        .files(nested("test", &test))
        .table(
            "train.csv",
            "id,landmark_id",
            rows(&train, |i| format!(",{}", [24229, 134_016, 7][i % 3])),
        )
        .table("sample_submission.csv", "id,landmarks", rows(&test, |_| ",24229 0.1".to_owned()));
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.csv = { file = "train.csv", id = "id", label = "landmark_id" } }
        submission.scored-label = { id = "id", column = "landmarks" }"#;
    expect(&drawn.spec("gap"), wanted);
    let guess = drawn.guess();
    assert_eq!((guess.metric.as_str(), guess.questions[0].flag), ("gap", "pictures"));
}

#[test]
fn pawpularity_is_a_number() {
    let (train, test) = (hashes(0, 60), hashes(60, 10));
    let drawn = Drawn::default()
        .files(images("train", &train, ".jpg"))
        .files(images("test", &test, ".jpg"))
        .table(
            "train.csv",
            "Id,Subject Focus,Eyes,Group,Pawpularity",
            rows(&train, |i| format!(",0,{},1,{}", i % 2, 1 + i * 7 % 100)),
        )
        .table("test.csv", "Id,Subject Focus,Eyes,Group", rows(&test, |_| ",0,0,0".to_owned()))
        .table(
            "sample_submission.csv",
            "Id,Pawpularity",
            rows(&test, |i| format!(",{}.57", i * 9)),
        );
    let guess = drawn.guess();
    assert_eq!((guess.metric.as_str(), guess.kind), ("rmse", TargetKind::Number));
    let mut spec = drawn.spec("rmse");
    spec["target"].as_table_mut().unwrap().remove("range");
    let wanted = r#"
        files = { train = ["train"], test = ["test"], sample = "sample_submission.csv" }
        target = { kind = "number", labels.csv = { file = "train.csv", id = "Id", label = "Pawpularity" } }
        submission.numbers = { id = "Id" }"#;
    expect(&spec, wanted);
}

#[test]
fn haemorrhages_have_a_row_an_image_and_a_class() {
    let ids = |from, n| -> Vec<String> {
        hashes(from, n).into_iter().map(|id| format!("ID_{id}")).collect()
    };
    let (train, test) = (ids(0, 20), ids(20, 10));
    let classes = ["epidural", "subdural", "any"];
    let long = |ids: &[String], value: &str| -> Vec<String> {
        ids.iter().flat_map(|id| classes.map(|class| format!("{id}_{class},{value}"))).collect()
    };
    let mut drawn = Drawn::default()
        .files(images("stage_2_train", &train, ".dcm"))
        .files(images("stage_2_test", &test, ".dcm"))
        .table("stage_2_train.csv", "ID,Label", long(&train, "0"))
        .table("stage_2_sample_submission.csv", "ID,Label", long(&test, "0.5"));
    let patient = |i: usize| (format!("stage_2_train/{}.dcm", train[i]), format!("p{}", i % 4));
    drawn.patients = (0..20).map(patient).collect();
    let wanted = r#"
        files = { train = ["stage_2_train"], test = ["stage_2_test"], extension = "dcm", sample = "stage_2_sample_submission.csv" }
        target = { kind = "multi-label", labels.csv = { file = "stage_2_train.csv", id = "ID", label = "Label", row = "{id}_{class}" } }
        split.group = "dicom:PatientID"
        submission.long = { id = "ID", column = "Label", row = "{id}_{class}" }"#;
    expect(&drawn.spec("log-loss"), wanted);
    let asked: Vec<&str> = drawn.guess().questions.iter().map(|question| question.flag).collect();
    assert_eq!(asked, ["pictures"]);
}

#[test]
fn drivers_are_kept_together() {
    let (train, test): (Vec<String>, Vec<String>) = (
        (0..40).map(|i| format!("img_{}.jpg", i * 37)).collect(),
        (0..10).map(|i| format!("img_{}.jpg", 90_000 + i)).collect(),
    );
    let header: Vec<String> = (0..10).map(|i| format!("c{i}")).collect();
    let drawn = Drawn::default()
        .files(train.iter().enumerate().map(|(i, id)| format!("imgs/train/c{}/{id}", i % 10)))
        .files(images("imgs/test", &test, ""))
        .table(
            "driver_imgs_list.csv",
            "subject,classname,img",
            train.iter().enumerate().map(|(i, id)| format!("p{:03},c{},{id}", i % 6, i % 10)),
        )
        .table(
            "sample_submission.csv",
            &format!("img,{}", header.join(",")),
            rows(&test, |_| ",0.1".repeat(10)),
        );
    let wanted = r#"
        files = { train = ["imgs/train"], test = ["imgs/test"], sample = "sample_submission.csv" }
        target = { kind = "single-label", labels.csv = { file = "driver_imgs_list.csv", id = "img", label = "classname" } }
        split.group = "subject"
        submission.probability-per-class = { id = "img" }"#;
    expect(&drawn.spec("log-loss"), wanted);
    assert_eq!(drawn.guess().metric, "log-loss");
}
