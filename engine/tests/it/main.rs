//! Tests of the part with libtorch, from outside.

#![allow(clippy::unwrap_used, reason = "a test that fails should panic where it fails")]

mod gpu;
mod imported;
mod parity;
mod start;
mod weights;

#[path = "../../../benches/network/apart.rs"]
mod apart;
#[path = "../../../tests/it/support/shared.rs"]
mod support;
