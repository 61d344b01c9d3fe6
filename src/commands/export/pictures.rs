//! Pictures that a run has held out, or of a refit the first one, to compare by.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Result, ensure};
use image::RgbImage;

use super::decision::rows as rows_of;
use super::described::Network;
use super::python::Picture;
use crate::competition::Competition;
use crate::dataset::{self, Sample, View};
use crate::decide::Decision;
use crate::learn::tta::Views;

/// So many pictures are compared; of several networks each has its own share, one at least.
const COMPARED: usize = 8;

/// Some of the pictures that each network held out, with what it said of them; `folder` takes their pixels.
///
/// JPEGs are decoded a little differently by every library, and resized pixels rounded, which moves the
/// answers of a nervous network and is no fault of what was written. So the squares are handed over that
/// the run saw, by which networks are compared; the decoded pixels, by which resizing is; and the files.
pub(super) fn pictures(
    networks: &[Network],
    competition: &Competition,
    decision: &Decision,
    data: &Path,
    folder: &Path,
) -> Result<Vec<Picture>> {
    let data = dataset::open(competition, data)?;
    let samples: HashMap<&str, &Sample> =
        data.train.iter().map(|sample| (sample.id.as_str(), sample)).collect();
    let mut pictures = Vec::new();
    for (network, of) in networks.iter().enumerate() {
        let (recipe, kind) = (of.run.recipe()?, competition.target.kind);
        let predictions = of.run.own_predictions(&of.summary.classes, kind)?;
        let n = predictions.ids.len();
        let rows: Vec<usize> = (0..n)
            .step_by((n * networks.len()).div_ceil(COMPARED).clamp(1, n.max(1)))
            .filter(|&row| samples.contains_key(predictions.ids[row].as_str()))
            .collect();
        let chosen = predictions.select(&rows);
        let answers = rows_of(&decision.apply(chosen.clone())?);
        for (row, (id, answer)) in chosen.ids.iter().zip(answers).enumerate() {
            let (sample, nth) = (samples[id.as_str()], pictures.len());
            let decoded = folder.join(format!("{nth}.png"));
            let picture = dataset::decode_planes(sample)?;
            picture.save(&decoded)?;
            let mut squares = Vec::new();
            for (of, share) in Views::of(&recipe).crops().iter().enumerate() {
                let side = recipe.size as u32;
                let mut square = RgbImage::new(side, side);
                let view = View::Centre { share: *share };
                dataset::render(&picture, recipe.size, recipe.augment, view, 0, &mut square)?;
                let path = folder.join(format!("{nth}-{of}.png"));
                square.save(&path)?;
                squares.push((*share, path));
            }
            let whole = sample.path.canonicalize().unwrap_or_else(|_| sample.path.clone());
            let path = sample.planes.is_empty().then_some(whole);
            let said = chosen.probabilities.row(row).to_vec();
            pictures.push(Picture {
                id: id.clone(),
                network,
                path,
                decoded,
                squares,
                said,
                answer,
            });
        }
    }
    ensure!(!pictures.is_empty(), "none of the pictures that it held out is in the data folder");
    Ok(pictures)
}
