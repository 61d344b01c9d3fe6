//! The bytes of a table as text, whatever a spreadsheet or an editor has made of them.

use anyhow::{Result, bail};

use crate::lines::without_mark;

/// What to do with a table in UTF-16.
pub const TO_UTF_8: &str =
    "save it as UTF-8: `CSV UTF-8` in a spreadsheet, `-Encoding utf8` in PowerShell";

/// What to do with a table whose accents are single bytes.
pub const LATIN_1: &str = "its accents seem to be Latin-1 (Windows-1252): save it as UTF-8, as with \
                           `iconv -f WINDOWS-1252 -t UTF-8 old.csv > new.csv`";

/// Beginnings of files that are no tables, with what they are.
const NO_TABLES: [(&[u8], &str); 16] = [
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow (feather) file"),
    (b"FEA1", "an Arrow (feather) file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"%PDF-", "a PDF"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x80\x04\x95", "a pickled Python object"),
];

/// A name that only a workbook's archive has in it, early on.
const IN_WORKBOOKS: [&[u8]; 2] = [b"[Content_Types].xml", b"xl/"];

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
    NoTable(&'static str),
}

/// Looks at a table's beginning.
pub fn look(bytes: &[u8]) -> Bytes<'_> {
    if let Some(what) = no_table(bytes) {
        return Bytes::NoTable(what);
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
        Bytes::NoTable(what) => {
            bail!("{name} is {what}, not a CSV\nhint: {}", not_a_table(what))
        }
        Bytes::Utf16 { name: encoding, .. } => {
            bail!("{name} is in {encoding}, not in UTF-8\nhint: {TO_UTF_8}")
        }
        Bytes::Text { text, .. } => match not_utf_8(text) {
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

/// What to do with a file that is none.
fn not_a_table(what: &str) -> &'static str {
    if what.starts_with("an Excel") {
        "export it to a plain CSV: `CSV UTF-8` in a spreadsheet, or in pandas \
         `read_excel(..).to_csv(.., index=False)`"
    } else {
        "unpack or export it to a plain CSV"
    }
}

fn no_table(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"PK\x03\x04") {
        let start = &bytes[..bytes.len().min(2000)];
        let has = |name: &&[u8]| start.windows(name.len()).any(|part| part == *name);
        return Some(if IN_WORKBOOKS.iter().any(has) {
            "an Excel workbook (.xlsx)"
        } else {
            "a zip archive (or a spreadsheet's own format)"
        });
    }
    NO_TABLES.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, what)| *what)
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
            (b"id,label\na,b\nb,caf\xe9\n".to_vec(), "`x.csv`, line 3: not UTF-8", "Latin-1"),
        ] {
            let error = table_text(&bytes, "`x.csv`").unwrap_err().to_string();
            let (message, advice) = error.split_once("\nhint: ").unwrap();
            assert!(message.contains(told) && message.starts_with("`x.csv`"), "{error}");
            assert!(advice.contains(hint), "{error}");
        }
        assert_eq!(table_text(b"\xef\xbb\xbfid\n", "`x.csv`").unwrap(), b"id\n");
        assert_eq!(table_text(b"", "`x.csv`").unwrap(), b"");
    }
}
