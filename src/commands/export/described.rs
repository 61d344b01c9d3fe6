//! What the network is, and how it sees a picture, as `model.py` reads it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::decision::Portable;
use crate::competition::Competition;
use crate::decide::ensemble::ViewChoice;
use crate::learn::tta::{self, Views};
use crate::outputs::Outputs;
use crate::recipe::Recipe;
use crate::run::{Run, Summary, VIEWS};
use crate::target::TargetKind;
use crate::zoo::Layout;

/// `model.json`, but for the names of the weights, and `preprocess.json`.
pub(super) fn described(
    run: &Run,
    competition: &Competition,
    recipe: &Recipe,
    summary: &Summary,
    portable: &Portable,
) -> Result<(Value, Value)> {
    let architectures = run.described_backbones(recipe)?;
    let is_alone = architectures.len() == 1;
    let backbones: Vec<Value> = architectures
        .iter()
        .map(|architecture| {
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
        })
        .collect();
    let outputs = match competition.target.kind {
        TargetKind::SingleLabel => Outputs::Classes { n: summary.classes.len() },
        TargetKind::MultiLabel => Outputs::Tags { n: summary.classes.len() },
        TargetKind::Ordinal | TargetKind::Number => run.scaled_outputs()?,
    };
    let model = json!({
        "run": run.id(),
        "competition": summary.competition,
        "made-by": format!("kaggle-kit {}", env!("CARGO_PKG_VERSION")),
        "score": { "metric": summary.metric, "held-out": summary.score },
        "backbones": backbones,
        "outputs": outputs,
        "kind": competition.target.kind,
        "classes": summary.classes,
        "decision": portable.rule,
        "unknown": portable.unknown,
    });
    let preprocess = json!({
        "size": recipe.size,
        "colours": "RGB, upright by EXIF, an alpha channel dropped",
        "crop": "a square in the middle of so much of the shorter side, resized in the same step",
        "interpolation": "bicubic, antialiased, as PIL's Image.resize with a box",
        "scale": "[0, 1]; the network subtracts mean and divides by std itself",
        "mean": architectures.iter().map(|a| decimals(a.mean)).collect::<Vec<_>>(),
        "std": architectures.iter().map(|a| decimals(a.std)).collect::<Vec<_>>(),
        "views": views(run, recipe)?,
    });
    Ok((model, preprocess))
}

/// As people write them: `0.485` is no round number in single precision.
fn decimals(numbers: [f32; 3]) -> [f64; 3] {
    numbers.map(|number| (f64::from(number) * 1e6).round() / 1e6)
}

/// Every view that counts, and how much.
fn views(run: &Run, recipe: &Recipe) -> Result<Vec<Value>> {
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
    let view = |(crop, symmetry, weight): (f64, crate::dataset::Symmetry, f64)| {
        json!({
            "crop": crop,
            "mirrored": symmetry.is_mirrored(),
            "quarter_turns": symmetry.quarter_turns(),
            "weight": weight,
        })
    };
    Ok(views.shares(&weights).into_iter().map(view).collect())
}
