//! The calls of the competitions' service.

use std::path::Path;

use reqwest::blocking::Response;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::answer::{self, Asked};
use super::credentials::{self, Credentials, Found};
use super::error;
use super::http::{self, Http};
use super::wire::{
    CompetitionInfo, DataFile, FileOf, FilesPage, OfCompetition, PageOf, Submission,
    SubmissionLimits, SubmissionRef, SubmissionsPage,
};
use super::{Endpoint, Environment, Error, Patience, Received, download};
use crate::progress::Progress;

/// As many entries a page as Kaggle gives.
const PAGE_SIZE: u32 = 200;
/// More pages than any competition has; a server that never ends its list is stopped here.
const MOST_PAGES: usize = 5_000;

/// A person's line to Kaggle.
pub struct Client {
    pub(super) http: Http,
    pub(super) patience: Patience,
    endpoint: Endpoint,
    found: Found,
}

/// One call, as far as the wire and errors need to know it.
pub(super) struct Call<'a, B> {
    pub(super) method: &'a str,
    pub(super) slug: &'a str,
    /// What is asked for, in words.
    pub(super) what: String,
    pub(super) body: B,
}

impl Client {
    /// A client of `endpoint` that asks with these credentials.
    pub fn new(endpoint: Endpoint, found: Found) -> Self {
        Self { http: Http::default(), patience: Patience::default(), endpoint, found }
    }

    /// A client of the usual endpoint (or the one given) with the credentials found in the usual
    /// places.
    pub fn connect(endpoint: Option<&str>, environment: &Environment) -> Result<Self, Error> {
        let endpoint = Endpoint::find(endpoint, environment)?;
        Ok(Self::new(endpoint, credentials::find(environment)?))
    }

    /// The same client with another patience.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// Where it asks.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Where its credentials came from, and what there is to say about the place.
    pub fn credentials(&self) -> &Found {
        &self.found
    }

    /// What Kaggle says of a competition.
    pub fn competition(&self, slug: &str) -> Result<CompetitionInfo, Error> {
        self.call(&Call::about("GetCompetition", slug))
    }

    /// Every data file of a competition.
    pub fn list_files(&self, slug: &str) -> Result<Vec<DataFile>, Error> {
        self.pages("ListDataFiles", slug, |page: FilesPage| (page.files, page.next_page_token))
    }

    /// Downloads all data of a competition as one archive, which gets its name once it is whole.
    pub fn download_bundle(
        &self,
        slug: &str,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Received, Error> {
        self.download(&Call::about("DownloadDataFiles", slug), path, progress)
    }

    /// Downloads one data file. Kaggle sends large plain files as a zip of the file, whatever the
    /// name: look at the content.
    pub fn download_file(
        &self,
        slug: &str,
        name: &str,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Received, Error> {
        let body = FileOf { competition_name: slug, file_name: name };
        let what = format!("`{name}` in `{slug}`");
        self.download(&Call { method: "DownloadDataFile", slug, what, body }, path, progress)
    }

    /// How many submissions are left today.
    pub fn submission_limits(&self, slug: &str) -> Result<SubmissionLimits, Error> {
        self.call(&Call::about("GetSubmissionLimits", slug))
    }

    /// One submission by its number.
    pub fn submission(&self, reference: u64) -> Result<Submission, Error> {
        let what = format!("submission {reference}");
        let body = SubmissionRef { reference };
        self.call(&Call { method: "GetSubmission", slug: "", what, body })
    }

    /// Every submission of the person to a competition, the newest first.
    pub fn list_submissions(&self, slug: &str) -> Result<Vec<Submission>, Error> {
        self.pages("ListSubmissions", slug, |page: SubmissionsPage| {
            (page.submissions, page.next_page_token)
        })
    }

    fn pages<P: DeserializeOwned, T>(
        &self,
        method: &str,
        slug: &str,
        split: impl Fn(P) -> (Vec<T>, String),
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        let mut token = String::new();
        for _ in 0..MOST_PAGES {
            let body = PageOf { competition_name: slug, page_size: PAGE_SIZE, page_token: &token };
            let what = format!("competition `{slug}`");
            let (entries, next) = split(self.call(&Call { method, slug, what, body })?);
            all.extend(entries);
            if next.is_empty() || next == token {
                break;
            }
            token = next;
        }
        Ok(all)
    }

    fn download<B: Serialize>(
        &self,
        call: &Call<B>,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Received, Error> {
        // Every attempt asks for a fresh address: signed ones expire.
        let open = || {
            let response = self.send(call)?;
            let url = response.url().clone();
            if http::is_redirect(response.status()) {
                return self.http.get(&http::location(&url, response.headers())?);
            }
            Ok(response)
        };
        download::to_file(open, path, self.patience, progress)
    }

    /// Calls, again if need be, and reads the answer.
    pub(super) fn call<B: Serialize, A: DeserializeOwned>(
        &self,
        call: &Call<B>,
    ) -> Result<A, Error> {
        self.patience.retry(|| self.call_once(call))
    }

    /// Calls once and reads the answer.
    pub(super) fn call_once<B: Serialize, A: DeserializeOwned>(
        &self,
        call: &Call<B>,
    ) -> Result<A, Error> {
        let response = self.send(call)?;
        let url = response.url().clone();
        let bad = |reason: String| Error::BadAnswer { url: error::shown(&url), reason };
        if http::is_redirect(response.status()) {
            let to = http::location(&url, response.headers())?;
            return Err(bad(format!("a redirect to `{}`", error::shown(&to))));
        }
        let page = http::is_page(response.headers());
        let text = response.text().map_err(|error| error::network(&url, &error))?;
        if page || text.trim_start().starts_with('<') {
            return Err(bad("a web page; is this the address of Kaggle's API?".to_owned()));
        }
        if answer::is_error_body(&text) {
            return Err(answer::from_answer(&self.asked(call, &url), 200, None, &text));
        }
        serde_json::from_str(&text).map_err(|error| bad(format!("JSON that does not fit: {error}")))
    }

    /// Posts a call; a redirect is an answer, an error status is an error.
    fn send<B: Serialize>(&self, call: &Call<B>) -> Result<Response, Error> {
        let url = self.endpoint.method(call.method);
        let request = self.http.agent(&url)?.post(url.clone()).json(&call.body);
        let request = match &self.found.credentials {
            Credentials::Token(token) => request.bearer_auth(token.reveal()),
            Credentials::Basic { username, key } => {
                request.basic_auth(username, Some(key.reveal()))
            }
        };
        let response = request.send().map_err(|error| error::network(&url, &error))?;
        if response.status().is_success() || http::is_redirect(response.status()) {
            return Ok(response);
        }
        Err(http::failed(&self.asked(call, &url), response))
    }

    fn asked<'a, B>(&'a self, call: &'a Call<B>, url: &'a reqwest::Url) -> Asked<'a> {
        Asked { url, slug: call.slug, what: &call.what, credentials: &self.found.source }
    }
}

impl<'a> Call<'a, OfCompetition<'a>> {
    /// A call that names nothing but the competition.
    pub(super) fn about(method: &'a str, slug: &'a str) -> Self {
        let what = format!("competition `{slug}`");
        Self { method, slug, what, body: OfCompetition { competition_name: slug } }
    }
}
