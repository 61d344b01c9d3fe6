//! Archives in several files.

use super::*;

/// Writes pieces beside one another and unpacks the one that stands for them.
fn split(pieces: &[(&str, &[u8])], head: &str) -> (TempDir, Result<usize, Error>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in pieces {
        fs::write_atomic(folder.path().join(name), bytes).unwrap();
    }
    let result = extract(&folder.path().join(head), &folder.path().join("data"), &());
    (folder, result)
}

/// The names that an archive's pieces tell, and the tables in it.
fn listed(path: &std::path::Path) -> (Vec<String>, Vec<String>) {
    let mut seen = Vec::new();
    let mut see = |path: &str, content: &mut dyn std::io::Read| {
        let mut text = String::new();
        content.read_to_string(&mut text).unwrap();
        seen.push(format!("{path}: {text}"));
    };
    let held = list(path, &|path| path.contains(".csv"), &mut see).unwrap();
    let mut names: Vec<String> = held.files.into_iter().map(|(name, _)| name).collect();
    names.sort();
    (names, seen)
}

fn three(bytes: &[u8]) -> [&[u8]; 3] {
    let third = bytes.len() / 3;
    [&bytes[..third], &bytes[third..2 * third], &bytes[2 * third..]]
}

#[test]
fn pieces_in_a_row_are_one_archive_of_any_kind() {
    let noise = noise(50_000);
    let entries: Entries = &[("1.jpg", b"one"), ("2.jpg", &noise)];
    for (kind, bytes) in [
        ("zip", zip(entries)),
        ("zip", stored_zip(entries)),
        ("tar", tar(entries)),
        ("7z", seven_z(entries)),
    ] {
        for digits in [2, 3] {
            let name = |n: usize| format!("train.{kind}.{n:0digits$}");
            let [a, b, c] = three(&bytes);
            let pieces = [(name(1), a), (name(2), b), (name(3), c)];
            let pieces = pieces.each_ref().map(|(name, bytes)| (name.as_str(), *bytes));
            let (folder, result) = split(&pieces, &name(1));
            assert_eq!(result.unwrap(), 2, "{kind}");
            assert_eq!(names(&folder), ["train/1.jpg", "train/2.jpg"]);
            assert_eq!(files(&folder)["train/2.jpg"], noise);
            let at = |n: usize| folder.path().join(name(n));
            assert_eq!(head(&at(2)), Some(at(1)));
            assert_eq!(Kind::of(&at(2)).unwrap(), None);
            assert!(Kind::of(&at(1)).unwrap().is_some());
            assert_eq!(stem(&at(2)), "train");
            assert_eq!(zipped_size(&at(1)).unwrap(), None);
            assert_eq!(listed(&at(1)).0, ["train/1.jpg", "train/2.jpg"]);

            // What is missing between them is named; what is missing at the end cannot be known.
            fs::remove_file(at(2)).unwrap();
            let error = extract(&at(1), &folder.path().join("data"), &()).unwrap_err().to_string();
            assert!(error.contains(&format!("{}` is missing\nhint: ", name(2))), "{error}");
            fs::remove_file(at(3)).unwrap();
            assert!(extract(&at(1), &folder.path().join("data"), &()).is_err());
        }
    }
}

/// A zip over disks of so many bytes, as `zip -s` writes it: the mark of one in front, and in each entry
/// the disk that it begins on and the place there.
fn over_disks(zip: &[u8], size: usize, is_large: bool) -> Vec<Vec<u8>> {
    let mut bytes = [b"PK\x07\x08", zip].concat();
    let place = |at: usize| (at + 4) / size;
    let rest = |at: usize| ((at + 4) % size) as u32;
    let four = |bytes: &[u8], at: usize| {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    };
    let two = |bytes: &[u8], at: usize| u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap());
    let end = bytes.len() - 22;
    assert!(bytes[end..].starts_with(b"PK\x05\x06"));
    let (n, directory) = (two(&bytes, end + 10), four(&bytes, end + 16));
    let mut at = directory + 4;
    for _ in 0..n {
        let offset = four(&bytes, at + 42);
        bytes[at + 34..at + 36].copy_from_slice(&(place(offset) as u16).to_le_bytes());
        bytes[at + 42..at + 46].copy_from_slice(&rest(offset).to_le_bytes());
        at += 46
            + [28, 30, 32].map(|field| usize::from(two(&bytes, at + field))).iter().sum::<usize>();
    }
    if is_large {
        // The end once more in large numbers, and where it is, in front of the small one.
        let mut large = b"PK\x06\x06".to_vec();
        large.extend(44_u64.to_le_bytes());
        large.extend([45, 0, 45, 0]);
        large.extend(((end / size) as u32).to_le_bytes());
        large.extend((place(directory) as u32).to_le_bytes());
        large.extend(u64::from(n).to_le_bytes());
        large.extend(u64::from(n).to_le_bytes());
        large.extend(((end - directory - 4) as u64).to_le_bytes());
        large.extend(u64::from(rest(directory)).to_le_bytes());
        let disks = (end + 56 + 20 + 22 - 1) / size + 1;
        large.extend(b"PK\x06\x07");
        large.extend(((end / size) as u32).to_le_bytes());
        large.extend(((end % size) as u64).to_le_bytes());
        large.extend((disks as u32).to_le_bytes());
        bytes.splice(end..end, large);
    }
    let end = bytes.len() - 22;
    let last = (bytes.len() - 1) / size;
    let (disk, offset) =
        if is_large { (u16::MAX, u32::MAX) } else { (place(directory) as u16, rest(directory)) };
    bytes[end + 4..end + 6].copy_from_slice(&(last as u16).to_le_bytes());
    bytes[end + 6..end + 8].copy_from_slice(&disk.to_le_bytes());
    bytes[end + 16..end + 20].copy_from_slice(&offset.to_le_bytes());
    bytes.chunks(size).map(<[u8]>::to_vec).collect()
}

#[test]
fn zips_over_several_disks_are_read_in_place() {
    let noise = noise(30_000);
    // The first name makes its header as long as a large end with its locator, which is where readers
    // would look for the directory if one stood there.
    let long = "a/0123456789012345678901.jpg--";
    let entries: Entries = &[(long, b"0"), ("a/2.jpg", &noise), ("b.csv", b"id,label\n")];
    for bytes in [zip(entries), stored_zip(entries)] {
        for (size, is_large) in [(9_000, false), (9_000, true), (20_011, false), (40_000, false)] {
            let disks = over_disks(&bytes, size, is_large);
            let name = |i: usize| {
                if i + 1 == disks.len() {
                    "train.zip".to_owned()
                } else {
                    format!("train.z{:02}", i + 1)
                }
            };
            let names_of: Vec<String> = (0..disks.len()).map(name).collect();
            let pieces: Vec<(&str, &[u8])> =
                names_of.iter().map(String::as_str).zip(disks.iter().map(Vec::as_slice)).collect();
            let (folder, result) = split(&pieces, "train.zip");
            if disks.len() == 1 {
                // A mark in front, and nothing beside it.
                continue;
            }
            assert_eq!(result.unwrap(), 3, "{size} {is_large}");
            assert_eq!(names(&folder), [long, "a/2.jpg", "b.csv"]);
            assert_eq!(files(&folder)["a/2.jpg"], noise);
            let at = |name: &str| folder.path().join(name);
            let (told, tables) = listed(&at("train.zip"));
            assert_eq!(told, [long, "a/2.jpg", "b.csv"]);
            assert_eq!(tables, ["b.csv: id,label\n"]);
            assert_eq!(head(&at("train.z01")), Some(at("train.zip")));
            assert_eq!(head(&at("train.zip")), Some(at("train.zip")));
            assert_eq!(Kind::of(&at("train.zip")).unwrap(), Some(Kind::Zip));
            assert_eq!(Kind::of(&at("train.z01")).unwrap(), None);
            assert_eq!(
                (stem(&at("train.z01")), stem(&at("train.zip"))),
                ("train".into(), "train".into())
            );
            for missing in names_of[..disks.len() - 1].iter().rev() {
                fs::remove_file(at(missing)).unwrap();
                let error = extract(&at("train.zip"), &at("data"), &()).unwrap_err().to_string();
                assert!(error.contains(&format!("{missing}` is missing\nhint: ")), "{error}");
                let told = list(&at("train.zip"), &|_| false, &mut |_, _| ()).unwrap_err();
                assert_eq!(told.to_string(), error);
            }
        }
    }
}

#[test]
fn what_only_looks_like_a_piece_is_none() {
    let whole = zip(&[("1.jpg", b"one")]);
    // A zip of its own, whatever lies beside it; a picture with a number behind its name.
    let pieces: [(&str, &[u8]); 3] =
        [("train.zip", &whole), ("train.z01", b"x"), ("1.jpg.001", b"x")];
    let (folder, result) = split(&pieces, "train.zip");
    assert_eq!(result.unwrap(), 1);
    let at = |name: &str| folder.path().join(name);
    assert_eq!(head(&at("train.zip")), None);
    assert_eq!(head(&at("1.jpg.001")), None);
    assert_eq!(head(&at("train.zip.002")), None);
    assert_eq!(stem(&at("a/v1.02")), "v1.02");
}
