//! Lists, downloads and archives that were made to do harm.

use super::*;

/// An error's message, and its hints.
type Outcome = Result<(), (String, Vec<String>)>;

/// A competition of four files, of which `change` makes something else.
fn fetched_from(change: impl FnOnce(&mut Files)) -> (Place, Server, Outcome) {
    let mut files = dogs_files();
    change(&mut files);
    let listed = files.len();
    let server = kaggle_with(files, listed);
    let mut place = Place::new("dogs-vs-cats");
    place.args.endpoint = Some(server.url());
    let result = place.fetch();
    (place, server, result)
}

#[test]
fn listed_names_that_leave_the_folder_are_refused_by_name() {
    for name in [
        "train/../../../../../victim/.bashrc",
        "../sample_submission.csv",
        "/tmp/kaggle-kit-test/sample_submission.csv",
        "train\\..\\..\\1.jpg",
    ] {
        let (place, server, result) = fetched_from(|files| files.push((name, b"x".to_vec())));
        let (message, _) = result.unwrap_err();
        assert!(message.contains(&format!("`{name}` is ")), "{message}");
        assert!(place.files().is_empty(), "{name}");
        assert_eq!(calls(&server), ["ListDataFiles"], "{name}");
        // Nor is one said to be downloaded.
        let mut place = place;
        place.args.mode = Mode { dry_run: true, ..Mode::default() };
        assert!(place.fetch().is_err());
    }
}

#[test]
fn an_archive_does_not_say_what_is_deleted() {
    let mut place = Place::new("dogs-vs-cats");
    let precious = place.write("precious.txt", "my thesis");
    let plan = b"slug = \"dogs-vs-cats-redux-kernels-edition\"\n[[downloads]]\n\
        name = \"../../../precious.txt\"\nwhat = \"file\"\nbytes = 1\n";
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("train/cat.0.jpg", b"c0"),
        ("train/dog.0.jpg", b"d0"),
        ("train/dog.1.jpg", b"d1"),
        ("test/1.jpg", b"t1"),
        ("test/2.jpg", b"t2"),
        ("sample_submission.csv", b"id,label\n1,0.5\n2,0.5\n"),
    ];
    entries.push(("archives/plan.toml", plan));
    entries.push(("fetched.toml", b"version = 2"));
    place.args.from = vec![place.write("evil.zip", zip(&entries))];
    place.fetch().unwrap();
    assert!(precious.exists());
    assert_eq!(place.files(), DOGS);
    // A plan that lies there already, from whomever.
    fs::write_atomic(place.data().join("archives/plan.toml"), plan).unwrap();
    place.args.mode = Mode { force: true, ..Mode::default() };
    place.fetch().unwrap();
    assert!(precious.exists());
}

#[test]
fn sizes_beyond_all_numbers_are_only_too_large() {
    let files = dogs_files();
    let server = Server::start(move |_, request| {
        if request.call() != "ListDataFiles" {
            return Reply::new(404, "{}");
        }
        let entries: Vec<serde_json::Value> = files
            .iter()
            .map(|(name, _)| serde_json::json!({ "name": name, "totalBytes": u64::MAX }))
            .collect();
        Reply::json(&serde_json::json!({ "files": entries }).to_string())
    });
    let mut place = Place::new("dogs-vs-cats");
    place.args.endpoint = Some(server.url());
    assert!(place.fetch().unwrap_err().0.contains("free, and the data need"));
    place.args.mode = Mode { dry_run: true, ..Mode::default() };
    place.fetch().unwrap();
}

#[test]
fn what_is_packed_on_the_way_is_compared_unpacked() {
    // Kaggle lists the table's own size, and sends a zip of it without a length.
    let table = b"id,label\n1,0.5\n2,0.5\n";
    for (sent, is_whole) in [(&table[..], true), (&table[..15], false)] {
        let packed = zip(&[("sample_submission.csv", sent)]);
        let mut files = dogs_files();
        files.retain(|(name, _)| *name != "sample_submission.csv");
        let server = Server::start(move |_, request| {
            if request.call() == "ListDataFiles" {
                let mut entries = vec![
                    serde_json::json!({ "name": "sample_submission.csv", "totalBytes": table.len() }),
                ];
                entries.extend(files.iter().map(|(name, content)| {
                    serde_json::json!({ "name": name, "totalBytes": content.len() })
                }));
                return Reply::json(&serde_json::json!({ "files": entries }).to_string());
            }
            let body = request.json();
            let name = body["fileName"].as_str().unwrap();
            let found = files.iter().find(|(file, _)| *file == name);
            let content = found.map_or(&packed, |(_, content)| content);
            Reply::new(200, content.clone()).without_length()
        });
        let mut place = Place::new("dogs-vs-cats");
        place.args.endpoint = Some(server.url());
        let result = place.fetch();
        if is_whole {
            result.unwrap();
            assert_eq!(place.files(), DOGS);
        } else {
            let (message, _) = result.unwrap_err();
            assert!(message.contains("with 15 bytes in it, and Kaggle lists 21"), "{message}");
            assert!(!place.data().join("sample_submission.csv").exists());
        }
    }
}

#[test]
fn a_damaged_archive_is_not_kept_for_the_next_fetch() {
    let (place, _server, result) = fetched_from(|files| {
        let (_, train) = files.iter_mut().find(|(name, _)| *name == "train.zip").unwrap();
        train.truncate(train.len() / 2);
    });
    let (message, _) = result.unwrap_err();
    assert!(message.contains("is damaged"), "{message}");
    let files = dogs_files();
    let server = kaggle_with(files, 3);
    let mut place = place;
    place.args.endpoint = Some(server.url());
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
}

#[test]
fn packed_tars_and_tables_are_sources_too() {
    let gzip = |bytes: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    let tar = |entries: Entries| {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *content).unwrap();
        }
        builder.into_inner().unwrap()
    };
    let mut place = Place::new("dogs-vs-cats");
    let train = tar(&[("cat.0.jpg", b"c0"), ("dog.0.jpg", b"d0"), ("dog.1.jpg", b"d1")]);
    place.write("source/train.tgz", gzip(&train));
    place.write("source/test.tar.gz", gzip(&tar(&[("test/1.jpg", b"t1"), ("test/2.jpg", b"t2")])));
    place.write("source/sample_submission.csv.gz", gzip(b"id,label\n1,0.5\n2,0.5\n"));
    place.args.from = vec![place.folder.path().join("source")];
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
}

#[test]
fn archives_that_are_not_unpacked_are_named() {
    let mut place = Place::new("dogs-vs-cats");
    place.write("source/train.rar", b"Rar!\x1a\x07\x01\0");
    place.write("source/test/1.jpg", "t1");
    place.write("source/sample_submission.csv", "id,label\n1,0.5\n");
    place.args.from = vec![place.folder.path().join("source")];
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("train.rar` is a RAR archive"), "{message}");
    assert!(hints[0].contains("unrar x"), "{hints:?}");
    place.args.from = vec![place.folder.path().join("source/train.rar")];
    assert!(place.fetch().unwrap_err().0.contains("is a RAR archive"));
    // Out of another archive.
    let rar: &[u8] = b"Rar!\x1a\x07\x01\0";
    let bundle = zip(&[
        ("train.rar", rar),
        ("test/1.jpg", b"t1"),
        ("sample_submission.csv", b"id,label\n1,0.5\n"),
    ]);
    place.args.from = vec![place.write("bundle.zip", bundle)];
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("train.rar` is a RAR archive"), "{message}");
    assert!(hints[0].contains("unrar x"), "{hints:?}");
}
