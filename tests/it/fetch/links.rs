//! Sources that are full of links, pipes and worse; none of them is changed.

use std::os::unix::fs::symlink;

use super::*;

/// A source in Kaggle's layout, named by `--from`.
fn place_with_source() -> (Place, PathBuf) {
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, "source");
    let source = place.folder.path().join("source");
    place.args.from = vec![source.clone()];
    (place, source)
}

pub(super) fn pipe(path: &Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_source_that_the_data_folder_links_to_stays_whole() {
    let (mut place, source) = place_with_source();
    let before = files_below(&source);
    fs::create_dir_all(place.data()).unwrap();
    symlink(source.join("train"), place.data().join("train")).unwrap();
    symlink(source.join("test"), place.data().join("test")).unwrap();
    symlink(source.join("sample_submission.csv"), place.data().join("sample_submission.csv"))
        .unwrap();
    for force in [false, true, true] {
        place.args.mode = Mode { force, ..Mode::default() };
        place.fetch().unwrap();
        assert_eq!(files_below(&source), before);
        let parts = ["fetched.toml", "manifest.csv", "sample_submission.csv", "test", "train"];
        assert_eq!(place.files(), parts);
    }
    // What else is brought would be written into the source.
    place.args.from.push(place.write("more.zip", zip(&[("train/cat.0.jpg", b"another")])));
    assert!(place.fetch().unwrap_err().0.contains("is a link into a source"));
    assert_eq!(fs::read(source.join("train/cat.0.jpg")).unwrap(), b"c0");
}

#[test]
fn a_source_that_links_to_the_data_folder_takes_nothing_from_it() {
    let (mut place, source) = place_with_source();
    place.fetch().unwrap();
    fs::remove_dir_all(&source).unwrap();
    let mirror = place.folder.path().join("mirror");
    for part in ["train", "test"] {
        fs::create_dir_all(mirror.join(part)).unwrap();
        for entry in fs::read_dir(place.data().join(part)).unwrap() {
            let path = entry.unwrap().path();
            symlink(&path, mirror.join(part).join(path.file_name().unwrap())).unwrap();
        }
    }
    place.write("mirror/sample_submission.csv", "id,label\n1,0.5\n2,0.5\n");
    place.args.from = vec![mirror];
    place.args.mode = Mode { force: true, ..Mode::default() };
    place.fetch().unwrap();
    assert_eq!(place.files(), DOGS);
    assert_eq!(fs::read(place.data().join("train/dog.1.jpg")).unwrap(), b"d1");
}

#[test]
fn links_in_circles_and_what_is_no_file_are_passed_over() {
    let (place, source) = place_with_source();
    symlink(".", source.join("train/a")).unwrap();
    symlink("..", source.join("train/b")).unwrap();
    symlink("nowhere", source.join("train/old_thumb.png")).unwrap();
    symlink("itself.jpg", source.join("train/itself.jpg")).unwrap();
    pipe(&source.join("train/pipe.jpg"));
    symlink("/dev/zero", source.join("test/zero.jpg")).unwrap();
    let before = files_below(&source);
    place.fetch().unwrap();
    let files = place.files();
    // The way up leads to the test images once, as another folder.
    assert!(files.len() < 20, "{files:?}");
    assert!(!files.iter().any(|name| name.contains("thumb") || name.contains("pipe")), "{files:?}");
    assert!(DOGS.iter().all(|name| files.contains(&(*name).to_owned())), "{files:?}");
    assert_eq!(files_below(&source), before);
}

#[test]
fn a_folder_that_holds_the_data_folder_is_a_source_as_any_other() {
    let mut place = Place::new("dogs-vs-cats");
    dogs_folder(&place, ".");
    place.args.from = vec![place.folder.path().to_owned()];
    for force in [false, true] {
        place.args.mode = Mode { force, ..Mode::default() };
        place.fetch().unwrap();
        assert_eq!(place.files(), DOGS);
    }
    // Even where the images lie above it.
    let workspace = Workspace::new(place.folder.path().join("train"));
    fetch::run_in(&place.args, &workspace, &place.environment).unwrap();
    assert_eq!(files_below(&workspace.data().join("dogs-vs-cats")).len(), DOGS.len());
}

#[test]
fn a_pipe_as_source_is_refused() {
    let mut place = Place::new("dogs-vs-cats");
    let path = place.folder.path().join("train.zip");
    pipe(&path);
    place.args.from = vec![path];
    assert!(place.fetch().unwrap_err().0.contains("is a pipe, no plain file"));
    symlink("nowhere", place.folder.path().join("test.zip")).unwrap();
    place.args.from = vec![place.folder.path().join("test.zip")];
    assert!(place.fetch().unwrap_err().0.contains("is a broken link to `nowhere`"));
}

/// Pictures are linked; what people edit is theirs.
#[test]
fn what_people_edit_is_copied_wherever_it_lies() {
    use std::os::unix::fs::MetadataExt;
    const LABELS: &str = "[target.labels.csv]\nfile = \"LABELS\"\nid = \"id\"\nlabel = \"l\"";
    for (train, labels) in [(".", "train.csv"), ("pictures", "pictures/train.csv")] {
        let mut place = Place::new("dogs-vs-cats");
        let spec = kaggle_kit::competition::find("dogs-vs-cats").unwrap().source;
        let spec = spec
            .replace("train = [\"train\"]", &format!("train = [\"{train}\"]"))
            .replace("[target.labels.file-name]\nseparator = \".\"", LABELS)
            .replace("LABELS", labels);
        place.args.competition = place.write("mine.toml", spec).to_str().unwrap().to_owned();
        let inside =
            |name: &str| if train == "." { name.to_owned() } else { format!("{train}/{name}") };
        place.write(&format!("source/{}", inside("a.jpg")), "a");
        place.write(&format!("source/{}", inside("notes.txt")), "notes");
        place.write(&format!("source/{labels}"), "id,l\na,cat\n");
        place.write("source/test/1.jpg", "t1");
        place.write("source/test/2.jpg", "t2");
        place.write("source/sample_submission.csv", "id,label\n1,0.5\n2,0.5\n");
        place.write("source/fetched.toml", "somebody's own");
        let source = place.folder.path().join("source");
        place.args.from = vec![source.clone()];
        place.fetch().unwrap();
        let data = place.folder.path().join("data/mine");
        let is_linked = |name: &str| {
            let [a, b] =
                [&source, &data].map(|folder| fs::metadata(folder.join(name)).unwrap().ino());
            a == b
        };
        assert!(is_linked(&inside("a.jpg")) && is_linked("test/1.jpg"), "{train}");
        assert!(!is_linked(labels) && !is_linked("sample_submission.csv"), "{train}");
        assert!(fs::read_to_string(data.join("fetched.toml")).unwrap().contains("slug"));
    }
}
