//! Archives made here, unpacked there.

use std::collections::BTreeMap;
use std::io::Cursor;

use sevenz_rust2::{ArchiveEntry, ArchiveWriter};
use tar::EntryType;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

mod bounds;
mod nested;
mod own;
mod packed;
mod restart;
mod split;

use super::made::{Entries, noise, piped_zip, tar, zip_of};

fn zip(entries: Entries) -> Vec<u8> {
    zip_of(CompressionMethod::Deflated, entries)
}

fn stored_zip(entries: Entries) -> Vec<u8> {
    zip_of(CompressionMethod::Stored, entries)
}

fn seven_z(entries: Entries) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    for (name, content) in entries {
        writer.push_archive_entry(ArchiveEntry::new_file(name), Some(*content)).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Writes an archive and unpacks it into `data/` beside it.
fn unpacked(name: &str, bytes: &[u8]) -> (TempDir, Result<usize, Error>) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join(name);
    fs::write_atomic(&archive, bytes).unwrap();
    let result = extract(&archive, &folder.path().join("data"), &());
    (folder, result)
}

/// Every file below `data/`, by its path there; nothing of the unpacking may be left.
fn files(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let data = folder.path().join("data");
    let mut found = BTreeMap::new();
    if data.exists() {
        assert!(!data.join(names::STAGING).exists());
        walk(&data, &data, &mut found);
    }
    found
}

fn names(folder: &TempDir) -> Vec<String> {
    files(folder).into_keys().collect()
}

#[test]
fn every_kind_is_known_by_its_content() {
    let entries: Entries =
        &[("train/1.jpg", b"one"), ("train/2.jpg", b"two"), ("labels.csv", b"id")];
    for bytes in [zip(entries), tar(entries), seven_z(entries)] {
        let (folder, result) = unpacked("data.bin", &bytes);
        assert_eq!(result.unwrap(), 3);
        assert_eq!(names(&folder), ["labels.csv", "train/1.jpg", "train/2.jpg"]);
        assert_eq!(files(&folder)["train/2.jpg"], b"two");
    }
}

#[test]
fn a_tar_in_a_7z_is_read_through() {
    let image = noise(70_000);
    let inner = tar(&[("test-jpg/", b""), ("test-jpg/test_0.jpg", &image)]);
    let (folder, result) = unpacked("test-jpg.tar.7z", &seven_z(&[("test-jpg.tar", &inner)]));
    assert_eq!(result.unwrap(), 1);
    assert_eq!(files(&folder)["test-jpg/test_0.jpg"], image);
    assert_eq!(names(&folder).len(), 1);
}

#[test]
fn archives_inside_archives_are_unpacked_where_they_lie() {
    let train = zip(&[("train/cat.0.jpg", b"cat"), ("__MACOSX/train/._cat.0.jpg", b"junk")]);
    let bare = zip(&[("1.jpg", b"1"), ("2.jpg", b"2")]);
    let labels = zip(&[("labels.csv", b"id,breed\n")]);
    let bundle = zip(&[
        ("train.zip", &train),
        ("test.zip", &bare),
        ("labels.csv.zip", &labels),
        ("sample_submission.csv", b"id,label\n"),
    ]);
    let (folder, result) = unpacked("dogs-vs-cats.zip", &bundle);
    assert_eq!(result.unwrap(), 5);
    assert_eq!(
        names(&folder),
        ["labels.csv", "sample_submission.csv", "test/1.jpg", "test/2.jpg", "train/cat.0.jpg"]
    );
}

#[test]
fn bare_images_go_to_a_folder_named_after_the_archive() {
    let (folder, result) = unpacked("train.tar", &tar(&[("1.jpg", b"1"), ("2.JPG", b"2")]));
    result.unwrap();
    assert_eq!(names(&folder), ["train/1.jpg", "train/2.JPG"]);
    for other in ["./LICENSE", ".hidden", "read.txt", "a/3.jpg"] {
        let (folder, result) = unpacked("train.tar", &tar(&[("./1.jpg", b"1"), (other, b"2")]));
        result.unwrap();
        assert!(names(&folder).contains(&"1.jpg".to_owned()), "{other}");
    }
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    for name in
        ["../evil.txt", "a/../../evil.txt", "/tmp/evil.txt", "C:\\evil.txt", "a\\..\\..\\e.txt"]
    {
        for bytes in
            [zip(&[("ok.txt", b"1"), (name, b"2")]), tar(&[("ok.txt", b"1"), (name, b"2")])]
        {
            let (folder, result) = unpacked("data.zip", &bytes);
            let error = result.expect_err(name);
            assert!(matches!(error, Error::Unsafe { .. }), "{name}: {error}");
            assert!(names(&folder).is_empty(), "{name}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "{name}");
        }
    }
}

#[test]
fn links_and_devices_are_refused() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let mut archives = vec![zip.finish().unwrap().into_inner()];
    for kind in
        [EntryType::Symlink, EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo]
    {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_link_name("/etc/passwd").unwrap();
        header.set_path("link").unwrap();
        header.set_cksum();
        builder.append(&header, std::io::empty()).unwrap();
        archives.push(builder.into_inner().unwrap());
    }
    for bytes in archives {
        let (folder, result) = unpacked("data.zip", &bytes);
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Unsafe { .. }), "{error}");
        assert!(names(&folder).is_empty());
    }
}

#[test]
fn names_that_meet_are_refused() {
    for (second, reason) in [
        ("a/1.txt", "twice"),
        ("a/1.TXT", "upper and lower case"),
        ("A/2.txt", "upper and lower case"),
        ("a", "twice"),
    ] {
        let entries: Entries = &[("a/1.txt", b"1"), (second, b"2")];
        let mut archives = vec![tar(entries), seven_z(entries)];
        if second != "a/1.txt" {
            // No program writes a zip with two entries of one name.
            archives.extend([zip(entries), zip(&[("in.zip", &zip(entries))])]);
        }
        for bytes in archives {
            let (folder, result) = unpacked("data.zip", &bytes);
            let error = result.expect_err(second);
            assert!(matches!(error, Error::Unsafe { .. }), "{second}: {error}");
            assert!(error.to_string().contains(reason), "{second}: {error}");
            assert!(names(&folder).is_empty());
        }
    }
}

/// No program writes such a zip.
#[test]
fn a_zip_with_one_name_twice_is_refused_by_that_name() {
    let entries: Entries = &[("a/0.txt", b"0"), ("a/1.txt", b"1"), ("a/2.txt", b"2")];
    let mut bytes = zip(entries);
    for at in 0..bytes.len() - 7 {
        if bytes[at..].starts_with(b"a/2.txt") {
            bytes[at..at + 7].copy_from_slice(b"a/1.txt");
        }
    }
    for (bytes, archive) in [(bytes.clone(), "data.zip`"), (zip(&[("in.zip", &bytes)]), "in.zip`")]
    {
        let (folder, result) = unpacked("data.zip", &bytes);
        let error = result.unwrap_err().to_string();
        let expected = format!("{archive} holds `a/1.txt`, which it holds twice");
        assert!(error.contains(&expected) && error.contains("\nhint: "), "{error}");
        assert!(names(&folder).is_empty());
    }
}

#[test]
fn names_of_two_archives_meet_too() {
    let inner = zip(&[("train/1.jpg", b"1")]);
    let (_folder, result) =
        unpacked("a.zip", &zip(&[("Train/2.jpg", b"2"), ("train.zip", &inner)]));
    assert!(result.unwrap_err().to_string().contains("upper and lower case"));
    let (folder, result) = unpacked("a.zip", &zip(&[("train/2.jpg", b"2"), ("train.zip", &inner)]));
    assert_eq!(result.unwrap(), 2);
    assert_eq!(names(&folder), ["train/1.jpg", "train/2.jpg"]);
}

#[test]
fn what_is_not_read_here_is_said_so() {
    let mut bytes = zip(&[("a.txt", &[b'a'; 1000])]);
    let methods = [8, bytes.windows(4).position(|four| four == b"PK\x01\x02").unwrap() + 10];
    for at in methods {
        assert_eq!(bytes[at], 8);
        bytes[at] = 12;
    }
    for bytes in [zip(&[("in.zip", &bytes)]), bytes] {
        let (folder, result) = unpacked("a.zip", &bytes);
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("by bzip2, not by deflate\nhint: unpack"), "{error}");
        assert!(names(&folder).is_empty());
    }
}

#[test]
fn blocks_of_a_7z_are_unpacked_side_by_side() {
    let image = noise(300_000);
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    writer.push_archive_entry::<&[u8]>(ArchiveEntry::new_directory("empty"), None).unwrap();
    for n in 0..20 {
        let content = &image[n * 1000..][..10_000];
        let entry = ArchiveEntry::new_file(&format!("train/{n}.jpg"));
        writer.push_archive_entry(entry, Some(content)).unwrap();
    }
    writer.push_archive_entry::<&[u8]>(ArchiveEntry::new_file("none.txt"), None).unwrap();
    let bytes = writer.finish().unwrap().into_inner();
    let (folder, result) = unpacked("a.7z", &bytes);
    assert_eq!(result.unwrap(), 21);
    let files = files(&folder);
    for n in 0..20 {
        assert_eq!(files[&format!("train/{n}.jpg")], image[n * 1000..][..10_000]);
    }
    assert_eq!(files["none.txt"], b"");
    assert!(folder.path().join("data/empty").is_dir());
}

#[test]
fn damage_leaves_nothing_behind() {
    let image = noise(200_000);
    let entries: Entries = &[("train/1.jpg", &image), ("train/2.jpg", &image)];
    for (name, whole) in
        [("a.zip", zip(entries)), ("a.7z", seven_z(entries)), ("a.tar", tar(entries))]
    {
        let half = &whole[..whole.len() / 2];
        let (folder, result) = unpacked(name, half);
        let error = result.expect_err(name);
        assert!(matches!(error, Error::Damaged { .. }), "{name}: {error}");
        assert!(names(&folder).is_empty(), "{name}");
    }
    let mut flipped = zip(entries);
    flipped[150_000] ^= 0x55;
    let (folder, result) = unpacked("a.zip", &flipped);
    assert!(matches!(result.unwrap_err(), Error::Damaged { .. }));
    assert!(names(&folder).is_empty());
}

#[test]
fn progress_comes_to_its_total() {
    use std::sync::atomic::{AtomicU64, Ordering};
    #[derive(Default)]
    struct Counter(AtomicU64, AtomicU64);
    impl Progress for Counter {
        fn total(&self, units: u64) {
            self.0.store(units, Ordering::Relaxed);
        }
        fn advance(&self, units: u64) {
            self.1.fetch_add(units, Ordering::Relaxed);
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.zip");
    let inner = zip(&[("train/1.jpg", &[1; 1000])]);
    fs::write_atomic(&archive, zip(&[("train.zip", &inner), ("a.csv", b"id")])).unwrap();
    let counter = Counter::default();
    extract(&archive, &folder.path().join("data"), &counter).unwrap();
    assert_eq!(counter.0.into_inner(), counter.1.into_inner());
}
