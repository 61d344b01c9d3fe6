//! The calls of the competitions' service, and how any call is made.

use std::cell::Cell;
use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Url;
use reqwest::blocking::Response;
use reqwest::header::{HeaderMap, HeaderValue, RANGE};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{self, CallContext};
use super::credentials::{self, Credentials, FoundCredentials};
use super::download::{self, Announced, Wanted};
use super::endpoint::Service;
use super::error;
use super::http::{self, Http};
use super::wire::{
    CompetitionInfo, FileOf, FilesPage, FirstFiles, OfCompetition, PageOf, Submission,
    SubmissionLimits, SubmissionRef, SubmissionsPage,
};
use super::{Endpoint, Environment, Error, Received, RetryPolicy};
use crate::progress::Progress;
use crate::term;

/// As many entries a page as Kaggle gives.
const PAGE_SIZE: u32 = 200;
/// More pages than any competition has; a server that never ends its list is stopped here.
const MOST_PAGES: usize = 5_000;
/// More of a list, all its pages together, is not taken.
const MOST_OF_LIST: usize = 512 << 20;

/// A person's line to Kaggle; several threads may use one.
pub struct Client {
    pub(super) http: Http,
    pub(super) retry_policy: RetryPolicy,
    endpoint: Endpoint,
    /// In the order in which they are tried; never empty.
    found: Vec<FoundCredentials>,
    /// Which of them Kaggle has not refused yet.
    in_use: AtomicUsize,
    /// Hears of waits, retries and refused credentials where no progress is shown.
    pub(super) warn: Box<dyn Fn(&str) + Send + Sync>,
}

/// What there is to download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleHead {
    /// Its size, if the server tells.
    pub bytes: Option<u64>,
    pub host: String,
}

/// The address that a download call led to, between the attempts of one download.
pub(super) type Signed = Cell<Option<Url>>;

/// One call, as far as the wire and errors need to know it.
pub(super) struct Call<'a, B> {
    pub(super) service: Service,
    pub(super) method: &'a str,
    /// The competition, if one is named.
    pub(super) slug: &'a str,
    /// What is asked for, in words.
    pub(super) what: String,
    pub(super) body: B,
}

impl Client {
    /// A client of the usual endpoint (or the one given) with the credentials found in the usual
    /// places.
    pub fn connect(endpoint: Option<&str>, environment: &Environment) -> Result<Self, Error> {
        let endpoint = Endpoint::find(endpoint, environment)?;
        let found = credentials::find_all(environment)?;
        let policy = RetryPolicy::default();
        let (http, in_use) = (Http::new(policy.silence), AtomicUsize::new(0));
        let warn = Box::new(|text: &str| term::warn(text));
        Ok(Self { http, retry_policy: policy, endpoint, found, in_use, warn })
    }

    /// The same client with somebody else to hear its warnings, which go to stderr otherwise.
    #[must_use]
    pub fn with_warn(self, warn: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { warn: Box::new(warn), ..self }
    }

    /// The same client with another policy of retries.
    #[must_use]
    pub fn with_retry_policy(self, policy: RetryPolicy) -> Self {
        Self { http: Http::new(policy.silence), retry_policy: policy, ..self }
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The credentials in use, where they came from, and what there is to say about the place.
    pub fn credentials(&self) -> &FoundCredentials {
        &self.found[self.in_use.load(Ordering::SeqCst)]
    }

    /// What Kaggle says of a competition.
    pub fn competition(&self, slug: &str) -> Result<CompetitionInfo, Error> {
        self.call(&Call::about("GetCompetition", slug))
    }

    /// The first of a competition's data files: some have tens of thousands, and a page is a call.
    pub fn first_files(&self, slug: &str) -> Result<FirstFiles, Error> {
        let body = PageOf { competition_name: slug, page_size: PAGE_SIZE, page_token: "" };
        let what = format!("competition `{slug}`");
        let page: FilesPage = self.call(&Call::of("ListDataFiles", slug, what, body))?;
        Ok(FirstFiles { files: page.files, more: !page.next_page_token.is_empty() })
    }

    /// Downloads all data of a competition as one archive, which gets its name once it is whole;
    /// until then what has arrived waits in `<path>.part`, and a second call goes on from there.
    pub fn download_bundle(
        &self,
        slug: &str,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Received, Error> {
        self.download(&Call::about("DownloadDataFiles", slug), path, None, progress)
    }

    /// What [`Client::download_bundle`] would download, for the price of one byte.
    pub fn bundle_head(&self, slug: &str) -> Result<BundleHead, Error> {
        let call = Call::about("DownloadDataFiles", slug);
        let first_byte = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-0"))]);
        self.retry_policy.retry(&self.warn, || {
            let response = self.open(&call, &first_byte, &Signed::default(), &self.warn)?;
            let announced = Announced::read(&response);
            Ok(BundleHead { bytes: announced.length(), host: announced.host().to_owned() })
        })
    }

    /// Downloads one data file, of which Kaggle's list tells a size. Kaggle sends large plain files as
    /// a zip of the file, whatever the name: look at the content.
    pub fn download_file(
        &self,
        slug: &str,
        name: &str,
        listed: Option<u64>,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Received, Error> {
        let body = FileOf { competition_name: slug, file_name: name };
        let what = format!("`{name}` in `{slug}`");
        let call = Call::of("DownloadDataFile", slug, what, body);
        self.download(&call, path, listed, progress)
    }

    /// How many submissions are left today.
    pub fn submission_limits(&self, slug: &str) -> Result<SubmissionLimits, Error> {
        self.call(&Call::about("GetSubmissionLimits", slug))
    }

    pub fn submission(&self, reference: u64) -> Result<Submission, Error> {
        let what = format!("submission {reference}");
        let body = SubmissionRef { reference };
        self.call(&Call::of("GetSubmission", "", what, body))
    }

    /// Every submission of the person to a competition, the newest first.
    pub fn list_submissions(&self, slug: &str) -> Result<Vec<Submission>, Error> {
        self.pages("ListSubmissions", slug, |page: SubmissionsPage| {
            (page.submissions, page.next_page_token)
        })
    }

    pub(super) fn pages<P: DeserializeOwned, T>(
        &self,
        method: &str,
        slug: &str,
        split: impl Fn(P) -> (Vec<T>, String),
    ) -> Result<Vec<T>, Error> {
        let (mut all, mut token) = (Vec::new(), String::new());
        let (mut seen, mut bytes) = (HashSet::new(), 0);
        while seen.len() < MOST_PAGES && bytes < MOST_OF_LIST {
            let body = PageOf { competition_name: slug, page_size: PAGE_SIZE, page_token: &token };
            let what = format!("competition `{slug}`");
            let (page, length) = self.measured_call(&Call::of(method, slug, what, body))?;
            let (entries, next) = split(page);
            all.extend(entries);
            bytes += length;
            if next.is_empty() || next == token {
                return Ok(all);
            }
            if !seen.insert(std::mem::replace(&mut token, next)) {
                break;
            }
        }
        // A part of a list must not pass for the whole.
        let url = error::shown(&self.endpoint.method(Service::Competitions, method));
        Err(Error::BadAnswer { url, reason: "a list without an end".to_owned() })
    }

    pub(super) fn download<B: Serialize>(
        &self,
        call: &Call<B>,
        path: &Path,
        listed: Option<u64>,
        progress: &dyn Progress,
    ) -> Result<Received, Error> {
        let signed = Signed::default();
        let what = format!("{} from {}", call.what, self.endpoint);
        let open = |range: &HeaderMap| self.open(call, range, &signed, &|text| progress.note(text));
        let wanted = Wanted { what: &what, path, listed };
        download::to_file(&wanted, &open, self.retry_policy, progress)
    }

    /// Opens what a call redirects to. The signed address is asked for once, as Kaggle counts such
    /// calls, and again when storage does not take it any more.
    pub(super) fn open<B: Serialize>(
        &self,
        call: &Call<B>,
        range: &HeaderMap,
        signed: &Signed,
        note: &dyn Fn(&str),
    ) -> Result<Response, Error> {
        if let Some(url) = signed.take() {
            match self.http.get(&url, range, true) {
                Err(error @ (Error::Expired { .. } | Error::NotFound { .. })) => {
                    let text = error.to_string();
                    let what = text.lines().next().unwrap_or_default();
                    note(&format!("{what}: asking for a new one"));
                }
                result => {
                    signed.set(Some(url));
                    return result;
                }
            }
        }
        let response = self.authorized(|found| self.send(call, found))?;
        let url = response.url().clone();
        if !http::is_redirect(response.status()) {
            return Ok(response);
        }
        let url = http::signed_location(&url, response.headers())?;
        let result = self.http.get(&url, range, true);
        if !matches!(result, Err(Error::Expired { .. } | Error::NotFound { .. })) {
            signed.set(Some(url));
        }
        result
    }

    /// Calls, again if need be, and reads the answer.
    pub(super) fn call<B: Serialize, A: DeserializeOwned>(
        &self,
        call: &Call<B>,
    ) -> Result<A, Error> {
        Ok(self.measured_call(call)?.0)
    }

    /// The same, with the length of the answer in bytes.
    fn measured_call<B: Serialize, A: DeserializeOwned>(
        &self,
        call: &Call<B>,
    ) -> Result<(A, usize), Error> {
        let once = || self.authorized(|found| self.measured_call_once(call, found));
        self.retry_policy.retry(&self.warn, once)
    }

    /// Asks with the credentials in use, and with the next ones when Kaggle does not accept them.
    fn authorized<T>(
        &self,
        ask: impl Fn(&FoundCredentials) -> Result<T, Error>,
    ) -> Result<T, Error> {
        loop {
            let n = self.in_use.load(Ordering::SeqCst);
            match ask(&self.found[n]) {
                Err(Error::Unauthorized { message, .. }) => self.fall_through(n, message)?,
                result => return result,
            }
        }
    }

    /// Goes on with the next credentials, where these turned out to be none.
    pub(super) fn refuse(&self, found: &FoundCredentials, message: String) -> Result<(), Error> {
        let n = self.found.iter().position(|one| std::ptr::eq(one, found));
        self.fall_through(n.unwrap_or_default(), message)
    }

    fn fall_through(&self, refused: usize, message: String) -> Result<(), Error> {
        let Some(next) = self.found.get(refused + 1) else {
            let all: Vec<&str> = self.found.iter().map(|found| found.source.as_str()).collect();
            return Err(Error::Unauthorized { credentials: all.join(", then "), message });
        };
        let moved =
            self.in_use.compare_exchange(refused, refused + 1, Ordering::SeqCst, Ordering::SeqCst);
        // Another thread may have found out at the same time.
        if moved.is_ok() {
            let (source, next_source) = (&self.found[refused].source, &next.source);
            (self.warn)(&format!(
                "Kaggle does not accept the credentials from {source} ({message}): going on with \
                 those from {next_source}"
            ));
            next.warnings.iter().for_each(|warning| (self.warn)(warning));
        }
        Ok(())
    }

    /// Calls once and reads the answer.
    pub(super) fn call_once<B: Serialize, A: DeserializeOwned>(
        &self,
        call: &Call<B>,
        found: &FoundCredentials,
    ) -> Result<A, Error> {
        Ok(self.measured_call_once(call, found)?.0)
    }

    fn measured_call_once<B: Serialize, A: DeserializeOwned>(
        &self,
        call: &Call<B>,
        found: &FoundCredentials,
    ) -> Result<(A, usize), Error> {
        let response = self.send(call, found)?;
        let url = response.url().clone();
        let bad = |reason: String| Error::BadAnswer { url: error::shown(&url), reason };
        if http::is_redirect(response.status()) {
            let to = http::location(&url, response.headers())?;
            return Err(bad(format!("a redirect to `{}`", error::shown(&to))));
        }
        let page = http::is_page(response.headers());
        let text = http::text(response)?;
        if page || text.trim_start().starts_with('<') {
            return Err(bad("a web page; is this the address of Kaggle's API?".to_owned()));
        }
        if answer::is_error_body(&text) {
            return Err(answer::from_answer(&context_of(call, &url, found), 200, None, &text));
        }
        let answer = serde_json::from_str(&text);
        let answer = answer.map_err(|error| bad(format!("JSON that does not fit: {error}")))?;
        Ok((answer, text.len()))
    }

    /// Posts a call; a redirect is an answer, an error status is an error.
    fn send<B: Serialize>(
        &self,
        call: &Call<B>,
        found: &FoundCredentials,
    ) -> Result<Response, Error> {
        let url = self.endpoint.method(call.service, call.method);
        let request = self.http.agent(&url)?.post(url.clone()).json(&call.body);
        let request = match &found.credentials {
            Credentials::Token(token) => request.bearer_auth(token.reveal()),
            Credentials::Basic { username, key } => {
                // It goes as one word, which a server may echo.
                let word = BASE64_STANDARD.encode(format!("{username}:{}", key.reveal()));
                term::keep_secret(&word);
                request.basic_auth(username, Some(key.reveal()))
            }
        };
        let response = request.send().map_err(|error| error::network(&url, &error))?;
        if response.status().is_success() || http::is_redirect(response.status()) {
            return Ok(response);
        }
        Err(http::failed(&context_of(call, &url, found), response))
    }
}

fn context_of<'a, B>(
    call: &'a Call<B>,
    url: &'a Url,
    found: &'a FoundCredentials,
) -> CallContext<'a> {
    CallContext {
        url,
        slug: call.slug,
        what: &call.what,
        credentials: &found.source,
        signed: false,
    }
}

impl<'a> Call<'a, OfCompetition<'a>> {
    /// A call that names nothing but the competition.
    pub(super) fn about(method: &'a str, slug: &'a str) -> Self {
        let what = format!("competition `{slug}`");
        Self::of(method, slug, what, OfCompetition { competition_name: slug })
    }
}

impl<'a, B> Call<'a, B> {
    /// A call of the competitions' service.
    pub(super) fn of(method: &'a str, slug: &'a str, what: String, body: B) -> Self {
        Self { service: Service::Competitions, method, slug, what, body }
    }
}
