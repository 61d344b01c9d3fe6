//! Tables, or their first rows: CSV, and JSON in the two forms that competitions have it in, a list of
//! records and COCO's lists of images and annotations.

use std::collections::{HashMap, HashSet};
use std::io::{BufReader, Read};

use csv::StringRecord;

use super::data;
use super::json::{self, Json, Record};
use crate::json::{OF_ANNOTATION, OF_IMAGE};

/// Bytes that are read of a CSV: some hundred thousand rows.
const HEAD: u64 = 8 << 20;
/// Bytes that are read of a JSON, whose lists may come in any order.
const MOST_OF_JSON: u64 = 1 << 30;

/// A table, or its first rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub path: String,
    pub form: Form,
    pub header: Vec<String>,
    pub rows: Vec<StringRecord>,
    /// Whether these are all rows.
    pub is_whole: bool,
    /// Columns that hold a list of numbers in each row: pixels.
    pub planes: Vec<Plane>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    Csv,
    /// A list of objects.
    Records,
    /// Images joined with their annotations, or images alone.
    Coco,
    /// Names by number: two columns.
    Names,
}

/// A column of lists of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    pub name: String,
    /// How many numbers a row has.
    pub n: usize,
    pub least: f64,
    pub most: f64,
}

impl Table {
    /// Reads a table; none where it is no table, or cannot be read.
    pub fn read(path: &str, from: impl Read) -> Option<Self> {
        match data::extension(path).as_str() {
            "json" => of_json(path, from),
            "tsv" => of_csv(path, from, b'\t'),
            _ => of_csv(path, from, b','),
        }
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    pub fn cell(&self, row: usize, column: usize) -> &str {
        self.rows.get(row).and_then(|row| row.get(column)).unwrap_or_default()
    }

    /// The cells of a column, from the top.
    pub fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row.get(column).unwrap_or_default())
    }

    /// What stands in a column, each once, but for empty cells.
    pub fn values(&self, column: usize) -> HashSet<&str> {
        self.cells(column).filter(|cell| !cell.is_empty()).collect()
    }

    /// The numbers of some rows, evenly spread.
    pub fn spread(&self, n: usize) -> impl Iterator<Item = usize> + use<> {
        let step = self.rows.len().div_ceil(n.max(1)).max(1);
        (0..self.rows.len()).step_by(step)
    }
}

fn of_csv(path: &str, from: impl Read, delimiter: u8) -> Option<Table> {
    let mut bytes = Vec::new();
    from.take(HEAD).read_to_end(&mut bytes).ok()?;
    let is_whole = (bytes.len() as u64) < HEAD;
    if !is_whole {
        // The last line is a part of one.
        bytes.truncate(bytes.iter().rposition(|&byte| byte == b'\n')? + 1);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text);
    let header: Vec<String> = reader.headers().ok()?.iter().map(str::to_owned).collect();
    // A row that is no text is as good as none.
    let rows: Vec<StringRecord> = reader.records().filter_map(Result::ok).collect();
    let is_table = header.iter().any(|name| !name.is_empty());
    is_table.then(|| Table { path: path.to_owned(), header, rows, is_whole, ..Table::default() })
}

fn of_json(path: &str, from: impl Read) -> Option<Table> {
    let table = match json::read(BufReader::with_capacity(1 << 16, from.take(MOST_OF_JSON))) {
        Json::List { records, is_whole } => records_table(&records, Form::Records, is_whole),
        Json::Lists { images, annotations, is_whole } if !images.is_empty() => {
            records_table(&joined(&images, &annotations), Form::Coco, is_whole)
        }
        Json::Names(pairs) if !pairs.is_empty() => Table {
            form: Form::Names,
            header: ["id", "label"].map(str::to_owned).to_vec(),
            rows: pairs.iter().map(|(a, b)| StringRecord::from(vec![a, b])).collect(),
            is_whole: true,
            ..Table::default()
        },
        Json::Lists { .. } | Json::Names(_) | Json::Other => return None,
    };
    (!table.header.is_empty()).then(|| Table { path: path.to_owned(), ..table })
}

/// A row a record; its columns are the fields of the first hundred.
fn records_table(records: &[Record], form: Form, is_whole: bool) -> Table {
    let mut header: Vec<String> = Vec::new();
    let mut planes: Vec<Plane> = Vec::new();
    for record in records.iter().take(100) {
        for (name, _) in &record.fields {
            if !header.contains(name) {
                header.push(name.clone());
            }
        }
        for plane in &record.planes {
            match planes.iter_mut().find(|known| known.name == plane.name) {
                None => planes.push(plane.clone()),
                Some(known) => {
                    known.least = known.least.min(plane.least);
                    known.most = known.most.max(plane.most);
                }
            }
        }
    }
    let row = |record: &Record| {
        let value = |name: &String| record.field(name).unwrap_or_default().to_owned();
        StringRecord::from(header.iter().map(value).collect::<Vec<_>>())
    };
    let rows = records.iter().map(row).collect();
    Table { form, header, rows, is_whole, planes, ..Table::default() }
}

/// The annotations, each with the fields of its image; images alone where there are none.
fn joined(images: &[Record], annotations: &[Record]) -> Vec<Record> {
    fn key<'r>(record: &'r Record, names: &[&str]) -> Option<&'r str> {
        names.iter().find_map(|name| record.field(name))
    }
    let by_id: HashMap<&str, &Record> =
        images.iter().filter_map(|image| Some((key(image, &OF_IMAGE)?, image))).collect();
    let rows: Vec<Record> = annotations
        .iter()
        .filter_map(|annotation| {
            let image = by_id.get(key(annotation, &OF_ANNOTATION)?)?;
            let mut record = (*image).clone();
            for (name, value) in &annotation.fields {
                if record.field(name).is_none() {
                    record.fields.push((name.clone(), value.clone()));
                }
            }
            Some(record)
        })
        .collect();
    if rows.is_empty() { images.to_vec() } else { rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Table {
        Table::read(path, text.as_bytes()).unwrap()
    }

    #[test]
    fn csv_is_read_as_it_comes() {
        let table = read("a.csv", "\u{feff}id,label\n1,a b\n\"2\",\n3\n");
        assert_eq!(table.header, ["id", "label"]);
        assert_eq!(table.cells(1).collect::<Vec<_>>(), ["a b", "", ""]);
        assert!(table.is_whole);
        let tabs = read("a.tsv", "id\tlabel\n1\tx\n");
        assert_eq!(tabs.cell(0, 1), "x");
        assert_eq!(Table::read("a.csv", &b""[..]), None);
    }

    #[test]
    fn images_are_joined_with_their_annotations() {
        let text = r#"{"info": {"year": 2020}, "annotations": [{"id": 9, "image_id": "a", "category_id": 3}],
            "images": [{"id": "a", "file_name": "a.jpg", "location": 4}, {"id": "b", "file_name": "b.jpg"}],
            "categories": [{"id": 3, "name": "cat"}]}"#;
        let table = read("train.json", text);
        assert_eq!(table.form, Form::Coco);
        assert_eq!(table.header, ["id", "file_name", "location", "image_id", "category_id"]);
        assert_eq!(table.rows, [vec!["a", "a.jpg", "4", "a", "3"]]);
        let other = r#"{"images": [{"imageId": "a", "url": "u"}], "annotations": [{"imageId": "a", "labelId": 7}]}"#;
        let table = read("train.json", other);
        assert_eq!(
            (table.header.join(","), table.rows.len()),
            ("imageId,url,labelId".to_owned(), 1)
        );
        let alone = read("test.json", r#"{"images": [{"id": 1, "file_name": "1.jpg"}]}"#);
        assert_eq!(alone.rows, [vec!["1", "1.jpg"]]);
    }

    #[test]
    fn lists_of_numbers_are_planes() {
        let pixels = |first: &str| format!("[{first}{}]", ", 1".repeat(63));
        let text = format!(
            r#"[{{"id": "a", "band_1": {}, "angle": "na"}}, {{"id": "b", "band_1": {}, "box": [1, 2]}}"#,
            pixels("-20.5"),
            pixels("7")
        );
        let table = read("train.json", &text);
        // It ends too early: what came before it counts.
        assert!(!table.is_whole);
        assert_eq!(table.header, ["id", "angle"]);
        assert_eq!(table.rows, [vec!["a", "na"], vec!["b", ""]]);
        let plane = Plane { name: "band_1".to_owned(), n: 64, least: -20.5, most: 7.0 };
        assert_eq!(table.planes, [plane]);
        let by_id = read("labels.json", r#"{"a.jpg": {"label": 1}, "b.jpg": {"label": 0}}"#);
        assert_eq!(by_id.header, ["id", "label"]);
        assert_eq!(by_id.rows, [vec!["a.jpg", "1"], vec!["b.jpg", "0"]]);
        let names = read("map.json", r#"{"0": "Blight", "1": "Healthy"}"#);
        assert_eq!((names.form, names.rows.len()), (Form::Names, 2));
    }
}
