//! Archives that come in several files.

use super::*;

/// Kaggle's files with the archive of training images in three.
fn in_three() -> Files {
    let mut files = dogs_files();
    let (_, train) = files.pop().unwrap();
    let third = train.len() / 3;
    files.push(("train.zip.001", train[..third].to_vec()));
    files.push(("train.zip.002", train[third..2 * third].to_vec()));
    files.push(("train.zip.003", train[2 * third..].to_vec()));
    files
}

#[test]
fn they_come_one_by_one_or_in_a_bundle() {
    for listed in [5, 2] {
        let server = kaggle_with(in_three(), listed);
        let mut place = Place::new("dogs-vs-cats");
        place.args.endpoint = Some(server.url());
        place.fetch().unwrap();
        assert_eq!(place.files(), DOGS, "{listed}");
    }
}

#[test]
fn they_are_taken_from_a_folder_or_named_all_together() {
    let mut place = Place::new("dogs-vs-cats");
    for (name, content) in in_three() {
        place.write(&format!("source/{name}"), content);
    }
    let source = place.folder.path().join("source");
    place.args.from = vec![source.clone()];
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);

    let mut other = Place::new("dogs-vs-cats");
    other.args.from = in_three().iter().map(|(name, _)| source.join(name)).collect();
    other.args.from.remove(0);
    let (message, hints) = other.fetch().unwrap_err();
    assert!(message.contains("no sample submission"), "{message} {hints:?}");
    other.args.from = vec![source.join("train.zip.002")];
    let (message, hints) = other.fetch().unwrap_err();
    assert!(message.contains("is one of several files of an archive"), "{message}");
    assert!(hints[0].contains("train.zip.001"), "{hints:?}");
    fs::remove_file(source.join("train.zip.002")).unwrap();
    other.args.from = vec![source];
    let (message, _) = other.fetch().unwrap_err();
    assert!(message.contains("train.zip.002` is missing"), "{message}");
}
