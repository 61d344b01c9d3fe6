//! Records of a JSON list, read as they come: fields that are planes, and the others.

use std::fmt;
use std::io::{BufReader, Write};

use anyhow::{Context, Result, anyhow};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::super::batches::Batches;
use super::super::output::Output;
use super::{BATCH, Row, Table};
use crate::fs;
use crate::json::{Any, Plain, Reader};

const BUFFER: usize = 1 << 18;
/// More numbers than a plane of any picture has.
const MOST_NUMBERS: usize = 1 << 28;

/// Hands every record to `work`, and writes the list without its planes.
pub(super) fn read(
    table: &Table,
    output: &Output,
    work: impl Fn(Row) -> Result<()> + Sync,
) -> Result<()> {
    let path = &table.source.path;
    let mut rest = output.table(&table.source.place)?;
    let mut batches = Batches::new(BATCH, work);
    let mut count = 0_usize;
    let mut stopped = None;
    let mut take = |record: Record| -> Result<()> {
        count += 1;
        let place = format!("`{}`, record {count}", path.display());
        let Record { mut others, planes } = record;
        let id = match table.ids.iter().find_map(|id| others.get(*id)) {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            Some(_) => return Err(anyhow!("{place}: its id is neither a text nor a number")),
            None => count.to_string(),
        };
        if let Some(name) = table.ids.first() {
            others.entry(*name).or_insert_with(|| id.clone().into());
        }
        rest.write_all(if count == 1 { b"[\n" } else { b",\n" })?;
        serde_json::to_writer(&mut rest, &others)?;
        let wanted = table.pixels.planes.clone();
        let planes = Box::new(move || in_order(&wanted, planes));
        batches.push(Row { id, place, planes })
    };
    let list = List {
        table,
        take: &mut |record| {
            take(record).map_err(|error| {
                let told = error.to_string();
                stopped = Some(error);
                told
            })
        },
    };
    let mut reader =
        serde_json::Deserializer::from_reader(BufReader::with_capacity(BUFFER, fs::open(path)?));
    let done = list.deserialize(&mut reader).and_then(|()| reader.end());
    if let Some(error) = stopped {
        return Err(error);
    }
    done.with_context(|| {
        format!(
            "failed to read `{}` as a list of records\nhint: a file cut short needs downloading again",
            path.display()
        )
    })?;
    batches.finish()?;
    rest.write_all(if count == 0 { b"[]\n" } else { b"\n]\n" })?;
    rest.commit()
}

/// One record: its planes by their names, and what else it says.
struct Record {
    others: Map<String, Value>,
    planes: Vec<(String, Vec<f64>)>,
}

/// The planes in the spec's order; without one, in the record's.
fn in_order(wanted: &[String], mut planes: Vec<(String, Vec<f64>)>) -> Result<Vec<Vec<f64>>> {
    if wanted.is_empty() {
        return Ok(planes.into_iter().map(|(_, values)| values).collect());
    }
    let take = |name: &String| {
        let at = planes.iter().position(|(field, _)| field == name);
        let at = at.with_context(|| format!("no field `{name}`"))?;
        Ok(planes.swap_remove(at).1)
    };
    wanted.iter().map(take).collect()
}

struct List<'a> {
    table: &'a Table<'a>,
    take: &'a mut dyn FnMut(Record) -> Result<(), String>,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(record) = list.next_element_seed(Fields { table: self.table })? {
            (self.take)(record).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}

struct Fields<'a> {
    table: &'a Table<'a>,
}

impl<'de> DeserializeSeed<'de> for Fields<'_> {
    type Value = Record;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Record, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Fields<'_> {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record { others: Map::new(), planes: Vec::new() };
        while let Some(field) = map.next_key::<String>()? {
            if self.table.pixels.is_pixels(&field) {
                let mut values = Vec::new();
                map.next_value_seed(Any::by(Numbers(&mut values)))?;
                record.planes.push((field, values));
            } else {
                record.others.insert(field, map.next_value()?);
            }
        }
        Ok(record)
    }
}

/// A list of numbers, or of lists of them: row after row.
struct Numbers<'a>(&'a mut Vec<f64>);

impl<'de> Reader<'de> for Numbers<'_> {
    type Read = ();

    fn plain(self, value: Plain) -> Result<(), String> {
        match (value, value.number()) {
            (Plain::Text(text), _) => {
                let values = super::numbers(text).map_err(|error| format!("{error:#}"))?;
                self.0.extend(values);
            }
            (_, Some(_)) if self.0.len() == MOST_NUMBERS => {
                return Err("a plane has too many numbers".to_owned());
            }
            (_, Some(number)) => self.0.push(number),
            (value, None) => return Err(format!("`{value}` among a plane's numbers")),
        }
        Ok(())
    }

    fn nothing(self) -> Result<(), String> {
        Err("something else than numbers in a plane".to_owned())
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Any::by(Numbers(self.0)))?.is_some() {}
        Ok(())
    }
}
