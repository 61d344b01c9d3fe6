//! What can go wrong between here and Kaggle, told so that a person knows what to do.

use std::time::Duration;

use reqwest::Url;
use thiserror::Error;

/// A failed exchange with Kaggle or its storage. Texts end in lines that start with `hint: `.
#[derive(Debug, Error)]
pub enum Error {
    /// No place holds credentials.
    #[error(
        "no Kaggle credentials found\nhint: looked at {}\nhint: make a token on \
         https://www.kaggle.com/settings/api and save it as `~/.kaggle/access_token` (or set \
         `KAGGLE_API_TOKEN`); a `~/.kaggle/kaggle.json` works as well",
        looked.join(", ")
    )]
    NoCredentials {
        /// Every place that was looked at, with what was there.
        looked: Vec<String>,
    },
    /// A place holds something else than credentials.
    #[error("failed to read the Kaggle credentials in {place}: {reason}{hint}")]
    BadCredentials {
        /// The variable or file, in backticks.
        place: String,
        /// What is wrong with it.
        reason: String,
        /// A hint line or nothing.
        hint: String,
    },
    /// The API's address is none.
    #[error("`{given}` is not an address of Kaggle's API: {reason}")]
    BadEndpoint {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: String,
    },
    /// 401.
    #[error(
        "Kaggle does not accept the credentials from {credentials} ({message})\nhint: make a new \
         token on https://www.kaggle.com/settings/api and put it there"
    )]
    Unauthorized {
        /// Where they came from.
        credentials: String,
        /// Kaggle's words.
        message: String,
    },
    /// 403 that speaks of rules.
    #[error(
        "Kaggle wants the rules of the competition accepted first ({message})\nhint: accept them \
         on {page}, then run the same command again"
    )]
    RulesNotAccepted {
        /// The page with the button.
        page: String,
        /// Kaggle's words.
        message: String,
    },
    /// Any other 403: a wrong name and a missing permission look the same.
    #[error(
        "Kaggle gives no access to `{slug}` ({message})\nhint: if `{slug}` is the end of the \
         competition's address, join it and accept its rules on {}, then run the same command \
         again\nhint: if that page does not exist, the name is wrong",
        rules_page(slug)
    )]
    WrongName {
        /// The competition asked for.
        slug: String,
        /// Kaggle's words.
        message: String,
    },
    /// 404.
    #[error(
        "Kaggle has no {what}\nhint: check the spelling; files that were taken off Kaggle answer the same"
    )]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// 429.
    #[error("Kaggle is asked too often ({message})\nhint: {}", wait_hint(*retry_after))]
    RateLimited {
        /// Kaggle's words.
        message: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Any other refusal.
    #[error("`{url}` refused the request with status {status} ({message})")]
    Refused {
        /// The address, without its query.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// 5xx.
    #[error(
        "`{url}` failed with status {status} ({message})\nhint: the trouble is on the server's side: try again in some minutes"
    )]
    Server {
        /// The address, without its query.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// A signed address that is no longer valid.
    #[error("the address `{url}` has expired")]
    Expired {
        /// The address, without its query.
        url: String,
    },
    /// No answer, or half of one.
    #[error(
        "no whole answer from `{url}`: {reason}\nhint: check the network (and `HTTPS_PROXY`, if there is a proxy), then run the same command again"
    )]
    Network {
        /// The address, without its query.
        url: String,
        /// The innermost cause.
        reason: String,
    },
    /// An answer that is not what was asked for.
    #[error("`{url}` gave something unexpected: {reason}")]
    BadAnswer {
        /// The address, without its query.
        url: String,
        /// What it gave.
        reason: String,
    },
    /// A file whose bytes are not those that the server announced.
    #[error("the file from `{url}` arrived damaged: {reason}\nhint: run the same command again")]
    Damaged {
        /// The address, without its query.
        url: String,
        /// What differs.
        reason: String,
    },
    /// The submission may or may not have been taken.
    #[error(
        "the answer to the submission was lost ({reason})\nhint: look at \
         https://www.kaggle.com/competitions/{slug}/submissions before sending it again: it may \
         have been taken"
    )]
    SubmissionInDoubt {
        /// The competition.
        slug: String,
        /// What went wrong.
        reason: String,
    },
    /// A local file.
    #[error(transparent)]
    File(#[from] anyhow::Error),
}

impl Error {
    /// Whether the same call may succeed a little later.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Server { .. }
                | Self::Network { .. }
                | Self::Expired { .. }
                | Self::Damaged { .. }
        )
    }

    /// How long the server wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

pub(super) fn rules_page(slug: &str) -> String {
    format!("https://www.kaggle.com/competitions/{slug}/rules")
}

fn wait_hint(retry_after: Option<Duration>) -> String {
    match retry_after.map(|wait| wait.as_secs()) {
        None => "wait some minutes, then run the same command again".to_owned(),
        Some(seconds @ 0..120) => format!("try again in {seconds} s"),
        Some(seconds) => format!("try again in {} min", seconds.div_ceil(60)),
    }
}

/// An address for people: without the query, which may hold a signature.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Neither fails for an http address.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
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
    Error::Network { url: shown(url), reason }
}
