//! What a person gives in the place of a competition's folder, and answers that fit nothing.

use super::*;

fn refusal(drawn: &Drawn, wishes: &Wishes) -> String {
    infer(&drawn.data(), "mine", wishes, None).unwrap_err().to_string()
}

fn plants() -> Drawn {
    Drawn::default()
        .files((0..20).map(|i| format!("images/Train_{i}.jpg")))
        .files((0..8).map(|i| format!("images/Test_{i}.jpg")))
        .table(
            "train.csv",
            "image_id,healthy,rust,farm",
            (0..20).map(|i| format!("Train_{i},{},{},{}", i % 2, 1 - i % 2, i % 4)),
        )
        .table(
            "sample_submission.csv",
            "image_id,healthy,rust",
            (0..8).map(|i| format!("Test_{i},0.5,0.5")),
        )
}

#[test]
fn an_answer_that_fits_nothing_is_refused() {
    let wishes = |flag: &str, said: &str| {
        let said = Some(said.to_owned());
        match flag {
            "label" => Wishes { label: said, ..Wishes::default() },
            "group" => Wishes { group: said, ..Wishes::default() },
            "images" => Wishes { images: said, ..Wishes::default() },
            _ => Wishes { positive: said, ..Wishes::default() },
        }
    };
    for (flag, said, told) in [
        ("label", "rsut", "`--label rsut`: no table has such a column\nhint: did you mean `rust`?"),
        ("group", "Farms_of_all", "hint: there are `image_id`, `healthy`, `rust`, `farm`"),
        ("images", "tset", "`--images tset`: nothing lies there\nhint: "),
    ] {
        let refused = refusal(&plants(), &wishes(flag, said));
        assert!(refused.contains(told), "{refused}");
    }
    for (flag, said) in
        [("label", "rust"), ("group", "farm"), ("group", "none"), ("images", "images")]
    {
        plants().with(&wishes(flag, said));
    }
    let cats = Drawn::default()
        .files((0..20).map(|i| format!("train/{}/{i}.jpg", ["cat", "dog"][i % 2])))
        .files((20..30).map(|i| format!("test/{i}.jpg")))
        .table("sample_submission.csv", "id,label", (20..30).map(|i| format!("{i},0.5")));
    let refused = refusal(&cats, &wishes("positive", "dgo"));
    assert!(refused.contains("no such class\nhint: there are `cat`, `dog`"), "{refused}");
}

/// Labels that happen to be the numbers of files are not taken for ids.
#[test]
fn a_table_of_other_images_is_named() {
    let mut drawn = plants();
    for (path, text) in &mut drawn.tables {
        if path == "train.csv" {
            *text = text.replace("Train_", "Tr-");
        }
    }
    let told = refusal(&drawn, &Wishes::default());
    assert!(
        told.starts_with("no labels: ")
            && told.contains("`train.csv` has `Tr-0` in `image_id`, and images are called as `images/Test_0.jpg` is")
            || told.contains("`images/Train_0.jpg` is"),
        "{told}"
    );
    let other = Drawn::default().files((0..8).map(|i| format!("test/{i:05}.png"))).table(
        "sample_submission.csv",
        "id,label",
        (0..8).map(|i| format!("x{i},0")),
    );
    let told = refusal(&other, &Wishes::default());
    assert!(
        told.contains("none of the ids of `sample_submission.csv`, such as `x0`, names an image; images are called as \
             `test/00000.png` is"),
        "{told}"
    );
    let items = (0..24).flat_map(|i| {
        (0..3 + i % 2)
            .map(move |n| format!("{}/item_{i}/{n}.jpg", if i < 16 { "train" } else { "test" }))
    });
    let items = Drawn::default()
        .files(items)
        .table("train.csv", "item,target", (0..16).map(|i| format!("item_{i},{}", i % 2)))
        .table("sample_submission.csv", "item,target", (16..24).map(|i| format!("item_{i},0.5")));
    assert_eq!(items.guess().train, ["train/{id}/{channel}"]);
}

#[test]
fn a_wrong_folder_is_named() {
    assert!(refusal(&Drawn::default(), &Wishes::default()).contains("is it the right folder?"));
    let images = Drawn::default().files((0..4).map(|i| format!("{i}.jpg")));
    assert!(refusal(&images, &Wishes::default()).contains("give the folder above"));
    let one = |name: &str, drawn: Drawn| {
        drawn
            .files((0..4).map(|i| format!("{name}/test/{i}.jpg")))
            .table(&format!("{name}/train.csv"), "id,label", ["5,a"])
            .table(&format!("{name}/sample_submission.csv"), "id,label", ["0,a", "1,b"])
    };
    let both = one("cassava", one("planet", Drawn::default()));
    let told = refusal(&both, &Wishes::default());
    assert!(
        told.contains("several competitions") && told.contains("`cassava`, `planet`"),
        "{told}"
    );
    let stages = one("stage_2", one("stage_1", Drawn::default()));
    assert!(!refusal(&stages, &Wishes::default()).contains("several competitions"));
}

#[test]
fn tables_that_are_none_of_commas_are_named() {
    let drawn = Drawn::default()
        .files((0..9).map(|i| format!("train/{i}.jpg")))
        .files((10..14).map(|i| format!("test/{i}.jpg")))
        .table("train.csv", "id;label", (0..9).map(|i| format!("{i};a")))
        .table("sample_submission.csv", "id,label", (10..14).map(|i| format!("{i},a")));
    let told = refusal(&drawn, &Wishes::default());
    assert!(told.contains("hint: columns are separated by semicolons here"), "{told}");
}

/// The sample of iWildCam 2019 begins `,Id,Category`.
#[test]
fn the_index_of_pandas_is_no_answer() {
    let drawn = Drawn::default()
        .files((0..9).map(|i| format!("train/{i}.jpg")))
        .files((10..14).map(|i| format!("test/{i}.jpg")))
        .table("train.csv", "id,label", (0..9).map(|i| format!("{i},a")))
        .table("sample_submission.csv", ",id,label", (10..14).map(|i| format!("{i},{i},a")));
    let guess = drawn.scored_by("accuracy");
    assert_eq!(
        (guess.submission.id.as_str(), guess.submission.column.as_deref()),
        ("id", Some("label"))
    );
    let other = Drawn::default().table("sample_submission.csv", "id;label", ["1;a"]);
    let told = refusal(&other, &Wishes::default());
    assert!(told.contains("`sample_submission.csv` is not what Kaggle's is"), "{told}");
}

#[test]
fn a_table_without_what_is_asked_for_is_named() {
    let ids = hashes(0, 24);
    let drawn = |rows_of: fn(usize) -> String| {
        Drawn::default()
            .files(images("train", &ids[..16], ".png"))
            .files(images("test", &ids[16..], ".png"))
            .table("train.csv", "id,place,grade", rows(&ids[..16], rows_of))
            .table(
                "sample_submission.csv",
                "id,p_low,p_high",
                rows(&ids[16..], |_| ",0.5,0.5".to_owned()),
            )
    };
    let told = refusal(&drawn(|i| format!(",{i},{i}.5")), &Wishes::default());
    assert!(
        told.contains(
            "`train.csv` names images, but nothing that the sample asks for: `p_low`, `p_high`"
        ),
        "{told}"
    );
    // As many labels as answers: likely what they are about.
    let guess = drawn(|i| format!(",{i},{}", i % 2)).guess();
    assert!(!guess.why("target.labels.label").unwrap().is_sure);
}

#[test]
fn several_answers_an_image_are_named() {
    let ids = hashes(0, 24);
    let files = || {
        images("train", &ids[..16], ".png").into_iter().chain(images("test", &ids[16..], ".png"))
    };
    let columns = Drawn::default()
        .files(files())
        .table(
            "train.csv",
            "id,colour,shape",
            rows(&ids[..16], |i| format!(",{},big", ["red", "blue"][i % 2])),
        )
        .table(
            "sample_submission.csv",
            "id,colour,shape",
            rows(&ids[16..], |_| ",red,big".to_owned()),
        );
    let told = refusal(&columns, &Wishes::default());
    assert!(told.contains("several labels of an image (`colour` of `train.csv`)"), "{told}");
    let row = |id: &String| ["root", "vowel"].map(|part| format!("{id}_{part},0"));
    let graphemes = Drawn::default()
        .files(files())
        .table(
            "train.csv",
            "image_id,root,vowel",
            rows(&ids[..16], |i| format!(",{},{}", i % 5, i % 3)),
        )
        .table("sample_submission.csv", "row_id,target", ids[16..].iter().flat_map(row));
    let told = refusal(&graphemes, &Wishes::default());
    assert!(told.contains("one answer of several of an image a row"), "{told}");
}
