//! Servers that mean no good: answers without an end, our own secrets said back, addresses that lead
//! out of what is encrypted.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kaggle_kit::kaggle::{Class, Client, Environment, Error, RetryPolicy};

use super::server::{Reply, Server};
use super::{QUICK, SLUG, TOKEN, client};

const ONCE: RetryPolicy = RetryPolicy { retries: 0, ..QUICK };

#[test]
fn an_answer_without_an_end_is_not_read_to_it() {
    let server = Server::start(|_, _| {
        let body = format!("{{\"title\":\"{}\"}}", "x".repeat(17 << 20));
        Reply::json(&body)
    });
    let error = client(&server).competition(SLUG).unwrap_err();
    assert!(error.to_string().contains("an answer without an end: more than 16.8 MB"), "{error}");
    assert_eq!((error.class(), server.requests().len()), (Class::Network, 1));

    // Of an error its beginning is enough.
    let server = Server::start(|_, _| Reply::new(400, format!("no\n{}", "x".repeat(4 << 20))));
    let error = client(&server).competition(SLUG).unwrap_err();
    assert!(error.to_string().ends_with("with status 400 (no)"), "{error}");
}

#[test]
fn a_list_that_goes_round_in_circles_is_no_list() {
    let server = Server::start(|_, request| {
        let next = match request.json()["pageToken"].as_str().unwrap() {
            "a" => "b",
            _ => "a",
        };
        Reply::json(&format!(r#"{{"submissions":[{{"ref":8}}],"nextPageToken":"{next}"}}"#))
    });
    let error = client(&server).list_submissions(SLUG).unwrap_err();
    assert!(error.to_string().contains("a list without an end"), "{error}");
    assert!(server.requests().len() < 6, "{}", server.requests().len());
}

#[test]
fn a_leaderboard_that_is_cut_does_not_pass_for_the_whole() {
    let server = Server::start(|_, request| match request.call() {
        "DownloadLeaderboard" => Reply::new(200, vec![b'x'; (64 << 20) + 1]),
        _ => Reply::new(500, ""),
    });
    let error = client(&server).with_retry_policy(ONCE).leaderboard(SLUG, &()).unwrap_err();
    // Its pages were asked for instead.
    assert!(matches!(error, Error::Server { .. }), "{error}");
    assert_eq!(server.count("GetLeaderboard"), 1);
}

#[test]
fn what_a_server_says_back_is_searched_for_secrets() {
    let pair = BASE64_STANDARD.encode("ada:0123456789abcdef");
    for (variables, secrets) in [
        (vec![("KAGGLE_API_TOKEN", TOKEN)], vec![TOKEN.to_owned()]),
        (
            vec![("KAGGLE_USERNAME", "ada"), ("KAGGLE_KEY", "0123456789abcdef")],
            vec![pair, "0123456789abcdef".to_owned()],
        ),
    ] {
        let environment: Environment = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        for status in [200, 400, 401, 403, 404, 429, 500] {
            let said = secrets.join(" ");
            let server = Server::start(move |_, request| {
                let echo = request.header("Authorization").unwrap();
                Reply::new(status, format!(r#"{{"code":{status},"message":"{echo} {said}"}}"#))
            });
            let client = Client::connect(Some(&server.url()), &environment).unwrap();
            let result = client.with_retry_policy(ONCE).competition(SLUG);
            let mut told = format!("{result:?}");
            told.extend(result.err().map(|error| error.to_string()));
            for secret in &secrets {
                assert!(!told.contains(secret), "{status}: {told}");
            }
        }
        // A good answer may echo as well.
        let said = secrets[0].clone();
        let server = Server::start(move |_, _| Reply::json(&format!(r#"{{"title":"{said}"}}"#)));
        let client = Client::connect(Some(&server.url()), &environment).unwrap();
        assert_eq!(client.competition(SLUG).unwrap().title, "***");
    }
}

#[test]
fn no_address_leads_out_of_what_is_encrypted() {
    for to in ["http://198.51.100.7/x?Signature=0123456789", "ftp://localhost/x"] {
        let server = Server::start(move |_, _| Reply::redirect(to));
        let error = client(&server).bundle_head(SLUG).unwrap_err();
        assert!(error.to_string().contains("not safe to follow"), "{error}");
        assert!(!error.to_string().contains("0123456789"), "{error}");

        let here = tempfile::tempdir().unwrap();
        let csv = here.path().join("s.csv");
        kaggle_kit::fs::write_atomic(&csv, "id,label\n1,0\n").unwrap();
        let place = format!(r#"{{"token":"t","createUrl":"{to}"}}"#);
        let server = Server::start(move |_, _| Reply::json(&place));
        let error = client(&server).submit(SLUG, &csv, "m", &()).unwrap_err();
        assert!(error.to_string().contains("not safe to use"), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}
