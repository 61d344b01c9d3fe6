//! Tables drawn here.

use std::path::Path;

use super::super::place;
use super::*;
use crate::fs;
use crate::relative::RelativePath;

fn converted(
    data: &Path,
    name: &str,
    text: &str,
    pixels: &Pixels,
    ids: &[&str],
) -> Result<Vec<(String, Vec<u8>)>> {
    let place = RelativePath::new(name).unwrap();
    let path = place.under(data);
    fs::write_atomic(&path, text).unwrap();
    let source = Source { place: place.clone(), path, is_train: true };
    let output = Output::open(data, &())?;
    convert(&Table { source: &source, pixels, ids: ids.to_vec() }, &output)?;
    let folder = place.under(&place::images(data));
    let mut found = Vec::new();
    for (path, _) in fs::below(&folder, None)?.files {
        let image = image::open(&path).unwrap();
        let bytes = if image.color().has_color() {
            image.into_rgb8().into_raw()
        } else {
            image.into_luma8().into_raw()
        };
        found.push((path.file_name().unwrap().to_string_lossy().into_owned(), bytes));
    }
    Ok(found)
}

fn rest(data: &Path, name: &str) -> Option<String> {
    fs::read_to_string(place::tables(data).join(name)).ok()
}

fn columns(pattern: &str) -> Pixels {
    Pixels { columns: Some(pattern.to_owned()), ..Pixels::default() }
}

#[test]
fn rows_are_counted_where_there_are_no_ids() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let text = "label,pixel0,pixel1,pixel2,pixel3\r\n7,0,64,128,255\r\n1,9, 8,7,6\r\n";
    let found = converted(data, "train.csv", text, &columns("pixel*"), &[]).unwrap();
    let expected =
        [("1.png".to_owned(), vec![0, 64, 128, 255]), ("2.png".to_owned(), vec![9, 8, 7, 6])];
    assert_eq!(found, expected);
    assert_eq!(rest(data, "train.csv").as_deref(), Some("label\n7\n1\n"));
    // Where the spec names ids that the table has not, they are put in.
    converted(data, "train.csv", text, &columns("pixel*"), &["ImageId"]).unwrap();
    assert_eq!(rest(data, "train.csv").as_deref(), Some("ImageId,label\n1,7\n2,1\n"));
    let test = "pixel0,pixel1,pixel2,pixel3\n1,2,3,4\n";
    let found = converted(data, "test.csv", test, &columns("pixel*"), &[]).unwrap();
    assert_eq!(found, [("1.png".to_owned(), vec![1, 2, 3, 4])]);
    assert_eq!(rest(data, "test.csv"), None);
}

#[test]
fn more_rows_than_a_batch_come_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = "id,p0\n".to_owned();
    for i in 0..3 * BATCH + 5 {
        text += &format!("row{i:03},{}\n", i % 256);
    }
    let spec = Pixels { shape: vec![1, 1], ..columns("p*") };
    let found = converted(folder.path(), "train.csv", &text, &spec, &["x", "id"]).unwrap();
    assert_eq!(found.len(), 3 * BATCH + 5);
    for (i, (name, bytes)) in found.into_iter().enumerate() {
        assert_eq!((name, bytes), (format!("row{i:03}.png"), vec![(i % 256) as u8]));
    }
}

#[test]
fn one_column_may_hold_all_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let text = "emotion,pixels,Usage\n0,1 2 3 4,Training\n4, 5 6 7 8 ,Test\n";
    let found = converted(data, "faces.csv", text, &columns("pixels"), &[]).unwrap();
    let expected = [("1.png".to_owned(), vec![1, 2, 3, 4]), ("2.png".to_owned(), vec![5, 6, 7, 8])];
    assert_eq!(found, expected);
    assert_eq!(rest(data, "faces.csv").as_deref(), Some("emotion,Usage\n0,Training\n4,Test\n"));
}

#[test]
fn json_planes_become_channels() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let text = r#"[
        {"id": "a", "band_2": [-45, -45, 35, 35], "band_1": [-45.0, 35.0, -5.0, 35], "is_iceberg": 1},
        {"id": "b", "band_1": [[35, 35], [35, 35]], "band_2": [[-45, -45], [-45, -45]], "inc_angle": "na"}
    ]"#;
    let spec = Pixels {
        planes: vec!["band_1".to_owned(), "band_2".to_owned()],
        range: Some([-45.0, 35.0]),
        ..Pixels::default()
    };
    let found = converted(data, "train.json", text, &spec, &["id"]).unwrap();
    let a = vec![0, 0, 0, 255, 0, 255, 128, 255, 128, 255, 255, 255];
    let b = [255, 0, 255].repeat(4);
    assert_eq!(found, [("a.png".to_owned(), a), ("b.png".to_owned(), b)]);
    let rest: serde_json::Value = serde_json::from_str(&rest(data, "train.json").unwrap()).unwrap();
    let expected =
        serde_json::json!([{"id": "a", "is_iceberg": 1}, {"id": "b", "inc_angle": "na"}]);
    assert_eq!(rest, expected);
    // Planes in a table, and without a range that fits them.
    let text = "band_1,id,band_2\n1 2 3 4,c,5 6 7 8\n";
    let spec = Pixels { range: None, ..spec };
    let found = converted(data, "train.csv", text, &spec, &["id"]).unwrap();
    assert_eq!(found[0].1[..6], [1, 5, 1, 2, 6, 2]);
    let error = converted(
        data,
        "x.json",
        r#"[{"id": 1, "band_1": [1, -7, 3, 4], "band_2": [1, 2, 3, 4]}]"#,
        &spec,
        &["id"],
    );
    let text = format!("{:#}", error.unwrap_err());
    assert!(text.contains("x.json`, record 1: a pixel is -7") && text.contains("hint: "), "{text}");
}

#[test]
fn tables_that_are_none_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let error = |name: &str, text: &str, spec: &Pixels| {
        format!("{:#}", converted(folder.path(), name, text, spec, &["id"]).unwrap_err())
    };
    let digits = &columns("pixel*");
    for (text, expected) in [
        ("label,a\n1,2\n", "line 1: no column `pixel*`\n  found `label,a`\nhint: "),
        ("id,pixel0\n1,x\n", "line 2: `x` where a pixel's number is expected"),
        ("id,pixel0\n1,2\n1,3\n", "two images of `t.csv` are called `1.png`\nhint: "),
        ("id,pixel0\n1,2\n2\n", "line 3: 1 fields, but the header has 2\nhint: "),
        ("id,pixel0\n../x,2\n", "line 2: the id `../x` cannot be the name of a file"),
        ("id,pixel0,pixel1\na,2,3\n", "line 2: 2 pixels are no square\nhint: "),
        ("id,pixel0\na,300\n", "a pixel is 300, where 0 to 255 is expected\nhint: "),
        ("id,pixel0\na,0.5\n", "is above 0.5\nhint: say in the spec"),
    ] {
        let told = error("t.csv", text, digits);
        assert!(told.contains(expected), "{text}: {told}");
    }
    let planes = Pixels { planes: vec!["p".to_owned()], ..Pixels::default() };
    for (text, expected) in [
        ("[{\"id\": 1, \"p\": [1, 2", "failed to read"),
        ("{\"id\": 1}", "as a list of records\nhint: "),
        ("[{\"id\": 1, \"q\": [1]}]", "record 1: no field `p`"),
        ("[{\"id\": [1], \"p\": [1]}]", "record 1: its id is neither"),
        ("[{\"id\": 1, \"p\": [true]}]", "a plane's numbers"),
    ] {
        let told = error("t.json", text, &planes);
        assert!(told.contains(expected), "{text}: {told}");
    }
}
