//! The page of a run that is about to be finished: what its folder holds, and the pictures.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use image::RgbImage;
use kaggle_kit::dataset::{self, BatchPlan, Sample};
use kaggle_kit::learn::{self, Data};
use kaggle_kit::metric::most_probable;
use kaggle_kit::place::Share;
use kaggle_kit::report::LivePage;
use kaggle_kit::report::html::facts::Heat;
use kaggle_kit::report::html::{self, duplicates, gallery, gather};
use kaggle_kit::run::{REPORT, Run, Summary};
use kaggle_kit::term;

use super::images::CompetitionImages;
use crate::torch::Network;

/// What writes the page of a run while it is trained. A run is as good without.
pub(super) fn live<'a>(run: &'a Run, device: &str, data: &Data) -> Option<LivePage<'a>> {
    let n = [data.train.len(), data.valid.len()];
    let facts = gather::unfinished(run, device.to_owned(), &data.classes, n);
    let facts = facts.map(|mut facts| {
        facts.foresee(&learn::plan(data));
        facts
    });
    facts
        .map_err(|error| term::detail(format_args!("no page while it is trained: {error:#}")))
        .ok()
        .map(|facts| LivePage::new(run, facts))
}

/// Writes `report.html`.
pub(super) fn write(
    run: &Run,
    summary: &Summary,
    data: &Data,
    images: &CompetitionImages,
    network: &mut Network,
) -> Result<()> {
    let mut facts = gather::with_summary(run, summary)?;
    facts.plan(&learn::plan(data));
    let dataset = &images.dataset;
    let named =
        duplicates::named(&dataset.train, &dataset.test, &dataset.classes, &images.duplicates);
    facts.duplicates = Some(named);
    facts.tell_found(dataset.found.clone());
    // What the network looked at is drawn for the class that it finds most probable.
    let predicted = run.valid_predictions(&summary.classes, data.kind)?;
    let rows = predicted.ids.iter().map(String::as_str).zip(predicted.rows());
    let answers: HashMap<&str, &[f32]> = rows.collect();
    let samples = data.valid.samples.iter().map(|sample| (sample.id.as_str(), sample));
    let samples: HashMap<&str, &Sample> = samples.collect();
    let view = data.centre_view();
    let mut look = |id: &str| -> Result<(RgbImage, Option<Heat>)> {
        let sample = (*samples.get(id).context("it is no image of this run")?).clone();
        let one: Arc<[Sample]> = Arc::new([sample]);
        let plan = BatchPlan {
            order: vec![0],
            batch_size: 1,
            size: data.recipe.size,
            augment: data.recipe.augment,
            views: vec![view],
            share: Share::WHOLE,
            and_next: false,
        };
        let mut batches = dataset::batches(one, plan);
        let square = batches.next().context("no picture")??.images;
        let side = square.size as u32;
        let class = answers.get(id).map_or(0, |row| most_probable(row));
        let (values, cells) = network.grad_cam(&square, &[class])?;
        let picture =
            RgbImage::from_raw(side, side, square.pixels.into_vec()).context("no square")?;
        // A network without backbones has no map.
        Ok((picture, (cells > 0).then_some(Heat { side: cells, values })))
    };
    gallery::fill(&mut facts, |id| look(id).ok());
    facts.environment.push(("libtorch".to_owned(), env!("KAGGLE_KIT_LIBTORCH_VERSION").to_owned()));
    run.write(REPORT, html::page(&facts))
}
