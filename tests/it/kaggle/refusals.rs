//! What must not become a file: wrong bytes, error bodies, a second process, a full disk; and what
//! none of it may give away.

use std::fmt::Write;
use std::time::Duration;

use kaggle_kit::fs;
use kaggle_kit::kaggle::{Class, Error, RetryPolicy};

use super::downloads::{NO_RETRY, Place, bundle_server, content, gets};
use super::server::{Reply, Request, hashes};
use super::{QUICK, TOKEN};

#[test]
fn wrong_bytes_are_fetched_once_more_and_then_refused() {
    let mut wrong = content();
    wrong[7] ^= 1;
    let md5 = hashes(&content()).split_once(',').unwrap().1.to_owned();
    let crc32c = hashes(&content()).split_once(',').unwrap().0.to_owned();
    for (name, hash) in [("MD5", md5), ("CRC32C", crc32c)] {
        for heals in [true, false] {
            let (wrong, whole, hash) = (wrong.clone(), content(), hash.clone());
            let server = bundle_server(move |n, request| {
                let bytes = if heals && n > 0 { &whole } else { &wrong };
                Reply::file(request, bytes, "\"1\"")
                    .without("x-goog-hash")
                    .with("x-goog-hash", hash.clone())
            });
            let place = Place::new();
            let result = place.fetch(&server, QUICK);
            assert_eq!(gets(&server), [None, None], "{name}");
            assert!(place.notes.text().contains(name), "{}", place.notes.text());
            if heals {
                assert_eq!(result.unwrap().fetched, 600_000);
                place.is_whole(&content());
            } else {
                let error = result.unwrap_err();
                assert!(matches!(error, Error::Damaged { .. }), "{error}");
                assert!(error.to_string().contains(name), "{error}");
                assert!(place.leftovers().is_empty());
            }
        }
    }
}

#[test]
fn an_error_with_status_200_never_lands_in_the_file() {
    for (body, kind, class) in [
        ("\n<!DOCTYPE HTML><html>Sign in</html>", "text/plain", Class::Network),
        ("Sign in", "text/html; charset=utf-8", Class::Network),
        (r#"{"code":404,"message":"NotFound"}"#, "application/octet-stream", Class::NotFound),
        (r#"{"error":{"code":403,"message":"x"}}"#, "application/json", Class::Network),
        (r#"{"files":[]}"#, "application/json", Class::Network),
        ("<Error><Code>NoSuchKey</Code></Error>", "application/xml", Class::Other),
    ] {
        // From the beginning, and in the middle.
        let server = bundle_server(move |_, _| Reply::new(200, body).with("Content-Type", kind));
        let place = Place::new();
        let error = place.fetch(&server, NO_RETRY).unwrap_err();
        assert_eq!(error.class(), class, "{body}: {error}");
        assert!(place.leftovers().is_empty(), "{body}");

        let whole = content();
        let served = whole.clone();
        let server = bundle_server(move |n, request| match n {
            0 => Reply::file(request, &served, "\"1\"").cut_at(1234),
            1 => Reply::new(200, body).with("Content-Type", kind),
            _ => Reply::file(request, &served, "\"1\""),
        });
        let place = Place::new();
        place.fetch(&server, NO_RETRY).unwrap_err();
        place.fetch(&server, NO_RETRY).unwrap_err();
        assert_eq!(place.part(), whole[..1234], "{body}");
        assert_eq!(place.fetch(&server, NO_RETRY).unwrap().fetched, 300_000 - 1234);
        place.is_whole(&whole);
    }
}

#[test]
fn a_second_process_waits_its_turn() {
    let served = content();
    let server = bundle_server(move |_, request| {
        Reply::file(request, &served, "\"1\"").cut_at(5000).silent_for(Duration::from_secs(3))
    });
    let place = Place::new();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| place.fetch(&server, NO_RETRY));
        while gets(&server).is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        let error = place.fetch(&server, QUICK).unwrap_err();
        assert!(matches!(error, Error::Busy { .. }), "{error}");
        assert!(error.to_string().contains("bundle.zip`\nhint: wait"), "{error}");
        assert!(first.join().unwrap().is_err());
    });
    assert_eq!(place.part().len(), 5000);
}

#[test]
fn a_disk_that_is_too_small_is_told_before_a_byte_is_fetched() {
    let server = bundle_server(|_, _| {
        Reply::new(200, "PK").with("Content-Length", "1000000000000000000").with("ETag", "\"1\"")
    });
    let place = Place::new();
    let error = place.fetch(&server, NO_RETRY).unwrap_err();
    assert!(matches!(error, Error::NoSpace { .. }), "{error}");
    assert!(error.to_string().contains("are free\nhint: free some disk space"), "{error}");
    assert!(place.leftovers().is_empty());
}

#[test]
fn no_trouble_gives_a_secret_away() {
    type Trouble = fn(usize, &Request) -> Reply;
    let troubles: [Trouble; 8] = [
        |n, request| Reply::file(request, &content(), "\"1\"").cut_at(if n > 0 { 0 } else { 9 }),
        |_, _| Reply::new(403, "<Error><Code>ExpiredToken</Code></Error>"),
        |_, _| Reply::new(404, ""),
        |_, _| Reply::new(429, "").with("Retry-After", "3600"),
        |_, _| Reply::new(503, "down"),
        |_, _| Reply::new(200, "<html></html>"),
        |_, _| Reply::redirect("ftp://localhost/x?Signature=s3cret"),
        |_, request| {
            Reply::file(request, b"x", "\"1\"")
                .without("x-goog-hash")
                .with("x-goog-hash", hashes(b"y"))
        },
    ];
    for (n, trouble) in troubles.into_iter().enumerate() {
        let server = bundle_server(trouble);
        let place = Place::new();
        let error = place.fetch(&server, RetryPolicy { retries: 1, ..QUICK }).unwrap_err();
        let mut said = format!("{error} {error:?} {error:#?} {}", place.notes.text());
        let mut source: Option<&dyn std::error::Error> = std::error::Error::source(&error);
        while let Some(cause) = source {
            write!(said, " {cause} {cause:?}").unwrap();
            source = cause.source();
        }
        for name in place.leftovers().iter().filter(|name| name.contains(".toml")) {
            said += &fs::read_to_string(place.path().with_file_name(name)).unwrap();
        }
        assert!(!said.contains("s3cret") && !said.contains(TOKEN), "trouble {n}: {said}");
    }
}
