//! Archives that hold more than they may.

use super::*;

#[test]
fn bombs_are_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("bomb.zip");
    let zeros = vec![0; 300_000];
    for bytes in [
        zip(&[("a", &zeros)]),
        seven_z(&[("a", &zeros)]),
        zip(&[("in.zip", &zip(&[("a", &zeros)]))]),
    ] {
        fs::write_atomic(&archive, bytes).unwrap();
        let budget = Budget::new(200_000, 10, Room::default());
        let error =
            extract_within(&archive, &folder.path().join("data"), budget, &(), &mut |_, _| Ok(()))
                .unwrap_err();
        assert!(error.to_string().contains("the limit for its size is 200.0 kB"), "{error}");
        assert!(names(&folder).is_empty());
    }
    fs::write_atomic(&archive, zip(&[("a", b"1"), ("b", b"2"), ("c", b"3")])).unwrap();
    let budget = Budget::new(1000, 2, Room::default());
    let error =
        extract_within(&archive, &folder.path().join("data"), budget, &(), &mut |_, _| Ok(()))
            .unwrap_err();
    assert!(error.to_string().contains("more than 2 files"), "{error}");
}

#[test]
fn room_on_the_disk_is_looked_at_first() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.zip");
    let inner = stored_zip(&[("1.csv", &[b'1'; 3000])]);
    fs::write_atomic(&archive, stored_zip(&[("in.zip", &inner), ("2.csv", b"2")])).unwrap();
    let with_free = |free| {
        let budget = Budget::new(1_000_000, 10, Room { bytes: Some(free), files: None });
        extract_within(&archive, &folder.path().join("data"), budget, &(), &mut |_, _| Ok(()))
    };
    let error = with_free(3000).unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert!(error.to_string().contains("needs 3.0 kB, the disk has 3.0 kB"), "{error}");
    assert!(names(&folder).is_empty());
    // The inner archive itself never goes to the disk.
    assert_eq!(with_free(3001).unwrap(), 2);
}

#[test]
fn a_real_bomb_is_beyond_the_bounds() {
    // 1 GB of zeros in a megabyte: deflate's best ratio is 1032 to 1.
    struct Zeros(u64);
    impl std::io::Read for Zeros {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let n = to.len().min(self.0 as usize);
            to[..n].fill(0);
            self.0 -= n as u64;
            Ok(n)
        }
    }
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("a", SimpleFileOptions::default()).unwrap();
    std::io::copy(&mut Zeros(1_000_000_000), &mut writer).unwrap();
    let (folder, result) = unpacked("a.zip", &writer.finish().unwrap().into_inner());
    assert!(matches!(result.unwrap_err(), Error::TooBig { .. }));
    assert!(names(&folder).is_empty());
}

#[test]
fn archives_do_not_nest_without_end() {
    let mut bytes = zip(&[("a.txt", b"1")]);
    for _ in 0..5 {
        bytes = zip(&[("in.zip", &bytes)]);
    }
    let (folder, result) = unpacked("a.zip", &bytes);
    assert!(result.unwrap_err().to_string().contains("without end"));
    assert!(names(&folder).is_empty());
}
