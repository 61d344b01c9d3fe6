//! JSON on stdout, in which every path names its file.
//!
//! JSON is text, and a path of Unix is bytes. Bytes that are no text are written as Python writes
//! them (PEP 383, `os.fsdecode`): the byte 0xff as `"\udcff"`, which Python's `json.loads` gives back
//! as the path that it was.

use std::fmt::Write;
use std::path::Path;
use std::sync::Once;

use anyhow::Result;
use serde::Serialize;

use super::secrets::without_secrets;

/// Where a byte that is no text waits between [`path_in_json`] and [`text`], in a plane of Unicode
/// that is for private use.
const BYTES: u32 = 0x10_fe00;

/// A path as a string of JSON, for [`super::json`] to print.
pub fn path_in_json(path: &Path) -> String {
    #[cfg(unix)]
    let bytes = std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str());
    #[cfg(not(unix))]
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(
            chunk.invalid().iter().filter_map(|&byte| char::from_u32(BYTES + u32::from(byte))),
        );
    }
    text
}

/// The text of a value. What steers a terminal is escaped, as a part of a string may be in JSON.
pub(super) fn text(value: &impl Serialize) -> Result<String> {
    static TOLD: Once = Once::new();
    let plain = serde_json::to_string_pretty(value)?;
    let plain = without_secrets(&plain);
    let mut text = String::with_capacity(plain.len());
    for c in plain.chars() {
        match u32::from(c) {
            byte @ 0x10_fe80..=0x10_feff => {
                TOLD.call_once(|| {
                    super::warn(
                        "a path is not UTF-8: its bytes that are no text are `\\udc80` to `\\udcff` in \
                         the JSON, which Python reads",
                    );
                });
                write!(text, "\\udc{:02x}", byte - BYTES)?;
            }
            // All that is outside a string is ASCII.
            code @ (0x7f..=0x9f | 0x61c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069) => {
                write!(text, "\\u{code:04x}")?;
            }
            _ => text.push(c),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_steers_is_escaped_and_reads_as_it_was() {
        let name = "a\u{9b}31m \x7f \u{202e}é\x1b";
        let text = text(&serde_json::json!({ "name": name })).unwrap();
        assert!(text.chars().all(|c| c == '\n' || c == 'é' || (' '..='~').contains(&c)), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["name"], name);
    }

    /// `python3 -c 'import json; print(json.dumps("r\udcff\udc80é", ensure_ascii=False))'`, and
    /// `os.fsencode` of it is `b"r\xff\x80\xc3\xa9"`.
    #[cfg(unix)]
    #[test]
    fn a_path_of_any_bytes_is_what_python_makes_of_it() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(OsStr::from_bytes(b"r\xff\x80\xc3\xa9"));
        assert_eq!(text(&path_in_json(path)).unwrap(), r#""r\udcff\udc80é""#);
        assert_eq!(path_in_json(Path::new("a/é.csv")), "a/é.csv");
    }
}
