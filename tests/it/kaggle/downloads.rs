//! Downloads through every trouble: no byte that has arrived is lost, none is fetched twice, and
//! what lands is whole.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kaggle_kit::fs;
use kaggle_kit::kaggle::{Class, Error, Received, RetryPolicy, download};
use kaggle_kit::progress::Progress;

use super::server::{Reply, Request, Server, hashes};
use super::{QUICK, SLUG, client};

/// So many bytes that no two stretches of it are alike.
pub(super) fn content() -> Vec<u8> {
    (0..300_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .take(300_000)
        .collect()
}

/// A server whose API redirects to its other name; `reply` gets the number of the `GET`.
pub(super) fn bundle_server(
    reply: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
) -> Server {
    let downloads = AtomicUsize::new(0);
    Server::start(move |n, request| {
        if request.call() == "DownloadDataFiles" {
            let host = request.header("Host").unwrap().replace("127.0.0.1", "localhost");
            return Reply::redirect(format!(
                "http://{host}/bundle/archive.zip?Signature=s3cret&n={n}"
            ));
        }
        reply(downloads.fetch_add(1, Ordering::SeqCst), request)
    })
}

/// What is told in the middle of the work.
#[derive(Default)]
pub(super) struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

impl Notes {
    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

/// A folder, and the bundle in it.
pub(super) struct Place {
    folder: tempfile::TempDir,
    pub(super) notes: Notes,
}

impl Place {
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), notes: Notes::default() }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("archives/bundle.zip")
    }

    /// One call of a new client, as another process would make it.
    pub(super) fn fetch(&self, server: &Server, policy: RetryPolicy) -> Result<Received, Error> {
        let before = self.path().exists();
        let client = client(server).with_retry_policy(policy);
        let result = client.download_bundle(SLUG, &self.path(), &self.notes);
        assert_eq!(
            self.path().exists(),
            before || result.is_ok(),
            "there exactly when all is well"
        );
        result
    }

    pub(super) fn leftovers(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("archives")).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(super) fn part(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("archives/bundle.zip.part")).unwrap()
    }

    pub(super) fn is_whole(&self, content: &[u8]) {
        assert!(fs::read(self.path()).unwrap() == content, "other bytes than the server's");
        assert_eq!(self.leftovers(), ["bundle.zip"]);
    }
}

/// Where the questions to storage begin.
pub(super) fn gets(server: &Server) -> Vec<Option<usize>> {
    let requests = server.requests();
    requests.iter().filter(|r| r.method == "GET").map(Request::start).collect()
}

pub(super) const NO_RETRY: RetryPolicy = RetryPolicy { retries: 0, ..QUICK };

#[test]
fn storage_never_sees_the_credentials() {
    let whole = content();
    let served = whole.clone();
    let server = bundle_server(move |_, request| Reply::file(request, &served, "\"1\""));
    let place = Place::new();
    let received = place.fetch(&server, QUICK).unwrap();
    assert_eq!((received.bytes, received.fetched), (300_000, 300_000));
    assert_eq!(received.host, "localhost");
    place.is_whole(&whole);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].header("Authorization").is_some());
    assert_eq!((requests[1].method.as_str(), requests[1].header("Authorization")), ("GET", None));
    assert!(requests[1].header("Host").unwrap().starts_with("localhost"));
    assert!(requests[1].body.is_empty());
}

#[test]
fn a_download_that_is_cut_again_and_again_fetches_every_byte_once() {
    let whole = content();
    let served = whole.clone();
    let cuts = [1, 4096, 100_000, 128_000, 5];
    let server = bundle_server(move |n, request| {
        Reply::file(request, &served, "\"1\"").cut_at(cuts.get(n).copied().unwrap_or(usize::MAX))
    });
    let place = Place::new();
    // More cuts than retries: those that brought something do not count.
    let received = place.fetch(&server, RetryPolicy { retries: 1, ..QUICK }).unwrap();
    assert_eq!((received.bytes, received.fetched), (300_000, 300_000));
    place.is_whole(&whole);
    let starts: Vec<_> = gets(&server).into_iter().map(Option::unwrap_or_default).collect();
    assert_eq!(starts, [0, 1, 4097, 104_097, 232_097, 232_102]);
    let ranged = server.requests().into_iter().filter(|request| request.start().is_some());
    assert!(ranged.into_iter().all(|request| request.header("If-Range") == Some("\"1\"")));
    assert_eq!(server.count("DownloadDataFiles"), 1, "the address is asked for once");
}

#[test]
fn what_arrived_outlives_the_process() {
    let whole = content();
    let served = whole.clone();
    let server = bundle_server(move |n, request| {
        let reply = Reply::file(request, &served, "\"1\"");
        if n < 2 { reply.cut_at(100_000) } else { reply }
    });
    let place = Place::new();
    for kept in [100_000, 200_000] {
        let error = place.fetch(&server, NO_RETRY).unwrap_err();
        assert_eq!(error.class(), Class::Network);
        assert!(error.to_string().contains(&format!("after {kept} of 300000 bytes")), "{error}");
        assert_eq!(place.part().len(), kept);
    }
    let received = place.fetch(&server, NO_RETRY).unwrap();
    assert_eq!((received.bytes, received.fetched), (300_000, 100_000));
    place.is_whole(&whole);
}

#[test]
fn a_server_that_brings_nothing_more_is_given_up() {
    let served = content();
    let server = bundle_server(move |n, request| {
        Reply::file(request, &served, "\"1\"").cut_at(if n == 0 { 1000 } else { 0 })
    });
    let place = Place::new();
    let error = place.fetch(&server, RetryPolicy { retries: 3, ..QUICK }).unwrap_err();
    assert!(error.to_string().contains("after 1000 of 300000 bytes"), "{error}");
    assert_eq!(gets(&server).len(), 4, "one that brought something, and three that did not");
    assert_eq!(place.part().len(), 1000);
}

#[test]
fn silence_is_not_waited_for_forever() {
    let whole = content();
    let served = whole.clone();
    let server = bundle_server(move |n, request| {
        let reply = Reply::file(request, &served, "\"1\"");
        if n == 0 { reply.cut_at(5000).silent_for(Duration::from_secs(20)) } else { reply }
    });
    let place = Place::new();
    let impatient = RetryPolicy { silence: Duration::from_millis(300), ..QUICK };
    let start = std::time::Instant::now();
    place.fetch(&server, impatient).unwrap();
    assert!(start.elapsed() < Duration::from_secs(15));
    assert!(
        place.notes.text().contains("nothing more came after 5000 of"),
        "{}",
        place.notes.text()
    );
    place.is_whole(&whole);
    assert_eq!(gets(&server), [None, Some(5000)]);
}

#[test]
fn storage_that_is_busy_is_waited_for_and_the_wait_is_told() {
    for (status, after, told) in [
        (429, Some("1"), "as the server asks"),
        (429, None, "asked too often"),
        (429, Some("a date"), "as the server asks"),
        (503, Some("1"), "as the server asks"),
        (500, None, "failed with status 500"),
    ] {
        let (whole, after) = (content(), after.map(str::to_owned));
        let served = whole.clone();
        let server = bundle_server(move |n, request| match (n, &after) {
            (0, Some(after)) if after == "a date" => {
                let soon = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
                let date = soon.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                Reply::new(status, "").with("Retry-After", date)
            }
            (0, Some(after)) => Reply::new(status, "").with("Retry-After", after),
            (0, None) => Reply::new(status, ""),
            _ => Reply::file(request, &served, "\"1\""),
        });
        let place = Place::new();
        place.fetch(&server, QUICK).unwrap();
        place.is_whole(&whole);
        assert!(place.notes.text().contains(told), "{}", place.notes.text());
        assert_eq!(server.count("DownloadDataFiles"), 1);
    }
}

#[test]
fn an_expired_address_is_replaced_and_nothing_is_lost() {
    for (status, body) in [
        (400, "<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>"),
        (403, ""),
        (410, ""),
        // An error can hide behind status 200.
        (200, "<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>"),
    ] {
        let whole = content();
        let served = whole.clone();
        let server = bundle_server(move |n, request| match n {
            0 => Reply::file(request, &served, "\"1\"").cut_at(1234),
            1 => Reply::new(status, body),
            _ => Reply::file(request, &served, "\"1\""),
        });
        let place = Place::new();
        let received = place.fetch(&server, QUICK).unwrap();
        assert_eq!(received.fetched, 300_000, "{status}");
        place.is_whole(&whole);
        if status != 200 {
            assert!(place.notes.text().contains("asking for a new one"), "{}", place.notes.text());
        }
        assert_eq!(gets(&server).last(), Some(&Some(1234)));
    }
    let server = bundle_server(|_, _| Reply::new(403, "no"));
    let error = Place::new().fetch(&server, RetryPolicy { retries: 2, ..QUICK }).unwrap_err();
    assert!(matches!(error, Error::Expired { .. }), "{error}");
    assert_eq!(server.count("DownloadDataFiles"), 3, "not for ever");
}

#[test]
fn a_file_that_changes_in_the_middle_is_fetched_anew() {
    let (old, new) = (content(), vec![9; 200_000]);
    let served = new.clone();
    let server = bundle_server(move |n, request| match n {
        0 => Reply::file(request, &old, "\"1\"").cut_at(1234),
        _ => Reply::file(request, &served, "\"2\""),
    });
    let place = Place::new();
    let received = place.fetch(&server, QUICK).unwrap();
    assert_eq!((received.bytes, received.fetched), (200_000, 201_234));
    assert!(place.notes.text().contains("changed on the server"), "{}", place.notes.text());
    place.is_whole(&new);
}

#[test]
fn a_server_that_ignores_conditions_does_not_mix_versions() {
    let (old, new) = (content(), vec![9; 300_000]);
    let served = new.clone();
    let server = bundle_server(move |n, request| match n {
        0 => Reply::file(request, &old, "\"1\"").cut_at(1234),
        1 => Reply::new(206, &served[1234..])
            .with("Content-Range", "bytes 1234-299999/300000")
            .with("ETag", "\"2\""),
        _ => Reply::file(request, &served, "\"2\""),
    });
    let place = Place::new();
    place.fetch(&server, QUICK).unwrap();
    place.is_whole(&new);
}

#[test]
fn a_server_without_ranges_is_passed_over_to_what_is_missing() {
    let whole = content();
    let served = whole.clone();
    let server = bundle_server(move |n, _| {
        let reply = Reply::new(200, served.clone())
            .with("Last-Modified", "Thu, 01 Sep 2016 18:06:17 GMT")
            .with("x-goog-hash", hashes(&served));
        // The second attempt ends before the first did.
        reply.cut_at([200_000, 50_000, usize::MAX][n])
    });
    let place = Place::new();
    let received = place.fetch(&server, QUICK).unwrap();
    assert_eq!((received.bytes, received.fetched), (300_000, 550_000));
    place.is_whole(&whole);
    let requests = server.requests();
    let last = requests.last().unwrap();
    assert_eq!(last.start(), Some(200_000));
    assert_eq!(last.header("If-Range"), Some("Thu, 01 Sep 2016 18:06:17 GMT"));
}

#[test]
fn bytes_that_nothing_vouches_for_are_not_kept() {
    let whole = content();
    let served = whole.clone();
    let server = bundle_server(move |n, request| {
        let reply = Reply::file(request, &served, "\"1\"").without("ETag").without("x-goog-hash");
        if n == 0 { reply.cut_at(1000) } else { reply }
    });
    let place = Place::new();
    place.fetch(&server, QUICK).unwrap();
    place.is_whole(&whole);
    assert_eq!(gets(&server), [None, None]);
}

#[test]
fn a_range_beyond_the_end_is_sorted_out() {
    let whole = content();
    let served = whole.clone();
    // Without a length, nobody knows that the first answer was all; the second one tells.
    let chunked = bundle_server(move |n, request| {
        let reply = Reply::file(request, &served, "\"1\"");
        if n == 0 {
            reply.cut_at(100)
        } else {
            Reply::new(416, "").with("Content-Range", "bytes */50")
        }
    });
    let place = Place::new();
    let error = place.fetch(&chunked, RetryPolicy { retries: 1, ..QUICK }).unwrap_err();
    assert!(error.to_string().contains("no whole answer"), "{error}");
    assert!(place.leftovers().is_empty());
}

#[test]
fn the_size_costs_one_byte() {
    let served = content();
    let server = bundle_server(move |_, request| {
        assert_eq!(request.header("Range"), Some("bytes=0-0"));
        Reply::new(206, &served[..1]).with("Content-Range", "bytes 0-0/300000")
    });
    let head = client(&server).bundle_head(SLUG).unwrap();
    assert_eq!((head.bytes, head.host.as_str()), (Some(300_000), "localhost"));
}

#[test]
fn a_plain_download_follows_redirects_and_goes_on_as_well() {
    let server = Server::start(|n, request| match n {
        0 | 2 => Reply::redirect("/elsewhere/weights?X-Amz-Signature=1"),
        1 => Reply::file(request, b"weights", "\"1\"").cut_at(3),
        _ => Reply::file(request, b"weights", "\"1\""),
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache/a.safetensors");
    download(&format!("{}/model", server.storage_url()), &path, &()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "weights");
    let requests = server.requests();
    assert_eq!(requests[1].path, "/elsewhere/weights?X-Amz-Signature=1");
    assert_eq!(requests[3].start(), Some(3));
    assert!(requests.iter().all(|request| request.header("Authorization").is_none()));

    let circle = Server::start(|_, _| Reply::redirect("/again"));
    let error = download(&circle.url(), &path, &()).unwrap_err();
    assert!(error.to_string().contains("circles"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "weights", "the old file stays");
    let gone = Server::start(|_, _| Reply::new(403, "not for you"));
    let error = download(&gone.url(), &folder.path().join("b"), &());
    assert!(matches!(error, Err(Error::Refused { status: 403, .. })));
}
