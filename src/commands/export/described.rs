//! What the network is, and how it sees a picture, as `model.py` reads it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::decision::Portable;
use crate::competition::Competition;
use crate::dataset::Symmetry;
use crate::decide::ensemble::ViewChoice;
use crate::learn::tta::{self, Views};
use crate::outputs::Outputs;
use crate::recipe::Recipe;
use crate::run::{Run, Summary, VIEWS};
use crate::target::TargetKind;
use crate::zoo::{self, Architecture, Layout};

/// A network of the model: the only one, or a fold's.
pub(super) struct Network {
    pub(super) run: Run,
    pub(super) summary: Summary,
    /// The files of its weights, whose outputs are averaged.
    pub(super) weights: Vec<String>,
}

/// `model.json` and `preprocess.json`, of networks that all see pictures alike.
pub(super) fn described(
    networks: &[Network],
    competition: &Competition,
    recipe: &Recipe,
    score: f64,
    portable: &Portable,
) -> Result<(Value, Value)> {
    let Network { summary, .. } = networks.first().context("a model without networks")?;
    let of_each = networks
        .iter()
        .map(|of| of.run.described_backbones(&of.run.recipe()?))
        .collect::<Result<Vec<_>>>()?;
    let architectures = zoo::each_once(of_each.iter().flatten().copied());
    let outputs = |run: &Run| match competition.target.kind {
        TargetKind::SingleLabel => Ok(Outputs::Classes { n: summary.classes.len() }),
        TargetKind::MultiLabel => Ok(Outputs::Tags { n: summary.classes.len() }),
        TargetKind::Ordinal | TargetKind::Number => run.scaled_outputs(),
    };
    let described = |(of, own): (&Network, &Vec<&'static Architecture>)| -> Result<Value> {
        let backbones: Vec<Value> = own.iter().map(|one| backbone(one, own.len() == 1)).collect();
        let outputs = outputs(&of.run)?;
        Ok(json!({
            "run": of.run.id(),
            "backbones": backbones,
            "weights": of.weights,
            "outputs": outputs,
        }))
    };
    let pairs = networks.iter().zip(&of_each);
    let model = json!({
        "networks": pairs.map(described).collect::<Result<Vec<_>>>()?,
        "competition": summary.competition,
        "made-by": format!("kaggle-kit {}", env!("CARGO_PKG_VERSION")),
        "score": { "metric": summary.metric, "held-out": score },
        "kind": competition.target.kind,
        "classes": summary.classes,
        "decision": portable.rule,
        "unknown": portable.unknown,
    });
    let of_networks =
        networks.iter().map(|of| views(&of.run, recipe)).collect::<Result<Vec<_>>>()?;
    let preprocess = json!({
        "size": recipe.size,
        "colours": "RGB, upright by EXIF, an alpha channel dropped",
        "crop": "a square in the middle of so much of the shorter side, resized in the same step",
        "interpolation": "bicubic, antialiased, as PIL's Image.resize with a box",
        "scale": "[0, 1]; the network subtracts mean and divides by std itself",
        "mean": architectures.iter().map(|a| decimals(a.mean)).collect::<Vec<_>>(),
        "std": architectures.iter().map(|a| decimals(a.std)).collect::<Vec<_>>(),
        "views": shared(&of_networks),
    });
    Ok((model, preprocess))
}

fn backbone(architecture: &Architecture, is_alone: bool) -> Value {
    let patch = match architecture.layout {
        Layout::Vision(net) => Some(net.patch),
        _ => None,
    };
    json!({
        "name": architecture.imported().map_or(architecture.name, |net| &net.described.name),
        "prefix": architecture.prefix(is_alone),
        "mean": decimals(architecture.mean),
        "std": decimals(architecture.std),
        "classifier": architecture.classifier(),
        "patch": patch,
        // The side for which it was imported, with timm's own pooled features.
        "pooled": architecture.imported().map(|net| net.described.size),
    })
}

/// As people write them: `0.485` is no round number in single precision.
fn decimals(numbers: [f32; 3]) -> [f64; 3] {
    numbers.map(|number| (f64::from(number) * 1e6).round() / 1e6)
}

/// The views of all networks, each once. A view's weight is a number where it counts as much for all, and
/// one for each network else.
pub(super) fn shared(of_networks: &[Vec<Counted>]) -> Vec<Value> {
    let mut all: Vec<View> = Vec::new();
    for (view, _) in of_networks.iter().flatten() {
        if !all.contains(view) {
            all.push(*view);
        }
    }
    let weight = |of: &Vec<Counted>, view: &View| {
        of.iter().find(|(other, _)| other == view).map_or(0.0, |(_, weight)| *weight)
    };
    let is_shared = |view: &View| {
        of_networks.iter().all(|of| weight(of, view) == weight(&of_networks[0], view))
    };
    let is_shared = all.iter().all(is_shared);
    let described = |view: &View| {
        let weights = of_networks.iter().map(|of| weight(of, view)).collect::<Vec<_>>();
        json!({
            "crop": view.0,
            "mirrored": view.1.is_mirrored(),
            "quarter_turns": view.1.quarter_turns(),
            "weight": if is_shared { json!(weights[0]) } else { json!(weights) },
        })
    };
    all.iter().map(described).collect()
}

/// A share of the shorter side, and how the square is turned.
type View = (f64, Symmetry);
type Counted = (View, f64);

/// Every view that counts, and how much.
fn views(run: &Run, recipe: &Recipe) -> Result<Vec<Counted>> {
    let chosen: ViewChoice = run.read_toml(VIEWS)?;
    let recipe = Recipe { tta: recipe.tta && chosen.chosen != tta::ONE, ..recipe.clone() };
    let views = Views::of(&recipe);
    let weights = if chosen.chosen == tta::ONE {
        vec![1.0; views.parts().len()]
    } else {
        ensure!(
            chosen.parts == views.parts(),
            "`{}` is of another recipe",
            run.file(VIEWS).display()
        );
        chosen.weights
    };
    let of = |(crop, symmetry, weight)| ((crop, symmetry), weight);
    Ok(views.shares(&weights).into_iter().map(of).collect())
}
