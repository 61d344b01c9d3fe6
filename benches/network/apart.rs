//! How far two networks with the same weights are from each other: what they make of pictures, and how far
//! a step takes them. For `network --against-cpu` and the tests.

use anyhow::{Context, Result, ensure};
use kaggle_kit::dataset::Images;
use kaggle_kit::learn::{Input, Model, StepRates, Trainable};
use kaggle_kit::weights;
use kaggle_kit_engine::torch::Network;

/// Relative differences, `|a - b| / |b|` over all numbers.
#[derive(Clone, Debug)]
pub(crate) struct Apart {
    /// Of the backbone's pooled features, for real pictures.
    pub(crate) features: f64,
    /// Of what one step of plain SGD changes, which is the gradient.
    pub(crate) change: f64,
    /// The variable whose change differs most, and by how much.
    pub(crate) worst: (String, f64),
}

/// Settings of the recipe with which a step is the gradient and nothing else.
pub(crate) const PLAIN: [&str; 4] = [
    "head.dropout=[0.0, 0.0]",
    "optimizer.kind=sgd",
    "optimizer.weight-decay=0.0",
    "head.weight-decay=0.0",
];

/// Compares `there` with `here`, which is right; both were made with [`PLAIN`], and train one step.
pub(crate) fn apart(
    there: &mut Network,
    here: &mut Network,
    images: &Images,
    targets: &[f32],
) -> Result<Apart> {
    let features = relative(&there.activations(0, images)?, &here.activations(0, images)?);
    let input = Input::Images(images.clone());
    let changes = [change(there, &input, targets)?, change(here, &input, targets)?];
    let [there, here] = &changes;
    ensure!(there.len() == here.len(), "two networks of different makes");
    let flat =
        |of: &Changes| of.iter().flat_map(|(_, numbers)| numbers.clone()).collect::<Vec<_>>();
    let by_variable = there.iter().zip(here).filter(|(_, (_, right))| length(right) > 1e-9);
    let worst = by_variable
        .map(|((name, found), (_, right))| (name.clone(), relative(found, right)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .context("nothing has changed")?;
    Ok(Apart { features, change: relative(&flat(there), &flat(here)), worst })
}

type Changes = Vec<(String, Vec<f32>)>;

/// What a step does to each variable.
fn change(network: &mut Network, input: &Input, targets: &[f32]) -> Result<Changes> {
    network.begin(Trainable::Everything);
    let before = variables(network)?;
    let rates = StepRates { rates: [1e-2; 3], momentum: 0.0 };
    ensure!(network.step(input, targets, &rates, 7)?.loss.wait()?.is_finite(), "no loss");
    let after = variables(network)?;
    let difference = |((name, a), (_, b)): ((String, Vec<f32>), (String, Vec<f32>))| {
        (name, b.iter().zip(&a).map(|(b, a)| b - a).collect())
    };
    Ok(before.into_iter().zip(after).map(difference).collect())
}

fn variables(network: &Network) -> Result<Changes> {
    let stored = weights::from_safetensors(&Network::to_bytes(&network.snapshot())?)?;
    let numbers = |(name, stored): (String, weights::Stored)| {
        let (numbers, _) = stored.bytes.as_chunks::<4>();
        let name = name.strip_prefix("variable.")?.to_owned();
        Some((name, numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    };
    Ok(stored.into_iter().filter_map(numbers).collect())
}

/// How far `found` is from `right`, as a part of it.
pub(crate) fn relative(found: &[f32], right: &[f32]) -> f64 {
    let off: Vec<f32> = found.iter().zip(right).map(|(a, b)| a - b).collect();
    length(&off) / length(right).max(1e-300)
}

fn length(numbers: &[f32]) -> f64 {
    numbers.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
}
