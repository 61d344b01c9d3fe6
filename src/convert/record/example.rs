//! `tf.train.Example`, the part of protobuf that it needs: features by name, each a list of bytes, of
//! floats or of whole numbers (tensorflow/core/example/{example,feature}.proto).

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

/// The features of a record by their names.
pub(super) type Example<'a> = BTreeMap<&'a str, Feature<'a>>;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Feature<'a> {
    Bytes(Vec<&'a [u8]>),
    Floats(Vec<f32>),
    Numbers(Vec<i64>),
}

impl Feature<'_> {
    /// Its values as text, separated by blanks; none where it is no text.
    pub(super) fn text(&self) -> Option<String> {
        let joined = |texts: Vec<String>| texts.join(" ");
        match self {
            Self::Bytes(values) => {
                let texts =
                    values.iter().map(|value| std::str::from_utf8(value).ok().map(str::to_owned));
                texts.collect::<Option<Vec<String>>>().map(joined)
            }
            Self::Floats(values) => Some(joined(values.iter().map(f32::to_string).collect())),
            Self::Numbers(values) => Some(joined(values.iter().map(i64::to_string).collect())),
        }
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Example<'_>> {
    let mut example = Example::new();
    // Example.features, Features.feature: a map's entry, its key and its value.
    for features in messages(bytes, 1) {
        for entry in messages(features?, 1) {
            let entry = entry?;
            let key = messages(entry, 1).last().transpose()?.unwrap_or_default();
            let key = std::str::from_utf8(key).context("a feature's name is no text")?;
            let value = messages(entry, 2).last().transpose()?.unwrap_or_default();
            if let Some(feature) = feature(value)? {
                example.insert(key, feature);
            }
        }
    }
    Ok(example)
}

/// A feature is a list of one kind; of a list that is not there nothing is known.
fn feature(bytes: &[u8]) -> Result<Option<Feature<'_>>> {
    let mut found = None;
    for field in Fields(bytes) {
        let (number, Part::Bytes(list)) = field? else { continue };
        found = Some(match number {
            1 => Feature::Bytes(messages(list, 1).collect::<Result<_>>()?),
            2 => Feature::Floats(floats(list)?),
            3 => Feature::Numbers(numbers(list)?),
            _ => continue,
        });
    }
    Ok(found)
}

/// Packed, or one by one.
fn floats(list: &[u8]) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    for field in Fields(list) {
        match field? {
            (1, Part::Bytes(packed)) => {
                let (words, rest) = packed.as_chunks::<4>();
                ensure!(rest.is_empty(), "a list of floats is cut off");
                values.extend(words.iter().map(|word| f32::from_le_bytes(*word)));
            }
            (1, Part::Word(word)) => values.push(f32::from_le_bytes(word)),
            _ => {}
        }
    }
    Ok(values)
}

fn numbers(list: &[u8]) -> Result<Vec<i64>> {
    let mut values = Vec::new();
    for field in Fields(list) {
        match field? {
            (1, Part::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    values.push(varint(&mut packed)?.cast_signed());
                }
            }
            (1, Part::Number(value)) => values.push(value.cast_signed()),
            _ => {}
        }
    }
    Ok(values)
}

/// The byte fields of this number in a message.
fn messages(message: &[u8], wanted: u64) -> impl Iterator<Item = Result<&[u8]>> {
    Fields(message).filter_map(move |field| match field {
        Ok((number, Part::Bytes(bytes))) if number == wanted => Some(Ok(bytes)),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    })
}

/// What a field holds.
enum Part<'a> {
    Number(u64),
    Double,
    Bytes(&'a [u8]),
    Word([u8; 4]),
}

/// The fields of a message; after an error there is none.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Part<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u64, Part<'a>)> {
        let key = varint(&mut self.0)?;
        let part = match key & 7 {
            0 => Part::Number(varint(&mut self.0)?),
            1 => {
                self.take(8)?;
                Part::Double
            }
            2 => {
                let length = varint(&mut self.0)?;
                Part::Bytes(self.take(usize::try_from(length).unwrap_or(usize::MAX))?)
            }
            5 => Part::Word(self.take(4)?.try_into()?),
            other => bail!("it has a field of the unknown kind {other}"),
        };
        Ok((key >> 3, part))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).context("it is cut off")?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Seven bits a byte, the lowest first.
fn varint(bytes: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().context("it is cut off")?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    bail!("a number in it has no end")
}
