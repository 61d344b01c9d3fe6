//! A server of a few lines: what it answers is said in the test, what it was asked is kept.
//!
//! The real stand-in (`standin/`) behaves; this one misbehaves to order.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use md5::{Digest, Md5};

/// What came in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The last part of the path: the method of the API.
    pub(crate) fn call(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }

    /// The first byte of the range it asks for.
    pub(crate) fn start(&self) -> Option<usize> {
        self.header("Range")?.strip_prefix("bytes=")?.split('-').next()?.parse().ok()
    }
}

/// What goes out.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    sent: usize,
    silence: Duration,
    answers: bool,
    tells_length: bool,
    has_end: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let (headers, sent) = (Vec::new(), body.len());
        Self {
            status,
            headers,
            sent,
            body,
            silence: Duration::ZERO,
            answers: true,
            tells_length: true,
            has_end: true,
        }
    }

    pub(crate) fn json(text: &str) -> Self {
        Self::new(200, text).with("Content-Type", "application/json")
    }

    pub(crate) fn redirect(to: impl Into<String>) -> Self {
        Self::new(302, "").with("Location", to)
    }

    /// No answer at all: the connection closes.
    pub(crate) fn lost() -> Self {
        Self { answers: false, ..Self::new(500, "") }
    }

    /// What good storage answers: the range that is asked for, if it is of this version.
    pub(crate) fn file(request: &Request, content: &[u8], etag: &str) -> Self {
        let unchanged = request.header("If-Range").is_none_or(|seen| seen == etag);
        let start = request.start().filter(|_| unchanged);
        let length = content.len();
        let reply = match start {
            None => Self::new(200, content),
            Some(start) if start < length => Self::new(206, &content[start..])
                .with("Content-Range", format!("bytes {start}-{}/{length}", length - 1)),
            Some(_) => Self::new(416, "").with("Content-Range", format!("bytes */{length}")),
        };
        reply.with("ETag", etag).with("x-goog-hash", hashes(content))
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(n, _)| n != name);
        self
    }

    /// Announces the whole body but hangs up after so many bytes of it.
    pub(crate) fn cut_at(mut self, bytes: usize) -> Self {
        self.sent = self.body.len().min(bytes);
        self
    }

    /// Does not say how long it is: the end of the connection is its end.
    pub(crate) fn without_length(mut self) -> Self {
        self.tells_length = false;
        self
    }

    /// Its body comes again and again, until the client hangs up, or a GB has gone out.
    pub(crate) fn without_end(mut self) -> Self {
        (self.tells_length, self.has_end) = (false, false);
        self
    }

    /// Says nothing for a while before it hangs up.
    pub(crate) fn silent_for(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }
}

/// `x-goog-hash` of a file.
pub(crate) fn hashes(content: &[u8]) -> String {
    let crc32c = BASE64_STANDARD.encode(crc32c::crc32c(content).to_be_bytes());
    format!("crc32c={crc32c},md5={}", BASE64_STANDARD.encode(Md5::digest(content)))
}

type Handler = dyn Fn(usize, &Request) -> Reply + Send + Sync;

/// Listens on a free port of `127.0.0.1` until the test process ends.
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    requests: Mutex<Vec<Request>>,
    /// After so many bytes of their bodies, the next uploads are cut.
    upload_cuts: Mutex<Vec<usize>>,
    answer: Box<Handler>,
}

impl Server {
    /// `answer` gets the number of the request (from 0) and the request.
    pub(crate) fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            requests: Mutex::default(),
            upload_cuts: Mutex::default(),
            answer: Box::new(answer),
        });
        let kept = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&kept);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, shared }
    }

    /// The next uploads break off after so many bytes; `answer` gets what arrived, and its answer
    /// does not go out.
    pub(crate) fn cut_uploads(&self, cuts: &[usize]) {
        *self.shared.upload_cuts.lock().unwrap() = cuts.iter().rev().copied().collect();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The same server under its other name, as storage is another host than the API.
    pub(crate) fn storage_url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many calls of the API's method came in.
    pub(crate) fn count(&self, call: &str) -> usize {
        self.requests().iter().filter(|request| request.call() == call).count()
    }
}

/// One request a connection: `Connection: close` keeps it simple.
fn serve(mut stream: TcpStream, shared: &Shared) {
    let Some((request, cut)) = read(&stream, shared) else { return };
    let n = {
        let mut kept = shared.requests.lock().unwrap();
        kept.push(request.clone());
        kept.len() - 1
    };
    let reply = (shared.answer)(n, &request);
    if cut || !reply.answers {
        return;
    }
    let mut headers = vec![format!("HTTP/1.1 {} X", reply.status), "Connection: close".to_owned()];
    if reply.tells_length && !reply.headers.iter().any(|(name, _)| name == "Content-Length") {
        headers.push(format!("Content-Length: {}", reply.body.len()));
    }
    headers.extend(reply.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    let head = headers.join("\r\n") + "\r\n\r\n";
    // The client may have gone: that is its right.
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(&reply.body[..reply.sent]);
    let mut left = if reply.has_end { 0 } else { 1_000_000_000 / reply.body.len().max(1) };
    while left > 0 && stream.write_all(&reply.body).is_ok() {
        left -= 1;
    }
    thread::sleep(reply.silence);
}

/// The request, and whether it was cut.
fn read(stream: &TcpStream, shared: &Shared) -> Option<(Request, bool)> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let mut request = Request {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        ..Request::default()
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = request.header("Content-Length").and_then(|n| n.parse().ok()).unwrap_or(0);
    let upload = request.method == "PUT" && length > 0;
    let cut = if upload { shared.upload_cuts.lock().unwrap().pop() } else { None };
    request.body.resize(length.min(cut.unwrap_or(length)), 0);
    reader.read_exact(&mut request.body).ok()?;
    Some((request, cut.is_some()))
}
