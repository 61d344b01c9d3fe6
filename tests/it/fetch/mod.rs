//! From an empty folder to a data folder: from Kaggle, from folders, from archives.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use kaggle_kit::commands::fetch::{self, Args, Fetched, Mode};
use kaggle_kit::kaggle::Environment;
use kaggle_kit::run::Workspace;
use kaggle_kit::{fs, term};
use tempfile::TempDir;

use crate::kaggle::server::{Reply, Server};

#[cfg(unix)]
mod by_hand;
mod hostile;
#[cfg(unix)]
mod links;
mod pictures;
mod split;

type Entries<'a> = &'a [(&'a str, &'a [u8])];

fn zip(entries: Entries) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

type Files = Vec<(&'static str, Vec<u8>)>;

/// The files that Kaggle has for dogs-vs-cats: two archives and a table.
fn dogs_files() -> Files {
    let train =
        zip(&[("train/cat.0.jpg", b"c0"), ("train/dog.0.jpg", b"d0"), ("train/dog.1.jpg", b"d1")]);
    let test = zip(&[("test/1.jpg", b"t1"), ("test/2.jpg", b"t2")]);
    vec![
        ("sample_submission.csv", b"id,label\n1,0.5\n2,0.5\n".to_vec()),
        ("test.zip", test),
        ("train.zip", train),
    ]
}

/// All of them as one.
fn bundle(files: &Files) -> Vec<u8> {
    let entries: Vec<(&str, &[u8])> =
        files.iter().map(|(name, content)| (*name, content.as_slice())).collect();
    zip(&entries)
}

/// What Kaggle has left of planet: tables, one of them zipped on the way, and torrents.
fn planet_files() -> Files {
    let sample = b"image_name,tags\ntest_0,primary\nfile_0,primary\n";
    vec![
        ("Kaggle-planet-train-tif.torrent", b"d8:announce".to_vec()),
        (
            "sample_submission_v2.csv/sample_submission_v2.csv",
            zip(&[("sample_submission_v2.csv", sample)]),
        ),
        ("train_v2.csv/train_v2.csv", b"image_name,tags\ntrain_0,clear primary\n".to_vec()),
    ]
}

struct Place {
    folder: TempDir,
    args: Args,
    environment: Environment,
}

impl Place {
    fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let args = Args { competition: name.to_owned(), ..Args::default() };
        Self { folder, args, environment: Environment::from([("KAGGLE_API_TOKEN", "KGAT_1")]) }
    }

    fn workspace(&self) -> Workspace {
        Workspace::new(self.folder.path())
    }

    fn data(&self) -> PathBuf {
        self.workspace().data().join(&self.args.competition)
    }

    /// A file outside the data folder, for `--from`.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write_atomic(&path, content).unwrap();
        path
    }

    fn fetch(&self) -> Result<(), (String, Vec<String>)> {
        fetch::run_in(&self.args, &self.workspace(), &self.environment)
            .map_err(|error| term::describe(&error))
    }

    fn fetched(&self) -> Option<Fetched> {
        Fetched::read(&self.data()).unwrap()
    }

    /// Every file of the data folder.
    fn files(&self) -> Vec<String> {
        let mut found = files_below(&self.data());
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
            let entry = entry.unwrap();
            let path = entry.path();
            // A link to a folder counts as one name here.
            if entry.file_type().unwrap().is_dir() {
                left.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found
}

const DOGS: [&str; 8] = [
    "fetched.toml",
    "manifest.csv",
    "sample_submission.csv",
    "test/1.jpg",
    "test/2.jpg",
    "train/cat.0.jpg",
    "train/dog.0.jpg",
    "train/dog.1.jpg",
];

/// A Kaggle with these files, whose list ends after `listed` of them.
fn kaggle_with(files: Files, listed: usize) -> Server {
    Server::start(move |_, request| match (request.method.as_str(), request.call()) {
        ("POST", "ListDataFiles") => {
            let entries = files.iter().take(listed);
            let entries: Vec<serde_json::Value> = entries
                .map(|(name, content)| {
                    serde_json::json!({ "name": name, "totalBytes": content.len() })
                })
                .collect();
            let next = if listed < files.len() { "2" } else { "" };
            let page = serde_json::json!({ "files": entries, "nextPageToken": next });
            Reply::json(&page.to_string())
        }
        ("POST", "DownloadDataFiles") => Reply::redirect("/storage/bundle?Signature=1"),
        ("POST", "DownloadDataFile") => {
            let body = request.json();
            Reply::redirect(format!("/storage/{}?Signature=1", body["fileName"].as_str().unwrap()))
        }
        ("GET", _) => {
            let path = request.path.split('?').next().unwrap();
            let name = path.strip_prefix("/storage/").unwrap();
            let found = files.iter().find(|(file, _)| *file == name);
            let content = found.map_or_else(|| bundle(&files), |(_, content)| content.clone());
            part_of(&content, request.header("Range"))
        }
        _ => Reply::new(404, r#"{"code":404,"message":"Not found"}"#),
    })
}

/// The bytes from `Range: bytes=N-` (or `N-M`) on.
fn part_of(content: &[u8], range: Option<&str>) -> Reply {
    let Some(range) = range.and_then(|range| range.strip_prefix("bytes=")) else {
        return Reply::new(200, content).with("ETag", "\"v1\"");
    };
    let (first, last) = range.split_once('-').unwrap();
    let first: usize = first.parse().unwrap();
    let end = last.parse().map_or(content.len(), |last: usize| last + 1).min(content.len());
    let told = format!("bytes {first}-{}/{}", end - 1, content.len());
    Reply::new(206, &content[first..end]).with("ETag", "\"v1\"").with("Content-Range", told)
}

/// The calls of the API so far, by method, and `GET`s of storage.
fn calls(server: &Server) -> Vec<String> {
    let requests = server.requests();
    let name = |request: &crate::kaggle::server::Request| match request.method.as_str() {
        "POST" => request.call().to_owned(),
        other => other.to_owned(),
    };
    let mut calls: Vec<String> = requests.iter().map(name).collect();
    calls.sort();
    calls
}

#[test]
fn few_files_become_a_data_folder_one_by_one() {
    let server = kaggle_with(dogs_files(), 3);
    let mut place = Place::new("dogs-vs-cats");
    place.args.endpoint = Some(server.url());
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    let fetched = place.fetched().unwrap();
    assert_eq!((fetched.train_images, fetched.test_images, fetched.classes), (3, 2, 2));
    assert_eq!(fetched.slug, "dogs-vs-cats-redux-kernels-edition");
    let parts: Vec<_> = fetched.parts.iter().map(|part| (part.name.as_str(), part.files)).collect();
    assert_eq!(parts, [("train", 3), ("test", 2), ("sample_submission.csv", 1)]);
    let file = "DownloadDataFile";
    let expected = [file, file, file, "GET", "GET", "GET", "ListDataFiles"];
    assert_eq!(calls(&server), expected);

    // A second fetch asks nobody.
    place.fetch().unwrap();
    assert_eq!(server.requests().len(), expected.len());
    assert_eq!(place.fetched().unwrap(), fetched);

    // --force does it again; --keep-archives keeps what came.
    place.args.mode = Mode { force: true, ..Mode::default() };
    place.args.keep_archives = true;
    place.fetch().unwrap();
    assert_eq!(server.requests().len(), 2 * expected.len());
    assert!(place.files().contains(&"archives/train.zip".to_owned()));
}

#[test]
fn many_files_come_as_a_bundle() {
    let server = kaggle_with(dogs_files(), 2);
    let mut place = Place::new("dogs-vs-cats");
    place.args.endpoint = Some(server.url());
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    assert!(calls(&server).contains(&"DownloadDataFiles".to_owned()));
    assert!(!calls(&server).contains(&"DownloadDataFile".to_owned()));
}

#[test]
fn a_rehearsal_changes_nothing() {
    for listed in [2, 3] {
        let server = kaggle_with(dogs_files(), listed);
        let mut place = Place::new("dogs-vs-cats");
        place.args.endpoint = Some(server.url());
        place.args.mode = Mode { dry_run: true, ..Mode::default() };
        place.fetch().unwrap();
        assert!(place.files().is_empty());
        let whole = server.requests().iter().filter(|request| request.method == "GET").count();
        // The bundle's size is only known by asking the storage for it.
        assert_eq!(whole, usize::from(listed == 2));
    }
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, "source");
    place.args.from = vec![place.folder.path().join("source")];
    place.args.mode = Mode { dry_run: true, ..Mode::default() };
    place.fetch().unwrap();
    assert!(place.files().is_empty());
}

#[test]
fn a_check_finds_what_is_gone_and_what_has_changed() {
    let mut place = Place::new("dogs-vs-cats");
    place.args.mode = Mode { check: true, ..Mode::default() };
    assert!(place.fetch().unwrap_err().0.contains("holds no finished fetch"));
    dogs_folder(&place, "source");
    place.args.mode = Mode::default();
    place.args.from = vec![place.folder.path().join("source")];
    place.fetch().unwrap();
    place.args.mode = Mode { check: true, ..Mode::default() };
    place.fetch().unwrap();
    let data = place.data();
    // New files are no error.
    fs::write_atomic(data.join("train/dog.2.jpg"), "d2").unwrap();
    place.fetch().unwrap();
    fs::remove_file(data.join("test/1.jpg")).unwrap();
    fs::write_atomic(data.join("train/cat.0.jpg"), "c1").unwrap();
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("1 file missing: `test/1.jpg`"), "{message}");
    assert!(message.contains("1 file changed: `train/cat.0.jpg`"), "{message}");
    assert!(hints[0].contains("--force"), "{hints:?}");
}

#[test]
fn a_deleted_folder_is_fetched_again() {
    let server = kaggle_with(dogs_files(), 3);
    let mut place = Place::new("dogs-vs-cats");
    place.args.endpoint = Some(server.url());
    place.fetch().unwrap();
    fs::remove_dir_all(place.data().join("train")).unwrap();
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
}

#[test]
fn a_stopped_fetch_goes_on_with_what_is_there() {
    let server = kaggle_with(dogs_files(), 3);
    let mut place = Place::new("dogs-vs-cats");
    place.args.endpoint = Some(server.url());
    place.args.keep_archives = true;
    place.fetch().unwrap();
    let n_before = server.requests().len();
    let data = place.data();
    place.args.keep_archives = false;

    // Killed while unpacking: everything is downloaded, some images have their place.
    fs::remove_file(data.join("fetched.toml")).unwrap();
    fs::remove_file(data.join("train/dog.1.jpg")).unwrap();
    fs::write_atomic(data.join(".unpacking/level-1/train/dog.1.jpg"), "d").unwrap();
    // Killed while downloading: two archives are not there.
    for name in ["train.zip", "test.zip"] {
        fs::remove_file(data.join("archives").join(name)).unwrap();
    }
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    assert_eq!(fs::read(data.join("train/dog.1.jpg")).unwrap(), b"d1");
    let later = server.requests().split_off(n_before);
    // Two archives, and neither the list nor the table.
    assert_eq!(later.len(), 4, "{later:?}");
    assert!(later.iter().all(|request| request.call() != "ListDataFiles"));
}

#[test]
fn a_refusal_names_the_rules_page() {
    let server = Server::start(|_, _| {
        Reply::new(403, r#"{"code":403,"message":"You must accept this competition's rules"}"#)
    });
    let mut place = Place::new("dog-breed");
    place.args.endpoint = Some(server.url());
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("failed to fetch `dog-breed-identification`"), "{message}");
    assert!(
        hints[0].contains("https://www.kaggle.com/competitions/dog-breed-identification/rules")
    );
    assert!(place.files().is_empty());
}

#[test]
fn planet_without_images_ends_with_the_way_on() {
    let server = kaggle_with(planet_files(), 3);
    let mut place = Place::new("planet");
    place.args.endpoint = Some(server.url());
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
    let file = "DownloadDataFile";
    let expected = [file, file, "GET", "GET", "ListDataFiles"];
    assert_eq!(calls(&server), expected, "no torrent, and nothing by the second call");

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
        place.args.from.push(archive);
    }
    place.fetch().unwrap();
    let fetched = place.fetched().unwrap();
    assert_eq!((fetched.train_images, fetched.test_images), (1, 2));
    assert_eq!(fetched.sources.len(), 3);
    assert!(place.args.from[0].is_file(), "the source stays");
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
        place.args.from = vec![source.clone()];
        place.fetch().unwrap();
        assert_eq!(place.files(), DOGS, "{depth}");
        assert_eq!(files_below(&source), before);
        assert_eq!(fs::read(place.data().join("train/dog.1.jpg")).unwrap(), b"d1");
        // A second one does nothing, and --force all of it.
        place.fetch().unwrap();
        place.args.mode = Mode { force: true, ..Mode::default() };
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
    place.args.from = vec![source.clone()];
    place.fetch().unwrap();
    let same = |name: &str| {
        let inode = |folder: &Path| fs::metadata(folder.join(name)).unwrap().ino();
        inode(&source) == inode(&place.data())
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
    place.args.from = vec![place.folder.path().join("source")];
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
    place.args.from = vec![place.write("mirror.zip", bundle)];
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
}

#[test]
fn a_folder_that_lacks_something_is_refused_before_anything_is_copied() {
    let mut place = Place::new("dog-breed");
    place.write("source/train/00a.jpg", "x");
    place.args.from = vec![place.folder.path().join("source")];
    let (message, _) = place.fetch().unwrap_err();
    for missing in ["no test images (`test`)", "no labels (`labels.csv`)", "no sample submission"] {
        assert!(message.contains(missing), "{message}");
    }
    assert!(place.files().is_empty());
}

#[test]
fn wrong_sources_are_told_as_such() {
    let mut place = Place::new("dogs-vs-cats");
    place.args.from = vec![place.folder.path().join("nowhere")];
    assert!(place.fetch().unwrap_err().0.contains("no file or folder"));
    place.args.from = vec![place.write("a.csv", "id,label\n")];
    assert!(place.fetch().unwrap_err().0.contains("neither a folder nor an archive"));
    place.args.from = vec![place.data()];
    assert!(place.fetch().unwrap_err().0.contains("is the data folder itself"));
    place.args.from = vec![place.write("broken.zip", &bundle(&dogs_files())[..200])];
    assert!(place.fetch().unwrap_err().0.contains("is damaged"));
    assert!(place.files().is_empty());
}

#[test]
fn data_that_do_not_fit_are_not_called_fetched() {
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, "source");
    place.write("source/sample_submission.csv", "id,label\n1,0.5\n2,0.5\n3,0.5\n");
    place.args.from = vec![place.folder.path().join("source")];
    let (message, _) = place.fetch().unwrap_err();
    assert!(message.contains("do not fit the competition"), "{message}");
    assert!(place.fetched().is_none());
}

#[test]
fn two_at_once_are_one_too_many() {
    let place = Place::new("dogs-vs-cats");
    fs::create_dir_all(place.data()).unwrap();
    let held = fs::File::open(place.data()).unwrap();
    held.file().lock().unwrap();
    assert!(place.fetch().unwrap_err().0.contains("another kaggle-kit is fetching"));
}
