//! The bytes of a table as text, whatever a spreadsheet or an editor has made of them.

use anyhow::{Result, bail};

use super::magic::{self, Class, FileKind};
use crate::lines::without_mark;

/// What to do with a table in UTF-16.
pub const TO_UTF_8: &str =
    "save it as UTF-8: `CSV UTF-8` in a spreadsheet, `-Encoding utf8` in PowerShell";

/// What to do with a table whose accents are single bytes.
pub const LATIN_1: &str = "its accents seem to be Latin-1 (Windows-1252): save it as UTF-8, as with \
                           `iconv -f WINDOWS-1252 -t UTF-8 old.csv > new.csv`";

/// What to do with a table without any text.
const EMPTY: &str =
    "it was cut off, or never written: write it again, or bring it from where it came";

/// What the bytes of a table are.
#[derive(Debug, PartialEq, Eq)]
pub enum Bytes<'a> {
    /// Text of one byte or more a character; whether all of it is UTF-8 is not known yet.
    Text {
        /// Without its byte order mark.
        text: &'a [u8],
        /// Whether it had one.
        marked: bool,
    },
    /// Text of two bytes a character.
    Utf16 {
        /// Which of the two orders.
        name: &'static str,
        /// The same in UTF-8.
        text: Vec<u8>,
    },
    /// No table at all, but this.
    NoTable(FileKind),
}

/// Looks at a table's beginning.
pub fn look(bytes: &[u8]) -> Bytes<'_> {
    if let Some(kind) = magic::kind_of_no_text(bytes) {
        return Bytes::NoTable(kind);
    }
    if let Some((name, units)) = utf_16(bytes) {
        return Bytes::Utf16 { name, text: String::from_utf16_lossy(&units).into_bytes() };
    }
    let text = without_mark(bytes);
    Bytes::Text { text, marked: text.len() < bytes.len() }
}

/// The text of a table that has to be UTF-8, without its mark; `name` is the file's, as errors begin.
pub fn table_text<'a>(bytes: &'a [u8], name: &str) -> Result<&'a [u8]> {
    match look(bytes) {
        Bytes::NoTable(kind) => {
            bail!("{name} is {}, not a CSV\nhint: {}", kind.name, to_table(kind))
        }
        Bytes::Utf16 { name: encoding, .. } => {
            bail!("{name} is in {encoding}, not in UTF-8\nhint: {TO_UTF_8}")
        }
        Bytes::Text { text, .. } => match not_utf_8(text) {
            None if text.trim_ascii().is_empty() => bail!("{name} is empty\nhint: {EMPTY}"),
            None => Ok(text),
            Some(line) => bail!("{name}, line {line}: not UTF-8\nhint: {LATIN_1}"),
        },
    }
}

/// The line of the first byte that is no UTF-8.
pub fn not_utf_8(text: &[u8]) -> Option<usize> {
    let valid = std::str::from_utf8(text).err()?.valid_up_to();
    Some(text[..valid].split(|&byte| byte == b'\n').count())
}

/// What to do with a file that is no table.
pub fn to_table(kind: FileKind) -> &'static str {
    if kind.class == Class::Workbook {
        "export it to a plain CSV: `CSV UTF-8` in a spreadsheet, or in pandas \
         `read_excel(..).to_csv(.., index=False)`"
    } else {
        "unpack or export it to a plain CSV"
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn utf_16_of(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn what_is_no_utf_8_text_is_told_with_what_to_do() {
        for (bytes, told, hint) in [
            (b"PK\x03\x04\x14\0\0\0train.csv".to_vec(), "a zip archive", "unpack"),
            (b"PK\x03\x04..[Content_Types].xml..".to_vec(), "an Excel workbook (.xlsx)", "export"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), "an Excel workbook (.xls)", "export"),
            (b"\x1f\x8b\x08".to_vec(), "a gzip archive", "unpack"),
            (utf_16_of("id,label\n1,2\n"), "in UTF-16 (little-endian), not in UTF-8", "UTF-8"),
            (b"".to_vec(), "`x.csv` is empty", "write it again"),
            (b"\xef\xbb\xbf\r\n \n".to_vec(), "`x.csv` is empty", "write it again"),
            (b"id,label\na,b\nb,caf\xe9\n".to_vec(), "`x.csv`, line 3: not UTF-8", "Latin-1"),
        ] {
            let error = table_text(&bytes, "`x.csv`").unwrap_err().to_string();
            let (message, advice) = error.split_once("\nhint: ").unwrap();
            assert!(message.contains(told) && message.starts_with("`x.csv`"), "{error}");
            assert!(advice.contains(hint), "{error}");
        }
        assert_eq!(table_text(b"\xef\xbb\xbfid\n", "`x.csv`").unwrap(), b"id\n");
    }
}
