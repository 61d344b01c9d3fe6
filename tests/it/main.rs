//! The integration tests: the real binary and the library from outside, one module a subject.
//! Those that need a Kaggle, the whole path among them, are in `standin/tests`.

#![allow(clippy::unwrap_used, reason = "a test that fails should panic where it fails")]

mod cache;
mod cli;
mod dataset;
mod fetch;
mod hints;
mod kaggle;
mod layouts;
mod models;
mod new;
mod output;
mod score;
mod submission;
// The house rules and the set-up.
mod documents;
mod setup;
mod tidy;

mod support;
