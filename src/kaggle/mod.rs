//! Kaggle's public API: its address, a person's credentials, downloads and uploads.
//!
//! The protocol is the one that the official clients speak since 2025: every call is a `POST` of a
//! JSON object to `<base>/competitions.CompetitionApiService/<Method>`; files come from and go to a
//! storage host by signed addresses, which never see the credentials. This is the only part of the
//! program that names reqwest. It prints nothing and keeps no state on disk.

mod answer;
mod client;
pub mod credentials;
mod download;
mod endpoint;
mod environment;
mod error;
mod http;
mod patience;
mod upload;
mod wire;

pub use client::Client;
pub use download::{Received, download};
pub use endpoint::Endpoint;
pub use environment::Environment;
pub use error::Error;
pub use patience::Patience;
pub use upload::Submitted;
pub use wire::{CompetitionInfo, DataFile, Submission, SubmissionLimits, SubmissionStatus};
