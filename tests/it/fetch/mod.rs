//! From an empty folder to a data folder: from Kaggle, from folders, from archives.

mod standin;

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use kaggle_kit::commands::fetch::{self, FetchOptions, Fetched};
use kaggle_kit::kaggle::Environment;
use kaggle_kit::{competition, fs, term};
use tempfile::TempDir;

use crate::kaggle::server::{Reply, Server};

type Entries<'a> = &'a [(&'a str, &'a [u8])];

fn zip(entries: Entries) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A bundle as Kaggle has it for dogs-vs-cats: two archives and a table.
fn dogs_bundle() -> Vec<u8> {
    let train =
        zip(&[("train/cat.0.jpg", b"c0"), ("train/dog.0.jpg", b"d0"), ("train/dog.1.jpg", b"d1")]);
    let test = zip(&[("test/1.jpg", b"t1"), ("test/2.jpg", b"t2")]);
    zip(&[
        ("train.zip", &train),
        ("test.zip", &test),
        ("sample_submission.csv", b"id,label\n1,0.5\n2,0.5\n"),
    ])
}

/// Planet's tables, as its API has them.
fn planet_tables() -> Vec<(&'static str, &'static [u8])> {
    vec![
        ("train_v2.csv/train_v2.csv", b"image_name,tags\ntrain_0,clear primary\n"),
        (
            "sample_submission_v2.csv/sample_submission_v2.csv",
            b"image_name,tags\ntest_0,primary\nfile_0,primary\n",
        ),
    ]
}

struct Place {
    folder: TempDir,
    options: FetchOptions,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = FetchOptions {
            competition: competition::find(name).unwrap(),
            data: folder.path().join("data").join(name),
            from: Vec::new(),
            endpoint: None,
            environment: Environment::from([("KAGGLE_API_TOKEN", "KGAT_1")]),
            force: false,
            keep_archives: false,
            json: false,
        };
        Self { folder, options }
    }

    /// A file outside the data folder, for `--from`.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write_atomic(&path, content).unwrap();
        path
    }

    fn fetch(&self) -> Result<(), (String, Vec<String>)> {
        fetch::run(&self.options).map_err(|error| term::describe(&error))
    }

    fn fetched(&self) -> Option<Fetched> {
        Fetched::read(&self.options.data).unwrap()
    }

    /// Every file of the data folder.
    fn files(&self) -> Vec<String> {
        let mut found = files_below(&self.options.data);
        found.sort();
        found
    }
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        if !next.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found
}

const DOGS: [&str; 7] = [
    "fetched.toml",
    "sample_submission.csv",
    "test/1.jpg",
    "test/2.jpg",
    "train/cat.0.jpg",
    "train/dog.0.jpg",
    "train/dog.1.jpg",
];

/// A Kaggle with one bundle, sent at once (a proxy may follow the redirect for us).
fn kaggle_with(bundle: Vec<u8>) -> Server {
    Server::start(move |_, request| match request.method.as_str() {
        "POST" => Reply::redirect("/storage/archive.zip?Signature=1"),
        _ => Reply::new(200, bundle.clone()),
    })
}

#[test]
fn the_bundle_becomes_a_data_folder() {
    let server = kaggle_with(dogs_bundle());
    let mut place = Place::new("dogs-vs-cats");
    place.options.endpoint = Some(server.url());
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    let fetched = place.fetched().unwrap();
    assert_eq!((fetched.train_images, fetched.test_images, fetched.classes), (3, 2, 2));
    assert_eq!(fetched.slug, "dogs-vs-cats-redux-kernels-edition");
    assert_eq!(server.requests().len(), 2);

    // A second fetch asks nobody.
    place.fetch().unwrap();
    assert_eq!(server.requests().len(), 2);
    assert_eq!(place.fetched().unwrap(), fetched);

    // --force does it again; --keep-archives keeps what came.
    place.options.force = true;
    place.options.keep_archives = true;
    place.fetch().unwrap();
    assert_eq!(server.requests().len(), 4);
    assert!(place.files().contains(&"archives/dogs-vs-cats-redux-kernels-edition.zip".to_owned()));
}

#[test]
fn a_deleted_folder_is_fetched_again() {
    let server = kaggle_with(dogs_bundle());
    let mut place = Place::new("dogs-vs-cats");
    place.options.endpoint = Some(server.url());
    place.fetch().unwrap();
    fs::remove_dir_all(place.options.data.join("train")).unwrap();
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
}

#[test]
fn what_a_killed_fetch_left_is_used_or_cleared() {
    let server = kaggle_with(dogs_bundle());
    let mut place = Place::new("dogs-vs-cats");
    place.options.endpoint = Some(server.url());
    let data = place.options.data.clone();
    // Killed while downloading.
    fs::write_atomic(data.join("archives/.partial-x1"), "PK half").unwrap();
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    assert_eq!(server.requests().len(), 2);

    // Killed while unpacking: the bundle is whole, some images have their place.
    fs::remove_file(data.join("fetched.toml")).unwrap();
    fs::remove_file(data.join("train/dog.1.jpg")).unwrap();
    let bundle = data.join("archives/dogs-vs-cats-redux-kernels-edition.zip");
    fs::write_atomic(bundle, dogs_bundle()).unwrap();
    fs::write_atomic(data.join(".unpacking/level-1/train/dog.1.jpg"), "d").unwrap();
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    assert_eq!(fs::read(data.join("train/dog.1.jpg")).unwrap(), b"d1");
    assert_eq!(server.requests().len(), 2, "the bundle was not downloaded again");
}

#[test]
fn a_refusal_names_the_rules_page() {
    let server = Server::start(|_, _| {
        Reply::new(403, r#"{"code":403,"message":"You must accept this competition's rules"}"#)
    });
    let mut place = Place::new("dog-breed");
    place.options.endpoint = Some(server.url());
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("failed to fetch `dog-breed-identification`"), "{message}");
    assert!(
        hints[0].contains("https://www.kaggle.com/competitions/dog-breed-identification/rules")
    );
    assert!(place.files().is_empty());
}

#[test]
fn planet_without_images_ends_with_the_way_on() {
    let server = kaggle_with(zip(&planet_tables()));
    let mut place = Place::new("planet");
    place.options.endpoint = Some(server.url());
    for _ in 0..2 {
        let (message, hints) = place.fetch().unwrap_err();
        assert!(message.contains("no training images (`train-jpg`)"), "{message}");
        assert!(
            message.contains("no test images (`test-jpg` or `test-jpg-additional`)"),
            "{message}"
        );
        assert!(hints[0].contains("--from <folder or archives>"), "{hints:?}");
        assert!(place.fetched().is_none());
    }
    assert_eq!(server.requests().len(), 2, "the second call downloads nothing");

    // Three archives complete it, as they were when Kaggle had them.
    let tar = |folder: &str, name: &str| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_mode(0o644);
        builder.append_data(&mut header, format!("{folder}/{name}"), &b"jpg"[..]).unwrap();
        builder.into_inner().unwrap()
    };
    for (folder, name) in [
        ("train-jpg", "train_0.jpg"),
        ("test-jpg", "test_0.jpg"),
        ("test-jpg-additional", "file_0.jpg"),
    ] {
        let archive = place.write(&format!("{folder}.tar"), tar(folder, name));
        place.options.from.push(archive);
    }
    place.fetch().unwrap();
    let fetched = place.fetched().unwrap();
    assert_eq!((fetched.train_images, fetched.test_images), (1, 2));
    assert_eq!(fetched.sources.len(), 3);
    assert!(place.options.from[0].is_file(), "the source stays");
}

/// A folder in Kaggle's layout with a file that is nobody's business.
fn dogs_folder(place: &Place, root: &str) {
    for (name, content) in [
        ("train/cat.0.jpg", "c0"),
        ("train/dog.0.jpg", "d0"),
        ("train/dog.1.jpg", "d1"),
        ("test/1.jpg", "t1"),
        ("test/2.jpg", "t2"),
        ("sample_submission.csv", "id,label\n1,0.5\n2,0.5\n"),
        ("solution.csv", "id,label\n1,0\n2,1\n"),
    ] {
        place.write(&format!("{root}/{name}"), content);
    }
}

#[test]
fn a_folder_is_taken_by_its_layout() {
    for depth in ["source", "source/deeper/still"] {
        let mut place = Place::new("dogs-vs-cats");
        dogs_folder(&place, depth);
        let source = place.folder.path().join("source");
        let before = files_below(&source);
        place.options.from = vec![source.clone()];
        place.fetch().unwrap();
        assert_eq!(place.files(), DOGS, "{depth}");
        assert_eq!(files_below(&source), before);
        assert_eq!(fs::read(place.options.data.join("train/dog.1.jpg")).unwrap(), b"d1");
        // A second one does nothing, and --force all of it.
        place.fetch().unwrap();
        place.options.force = true;
        place.fetch().unwrap();
        assert_eq!(files_below(&source), before);
        assert_eq!(place.files(), DOGS, "{depth}");
    }
}

#[cfg(unix)]
#[test]
fn images_are_links_and_tables_are_copies() {
    use std::os::unix::fs::MetadataExt;
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, "source");
    let source = place.folder.path().join("source");
    place.options.from = vec![source.clone()];
    place.fetch().unwrap();
    let same = |name: &str| {
        let inode = |folder: &Path| fs::metadata(folder.join(name)).unwrap().ino();
        inode(&source) == inode(&place.options.data)
    };
    assert!(same("train/dog.1.jpg"));
    assert!(!same("sample_submission.csv"));
}

#[test]
fn a_folder_with_packed_parts_is_taken() {
    let mut place = Place::new("dogs-vs-cats");
    place.write(
        "source/train.zip",
        zip(&[("cat.0.jpg", b"c0"), ("dog.0.jpg", b"d0"), ("dog.1.jpg", b"d1")]),
    );
    place.write("source/test.zip", zip(&[("test/1.jpg", b"t1"), ("test/2.jpg", b"t2")]));
    place.write("source/sample_submission.csv", "id,label\n1,0.5\n2,0.5\n");
    place.options.from = vec![place.folder.path().join("source")];
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    assert!(place.folder.path().join("source/train.zip").is_file());
}

#[test]
fn an_archive_with_a_folder_of_its_own_is_taken() {
    let mut place = Place::new("dogs-vs-cats");
    let bundle = zip(&[
        ("mirror/data/train/cat.0.jpg", b"c0"),
        ("mirror/data/train/dog.0.jpg", b"d0"),
        ("mirror/data/train/dog.1.jpg", b"d1"),
        ("mirror/data/test/1.jpg", b"t1"),
        ("mirror/data/test/2.jpg", b"t2"),
        ("mirror/data/sample_submission.csv", b"id,label\n1,0.5\n2,0.5\n"),
    ]);
    place.options.from = vec![place.write("mirror.zip", bundle)];
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
}

#[test]
fn a_folder_that_lacks_something_is_refused_before_anything_is_copied() {
    let mut place = Place::new("dog-breed");
    place.write("source/train/00a.jpg", "x");
    place.options.from = vec![place.folder.path().join("source")];
    let (message, _) = place.fetch().unwrap_err();
    for missing in ["no test images (`test`)", "no labels (`labels.csv`)", "no sample submission"] {
        assert!(message.contains(missing), "{message}");
    }
    assert!(place.files().is_empty());
}

#[test]
fn wrong_sources_are_told_as_such() {
    let mut place = Place::new("dogs-vs-cats");
    place.options.from = vec![place.folder.path().join("nowhere")];
    assert!(place.fetch().unwrap_err().0.contains("no file or folder"));
    place.options.from = vec![place.write("a.csv", "id,label\n")];
    assert!(place.fetch().unwrap_err().0.contains("neither a folder nor a zip"));
    place.options.from = vec![place.options.data.clone()];
    assert!(place.fetch().unwrap_err().0.contains("is the data folder itself"));
    place.options.from = vec![place.write("broken.zip", &dogs_bundle()[..200])];
    assert!(place.fetch().unwrap_err().0.contains("is damaged"));
    assert!(place.files().is_empty());
}

#[test]
fn data_that_do_not_fit_are_not_called_fetched() {
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, "source");
    place.write("source/sample_submission.csv", "id,label\n1,0.5\n2,0.5\n3,0.5\n");
    place.options.from = vec![place.folder.path().join("source")];
    let (message, _) = place.fetch().unwrap_err();
    assert!(message.contains("do not fit the competition"), "{message}");
    assert!(place.fetched().is_none());
}

#[test]
fn two_at_once_are_one_too_many() {
    let place = Place::new("dogs-vs-cats");
    fs::create_dir_all(&place.options.data).unwrap();
    let held = fs::File::open(&place.options.data).unwrap();
    held.file().lock().unwrap();
    assert!(place.fetch().unwrap_err().0.contains("another kaggle-kit is fetching"));
}
