//! Tests of the part with libtorch, from outside.

#![allow(clippy::unwrap_used, reason = "a test that fails should panic where it fails")]

mod parity;
mod start;
mod weights;

#[path = "../../../tests/it/support/shared.rs"]
mod support;
