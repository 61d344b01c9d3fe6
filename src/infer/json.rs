//! The first records of a JSON, whatever else is in it, without keeping the rest. A file that is cut off
//! gives what came before.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::table::Plane;
use crate::json::{Any, Plain, Reader};

/// Records that are kept of a list.
const KEPT: usize = 100_000;
/// The same where they hold pixels.
const KEPT_WITH_PLANES: usize = 2_000;

/// A list of fewer numbers is no picture but a box or a place.
const SMALLEST_PLANE: usize = 64;

/// What a file holds.
pub(super) enum Json {
    List {
        records: Vec<Record>,
        is_whole: bool,
    },
    /// Lists by name: those of images and of what is said about them.
    Lists {
        images: Vec<Record>,
        annotations: Vec<Record>,
        is_whole: bool,
    },
    /// Texts by name.
    Names(Vec<(String, String)>),
    Other,
}

/// An object of plain values; lists of numbers become planes, anything else is left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) fields: Vec<(String, String)>,
    pub(super) planes: Vec<Plane>,
}

impl Record {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

pub(super) fn read(from: impl Read) -> Json {
    let mut top = Top::default();
    let mut json = serde_json::Deserializer::from_reader(from);
    let is_read = (&mut top).deserialize(&mut json).is_ok();
    let is_whole = is_read && !top.is_cut;
    if top.is_list {
        Json::List { records: top.records, is_whole }
    } else if !top.images.is_empty() {
        Json::Lists { images: top.images, annotations: top.annotations, is_whole }
    } else if top.records.len() > 1 {
        // Records by their ids.
        Json::List { records: top.records, is_whole }
    } else if !top.names.is_empty() && is_whole {
        Json::Names(top.names)
    } else {
        Json::Other
    }
}

#[derive(Default)]
struct Top {
    is_list: bool,
    /// Whether records were left out.
    is_cut: bool,
    records: Vec<Record>,
    images: Vec<Record>,
    annotations: Vec<Record>,
    names: Vec<(String, String)>,
}

impl<'de> DeserializeSeed<'de> for &mut Top {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Top {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        self.is_list = true;
        take(list, &mut self.records, &mut self.is_cut)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let into = match key.as_str() {
                "images" => &mut self.images,
                "annotations" => &mut self.annotations,
                _ => {
                    match map.next_value_seed(Any::by(Taken))? {
                        Value::Text(text) => self.names.push((key, text)),
                        Value::Record(mut record) if self.records.len() < KEPT => {
                            record.fields.insert(0, ("id".to_owned(), key));
                            self.records.push(record);
                        }
                        Value::Record(_) => self.is_cut = true,
                        _ => {}
                    }
                    continue;
                }
            };
            map.next_value_seed(Records { into, is_cut: &mut self.is_cut })?;
        }
        Ok(())
    }
}

struct Records<'a> {
    into: &'a mut Vec<Record>,
    is_cut: &'a mut bool,
}

impl<'de> DeserializeSeed<'de> for Records<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        take(list, self.into, self.is_cut)
    }
}

fn take<'de, A: SeqAccess<'de>>(
    mut list: A,
    into: &mut Vec<Record>,
    is_cut: &mut bool,
) -> Result<(), A::Error> {
    loop {
        let has_planes = into.first().is_some_and(|record| !record.planes.is_empty());
        if into.len() < if has_planes { KEPT_WITH_PLANES } else { KEPT } {
            match list.next_element_seed(Any::by(Taken))? {
                Some(Value::Record(record)) => into.push(record),
                Some(_) => {}
                None => return Ok(()),
            }
        } else if list.next_element::<IgnoredAny>()?.is_some() {
            *is_cut = true;
            if has_planes {
                // Gigabytes of pixels are not worth the way to their end.
                return Err(serde::de::Error::custom("enough"));
            }
        } else {
            return Ok(());
        }
    }
}

/// One value, as far as it matters.
enum Value {
    Text(String),
    Numbers { n: usize, least: f64, most: f64 },
    Record(Record),
    Nothing,
    Other,
}

/// Takes a value as such.
struct Taken;

impl<'de> Reader<'de> for Taken {
    type Read = Value;

    fn plain(self, value: Plain) -> Result<Value, String> {
        Ok(Value::Text(value.to_string()))
    }

    fn nothing(self) -> Result<Value, String> {
        Ok(Value::Nothing)
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let (mut n, mut least, mut most) = (0, f64::INFINITY, f64::NEG_INFINITY);
        let mut are_numbers = true;
        while let Some(number) = list.next_element_seed(Any::by(Number))? {
            are_numbers &= number.is_some();
            n += 1;
            least = least.min(number.unwrap_or(least));
            most = most.max(number.unwrap_or(most));
        }
        Ok(if are_numbers && n > 0 { Value::Numbers { n, least, most } } else { Value::Other })
    }

    fn record<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut record = Record::default();
        while let Some(name) = map.next_key::<String>()? {
            match map.next_value_seed(Any::by(Self))? {
                Value::Text(text) => record.fields.push((name, text)),
                Value::Nothing => record.fields.push((name, String::new())),
                Value::Numbers { n, least, most } if n >= SMALLEST_PLANE => {
                    record.planes.push(Plane { name, n, least, most });
                }
                Value::Numbers { .. } | Value::Record(_) | Value::Other => {}
            }
        }
        Ok(Value::Record(record))
    }
}

/// A number, or anything else.
struct Number;

impl Reader<'_> for Number {
    type Read = Option<f64>;

    fn plain(self, value: Plain) -> Result<Option<f64>, String> {
        Ok(value.number())
    }

    fn nothing(self) -> Result<Option<f64>, String> {
        Ok(None)
    }
}
