//! A DICOM file's elements (PS3.5 and PS3.10): tags and where their values lie. Sequences are stepped over.
//!
//! Written here because `dicom-object` and `dicom-pixeldata` bring 24 crates and a minute and a half of
//! compiling for the few elements that a picture needs, and take memory by the lengths that a file claims;
//! nothing here is copied before it is there.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::DeflateDecoder;

use super::Failure;

const MAGIC: &[u8] = b"DICM";
/// So much is in front of the magic.
const PREAMBLE: usize = 128;
/// An element that has no length of its own: it ends with a delimiter.
const UNDEFINED: u32 = u32::MAX;
const ITEM: Tag = 0xfffe_e000;
const END_OF_ITEM: Tag = 0xfffe_e00d;
const END_OF_SEQUENCE: Tag = 0xfffe_e0dd;
const TRANSFER_SYNTAX: Tag = 0x0002_0010;
pub(super) const PIXEL_DATA: Tag = 0x7fe0_0010;
/// Sequences in sequences; real files go to about six.
const DEEPEST: usize = 64;
/// A deflated data set is no larger than this.
const MOST_BYTES: u64 = 1 << 30;

const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// Group and number.
pub(super) type Tag = u32;

/// What an element holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// From here to there in the data set.
    Bytes(usize, usize),
    /// Packed pixels, the table of offsets aside.
    Fragments(Vec<(usize, usize)>),
}

/// The elements of a file, those of sequences aside.
#[derive(Debug)]
pub(super) struct Elements<'a> {
    bytes: Cow<'a, [u8]>,
    pub(super) transfer_syntax: String,
    pub(super) is_big_endian: bool,
    /// Whether pixels are words of two bytes, whatever a sample is: `OW`.
    pub(super) are_words: bool,
    values: BTreeMap<Tag, Value>,
}

/// Whether a file is DICOM, by its first bytes.
pub(in crate::convert) fn is_dicom(start: &[u8]) -> bool {
    start.get(PREAMBLE..).is_some_and(|rest| rest.starts_with(MAGIC))
}

impl<'a> Elements<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Failure> {
        // Old files have no preamble: they begin with the group of the header, or that of the data.
        let start = if is_dicom(bytes) { PREAMBLE + MAGIC.len() } else { 0 };
        let known = matches!(bytes.get(start..start + 2), Some([2 | 8, 0]));
        if !known {
            return Err(Failure::Broken("it is no DICOM file".to_owned()));
        }
        let mut meta = BTreeMap::new();
        let mut reader = Reader::new(bytes, start, true, false);
        while matches!(bytes.get(reader.at..reader.at + 2), Some([2, 0])) {
            let (tag, value) = reader.element(0)?;
            meta.insert(tag, value);
        }
        let start = reader.at;
        // The data say it themselves: names of types are two capitals.
        let has_types = bytes.get(start + 4..start + 6).is_some_and(is_type);
        let transfer_syntax = match meta.get(&TRANSFER_SYNTAX) {
            Some(Value::Bytes(from, to)) => text(&bytes[*from..*to]),
            _ if has_types => EXPLICIT.to_owned(),
            _ => IMPLICIT.to_owned(),
        };
        let bytes = match transfer_syntax.as_str() {
            DEFLATED => Cow::Owned(inflate(&bytes[start..])?),
            _ => Cow::Borrowed(&bytes[start..]),
        };
        let is_big_endian = transfer_syntax == BIG_ENDIAN;
        // Some say that they name their types and do not.
        let is_explicit = match transfer_syntax.as_str() {
            IMPLICIT => false,
            DEFLATED => true,
            _ => has_types,
        };
        let mut values = BTreeMap::new();
        let mut reader = Reader::new(&bytes, 0, is_explicit, is_big_endian);
        while reader.at < reader.bytes.len() {
            let (tag, value) = reader.element(0)?;
            values.insert(tag, value);
            if tag == PIXEL_DATA {
                break;
            }
        }
        let are_words = reader.kind == *b"OW";
        Ok(Self { bytes, transfer_syntax, is_big_endian, are_words, values })
    }

    /// The bytes of an element, if it is there and in one piece.
    pub(super) fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        match self.values.get(&tag)? {
            Value::Bytes(from, to) => Some(&self.bytes[*from..*to]),
            Value::Fragments(_) => None,
        }
    }

    /// Packed pixels.
    pub(super) fn fragments(&self) -> Option<Vec<&[u8]>> {
        match self.values.get(&PIXEL_DATA)? {
            Value::Bytes(..) => None,
            Value::Fragments(parts) => {
                Some(parts.iter().map(|(from, to)| &self.bytes[*from..*to]).collect())
            }
        }
    }

    /// A text without the blanks or zeros that fill it up; empty where there is none.
    pub(super) fn text(&self, tag: Tag) -> String {
        self.bytes(tag).map(text).unwrap_or_default()
    }

    /// A whole number of two bytes.
    pub(super) fn number(&self, tag: Tag) -> Option<u16> {
        let two = self.bytes(tag)?.first_chunk::<2>()?;
        Some(if self.is_big_endian { u16::from_be_bytes(*two) } else { u16::from_le_bytes(*two) })
    }

    /// The first of the numbers that a text is.
    pub(super) fn decimal(&self, tag: Tag) -> Option<f64> {
        let text = self.text(tag);
        let first: f64 = text.split('\\').next()?.trim().parse().ok()?;
        first.is_finite().then_some(first)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches(['\0', ' ']).to_owned()
}

fn is_type(two: &[u8]) -> bool {
    two.iter().all(u8::is_ascii_uppercase)
}

fn inflate(packed: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = DeflateDecoder::new(packed).take(MOST_BYTES + 1).read_to_end(&mut bytes);
    match read {
        Ok(n) if n as u64 <= MOST_BYTES => Ok(bytes),
        Ok(_) => Err(Failure::Broken("it holds more than a gigabyte".to_owned())),
        Err(error) => Err(Failure::Broken(format!("it cannot be unpacked: {error}"))),
    }
}

/// A place in a data set.
#[derive(Clone)]
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Whether elements name their types.
    is_explicit: bool,
    is_big_endian: bool,
    /// That of the last element that named one.
    kind: [u8; 2],
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], at: usize, is_explicit: bool, is_big_endian: bool) -> Self {
        Self { bytes, at, is_explicit, is_big_endian, kind: [0; 2] }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        let found = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<N>());
        self.at += N;
        found.copied().ok_or_else(cut_off)
    }

    fn two(&mut self) -> Result<u16, Failure> {
        let two = self.take()?;
        Ok(if self.is_big_endian { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    }

    fn four(&mut self) -> Result<u32, Failure> {
        let four = self.take()?;
        Ok(if self.is_big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }

    fn tag(&mut self) -> Result<Tag, Failure> {
        Ok(Tag::from(self.two()?) << 16 | Tag::from(self.two()?))
    }

    /// So many bytes from here, which are there.
    fn skip(&mut self, length: u32) -> Result<(usize, usize), Failure> {
        let from = self.at;
        let to = from.checked_add(length as usize).filter(|to| *to <= self.bytes.len());
        self.at = to.ok_or_else(cut_off)?;
        Ok((from, self.at))
    }

    /// The next element: its tag and its value.
    fn element(&mut self, depth: usize) -> Result<(Tag, Value), Failure> {
        let tag = self.tag()?;
        // Items and delimiters have no type.
        if !self.is_explicit || tag >> 16 == 0xfffe {
            let length = self.four()?;
            return Ok((tag, self.value(tag, length, depth, false)?));
        }
        let kind: [u8; 2] = self.take()?;
        self.kind = kind;
        let length = match &kind {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN"
            | b"UR" | b"UT" | b"UV" => {
                self.take::<2>()?;
                self.four()?
            }
            kind if is_type(kind.as_slice()) => u32::from(self.two()?),
            _ => return Err(Failure::Broken(format!("{} has no type", shown(tag)))),
        };
        Ok((tag, self.value(tag, length, depth, kind == *b"UN")?))
    }

    fn value(
        &mut self,
        tag: Tag,
        length: u32,
        depth: usize,
        unknown: bool,
    ) -> Result<Value, Failure> {
        if length != UNDEFINED {
            return self.skip(length).map(|(from, to)| Value::Bytes(from, to));
        }
        if depth == DEEPEST {
            return Err(Failure::Broken("it holds sequences without end".to_owned()));
        }
        if tag == PIXEL_DATA && depth == 0 {
            return self.fragments();
        }
        let from = self.at;
        // What has no type but a sequence's form is written without types.
        let was_explicit = self.is_explicit;
        self.is_explicit &= !unknown;
        self.items(depth + 1)?;
        self.is_explicit = was_explicit;
        Ok(Value::Bytes(from, self.at))
    }

    /// Steps over a sequence's items and its delimiter.
    fn items(&mut self, depth: usize) -> Result<(), Failure> {
        loop {
            let (tag, length) = (self.tag()?, self.four()?);
            match tag {
                END_OF_SEQUENCE => return Ok(()),
                ITEM if length == UNDEFINED => while self.element(depth)?.0 != END_OF_ITEM {},
                ITEM => self.skip(length).map(drop)?,
                _ => return Err(Failure::Broken(format!("{} is no item", shown(tag)))),
            }
        }
    }

    fn fragments(&mut self) -> Result<Value, Failure> {
        let mut parts = Vec::new();
        loop {
            let (tag, length) = (self.tag()?, self.four()?);
            match tag {
                ITEM => parts.push(self.skip(length)?),
                END_OF_SEQUENCE => break,
                _ => return Err(Failure::Broken(format!("{} is no fragment", shown(tag)))),
            }
        }
        // The first is the table of offsets.
        Ok(Value::Fragments(parts.into_iter().skip(1).collect()))
    }
}

fn cut_off() -> Failure {
    Failure::Broken("it is cut off".to_owned())
}

fn shown(tag: Tag) -> String {
    format!("the element ({:04x},{:04x})", tag >> 16, tag & 0xffff)
}
