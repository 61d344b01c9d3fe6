//! The integration tests: the real binary and the library from outside, one module a subject.

#![allow(clippy::unwrap_used, reason = "a test that fails should panic where it fails")]

// The whole path.
mod cli;
mod path;
// Its parts.
mod cache;
mod dataset;
mod decide;
mod fetch;
mod kaggle;
mod models;
mod score;
mod standin;
mod submission;
mod submit;
// The house rules and the set-up.
mod setup;
mod tidy;

mod support;
