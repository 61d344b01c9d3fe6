//! The integration tests against the stand-in: the whole path with the real programs, and the
//! stand-in by itself. What needs no Kaggle is in `tests/it`.

#![allow(clippy::unwrap_used, reason = "a test that fails should panic where it fails")]

// The whole path.
mod path;
// Its parts.
mod decide;
mod fetch;
mod new;
mod submit;
// The stand-in.
mod drawn;
mod program;
mod protocol;

#[path = "../../../tests/it/support/mod.rs"]
mod support;
