//! `kaggle-kit lr-find`: what the learning-rate finder saw, as a curve in the terminal and as files.
//!
//! The sweeps come from a run that is there ([`show`]), or from the golden rule, which the engine
//! follows as far as the finder ([`up_to`]) and listens to ([`Sweeps`]).

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use super::train::RecipeArgs;
use crate::device::DeviceChoice;
use crate::fs;
use crate::recipe::Layer;
use crate::report::chart;
use crate::report::html::rate_chart;
use crate::run::{Event, Listener, Run, Sweep};
use crate::term;
use crate::words;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit lr-find planet                           for the head on activations, in seconds
  kaggle-kit lr-find planet --backbone resnet50
  kaggle-kit lr-find planet --finder full             for the whole network, after the head's steps
  kaggle-kit lr-find --run runs/planet/20261124-101500-3fa9 --out curves
The last lines are settings that `train --set` takes.";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Short name, Kaggle's slug or address, or a spec file (.toml)
    #[arg(required_unless_present = "run")]
    pub competition: Option<String>,
    /// Show what a finished run has found instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "competition")]
    pub run: Option<PathBuf>,
    /// For the head on a frozen backbone, or for the whole network
    #[arg(long, default_value = "head", value_parser = words::parser::<Finder>())]
    pub finder: Finder,
    #[command(flatten)]
    pub recipe: RecipeArgs,
    /// Write each curve as SVG into this folder
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:N or mps
    #[arg(long, env = "KAGGLE_KIT_DEVICE", default_value_t)]
    pub device: DeviceChoice,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which of the golden rule's two finders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finder {
    /// Step 2, for the head on a frozen backbone.
    Head,
    /// Step 7, for the whole network, after the head has been trained.
    Full,
}

/// The settings with which the golden rule ends at a finder.
pub fn up_to(finder: Finder) -> Result<Layer> {
    let settings = match finder {
        Finder::Head => {
            "head-on-activations.run = false\nhead-with-augmentation.run = false\n\
             unfreeze.run = false\n"
        }
        Finder::Full => "whole-network.run = false\n",
    };
    Layer::parse("lr-find", settings)
}

/// Listens to training and keeps its sweeps, in the order in which they were made.
#[derive(Default)]
pub struct Sweeps {
    pub found: Vec<Sweep>,
}

impl Listener for Sweeps {
    fn event(&mut self, event: &Event) {
        if let Event::RateFound(sweep) = event {
            self.found.push(sweep.clone());
        }
    }
}

/// Shows the sweeps that a finished run was trained by.
pub fn show(run: &Path, args: &Args) -> Result<()> {
    let training = Run::open(run)?.training()?;
    for fault in training.faults {
        term::warn(fault);
    }
    print(&training.sweeps, args)
}

/// How wide the curves are at most in the terminal, in letters.
const COLUMNS: usize = 80;

/// Shows the curves, writes them into a folder if one was named, and prints the rates as settings that
/// `train --set` takes, or everything as JSON.
pub fn print(sweeps: &[Sweep], args: &Args) -> Result<()> {
    if sweeps.is_empty() {
        bail!(
            "the learning-rate finder has not run\nhint: its steps are `find-head-rate` and \
             `find-full-rate` in the recipe"
        );
    }
    for sweep in sweeps {
        let columns = term::story_width().map_or(COLUMNS, |width| width.min(COLUMNS));
        term::say(chart::terminal(&rate_chart(sweep), columns));
        term::say(format_args!("\n{}\n{}\n", table(sweep), sweep.chosen));
    }
    if let Some(folder) = &args.out {
        for path in write(sweeps, folder)? {
            term::done(path.display());
        }
    }
    if args.json {
        let all: Vec<Value> = sweeps.iter().map(to_json).collect();
        term::json(&all)?;
    } else {
        for sweep in sweeps {
            term::out(setting(sweep)?);
        }
    }
    Ok(())
}

/// What each rule says, a line a rule.
fn table(sweep: &Sweep) -> String {
    let cell = |rate: f64| format!("{rate:.1e}");
    let row = |(name, rate): (&str, Option<f64>)| {
        vec![name.to_owned(), rate.map_or_else(|| "-".to_owned(), cell)]
    };
    let mut rows: Vec<Vec<String>> = sweep.curve.suggestions.named().into_iter().map(row).collect();
    rows.push(vec!["used".to_owned(), cell(sweep.chosen.rate)]);
    term::table(&["rule", "rate"], &rows)
}

/// Each curve as an SVG, named after its stage.
fn write(sweeps: &[Sweep], folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for sweep in sweeps {
        let path = folder.join(format!("{}.svg", key(sweep)?));
        let is_chart = |start: &[u8]| start.starts_with(b"<svg ");
        fs::write_named(&path, rate_chart(sweep).standalone(), "chart", is_chart)?;
        paths.push(path);
    }
    Ok(paths)
}

/// `find-head-rate.rate=1.234e-3`.
fn setting(sweep: &Sweep) -> Result<String> {
    Ok(format!("{}.rate={:.3e}", key(sweep)?, sweep.chosen.rate))
}

/// The stage's name in the recipe.
fn key(sweep: &Sweep) -> Result<String> {
    Ok(serde_json::from_value(serde_json::to_value(sweep.stage)?)?)
}

fn to_json(sweep: &Sweep) -> Value {
    let Sweep { stage, curve, chosen } = sweep;
    let suggestions: serde_json::Map<String, Value> = curve
        .suggestions
        .named()
        .into_iter()
        .map(|(name, rate)| (name.to_owned(), json!(rate)))
        .collect();
    json!({
        "stage": stage,
        "rate": chosen.rate,
        "why": chosen.to_string(),
        "suggestions": suggestions,
        "rates": curve.rates,
        "losses": curve.losses,
        "batch-losses": curve.batch_losses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::choose_rate;
    use crate::recipe;
    use crate::run::{RateCurve, Stage, Suggestions, SweepEnd};

    fn curve(clear: Option<f64>) -> RateCurve {
        RateCurve {
            rates: vec![1e-4, 1e-3, 1e-2],
            losses: vec![2.0, 1.0, 0.5],
            batch_losses: vec![2.1, 0.9, 0.4],
            end: SweepEnd::LastRate,
            suggestions: Suggestions { clear, valley: clear, ..Suggestions::default() },
        }
    }

    fn found() -> Vec<Sweep> {
        let mut sweeps = Sweeps::default();
        for (stage, curve, usual) in [
            (Stage::FindHeadRate, curve(Some(2e-3)), 3e-3),
            (Stage::FindFullRate, curve(None), 1e-4),
        ] {
            let chosen = choose_rate(&curve, usual);
            sweeps.event(&Event::RateFound(Sweep { stage, curve, chosen }));
            sweeps.event(&Event::Advanced { units: 1 });
        }
        sweeps.found
    }

    #[test]
    fn rates_are_printed_as_settings() {
        let settings: Vec<String> = found().iter().map(|sweep| setting(sweep).unwrap()).collect();
        assert_eq!(settings, ["find-head-rate.rate=2.000e-3", "find-full-rate.rate=1.000e-4"]);
        let layers: Vec<Layer> =
            settings.iter().map(|setting| Layer::assignment(setting).unwrap()).collect();
        assert_eq!(recipe::resolve(&layers).unwrap().find_head_rate.rate, 2e-3);
    }

    #[test]
    fn the_golden_rule_ends_at_the_finder() {
        let with = |finder| recipe::resolve(&[up_to(finder).unwrap()]).unwrap();
        let head = with(Finder::Head);
        assert!(head.find_head_rate.run && !head.head_on_activations.run && !head.unfreeze.run);
        let full = with(Finder::Full);
        assert!(full.head_on_activations.run && full.find_full_rate.run && !full.whole_network.run);
    }

    #[test]
    fn curves_are_written_as_svg() {
        let folder = tempfile::tempdir().unwrap();
        let paths = write(&found(), &folder.path().join("deep")).unwrap();
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        assert_eq!(names, ["find-head-rate.svg", "find-full-rate.svg"]);
        assert!(fs::read_to_string(&paths[0]).unwrap().contains("used: "));
    }

    #[test]
    fn what_each_rule_says_is_printed() {
        let sweeps = found();
        assert_eq!(
            table(&sweeps[0]),
            "rule     rate\nclear    2.0e-3\nvalley   2.0e-3\nsteep    -\nslide    -\nminimum  \
             -\nused     2.0e-3"
        );
        let json = to_json(&sweeps[1]);
        assert_eq!(json["stage"], "find-full-rate");
        assert_eq!(json["suggestions"]["clear"], Value::Null);
        assert!(json["why"].as_str().unwrap().starts_with("the loss never clearly improves"));
    }

    #[test]
    fn a_finder_that_did_not_run_is_an_error_with_a_hint() {
        let args = Args {
            competition: None,
            run: None,
            finder: Finder::Head,
            recipe: RecipeArgs::default(),
            out: None,
            device: DeviceChoice::Auto,
            json: false,
        };
        let error = print(&[], &args).unwrap_err().to_string();
        assert!(error.contains("hint: "), "{error}");
    }
}
