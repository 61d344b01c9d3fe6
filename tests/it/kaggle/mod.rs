//! The client against a server that says, and fails, what the test wants.

mod credentials;
pub(crate) mod server;

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use kaggle_kit::fs;
use kaggle_kit::kaggle::{Client, Environment, Error, Patience, SubmissionStatus, download};
use md5::{Digest, Md5};
use server::{Reply, Request, Server};

const SLUG: &str = "dog-breed-identification";
const TOKEN: &str = "KGAT_0123456789abcdef";

/// A client of this server that does not wait long.
fn client(server: &Server) -> Client {
    let environment = Environment::from([("KAGGLE_API_TOKEN", TOKEN)]);
    let quick = Patience { retries: 5, first: Duration::from_millis(1), ..Patience::default() };
    Client::connect(Some(&server.url()), &environment).unwrap().with_patience(quick)
}

/// A server that sends the bundle from its other name.
fn bundle_server(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Server {
    let downloads = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_, request| {
        if request.call() == "DownloadDataFiles" {
            let host = request.header("Host").unwrap().replace("127.0.0.1", "localhost");
            return Reply::redirect(format!("http://{host}/bundle/archive.zip?Signature=s3cret"));
        }
        reply(downloads.fetch_add(1, std::sync::atomic::Ordering::SeqCst))
    })
}

fn fetched(server: &Server) -> (tempfile::TempDir, Result<u64, Error>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archives/bundle.zip");
    let result = client(server).download_bundle(SLUG, &path, &());
    assert_eq!(path.exists(), result.is_ok(), "the file is there exactly when all went well");
    (folder, result.map(|received| received.bytes))
}

/// Nothing but what was asked for may lie in the folder of a download.
fn leftovers(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("archives")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn md5_header(content: &[u8]) -> String {
    format!("crc32c=AAAAAA==,md5={}", BASE64_STANDARD.encode(Md5::digest(content)))
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
        "" => Reply::json(r#"{"files":[{"name":"a.csv","totalBytes":7}],"nextPageToken":"2"}"#),
        _ => Reply::json(r#"{"files":[{"name":"train/1.jpg"}],"nextPageToken":""}"#),
    });
    let files = client(&server).list_files(SLUG).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a.csv", "train/1.jpg"]);
    assert_eq!(files[0].total_bytes, 7);
    assert_eq!(server.requests()[1].json()["pageSize"], 200);
}

#[test]
fn storage_never_sees_the_credentials() {
    let content = b"PK whole bundle";
    let server =
        bundle_server(|_| Reply::new(200, *content).with("x-goog-hash", md5_header(content)));
    let (folder, result) = fetched(&server);
    assert_eq!(result.unwrap(), content.len() as u64);
    assert_eq!(fs::read(folder.path().join("archives/bundle.zip")).unwrap(), content);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[0].header("Authorization").is_some());
    assert_eq!((requests[1].method.as_str(), requests[1].header("Authorization")), ("GET", None));
    assert!(requests[1].header("Host").unwrap().starts_with("localhost"));
    assert!(requests[1].body.is_empty());
}

#[test]
fn a_broken_download_starts_again() {
    let content = vec![7; 300_000];
    let server = bundle_server(move |n| {
        let whole = Reply::new(200, content.clone());
        if n < 2 { whole.cut_at(100_000) } else { whole }
    });
    let (folder, result) = fetched(&server);
    assert_eq!(result.unwrap(), 300_000);
    assert_eq!(leftovers(folder.path()), ["bundle.zip"]);
    // Every attempt asks for a fresh address.
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn a_truncated_download_leaves_no_file() {
    let server = bundle_server(|_| Reply::new(200, vec![7; 300_000]).cut_at(100_000));
    let (folder, result) = fetched(&server);
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Network { .. }), "{error}");
    assert!(error.to_string().contains("of 300000 bytes"), "{error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
    assert!(leftovers(folder.path()).is_empty());
}

#[test]
fn a_download_with_another_md5_is_refused() {
    let server =
        bundle_server(|_| Reply::new(200, "other").with("x-goog-hash", md5_header(b"this")));
    let (folder, result) = fetched(&server);
    assert!(matches!(result.unwrap_err(), Error::Damaged { .. }));
    assert!(leftovers(folder.path()).is_empty());
}

#[test]
fn a_web_page_is_no_bundle() {
    for reply in [
        Reply::new(200, "\n<!DOCTYPE HTML><html>Sign in</html>"),
        Reply::new(200, "Sign in").with("Content-Type", "text/html; charset=utf-8"),
    ] {
        let server = bundle_server(move |_| reply.clone());
        let (folder, result) = fetched(&server);
        let error = result.unwrap_err();
        assert!(error.to_string().contains("a web page instead of a file"), "{error}");
        assert!(leftovers(folder.path()).is_empty());
        assert_eq!(server.requests().len(), 2, "a page is not asked for again");
    }
}

#[test]
fn an_expired_address_is_replaced() {
    let body = "<?xml version='1.0'?><Error><Code>ExpiredToken</Code></Error>";
    let server = bundle_server(move |n| Reply::new(if n == 0 { 400 } else { 200 }, body));
    let (_folder, result) = fetched(&server);
    assert_eq!(result.unwrap(), body.len() as u64);
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
fn refusals_say_what_to_do() {
    let cases = [
        (401, r#"{"code":401,"message":"Unauthenticated"}"#, "credentials from `KAGGLE_API_TOKEN`"),
        (
            403,
            r#"{"code":403,"message":"You must accept this competition's rules before you'll be able to download files."}"#,
            "https://www.kaggle.com/competitions/dog-breed-identification/rules",
        ),
        (
            403,
            r#"{"code":403,"message":"Permission 'competitions.get' was denied"}"#,
            "the name is wrong",
        ),
        (404, r#"{"code":404,"message":"NotFound"}"#, "competition `dog-breed-identification`"),
        (200, r#"{"code":403,"message":"Permission denied"}"#, "the name is wrong"),
    ];
    for (status, body, expected) in cases {
        let server = Server::start(move |_, _| Reply::new(status, body));
        let text = client(&server).competition(SLUG).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains(TOKEN), "{text}");
    }
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
    let quick = Patience { retries: 1, first: Duration::ZERO, ..Patience::default() };
    let error = client.with_patience(quick).competition(SLUG).unwrap_err();
    assert!(matches!(error, Error::Network { .. }), "{error}");
    assert!(error.to_string().contains("onnection refused"), "{error}");
}

/// Answers the calls of a submission; `put` and `create` are the replies that vary.
fn submission_server(put: fn(usize) -> Reply, create: fn() -> Reply) -> Server {
    let puts = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_, request: &Request| match request.call() {
        "StartSubmissionUpload" => {
            let host = request.header("Host").unwrap().replace("127.0.0.1", "localhost");
            let url = format!("http://{host}/upload/1?upload_id=x");
            Reply::json(&serde_json::json!({ "token": "blob-1", "createUrl": url }).to_string())
        }
        "CreateSubmission" => create(),
        _ if request.method == "PUT" => put(puts.fetch_add(1, std::sync::atomic::Ordering::SeqCst)),
        _ => Reply::json(
            r#"{"ref":4000000,"status":"COMPLETE","publicScore":"0.41531","description":"hi"}"#,
        ),
    })
}

fn created() -> Reply {
    Reply::json(r#"{"message":"Successfully submitted","ref":4000000}"#)
}

#[test]
fn a_submission_is_uploaded_and_scored() {
    let server = submission_server(|_| Reply::new(200, "{}"), created);
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("sub.csv");
    fs::write_atomic(&csv, "id,label\n1,0.5\n").unwrap();
    let client = client(&server);
    let submitted = client.submit(SLUG, &csv, "first try").unwrap();
    assert_eq!(submitted.reference, 4_000_000);
    let submission = client.submission(submitted.reference).unwrap();
    assert_eq!(submission.status, SubmissionStatus::Complete);
    assert_eq!(submission.public_score, Some(0.41531));

    let requests = server.requests();
    assert_eq!(requests[0].json()["contentLength"], 15);
    assert_eq!(requests[0].json()["fileName"], "sub.csv");
    assert_eq!(requests[1].method, "PUT");
    assert_eq!(requests[1].body, b"id,label\n1,0.5\n");
    assert_eq!(requests[1].header("Content-Length"), Some("15"));
    assert_eq!(requests[1].header("Authorization"), None);
    assert_eq!(
        requests[2].json(),
        serde_json::json!({
            "competitionName": SLUG,
            "blobFileTokens": "blob-1",
            "submissionDescription": "first try",
        })
    );
    assert_eq!(requests[3].json(), serde_json::json!({ "ref": 4_000_000 }));
}

#[test]
fn the_upload_is_tried_again_but_the_submission_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("sub.csv");
    fs::write_atomic(&csv, "id,label\n").unwrap();
    let server = submission_server(|n| Reply::new(if n < 2 { 503 } else { 201 }, ""), created);
    client(&server).submit(SLUG, &csv, "x").unwrap();
    assert_eq!(server.requests().iter().filter(|request| request.method == "PUT").count(), 3);

    let lost = || Reply::new(200, vec![b' '; 1000]).cut_at(10);
    for create in [|| Reply::new(503, "busy"), lost] {
        let server = submission_server(|_| Reply::new(200, ""), create);
        let error = client(&server).submit(SLUG, &csv, "x").unwrap_err();
        assert!(matches!(error, Error::SubmissionInDoubt { .. }), "{error}");
        let calls = server.requests();
        assert_eq!(calls.iter().filter(|r| r.call() == "CreateSubmission").count(), 1);
    }
}

#[test]
fn a_refused_submission_says_why() {
    let server = submission_server(
        |_| Reply::new(200, ""),
        || Reply::new(400, r#"{"code":400,"message":"Submission not allowed"}"#),
    );
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("sub.csv");
    fs::write_atomic(&csv, "id,label\n").unwrap();
    let error = client(&server).submit(SLUG, &csv, "x").unwrap_err();
    assert!(error.to_string().contains("Submission not allowed"), "{error}");
}

#[test]
fn a_plain_download_follows_redirects() {
    let server = Server::start(|n, _| match n {
        0 => Reply::redirect("/elsewhere/weights?X-Amz-Signature=1"),
        _ => Reply::new(200, "weights"),
    });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache/a.safetensors");
    download(&format!("{}/model", server.storage_url()), &path, &()).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "weights");
    assert_eq!(server.requests()[1].path, "/elsewhere/weights?X-Amz-Signature=1");
    assert!(server.requests().iter().all(|request| request.header("Authorization").is_none()));

    let circle = Server::start(|_, _| Reply::redirect("/again"));
    let error = download(&circle.url(), &path, &()).unwrap_err();
    assert!(error.to_string().contains("circles"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "weights", "the old file stays");
}
