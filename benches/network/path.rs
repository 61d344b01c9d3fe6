//! The whole path: JPEG files through loader and network, against the same work on a batch that is
//! there already. What is missing to a ratio of 1 is what the data path costs.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use kaggle_kit::cache::Store;
use kaggle_kit::dataset::{
    self, BatchPlan, PictureCache, PictureCachePlan, Prepared, Sample, SampleSource, Strong, View,
};
use kaggle_kit::fs;
use kaggle_kit::learn::{Input, Model};
use kaggle_kit::place::Share;
use kaggle_kit::recipe::{Augment, Recipe};
use kaggle_kit_engine::torch::Device;
use rayon::prelude::*;
use tch::Tensor;

use super::timm::{Question, Timm};
use super::{Arguments, Kind, WORK, batch, median, network, pass, recipe, resident, trainable};

/// A line a backbone and kind of work, in images a second.
pub(crate) fn table(
    arguments: &Arguments,
    kinds: &[(&str, Kind)],
    folder: &Path,
    device: Device,
) -> Result<()> {
    let samples = samples(folder, arguments.batches * arguments.batch.iter().max().unwrap_or(&1))?;
    ensure!(!samples.is_empty(), "no JPEGs in `{}`", folder.display());
    println!(
        "| backbone | pixels | precision | batch | work | resident | from files | | kept | | timm from \
         files |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut timm = Timm::of(arguments)?;
    for (backbone, kind) in kinds {
        lines(arguments, backbone, *kind, (folder, &samples), &mut timm, device)?;
    }
    kinds.iter().try_for_each(|(backbone, kind)| stages(arguments, backbone, *kind, device))
}

fn lines(
    arguments: &Arguments,
    backbone: &str,
    kind: Kind,
    (folder, samples): (&Path, &Arc<[Sample]>),
    timm: &mut Option<Timm>,
    device: Device,
) -> Result<()> {
    let recipe = recipe(arguments.size, backbone, kind.precision)?;
    let n_batches = arguments.batches;
    let n = n_batches * kind.batch;
    let mut network = network(&recipe, device)?;
    let (there, targets) = batch(kind.batch, recipe.size);
    let question = Question {
        backbone,
        size: recipe.size,
        kind,
        batches: [n_batches; 3],
        files: Some(folder),
    };
    let theirs = timm.as_mut().map(|timm| timm.rates(&question)).transpose()?;
    let there = Input::Images(there);
    for (what, name) in WORK.iter().enumerate() {
        let through = |kept: Option<&PictureCache>, epoch: usize| {
            let source = SampleSource { samples: Arc::clone(samples), kept: kept.cloned() };
            through(source, n, &recipe, kind.batch, view(&recipe, what, epoch))
        };
        let kept = kept(samples, recipe.size, view(&recipe, what, 0))?;
        through(Some(&kept), 0).try_for_each(|batch| batch.map(drop))?;
        network.begin(trainable(what));
        pass(&mut network, what, resident(&there, 1), &targets)?;
        let mut seconds = [const { Vec::new() }; 3];
        for round in 0..arguments.rounds {
            seconds[0].push(pass(&mut network, what, resident(&there, n_batches), &targets)?);
            seconds[1].push(pass(&mut network, what, through(None, round), &targets)?);
            seconds[2].push(pass(&mut network, what, through(Some(&kept), round), &targets)?);
        }
        let [resident, files, kept] = seconds.map(|mut seconds| n as f64 / median(&mut seconds));
        let theirs =
            theirs.map(|rates| rates[what]).map(|rate| format!("{rate:.1}")).unwrap_or_default();
        println!(
            "| {backbone} | {} | {} | {} | {name} | {resident:.1} | {files:.1} | {:.2} | {kept:.1} | \
             {:.2} | {theirs} |",
            recipe.size,
            kind.precision,
            kind.batch,
            files / resident,
            kept / resident
        );
    }
    Ok(())
}

/// What a kind of work looks at.
pub(crate) fn view(recipe: &Recipe, what: usize, epoch: usize) -> View {
    match what {
        0 => View::Centre { share: recipe.crop },
        _ => View::Random { seed: 1, epoch: epoch as u64, area: None, strong: Strong::OFF },
    }
}

/// The first `n` pictures through the loader.
pub(crate) fn through(
    source: SampleSource,
    n: usize,
    recipe: &Recipe,
    batch_size: usize,
    view: View,
) -> impl Iterator<Item = Result<Cow<'static, Input>>> + use<> {
    let plan = BatchPlan {
        order: (0..n).collect(),
        batch_size,
        size: recipe.size,
        augment: Augment::SideOn,
        views: vec![view],
        share: Share::WHOLE,
        and_next: false,
    };
    dataset::batches(source, plan).map(|batch| Ok(Cow::Owned(Input::Images(batch?.images))))
}

/// Draws pictures as large as photographs on Kaggle often are, where there are none to measure with.
pub(crate) fn draw(folder: &Path) -> Result<()> {
    const N: u32 = 256;
    fs::create_dir_all(folder)?;
    (0..N).into_par_iter().try_for_each(|i| {
        let picture = image::RgbImage::from_fn(500, 375, |x, y| {
            let wave = |k: u32| ((x * (i % 7 + k) + y * (i % 5 + 2 * k)) as f32 / 23.0).sin();
            // Some noise: a JPEG of waves alone is decoded in no time.
            let noise = ((x * 7919 + y * 104_729 + i * 31) % 29) as f32;
            image::Rgb([1, 2, 3].map(|k| (110.0 + 80.0 * wave(k) + noise) as u8))
        });
        Ok(picture.save(folder.join(format!("{i}.jpg")))?)
    })
}

/// What becomes of a batch behind the loader, in microseconds an image on all cores: the same
/// operations as the engine's, one by one.
fn stages(arguments: &Arguments, backbone: &str, kind: Kind, device: Device) -> Result<()> {
    let recipe = recipe(arguments.size, backbone, kind.precision)?;
    let size = recipe.size;
    let (images, targets) = batch(kind.batch, size);
    let shape = [images.n as i64, size as i64, size as i64, 3];
    let per_image = |seconds: f64| seconds * 1e6 / (arguments.batches * kind.batch) as f64;
    let time = |work: &mut dyn FnMut() -> Result<()>| -> Result<f64> {
        let mut seconds = Vec::new();
        for _ in 0..arguments.rounds {
            let start = Instant::now();
            (0..arguments.batches).try_for_each(|_| work())?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        Ok(per_image(median(&mut seconds)))
    };
    let copied = || -> Result<Tensor> {
        Ok(Tensor::f_from_data_size(&images.pixels, &shape, tch::Kind::Uint8)?
            .f_to_device(device)?)
    };
    let copy = time(&mut || copied().map(drop))?;
    let there = copied()?.view([shape[0], shape[1], 3 * shape[2]]);
    let by = Tensor::from_slice(&[127.5_f32; 3]).to_device(device).repeat([shape[2]]);
    let normalise = time(&mut || {
        let _ = there.to_kind(tch::Kind::Float).g_sub_(&by).g_div_(&by);
        Ok(())
    })?;
    println!("\n| {backbone}, {size} pixels | microseconds an image |\n| --- | --- |");
    println!("| copy to a tensor | {copy:.0} |\n| normalise | {normalise:.0} |");
    let input = Input::Images(images);
    let mut network = network(&recipe, device)?;
    for (what, name) in WORK.iter().enumerate() {
        network.begin(trainable(what));
        pass(&mut network, what, resident(&input, 1), &targets)?;
        let all = time(&mut || pass(&mut network, what, resident(&input, 1), &targets).map(drop))?;
        println!("| {name}, beyond these | {:.0} |", all - copy - normalise);
    }
    Ok(())
}

/// So many pictures, the same again where there are fewer files.
pub(crate) fn samples(folder: &Path, n: usize) -> Result<Arc<[Sample]>> {
    let mut samples = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jpg") {
            samples.push(Sample::new(path.display().to_string(), path, Vec::new()));
        }
    }
    samples.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(samples.iter().cycle().take(if samples.is_empty() { 0 } else { n }).cloned().collect())
}

/// Places for the pictures of all samples, in a folder that is gone at once: an open file outlives its
/// name.
fn kept(samples: &[Sample], size: usize, view: View) -> Result<PictureCache> {
    let folder = tempfile::tempdir()?;
    let pictures = dataset::find_twins(samples, &[], folder.path(), &[], &())?.pictures;
    let store = Store::new(folder.path().join("kept"), None);
    PictureCachePlan::new("bench", &pictures, Prepared::of(view, size, Augment::SideOn))
        .open(&store)
}
