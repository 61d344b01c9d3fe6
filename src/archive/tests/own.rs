//! Names that are not an archive's to give, and files that are not what they seem.

use super::*;

#[test]
fn what_kaggle_kit_keeps_itself_is_left_out() {
    for bytes in [
        zip(&[("archives/plan.toml", b"evil"), ("train/1.jpg", b"1"), ("Fetched.toml", b"evil")]),
        tar(&[("./archives/plan.toml", b"evil"), ("train/1.jpg", b"1"), ("manifest.csv", b"evil")]),
        // Out of archives inside, where they lie and by their names.
        zip(&[
            ("in.zip", &zip(&[("archives/plan.toml", b"evil"), ("train/1.jpg", b"1")])),
            ("archives/in.zip", &zip(&[("plan.toml", b"evil"), ("a.csv", b"1")])),
            ("archives.zip", &zip(&[("plan.toml", b"evil")])),
        ]),
    ] {
        let (folder, result) = unpacked("data.zip", &bytes);
        result.unwrap();
        assert_eq!(names(&folder), ["train/1.jpg"]);
    }
    // Deeper they are nobody's.
    let (folder, _) = unpacked("a.zip", &zip(&[("train/fetched.toml", b"1"), ("b/a.csv", b"2")]));
    assert_eq!(names(&folder), ["b/a.csv", "train/fetched.toml"]);
    // By the name of the archive itself.
    let (folder, result) = unpacked("archives.zip", &zip(&[("plan.toml", b"evil")]));
    assert!(matches!(result.unwrap_err(), Error::Unsafe { .. }));
    assert!(names(&folder).is_empty());
}

#[test]
fn an_archive_named_after_the_folder_above_stays_inside() {
    let images = zip(&[("1.jpg", b"1")]);
    for (name, archive) in [("...zip", images.clone()), ("a.zip", zip(&[("...zip", &images)]))] {
        let (folder, result) = unpacked(name, &archive);
        assert_eq!(result.unwrap(), 1);
        assert_eq!(names(&folder), ["...zip/1.jpg"], "{name}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "{name}");
    }
}

/// As `tar -S --format=posix` writes a file with a hole: its map and what is between, under a name of its
/// own, and the real name among the headers.
#[test]
fn sparse_files_among_pax_headers_are_refused() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(2);
    builder.append_data(&mut header, "labels.csv", &b"id"[..]).unwrap();
    let headers: [(&str, &[u8]); 4] = [
        ("GNU.sparse.major", b"1"),
        ("GNU.sparse.minor", b"0"),
        ("GNU.sparse.name", b"train/i000.jpg"),
        ("GNU.sparse.realsize", b"1048586"),
    ];
    builder.append_pax_extensions(headers).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(4);
    header.set_mode(0o644);
    builder.append_data(&mut header, "train/GNUSparseFile.7/i000.jpg", &b"1\n0\n"[..]).unwrap();
    let tar = builder.into_inner().unwrap();
    for bytes in [zip(&[("a.tar", &tar)]), tar] {
        let (folder, result) = unpacked("a.tar", &bytes);
        let text = result.unwrap_err().to_string();
        assert!(text.contains("holds `train/i000.jpg`, no plain file"), "{text}");
        assert!(names(&folder).is_empty());
    }
}

#[test]
fn folders_and_files_are_counted_before_the_disk_has_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.zip");
    let extract = |bytes: Vec<u8>, most: usize, free: Option<u64>| {
        fs::write_atomic(&archive, bytes).unwrap();
        let budget = Budget::new(10_000, most, Room { bytes: None, files: free });
        extract_within(&archive, &folder.path().join("data"), budget, &(), &mut |_, _| Ok(()))
    };
    let three = || zip(&[("a/1", b"1"), ("a/2", b"2"), ("a/3", b"3")]);
    let error = extract(three(), 10, Some(1003)).unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert!(
        error.to_string().contains("holds 4 files or more, and the disk has room for 1,003, of"),
        "{error}"
    );
    assert!(names(&folder).is_empty());
    assert_eq!(extract(three(), 10, Some(1004)).unwrap(), 3);
    // One name may ask for many folders.
    for bytes in [zip(&[("a/b/c/d/e/f/g/h/i/j/", b"")]), tar(&[("a/b/c/d/e/f/g/h/i/j/1", b"")])] {
        let text = extract(bytes, 9, None).unwrap_err().to_string();
        assert!(text.contains("more than 9 files"), "{text}");
    }
}
