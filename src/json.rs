//! What all readers of JSON tables stand on: any value, plain ones as what they are; and by which fields
//! COCO's images and annotations belong together.
//!
//! What is done with lists and records, and how much of them is kept, is each reader's own.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The fields that an image may be known by, the likeliest first.
pub const OF_IMAGE: [&str; 3] = ["id", "image_id", "imageId"];
/// The fields in which an annotation names its image, the likeliest first.
pub const OF_ANNOTATION: [&str; 3] = ["image_id", "imageId", "id"];

/// A value that is neither a list nor a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plain<'a> {
    Text(&'a str),
    Whole(i64),
    /// Beyond what has a sign.
    Large(u64),
    Float(f64),
    Truth(bool),
}

impl Plain<'_> {
    /// Its number, if it is one.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(number as f64),
            Self::Large(number) => Some(number as f64),
            Self::Float(number) => Some(number),
            Self::Text(_) | Self::Truth(_) => None,
        }
    }
}

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => number.fmt(f),
            Self::Large(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Truth(is) => is.fmt(f),
        }
    }
}

/// What is made of one value; an `Err` is the reason why nothing is.
pub trait Reader<'de>: Sized {
    type Read;

    fn plain(self, value: Plain) -> Result<Self::Read, String>;

    /// Of `null`, and of what is passed over.
    fn nothing(self) -> Result<Self::Read, String>;

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Read, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        self.nothing().map_err(A::Error::custom)
    }

    fn record<A: MapAccess<'de>>(self, mut record: A) -> Result<Self::Read, A::Error> {
        while record.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.nothing().map_err(A::Error::custom)
    }
}

/// One value, whatever it is, by a reader.
pub struct Any<'de, R>(R, PhantomData<&'de ()>);

impl<'de, R: Reader<'de>> Any<'de, R> {
    pub fn by(reader: R) -> Self {
        Self(reader, PhantomData)
    }
}

impl<'de, R: Reader<'de>> DeserializeSeed<'de> for Any<'de, R> {
    type Value = R::Read;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<R::Read, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, R: Reader<'de>> Visitor<'de> for Any<'de, R> {
    type Value = R::Read;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<R::Read, E> {
        self.0.plain(Plain::Text(text)).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<R::Read, E> {
        self.0.plain(Plain::Whole(number)).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<R::Read, E> {
        self.0.plain(Plain::Large(number)).map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<R::Read, E> {
        self.0.plain(Plain::Float(number)).map_err(E::custom)
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<R::Read, E> {
        self.0.plain(Plain::Truth(is)).map_err(E::custom)
    }

    fn visit_unit<E: Error>(self) -> Result<R::Read, E> {
        self.0.nothing().map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<R::Read, A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, record: A) -> Result<R::Read, A::Error> {
        self.0.record(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Texts;

    impl<'de> Reader<'de> for Texts {
        type Read = Vec<String>;

        fn plain(self, value: Plain) -> Result<Vec<String>, String> {
            if value == Plain::Text("no") {
                return Err("not this one".to_owned());
            }
            let number = value.number().map_or_else(String::new, |number| format!(" {number}"));
            Ok(vec![format!("{value}{number}")])
        }

        fn nothing(self) -> Result<Vec<String>, String> {
            Ok(vec!["-".to_owned()])
        }

        fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
            let mut all = Vec::new();
            while let Some(texts) = list.next_element_seed(Any::by(Self))? {
                all.extend(texts);
            }
            Ok(all)
        }
    }

    fn read(text: &str) -> Result<Vec<String>, String> {
        let mut json = serde_json::Deserializer::from_str(text);
        Any::by(Texts).deserialize(&mut json).map_err(|error| error.to_string())
    }

    #[test]
    fn plain_values_are_what_they_are() {
        let found = read(r#"["a", -1, 18446744073709551615, 0.5, true, null, {"b": [1, {}]}]"#);
        let wanted = [
            "a",
            "-1 -1",
            "18446744073709551615 18446744073709552000",
            "0.5 0.5",
            "true",
            "-",
            "-",
        ];
        assert_eq!(found.unwrap(), wanted);
        assert!(read(r#"[1, "no"]"#).unwrap_err().contains("not this one"));
        assert!(read("[1,").is_err());
    }
}
