//! JSON as a table: COCO's `images` joined with their `annotations`, a list of records, or records by their
//! ids. Read in one pass, without a tree of values: a large competition has a million of them.

mod value;

use std::collections::HashMap;
use std::fmt;

use anyhow::{Result, ensure};
use csv::StringRecord;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::json::{Any, OF_ANNOTATION, OF_IMAGE, Plain, Reader};
use crate::lines;
use value::Cell;

/// Stands between the values of a list in one field.
pub(super) const LIST: char = '\u{1f}';

/// The columns and rows that JSON is.
pub(super) fn table(bytes: &[u8]) -> Result<(Vec<String>, Vec<StringRecord>)> {
    let mut json = serde_json::Deserializer::from_slice(lines::without_mark(bytes));
    let file = json.deserialize_any(FileVisitor)?;
    json.end()?;
    let File { images, annotations, others, .. } = file;
    let records = match (images, annotations) {
        (Some(images), Some(annotations)) => return Ok(joined(&images, &annotations)),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => others,
    };
    ensure!(!records.names.is_empty(), "there is no record in it");
    let rows = records.rows.iter().map(|row| filled(row, records.names.len()));
    Ok((records.names.clone(), rows.collect()))
}

/// The names of COCO's `categories` by their ids, where there are some.
pub(super) fn categories(bytes: &[u8]) -> Result<Vec<(String, String)>> {
    let mut json = serde_json::Deserializer::from_slice(lines::without_mark(bytes));
    let Records { places, rows, .. } = json.deserialize_any(FileVisitor)?.categories;
    let place = |names: [&str; 2]| names.iter().find_map(|name| places.get(*name)).copied();
    let (Some(id), Some(name)) = (place(["id", "category_id"]), place(["name", "category_name"]))
    else {
        return Ok(Vec::new());
    };
    let value = |row: &[(usize, String)], at| {
        row.iter().find(|(place, _)| *place == at).map(|(_, value)| value.clone())
    };
    Ok(rows.iter().filter_map(|row| Some((value(row, id)?, value(row, name)?))).collect())
}

/// The values of a row, with nothing where it has none.
fn filled(row: &[(usize, String)], width: usize) -> StringRecord {
    let mut fields = vec![""; width];
    for (at, value) in row {
        fields[*at] = value;
    }
    StringRecord::from(fields)
}

/// A row an annotation, with the fields of its image; an image without one has a row of its own.
fn joined(images: &Records, annotations: &Records) -> (Vec<String>, Vec<StringRecord>) {
    let key = |records: &Records, names: [&str; 3]| {
        names.iter().find_map(|name| records.places.get(*name)).copied()
    };
    let of_image = key(images, OF_IMAGE);
    let of_annotation = key(annotations, OF_ANNOTATION);
    let value = |row: &[(usize, String)], at: Option<usize>| -> Option<String> {
        row.iter().find(|(place, _)| Some(*place) == at).map(|(_, value)| value.clone())
    };
    let mut by_image: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, row) in annotations.rows.iter().enumerate() {
        if let Some(image) = value(row, of_annotation) {
            by_image.entry(image).or_default().push(place);
        }
    }
    // What both have is the image's: an annotation's own number is no use.
    let mut names = images.names.clone();
    let places: Vec<Option<usize>> = annotations
        .names
        .iter()
        .map(|name| {
            (!images.places.contains_key(name)).then(|| {
                names.push(name.clone());
                names.len() - 1
            })
        })
        .collect();
    let mut rows = Vec::with_capacity(annotations.rows.len().max(images.rows.len()));
    for image in &images.rows {
        let of_it = value(image, of_image).and_then(|id| by_image.get(&id));
        let Some(of_it) = of_it else {
            rows.push(filled(image, names.len()));
            continue;
        };
        for &place in of_it {
            let mut fields = vec![""; names.len()];
            for (at, value) in image {
                fields[*at] = value;
            }
            for (at, value) in &annotations.rows[place] {
                if let Some(at) = places[*at] {
                    fields[at] = value;
                }
            }
            rows.push(StringRecord::from(fields));
        }
    }
    (names, rows)
}

/// Records, the names of whose fields are kept once.
#[derive(Default)]
struct Records {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// The place of each field's name, and its value.
    rows: Vec<Vec<(usize, String)>>,
}

impl Records {
    fn place(&mut self, name: &str) -> usize {
        if let Some(&at) = self.places.get(name) {
            return at;
        }
        self.names.push(name.to_owned());
        self.places.insert(name.to_owned(), self.names.len() - 1);
        self.names.len() - 1
    }
}

#[derive(Default)]
struct File {
    images: Option<Records>,
    annotations: Option<Records>,
    categories: Records,
    others: Records,
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = File;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object with `images` and `annotations`, or a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<File, A::Error> {
        let mut file = File::default();
        ListVisitor(&mut file.others).visit_seq(seq)?;
        Ok(file)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File, A::Error> {
        let mut file = File::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "images" => {
                    map.next_value_seed(List(file.images.get_or_insert_with(Records::default)))?;
                }
                "annotations" => {
                    let records = file.annotations.get_or_insert_with(Records::default);
                    map.next_value_seed(List(records))?;
                }
                "categories" => map.next_value_seed(Categories(&mut file.categories))?,
                id => map.next_value_seed(Any::by(ById { records: &mut file.others, id }))?,
            }
        }
        Ok(file)
    }
}

/// A list of records.
struct List<'r>(&'r mut Records);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(ListVisitor(self.0))
    }
}

struct ListVisitor<'r>(&'r mut Records);

impl<'de> Visitor<'de> for ListVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(One(self.0))?.is_some() {}
        Ok(())
    }
}

/// Records, or the names alone, whose ids are their places.
struct Categories<'r>(&'r mut Records);

impl<'de> DeserializeSeed<'de> for Categories<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        for (nth, one) in Vec::<serde_json::Value>::deserialize(json)?.into_iter().enumerate() {
            let fields = match one {
                serde_json::Value::Object(fields) => fields.into_iter().collect(),
                name => vec![("id".to_owned(), nth.into()), ("name".to_owned(), name)],
            };
            let text = |value| match value {
                serde_json::Value::String(text) => text,
                value => value.to_string(),
            };
            let row = fields.into_iter().map(|(name, value)| (self.0.place(&name), text(value)));
            let row = row.collect();
            self.0.rows.push(row);
        }
        Ok(())
    }
}

/// One record.
struct One<'r>(&'r mut Records);

impl<'de> DeserializeSeed<'de> for One<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(RecordVisitor { records: self.0, id: None })
    }
}

struct RecordVisitor<'r> {
    records: &'r mut Records,
    /// What it is called, where that is no field of its own.
    id: Option<&'r str>,
}

impl<'de> Visitor<'de> for RecordVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut row = Vec::new();
        if let Some(id) = self.id {
            row.push((self.records.place("id"), id.to_owned()));
        }
        while let Some(name) = map.next_key::<std::borrow::Cow<str>>()? {
            let value = map.next_value_seed(Any::by(Cell))?;
            let at = self.records.place(&name);
            if let Some(value) = value {
                row.push((at, value));
            }
        }
        self.records.rows.push(row);
        Ok(())
    }
}

/// What stands under a name: a record with that id, or its label; lists are passed over.
struct ById<'r> {
    records: &'r mut Records,
    id: &'r str,
}

impl<'de> Reader<'de> for ById<'_> {
    type Read = ();

    fn plain(self, value: Plain) -> Result<(), String> {
        let label = value.to_string().trim().to_owned();
        let row = vec![
            (self.records.place("id"), self.id.to_owned()),
            (self.records.place("label"), label),
        ];
        self.records.rows.push(row);
        Ok(())
    }

    fn nothing(self) -> Result<(), String> {
        Ok(())
    }

    fn record<A: MapAccess<'de>>(self, record: A) -> Result<(), A::Error> {
        RecordVisitor { records: self.records, id: Some(self.id) }.visit_map(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let (header, rows) = table(text.as_bytes()).unwrap();
        (header, rows.iter().map(|row| row.iter().map(str::to_owned).collect()).collect())
    }

    #[test]
    fn coco_is_a_row_an_annotation() {
        let (header, rows) = read(
            r#"{"info": {"year": 2022}, "licenses": [1],
                "annotations": [{"id": 7, "image_id": 1, "category_id": 3},
                                {"id": 8, "image_id": 1, "category_id": 4, "bbox": [1, 2.5]}],
                "images": [{"id": 1, "file_name": "a/1.jpg"}, {"id": 2, "file_name": "b/2.jpg"}],
                "categories": [{"id": 3, "name": "oak"}]}"#,
        );
        assert_eq!(header, ["id", "file_name", "image_id", "category_id", "bbox"]);
        assert_eq!(rows[0], ["1", "a/1.jpg", "1", "3", ""]);
        assert_eq!(rows[1], ["1", "a/1.jpg", "1", "4", "1\u{1f}2.5"]);
        assert_eq!(rows[2], ["2", "b/2.jpg", "", "", ""]);
        let (header, rows) = read(
            r#"{"images": [{"image_id": "x", "file_name": "f"}],
                "annotations": [{"image_id": "x", "category_id": 0}]}"#,
        );
        assert_eq!(header, ["image_id", "file_name", "category_id"]);
        assert_eq!(rows, [["x", "f", "0"]]);
        let named = |text: &str| {
            let pairs =
                categories(format!("{{\"images\": [], \"categories\": {text}}}").as_bytes());
            pairs.unwrap().into_iter().map(|(id, name)| format!("{id} {name}")).collect::<Vec<_>>()
        };
        assert_eq!(named(r#"[{"id": 3, "name": "oak"}, {"id": 4}]"#), ["3 oak"]);
        assert_eq!(named(r#"["oak", "ash"]"#), ["0 oak", "1 ash"]);
    }

    #[test]
    fn records_come_as_a_list_or_by_their_ids() {
        let (header, rows) =
            read(r#"[{"id": "a", "x": null}, {"y": true, "id": "b", "z": {"deep": 1}}]"#);
        assert_eq!(header, ["id", "x", "y", "z"]);
        assert_eq!(rows, [["a", "", "", ""], ["b", "", "true", ""]]);
        let (header, rows) = read(r#"{"a.jpg": {"label": "FAKE"}, "b.jpg": {"label": "REAL"}}"#);
        assert_eq!((header.join(","), rows.len()), ("id,label".to_owned(), 2));
        assert_eq!(rows[1], ["b.jpg", "REAL"]);
        let (header, rows) = read(r#"{"0": "blight", "1": "healthy"}"#);
        assert_eq!(
            (header.join(","), rows[0].join(",")),
            ("id,label".to_owned(), "0,blight".to_owned())
        );
    }

    #[test]
    fn what_is_no_table_is_told() {
        for text in ["", "[1, 2]", "[{\"a\": 1}", "3", "{}", "[{\"a\": 1}] x", "{\"images\": 3}"] {
            assert!(table(text.as_bytes()).is_err(), "{text}");
        }
    }
}
