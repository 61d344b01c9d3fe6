//! Single packed files: tars in them, tables, and what cannot be read.

use std::io::Write;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// Every way to pack a file, and the ends of the names that it goes with.
fn every_way(bytes: &[u8]) -> [(&'static str, &'static str, Vec<u8>); 3] {
    [("gz", "tgz", gzip(bytes)), ("bz2", "tbz2", bzip2(bytes)), ("xz", "txz", xz(bytes))]
}

#[test]
fn packed_tars_are_unpacked() {
    let image = noise(200_000);
    let loose = tar(&[("1.jpg", &image), ("2.jpg", b"2")]);
    for (extension, short, packed) in every_way(&loose) {
        for name in [format!("train.tar.{extension}"), format!("train.{short}"), "train".to_owned()]
        {
            let (folder, result) = unpacked(&name, &packed);
            assert_eq!(result.expect(&name), 2, "{name}");
            assert_eq!(names(&folder), ["train/1.jpg", "train/2.jpg"], "{name}");
            assert!(files(&folder)["train/1.jpg"] == image, "{name}");
        }
    }
    let deep = tar(&[("train/", b""), ("train/1.jpg", &image), ("labels.csv", b"id")]);
    for (extension, _, packed) in every_way(&deep) {
        let inner = format!("data.tar.{extension}");
        for bundle in [zip(&[(&inner, &packed)]), stored_zip(&[(&inner, &packed)])] {
            let (folder, result) = unpacked("bundle.zip", &bundle);
            assert_eq!(result.unwrap(), 2, "{inner}");
            assert_eq!(names(&folder), ["labels.csv", "train/1.jpg"], "{inner}");
        }
    }
}

#[test]
fn packed_tables_lie_beside_the_rest() {
    for (extension, _, packed) in every_way(b"id,breed\n") {
        let name = format!("labels.csv.{extension}");
        let (folder, result) = unpacked(&name, &packed);
        assert_eq!(result.unwrap(), 1);
        assert_eq!(files(&folder)["labels.csv"], b"id,breed\n", "{name}");
        // What is no table stays what it is.
        let scan = format!("scan.nii.{extension}");
        let (folder, result) = unpacked("a.zip", &zip(&[(&name, &packed), (&scan, &packed)]));
        assert_eq!(result.unwrap(), 2);
        assert_eq!(names(&folder), ["labels.csv", scan.as_str()]);
    }
    // As a server may call what it packs on the way.
    let (folder, result) = unpacked("labels.csv", &gzip(b"id,breed\n"));
    assert_eq!(result.unwrap(), 1);
    assert_eq!(files(&folder)["labels.csv"], b"id,breed\n");
    // Packed in two pieces: `cat a.gz b.gz`.
    let (folder, _) = unpacked("a.csv.gz", &[gzip(b"id\n"), gzip(b"1\n")].concat());
    assert_eq!(files(&folder)["a.csv"], b"id\n1\n");
}

#[test]
fn zeros_behind_are_nothing_and_all_else_is_damage() {
    for (extension, _, packed) in every_way(&tar(&[("train/1.jpg", b"1")])) {
        let name = format!("a.tar.{extension}");
        let with = |behind: &[u8]| unpacked(&name, &[&packed[..], behind].concat());
        // More than one buffer of them; twice the same is one file, of which a tar's end is the first.
        for behind in
            [vec![0; 4], vec![0; 200_000], packed.clone(), [&[0; 512], &packed[..]].concat()]
        {
            let (folder, result) = with(&behind);
            assert_eq!(result.expect(&name), 1, "{name}, {} behind", behind.len());
            assert_eq!(names(&folder), ["train/1.jpg"]);
        }
        let (folder, result) = with(b"something else");
        assert!(matches!(result, Err(Error::Damaged { .. })), "{name}");
        assert!(names(&folder).is_empty());
    }
}

#[test]
fn damaged_and_endless_ones_leave_nothing() {
    let image = noise(100_000);
    for (extension, _, packed) in every_way(&tar(&[("train/1.jpg", &image)])) {
        let name = format!("train.tar.{extension}");
        let mut flipped = packed.clone();
        let middle = packed.len() / 2;
        flipped[middle] ^= 0x40;
        for bytes in [&packed[..middle], &packed[..packed.len() - 3], &flipped] {
            let (folder, result) = unpacked(&name, bytes);
            let error = result.expect_err(&name);
            assert!(matches!(error, Error::Damaged { .. }), "{name}: {error}");
            assert!(names(&folder).is_empty(), "{name}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for (extension, _, packed) in every_way(&vec![0; 300_000]) {
        let archive = folder.path().join(format!("a.csv.{extension}"));
        fs::write_atomic(&archive, packed).unwrap();
        let budget = Budget::new(200_000, 10, Room::default());
        let error =
            extract_within(&archive, &folder.path().join("data"), budget, &(), &mut |_, _| Ok(()))
                .unwrap_err();
        assert!(error.to_string().contains("the limit for its size is 200.0 kB"), "{error}");
    }
}

/// Decoders of others: whatever a byte becomes, there is an error or files, and nothing beside.
#[test]
fn every_byte_may_be_another() {
    for (extension, _, packed) in every_way(&tar(&[("train/1.jpg", b"one"), ("a.csv", b"id")])) {
        for at in 0..packed.len() {
            let mut bytes = packed.clone();
            bytes[at] ^= 1 << (at % 8);
            let (folder, result) = unpacked(&format!("a.tar.{extension}"), &bytes);
            assert_eq!(result.is_err(), names(&folder).is_empty(), "{extension} at {at}");
            assert!(fs::read_dir(folder.path()).unwrap().count() <= 2, "{extension} at {at}");
        }
    }
}

#[test]
fn archives_that_are_not_unpacked_are_told_by_name() {
    for (bytes, is) in [
        (&b"Rar!\x1a\x07\x01\0"[..], "a RAR archive"),
        (b"\x28\xb5\x2f\xfd\0\0", "a Zstandard archive, which is not unpacked here"),
        (b"\x1f\x9d\x90", "an archive of `compress` (.Z), which"),
        (b"<!DOCTYPE html>", "an HTML page"),
        (b"\n<HTML>", "an HTML page"),
        (b"%PDF-1.7", "a PDF"),
        (b"id,breed\n", "no archive that kaggle-kit unpacks (zip, tar, 7z, gz, bz2, xz)"),
        (b"", "empty"),
    ] {
        let (_folder, result) = unpacked("train.zip", bytes);
        let text = result.unwrap_err().to_string();
        assert!(text.contains(&format!("` is {is}")), "{text}");
    }
}
