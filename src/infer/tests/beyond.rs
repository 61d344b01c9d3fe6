//! Layouts that the language does not describe: each with a sentence that says so.

use super::*;

fn refusal(drawn: &Drawn) -> String {
    infer(&drawn.data(), "mine", &Wishes::default(), None).unwrap_err().to_string()
}

#[test]
fn other_tasks_are_named() {
    let ids = hashes(0, 4);
    let files = || ids.iter().map(|id| format!("test/{id}.jpg"));
    for (header, row, asked) in [
        ("image_id,PredictionString", "1.0 0 0 50 50", "boxes or masks (`PredictionString`)"),
        ("ImageId,EncodedPixels,ClassId", "1 409600,1", "masks (`EncodedPixels`)"),
        ("id,rle", "", "masks (`rle`)"),
    ] {
        let rows = ids.iter().map(|id| format!("{id},{row}"));
        let drawn = Drawn::default().files(files()).table("sample_submission.csv", header, rows);
        let told = refusal(&drawn);
        assert!(told.contains(asked), "{told}");
    }
}

#[test]
fn other_files_are_named() {
    let sample = |drawn: Drawn| drawn.table("sample_submission.csv", "id,label", ["7,0", "8,0"]);
    for (file, is) in [
        ("train_image_data_0.parquet", "a table of bytes for pandas"),
        ("train.bson", "a dump of MongoDB"),
        ("test-image.hdf5", "HDF5"),
        ("train/1.mha", "a volume"),
    ] {
        let told = refusal(&sample(Drawn::default().files([file.to_owned()])));
        assert!(told.contains(is) && told.contains("hint: "), "{told}");
    }
    let addresses =
        sample(Drawn::default().table("train.csv", "id,url,label", ["1,https://a.org/1.jpg,x"]));
    assert!(refusal(&addresses).contains("a list of addresses"), "{}", refusal(&addresses));
}

#[test]
fn keypoints_are_asked_for_one_a_row() {
    let pixels = vec!["238"; 96 * 96].join(" ");
    let keypoints = Drawn::default()
        .table("training.csv", "left_eye_x,left_eye_y,Image", [format!("66.0,39.0,{pixels}")])
        .table("test.csv", "ImageId,Image", [format!("1,{pixels}")])
        .table(
            "IdLookupTable.csv",
            "RowId,ImageId,FeatureName,Location",
            ["1,1,left_eye_x,", "2,1,left_eye_y,"],
        )
        .table("SampleSubmission.csv", "RowId,Location", ["1,0", "2,0"]);
    let told = refusal(&keypoints);
    assert!(
        told.contains(
            "one number of several of an image a row (`FeatureName` of `IdLookupTable.csv`)"
        ),
        "{told}"
    );
}

#[test]
fn numbers_by_name_are_asked_for_one_a_row() {
    let ids = hashes(0, 24);
    let names = ["Dry_Clover_g", "GDM_g"];
    let rows = |ids: &[String], rest: fn(usize) -> String| -> Vec<String> {
        let row = |id: &String| names.map(|name| format!("{id}__{name}"));
        ids.iter().flat_map(row).enumerate().map(|(i, id)| format!("{id}{}", rest(i))).collect()
    };
    let biomass = Drawn::default()
        .files(images("train", &ids[..16], ".jpg"))
        .files(images("test", &ids[16..], ".jpg"))
        .table("train.csv", "sample_id,target", rows(&ids[..16], |i| format!(",{i}.25")))
        .table(
            "sample_submission.csv",
            "sample_id,target",
            rows(&ids[16..], |_| ",0.0".to_owned()),
        );
    let told = refusal(&biomass);
    assert!(
        told.contains("one number of several of an image a row (`target` of `train.csv`)"),
        "{told}"
    );
}

#[test]
fn ids_that_are_folders_are_named() {
    let files =
        (0..4).flat_map(|i| (0..90).map(move |n| format!("test/0000{i}/FLAIR/Image-{n}.dcm")));
    let rows = (0..4).map(|i| format!("0000{i},0.5"));
    let brains =
        Drawn::default().files(files).table("sample_submission.csv", "BraTS21ID,MGMT_value", rows);
    assert!(
        refusal(&brains).contains("such as `00000`, is a folder of images"),
        "{}",
        refusal(&brains)
    );
}

#[test]
fn what_is_missing_is_named() {
    let nothing = Drawn::default().table("train.csv", "id,label", ["1,a"]);
    assert!(refusal(&nothing).starts_with("no sample submission: of `train.csv` none"));
    let alone = Drawn::default().files(["test/1.jpg", "test/2.jpg"].map(str::to_owned)).table(
        "sample_submission.csv",
        "id,label",
        ["1,a", "2,a"],
    );
    assert!(refusal(&alone).starts_with("no labels: "), "{}", refusal(&alone));
    let mut packed =
        Drawn::default().table("sample_submission.csv", "id,label", ["1,0.5", "2,0.5"]);
    packed.unseen = ["test", "train"].map(str::to_owned).to_vec();
    assert!(refusal(&packed).contains("in `train` is not known"), "{}", refusal(&packed));
    let empty = Drawn::default().table("sample_submission.csv", "id,label", [""; 0]);
    assert!(refusal(&empty).contains("has no rows"), "{}", refusal(&empty));
}
