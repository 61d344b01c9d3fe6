//! Submissions through every trouble: nothing is sent twice, and no slot is spent twice.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use kaggle_kit::fs;
use kaggle_kit::kaggle::{Class, Error, KnownBy, RetryPolicy, SubmissionStatus, Submitted};
use serde_json::{Value, json};

use super::server::{Reply, Request, Server};
use super::{QUICK, SLUG, TOKEN, client};

/// What Kaggle and its storage know.
#[derive(Default)]
struct Known {
    /// The bytes of the session.
    received: Vec<u8>,
    sessions: usize,
    submissions: Vec<Value>,
    /// What happens to the next uploads and calls, the last one first; then all goes well.
    refused_puts: Vec<u16>,
    creations: Vec<Creation>,
    keeps_cut_bytes: bool,
}

/// What happens to a `CreateSubmission`.
#[derive(Clone, Copy)]
enum Creation {
    /// It is taken, but the answer does not arrive.
    AnswerLost,
    /// It does not arrive.
    RequestLost,
    Status(u16),
}

struct Kaggle {
    server: Server,
    known: Arc<Mutex<Known>>,
    folder: tempfile::TempDir,
}

impl Kaggle {
    fn start(change: impl FnOnce(&mut Known)) -> Self {
        let mut known = Known { keeps_cut_bytes: true, ..Known::default() };
        // One from before, with the same file and message.
        known.submissions.push(submission(41));
        change(&mut known);
        let known = Arc::new(Mutex::new(known));
        let shared = Arc::clone(&known);
        let server = Server::start(move |_, request| shared.lock().unwrap().answer(request));
        let kaggle = Self { server, known, folder: tempfile::tempdir().unwrap() };
        fs::write_atomic(kaggle.csv(), csv()).unwrap();
        kaggle
    }

    fn csv(&self) -> PathBuf {
        self.folder.path().join("sub.csv")
    }

    fn sidecar(&self) -> PathBuf {
        self.folder.path().join(".sub.csv.upload.toml")
    }

    /// Ends a submission that was made.
    fn settle(&self) {
        assert!(self.sidecar().exists());
        client(&self.server).settle(&self.csv()).unwrap();
        assert!(!self.sidecar().exists());
    }

    /// One call of a new client, as another process would make it.
    fn submit(&self, retries: u32) -> Result<Submitted, Error> {
        let client = client(&self.server).with_retry_policy(RetryPolicy { retries, ..QUICK });
        let result = client.submit(SLUG, &self.csv(), "hi", &());
        if let Err(error) = &result {
            let said = format!("{error} {error:?}");
            assert!(!said.contains("s3cret") && !said.contains(TOKEN), "{said}");
        }
        result
    }

    /// The uploads: what they say they bring, and how many bytes came.
    fn puts(&self) -> Vec<(Option<String>, usize)> {
        let requests = self.server.requests();
        let puts = requests.iter().filter(|request| request.method == "PUT");
        puts.map(|put| (put.header("Content-Range").map(str::to_owned), put.body.len())).collect()
    }

    fn sent(&self) -> usize {
        self.puts().iter().map(|(_, bytes)| bytes).sum()
    }
}

fn csv() -> Vec<u8> {
    (0..20_000).flat_map(|n| format!("{n},0.{n}\n").into_bytes()).collect()
}

fn submission(reference: u64) -> Value {
    json!({ "ref": reference, "fileName": "sub.csv", "description": "hi", "status": "PENDING" })
}

impl Known {
    fn answer(&mut self, request: &Request) -> Reply {
        if request.method == "PUT" {
            assert!(request.header("Authorization").is_none());
            return self.put(request);
        }
        match request.call() {
            "StartSubmissionUpload" => {
                self.sessions += 1;
                self.received.clear();
                let host = request.header("Host").unwrap().replace("127.0.0.1", "localhost");
                let url = format!("http://{host}/upload/{}?upload_id=s3cret", self.sessions);
                let token = format!("blob-{}", self.sessions);
                Reply::json(&json!({ "token": token, "createUrl": url }).to_string())
            }
            "ListSubmissions" => {
                Reply::json(&json!({ "submissions": self.submissions }).to_string())
            }
            "CreateSubmission" => self.create(),
            _ => Reply::json(
                r#"{"ref":42,"status":"COMPLETE","publicScore":"0.41531","description":"hi"}"#,
            ),
        }
    }

    fn put(&mut self, request: &Request) -> Reply {
        let length = csv().len();
        if request.call() != format!("{}?upload_id=s3cret", self.sessions) {
            return Reply::new(404, "");
        }
        if let Some(status) = self.refused_puts.pop() {
            return Reply::new(status, "");
        }
        let announced = request.header("Content-Length").unwrap().parse::<usize>().unwrap();
        if request.body.len() == announced || self.keeps_cut_bytes {
            let range = request.header("Content-Range").unwrap_or("bytes 0-").to_owned();
            let start = range.trim_start_matches("bytes ").split('-').next();
            if let Some(Ok(start)) = start.map(str::parse::<usize>) {
                assert_eq!(start, self.received.len(), "a part that does not fit");
                self.received.extend_from_slice(&request.body);
            }
        }
        if self.received.len() == length {
            return Reply::json("{}");
        }
        let go_on = Reply::new(308, "");
        match self.received.len() {
            0 => go_on,
            n => go_on.with("Range", format!("bytes=0-{}", n - 1)),
        }
    }

    fn create(&mut self) -> Reply {
        assert_eq!(self.received, csv(), "submitted before it was all there");
        let taken = submission(41 + self.submissions.len() as u64);
        match self.creations.pop() {
            Some(Creation::Status(status)) => Reply::new(status, "no"),
            Some(Creation::RequestLost) => Reply::lost(),
            Some(Creation::AnswerLost) => {
                self.submissions.insert(0, taken);
                Reply::lost()
            }
            None => {
                let reference = taken["ref"].clone();
                self.submissions.insert(0, taken);
                Reply::json(
                    &json!({ "message": "Successfully submitted", "ref": reference }).to_string(),
                )
            }
        }
    }
}

#[test]
fn a_submission_is_uploaded_and_scored() {
    let kaggle = Kaggle::start(|_| {});
    let client = client(&kaggle.server);
    let submitted = client.submit(SLUG, &kaggle.csv(), "hi", &()).unwrap();
    assert_eq!((submitted.reference, submitted.known_by), (42, KnownBy::Answered));
    let submission = client.submission(submitted.reference).unwrap();
    assert_eq!(submission.status, SubmissionStatus::Complete);
    assert_eq!(submission.public_score, Some(0.41531));
    // Whoever asks again before it is settled gets the same one.
    let again = kaggle.submit(5).unwrap();
    assert_eq!((again.reference, again.known_by), (42, KnownBy::Before));
    assert_eq!(kaggle.server.count("CreateSubmission"), 1);
    kaggle.settle();

    let requests = kaggle.server.requests();
    let calls: Vec<_> = requests.iter().map(Request::call).collect();
    let put = "1?upload_id=s3cret";
    let expected =
        ["StartSubmissionUpload", put, "ListSubmissions", "CreateSubmission", "GetSubmission"];
    assert_eq!(calls, expected);
    assert_eq!(requests[0].json()["contentLength"], csv().len());
    assert_eq!(requests[0].json()["fileName"], "sub.csv");
    assert_eq!((requests[1].header("Content-Range"), requests[1].body.len()), (None, csv().len()));
    assert_eq!(
        requests[3].json(),
        json!({
            "competitionName": SLUG,
            "blobFileTokens": "blob-1",
            "submissionDescription": "hi",
        })
    );
}

#[test]
fn an_upload_that_is_cut_goes_on_where_it_was() {
    let kaggle = Kaggle::start(|_| {});
    kaggle.server.cut_uploads(&[1, 70_000, 100_000]);
    // Fewer retries than cuts: those that brought something do not count.
    kaggle.submit(1).unwrap();
    assert_eq!(kaggle.sent(), csv().len(), "no byte twice");
    let length = csv().len();
    let puts = kaggle.puts();
    let asks = puts.iter().filter(|(range, _)| *range == Some(format!("bytes */{length}"))).count();
    assert_eq!((asks, puts.len()), (3, 7));
    assert_eq!(puts[2].0, Some(format!("bytes 1-{}/{length}", length - 1)));
    assert_eq!(kaggle.server.count("StartSubmissionUpload"), 1);
}

#[test]
fn an_upload_whose_bytes_are_lost_is_made_again() {
    let kaggle = Kaggle::start(|known| known.keeps_cut_bytes = false);
    kaggle.server.cut_uploads(&[70_000]);
    kaggle.submit(2).unwrap();
    assert_eq!(kaggle.sent(), 70_000 + csv().len());
    assert_eq!(kaggle.server.count("CreateSubmission"), 1);
}

#[test]
fn a_busy_upload_is_tried_again_and_not_for_ever() {
    let kaggle = Kaggle::start(|known| known.refused_puts = vec![503; 2]);
    kaggle.submit(5).unwrap();
    let kaggle = Kaggle::start(|known| known.refused_puts = vec![503; 9]);
    let error = kaggle.submit(2).unwrap_err();
    assert!(matches!(error, Error::Server { status: 503, .. }), "{error}");
    assert_eq!(kaggle.puts().len(), 3);
}

#[test]
fn an_upload_outlives_the_process() {
    let kaggle = Kaggle::start(|_| {});
    kaggle.server.cut_uploads(&[70_000, 1]);
    for _ in 0..2 {
        assert_eq!(kaggle.submit(0).unwrap_err().class(), Class::Network);
        assert!(fs::read_to_string(kaggle.sidecar()).unwrap().contains("s3cret"));
        is_private(&kaggle.sidecar());
    }
    kaggle.submit(0).unwrap();
    assert_eq!(kaggle.sent(), csv().len(), "no byte twice");
    kaggle.settle();
}

#[cfg(unix)]
fn is_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn is_private(_: &Path) {}

#[test]
fn a_session_that_has_ended_is_replaced() {
    let kaggle = Kaggle::start(|_| {});
    kaggle.server.cut_uploads(&[70_000]);
    kaggle.submit(0).unwrap_err();
    kaggle.known.lock().unwrap().refused_puts = vec![410];
    kaggle.submit(1).unwrap();
    assert_eq!(kaggle.server.count("StartSubmissionUpload"), 2);
    assert_eq!(kaggle.sent(), 70_000 + csv().len());
}

#[test]
fn what_was_kept_of_another_file_is_not_gone_on_with() {
    let kaggle = Kaggle::start(|_| {});
    kaggle.server.cut_uploads(&[70_000]);
    kaggle.submit(0).unwrap_err();
    let mut changed = csv();
    changed.reverse();
    fs::write_atomic(kaggle.csv(), changed).unwrap();
    // The fake knows one file only, and says so; what counts is that a new session was begun.
    let _ = kaggle.submit(0);
    assert_eq!(kaggle.server.count("StartSubmissionUpload"), 2);
}

#[test]
fn a_lost_answer_is_found_in_the_list() {
    let kaggle = Kaggle::start(|known| known.creations = vec![Creation::AnswerLost]);
    let submitted = kaggle.submit(5).unwrap();
    assert_eq!((submitted.reference, submitted.known_by), (42, KnownBy::InList));
    assert_eq!(kaggle.server.count("CreateSubmission"), 1);
    kaggle.settle();
}

#[test]
fn a_lost_request_is_made_once_more() {
    for trouble in [Creation::RequestLost, Creation::Status(503)] {
        let kaggle = Kaggle::start(|known| known.creations = vec![trouble]);
        let submitted = kaggle.submit(5).unwrap();
        assert_eq!((submitted.reference, submitted.known_by), (42, KnownBy::Answered));
        assert_eq!(kaggle.server.count("CreateSubmission"), 2);
        assert_eq!(kaggle.known.lock().unwrap().submissions.len(), 2, "one new");
    }
}

#[test]
fn a_doubt_is_left_to_the_next_call_which_looks_first() {
    // The second call is taken, but the list does not show it in time.
    let kaggle = Kaggle::start(|known| known.creations = vec![Creation::RequestLost; 2]);
    let error = kaggle.submit(5).unwrap_err();
    assert!(matches!(error, Error::SubmissionInDoubt { .. }), "{error}");
    assert!(error.to_string().contains("hint: run the same command again"), "{error}");
    assert_eq!(kaggle.server.count("CreateSubmission"), 2);
    kaggle.known.lock().unwrap().submissions.insert(0, submission(77));
    let submitted = kaggle.submit(5).unwrap();
    assert_eq!((submitted.reference, submitted.known_by), (77, KnownBy::InList));
    assert_eq!(kaggle.server.count("CreateSubmission"), 2);
    assert_eq!(kaggle.sent(), csv().len(), "nothing is sent again");
    kaggle.settle();
}

#[test]
fn a_refused_submission_says_why_and_leaves_nothing() {
    let kaggle = Kaggle::start(|known| known.creations = vec![Creation::Status(400)]);
    let error = kaggle.submit(5).unwrap_err();
    assert!(error.to_string().contains("status 400 (no)"), "{error}");
    assert_eq!(kaggle.server.count("CreateSubmission"), 1);
    assert!(!kaggle.sidecar().exists());
}

#[test]
fn a_rate_limit_keeps_the_upload() {
    let kaggle = Kaggle::start(|known| known.creations = vec![Creation::Status(429)]);
    let error = kaggle.submit(5).unwrap_err();
    assert_eq!(error.class(), Class::RateLimited);
    assert_eq!(kaggle.server.count("CreateSubmission"), 1, "not asked again");
    kaggle.submit(5).unwrap();
    assert_eq!(kaggle.sent(), csv().len(), "nothing is sent again");
}

#[test]
fn two_processes_do_not_submit_one_file() {
    let kaggle = Kaggle::start(|_| {});
    let held = fs::File::open(kaggle.csv()).unwrap();
    held.try_lock().unwrap();
    let error = kaggle.submit(5).unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error}");
    assert!(kaggle.server.requests().is_empty());
}
