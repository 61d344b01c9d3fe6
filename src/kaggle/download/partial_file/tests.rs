//! What a part promises: bytes that outlive a process, and never two versions in one file.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};

use super::*;

fn version(bytes: &[u8]) -> Version {
    Version {
        length: Some(bytes.len() as u64),
        md5: Some(BASE64_STANDARD.encode(Md5::digest(bytes))),
        crc32c: Some(BASE64_STANDARD.encode(crc32c::crc32c(bytes).to_be_bytes())),
        ..Version::default()
    }
}

fn begun(path: &Path, version: &Version, bytes: &[u8]) -> PartialFile {
    let mut part = PartialFile::open(path, "x").unwrap();
    part.clear().unwrap();
    let announced = Announced { version: version.clone(), start: None };
    assert_eq!(part.accept(&announced, "url").unwrap(), Resume::Append);
    part.append(bytes).unwrap();
    part
}

#[test]
fn bytes_outlive_the_process_and_are_hashed_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    drop(begun(&path, &version(b"0123456789"), b"01234"));
    let mut part = PartialFile::open(&path, "x").unwrap();
    assert_eq!((part.kept(), part.is_whole()), (5, false));
    assert_eq!(part.range().unwrap().get(RANGE).unwrap(), "bytes=5-");
    let announced = Announced { version: version(b"0123456789"), start: Some(5) };
    assert_eq!(part.accept(&announced, "url").unwrap(), Resume::Append);
    part.append(b"56789").unwrap();
    part.ended("url").unwrap();
    part.verify().unwrap();
    // Stopped right before the end: the next process finds it whole, and checks it.
    drop(part);
    let mut part = PartialFile::open(&path, "x").unwrap();
    assert!(part.is_whole());
    part.verify().unwrap();
    part.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"0123456789");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn each_hash_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let right = version(b"0123456789");
    for (name, wrong) in [
        ("MD5", Version { md5: version(b"x").md5, ..right.clone() }),
        ("CRC32C", Version { crc32c: version(b"x").crc32c, ..right.clone() }),
        ("bytes instead of 11", Version { length: Some(11), ..right }),
    ] {
        let mut part = begun(&folder.path().join(name), &wrong, b"0123456789");
        part.whole = true;
        let text = part.verify().unwrap_err().to_string();
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn what_does_not_belong_together_is_not_put_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    let first = Version { etag: Some("\"1\"".to_owned()), ..version(b"0123456789") };
    let begin = || begun(&path, &first, b"01234");
    let changed = Version { etag: Some("\"2\"".to_owned()), ..first.clone() };
    // Another version in whole, another version's part, and another part.
    let answers = [(&changed, None), (&changed, Some(5)), (&first, Some(4))];
    for (version, start) in answers {
        let mut part = begin();
        let announced = Announced { version: version.clone(), start };
        let goes = part.accept(&announced, "url");
        assert!(matches!(goes, Ok(Resume::Restart) | Err(Error::Network { .. })), "{goes:?}");
        assert_eq!(part.kept(), 0);
    }
    // The whole of the same version: what is there of it is passed over.
    let announced = Announced { version: first.clone(), start: None };
    assert_eq!(begin().accept(&announced, "url").unwrap(), Resume::SkipThenAppend(5));
    // Something else under the same path.
    drop(begin());
    assert_eq!(PartialFile::open(&path, "another file").unwrap().kept(), 0);
    // A sidecar that is damaged.
    drop(begin());
    fs::write_atomic(with_suffix(&path, ".part.toml"), "what = ").unwrap();
    assert_eq!(PartialFile::open(&path, "x").unwrap().kept(), 0);
}

#[test]
fn two_cannot_work_on_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    let first = PartialFile::open(&path, "x").unwrap();
    let Err(error) = PartialFile::open(&path, "x") else { panic!("the lock does not hold") };
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    drop(first);
    PartialFile::open(&path, "x").unwrap();
}

#[test]
fn a_full_disk_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.zip");
    let part = begun(&path, &version(b"0123456789"), b"01234");
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        let error = part.unwritten(kind.into());
        assert!(matches!(error, Error::NoSpace { .. }));
        assert!(error.to_string().contains("a.zip`: the disk is full"), "{error}");
    }
    let huge = Version { length: Some(u64::MAX / 4), ..Version::default() };
    let error = part.check_space(huge.length).unwrap_err();
    assert!(error.to_string().contains("are to come"), "{error}");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (path, precious) = (folder.path().join("a.zip"), folder.path().join("precious"));
    fs::write_atomic(&precious, "my thesis").unwrap();
    let part = with_suffix(&path, ".part");
    std::os::unix::fs::symlink(&precious, &part).unwrap();
    let refused = || {
        let Err(error) = PartialFile::open(&path, "x") else { panic!("it was opened") };
        assert!(error.to_string().contains("a.zip.part` is a"), "{error}");
        assert_eq!(fs::read(&precious).unwrap(), b"my thesis");
        fs::remove_file(&part).unwrap();
    };
    refused();
    fs::hard_link(&precious, &part).unwrap();
    refused();
    std::os::unix::fs::symlink("nowhere", &part).unwrap();
    refused();
    assert!(!folder.path().join("nowhere").exists());
    // A record that is a link is replaced by one that is none.
    let sidecar = with_suffix(&path, ".part.toml");
    std::os::unix::fs::symlink(&precious, &sidecar).unwrap();
    begun(&path, &version(b"0123456789"), b"01234");
    assert_eq!(fs::read(&precious).unwrap(), b"my thesis");
}
