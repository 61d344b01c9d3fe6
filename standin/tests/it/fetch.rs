//! The real client against the stand-in.

use std::path::PathBuf;

use kaggle_kit::commands::fetch::{self, Args, Fetched};
use kaggle_kit::kaggle::{Client, Environment, SubmissionStatus};
use kaggle_kit::run::Workspace;
use kaggle_kit::{competition, fs, term};
use kaggle_kit_standin::miniature::{Miniature, Sizes};
use kaggle_kit_standin::secrets::NOTEBOOK_TOKEN;
use kaggle_kit_standin::{Endpoint, Fault, Faults, ImageFiles, Options, Rules, Server};

use crate::support::Scratch;

/// Somebody who fetches from a stand-in with its credentials.
struct Person {
    here: Scratch,
    args: Args,
    environment: Environment,
}

impl Person {
    fn of(server: &Server) -> Self {
        let competition = server.miniatures().next().unwrap().competition.name.clone();
        let args = Args { competition, endpoint: Some(server.url()), ..Args::default() };
        Self { here: Scratch::new(), args, environment: environment_of(server) }
    }

    fn workspace(&self) -> Workspace {
        Workspace::new(self.here.path())
    }

    fn data(&self) -> PathBuf {
        self.workspace().data().join(&self.args.competition)
    }

    fn fetch(&self) -> Result<(), (String, Vec<String>)> {
        fetch::run_in(&self.args, &self.workspace(), &self.environment)
            .map_err(|error| term::describe(&error))
    }

    fn fetched(&self) -> Option<Fetched> {
        Fetched::read(&self.data()).unwrap()
    }
}

/// A stand-in with one drawn competition.
fn serve(name: &str, change: impl FnOnce(&mut Options)) -> Server {
    let competition = competition::find(name).unwrap();
    let miniature = Miniature::generate(&competition, Sizes::TINY, 1).unwrap();
    let mut options = Options::default();
    change(&mut options);
    kaggle_kit_standin::start(vec![miniature], options).unwrap()
}

fn environment_of(server: &Server) -> Environment {
    Environment::from([("KAGGLE_API_TOKEN", server.account().token.as_str())])
}

#[test]
fn every_competition_is_fetched_from_the_stand_in() {
    for name in ["dogs-vs-cats", "dog-breed", "planet"] {
        let server = serve(name, |_| {});
        let person = Person::of(&server);
        person.fetch().unwrap();
        let fetched = person.fetched().unwrap();
        let sample = server.miniatures().next().unwrap().solution_csv().unwrap();
        assert_eq!(fetched.test_images, sample.lines().count() - 1, "{name}");
        assert!(fetched.train_images > 0, "{name}");
        for request in server.requests() {
            assert_eq!(request.authorized, request.path.starts_with("/api/"), "{}", request.path);
        }
        let asked = server.requests().len();
        person.fetch().unwrap();
        assert_eq!(server.requests().len(), asked, "{name}: a second fetch asks nobody");
    }
}

#[test]
fn storage_that_fails_and_breaks_off_is_outlasted() {
    let unavailable = Fault::Status { endpoint: Endpoint::Storage, status: 503, retry_after: None };
    let faults = Faults::from([unavailable, Fault::Cut(1000)]);
    let server = serve("dogs-vs-cats", |options| options.faults = vec![faults]);
    let person = Person::of(&server);
    person.fetch().unwrap();
    assert!(person.fetched().is_some());
    // The list, an address for each of three files, and five downloads: one more for each trouble.
    let requests = server.requests();
    let from_storage = requests.iter().filter(|request| request.method == "GET").count();
    assert_eq!((requests.len(), from_storage), (9, 5));
}

#[test]
fn the_stand_in_refuses_as_kaggle_does() {
    let server = serve("dogs-vs-cats", |options| options.rules = Rules::NotAccepted);
    let mut person = Person::of(&server);
    let (_, hints) = person.fetch().unwrap_err();
    assert!(hints[0].contains("/dogs-vs-cats-redux-kernels-edition/rules"), "{hints:?}");
    person.environment = Environment::from([("KAGGLE_API_TOKEN", "KGAT_other")]);
    let (message, _) = person.fetch().unwrap_err();
    assert!(
        message.contains("does not accept the credentials from `KAGGLE_API_TOKEN`"),
        "{message}"
    );

    let server = serve("planet", |options| options.images = ImageFiles::Withdrawn);
    let person = Person::of(&server);
    let (message, hints) = person.fetch().unwrap_err();
    assert!(message.contains("no training images"), "{message}");
    assert!(hints[0].contains("took planet's images off"), "{hints:?}");
}

#[test]
fn a_submission_is_scored_by_the_stand_in() {
    let server = serve("dogs-vs-cats", |_| {});
    let person = Person::of(&server);
    person.fetch().unwrap();
    let client = Client::connect(Some(&server.url()), &environment_of(&server)).unwrap();
    let slug = &competition::find(&person.args.competition).unwrap().slug;
    let sample = person.data().join("sample_submission.csv");
    let before = client.submission_limits(slug).unwrap().num_allowed_now;
    let submitted = client.submit(slug, &sample, "the sample", &()).unwrap();
    let submission = client.submission(submitted.reference).unwrap();
    assert_eq!(submission.status, SubmissionStatus::Complete);
    // One half for every image: the natural logarithm of 2.
    let score = submission.public_score.unwrap();
    assert!((score - std::f64::consts::LN_2).abs() < 1e-4, "{score}");
    assert_eq!(client.submission_limits(slug).unwrap().num_allowed_now, before - 1);
    assert_eq!(client.list_submissions(slug).unwrap()[0].reference, submitted.reference);
    let names: Vec<_> =
        client.first_files(slug).unwrap().files.into_iter().map(|file| file.name).collect();
    assert!(names.contains(&"sample_submission.csv".to_owned()), "{names:?}");
}

#[test]
fn a_notebook_has_its_competition_attached_and_its_secrets() {
    let server = serve("dogs-vs-cats", |_| {});
    let mut person = Person::of(&server);
    let address = server.url();
    person.environment = Environment::from([
        ("KAGGLE_USER_SECRETS_TOKEN", NOTEBOOK_TOKEN),
        ("KAGGLE_URL_BASE", address.as_str()),
    ]);
    person.fetch().unwrap();
    let data = person.data();

    // The same data, as Kaggle attaches them; nobody is asked for anything.
    let input = person.here.path().join("input");
    let slug = competition::find(&person.args.competition).unwrap().slug;
    let attached = input.join("competitions").join(slug);
    fs::create_dir_all(attached.parent().unwrap()).unwrap();
    fs::rename(&data, &attached).unwrap();
    for own in ["fetched.toml", "manifest.csv"] {
        fs::remove_file(attached.join(own)).unwrap();
    }
    drop(server);
    let input = input.display().to_string();
    person.environment = Environment::from([("KAGGLE_KIT_INPUT", input.as_str())]);
    person.fetch().unwrap();
    assert!(person.fetched().is_some() && data.join("train").is_dir());
    assert!(attached.join("train").is_dir());
}

#[test]
fn a_notebook_without_internet_is_told_what_to_attach() {
    let server = serve("dogs-vs-cats", |_| {});
    let mut person = Person::of(&server);
    person.environment = Environment::from([
        ("KAGGLE_API_TOKEN", server.account().token.as_str()),
        ("KAGGLE_KERNEL_RUN_TYPE", "Batch"),
    ]);
    drop(server);
    let (_, hints) = person.fetch().unwrap_err();
    assert!(hints.iter().any(|hint| hint.contains("attach the competition")), "{hints:?}");
}
