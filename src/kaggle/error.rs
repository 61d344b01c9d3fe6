//! What can go wrong between here and Kaggle, told so that a person knows what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use thiserror::Error;

pub(super) use super::address::shown;
use crate::term;

/// A failed exchange with Kaggle or its storage. Texts end in lines that start with `hint: `; a `url` is
/// without its query, which may hold a signature, and a `message` is in the server's words.
#[derive(Debug, Error)]
pub enum Error {
    /// No place holds credentials.
    #[error(
        "no Kaggle credentials found\nhint: looked at {}{}\nhint: make a token on \
         https://www.kaggle.com/settings/api and save it as `~/.kaggle/access_token` (or set \
         `KAGGLE_API_TOKEN`); a `~/.kaggle/kaggle.json` works as well",
        looked.join(", "), near.iter().flat_map(|hint| ["\nhint: ", hint]).collect::<String>()
    )]
    NoCredentials {
        /// Every place that was looked at, with what was there.
        looked: Vec<String>,
        /// What to do with files that look like credentials, a sentence each.
        near: Vec<String>,
    },
    /// A place holds something else than credentials.
    #[error("failed to read the Kaggle credentials in {place}: {reason}{hint}")]
    BadCredentials {
        /// The variable or file, in backticks.
        place: String,
        reason: String,
        /// A hint line.
        hint: String,
    },
    /// What proves who asks would be readable on its way.
    #[error(
        "`{url}` is not encrypted, and not this machine: no credentials are sent there\nhint: give \
         an `https://` address; where there is none, a tunnel such as `ssh -L 7777:HOST:PORT` makes \
         it `http://localhost:7777`"
    )]
    Unprotected { url: String },
    /// The API's address is none.
    #[error("`{given}` is not an address of Kaggle's API: {reason}")]
    BadEndpoint { given: String, reason: String },
    /// 401.
    #[error(
        "Kaggle does not accept the credentials from {credentials} ({message})\nhint: make a new \
         token on https://www.kaggle.com/settings/api and put it there"
    )]
    Unauthorized { credentials: String, message: String },
    /// 403 that speaks of rules.
    #[error(
        "Kaggle wants the rules of the competition accepted first ({message})\nhint: accept them \
         on {page}, then run the same command again"
    )]
    RulesNotAccepted { page: String, message: String },
    /// Any other 403: a wrong name and a missing permission look the same.
    #[error(
        "Kaggle gives no access to `{slug}` ({message})\nhint: if `{slug}` is the end of the \
         competition's address, join it and accept its rules on {}, then run the same command \
         again\nhint: if that page does not exist, the name is wrong",
        rules_page(slug)
    )]
    WrongName { slug: String, message: String },
    /// 404.
    #[error(
        "Kaggle has no {what}\nhint: check the spelling; files that were taken off Kaggle answer the same"
    )]
    NotFound { what: String },
    /// 429.
    #[error("Kaggle is asked too often ({message})\nhint: {}", wait_hint(*retry_after))]
    RateLimited {
        message: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// A hub of weights says no: to everyone, to whoever asks, or for now.
    #[error(
        "`{url}` refused the request with status {status} ({message}){}",
        hub_hint(*status, *retry_after)
    )]
    Hub {
        url: String,
        status: u16,
        message: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Any other refusal.
    #[error("`{url}` refused the request with status {status} ({message})")]
    Refused { url: String, status: u16, message: String },
    /// 5xx.
    #[error(
        "`{url}` failed with status {status} ({message})\nhint: the trouble is on the server's side: try again in some minutes"
    )]
    Server {
        url: String,
        status: u16,
        message: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// A signed address that is not, or no longer, valid.
    #[error(
        "the address `{url}` is not valid any more ({message})\nhint: run the same command again: it asks for a new one, and what has arrived is kept"
    )]
    Expired { url: String, message: String },
    /// No answer, or half of one.
    #[error(
        "no whole answer from `{url}`: {reason}\nhint: check the network (and `HTTPS_PROXY`, if there is a proxy), then run the same command again"
    )]
    Network { url: String, reason: String },
    /// The server's certificate is not to be trusted.
    #[error(
        "`{url}` does not prove that it is what it says ({reason})\nhint: if a proxy of your \
         company reads all connections, name the file of its certificate in `SSL_CERT_FILE` or \
         `REQUESTS_CA_BUNDLE`"
    )]
    Untrusted { url: String, reason: String },
    /// An answer that is not what was asked for.
    #[error("`{url}` gave something unexpected: {reason}")]
    BadAnswer { url: String, reason: String },
    /// A file whose bytes are not those that the server announced.
    #[error("the file from `{url}` arrived damaged: {reason}\nhint: run the same command again")]
    Damaged { url: String, reason: String },
    /// The submission may or may not have been taken.
    #[error(
        "the answer to the submission was lost ({reason})\nhint: run the same command again: it \
         looks for the submission before it makes another one\nhint: or look yourself at \
         https://www.kaggle.com/competitions/{slug}/submissions"
    )]
    SubmissionInDoubt { slug: String, reason: String },
    /// Another process is at work on the same file.
    #[error(
        "another kaggle-kit is at work on `{}`\nhint: wait until it is done, or stop it", path.display()
    )]
    Busy { path: PathBuf },
    /// The disk is full, or too small for what is to come.
    #[error(
        "no room for `{}`{}\nhint: free some disk space, then run the same command again{}",
        path.display(), room(*needed, *free), if *kept { ": what has arrived is kept" } else { "" }
    )]
    NoSpace {
        path: PathBuf,
        /// How many bytes are still to come, where that is known.
        needed: Option<u64>,
        free: Option<u64>,
        /// Whether a later attempt can go on with what has arrived.
        kept: bool,
    },
    /// A local file.
    #[error(transparent)]
    File(#[from] anyhow::Error),
}

/// What kind of trouble an error is, for a program that asks: exit codes are made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// There are none, or whoever is asked does not accept them.
    Credentials,
    /// The rules are not accepted, or the person may not do this.
    Rules,
    /// There is no such thing where it was asked for.
    NotFound,
    /// A server is asked too often.
    RateLimited,
    /// The network, the server, or whatever answers in its place.
    Network,
    /// Everything else: files of this machine, settings, requests that Kaggle refuses.
    Other,
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::File(error.into())
    }
}

impl Error {
    /// What kind of trouble it is.
    pub fn class(&self) -> Class {
        match self {
            Self::NoCredentials { .. }
            | Self::BadCredentials { .. }
            | Self::Unauthorized { .. }
            | Self::Hub { status: 401 | 403, .. } => Class::Credentials,
            Self::RulesNotAccepted { .. }
            | Self::WrongName { .. }
            | Self::Refused { status: 403, .. } => Class::Rules,
            Self::NotFound { .. } | Self::Hub { status: 404, .. } => Class::NotFound,
            Self::RateLimited { .. } | Self::Hub { status: 429, .. } => Class::RateLimited,
            Self::Server { .. }
            | Self::Expired { .. }
            | Self::Network { .. }
            | Self::Untrusted { .. }
            | Self::BadAnswer { .. }
            | Self::Damaged { .. }
            | Self::SubmissionInDoubt { .. } => Class::Network,
            Self::Unprotected { .. }
            | Self::BadEndpoint { .. }
            | Self::Hub { .. }
            | Self::Refused { .. }
            | Self::Busy { .. }
            | Self::NoSpace { .. }
            | Self::File(_) => Class::Other,
        }
    }

    /// Whether the same call may succeed a little later.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Hub { status: 429, .. }
                | Self::Server { .. }
                | Self::Network { .. }
                | Self::Expired { .. }
        )
    }

    /// Whether what was asked for may have been done all the same.
    pub(super) fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Network { .. } | Self::Server { .. } | Self::BadAnswer { .. })
    }

    /// Without its hints.
    pub(super) fn first_line(&self) -> String {
        self.to_string().lines().next().unwrap_or_default().to_owned()
    }

    /// How long the server wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. }
            | Self::Hub { retry_after, .. }
            | Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

pub(super) fn rules_page(slug: &str) -> String {
    format!("https://www.kaggle.com/competitions/{slug}/rules")
}

fn hub_hint(status: u16, retry_after: Option<Duration>) -> String {
    match status {
        401 | 403 => "\nhint: `HF_TOKEN` says who asks, where weights are not for all".to_owned(),
        429 => format!("\nhint: {}", wait_hint(retry_after)),
        _ => String::new(),
    }
}

fn wait_hint(retry_after: Option<Duration>) -> String {
    match retry_after.map(|wait| wait.as_secs()) {
        None => "wait some minutes, then run the same command again".to_owned(),
        Some(seconds @ 0..120) => format!("try again in {seconds} s"),
        Some(seconds) => format!("try again in {} min", seconds.div_ceil(60)),
    }
}

fn room(needed: Option<u64>, free: Option<u64>) -> String {
    match (needed.map(term::bytes), free.map(term::bytes)) {
        (Some(needed), Some(free)) => format!(": {needed} are to come, {free} are free"),
        (Some(needed), None) => format!(": {needed} are to come"),
        (None, Some(free)) => {
            format!(": {free} are free, and the server does not tell how much is to come")
        }
        (None, None) => ": the disk is full".to_owned(),
    }
}

/// The innermost cause of a failed exchange; the outer ones repeat the address.
pub(super) fn network(url: &Url, error: &reqwest::Error) -> Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let reason = if error.is_timeout() {
        "it stopped answering".to_owned()
    } else if cause.source().is_none() && std::ptr::addr_eq(cause, error) {
        // The text of the outermost error holds the whole address, signature included.
        error.to_string().split(" for url").next().unwrap_or_default().to_owned()
    } else {
        cause.to_string()
    };
    // That is hyper's thread which fed the request's body, and found nobody to feed.
    let reason = if reason.contains("receiver is gone") {
        "the connection broke".to_owned()
    } else {
        reason
    };
    // That is rustls speaking; a second attempt would get the same certificate.
    if reason.contains("invalid peer certificate") {
        return Error::Untrusted { url: shown(url), reason };
    }
    Error::Network { url: shown(url), reason }
}
