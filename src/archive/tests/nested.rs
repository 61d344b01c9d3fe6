//! Archives inside archives, read where they lie or as they come.

use super::*;

/// Images too large for one buffer, a table, an empty file and an empty folder.
fn contents(image: &[u8]) -> Vec<(&'static str, &[u8])> {
    vec![
        ("train/", b""),
        ("train/1.jpg", image),
        ("train/2.jpg", &image[..70_000]),
        ("labels.csv", b"id,label\n1,cat\n"),
        ("none.txt", b""),
    ]
}

/// Every kind of archive with the same files in it.
fn every_kind(entries: Entries) -> Vec<(&'static str, Vec<u8>)> {
    let files: Vec<_> = entries.iter().copied().filter(|(name, _)| !name.ends_with('/')).collect();
    vec![
        ("deflated.zip", zip(entries)),
        ("stored.zip", stored_zip(entries)),
        ("piped.zip", piped_zip(CompressionMethod::Deflated, entries)),
        ("piped-stored.zip", piped_zip(CompressionMethod::Stored, entries)),
        ("a.tar", tar(entries)),
        ("a.7z", seven_z(&files)),
    ]
}

#[test]
fn every_kind_in_every_kind() {
    let image = noise(200_000);
    let entries = contents(&image);
    for (inner_name, inner) in every_kind(&entries) {
        for (outer_name, outer) in every_kind(&[(inner_name, &inner), ("other.csv", b"id")]) {
            let case = format!("{inner_name} in {outer_name}");
            let (folder, result) = unpacked(outer_name, &outer);
            assert_eq!(result.expect(&case), 5, "{case}");
            let files = files(&folder);
            assert_eq!(files.len(), 5, "{case}");
            for (name, content) in entries.iter().filter(|(name, _)| !name.ends_with('/')) {
                assert!(files[*name] == *content, "{case}: {name}");
            }
        }
    }
}

/// How many folders and middle files an archive takes.
fn n_fresh(name: &str, bytes: &[u8]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write_atomic(&path, bytes).unwrap();
    let file = fs::File::open(&path).unwrap();
    let work = Work {
        staging: Staging::open(folder.path()).unwrap(),
        n_fresh: AtomicUsize::new(0),
        budget: Budget::new(10_000_000, 100, Room::default()),
    };
    let content = Content::Part(Window::whole(&file, None).unwrap());
    unpack(&work, &path, Kind::of(&path).unwrap().unwrap(), content, 0).unwrap();
    work.n_fresh.into_inner()
}

#[test]
fn middle_files_are_made_only_where_they_must() {
    let image = noise(200_000);
    let entries = contents(&image);
    for (name, inner) in every_kind(&entries) {
        // One folder for each archive, and nothing else.
        assert_eq!(n_fresh("a.zip", &stored_zip(&[(name, &inner)])), 2, "{name}");
        assert_eq!(n_fresh("a.tar", &tar(&[(name, &inner)])), 2, "{name}");
        // Of a zip the directory is put aside, a 7z whole.
        let aside = usize::from(name != "a.tar");
        assert_eq!(n_fresh("a.7z", &seven_z(&[(name, &inner)])), 2 + aside, "{name}");
        assert_eq!(n_fresh("a.zip", &zip(&[(name, &inner)])), 2 + aside, "{name}");
    }
}

#[test]
fn a_tar_that_is_all_of_a_7z_has_its_name() {
    let inner = tar(&[("1.jpg", b"1"), ("2.jpg", b"2")]);
    let (folder, result) = unpacked("test-jpg.tar.7z", &seven_z(&[("whatever.tar", &inner)]));
    assert_eq!(result.unwrap(), 2);
    assert_eq!(names(&folder), ["test-jpg/1.jpg", "test-jpg/2.jpg"]);
    let (folder, result) =
        unpacked("a.7z", &seven_z(&[("whatever.tar", &inner), ("a.csv", b"id")]));
    assert_eq!(result.unwrap(), 3);
    assert_eq!(names(&folder), ["a.csv", "whatever/1.jpg", "whatever/2.jpg"]);
}

#[test]
fn a_name_alone_makes_no_archive() {
    let inner: &[u8] = b"id,label\n";
    for (kind, bytes) in every_kind(&[("labels.zip", inner), ("x.csv", inner)]) {
        let (folder, result) = unpacked(kind, &bytes);
        assert_eq!(result.unwrap(), 2, "{kind}");
        assert_eq!(files(&folder)["labels.zip"], inner, "{kind}");
    }
}

/// Where the only entry of a zip stands in its directory.
fn directory(zip: &[u8]) -> usize {
    zip.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap()
}

#[test]
fn the_directory_of_a_packed_zip_is_heeded() {
    let whole = zip(&[("a.txt", b"some text")]);
    let changed = |change: &dyn Fn(&mut Vec<u8>, usize)| {
        let mut inner = whole.clone();
        let at = directory(&inner);
        change(&mut inner, at);
        unpacked("a.zip", &zip(&[("in.zip", &inner)])).1.unwrap_err()
    };
    // Another name, another checksum, another place, a link, one entry less, no directory.
    let error = changed(&|inner, at| inner[at + 46] = b'b');
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    let error = changed(&|inner, at| inner[at + 16] ^= 1);
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    let error = changed(&|inner, at| inner[at + 42] = 1);
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    let error = changed(&|inner, at| inner[at + 41] = 0o120_000_u16.to_le_bytes()[1]);
    assert!(error.to_string().contains("a link"), "{error}");
    let error = changed(&|inner, at| {
        let end = inner.len() - 22;
        inner.drain(at..end);
        let end = inner.len() - 22;
        inner[end + 8..end + 16].fill(0);
    });
    assert!(error.to_string().contains("does not list"), "{error}");
    let error = changed(&|inner, at| inner.truncate(at));
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    // The same without a change.
    assert_eq!(unpacked("a.zip", &zip(&[("in.zip", &whole)])).1.unwrap(), 1);
}

#[test]
fn damage_deep_inside_is_found() {
    let image = noise(100_000);
    for (name, inner) in every_kind(&[("train/1.jpg", &image), ("train/2.jpg", &image)]) {
        if name == "a.tar" {
            // A tar has no checksums of its own.
            continue;
        }
        let mut flipped = inner.clone();
        flipped[60_000] ^= 0x10;
        for outer in [zip(&[(name, &flipped)]), stored_zip(&[(name, &flipped)])] {
            let (folder, result) = unpacked("a.zip", &outer);
            let error = result.expect_err(name);
            assert!(matches!(error, Error::Damaged { .. }), "{name}: {error}");
            assert!(error.to_string().contains(name), "{name}: {error}");
            assert!(names(&folder).is_empty(), "{name}");
        }
        let half = &inner[..inner.len() / 2];
        for outer in [zip(&[(name, half)]), stored_zip(&[(name, half)])] {
            let (folder, result) = unpacked("a.zip", &outer);
            assert!(matches!(result.unwrap_err(), Error::Damaged { .. }), "{name}");
            assert!(names(&folder).is_empty(), "{name}");
        }
    }
}
