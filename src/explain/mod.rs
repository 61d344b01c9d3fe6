//! What a file is that is not what it should be, and what has probably happened to a table that does
//! not fit: its bytes, its first line, its ids, its quotes; and which name was meant by one that is
//! none.
//!
//! One explainer for all tables that a person or Kaggle gives: labels, samples, submissions,
//! solutions. Whoever reads one says what is wrong; here is why, and what to do.

mod bytes;
mod channels;
mod header;
mod ids;
mod magic;
mod near;
mod quotes;

pub use bytes::{Bytes, LATIN_1, TO_UTF_8, look, not_utf_8, table_text, to_table};
pub use channels::{Channels, channels};
pub use header::{Slip, slip};
pub use ids::{Change, change};
pub use magic::{Class, FileKind, kind};
pub use near::{best, did_you_mean, likeness, nearest};
pub use quotes::{LEFT_OPEN, goes_on};
