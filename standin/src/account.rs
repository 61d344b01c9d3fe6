//! Who may ask: the one account of a stand-in, and the headers that prove it.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::ValueEnum;
use kaggle_kit::sibling::STANDIN_TOKEN;

/// The account that the stand-in knows: both forms of Kaggle's credentials work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name in `kaggle.json`.
    pub username: String,
    /// The key in `kaggle.json`.
    pub key: String,
    /// The access token.
    pub token: String,
}

impl Default for Account {
    /// Credentials that open nothing but a stand-in on this machine.
    fn default() -> Self {
        Self {
            username: "standin".to_owned(),
            key: "0123456789abcdef0123456789abcdef".to_owned(),
            token: STANDIN_TOKEN.to_owned(),
        }
    }
}

impl Account {
    pub(crate) fn is_proven_by(&self, headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        let pair = BASE64_STANDARD.encode(format!("{}:{}", self.username, self.key));
        match given.split_once(' ') {
            Some(("Bearer", token)) => token == self.token,
            Some(("Basic", encoded)) => encoded == pair,
            _ => false,
        }
    }
}

/// Whether the account has accepted the rules: if not, downloads and submissions are answered with 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rules {
    Accepted,
    NotAccepted,
}
