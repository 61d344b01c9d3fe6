//! What a run predicted for the images that it held out, beside what is true of them: everything that
//! is decided, scored and drawn afterwards follows from this pair, so it is whole or refused.

use std::collections::HashSet;

use anyhow::{Result, ensure};

use super::folder::Run;
use super::split::Side;
use crate::target::{Classes, Predictions, TargetKind, Truth};
use crate::term;

/// How far the probabilities of an image's classes may be from adding up to one.
const OFF: f32 = 1e-3;

const HINT: &str = "a file of the run was edited or damaged: copy the run's folder again from where \
                    it was made, or train again";

impl Run {
    /// What the run predicts for the images that it held out, and what is true of each, in the same
    /// order. An error where the two files do not tell of the same images, or of no answer to the
    /// question.
    pub fn held_out(&self, classes: &Classes, kind: TargetKind) -> Result<(Predictions, Truth)> {
        let predictions = self.valid_predictions(classes, kind)?;
        let truth = self.truth(&predictions.ids, classes, kind)?;
        let place = self.folder.display();
        let predicted: HashSet<&str> = predictions.ids.iter().map(String::as_str).collect();
        let images = self.labelled(classes, kind)?;
        let held_out = images.iter().filter(|image| image.side == Side::Valid);
        let missing: Vec<&str> =
            held_out.map(|image| image.id.as_str()).filter(|id| !predicted.contains(id)).collect();
        ensure!(
            missing.is_empty(),
            "`{place}`: `valid-predictions.csv` has {} of the {} that `split.csv` holds out, and none \
             of `{}`\nhint: {HINT}",
            predicted.len(),
            term::count(predicted.len() + missing.len(), "image"),
            missing[0]
        );
        if self.is_finished() {
            let told = self.summary()?.valid_images;
            ensure!(
                told == predicted.len(),
                "`{place}`: `valid-predictions.csv` and `split.csv` have {} held out, `summary.toml` \
                 tells of {told}\nhint: {HINT}",
                term::count(predicted.len(), "image")
            );
        }
        if kind.has_one_class() {
            for ((id, row), truth) in
                predictions.ids.iter().zip(predictions.rows()).zip(truth.classes())
            {
                ensure!(
                    truth.len() == 1,
                    "`{place}`: `split.csv` gives `{id}` {}, where every image has one\nhint: {HINT}",
                    term::count(truth.len(), "label")
                );
                if kind == TargetKind::Ordinal {
                    continue;
                }
                let sum: f32 = row.iter().sum();
                ensure!(
                    (sum - 1.0).abs() < OFF,
                    "`{place}`: the probabilities of `{id}` in `valid-predictions.csv` add up to \
                     {sum}, not to 1\nhint: {HINT}"
                );
            }
        }
        Ok((predictions, truth))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predictions_are_of_the_images_held_out_and_of_all_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let classes: Classes = ["cat", "dog"].map(str::to_owned).to_vec().into();
        let split = "id,part,labels\na,valid,dog\ns,train,cat\nb,valid,cat\n";
        let rows = "id,cat,dog\nb,0.75,0.25\na,0.5,0.5\n";
        let held_out = |split: &str, rows: &str| {
            run.write("split.csv", split).unwrap();
            run.write("valid-predictions.csv", rows).unwrap();
            run.held_out(&classes, TargetKind::SingleLabel)
        };
        let (predictions, truth) = held_out(split, rows).unwrap();
        assert_eq!(
            (predictions.ids, truth),
            (vec!["b".into(), "a".into()], Truth::Classes(vec![vec![0], vec![1]]))
        );
        for (split, rows, expected) in [
            (split, "id,cat,dog\nb,0.75,0.25\n", "has 1 of the 2 images"),
            (split, "id,cat,dog\n", "has 0 of the 2 images"),
            (split, "id,cat,dog\na,1,0\nb,1,0\ns,1,0\n", "does not hold out `s`"),
            (split, "id,cat,dog\na,0,0\nb,1,0\n", "`a` in `valid-predictions.csv` add up to 0"),
            ("id,part,labels\na,valid,\nb,valid,cat\n", rows, "gives `a` 0 labels"),
            ("id,part,labels\na,valid,cat|dog\nb,valid,cat\n", rows, "gives `a` 2 labels"),
        ] {
            let error = format!("{:#}", held_out(split, rows).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn levels_have_one_class_and_numbers_none() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let classes: Classes = ["0", "1", "2"].map(str::to_owned).to_vec().into();
        run.write("split.csv", "id,part,labels\na,valid,2\nb,valid,0\n").unwrap();
        run.write("valid-predictions.csv", "id,level\na,1.75\nb,-0.5\n").unwrap();
        let (predictions, truth) = run.held_out(&classes, TargetKind::Ordinal).unwrap();
        assert_eq!(predictions.probabilities.as_slice(), [1.75, -0.5]);
        assert_eq!(truth, Truth::Classes(vec![vec![2], vec![0]]));
        run.write("split.csv", "id,part,labels\na,valid,\nb,valid,0\n").unwrap();
        let error = run.held_out(&classes, TargetKind::Ordinal).unwrap_err().to_string();
        assert!(error.contains("gives `a` 0 labels"), "{error}");

        let columns: Classes = ["Pawpularity"].map(str::to_owned).to_vec().into();
        run.write("split.csv", "id,part,Pawpularity\na,valid,63\ns,train,1\n").unwrap();
        run.write("valid-predictions.csv", "id,Pawpularity\na,58.5\n").unwrap();
        let (predictions, truth) = run.held_out(&columns, TargetKind::Number).unwrap();
        assert_eq!(predictions.probabilities.as_slice(), [58.5]);
        let Truth::Numbers(truth) = truth else { panic!("numbers are asked for") };
        assert_eq!(truth.as_slice(), [63.0]);
    }
}
