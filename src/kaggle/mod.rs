//! Kaggle's public API: its address, a person's credentials, downloads and uploads.
//!
//! The protocol is the one that the official clients speak since 2025: every call is a `POST` of a
//! JSON object to `<base>/<service>/<Method>`, such as `competitions.CompetitionApiService`; files come from and go to a
//! storage host by signed addresses, which never see the credentials. This is the only part of the
//! program that names reqwest, so that two other servers are asked here as well: Hugging Face's (`hub.rs`)
//! and MLflow's (`tracking.rs`). Unfinished downloads and uploads are kept beside their files, so that
//! a call that was cut off or stopped goes on where it was.

mod account;
mod address;
mod answer;
mod browse;
mod certificates;
mod client;
pub mod credentials;
mod datasets;
mod download;
mod endpoint;
mod environment;
mod error;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
mod http;
mod hub;
mod kernels;
mod leaderboard;
pub mod notebook;
mod outgoing;
mod pending;
mod retry;
mod slips;
mod small_file;
mod submit;
mod tracking;
mod upload;
mod wire;

pub use address::shown_as_typed;
pub use client::{BundleHead, Client};
pub use datasets::{About, DataSet, DataSetState, SentDataSet};
pub use download::{Received, download};
pub use endpoint::Endpoint;
pub use environment::Environment;
pub use error::{Class, Error};
pub use hub::download_from_hub;
pub use kernels::{Kernel, KernelPush, KernelState};
pub use leaderboard::Standing;
pub use retry::RetryPolicy;
pub use submit::{KnownBy, Submitted};
pub use tracking::TrackingServer;
pub use wire::{
    CompetitionInfo, DataFile, Directory, FirstFiles, FolderPage, Page, Submission,
    SubmissionLimits, SubmissionStatus,
};
