//! What a run said, as other people's programs like it: `oof.csv`, for every image of all folds of a model
//! what a network said that had not seen it (`id,fold,label,class,...`), and `test.csv`, the model's
//! answer for each test image (`id,class,...`). Both together are what a stack is trained on.
//!
//! They follow from what the folds keep (`valid-predictions.csv`, `split.csv`, `test-predictions.csv`), so
//! nothing here reads them: edit them as you like. Of levels the column is `level`; numbers have their true
//! values in `label` or, where there are several, in `label <name>,...`.

use anyhow::Result;

use super::folder::Run;
use super::predictions::{columns, csv_of};
use super::split::cell_of;
use crate::target::{Classes, Predictions, TargetKind, Truth};

/// Held-out predictions of all folds, with what is true.
pub const OUT_OF_FOLD: &str = "oof.csv";
/// The model's predictions of the test images.
pub const TEST_TABLE: &str = "test.csv";

/// `oof.csv` of runs, each with the number of its fold (0: there are none), one after the other.
pub fn out_of_fold(runs: &[(&Run, usize)], classes: &Classes, kind: TargetKind) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut header = vec!["id".to_owned(), "fold".to_owned()];
    match (kind, classes.names()) {
        (TargetKind::Number, names) if names.len() > 1 => {
            header.extend(names.iter().map(|name| format!("label {name}")));
        }
        _ => header.push("label".to_owned()),
    }
    header.extend(columns(classes, kind).iter().cloned());
    table.write_record(header)?;
    for (run, fold) in runs {
        let (predictions, truth) = run.held_out(classes, kind)?;
        for (image, (id, row)) in predictions.ids.iter().zip(predictions.rows()).enumerate() {
            let labels = match &truth {
                Truth::Numbers(numbers) => numbers.row(image).iter().map(f64::to_string).collect(),
                Truth::Classes(of) => {
                    let names = of[image].iter().map(|&class| classes.names()[class].clone());
                    vec![cell_of(&names.collect::<Vec<_>>())]
                }
            };
            let start = [id.clone(), fold.to_string()].into_iter().chain(labels);
            table.write_record(start.chain(row.iter().map(f32::to_string)))?;
        }
    }
    Ok(table.into_inner()?)
}

impl Run {
    /// Keeps what [`out_of_fold`] made.
    pub fn write_out_of_fold(&self, csv: &[u8]) -> Result<()> {
        self.write(OUT_OF_FOLD, csv)
    }

    /// Keeps what the model that this run is one of says of the test images.
    pub fn write_test_table(&self, said: &Predictions, kind: TargetKind) -> Result<()> {
        self.write(TEST_TABLE, csv_of(said, kind)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;
    use crate::table::Table;

    fn run(folder: &tempfile::TempDir, name: &str, split: &str, predictions: &str) -> Run {
        let run = Run { folder: folder.path().join(name) };
        run.write("split.csv", split).unwrap();
        run.write("valid-predictions.csv", predictions).unwrap();
        run
    }

    fn text(csv: Vec<u8>) -> String {
        String::from_utf8(csv).unwrap()
    }

    #[test]
    fn folds_stand_one_after_the_other_with_their_labels() {
        let folder = tempfile::tempdir().unwrap();
        let classes: Classes = ["cat", "dog, big"].map(str::to_owned).to_vec().into();
        let head = "id,part,labels\n";
        let first = format!("{head}a,valid,cat\nb,train,\"dog, big\"\n");
        let second = format!("{head}a,train,cat\nb,valid,\"dog, big\"\n");
        let first = run(&folder, "1", &first, "id,cat,\"dog, big\"\na,0.75,0.25\n");
        let second = run(&folder, "2", &second, "id,cat,\"dog, big\"\nb,0.5,0.5\n");
        let one = TargetKind::SingleLabel;
        let csv = out_of_fold(&[(&first, 1), (&second, 2)], &classes, one).unwrap();
        let expected =
            "id,fold,label,cat,\"dog, big\"\na,1,cat,0.75,0.25\nb,2,\"dog, big\",0.5,0.5\n";
        assert_eq!(text(csv), expected);

        let said = Predictions {
            ids: vec!["t".to_owned()],
            probabilities: Table::new(vec![0.625, 0.375], 2),
            classes,
        };
        first.write_test_table(&said, one).unwrap();
        let test = fs::read_to_string(first.file(TEST_TABLE)).unwrap();
        assert_eq!(test, "id,cat,\"dog, big\"\nt,0.625,0.375\n");
    }

    #[test]
    fn tags_levels_and_numbers_have_their_truth_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let names = |names: [&str; 2]| -> Classes { names.map(str::to_owned).to_vec().into() };
        for (kind, split, predictions, expected) in [
            (
                TargetKind::MultiLabel,
                "id,part,labels\na,valid,x|y\nb,valid,\n",
                "id,x,y\na,0.5,1\nb,0,0.25\n",
                "id,fold,label,x,y\na,0,x|y,0.5,1\nb,0,,0,0.25\n",
            ),
            (
                TargetKind::Ordinal,
                "id,part,labels\na,valid,y\n",
                "id,level\na,0.75\n",
                "id,fold,label,level\na,0,y,0.75\n",
            ),
            (
                TargetKind::Number,
                "id,part,x,y\na,valid,63,1.5\n",
                "id,x,y\na,60.5,2\n",
                "id,fold,label x,label y,x,y\na,0,63,1.5,60.5,2\n",
            ),
        ] {
            let run = run(&folder, "run", split, predictions);
            let csv = out_of_fold(&[(&run, 0)], &names(["x", "y"]), kind).unwrap();
            assert_eq!(text(csv), expected);
        }
    }
}
