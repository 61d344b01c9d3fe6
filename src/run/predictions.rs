//! What a run predicts for images: `valid-predictions.csv`, and `test-predictions.csv` so that
//! deciding anew and going on after a stop need no network. Both are `id,class,class,...`, a row an
//! image; `id,level` where classes have an order, and `id,number,...` where numbers are asked for.
//!
//! Predictions for test images count only for what they were made for: `test-predictions.toml` beside
//! them has the hashes of that, and of the CSV. What is no probability, and no number, is never kept.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail, ensure};

use super::folder::Run;
use super::made_for::MadeFor;
use crate::dataset::Sample;
use crate::fs;
use crate::lines::Lines;
use crate::table::Table;
use crate::target::{Classes, Predictions, TargetKind};

pub(super) const VALID: &str = "valid-predictions.csv";
const OWN: &str = "own-predictions.csv";
pub(super) const TEST: &str = "test-predictions.csv";
pub(super) const MADE_FOR: &str = "test-predictions.toml";

/// A mean in single precision may pass one by a hair.
const HAIR: f32 = 1.00001;
/// The one column where classes have an order.
pub(super) const LEVEL: &str = "level";

impl Run {
    /// Keeps what the run predicts for the images that it held out.
    pub fn write_valid_predictions(
        &self,
        predictions: &Predictions,
        kind: TargetKind,
    ) -> Result<()> {
        self.write(VALID, csv_of(predictions, kind)?)
    }

    /// What it predicts for the images that it held out.
    pub fn valid_predictions(&self, classes: &Classes, kind: TargetKind) -> Result<Predictions> {
        self.predictions(VALID, classes, kind)
    }

    /// Keeps what a run that was trained on all images says itself of some of them.
    pub fn write_own_predictions(&self, predictions: &Predictions, kind: TargetKind) -> Result<()> {
        self.write(OWN, csv_of(predictions, kind)?)
    }

    /// What the run's own network says of images that it has trained on, or held out: of a refit those are
    /// few, of any other run all that it held out.
    pub fn own_predictions(&self, classes: &Classes, kind: TargetKind) -> Result<Predictions> {
        self.predictions(if self.file(OWN).is_file() { OWN } else { VALID }, classes, kind)
    }

    /// Keeps what the run predicts for the test images with this
    /// [digest](crate::dataset::digest_of_set).
    pub fn write_test_predictions(
        &self,
        images: &str,
        predictions: &Predictions,
        kind: TargetKind,
    ) -> Result<()> {
        let csv = csv_of(predictions, kind)?;
        let made_for = MadeFor::of(self, images)?.made(&csv);
        self.write(TEST, csv)?;
        self.write_toml(MADE_FOR, &made_for)
    }

    /// What it has predicted for these test images, in their order.
    pub fn test_predictions(
        &self,
        samples: &[Sample],
        classes: &Classes,
        kind: TargetKind,
    ) -> Result<Predictions> {
        let predicted = self.predictions(TEST, classes, kind)?;
        let rows: HashMap<&str, &[f32]> =
            predicted.ids.iter().map(String::as_str).zip(predicted.rows()).collect();
        let mut probabilities = Table::empty(kind.n_outputs(classes.len()));
        for sample in samples {
            let row = rows.get(sample.id.as_str()).with_context(|| {
                let path = self.file(TEST);
                format!(
                    "`{}` has no row `{}`\nhint: remove the file; `kaggle-kit submit` makes it again",
                    path.display(),
                    sample.id
                )
            })?;
            probabilities.push(row);
        }
        let ids = samples.iter().map(|sample| sample.id.clone()).collect();
        Ok(Predictions { ids, probabilities, classes: classes.clone() })
    }

    /// Whether there are predictions for just the test images with this digest, by this run as it is.
    /// What cannot be read is none: it is made again. An error where the weights are not the run's.
    pub fn has_test_predictions(&self, images: &str) -> Result<bool> {
        let wanted = MadeFor::of(self, images)?;
        let made_for: Option<MadeFor> = self.read_toml(MADE_FOR).ok();
        let Some(made_for) = made_for else { return Ok(false) };
        let Ok(csv) = fs::read(self.file(TEST)) else { return Ok(false) };
        Ok(made_for == wanted.made(&csv))
    }

    fn predictions(&self, name: &str, classes: &Classes, kind: TargetKind) -> Result<Predictions> {
        let path = self.file(name);
        let in_file = || format!("failed to read `{}`", path.display());
        let text = self.bytes(name)?;
        let mut lines = Lines::new(&text);
        let mut table = csv::Reader::from_reader(&text[..]);
        let header = table.headers().with_context(in_file)?.clone();
        ensure!(
            header.get(0) == Some("id") && header.iter().skip(1).eq(columns(classes, kind).iter()),
            "`{}` has other columns than the run has classes\nhint: train the run again",
            path.display()
        );
        let (mut ids, mut cells, mut known) = (Vec::new(), Vec::new(), HashSet::new());
        for record in table.records() {
            let record = record.with_context(in_file)?;
            let id = record.get(0).unwrap_or_default().to_owned();
            let line = lines.of(record.position());
            for cell in record.iter().skip(1) {
                match cell.parse::<f32>() {
                    Ok(said) if is_said(said, kind) => cells.push(match kind {
                        TargetKind::SingleLabel | TargetKind::MultiLabel => said.min(1.0),
                        TargetKind::Ordinal | TargetKind::Number => said,
                    }),
                    _ => bail!(
                        "`{}`, line {line}, has no {} at `{id}`: `{cell}`\nhint: {EDITED}",
                        path.display(),
                        word(kind)
                    ),
                }
            }
            ensure!(
                known.insert(id.clone()),
                "`{}`, line {line}, has `{id}` a second time\nhint: {EDITED}",
                path.display()
            );
            ids.push(id);
        }
        let probabilities = Table::new(cells, kind.n_outputs(classes.len()));
        Ok(Predictions { ids, probabilities, classes: classes.clone() })
    }
}

/// What a model says, column by column.
pub(super) fn columns(classes: &Classes, kind: TargetKind) -> Cow<'_, [String]> {
    match kind {
        TargetKind::Ordinal => Cow::Owned(vec![LEVEL.to_owned()]),
        _ => Cow::Borrowed(classes.names()),
    }
}

/// What is in a cell.
fn word(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::SingleLabel | TargetKind::MultiLabel => "probability",
        TargetKind::Ordinal => LEVEL,
        TargetKind::Number => "number",
    }
}

/// Whether a model may say that.
fn is_said(said: f32, kind: TargetKind) -> bool {
    match kind {
        TargetKind::SingleLabel | TargetKind::MultiLabel => (0.0..=HAIR).contains(&said),
        TargetKind::Ordinal | TargetKind::Number => said.is_finite(),
    }
}

const EDITED: &str = "the file was edited or damaged: copy it again from where the run was made, or \
                      train again";

/// The table as it is kept; an error where a network said what is no probability, or no number.
pub(super) fn csv_of(predictions: &Predictions, kind: TargetKind) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let columns = columns(&predictions.classes, kind);
    table.write_record(std::iter::once("id").chain(columns.iter().map(String::as_str)))?;
    for (id, row) in predictions.ids.iter().zip(predictions.rows()) {
        if let Some(said) = row.iter().find(|&&said| !is_said(said, kind)) {
            let word = word(kind);
            bail!("what was predicted for `{id}` is no {word}: {said}; nothing of it was kept");
        }
        let cells = row.iter().map(f32::to_string);
        table.write_record(std::iter::once(id.clone()).chain(cells))?;
    }
    Ok(table.into_inner()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: TargetKind = TargetKind::SingleLabel;

    fn classes() -> Classes {
        ["cat", "dog, big"].map(str::to_owned).to_vec().into()
    }

    fn predicted() -> Predictions {
        let ids = ["b", "a,1"].map(str::to_owned).to_vec();
        // The shortest decimals of these are read back to the last bit.
        let probabilities = Table::new(vec![1.0 / 3.0, 1e-30, f32::MIN_POSITIVE, 1.0], 2);
        Predictions { ids, probabilities, classes: classes() }
    }

    #[test]
    fn predictions_are_read_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        run.write_valid_predictions(&predicted(), ONE).unwrap();
        assert_eq!(run.valid_predictions(&classes(), ONE).unwrap(), predicted());
        let text = fs::read_to_string(run.file(VALID)).unwrap();
        assert!(text.starts_with("id,cat,\"dog, big\"\nb,0.33333334,"), "{text}");
        let hair = Predictions {
            probabilities: Table::new(vec![1.000_001, 0.0, 0.0, 1.0], 2),
            ..predicted()
        };
        run.write_valid_predictions(&hair, ONE).unwrap();
        assert_eq!(run.valid_predictions(&classes(), ONE).unwrap().probabilities.row(0)[0], 1.0);
    }

    #[test]
    fn what_is_no_prediction_names_file_and_row() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        for (text, expected) in [
            ("id,dog,cat\nb,0.5,0.5\n", "other columns"),
            ("id,cat,\"dog, big\"\nb,nan,0.5\n", "line 2, has no probability at `b`: `nan`"),
            ("id,cat,\"dog, big\"\nb,1.1,0.5\n", "no probability at `b`: `1.1`"),
            ("id,cat,\"dog, big\"\nb,0,1\n\nb,1,0\n", "line 4, has `b` a second time"),
            ("id,cat,\"dog, big\"\nb,0.5\n", "failed to read"),
        ] {
            run.write(VALID, text).unwrap();
            let error = format!("{:#}", run.valid_predictions(&classes(), ONE).unwrap_err());
            assert!(error.contains(expected) && error.contains(VALID), "{error}");
        }
    }

    #[test]
    fn predictions_of_test_images_come_in_the_order_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        run.write(TEST, csv_of(&predicted(), ONE).unwrap()).unwrap();
        let sample = |id: &str| Sample::new(id, folder.path().join(id), Vec::new());
        let read = run.test_predictions(&[sample("a,1"), sample("b")], &classes(), ONE).unwrap();
        assert_eq!(read.ids, ["a,1", "b"]);
        assert_eq!(read.probabilities.row(0), predicted().probabilities.row(1));
        let error = run.test_predictions(&[sample("c")], &classes(), ONE).unwrap_err().to_string();
        assert!(error.contains("has no row `c`\nhint: remove the file"), "{error}");
    }

    #[test]
    fn what_is_no_probability_is_never_kept() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        run.write_valid_predictions(&predicted(), ONE).unwrap();
        for bad in [f32::NAN, f32::INFINITY, -0.1, 1.1] {
            let probabilities = Table::new(vec![0.5, 0.5, 0.5, bad], 2);
            let predictions = Predictions { probabilities, ..predicted() };
            let error = run.write_valid_predictions(&predictions, ONE).unwrap_err().to_string();
            assert!(error.contains("for `a,1` is no probability"), "{error}");
            assert_eq!(run.valid_predictions(&classes(), ONE).unwrap(), predicted());
        }
    }

    #[test]
    fn levels_and_numbers_may_be_any() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let ids = || ["b", "a"].map(str::to_owned).to_vec();
        let of = |cells: Vec<f32>, width| Predictions {
            ids: ids(),
            probabilities: Table::new(cells, width),
            classes: classes(),
        };
        for (kind, said, header) in [
            (TargetKind::Ordinal, of(vec![-0.25, 4.5], 1), "id,level\nb,-0.25\n"),
            (
                TargetKind::Number,
                of(vec![63.5, -1.0, 1e6, 1.0 / 3.0], 2),
                "id,cat,\"dog, big\"\nb,63.5,-1\n",
            ),
        ] {
            run.write_valid_predictions(&said, kind).unwrap();
            assert_eq!(run.valid_predictions(&classes(), kind).unwrap(), said);
            let text = fs::read_to_string(run.file(VALID)).unwrap();
            assert!(text.starts_with(header), "{text}");
            let broken =
                of(vec![f32::NAN; 2 * said.probabilities.width()], said.probabilities.width());
            let error = run.write_valid_predictions(&broken, kind).unwrap_err().to_string();
            assert!(error.contains("for `b` is no "), "{error}");
            run.write(VALID, text.replacen("b,", "b,x", 1)).unwrap();
            let error = run.valid_predictions(&classes(), kind).unwrap_err().to_string();
            assert!(error.contains("line 2, has no ") && error.contains("at `b`: `x"), "{error}");
        }
    }
}
