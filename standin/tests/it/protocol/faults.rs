//! Troubles on purpose: each is what it says it is, and happens once.

use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use kaggle_kit::fs;
use kaggle_kit_standin::{Endpoint, Fault, Faults, Server};
use serde_json::{Value, json};

use super::{DOGS, Reply, ask, bundle, call, create, serve, start_upload, submit, try_ask};
use crate::support::Scratch;

/// A stand-in to which these troubles happen.
fn troubled(faults: impl Into<Faults>) -> Server {
    let faults = faults.into();
    serve(&["dogs-vs-cats"], |options| options.faults = vec![faults])
}

fn status(endpoint: Endpoint, status: u16, retry_after: Option<u32>) -> Fault {
    Fault::Status { endpoint, status, retry_after }
}

fn get(server: &Server, path: &str) -> Reply {
    ask(server, "GET", path, &[], b"")
}

#[test]
fn a_download_is_refused_or_cut_once() {
    let server = troubled([status(Endpoint::Storage, 503, Some(2)), Fault::Cut(700)]);
    let path = bundle(&server, DOGS);
    let refused = get(&server, &path);
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (503, "2"));
    let cut = get(&server, &path);
    assert_eq!((cut.status, cut.body.len()), (200, 700));
    let whole = get(&server, &path);
    assert_eq!(whole.headers["content-length"], cut.headers["content-length"]);
    assert_eq!(whole.body[..700], cut.body[..]);
    assert_eq!(whole.body.len().to_string(), whole.headers["content-length"]);
}

#[test]
fn a_stalled_download_is_silent_but_open() {
    use std::io::Write;
    let server = troubled([Fault::Stall(500)]);
    let path = bundle(&server, DOGS);
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).unwrap_err();
    let silent = [std::io::ErrorKind::WouldBlock, std::io::ErrorKind::TimedOut];
    assert!(silent.contains(&error.kind()), "{error}");
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(bytes.len() - head, 500);
}

#[test]
fn an_address_that_has_expired_stays_so_and_a_fresh_one_works() {
    for (fault, code) in [(Fault::Expired, "ExpiredToken"), (Fault::Denied, "AccessDenied")] {
        let server = troubled([fault]);
        let path = bundle(&server, DOGS);
        for _ in 0..2 {
            let refused = get(&server, &path);
            let text = String::from_utf8(refused.body).unwrap();
            assert_eq!(refused.status, if fault == Fault::Expired { 400 } else { 403 });
            assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
        }
        assert_eq!(get(&server, &bundle(&server, DOGS)).status, 200);
    }
}

#[test]
fn a_file_changes_in_mid_download() {
    let server = troubled([Fault::Changed(100)]);
    let path = bundle(&server, DOGS);
    let old = get(&server, &path);
    assert_eq!(old.body.len(), 100);
    let condition = format!("If-Range: {}", old.headers["etag"]);
    let new = ask(&server, "GET", &path, &["Range: bytes=100-", &condition], b"");
    assert_eq!(new.status, 200);
    assert_ne!(new.headers["etag"], old.headers["etag"]);
    assert_ne!(new.headers["x-goog-hash"], old.headers["x-goog-hash"]);
    assert_ne!(new.body[..100], old.body[..]);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(new.body)).unwrap();
    for i in 0..archive.len() {
        std::io::copy(&mut archive.by_index(i).unwrap(), &mut std::io::sink()).unwrap();
    }
}

#[test]
fn content_and_hashes_can_disagree() {
    let server = troubled([Fault::WrongHash, Fault::Damaged]);
    let path = bundle(&server, DOGS);
    let (wrong, damaged, good) = (get(&server, &path), get(&server, &path), get(&server, &path));
    assert_eq!(wrong.body, good.body);
    assert_ne!(wrong.headers["x-goog-hash"], good.headers["x-goog-hash"]);
    assert_eq!(damaged.headers["x-goog-hash"], good.headers["x-goog-hash"]);
    assert_eq!(damaged.body.iter().zip(&good.body).filter(|(a, b)| a != b).count(), 1);
}

#[test]
fn something_else_can_come_in_a_files_place() {
    let server = troubled([Fault::ErrorBody, Fault::LoginPage]);
    let path = bundle(&server, DOGS);
    let error = get(&server, &path);
    assert_eq!((error.status, &error.json()["code"]), (200, &json!(500)));
    let page = get(&server, &path);
    assert_eq!(page.status, 200);
    assert!(page.headers["content-type"].starts_with("text/html"));
}

#[test]
fn the_api_can_be_busy() {
    let server = troubled([status(Endpoint::Api, 429, None), status(Endpoint::Api, 429, Some(3))]);
    let files = || call(&server, "ListDataFiles", &json!({ "competitionName": DOGS }));
    let busy = files();
    assert_eq!((busy.status, &busy.json()["code"]), (429, &json!(429)));
    assert!(!busy.headers.contains_key("retry-after"));
    assert_eq!(files().headers["retry-after"], "3");
    assert_eq!(files().status, 200);
}

#[test]
fn an_upload_is_cut_with_and_without_its_bytes() {
    let server = troubled([
        Fault::UploadLost(20),
        Fault::UploadCut(20),
        status(Endpoint::Upload, 503, None),
        status(Endpoint::Upload, 410, None),
    ]);
    let csv = server.miniatures().next().unwrap().sample.clone().into_bytes();
    let n = csv.len();
    let (_, path) = start_upload(&server, DOGS, n);
    let how_far = format!("Content-Range: bytes */{n}");
    let how_far = || ask(&server, "PUT", &path, &[&how_far], b"");
    assert!(try_ask(&server, "PUT", &path, &[], &csv).is_none());
    assert_eq!(how_far().headers.get("range"), None);
    assert!(try_ask(&server, "PUT", &path, &[], &csv).is_none());
    assert_eq!(how_far().headers["range"], "bytes=0-19");
    let rest = format!("Content-Range: bytes 20-{}/{n}", n - 1);
    let rest = || ask(&server, "PUT", &path, &[&rest], &csv[20..]);
    assert_eq!(rest().status, 503);
    assert_eq!(how_far().headers["range"], "bytes=0-19");
    assert_eq!(rest().status, 410);
    assert_eq!(how_far().status, 404, "the session is over");
    let lost = server.requests().into_iter().filter(|request| request.status.is_none());
    assert_eq!(lost.count(), 2);
}

#[test]
fn a_submission_or_its_answer_is_lost() {
    let server =
        troubled([Fault::LostRequest, Fault::LostAnswer, status(Endpoint::Submission, 503, None)]);
    let csv = server.miniatures().next().unwrap().sample.clone().into_bytes();
    let (token, path) = start_upload(&server, DOGS, csv.len());
    assert_eq!(ask(&server, "PUT", &path, &[], &csv).status, 200);
    let authorization = format!("Authorization: Bearer {}", server.account().token);
    let body = json!({ "competitionName": DOGS, "blobFileTokens": token }).to_string();
    let address = "/api/v1/competitions.CompetitionApiService/CreateSubmission";
    let made = || {
        let answer = try_ask(&server, "POST", address, &[&authorization], body.as_bytes());
        (answer.map(|answer| answer.status), server.submissions().len())
    };
    assert_eq!(made(), (None, 0));
    assert_eq!(made(), (None, 1));
    assert_eq!(made(), (Some(503), 1));
    assert_eq!(made(), (Some(200), 2), "a second one costs a second slot");
}

#[test]
fn scoring_may_take_a_while() {
    let server = troubled([Fault::Pending]);
    let sample = server.miniatures().next().unwrap().sample.clone();
    let first = submit(&server, DOGS, sample.as_bytes());
    assert_eq!((&first["status"], &first["publicScore"]), (&json!("PENDING"), &json!("")));
    let again = call(&server, "GetSubmission", &json!({ "ref": first["ref"] })).json();
    assert_eq!(again["status"], "COMPLETE");
}

#[test]
fn a_filler_makes_the_bundle_larger_and_the_rate_makes_it_slower() {
    const FILLER: u64 = 300_000;
    let server = serve(&["dogs-vs-cats"], |options| {
        options.filler = FILLER;
        options.rate = Some(1_000_000);
    });
    let started = Instant::now();
    let whole = get(&server, &bundle(&server, DOGS));
    assert!(whole.body.len() as u64 > FILLER);
    let least = whole.body.len() as f64 / 1e6 - 0.1;
    assert!(started.elapsed().as_secs_f64() > least, "{:?}", started.elapsed());
    let arguments = json!({ "competitionName": DOGS, "fileName": "filler.bin" });
    let reply = call(&server, "DownloadDataFile", &arguments);
    let (_, path) = reply.headers["location"].split_once("/storage").unwrap();
    let alone = get(&server, &format!("/storage{path}")).body;
    assert_eq!(alone.len() as u64, FILLER);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(whole.body)).unwrap();
    let mut inside = Vec::new();
    archive.by_name("filler.bin").unwrap().read_to_end(&mut inside).unwrap();
    assert!(inside == alone, "the filler alone is the one in the bundle");
}

#[test]
fn a_log_tells_what_went_over_the_wire_and_no_secret() {
    let scratch = Scratch::new();
    let log = scratch.path().join("requests.jsonl");
    let server = serve(&["dogs-vs-cats"], |options| {
        options.faults = vec![Faults::from([Fault::Cut(700)])];
        options.log = Some(log.clone());
    });
    let path = bundle(&server, DOGS);
    get(&server, &path);
    ask(&server, "GET", &path, &["Range: bytes=700-799"], b"");
    create(&server, DOGS, b"id,label\n");
    drop(server);
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |key: &str| -> Vec<Value> { lines.iter().map(|line| line[key].clone()).collect() };
    assert_eq!(told("status"), [302, 200, 206, 200, 200, 200]);
    assert_eq!(told("sent")[1..3], [700, 100]);
    assert_eq!(lines[2]["range"], "bytes=700-799");
    assert_eq!((&lines[4]["method"], &lines[4]["received"]), (&json!("PUT"), &json!(9)));
    for secret in ["Signature", "upload_id", "KGAT_standin"] {
        assert!(!text.contains(secret), "{text}");
    }
}
