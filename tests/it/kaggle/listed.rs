//! Files of which only Kaggle's list tells how large they are.

use std::path::PathBuf;

use kaggle_kit::fs;
use kaggle_kit::kaggle::{Error, Received, RetryPolicy};

use super::downloads::{NO_RETRY, content};
use super::server::{Reply, Server, hashes};
use super::{QUICK, SLUG, client};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("archives").join(name)
    }

    fn fetch(
        &self,
        server: &Server,
        name: &str,
        listed: u64,
        policy: RetryPolicy,
    ) -> Result<Received, Error> {
        let client = client(server).with_retry_policy(policy);
        client.download_file(SLUG, name, Some(listed), &self.path(name), &())
    }

    fn leftovers(&self) -> usize {
        fs::read_dir(self.0.path().join("archives")).unwrap().count()
    }
}

#[test]
fn a_file_that_ends_early_is_not_taken_for_whole() {
    let table = b"id,breed\n1,pug\n2,boxer\n".to_vec();
    let place = Place::new();
    let served = table.clone();
    let server = Server::start(move |_, _| Reply::new(200, &served[..15]).without_length());
    let error = place.fetch(&server, "labels.csv", 23, NO_RETRY).unwrap_err();
    assert!(error.to_string().contains("ended after 15 bytes, and 23 are listed"), "{error}");
    // Nothing to go on from: the server would not know what it is asked for.
    assert_eq!(place.leftovers(), 0);
    // The line holds the second time; and a list that says nothing is not compared with.
    let server = Server::start(move |n, _| {
        let bytes = if n == 0 { &table[..15] } else { &table[..] };
        Reply::new(200, bytes).without_length()
    });
    let received = place.fetch(&server, "labels.csv", 23, QUICK).unwrap();
    assert_eq!((received.bytes, received.is_announced), (23, false));
    assert!(place.fetch(&server, "other.csv", 0, QUICK).is_ok());
}

#[test]
fn what_the_server_announces_counts_more_than_the_list() {
    let place = Place::new();
    let server = Server::start(|_, _| Reply::new(200, "id,breed\n1,pug\n"));
    let received = place.fetch(&server, "a.csv", 24, QUICK).unwrap();
    assert_eq!((received.bytes, received.is_announced), (15, true));
    let server = Server::start(|_, _| {
        let hashes = hashes(b"id,breed\n1,pug\n");
        Reply::new(200, "id,breed\n1,pug\n").without_length().with("x-goog-hash", hashes)
    });
    assert!(place.fetch(&server, "b.csv", 24, QUICK).unwrap().is_announced);
}

#[test]
fn a_file_without_end_is_left_where_it_is() {
    let place = Place::new();
    let server = Server::start(|_, _| Reply::new(200, content()).without_end());
    for name in ["labels.csv", "train.zip"] {
        let error = place.fetch(&server, name, 441, QUICK).unwrap_err();
        assert!(error.to_string().contains("bytes or more, and 441 are listed"), "{error}");
        assert_eq!(place.leftovers(), 0);
    }
    // Nor one that is announced to be far larger than listed.
    let server = Server::start(|_, _| Reply::new(200, "x").with("Content-Length", "5000000"));
    let error = place.fetch(&server, "labels.csv", 441, QUICK).unwrap_err();
    assert!(error.to_string().contains("5000000 bytes or more, and 441 are listed"), "{error}");
    assert_eq!(place.leftovers(), 0);
}
