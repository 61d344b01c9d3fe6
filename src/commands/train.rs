//! `kaggle-kit train`: what may be typed, and the recipe that comes of it. `engine/src/commands/train`
//! trains.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use anyhow::Result;

use super::ranks::RanksArgs;
use crate::cache::CachePolicy;
use crate::competition;
use crate::device::DeviceChoice;
use crate::lines;
use crate::recipe::{self, Layer, Preset, Recipe};
use crate::report::Tracker;
use crate::term;
use crate::words;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit train planet
  kaggle-kit train dogs-vs-cats --smoke               every step, in seconds
  kaggle-kit train dog-breed --backbone resnet50 --set whole-network.max-cycles=2
  kaggle-kit train dog-breed --backbone convnext_small+vit_small_patch14_dinov2
  kaggle-kit train ./mine.toml --recipe mine-recipe.toml
  kaggle-kit train planet --refit=never               not once more on all images
  kaggle-kit train planet --folds 5                   five runs that `submit` blends
  kaggle-kit train planet --folds 5 --refit           each once more on all images
  kaggle-kit train planet --folds 2 --backbone resnet18,resnet34     one with each
  kaggle-kit train planet --folds 5 --fold 2          one of them, as on another machine
  kaggle-kit train planet --gpus 2 --set batch-size=64    one network on two GPUs, 32 images each
  kaggle-kit train planet --folds 5 --gpus 2          two folds at a time, a GPU each
  kaggle-kit train planet --max-minutes 30
  kaggle-kit train planet --preset quick              the head alone: a first result in a minute or two
  kaggle-kit train planet --preset best --max-minutes 60   as much as fits into an hour
A stopped run goes on where it stood when the same command is run again.

All settings with their meaning: `kaggle-kit train --show-recipe planet`.";

const CHECKPOINT_EVERY: u64 = 60;
/// So many images it was measured to pay for (`competitions/RECORDS.md`).
const REFITTED: RangeInclusive<usize> = 500..=10_000;
/// As many as folds, at most.
const MOST_NETWORKS: usize = 100;
/// Ten years.
const MOST_MINUTES: f64 = 5_256_000.0;

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Short name, Kaggle's slug or address, or a spec file (.toml)
    pub competition: String,
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// Train so many times, each with another part of the images held out
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(2..=100))]
    pub folds: Option<u16>,
    #[command(flatten)]
    pub all_images: AllImages,
    /// Train only this one of the folds
    #[arg(long, value_name = "N", requires = "folds", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub fold: Option<u16>,
    #[command(flatten)]
    pub start: Start,
    #[command(flatten)]
    pub ranks: RanksArgs,
    /// End after so many minutes of training, with what is best by then; each fold has as many, unless a preset
    /// is planned as a whole
    #[arg(long, value_name = "MINUTES", value_parser = minutes)]
    pub max_minutes: Option<f64>,
    /// Write training down this often, to go on from after a stop
    #[arg(long, value_name = "SECONDS", default_value_t = CHECKPOINT_EVERY)]
    pub checkpoint_every: u64,
    /// Keep decoded pictures for later epochs and runs: always, never, or auto, which is where each is
    /// looked at three times or more and all fit into half of the free memory. The trained network is
    /// the same either way
    #[arg(long, value_name = "WHEN", default_value = "auto", value_parser = words::word::<CachePolicy>)]
    pub keep_pictures: CachePolicy,
    /// Write training down for this program as well, while it runs: tensorboard or mlflow
    /// (docs/trackers.md)
    #[arg(long = "tracker", value_name = "NAME", value_parser = words::parser::<Tracker>())]
    pub trackers: Vec<Tracker>,
    /// Print the recipe that would be used, and stop
    #[arg(long)]
    pub show_recipe: bool,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: DeviceChoice,
    /// Print the finished run as JSON; with `--show-recipe`, the recipe
    #[arg(long)]
    pub json: bool,
}

// What follows the first training.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub struct AllImages {
    /// Then train once more on all images, those too that were held out, by the plan that came of it: as many
    /// epochs as led to the best weights, the same rates and choices. Its score stays that of the images held out.
    /// Always, never, a number of networks whose mean predicts, or auto, which is one where there are 500 to
    /// 10,000 images, no folds (but those of `--preset best`), no `--smoke`, and time for it. Of folds each is
    /// trained once more, by its own plan
    #[arg(
        long,
        value_name = "WHEN",
        num_args = 0..=1,
        require_equals = true,
        default_value = "auto",
        default_missing_value = "always",
        value_parser = Refit::parse
    )]
    pub refit: Refit,
}

/// How many networks are trained once more on all images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refit {
    /// As many as pay for the time they take.
    #[default]
    Auto,
    Never,
    Networks(usize),
}

impl fmt::Display for Refit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Never => f.write_str("never"),
            Self::Networks(1) => f.write_str("always"),
            Self::Networks(n) => n.fmt(f),
        }
    }
}

impl Refit {
    fn parse(typed: &str) -> Result<Self, String> {
        match typed {
            "auto" => Ok(Self::Auto),
            "never" => Ok(Self::Never),
            "always" => Ok(Self::Networks(1)),
            number => match number.parse() {
                Ok(n @ 1..=MOST_NETWORKS) => Ok(Self::Networks(n)),
                _ => Err(format!(
                    "known are auto, never, always, and a number from 1 to {MOST_NETWORKS}"
                )),
            },
        }
    }
}

#[derive(clap::Args, Debug, Default)]
pub struct RecipeArgs {
    /// How much to do: quick is a head on a frozen backbone, good the default, best three kinds of networks, and
    /// longer training where that pays; says before how long it will take, and with `--max-minutes` takes one that fits into them
    #[arg(long, value_name = "HOW", value_parser = words::parser::<Preset>())]
    pub preset: Option<Preset>,
    /// A recipe file, laid over the defaults
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    /// The pretrained network, or several side by side: `kaggle-kit models` lists them. Those that commas part are
    /// for one fold and the next
    #[arg(long, value_name = "NAME[+NAME...][,...]")]
    pub backbone: Option<String>,
    /// A file of weights for each backbone, in place of what `kaggle-kit models pull` fetches
    #[arg(long, value_name = "FILE[+FILE...][,...]")]
    pub weights: Option<String>,
    /// One setting of the recipe (repeatable), such as `size=160`; laid over all of these
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Train on the test images as well, with what this finished run says of them as soft labels; it must
    /// have held out the same images. Look whether the competition's rules allow it
    #[arg(long, value_name = "RUN")]
    pub pseudo: Option<String>,
    /// Learn what these finished runs say of the training images, beside the labels; they must have held out
    /// the same images
    #[arg(long, value_name = "RUN[+RUN...]")]
    pub teacher: Option<String>,
    /// Compute the same bits each time, on a GPU too, for which it is slower
    #[arg(long)]
    pub deterministic: bool,
    /// Go through every step in seconds, on few and small images
    #[arg(long)]
    pub smoke: bool,
}

// What becomes of a run that was stopped: it goes on, unless one of these says otherwise.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
#[group(multiple = false)]
pub struct Start {
    /// Go on with the run that was stopped; fail if there is none
    #[arg(long)]
    pub resume: bool,
    /// Start a new run, even where one was stopped or is finished
    #[arg(long)]
    pub anew: bool,
}

fn minutes(typed: &str) -> Result<f64, String> {
    match typed.parse() {
        Ok(minutes) if minutes > 0.0 && minutes <= MOST_MINUTES => Ok(minutes),
        _ => Err(format!("give a number above 0, at most {MOST_MINUTES}")),
    }
}

/// Prints the recipe that would be used, with a word on every setting, or as JSON.
pub fn show_recipe(args: &Args) -> Result<()> {
    let recipe = recipe::of_competition(&competition::find(&args.competition)?, &args.layers()?)?;
    if args.json {
        return term::json(&recipe);
    }
    term::out(recipe::commented(&recipe)?.trim_end());
    Ok(())
}

impl Args {
    /// What is meant where nothing else is typed.
    pub fn new(competition: String) -> Self {
        Self {
            competition,
            recipe: RecipeArgs::default(),
            folds: None,
            fold: None,
            all_images: AllImages::default(),
            start: Start::default(),
            ranks: RanksArgs::default(),
            max_minutes: None,
            checkpoint_every: CHECKPOINT_EVERY,
            keep_pictures: CachePolicy::default(),
            trackers: Vec::new(),
            show_recipe: false,
            device: DeviceChoice::default(),
            json: false,
        }
    }

    /// How many networks are trained on all of so many images when a run of this recipe has ended, or of each of
    /// its folds.
    pub fn networks(&self, recipe: &Recipe, images: usize) -> usize {
        // With a preset it is measured how long that takes.
        let is_bounded = self.max_minutes.is_some() && self.recipe.preset.is_none();
        let is_short = self.recipe.smoke || is_bounded;
        match self.all_images.refit {
            // It is one itself.
            _ if !recipe.refit.is_empty() => 0,
            Refit::Networks(n) => n,
            Refit::Never => 0,
            Refit::Auto if is_short => 0,
            // Folds have seen all images already, each network a part of them.
            Refit::Auto if recipe.folds > 0 && self.recipe.preset != Some(Preset::Best) => 0,
            Refit::Auto => usize::from(REFITTED.contains(&images)),
        }
    }

    /// The recipe's settings that were typed, in the order in which they are laid over one another.
    pub fn layers(&self) -> Result<Vec<Layer>> {
        self.over(self.recipe.layers()?)
    }

    /// The same with another preset.
    pub fn layers_with(&self, preset: Preset) -> Result<Vec<Layer>> {
        let mut layers = self.recipe.layers()?;
        let first = usize::from(self.recipe.preset.is_some());
        layers.splice(..first, [preset.layer()?]);
        self.over(layers)
    }

    fn over(&self, mut layers: Vec<Layer>) -> Result<Vec<Layer>> {
        for (name, number) in [("folds", self.folds), ("fold", self.fold)] {
            if let Some(number) = number {
                layers.push(Layer::assignment(&format!("{name}={number}"))?);
            }
        }
        Ok(layers)
    }
}

impl RecipeArgs {
    /// The settings that were typed, in the order in which they are laid over one another.
    pub fn layers(&self) -> Result<Vec<Layer>> {
        let mut layers = Vec::new();
        if let Some(preset) = self.preset {
            layers.push(preset.layer()?);
        }
        if let Some(path) = &self.recipe {
            layers.push(Layer::parse(path.display().to_string(), &lines::read_text(path)?)?);
        }
        if self.smoke {
            layers.push(recipe::smoke()?);
        }
        // Short for `--set`, which is laid over them: a longer command line can change a shorter one.
        let short =
            [("backbone", &self.backbone), ("weights", &self.weights), ("pseudo", &self.pseudo)];
        for (name, typed) in short {
            if let Some(typed) = typed {
                layers.push(Layer::text(format!("--{name} {typed}"), name, typed));
            }
        }
        if let Some(teacher) = &self.teacher {
            layers.push(Layer::assignment(&format!("distil.teacher={teacher}"))?);
        }
        if self.deterministic {
            layers.push(Layer::assignment("deterministic=true")?);
        }
        for setting in &self.settings {
            layers.push(Layer::assignment(setting)?);
        }
        Ok(layers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::resolve;

    #[test]
    fn all_images_are_trained_on_where_that_was_measured_and_there_is_time() {
        let recipe = |settings: &[&str]| {
            let layers = settings.iter().map(|typed| Layer::assignment(typed).unwrap());
            resolve(&layers.collect::<Vec<_>>()).unwrap()
        };
        let (plain, folds) = (recipe(&[]), recipe(&["folds=5"]));
        let of_plan = recipe(&["refit=20261130-062012-fc53"]);
        let mut args = Args::new("planet".to_owned());
        let n = |args: &Args, recipe: &Recipe, images| args.networks(recipe, images);
        assert_eq!([500, 10_000].map(|images| n(&args, &plain, images)), [1, 1]);
        assert_eq!([499, 10_001].map(|images| n(&args, &plain, images)), [0, 0]);
        assert_eq!([&folds, &of_plan].map(|recipe| n(&args, recipe, 800)), [0, 0]);
        args.max_minutes = Some(5.0);
        assert_eq!(n(&args, &plain, 800), 0, "nothing is measured");
        args.recipe.preset = Some(Preset::Good);
        assert_eq!(n(&args, &plain, 800), 1);
        assert_eq!(n(&args, &folds, 800), 0);
        args.recipe.preset = Some(Preset::Best);
        assert_eq!([800, 100_000].map(|images| n(&args, &folds, images)), [1, 0]);
        args.recipe.smoke = true;
        assert_eq!(n(&args, &plain, 800), 0);
        args.all_images.refit = Refit::parse("3").unwrap();
        assert_eq!([&plain, &of_plan].map(|recipe| n(&args, recipe, 100_000)), [3, 0]);
        args.all_images.refit = Refit::Never;
        assert_eq!(n(&args, &plain, 800), 0);
    }

    #[test]
    fn how_many_networks_is_a_word_or_a_number() {
        let of = |typed| Refit::parse(typed).ok();
        assert_eq!(
            ["auto", "always", "never"].map(of),
            [Refit::Auto, Refit::Networks(1), Refit::Never].map(Some)
        );
        assert_eq!(of("12"), Some(Refit::Networks(12)));
        for word in ["auto", "never", "always", "12"] {
            assert_eq!(of(word).unwrap().to_string(), word);
        }
        for wrong in ["0", "101", "-1", "1.5", "often", ""] {
            assert!(Refit::parse(wrong).unwrap_err().contains("a number from 1 to 100"), "{wrong}");
        }
    }
}
