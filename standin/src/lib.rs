//! A local Kaggle on loopback: it serves drawn competitions by Kaggle's own protocol and scores
//! what is uploaded against the answers that it holds.
//!
//! `demo` and the tests run the real client against it. The API answers at `localhost` and the
//! storage at `127.0.0.1`, two hosts as at Kaggle, so that a client that carries credentials from
//! one to the other is caught. It forgets everything when stopped.

mod account;
mod answer;
mod api;
mod blob;
mod connection;
mod faults;
mod outgoing;
mod pack;
mod record;
mod scoring;
mod server;
mod spool;
mod state;
mod storage;
mod upload;

pub mod miniature;
pub mod own;
pub mod secrets;
pub mod serve;

pub use account::{Account, Rules};
pub use faults::{Endpoint, Fault, Faults};
pub use pack::ImageFiles;
pub use server::{Options, Server, start};
pub use spool::Stored;
pub use state::{DataSet, DataSetVersion, Kernel, KernelVersion, Request, Submission, Verdict};
