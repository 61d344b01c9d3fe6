//! What people put into a data folder, and what else may lie there.

use std::os::unix::fs::symlink;

use super::links::pipe;
use super::*;

fn place_with(server: &Server) -> Place {
    let mut place = Place::new("dogs-vs-cats");
    place.args.endpoint = Some(server.url());
    place
}

fn forced(mut place: Place) -> Place {
    place.args.mode = Mode { force: true, ..Mode::default() };
    place
}

#[test]
fn files_of_a_persons_own_are_not_replaced() {
    let server = kaggle_with(dogs_files(), 3);
    // A table, and an image of an archive.
    for (name, fetched) in
        [("sample_submission.csv", "id,label\n1,0.5\n2,0.5\n"), ("train/dog.1.jpg", "d1")]
    {
        let place = place_with(&server);
        let path = place.data().join(name);
        fs::write_atomic(&path, "mine").unwrap();
        let (message, hints) = place.fetch().unwrap_err();
        assert!(message.contains(&format!("{name}` is another file")), "{message}");
        assert!(hints[0].contains("or run it with `--force`"), "{hints:?}");
        assert_eq!(fs::read(&path).unwrap(), b"mine");
        // The way out that keeps it asks for nothing twice.
        let n_before = server.requests().len();
        fs::rename(&path, place.folder.path().join("kept")).unwrap();
        place.fetch().unwrap();
        assert_eq!(server.requests().len(), n_before);
        assert_eq!(place.files(), DOGS);

        let place = place_with(&server);
        let path = place.data().join(name);
        fs::write_atomic(&path, "mine").unwrap();
        let place = forced(place);
        place.fetch().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), fetched);
    }
    // The same bytes are no other file.
    let place = place_with(&server);
    fs::write_atomic(place.data().join("train/dog.1.jpg"), "d1").unwrap();
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
}

#[test]
fn nor_are_they_by_what_is_taken_from_elsewhere() {
    for name in ["sample_submission.csv", "train/dog.1.jpg"] {
        let mut place = Place::new("dogs-vs-cats");
        dogs_folder(&place, "source");
        place.args.from = vec![place.folder.path().join("source")];
        fs::write_atomic(place.data().join(name), "mine").unwrap();
        let (message, _) = place.fetch().unwrap_err();
        assert!(message.contains(&format!("{name}` is another file")), "{message}");
        assert_eq!(place.files(), [name]);
        assert_eq!(fs::read(place.data().join(name)).unwrap(), b"mine");
        let place = forced(place);
        place.fetch().unwrap();
        assert_eq!(place.files(), DOGS);
    }
}

#[test]
fn what_a_stopped_fetch_has_put_there_is_its_own() {
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, "source");
    // It comes to no end: a row too many.
    place.write("source/sample_submission.csv", "id,label\n1,0.5\n2,0.5\n3,0.5\n");
    place.args.from = vec![place.folder.path().join("source")];
    place.fetch().unwrap_err();
    // As a power cut leaves it.
    fs::write_atomic(place.data().join("train/dog.1.jpg"), "\0\0").unwrap();
    place.write("source/sample_submission.csv", "id,label\n1,0.5\n2,0.5\n");
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    assert_eq!(fs::read(place.data().join("train/dog.1.jpg")).unwrap(), b"d1");
}

#[test]
fn what_a_stopped_fetch_has_moved_is_moved_anew() {
    let mut place = Place::new("dogs-vs-cats");
    let mirror = |sample: &[u8]| {
        zip(&[
            ("mirror/data/train/cat.0.jpg", b"c0"),
            ("mirror/data/train/dog.0.jpg", b"d0"),
            ("mirror/data/train/dog.1.jpg", b"d1"),
            ("mirror/data/test/1.jpg", b"t1"),
            ("mirror/data/test/2.jpg", b"t2"),
            ("mirror/data/sample_submission.csv", sample),
        ])
    };
    place.args.from = vec![place.write("m.zip", mirror(b"id,label\n1,0.5\n2,0.5\n3,0.5\n"))];
    place.fetch().unwrap_err();
    // As a power cut leaves it.
    fs::write_atomic(place.data().join("train/dog.1.jpg"), "\0\0").unwrap();
    place.write("m.zip", mirror(b"id,label\n1,0.5\n2,0.5\n"));
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    assert_eq!(fs::read(place.data().join("train/dog.1.jpg")).unwrap(), b"d1");
}

#[test]
fn of_two_parts_of_one_name_the_shallowest_counts() {
    let mut place = Place::new("dogs-vs-cats");
    let archive = zip(&[
        ("train/cat.0.jpg", b"c0"),
        ("train/dog.0.jpg", b"d0"),
        ("train/dog.1.jpg", b"d1"),
        ("old/train/dog.1.jpg", b"old"),
        ("test/1.jpg", b"t1"),
        ("test/2.jpg", b"t2"),
        ("sample_submission.csv", b"id,label\n1,0.5\n2,0.5\n"),
        ("old/sample_submission.csv", b"id,label\n1,0.5\n"),
    ]);
    place.args.from = vec![place.write("a.zip", archive)];
    for _ in 0..2 {
        place.fetch().unwrap();
        assert_eq!(fs::read(place.data().join("train/dog.1.jpg")).unwrap(), b"d1");
        assert_eq!(place.fetched().unwrap().test_images, 2);
        place.args.mode = Mode { force: true, ..Mode::default() };
    }
}

#[test]
fn links_among_the_downloads_lead_nowhere() {
    let server = kaggle_with(dogs_files(), 3);
    let mut place = place_with(&server);
    place.args.keep_archives = true;
    place.fetch().unwrap();
    let precious = place.write("precious", "my thesis");
    let archives = place.data().join("archives");
    for (name, target) in [
        ("train.zip.part", precious.as_path()),
        ("sample_submission.csv", precious.as_path()),
        ("sample_submission.csv", Path::new("nowhere")),
        ("sample_submission.csv", Path::new("..")),
    ] {
        fs::remove_file(place.data().join("fetched.toml")).unwrap();
        let _ = fs::remove_file(archives.join("train.zip"));
        let _ = fs::remove_file(archives.join(name));
        symlink(target, archives.join(name)).unwrap();
        let (message, hints) = place.fetch().unwrap_err();
        assert!(message.contains(&format!("{name}` is a link to")), "{message}");
        assert!(hints[0].contains("remove it"), "{hints:?}");
        assert_eq!(fs::read(&precious).unwrap(), b"my thesis");
        fs::remove_file(archives.join(name)).unwrap();
        place.fetch().unwrap();
    }
}

#[test]
fn what_is_no_table_is_told_as_what_it_is() {
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, "source");
    let table = place.folder.path().join("source/sample_submission.csv");
    fs::remove_file(&table).unwrap();
    pipe(&table);
    place.args.from = vec![place.folder.path().join("source")];
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("sample_submission.csv` is a pipe"), "{message}");
    assert!(hints[0].contains("remove it"), "{hints:?}");
    // In the data folder it is the person's, until it may go.
    fs::remove_file(&table).unwrap();
    place.write("source/sample_submission.csv", "id,label\n1,0.5\n2,0.5\n");
    pipe(&{
        fs::create_dir_all(place.data()).unwrap();
        place.data().join("sample_submission.csv")
    });
    let (message, _) = place.fetch().unwrap_err();
    assert!(message.contains("sample_submission.csv` is a pipe, no plain file"), "{message}");
    let place = forced(place);
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
}

#[test]
fn a_folder_in_the_place_of_an_image_is_told_and_can_be_mended() {
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, "source");
    place.args.from = vec![place.folder.path().join("source")];
    place.fetch().unwrap();
    let image = place.data().join("train/dog.1.jpg");
    fs::remove_file(&image).unwrap();
    fs::create_dir_all(&image).unwrap();
    let from = std::mem::take(&mut place.args.from);
    place.args.mode = Mode { check: true, ..Mode::default() };
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("`train/dog.1.jpg` is a folder, no plain file"), "{message}");
    assert!(hints[0].contains("move that away, then"), "{hints:?}");
    place.args.from = from;
    let place = forced(place);
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("train/dog.1.jpg` is a folder"), "{message}");
    let way_on = "move it away and run the same command again, without `--force`";
    assert_eq!(hints, [way_on]);
    fs::rename(&image, place.folder.path().join("away")).unwrap();
    let mut place = place;
    place.args.mode = Mode::default();
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
}

#[test]
fn what_is_no_data_folder_is_told_with_a_way_on() {
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, "source");
    place.args.from = vec![place.folder.path().join("source")];
    fs::write_atomic(place.data(), "a file").unwrap();
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("data/dogs-vs-cats` is a file, no folder"), "{message}");
    assert!(hints[0].contains("move it away"), "{hints:?}");
    fs::remove_file(place.data()).unwrap();
    symlink("nowhere", place.data()).unwrap();
    let (message, _) = place.fetch().unwrap_err();
    assert!(message.contains("data/dogs-vs-cats` is a broken link to `nowhere`"), "{message}");
}
