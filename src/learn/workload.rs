//! What training has ahead of it, as amounts of work: what an estimate of its time is made of.

use super::data::Data;
use super::golden_rule::{cycles, epochs_on_activations, finds_full_rate, steps_of};
use super::tta;
use crate::recipe::Recipe;
use crate::run::Stage;

/// What kind of work it is; each has a speed of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Steps of the head on activations.
    Head,
    /// Images that the network looks at; the backbone learns nothing.
    Look,
    /// Images that all of the network learns from.
    Learn,
}

/// An epoch of a stage, or a stage that has none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    pub stage: Stage,
    pub work: Work,
    /// Steps or images, these as many as take as long at the recipe's size.
    pub amount: f64,
    /// Images that are looked at when it is done, to see how good it is.
    pub looks: f64,
}

/// The pieces of a run in order, as if nothing ended it before; a stage's epochs follow one another.
pub fn workload(data: &Data) -> Vec<Piece> {
    let recipe = &data.recipe;
    let mut pieces = Vec::new();
    for stage in Stage::ALL {
        pieces.extend(of_stage(stage, data, recipe));
    }
    pieces
}

fn of_stage(stage: Stage, data: &Data, recipe: &Recipe) -> Vec<Piece> {
    // By a plan nobody asks them.
    let n_valid = if data.plan.is_none() { data.valid.len() as f64 } else { 0.0 };
    let n_train = data.train.len() as f64;
    let piece = |work, amount: f64, looks| Piece { stage, work, amount, looks };
    let is_precomputed = recipe.precompute.run;
    // While there are activations the head alone looks at those.
    let looks = if is_precomputed { 0.0 } else { n_valid };
    let images = |steps: usize| (steps * recipe.batch_size) as f64;
    let is_full = recipe.unfreeze.run;
    match stage {
        Stage::FindHeadRate | Stage::FindFullRate if data.plan.is_some() => Vec::new(),
        Stage::Precompute if is_precomputed => {
            let views = recipe.precompute.views as f64;
            vec![piece(Work::Look, n_train * (1.0 + views) + n_valid * (1.0 + views), 0.0)]
        }
        Stage::FindHeadRate if recipe.find_head_rate.run => {
            let steps = steps_of(&recipe.find_head_rate, data);
            vec![if is_precomputed {
                piece(Work::Head, steps as f64, 0.0)
            } else {
                piece(Work::Look, images(steps), 0.0)
            }]
        }
        Stage::HeadOnActivations if recipe.head_on_activations.run => {
            let epoch = if is_precomputed {
                piece(Work::Head, data.steps() as f64, 0.0)
            } else {
                piece(Work::Look, n_train, looks)
            };
            vec![epoch; epochs_on_activations(data)]
        }
        Stage::HeadWithAugmentation if recipe.head_with_augmentation.run => {
            vec![piece(Work::Look, n_train, looks); recipe.head_with_augmentation.epochs]
        }
        Stage::FindFullRate if is_full && finds_full_rate(data) => {
            vec![piece(Work::Learn, images(steps_of(&recipe.find_full_rate, data)), 0.0)]
        }
        Stage::WholeNetwork if is_full && recipe.whole_network.run => {
            let epoch = |cycle: usize| {
                let size = recipe.whole_network.size(cycle, recipe) as f64 / recipe.size as f64;
                piece(Work::Learn, n_train * size * size, n_valid)
            };
            let of_cycle = |(cycle, epochs)| vec![epoch(cycle); epochs];
            let mut pieces: Vec<Piece> =
                cycles(data).into_iter().enumerate().flat_map(of_cycle).collect();
            let has_head = recipe.head_on_activations.run || recipe.head_with_augmentation.run;
            if let Some(last) = pieces.last_mut().filter(|_| has_head) {
                // The head alone, the network, and the one midway between them are compared.
                last.looks += 3.0 * n_valid;
            }
            pieces
        }
        Stage::Predict => {
            let networks = recipe.whole_network.snapshots.max(1) as f64;
            let views = tta::Views::of(recipe).count() as f64;
            vec![piece(Work::Look, n_valid * views * networks, 0.0)]
        }
        Stage::Precompute
        | Stage::FindHeadRate
        | Stage::HeadOnActivations
        | Stage::HeadWithAugmentation
        | Stage::Unfreeze
        | Stage::EarlierLayers
        | Stage::FindFullRate
        | Stage::WholeNetwork => Vec::new(),
    }
}
