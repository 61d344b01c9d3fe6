//! The real client against the real stand-in.

use kaggle_kit::competition;
use kaggle_kit::kaggle::{Client, Environment, SubmissionStatus};
use kaggle_kit::standin::miniature::{Miniature, Sizes};
use kaggle_kit::standin::{self, Fault, Faults, Images, Rules};

use super::Place;

impl Place {
    /// A place that fetches from this stand-in with its credentials.
    fn of(server: &standin::Server) -> Self {
        let mut place = Self::new(&server.miniatures().next().unwrap().competition.name);
        place.args.endpoint = Some(server.url());
        place.environment = environment_of(server);
        place
    }
}

/// A stand-in with one drawn competition.
fn serve(name: &str, change: impl FnOnce(&mut standin::Options)) -> standin::Server {
    let competition = competition::find(name).unwrap();
    let miniature = Miniature::generate(&competition, Sizes::tiny(), 1).unwrap();
    let mut options = standin::Options::new(vec![miniature]);
    change(&mut options);
    standin::start(options).unwrap()
}

fn environment_of(server: &standin::Server) -> Environment {
    Environment::from([("KAGGLE_API_TOKEN", server.account().token.as_str())])
}

#[test]
fn every_competition_is_fetched_from_the_stand_in() {
    for name in ["dogs-vs-cats", "dog-breed", "planet"] {
        let server = serve(name, |_| {});
        let place = Place::of(&server);
        place.fetch().unwrap();
        let fetched = place.fetched().unwrap();
        let sample = server.miniatures().next().unwrap().solution_csv().unwrap();
        assert_eq!(fetched.test_images, sample.lines().count() - 1, "{name}");
        assert!(fetched.train_images > 0, "{name}");
        for request in server.requests() {
            assert_eq!(request.authorized, request.path.starts_with("/api/"), "{}", request.path);
        }
        let asked = server.requests().len();
        place.fetch().unwrap();
        assert_eq!(server.requests().len(), asked, "{name}: a second fetch asks nobody");
    }
}

#[test]
fn storage_that_fails_and_breaks_off_is_outlasted() {
    let unavailable =
        Fault::Status { place: standin::Place::Storage, status: 503, retry_after: None };
    let faults = Faults::from([unavailable, Fault::Cut(1000)]);
    let server = serve("dogs-vs-cats", |options| options.faults = faults);
    let place = Place::of(&server);
    place.fetch().unwrap();
    assert!(place.fetched().is_some());
    // The list, an address for each of three files, and five downloads: one more for each trouble.
    let requests = server.requests();
    let from_storage = requests.iter().filter(|request| request.method == "GET").count();
    assert_eq!((requests.len(), from_storage), (9, 5));
}

#[test]
fn the_stand_in_refuses_as_kaggle_does() {
    let server = serve("dogs-vs-cats", |options| options.rules = Rules::NotAccepted);
    let mut place = Place::of(&server);
    let (_, hints) = place.fetch().unwrap_err();
    assert!(hints[0].contains("/dogs-vs-cats-redux-kernels-edition/rules"), "{hints:?}");
    place.environment = Environment::from([("KAGGLE_API_TOKEN", "KGAT_other")]);
    let (message, _) = place.fetch().unwrap_err();
    assert!(
        message.contains("does not accept the credentials from `KAGGLE_API_TOKEN`"),
        "{message}"
    );

    let server = serve("planet", |options| options.images = Images::Withdrawn);
    let place = Place::of(&server);
    let (message, hints) = place.fetch().unwrap_err();
    assert!(message.contains("no training images"), "{message}");
    assert!(hints[0].contains("took planet's images off"), "{hints:?}");
}

#[test]
fn a_submission_is_scored_by_the_stand_in() {
    let server = serve("dogs-vs-cats", |_| {});
    let place = Place::of(&server);
    place.fetch().unwrap();
    let client = Client::connect(Some(&server.url()), &environment_of(&server)).unwrap();
    let slug = &competition::find(&place.args.competition).unwrap().slug;
    let sample = place.data().join("sample_submission.csv");
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
