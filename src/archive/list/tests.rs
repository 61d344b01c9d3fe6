//! What is listed is what would be unpacked.

use super::super::made::{self, noise, tar};
use super::*;
use crate::fs;

/// Names, closed folders, and the tables that were seen.
fn listed(name: &str, bytes: &[u8]) -> (Vec<String>, Vec<String>, Vec<(String, String)>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write_atomic(&path, bytes).unwrap();
    let mut seen = Vec::new();
    let mut see = |path: &str, content: &mut dyn Read| {
        let mut text = String::new();
        content.read_to_string(&mut text).unwrap();
        seen.push((path.to_owned(), text));
    };
    let held = list(&path, &|path| path.contains(".csv"), &mut see).unwrap();
    let mut names: Vec<String> = held.files.into_iter().map(|(name, _)| name).collect();
    names.sort();
    (names, held.closed, seen)
}

#[test]
fn archives_are_listed_as_they_would_be_unpacked() {
    let picture = noise(3000);
    let images =
        made::zip_of(CompressionMethod::Deflated, &[("1.jpg", &picture), ("2.jpg", &picture)]);
    let table = made::zip_of(CompressionMethod::Deflated, &[("labels.csv", b"id,label\n1,a\n")]);
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bundle = made::zip_of(
            method,
            &[
                ("train.zip", &images),
                ("deep/test.zip", &images),
                ("labels.csv.zip", &table),
                ("sample.csv", b"id,label\n"),
                ("__MACOSX/x", b""),
            ],
        );
        let (names, closed, mut seen) = listed("all.zip", &bundle);
        assert_eq!(
            names,
            [
                "deep/test/1.jpg",
                "deep/test/2.jpg",
                "labels.csv",
                "sample.csv",
                "train/1.jpg",
                "train/2.jpg"
            ]
        );
        assert_eq!(closed, [""; 0]);
        seen.sort();
        assert_eq!(seen[0], ("labels.csv".to_owned(), "id,label\n1,a\n".to_owned()));
        assert_eq!(seen.len(), 2);
    }
    // Bare images get a folder of the archive's name.
    assert_eq!(listed("test.zip", &images).0, ["test/1.jpg", "test/2.jpg"]);
    let tape = tar(&[("train/1.jpg", &picture), ("a.csv", b"x\n")]);
    let (names, _, seen) = listed("data.tar", &tape);
    assert_eq!((names, seen.len()), (vec!["a.csv".to_owned(), "train/1.jpg".to_owned()], 1));
}

#[test]
fn what_is_unpacked_is_what_was_listed() {
    let picture = noise(500);
    let images =
        made::zip_of(CompressionMethod::Deflated, &[("1.jpg", &picture), ("2.jpg", &picture)]);
    let bundle = made::zip_of(
        CompressionMethod::Stored,
        &[
            ("a/train.zip", &images),
            ("a/b.csv", b"id\n"),
            ("c.tar", &tar(&[("d/e.png", &picture)])),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let (path, into) = (folder.path().join("x.zip"), folder.path().join("into"));
    fs::write_atomic(&path, &bundle).unwrap();
    super::super::extract(&path, &into, &()).unwrap();
    let below = fs::below(&into, None).unwrap().files.into_iter();
    let mut unpacked: Vec<String> = below
        .map(|(path, _)| path.strip_prefix(&into).unwrap().to_string_lossy().replace('\\', "/"))
        .collect();
    unpacked.sort();
    assert_eq!(listed("x.zip", &bundle).0, unpacked);
}

#[test]
fn a_7z_gives_its_names_and_its_tables() {
    let mut writer = sevenz_rust2::ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for (name, content) in
        [("train/1.png", &b"picture"[..]), ("labels.csv", b"id\n7\n"), ("test.tar", b"x")]
    {
        let entry = sevenz_rust2::ArchiveEntry::new_file(name);
        writer.push_archive_entry(entry, Some(content)).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    let (names, closed, seen) = listed("all.7z", &bytes);
    assert_eq!(names, ["labels.csv", "train/1.png"]);
    assert_eq!(closed, ["test"]);
    assert_eq!(seen, [("labels.csv".to_owned(), "id\n7\n".to_owned())]);
}

#[test]
fn the_start_of_a_zip_has_the_start_of_its_table() {
    let rows: String = (0..5_000).map(|i| format!("{i},{}\n", i * i % 97)).collect();
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        for bytes in [
            made::zip_of(method, &[("a.csv", rows.as_bytes())]),
            made::piped_zip(method, &[("a.csv", rows.as_bytes())]),
        ] {
            let start = unzipped_start(&bytes[..bytes.len() / 2]);
            assert!(rows.as_bytes().starts_with(&start), "{method:?}");
        }
    }
    let whole = made::zip_of(CompressionMethod::Deflated, &[("a.csv", rows.as_bytes())]);
    assert_eq!(unzipped_start(&whole), rows.as_bytes());
    assert!(unzipped_start(&whole[..whole.len() / 2]).len() > 1_000);
    assert_eq!(unzipped_start(b"PK\x03\x04"), b"");
}

#[test]
fn a_packed_table_is_seen() {
    use std::io::Write;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(b"id\n1\n").unwrap();
    let (names, _, seen) = listed("a.csv.gz", &packer.finish().unwrap());
    assert_eq!((names, seen.len()), (vec!["a.csv".to_owned()], 1));
}
