//! Pictures kept from one epoch to the next: whether, and where.

use anyhow::Result;
use kaggle_kit::cache::{CacheDecision, CachePolicy, Store};
use kaggle_kit::dataset::{PictureCache, PictureCachePlan, PictureId, Prepared, Split};
use kaggle_kit::fs;
use kaggle_kit::learn::{Data, epochs_on_images};
use kaggle_kit::term;

/// Finds places for what training and validation look at in every epoch. What is looked at does not
/// depend on it, so neither does the trained network.
pub(super) fn keep(
    data: &mut Data,
    pictures: &[PictureId],
    split: &Split,
    label: &str,
    policy: CachePolicy,
) -> Result<()> {
    let prepared = |view| Prepared::of(view, data.recipe.size, data.recipe.augment);
    // All folds of a model train on the same pictures, but each holds out others.
    let train = PictureCachePlan::new(label, pictures, prepared(data.random_view(0)));
    let held_out: Vec<PictureId> = split.valid.iter().map(|&i| pictures[i]).collect();
    let valid = PictureCachePlan::new(label, &held_out, prepared(data.centre_view()));
    let bytes = train.bytes() + valid.bytes();
    let passes = epochs_on_images(data);
    if let CacheDecision::Skip(reason) = policy.decide(bytes, passes, fs::free_memory()) {
        term::detail(format_args!("pictures are not kept: {reason}"));
        return Ok(());
    }
    let store = Store::usual()?;
    let opened = train.open(&store).and_then(|train| Ok((train, valid.open(&store)?)));
    match opened {
        Ok((train, valid)) => {
            term::detail(format_args!(
                "pictures are kept for later epochs: {} in `{}`",
                term::bytes(bytes),
                store.folder().display()
            ));
            data.train.kept = Some(train.of(&split.train));
            data.valid.kept = Some(valid);
        }
        // Training is slower without them, and comes to the same.
        Err(error) => term::warn(format_args!("pictures are not kept: {error:#}")),
    }
    Ok(())
}

/// Says what stood in the way of keeping them, if anything did.
pub(super) fn warn_of_trouble(data: &Data) {
    let kept = [&data.train.kept, &data.valid.kept];
    if let Some(trouble) = kept.into_iter().flatten().find_map(PictureCache::trouble) {
        term::warn(format_args!("not all pictures were kept: {trouble}"));
    }
}
