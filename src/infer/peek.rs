//! What the first bytes of files say that are neither tables nor names.

use std::collections::BTreeSet;

/// The patient that a DICOM file names, (0010,0020): told from the first bytes of the file.
pub fn patient(start: &[u8]) -> Option<String> {
    const TAG: [u8; 4] = [0x10, 0x00, 0x20, 0x00];
    let at = start.windows(8).position(|bytes| bytes[..4] == TAG)?;
    let head = &start[at + 4..at + 8];
    // A kind of two letters and a length of two bytes, or a length of four.
    let length = if head[..2].iter().all(u8::is_ascii_uppercase) {
        usize::from(u16::from_le_bytes([head[2], head[3]]))
    } else {
        u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize
    };
    let value = start.get(at + 8..at + 8 + length.min(64))?;
    let text = std::str::from_utf8(value).ok()?.trim_matches(['\0', ' ']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// The names of what a `TFRecord` holds (`image`, `class`, `id`), told from its first record: a
/// `tensorflow.Example`, a message with a map of features.
pub fn features(start: &[u8]) -> Vec<String> {
    // Length, its checksum, and the record.
    const HEAD: usize = 12;
    let Some(record) = start.get(HEAD..) else { return Vec::new() };
    let mut names = BTreeSet::new();
    for (_, features) in fields(record).filter(|(number, _)| *number == 1) {
        for (_, entry) in fields(features).filter(|(number, _)| *number == 1) {
            let name = fields(entry).find(|(number, _)| *number == 1);
            names.extend(name.and_then(|(_, name)| String::from_utf8(name.to_vec()).ok()));
        }
    }
    names.into_iter().collect()
}

/// The fields of a message that have a length: their numbers and bytes, cut off where the bytes end.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    std::iter::from_fn(move || {
        const WITH_LENGTH: u64 = 2;
        let key = varint(&mut bytes)?;
        if key & 7 != WITH_LENGTH {
            return None;
        }
        let length = usize::try_from(varint(&mut bytes)?).ok()?;
        let (value, rest) = bytes.split_at(length.min(bytes.len()));
        bytes = rest;
        Some((key >> 3, value))
    })
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let (&first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_is_found_with_and_without_a_kind() {
        let explicit = b"\0\0DICM..\x10\0\x20\0LO\x04\0ID_7\x20\0\x0d\0";
        assert_eq!(patient(explicit).as_deref(), Some("ID_7"));
        let implicit = b"..\x10\0\x20\0\x06\0\0\0P12 \0\0";
        assert_eq!(patient(implicit).as_deref(), Some("P12"));
        assert_eq!(patient(b"\x10\0\x20\0LO\x40\0cut"), None);
        assert_eq!(patient(b""), None);
    }

    #[test]
    fn features_have_names() {
        let entry =
            |name: &str| [&[0x0a, name.len() as u8][..], name.as_bytes(), &[0x12, 1, 7]].concat();
        let entries: Vec<u8> = ["class", "id", "image"]
            .iter()
            .flat_map(|name| {
                let entry = entry(name);
                [vec![0x0a, entry.len() as u8], entry].concat()
            })
            .collect();
        let record = [&[0; 12][..], &[0x0a, entries.len() as u8], &entries].concat();
        assert_eq!(features(&record), ["class", "id", "image"]);
        // Cut off in the middle of the last.
        assert_eq!(features(&record[..record.len() - 9]).len(), 2);
        assert_eq!(features(&[0xff; 40]), [""; 0]);
    }
}
