//! The stand-in speaks Kaggle's protocol to the byte.
//!
//! `fetch.rs` runs the program's own client against it; here it is asked in plain HTTP, so that a
//! mistake that client and server share is found.

mod bounds;
mod faults;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;

use kaggle_kit::competition;
use kaggle_kit::submission::score_bytes;
use kaggle_kit::target::TargetKind;
use kaggle_kit_standin::miniature::{Miniature, Sizes};
use kaggle_kit_standin::{Options, Server, Verdict};
use serde_json::{Value, json};

const DOGS: &str = "dogs-vs-cats-redux-kernels-edition";
const BREEDS: &str = "dog-breed-identification";
const PLANET: &str = "planet-understanding-the-amazon-from-space";

/// Each competition is drawn once for all tests.
fn drawn(name: &str) -> Miniature {
    static DRAWN: Mutex<BTreeMap<String, Miniature>> = Mutex::new(BTreeMap::new());
    let mut drawn = DRAWN.lock().unwrap();
    let draw = || Miniature::generate(&competition::find(name).unwrap(), Sizes::TINY, 7).unwrap();
    drawn.entry(name.to_owned()).or_insert_with(draw).clone()
}

fn serve(names: &[&str], change: impl FnOnce(&mut Options)) -> Server {
    let mut options = Options::default();
    change(&mut options);
    kaggle_kit_standin::start(names.iter().map(|name| drawn(name)).collect(), options).unwrap()
}

/// An answer as it came over the wire.
struct Reply {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends one request; `target` may be a path or, as to a proxy, a whole address.
fn ask(server: &Server, method: &str, target: &str, headers: &[&str], body: &[u8]) -> Reply {
    try_ask(server, method, target, headers, body).expect("an answer")
}

/// The same; none where the connection ends without an answer.
fn try_ask(
    server: &Server,
    method: &str,
    target: &str,
    headers: &[&str],
    body: &[u8],
) -> Option<Reply> {
    let address = server.url().replace("http://localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head =
        format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes()).unwrap();
    // A server that has heard enough may end the connection before all is sent.
    let _ = stream.write_all(body);
    let mut bytes = Vec::new();
    // A connection that is cut on purpose may end in an error; what came before it counts.
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Some(Reply { status, headers, body: bytes[end + 4..].to_vec() })
}

fn call(server: &Server, method: &str, arguments: &Value) -> Reply {
    let token = format!("Authorization: Bearer {}", server.account().token);
    let path = format!("/api/v1/competitions.CompetitionApiService/{method}");
    ask(server, "POST", &path, &[&token], arguments.to_string().as_bytes())
}

/// The path and query of the bundle's signed address.
fn bundle(server: &Server, slug: &str) -> String {
    let reply = call(server, "DownloadDataFiles", &json!({ "competitionName": slug }));
    assert_eq!((reply.status, reply.body.len()), (302, 0));
    let location = &reply.headers["location"];
    let rest = location.strip_prefix("http://127.0.0.1:").unwrap();
    rest[rest.find('/').unwrap()..].to_owned()
}

/// Uploads and submits; the answer to `GetSubmission`.
fn submit(server: &Server, slug: &str, csv: &[u8]) -> Value {
    let reply = create(server, slug, csv);
    assert_eq!(reply.status, 200, "{}", reply.json());
    call(server, "GetSubmission", &json!({ "ref": reply.json()["ref"] })).json()
}

fn create(server: &Server, slug: &str, csv: &[u8]) -> Reply {
    let (token, path) = start_upload(server, slug, csv.len());
    assert_eq!(ask(server, "PUT", &path, &[], csv).status, 200);
    let arguments = json!({
        "competitionName": slug,
        "blobFileTokens": token,
        "submissionDescription": "a try",
    });
    call(server, "CreateSubmission", &arguments)
}

fn start_upload(server: &Server, slug: &str, length: usize) -> (String, String) {
    let arguments =
        json!({ "competitionName": slug, "fileName": "s.csv", "contentLength": length });
    let place = call(server, "StartSubmissionUpload", &arguments).json();
    let address = place["createUrl"].as_str().unwrap().to_owned();
    let (_, rest) = address.split_once("127.0.0.1:").unwrap();
    (place["token"].as_str().unwrap().to_owned(), rest[rest.find('/').unwrap()..].to_owned())
}

#[test]
fn files_are_listed_page_by_page() {
    let server = serve(&["dog-breed"], |_| {});
    let mut names = BTreeSet::new();
    let mut token = String::new();
    let mut n_pages = 0;
    loop {
        let arguments = json!({ "competitionName": BREEDS, "pageSize": 20, "pageToken": token });
        let page = call(&server, "ListDataFiles", &arguments).json();
        for file in page["files"].as_array().unwrap() {
            assert!(file["totalBytes"].as_u64().unwrap() > 0);
            names.insert(file["name"].as_str().unwrap().to_owned());
        }
        n_pages += 1;
        token = page["nextPageToken"].as_str().unwrap().to_owned();
        if token.is_empty() {
            break;
        }
    }
    let Sizes { train, test, .. } = Sizes::TINY;
    assert_eq!((names.len(), n_pages), (train + test + 2, (train + test + 2).div_ceil(20)));
    assert!(names.contains("labels.csv") && names.contains("sample_submission.csv"));
}

#[test]
fn every_layout_is_packed_as_kaggle_packs_it() {
    let server = serve(&["dogs-vs-cats", "planet"], |_| {});
    let listed = |slug: &str| -> Vec<String> {
        let page = call(&server, "ListDataFiles", &json!({ "competitionName": slug })).json();
        let files = page["files"].as_array().unwrap().iter();
        files.map(|file| file["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed(DOGS), ["sample_submission.csv", "test.zip", "train.zip"]);
    assert_eq!(
        listed(PLANET),
        [
            "sample_submission_v2.csv/sample_submission_v2.csv",
            "test-jpg-additional.tar.7z",
            "test-jpg.tar.7z",
            "test_v2_file_mapping.csv/test_v2_file_mapping.csv",
            "train-jpg.tar.7z",
            "train_v2.csv/train_v2.csv",
        ]
    );
}

#[test]
fn storage_answers_ranges_and_describes_what_it_holds() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let path = bundle(&server, DOGS);
    let whole = ask(&server, "GET", &path, &[], b"");
    assert_eq!(whole.status, 200);
    assert_eq!(whole.headers["content-length"], whole.body.len().to_string());
    assert_eq!(whole.headers["accept-ranges"], "bytes");
    assert!(whole.headers["x-goog-hash"].starts_with("crc32c="));
    let n = whole.body.len();

    let etag = format!("If-Range: {}", whole.headers["etag"]);
    let part = ask(&server, "GET", &path, &["Range: bytes=1000-", &etag], b"");
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[1000..]));
    assert_eq!(part.headers["content-range"], format!("bytes 1000-{}/{n}", n - 1));

    let other = ask(&server, "GET", &path, &["Range: bytes=1000-", "If-Range: \"other\""], b"");
    assert_eq!((other.status, other.body.len()), (200, n));
    let beyond = ask(&server, "GET", &path, &[&format!("Range: bytes={n}-")], b"");
    assert_eq!(beyond.status, 416);
    assert_eq!(beyond.headers["content-range"], format!("bytes */{n}"));
}

#[test]
fn storage_wants_a_signature_and_no_credentials() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let path = bundle(&server, DOGS);
    let token = format!("Authorization: Bearer {}", server.account().token);
    assert_eq!(ask(&server, "GET", &path, &[&token], b"").status, 400);
    assert!(server.requests().last().unwrap().authorized);
    let unsigned = path.split('?').next().unwrap();
    assert_eq!(ask(&server, "GET", unsigned, &[], b"").status, 403);
    let (_, upload) = start_upload(&server, DOGS, 3);
    assert_eq!(ask(&server, "PUT", &upload, &[&token], b"abc").status, 400);
}

#[test]
fn a_request_as_to_a_proxy_is_answered() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let pair = "Authorization: Basic c3RhbmRpbjowMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg==";
    let address = "http://localhost/api/v1/competitions.CompetitionApiService/GetCompetition";
    let body = json!({ "competitionName": DOGS }).to_string();
    let reply = ask(&server, "POST", address, &[pair], body.as_bytes());
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["title"], "Dogs vs. Cats Redux: Kernels Edition");
}

#[test]
fn refusals_are_in_kaggles_words() {
    let server = serve(&["dogs-vs-cats"], |options| options.daily_submissions = 1);
    let arguments = json!({ "competitionName": DOGS }).to_string();
    let path = "/api/v1/competitions.CompetitionApiService/ListDataFiles";
    let refused = |reply: Reply| {
        let body = reply.json();
        assert_eq!(body["code"], reply.status);
        (reply.status, body["message"].as_str().unwrap().to_owned())
    };
    let wrong =
        ask(&server, "POST", path, &["Authorization: Bearer nonsense"], arguments.as_bytes());
    assert_eq!(refused(wrong), (401, "Unauthenticated".to_owned()));
    let unknown = call(&server, "ListDataFiles", &json!({ "competitionName": "dogs" }));
    assert_eq!(refused(unknown).0, 403);
    let missing = json!({ "competitionName": DOGS, "fileName": "train-jpg.tar.7z" });
    assert_eq!(refused(call(&server, "DownloadDataFile", &missing)).0, 404);
    assert_eq!(refused(call(&server, "NoSuchMethod", &json!({}))).0, 404);
    let nonsense = ask(&server, "POST", path, &[], b"<html>");
    assert_eq!(refused(nonsense).0, 400);

    let sample = server.miniatures().next().unwrap().sample.clone();
    submit(&server, DOGS, sample.as_bytes());
    assert_eq!(refused(create(&server, DOGS, sample.as_bytes())).0, 429);
    assert_eq!(server.submissions().len(), 1);
}

#[test]
fn an_upload_goes_on_where_it_stopped() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let csv = server.miniatures().next().unwrap().sample.clone().into_bytes();
    let n = csv.len();
    let (token, path) = start_upload(&server, DOGS, n);
    let how_far = format!("Content-Range: bytes */{n}");
    let nothing = ask(&server, "PUT", &path, &[&how_far], b"");
    assert_eq!((nothing.status, nothing.headers.get("range")), (308, None));
    let first = format!("Content-Range: bytes 0-9/{n}");
    assert_eq!(ask(&server, "PUT", &path, &[&first], &csv[..10]).status, 308);
    assert_eq!(ask(&server, "PUT", &path, &[&how_far], b"").headers["range"], "bytes=0-9");
    let unfinished = json!({ "competitionName": DOGS, "blobFileTokens": token });
    assert_eq!(call(&server, "CreateSubmission", &unfinished).status, 400);
    let rest = format!("Content-Range: bytes 10-{}/{n}", n - 1);
    assert_eq!(ask(&server, "PUT", &path, &[&rest], &csv[10..]).status, 200);
    assert_eq!(call(&server, "CreateSubmission", &unfinished).status, 200);
    assert_eq!(server.submissions()[0].csv.read().unwrap(), csv);
}

#[test]
fn a_submission_is_scored_in_two_parts_or_turned_down() {
    for name in ["dogs-vs-cats", "dog-breed", "planet"] {
        let server = serve(&[name], |_| {});
        let miniature = server.miniatures().next().unwrap().clone();
        let spec = &miniature.competition;
        let solution = miniature.solution_csv().unwrap();
        let answer = submit(&server, &spec.slug, miniature.sample.as_bytes());
        assert_eq!(answer["status"], "COMPLETE", "{answer}");
        let part = |key: &str| answer[key].as_str().unwrap().parse::<f64>().unwrap();
        let whole = score_bytes(miniature.sample.as_bytes(), solution.as_bytes(), spec).unwrap();
        // A third of the rows is public: 4 of 12.
        let mean = (part("publicScore") + 2.0 * part("privateScore")) / 3.0;
        assert!((mean - whole.value).abs() < 2e-5, "{name}: {answer}, whole {}", whole.value);

        let header = miniature.sample.lines().next().unwrap();
        let answer = submit(&server, &spec.slug, format!("{header}\n").as_bytes());
        assert_eq!((&answer["status"], &answer["publicScore"]), (&json!("ERROR"), &json!("")));
        assert!(answer["errorDescription"].as_str().unwrap().contains("12"), "{answer}");
        let verdicts: Vec<bool> = server
            .submissions()
            .iter()
            .map(|one| matches!(one.verdict, Verdict::Complete { .. }))
            .collect();
        assert_eq!(verdicts, [true, false]);
    }
}

#[test]
fn the_answers_score_best_and_lead_the_leaderboard() {
    let server = serve(&["planet"], |_| {});
    let miniature = server.miniatures().next().unwrap().clone();
    assert_eq!(miniature.competition.target.kind, TargetKind::MultiLabel);
    let answer = submit(&server, PLANET, miniature.solution_csv().unwrap().as_bytes());
    assert_eq!(answer["publicScore"], "1.00000");
    let board = call(&server, "GetLeaderboard", &json!({ "competitionName": PLANET })).json();
    let teams = board["submissions"].as_array().unwrap();
    assert_eq!(teams[0]["teamName"], server.account().username);
    assert_eq!(teams[1]["teamName"], "Sample Submission Benchmark");
}

#[test]
fn the_whole_leaderboard_is_a_table_in_a_zip() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let solution = server.miniatures().next().unwrap().solution_csv().unwrap();
    submit(&server, DOGS, solution.as_bytes());
    let reply = call(&server, "DownloadLeaderboard", &json!({ "competitionName": DOGS }));
    assert_eq!(reply.headers["content-type"], "application/zip");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(reply.body)).unwrap();
    let mut table = String::new();
    archive.by_index(0).unwrap().read_to_string(&mut table).unwrap();
    let lines: Vec<&str> = table.lines().collect();
    let header =
        "Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,TeamMemberUserNames";
    assert_eq!(lines[0], header);
    assert!(lines[1].starts_with("1,2,standin,"), "{}", lines[1]);
    assert!(lines[1].ends_with(",0.00000,1,standin"), "{}", lines[1]);
    assert!(lines[2].starts_with("2,1,Sample Submission Benchmark,"), "{}", lines[2]);
}

#[test]
fn a_submission_may_be_had_again() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let sample = server.miniatures().next().unwrap().sample.clone();
    let made = submit(&server, DOGS, sample.as_bytes());
    let reply = call(&server, "DownloadSubmission", &json!({ "submissionId": made["ref"] }));
    assert_eq!(reply.status, 302);
    let (_, path) = reply.headers["location"].split_once("/storage").unwrap();
    let path = format!("/storage{path}");
    assert!(path.contains("/s.csv?"), "{path}");
    assert_eq!(ask(&server, "GET", &path, &[], b"").body, sample.as_bytes());
}

#[test]
fn files_are_listed_as_folders_and_counted() {
    let server = serve(&["dog-breed"], |_| {});
    let list = |path: &str| {
        let arguments = json!({ "competitionName": BREEDS, "path": path, "pageSize": 10 });
        call(&server, "ListDataTreeFiles", &arguments)
    };
    let Sizes { train, test, .. } = Sizes::TINY;
    let root = list("").json();
    let names = |key: &str, value: &Value| -> Vec<String> {
        let entries = value[key].as_array().unwrap().iter();
        entries.map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("directories", &root), ["test", "train"]);
    assert_eq!(names("files", &root), ["labels.csv", "sample_submission.csv"]);
    assert_eq!(root["directories"][1]["totalFiles"], train);
    let folder = list("train/").json();
    assert_eq!(names("files", &folder).len(), 10);
    assert_eq!((&folder["totalFiles"], &folder["nextPageToken"]), (&json!(train), &json!("10")));
    assert_eq!(list("nowhere").status, 404);

    let arguments = json!({ "competitionName": BREEDS });
    let summary = call(&server, "GetCompetitionDataFilesSummary", &arguments).json();
    assert_eq!(summary["fileSummaryInfo"]["totalFileCount"], train + test + 2);
    let kinds = summary["fileSummaryInfo"]["fileTypes"].as_array().unwrap();
    let jpegs = kinds.iter().find(|kind| kind["extension"] == ".jpg").unwrap();
    assert_eq!(jpegs["fileCount"], train + test);
}

#[test]
fn a_competition_has_pages() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let pages = |name: &str| {
        let arguments = json!({ "competitionName": DOGS, "pageName": name });
        call(&server, "ListCompetitionPages", &arguments).json()["pages"]
            .as_array()
            .unwrap()
            .clone()
    };
    assert_eq!(pages("").len(), 4);
    assert_eq!(pages("Evaluation")[0]["content"], "Submissions are scored by log-loss.");
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let options = Options { port, ..Options::default() };
    let Err(error) = kaggle_kit_standin::start(vec![], options) else {
        panic!("it started on a port in use")
    };
    let message = format!("{error:#}");
    assert!(message.contains(&format!("port `{port}` is in use\nhint: ")), "{message}");
}
