//! `kaggle-kit new` against the stand-in: a spec out of Kaggle's list of files, before the download.

use kaggle_kit::competition::{self, Competition};
use kaggle_kit_standin::miniature::{Miniature, Sizes};
use kaggle_kit_standin::{Options, Rules, Server};

use crate::support::Scratch;

fn serve(competition: &Competition, sizes: Sizes, change: impl FnOnce(&mut Options)) -> Server {
    let miniature = Miniature::generate(competition, sizes, 3).unwrap();
    let mut options = Options::default();
    change(&mut options);
    kaggle_kit_standin::start(vec![miniature], options).unwrap()
}

/// The spec, and what was told.
fn new(server: &Server, slug: &str) -> (toml::Table, String) {
    let here = Scratch::new();
    let run = here
        .kaggle_kit()
        .args(["new", slug, "--yes", "--endpoint", &server.url(), "--output", "spec.toml"])
        .env("KAGGLE_API_TOKEN", &server.account().token)
        .assert()
        .success();
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    (toml::from_str(&here.read("spec.toml")).unwrap(), told)
}

/// What the built-in spec and the one that was made say alike.
fn assert_alike(competition: &Competition, spec: &toml::Table) {
    let built_in: toml::Table = toml::from_str(&competition.source).unwrap();
    for key in ["title", "slug", "metric", "submission"] {
        assert_eq!(spec[key], built_in[key], "{}: `{key}`\n{spec}", competition.name);
    }
    for (table, key) in [
        ("files", "train"),
        ("files", "test"),
        ("files", "sample"),
        ("target", "kind"),
        ("target", "labels"),
    ] {
        assert_eq!(
            spec[table][key], built_in[table][key],
            "{}: `{table}.{key}`\n{spec}",
            competition.name
        );
    }
}

#[test]
fn built_in_specs_are_found_again_from_kaggles_list_of_files() {
    for name in ["dog-breed", "planet"] {
        let competition = competition::find(name).unwrap();
        let server = serve(&competition, Sizes { train: 40, test: 16, classes: 5 }, |_| {});
        let (spec, told) = new(&server, &competition.slug);
        assert_alike(&competition, &spec);
        assert!(!told.contains("notebooks only"), "{told}");
        // Nothing but tables was asked of the storage.
        let stored = |path: &str| !path.starts_with("/api/");
        for request in server.requests().iter().filter(|request| stored(&request.path)) {
            assert!(request.path.contains(".csv"), "{}", request.path);
            assert!(request.range.is_some(), "{}", request.path);
        }
    }
}

#[test]
fn many_files_are_listed_folder_by_folder() {
    let competition = competition::find("dog-breed").unwrap();
    let server = serve(&competition, Sizes { train: 120, test: 84, classes: 5 }, |_| {});
    let (spec, _) = new(&server, &competition.slug);
    assert_alike(&competition, &spec);
    let calls = server.requests().iter().filter(|one| one.path.starts_with("/api/")).count();
    assert!(calls < 12, "{calls} calls");
}

#[test]
fn that_only_notebooks_are_taken_is_said_before_anything_is_downloaded() {
    let competition = competition::find("dog-breed").unwrap();
    let server = serve(&competition, Sizes::TINY, |options| options.notebooks_only = true);
    let (spec, told) = new(&server, &competition.slug);
    assert!(told.contains("warning: it takes notebooks only, no CSV"), "{told}");
    assert_eq!(spec["upload"].as_str(), Some("notebook"));
}

/// The names inside of `train.zip` are the labels, and nobody has looked into it.
#[test]
fn labels_that_are_packed_are_told() {
    let competition = competition::find("dogs-vs-cats").unwrap();
    let server = serve(&competition, Sizes::TINY, |_| {});
    let here = Scratch::new();
    let run = here
        .kaggle_kit()
        .args(["new", &competition.slug, "--yes", "--endpoint", &server.url()])
        .env("KAGGLE_API_TOKEN", &server.account().token)
        .assert()
        .code(1);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("what files are called in `train` is not known"), "{told}");
}

#[test]
fn a_name_that_kaggle_does_not_know_is_an_error() {
    let competition = competition::find("dog-breed").unwrap();
    let server = serve(&competition, Sizes::TINY, |_| {});
    let here = Scratch::new();
    here.kaggle_kit()
        .args(["new", "no-such-competition", "--yes", "--endpoint", &server.url()])
        .env("KAGGLE_API_TOKEN", &server.account().token)
        .assert()
        .code(4);
    assert!(!here.path().join("no-such-competition.toml").exists());
}

#[test]
fn rules_that_are_not_accepted_are_the_answer() {
    let competition = competition::find("dog-breed").unwrap();
    let server = serve(&competition, Sizes::TINY, |options| options.rules = Rules::NotAccepted);
    let here = Scratch::new();
    let run = here
        .kaggle_kit()
        .args(["new", &competition.slug, "--yes", "--endpoint", &server.url()])
        .env("KAGGLE_API_TOKEN", &server.account().token)
        .assert()
        .code(4);
    let told = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
    assert!(told.contains("hint: accept them on https://www.kaggle.com/competitions/"), "{told}");
}
