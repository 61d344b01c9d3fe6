//! Images that are no picture files: rows of tables (`[files.pixels]`), DICOM (`files.windows`), `TFRecords`
//! (`[target.labels.record]`). `fetch` makes pictures of them once.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::spec::Competition;
use super::split_spec::{Grouping, SplitSpec};
use crate::relative::RelativePath;

/// Endings that say that a file is DICOM.
pub const DICOM_EXTENSIONS: [&str; 2] = ["dcm", "dicom"];

/// What the program makes pictures of before it trains.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Raw {
    /// `files.train` and `files.test` are tables, and a row is an image.
    Pixels(Pixels),
    /// Centre and width of each channel's window; none: that of each file.
    Dicom { windows: Vec<[f64; 2]>, attribute: Option<String> },
    /// `files.train` and `files.test` are folders of `TFRecords`.
    Records { id: String, label: Option<String> },
}

/// `[files.pixels]`: where in a row of a table the image is.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pixels {
    /// The columns of its pixels, `*` standing for anything: `pixel*`. A single one holds all of them,
    /// separated by blanks.
    pub columns: Option<String>,
    /// Or the columns (of a table) or fields (of JSON records) that hold a whole plane each.
    pub planes: Vec<String>,
    /// Height and width; with a third number, of colours, where the image is in one piece. Left out, a
    /// square.
    pub shape: Vec<usize>,
    /// The values that become black and white; left out, 0 and 255.
    pub range: Option<[f64; 2]>,
}

impl Pixels {
    /// Whether a column or field holds pixels.
    pub fn is_pixels(&self, column: &str) -> bool {
        match &self.columns {
            Some(pattern) => matches(pattern, column),
            None => self.planes.iter().any(|plane| plane == column),
        }
    }

    fn check(&self, places: &[&RelativePath]) -> Result<()> {
        let Self { columns, planes, shape, range } = self;
        ensure!(
            columns.is_some() == planes.is_empty(),
            "`files.pixels` needs either `columns`, such as \"pixel*\", or `planes`, a list of columns or \
             fields that hold a whole plane each"
        );
        ensure!(
            planes.len() <= 3,
            "`files.pixels.planes` names {} planes, and a picture has three at most: choose three",
            planes.len()
        );
        let shape_ok = match shape.as_slice() {
            [] | [_, _] => true,
            [first, _, last] => [1, 3].contains(last) || [1, 3].contains(first),
            _ => false,
        };
        ensure!(
            shape_ok && !shape.contains(&0),
            "`files.pixels.shape` is {shape:?}: give height and width, such as [28, 28], or with 3 colours \
             [32, 32, 3], or [3, 32, 32] where one plane follows the other"
        );
        ensure!(
            shape.len() < 3 || planes.len() < 2,
            "`files.pixels.shape` has three numbers: with several `planes`, give height and width"
        );
        ensure!(
            range.is_none_or(|[low, high]| low.is_finite() && high.is_finite() && low < high),
            "`files.pixels.range` is {range:?}: give two numbers, the smaller first"
        );
        if let Some(place) = places.iter().find(|place| format_of(place).is_none()) {
            bail!(
                "with `files.pixels`, images are rows of a table: `{place}` is neither .csv nor .json"
            );
        }
        Ok(())
    }
}

/// How a table of pixels is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    Csv,
    Json,
}

/// By the ending of its name.
pub fn format_of(table: &RelativePath) -> Option<TableFormat> {
    match table.rsplit_once('.')?.1.to_lowercase().as_str() {
        "csv" => Some(TableFormat::Csv),
        "json" => Some(TableFormat::Json),
        _ => None,
    }
}

/// The table that `TFRecords`' features are written to.
pub const RECORDS: &str = "records.csv";

/// Whether a name fits a pattern in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == name };
    let Some(rest) = name.strip_prefix(before) else { return false };
    let mut starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    starts.any(|at| matches(after, &rest[at..]))
}

impl Competition {
    /// What pictures must be made of before training, if the images are none.
    pub fn raw(&self) -> Option<Raw> {
        let files = &self.files;
        if let Some(pixels) = &files.pixels {
            return Some(Raw::Pixels(pixels.clone()));
        }
        if let Labels::Record { id, label } = &self.target.labels {
            return Some(Raw::Records { id: id.clone(), label: label.clone() });
        }
        let is_dicom = |extension: &String| {
            DICOM_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
        };
        if files.windows.is_none() && !files.extension.iter().any(is_dicom) {
            return None;
        }
        let attribute = match self.split.as_ref().and_then(SplitSpec::grouping) {
            Some(Grouping::Dicom(attribute)) => Some(attribute.to_owned()),
            _ => None,
        };
        Some(Raw::Dicom { windows: files.windows.clone().unwrap_or_default(), attribute })
    }

    /// The columns that have ids in them, by the spec: of labels, and of the upload.
    pub fn id_columns(&self) -> [Option<&str>; 2] {
        [self.target.labels.id_column(), Some(self.submission.id_column())]
    }

    /// What the column of ids may be called in a table of pixels, the likeliest first; none where its
    /// rows are counted.
    pub fn ids_of(&self, table: &RelativePath, is_train: bool) -> Vec<&str> {
        let [of_labels, of_upload] = self.id_columns();
        match &self.target.labels {
            // The labels of these very rows: they are numbered as the labels are.
            Labels::Csv { file, .. } if is_train && file == table => {
                of_labels.into_iter().collect()
            }
            _ if is_train => of_labels.into_iter().chain(of_upload).collect(),
            _ => of_upload.into_iter().chain(of_labels).collect(),
        }
    }

    /// Contradictions about what pictures are made of.
    pub(super) fn check_raw(&self) -> Result<()> {
        let files = &self.files;
        let is_record = matches!(self.target.labels, Labels::Record { .. });
        let named = [
            (files.pixels.is_some(), "files.pixels"),
            (files.windows.is_some(), "files.windows"),
            (is_record, "target.labels.record"),
        ];
        let named: Vec<&str> =
            named.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
        if let [one, other, ..] = named.as_slice() {
            bail!("`{one}` and `{other}` say of the same images what they are: keep one of them");
        }
        if let Some(pixels) = &files.pixels {
            pixels.check(&files.train.iter().chain(&files.test).collect::<Vec<_>>())?;
        }
        let windows = files.windows.as_deref().unwrap_or_default();
        ensure!(
            windows.len() <= 3,
            "`files.windows` has {} windows, and a picture has three channels at most: choose three",
            windows.len()
        );
        let fits =
            |[centre, width]: &[f64; 2]| centre.is_finite() && width.is_finite() && *width >= 1.0;
        if let Some([centre, width]) = windows.iter().find(|window| !fits(window)) {
            bail!(
                "`files.windows` has [{centre}, {width}]: give a centre and a width of 1 or more, such as \
                 [40, 80]"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, name, fits) in [
            ("pixel*", "pixel0", true),
            ("pixel*", "pixel", true),
            ("pixel*", "label", false),
            ("pixel*", "a pixel", false),
            ("*x*", "28x1", true),
            ("*x*", "label", false),
            ("p*l*0", "pixel100", true),
            ("p*l*0", "pixel101", false),
            ("Image", "Image", true),
            ("Image", "ImageId", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    const SPEC: &str = r#"
title = "Digits"
slug = "digits"
metric = "log-loss"
[files]
train = ["train.csv"]
test = ["test.csv"]
sample = "sample.csv"
FILES
[target]
kind = "single-label"
[target.labels.csv]
file = "train.csv"
id = "id"
label = "label"
[submission.probability-per-class]
id = "ImageId"
"#;

    fn parse(files: &str) -> Result<Competition> {
        Competition::parse("digits", &SPEC.replace("FILES", files), "digits.toml")
    }

    #[test]
    fn what_images_are_made_of_is_in_the_spec() {
        assert_eq!(parse("").unwrap().raw(), None);
        let digits = parse("pixels = { columns = \"pixel*\", range = [0, 16] }").unwrap();
        let Some(Raw::Pixels(pixels)) = digits.raw() else { panic!() };
        assert!(pixels.is_pixels("pixel0_0") && !pixels.is_pixels("label"));
        assert_eq!(digits.ids_of(&digits.files.train[0], true), ["id"]);
        assert_eq!(digits.ids_of(&digits.files.test[0], false), ["ImageId", "id"]);
        let own = Raw::Dicom { windows: Vec::new(), attribute: None };
        assert_eq!(parse("extension = \"DCM\"").unwrap().raw(), Some(own));
        let three = parse("windows = [[40, 80], [80, 200], [600, 2800]]").unwrap();
        let Some(Raw::Dicom { windows, .. }) = three.raw() else { panic!() };
        assert_eq!(windows[2], [600.0, 2800.0]);
    }

    #[test]
    fn contradictions_are_told() {
        for (files, expected) in [
            ("pixels = {}", "needs either `columns`"),
            ("pixels = { columns = \"p*\", planes = [\"a\"] }", "needs either `columns`"),
            ("pixels = { planes = [\"a\", \"b\", \"c\", \"d\"] }", "names 4 planes"),
            ("pixels = { columns = \"p*\", shape = [28] }", "give height and width"),
            ("pixels = { columns = \"p*\", shape = [28, 0] }", "give height and width"),
            ("pixels = { columns = \"p*\", shape = [2, 4, 4] }", "give height and width"),
            ("pixels = { columns = \"p*\", range = [1, 1] }", "the smaller first"),
            ("pixels = { columns = \"p*\" }\nwindows = []", "keep one of them"),
            ("windows = [[40, 0]]", "a width of 1 or more"),
            ("windows = [[1, 2], [1, 2], [1, 2], [1, 2]]", "has 4 windows"),
        ] {
            let error = format!("{:#}", parse(files).unwrap_err());
            assert!(error.contains(expected), "{files}: {error}");
        }
        let folder =
            SPEC.replace("FILES", "pixels = { columns = \"p*\" }").replace("test.csv", "test");
        let error = format!("{:#}", Competition::parse("digits", &folder, "a").unwrap_err());
        assert!(error.contains("`test` is neither .csv nor .json"), "{error}");
    }
}
