//! Whether an imported network computes here what it does in Python: features of a few pictures, and the
//! length of each parameter's gradient.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use kaggle_kit::weights::imported::Parity;
use kaggle_kit::zoo::Architecture;
use tch::{Device, Kind, Tensor, nn};

use super::backbone::Backbone;
use super::weights;

/// Compares with what Python wrote: `pixels`, `[n, 3, side, side]`, their `features`, `[n, width]`, and the
/// lengths of the `gradients` of the sum of `features * pull`, one a parameter.
pub fn compare(
    architecture: &Architecture,
    weights: &Path,
    check: &Path,
    parameters: &[String],
) -> Result<Parity> {
    let store = nn::VarStore::new(Device::Cpu);
    let backbone = Backbone::new(&store.root(), architecture)?;
    weights::load(&store, weights, architecture)?;
    let expected = weights::read(check)?;
    let tensor = |name: &str| expected.get(name).with_context(|| format!("no `{name}`"));
    let (pixels, features) = (tensor("pixels")?, tensor("features")?);
    let pixels = pixels.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
    let found = backbone.pool(&backbone.features(&pixels, false));
    ensure!(found.size() == features.size(), "features are {:?}", found.size());
    let number = |tensor: &Tensor| tensor.abs().max().double_value(&[]);
    let off = number(&(&found - features)) / number(features).max(1.0);
    (found * tensor("pull")?).sum(Kind::Float).f_backward()?;
    let variables = store.variables();
    let mut gradients: f64 = 0.0;
    let lengths = Vec::<f32>::try_from(tensor("gradients")?)?;
    ensure!(lengths.len() == parameters.len(), "{} gradients", lengths.len());
    for (name, &length) in parameters.iter().zip(&lengths) {
        let gradient = variables.get(name).with_context(|| format!("no `{name}`"))?.grad();
        let found = if gradient.defined() { gradient.norm().double_value(&[]) } else { 0.0 };
        let length = f64::from(length);
        // A maximum passes over what is no number.
        ensure!(found.is_finite() && length.is_finite(), "the gradient of `{name}` is no number");
        // Gradients far smaller than all others are rounding.
        let scale = length.max(1e-2 * f64::from(lengths.iter().copied().fold(0.0, f32::max)));
        gradients = gradients.max((found - length).abs() / scale.max(1e-6));
    }
    let parity = Parity { features: off, gradients };
    // What is no number is not near.
    ensure!(off.is_finite() && gradients.is_finite(), "it computes what is no number: {parity:?}");
    Ok(parity)
}
