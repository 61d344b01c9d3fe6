//! The client against a server that says, and fails, what the test wants.

mod credentials;
mod downloads;
mod hostile;
mod leaderboard;
mod listed;
mod refusals;
pub(crate) mod server;
mod submissions;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kaggle_kit::kaggle::{Class, Client, Environment, Error, RetryPolicy};
use server::{Reply, Server};

const SLUG: &str = "dog-breed-identification";
const TOKEN: &str = "KGAT_0123456789abcdef";

/// Does not wait long.
const QUICK: RetryPolicy = RetryPolicy {
    retries: 5,
    first: Duration::from_millis(1),
    longest: Duration::from_secs(60),
    longest_asked: Duration::from_secs(60),
    silence: Duration::from_secs(30),
};

/// A client of this server that does not wait long.
fn client(server: &Server) -> Client {
    let environment = Environment::from([("KAGGLE_API_TOKEN", TOKEN)]);
    Client::connect(Some(&server.url()), &environment).unwrap().with_retry_policy(QUICK)
}

#[test]
fn calls_say_who_asks_and_what() {
    let server = Server::start(|_, _| Reply::json(r#"{"title":"Dogs","userHasEntered":true}"#));
    let info = client(&server).competition(SLUG).unwrap();
    assert!(info.user_has_entered);
    assert_eq!(info.title, "Dogs");
    let request = &server.requests()[0];
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, "/api/v1/competitions.CompetitionApiService/GetCompetition");
    assert_eq!(request.header("Authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    assert_eq!(request.header("Content-Type"), Some("application/json"));
    let agent = request.header("User-Agent").unwrap();
    assert_eq!(agent, concat!("kaggle-kit/", env!("CARGO_PKG_VERSION")));
    assert_eq!(request.json(), serde_json::json!({ "competitionName": SLUG }));
}

#[test]
fn a_name_and_key_go_as_basic() {
    let server = Server::start(|_, _| Reply::json("{}"));
    let environment = Environment::from([("KAGGLE_USERNAME", "ada"), ("KAGGLE_KEY", "k3y")]);
    let client = Client::connect(Some(&server.url()), &environment).unwrap();
    client.submission_limits(SLUG).unwrap();
    let expected = format!("Basic {}", BASE64_STANDARD.encode("ada:k3y"));
    assert_eq!(server.requests()[0].header("Authorization"), Some(expected.as_str()));
}

#[test]
fn lists_are_read_page_by_page() {
    let server = Server::start(|_, request| match request.json()["pageToken"].as_str().unwrap() {
        "" => Reply::json(r#"{"submissions":[{"ref":8}],"nextPageToken":"2"}"#),
        _ => Reply::json(r#"{"submissions":[{"ref":7}],"nextPageToken":""}"#),
    });
    let submissions = client(&server).list_submissions(SLUG).unwrap();
    let references: Vec<_> = submissions.iter().map(|submission| submission.reference).collect();
    assert_eq!(references, [8, 7]);
    assert_eq!(server.requests()[1].json()["pageSize"], 200);
}

#[test]
fn the_first_page_of_files_says_whether_there_are_more() {
    let server = Server::start(|_, _| {
        Reply::json(r#"{"files":[{"name":"a.csv","totalBytes":7}],"nextPageToken":"2"}"#)
    });
    let first = client(&server).first_files(SLUG).unwrap();
    assert_eq!((first.files[0].name.as_str(), first.files[0].total_bytes), ("a.csv", 7));
    assert!(first.more);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_busy_server_is_asked_again_and_again_but_not_for_ever() {
    for (status, waits) in [(503, true), (500, true), (429, true), (404, false), (401, false)] {
        let server = Server::start(move |n, _| match n {
            0..2 => Reply::new(status, "{}").with("Retry-After", "0"),
            _ => Reply::json("{}"),
        });
        let result = client(&server).submission_limits(SLUG);
        assert_eq!(result.is_ok(), waits, "{status}");
        assert_eq!(server.requests().len(), if waits { 3 } else { 1 }, "{status}");
    }
    let server = Server::start(|_, _| Reply::new(503, "down"));
    let error = client(&server).submission_limits(SLUG).unwrap_err();
    assert!(error.to_string().contains("503 (down)"), "{error}");
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn retry_after_is_waited_for_up_to_a_bound() {
    let server = Server::start(|n, _| match n {
        0 => Reply::new(429, "").with("Retry-After", "1"),
        _ => Reply::json("{}"),
    });
    let start = std::time::Instant::now();
    client(&server).submission_limits(SLUG).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
    let server = Server::start(|_, _| Reply::new(429, "").with("Retry-After", "3600"));
    let error = client(&server).submission_limits(SLUG).unwrap_err();
    assert!(error.to_string().contains("hint: try again in 60 min"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_page_or_a_redirect_is_no_answer() {
    let server = Server::start(|_, _| Reply::new(200, "<html>hello</html>"));
    let error = client(&server).competition(SLUG).unwrap_err();
    assert!(error.to_string().contains("a web page"), "{error}");
    let server = Server::start(|_, _| Reply::redirect("http://127.0.0.1:9/login"));
    let error = client(&server).competition(SLUG).unwrap_err();
    assert!(error.to_string().contains("a redirect to `http://127.0.0.1:9/login`"), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn nobody_there_is_told_as_such() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let environment = Environment::from([("KAGGLE_API_TOKEN", TOKEN)]);
    let client = Client::connect(Some(&address), &environment).unwrap();
    let quick = RetryPolicy { retries: 1, first: Duration::ZERO, ..RetryPolicy::default() };
    let error = client.with_retry_policy(quick).competition(SLUG).unwrap_err();
    assert!(matches!(error, Error::Network { .. }), "{error}");
    assert!(error.to_string().contains("onnection refused"), "{error}");
}

#[test]
fn every_refusal_has_its_class() {
    for (status, body, class) in [
        (401, "", Class::Credentials),
        (403, r#"{"code":403,"message":"You must accept this competition's rules"}"#, Class::Rules),
        (403, "", Class::Rules),
        (200, r#"{"code":403,"message":"Permission denied"}"#, Class::Rules),
        (404, "", Class::NotFound),
        (429, "", Class::RateLimited),
        (500, "", Class::Network),
        (200, "<html>", Class::Network),
        (400, "", Class::Other),
    ] {
        let server = Server::start(move |_, _| Reply::new(status, body));
        let policy = RetryPolicy { retries: 0, ..QUICK };
        let error = client(&server).with_retry_policy(policy).competition(SLUG).unwrap_err();
        assert_eq!(error.class(), class, "{status}: {error}");
        assert!(!error.to_string().contains(TOKEN), "{error}");
    }
}
