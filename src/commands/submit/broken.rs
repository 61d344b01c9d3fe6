//! Test images that cannot be used: a submission needs a row for each all the same, which is what is
//! known without looking, the mean of the training images.

use std::path::Path;

use anyhow::{Result, bail};

use crate::commands::bad_images;
use crate::dataset::{BadImage, BadImages, Sample, find_broken};
use crate::progress::Progress;
use crate::run::Run;
use crate::target::{Classes, Predictions, TargetKind};

/// Takes those out of `samples` that cannot be used. Fails where none can.
pub(super) fn take_out(
    samples: Vec<Sample>,
    folder: &Path,
    progress: &dyn Progress,
) -> Result<(Vec<Sample>, Vec<BadImage>)> {
    let broken = find_broken(&samples, folder, progress);
    let of = samples.len();
    let mut is_good = vec![true; of];
    for (place, _) in &broken {
        is_good[*place] = false;
    }
    let good: Vec<Sample> =
        samples.into_iter().zip(is_good).filter_map(|(s, good)| good.then_some(s)).collect();
    let bad: Vec<BadImage> = broken.into_iter().map(|(_, bad)| bad).collect();
    if good.is_empty() {
        bail!(BadImages { bad, of, list: None });
    }
    Ok((good, bad))
}

/// What a run says of all test images: what it predicts for those that can be used, and for the others
/// what is true of its own on the average: the share that has each class, the level, the numbers.
pub(super) fn completed(
    mut predictions: Predictions,
    broken: &[BadImage],
    run: &Run,
    kind: TargetKind,
) -> Result<Predictions> {
    if broken.is_empty() {
        return Ok(predictions);
    }
    let prior = prior(run, &predictions.classes, kind)?;
    for bad in broken {
        predictions.ids.push(bad.id.clone());
        predictions.probabilities.push(&prior);
    }
    Ok(predictions)
}

fn prior(run: &Run, classes: &Classes, kind: TargetKind) -> Result<Vec<f32>> {
    let images = run.labelled(classes, kind)?;
    let n = images.len().max(1);
    Ok(match kind {
        TargetKind::SingleLabel | TargetKind::MultiLabel => {
            let mut counts = vec![0_usize; classes.len()];
            images.iter().flat_map(|image| &image.target).for_each(|&class| counts[class] += 1);
            counts.iter().map(|&count| count as f32 / n as f32).collect()
        }
        TargetKind::Ordinal => {
            let sum: usize = images.iter().flat_map(|image| &image.target).sum();
            vec![(sum as f64 / n as f64) as f32]
        }
        TargetKind::Number => {
            let sum = |column: usize| images.iter().map(|image| image.numbers[column]).sum::<f64>();
            (0..classes.len()).map(|column| (sum(column) / n as f64) as f32).collect()
        }
    })
}

/// Says whose rows were not predicted.
pub(super) fn warn(broken: &[BadImage]) {
    bad_images::warn(broken, "the mean of the training images is in their rows");
}

/// Fails where such a file would be sent without having been asked for.
pub(super) fn ensure_allowed(broken: &[BadImage]) -> Result<()> {
    if broken.is_empty() {
        return Ok(());
    }
    bail!(
        "nothing was sent: {}\nhint: get these files again, or send the mean of the training images in \
         their rows with `--skip-broken`",
        bad_images::describe(broken)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;
    use crate::table::Table;

    #[test]
    fn a_broken_image_gets_the_mean_of_the_training_images() {
        let folder = tempfile::tempdir().unwrap();
        let sample = |id: &str| {
            let path = folder.path().join(format!("{id}.png"));
            Sample::new(id.to_owned(), path, Vec::new())
        };
        let samples: Vec<Sample> = ["a", "b", "c"].map(sample).to_vec();
        for sample in &samples {
            image::RgbImage::new(3, 2).save(&sample.path).unwrap();
        }
        fs::write_atomic(&samples[1].path, "").unwrap();
        let (good, bad) = take_out(samples.clone(), folder.path(), &()).unwrap();
        assert_eq!(good, [samples[0].clone(), samples[2].clone()]);
        assert!(bad[0].problem.ends_with("b.png` is empty"), "{bad:?}");
        let error = ensure_allowed(&bad).unwrap_err().to_string();
        assert!(error.contains("1 test image cannot be used") && error.contains("`--skip-broken`"));

        let run = Run { folder: folder.path().to_owned() };
        let split = "id,part,labels\n1,train,cat\n2,train,dog\n3,valid,dog\n4,train,dog\n";
        fs::write_atomic(run.file("split.csv"), split).unwrap();
        let classes: Classes = ["cat", "dog"].map(str::to_owned).to_vec().into();
        let ids = ["a", "c"].map(str::to_owned).to_vec();
        let probabilities = Table::new(vec![0.1, 0.9, 0.2, 0.8], 2);
        let predicted = Predictions { ids, probabilities, classes: classes.clone() };
        let all = completed(predicted, &bad, &run, TargetKind::SingleLabel).unwrap();
        assert_eq!(all.ids, ["a", "c", "b"]);
        assert_eq!(all.probabilities.row(2), [0.25, 0.75]);
        assert_eq!(prior(&run, &classes, TargetKind::Ordinal).unwrap(), [0.75]);
        let split = "id,part,cat,dog\n1,train,1,-2\n2,valid,2,-4\n";
        fs::write_atomic(run.file("split.csv"), split).unwrap();
        assert_eq!(prior(&run, &classes, TargetKind::Number).unwrap(), [1.5, -3.0]);

        for sample in &samples {
            fs::write_atomic(&sample.path, "").unwrap();
        }
        let error = take_out(samples, folder.path(), &()).unwrap_err();
        assert!(error.is::<BadImages>() && error.to_string().starts_with("3 of 3 images"));
    }
}
