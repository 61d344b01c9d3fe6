//! The bytes of a submission as text, whatever a spreadsheet or an editor has made of them.

use std::borrow::Cow;

use super::findings::{Findings, Problem};
use crate::lines::without_mark;

/// Beginnings of files that are no tables, with what they are.
const NO_TABLES: [(&[u8], &str); 5] = [
    (b"PK\x03\x04", "a zip archive (or a spreadsheet's own format)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"PAR1", "a Parquet file"),
];

/// The text in UTF-8 without a mark, so that all else that is wrong is found as well; `None` if it
/// is no text at all. (Rows that are not UTF-8 are found one by one.)
pub(super) fn decode<'a>(bytes: &'a [u8], findings: &mut Findings) -> Option<Cow<'a, [u8]>> {
    if let Some((_, what)) = NO_TABLES.iter().find(|(start, _)| bytes.starts_with(start)) {
        findings.add(Problem::NotText, None, || (*what).to_owned());
        findings.hint(|| "unpack or export it to a plain CSV".to_owned());
        return None;
    }
    if let Some((name, units)) = utf_16(bytes) {
        findings.add(Problem::Encoding, None, || format!("{name}, expected UTF-8"));
        findings.hint(|| {
            "save it as UTF-8: `CSV UTF-8` in a spreadsheet, `-Encoding utf8` in PowerShell"
                .to_owned()
        });
        return Some(Cow::Owned(String::from_utf16_lossy(&units).into_bytes()));
    }
    let text = without_mark(bytes);
    if text.len() < bytes.len() {
        findings.add(Problem::Mark, None, String::new);
    }
    Some(Cow::Borrowed(text))
}

/// The units of a text in UTF-16: by its mark, or by the zero that every second byte of an English
/// beginning is.
fn utf_16(bytes: &[u8]) -> Option<(&'static str, Vec<u16>)> {
    const LOOKED_AT: usize = 64;
    let start = &bytes[..bytes.len().min(LOOKED_AT) & !1];
    let zeros = |at: usize| !start.is_empty() && start.chunks(2).all(|pair| pair[at] == 0);
    let (little, bytes) = match bytes {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [0xfe, 0xff, rest @ ..] => (false, rest),
        _ if zeros(1) && !zeros(0) => (true, bytes),
        _ if zeros(0) && !zeros(1) => (false, bytes),
        _ => return None,
    };
    let pairs = bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    Some(if little {
        ("UTF-16 (little-endian)", pairs.map(u16::from_le_bytes).collect())
    } else {
        ("UTF-16 (big-endian)", pairs.map(u16::from_be_bytes).collect())
    })
}
