//! The stand-in speaks Kaggle's protocol to the byte, and what it draws is a data set.
//!
//! `fetch.rs` runs the program's own client against it; here it is asked in plain HTTP, so that a
//! mistake that client and server share is found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;

use kaggle_kit::competition::{self, Competition};
use kaggle_kit::dataset;
use kaggle_kit::metric::Metric;
use kaggle_kit::standin::miniature::{Miniature, Sizes};
use kaggle_kit::standin::{self, Faults, Options, Server, Verdict};
use kaggle_kit::submission::score_bytes;
use kaggle_kit::target::TargetKind;
use serde_json::{Value, json};

use crate::support::Scratch;

const DOGS: &str = "dogs-vs-cats-redux-kernels-edition";
const BREEDS: &str = "dog-breed-identification";
const PLANET: &str = "planet-understanding-the-amazon-from-space";

/// Each competition is drawn once for all tests.
fn drawn(name: &str) -> Miniature {
    static DRAWN: Mutex<BTreeMap<String, Miniature>> = Mutex::new(BTreeMap::new());
    let mut drawn = DRAWN.lock().unwrap();
    let draw = || Miniature::generate(&competition::find(name).unwrap(), Sizes::tiny(), 7).unwrap();
    drawn.entry(name.to_owned()).or_insert_with(draw).clone()
}

fn serve(names: &[&str], change: impl FnOnce(&mut Options)) -> Server {
    let mut options = Options::new(names.iter().map(|name| drawn(name)).collect());
    change(&mut options);
    standin::start(options).unwrap()
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
    stream.write_all(body).unwrap();
    let mut bytes = Vec::new();
    // A connection that is cut on purpose may end in an error; what came before it counts.
    let _ = stream.read_to_end(&mut bytes);
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    Reply { status, headers, body: bytes[end + 4..].to_vec() }
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
fn a_miniature_of_every_spec_is_a_data_set_that_opens() {
    let mut specs = competition::all().unwrap();
    // Layouts and labels that no competition of ours has.
    let text = |name: &str| specs.iter().find(|c| c.name == name).unwrap().source.clone();
    let (dogs, planet) = (text("dogs-vs-cats"), text("planet"));
    let folders =
        dogs.replace("[target.labels.file-name]\nseparator = \".\"", "[target.labels.folder]");
    let words = "kind = \"multi-label\"\nclasses = [\"cars\", \"trees\", \"water\", \"sand\"]";
    let tags = planet.replace("kind = \"multi-label\"", words);
    specs.push(Competition::parse("folders", &folders, "folders.toml").unwrap());
    specs.push(Competition::parse("tags", &tags, "tags.toml").unwrap());
    for spec in specs {
        let name = spec.name.clone();
        let sizes = Sizes::tiny();
        let miniature = Miniature::generate(&spec, sizes, 3).unwrap();
        let scratch = Scratch::new();
        miniature.write(scratch.path()).unwrap();
        let data = dataset::open(&spec, scratch.path()).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (sizes.train, sizes.test), "{name}");
        dataset::audit(&data.train, &()).unwrap();
        dataset::audit(&data.test, &()).unwrap();
        let ids: Vec<&str> = data.test.iter().map(|sample| sample.id.as_str()).collect();
        let hidden: Vec<&str> = miniature.solution.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, hidden, "{name}");
        assert!(data.train.iter().all(|sample| !sample.target.is_empty()), "{name}");
        let solution = miniature.solution_csv().unwrap();
        let sample = score_bytes(miniature.sample.as_bytes(), solution.as_bytes(), &spec).unwrap();
        let expected = match spec.metric {
            Metric::LogLoss => (miniature.classes.len() as f64).ln(),
            Metric::MeanF2 => sample.value.clamp(0.2, 0.9),
        };
        assert!((sample.value - expected).abs() < 1e-6, "{name}: {}", sample.value);
    }
}

#[test]
fn a_tile_has_one_weather_and_cloud_hides_all_else() {
    let planet = competition::find("planet").unwrap();
    let sizes = Sizes { train: 1, test: 150, classes: 0 };
    let miniature = Miniature::generate(&planet, sizes, 5).unwrap();
    let names = miniature.classes.names();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, target) in &miniature.solution {
        let tags: Vec<&str> = target.iter().map(|&tag| names[tag].as_str()).collect();
        let weather = ["clear", "cloudy", "haze", "partly_cloudy"];
        assert_eq!(tags.iter().filter(|tag| weather.contains(tag)).count(), 1, "{id}: {tags:?}");
        assert!(!tags.contains(&"cloudy") || tags.len() == 1, "{id}: {tags:?}");
        for tag in tags {
            *counts.entry(tag).or_default() += 1;
        }
    }
    assert_eq!(miniature.classes.len(), 17);
    assert!(counts["primary"] > 100 && counts["road"] > 15 && counts["water"] > 10, "{counts:?}");
    let ids: Vec<&str> = miniature.solution.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(&ids[..3], ["test_0", "test_1", "test_2"]);
    // The additional images come in the order of their text, as in Kaggle's sample.
    let first = ids.iter().position(|id| id.starts_with("file_")).unwrap();
    assert_eq!(&ids[first..first + 4], ["file_0", "file_1", "file_10", "file_11"]);
}

#[test]
fn the_same_seed_draws_the_same_and_another_does_not() {
    let spec = competition::find("dog-breed").unwrap();
    let sizes = Sizes { train: 4, test: 2, classes: 2 };
    let draw = |seed| Miniature::generate(&spec, sizes, seed).unwrap().files;
    let bytes = |seed| -> Vec<Vec<u8>> { draw(seed).into_iter().map(|file| file.bytes).collect() };
    assert_eq!(bytes(1), bytes(1));
    let (one, other) = (draw(1), draw(2));
    assert!(one.iter().zip(&other).skip(2).all(|(a, b)| a.path != b.path && a.bytes != b.bytes));
}

#[test]
fn the_average_colour_does_not_tell_the_two_kinds_apart() {
    let spec = competition::find("dogs-vs-cats").unwrap();
    let sizes = Sizes { train: 120, test: 2, classes: 2 };
    let files = Miniature::generate(&spec, sizes, 11).unwrap().files;
    let mut kinds: [Vec<[f64; 3]>; 2] = [vec![], vec![]];
    for file in files.iter().filter(|file| file.path.starts_with("train/")) {
        let picture = image::load_from_memory(&file.bytes).unwrap().to_rgb8();
        let mut mean = [0.0; 3];
        for pixel in picture.pixels() {
            for channel in 0..3 {
                mean[channel] += f64::from(pixel[channel]);
            }
        }
        let n = f64::from(picture.width() * picture.height());
        kinds[usize::from(file.path.starts_with("train/dog"))].push(mean.map(|sum| sum / n));
    }
    // The nearest class mean, fitted on the very pictures that it is tried on.
    let centres = [0, 1].map(|kind: usize| {
        let n = kinds[kind].len() as f64;
        [0, 1, 2].map(|channel: usize| kinds[kind].iter().map(|m| m[channel]).sum::<f64>() / n)
    });
    let distance =
        |a: &[f64; 3], b: &[f64; 3]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum() };
    let n_right: usize = [0, 1]
        .iter()
        .map(|&kind: &usize| {
            let nearer = |mean: &&[f64; 3]| {
                distance(mean, &centres[kind]) < distance(mean, &centres[1 - kind])
            };
            kinds[kind].iter().filter(nearer).count()
        })
        .sum();
    assert!(n_right < 80, "{n_right} of 120 are told apart by colour");
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
    let Sizes { train, test, .. } = Sizes::tiny();
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
fn faults_happen_once() {
    let faults = Faults { failing_downloads: 1, cut_at: Some(700), ..Faults::default() };
    let server = serve(&["dogs-vs-cats"], |options| options.faults = faults);
    let path = bundle(&server, DOGS);
    assert_eq!(ask(&server, "GET", &path, &[], b"").status, 503);
    let cut = ask(&server, "GET", &path, &[], b"");
    assert_eq!((cut.status, cut.body.len()), (200, 700));
    let whole = ask(&server, "GET", &path, &[], b"");
    assert_eq!(whole.headers["content-length"], cut.headers["content-length"]);
    assert_eq!(whole.body[..700], cut.body[..]);
    assert_eq!(whole.body.len().to_string(), whole.headers["content-length"]);
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
    assert_eq!(server.submissions()[0].csv, csv);
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
fn scoring_may_take_a_while() {
    let faults = Faults { pending_answers: 1, ..Faults::default() };
    let server = serve(&["dogs-vs-cats"], |options| options.faults = faults);
    let sample = server.miniatures().next().unwrap().sample.clone();
    let first = submit(&server, DOGS, sample.as_bytes());
    assert_eq!((&first["status"], &first["publicScore"]), (&json!("PENDING"), &json!("")));
    let again = call(&server, "GetSubmission", &json!({ "ref": first["ref"] })).json();
    assert_eq!(again["status"], "COMPLETE");
}

#[test]
fn a_port_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut options = Options::new(vec![]);
    options.port = Some(port);
    let Err(error) = standin::start(options) else { panic!("it started on a port in use") };
    let message = format!("{error:#}");
    assert!(message.contains(&format!("port `{port}` is in use\nhint: ")), "{message}");
}
