//! `kaggle-kit train`: a data folder becomes a run folder.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};

use super::weights::pretrained;
use crate::torch::{Network, backbone, device};
use kaggle_kit::commands::settings::recipe_of;
use kaggle_kit::competition::Competition;
use kaggle_kit::dataset::{self, Dataset};
use kaggle_kit::device::Choice;
use kaggle_kit::learn::{self, Data, Event, Learner, Listener, Part, Stage};
use kaggle_kit::predict::{Decision, tta};
use kaggle_kit::recipe::{Layer, Recipe};
use kaggle_kit::report::{Bar, Both, Console, Record, Unit};
use kaggle_kit::run::{Run, Summary};
use kaggle_kit::target::{Predictions, TargetKind};
use kaggle_kit::term;

/// What is trained, on what, and where the run goes.
pub struct TrainOptions {
    /// The competition.
    pub competition: Competition,
    /// Its data folder.
    pub data: PathBuf,
    /// The folder of all runs.
    pub runs: PathBuf,
    /// Settings laid over the defaults and the competition's own, in order.
    pub layers: Vec<Layer>,
    /// Where to compute.
    pub device: Choice,
}

/// Trains; gives the finished run.
pub fn run(options: &TrainOptions) -> Result<Run> {
    let start = Instant::now();
    let competition = &options.competition;
    let recipe = recipe_of(competition, &options.layers)?;
    let architecture = backbone::find(&recipe.backbone)?;
    let device = device::resolve(options.device)?;
    let mut dataset = dataset::open(competition, &options.data)?;
    limit(&mut dataset, &recipe);
    audit(&dataset)?;
    let weights = pretrained(architecture, &recipe.weights)?;
    let data = hold_out(&dataset, competition, &recipe)?;

    let mut network = Network::new(architecture, &recipe, data.kind, data.classes.len(), device);
    network.load_backbone(&weights)?;
    term::detail(format_args!("weights: `{}`", weights.display()));
    tell_plan(competition, &recipe, &data, &device::describe(device));

    let run = Run::create(&options.runs, competition, &recipe)?;
    run.write("split.csv", split_table(&data))?;
    let (mut console, mut record) = (Console::default(), Record::new(&run)?);
    let mut listener = Both(&mut console, &mut record);
    let mut learner = Learner::new(&mut network, &data, &mut listener);
    learn::golden_rule(&mut learner, &recipe)?;

    let predictions = predict_valid(&mut network, &data, &recipe, &mut listener)?;
    let targets = data.valid.samples.iter().map(|sample| sample.target.as_slice());
    let decision = Decision::fit(competition.metric, &predictions, targets);
    term::say(format_args!("   {decision}"));

    network.save(&run.file("weights.safetensors"))?;
    run.write_toml("decision.toml", &decision)?;
    run.write("valid-predictions.csv", predictions_table(&predictions)?)?;
    let summary = Summary {
        version: 1,
        competition: competition.name.clone(),
        finished: jiff::Timestamp::now().to_string(),
        program: format!("kaggle-kit {}", env!("CARGO_PKG_VERSION")),
        device: device::describe(device),
        metric: competition.metric.name().to_owned(),
        score: decision.score(),
        train_images: data.train.len(),
        valid_images: data.valid.len(),
        seconds: start.elapsed().as_secs_f64(),
        classes: data.classes.clone(),
        stages: record.stages,
    };
    run.finish(&summary)?;
    term::done(format_args!(
        "{} {:.5} on {} held-out images, in {}; run `{}`",
        summary.metric,
        summary.score,
        term::thousands(summary.valid_images),
        term::duration(summary.seconds),
        run.folder.display()
    ));
    Ok(run)
}

/// Every image is looked at before the first step: a bad one is better found now than in hours.
fn audit(dataset: &Dataset) -> Result<()> {
    let bar = Bar::new("check images", Unit::Items("images"));
    let samples: Vec<_> = dataset.train.iter().chain(&dataset.test).cloned().collect();
    dataset::audit(&samples, &bar)
}

/// Leaves a stratified part of the training images, when the recipe asks for one.
fn limit(dataset: &mut Dataset, recipe: &Recipe) {
    let n_images = dataset.train.len();
    if recipe.max_images == 0 || recipe.max_images >= n_images {
        return;
    }
    // The held-out side of a split is a stratified sample of the size wanted.
    let fraction = recipe.max_images as f64 / n_images as f64;
    let (n_classes, kind) = (dataset.classes.len(), dataset.kind);
    let part = dataset::split(&dataset.train, n_classes, kind, fraction, recipe.seed);
    dataset.train = part.valid.iter().map(|&i| dataset.train[i].clone()).collect();
}

/// Splits off the validation images.
fn hold_out(dataset: &Dataset, competition: &Competition, recipe: &Recipe) -> Result<Data> {
    let (samples, n_classes) = (&dataset.train, dataset.classes.len());
    let split = dataset::split(samples, n_classes, dataset.kind, recipe.valid, recipe.seed);
    ensure!(
        split.train.len() >= recipe.batch_size && !split.valid.is_empty(),
        "{} are too few to train on and to hold some out: {} + {}\nhint: lower `--set \
         batch-size={}`, or change `--set valid={}`",
        term::count(samples.len(), "image"),
        split.train.len(),
        split.valid.len(),
        recipe.batch_size,
        recipe.valid
    );
    Ok(Data {
        train: Part::new(samples, &split.train, n_classes),
        valid: Part::new(samples, &split.valid, n_classes),
        classes: dataset.classes.clone(),
        kind: dataset.kind,
        metric: competition.metric,
        batch_size: recipe.batch_size,
        size: recipe.size,
        crop: recipe.crop,
        augment: recipe.augment,
        seed: recipe.seed,
    })
}

/// What will happen, before it does.
fn tell_plan(competition: &Competition, recipe: &Recipe, data: &Data, device: &str) {
    term::heading(format_args!("{}: {}", competition.name, competition.title));
    term::say(format_args!(
        "   {} at {} pixels on {device}; {} to train on, {} held out, {}",
        recipe.backbone,
        recipe.size,
        term::count(data.train.len(), "image"),
        term::thousands(data.valid.len()),
        match data.kind {
            TargetKind::SingleLabel => format!("{} classes", data.classes.len()),
            TargetKind::MultiLabel => format!("{} tags", data.classes.len()),
        }
    ));
    term::heading("the golden rule");
    for (stage, text) in learn::plan(recipe, data) {
        term::say(format_args!("   {}. {:24} {text}", stage.number(), stage.title()));
    }
}

/// Probabilities for the held-out images, as the test images will be predicted.
fn predict_valid(
    network: &mut Network,
    data: &Data,
    recipe: &Recipe,
    listener: &mut dyn Listener,
) -> Result<Predictions> {
    let (stage, start) = (Stage::Predict, Instant::now());
    listener.event(&Event::StageStarted { stage });
    let bar = Bar::new("predictions", Unit::Items("images"));
    let predictions = tta::predict(network, &data.valid.samples, &data.classes, recipe, &bar)?;
    drop(bar);
    let n_views = tta::Views::of(recipe).count();
    let found = format!("mean over {}", term::count(n_views, "view"));
    let seconds = start.elapsed().as_secs_f64();
    listener.event(&Event::StageFinished { stage, seconds, found });
    Ok(predictions)
}

/// `id,part`: where each training image went.
fn split_table(data: &Data) -> String {
    let mut table = "id,part\n".to_owned();
    for (part, name) in [(&data.train, "train"), (&data.valid, "valid")] {
        for sample in part.samples.iter() {
            table.extend([sample.id.as_str(), ",", name, "\n"]);
        }
    }
    table
}

/// `id,class,class,...`, one row a held-out image.
fn predictions_table(predictions: &Predictions) -> Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let header =
        std::iter::once("id").chain(predictions.classes.names().iter().map(String::as_str));
    table.write_record(header)?;
    for (id, row) in predictions.ids.iter().zip(predictions.rows()) {
        let cells = row.iter().map(f32::to_string);
        table.write_record(std::iter::once(id.clone()).chain(cells))?;
    }
    Ok(table.into_inner()?)
}
