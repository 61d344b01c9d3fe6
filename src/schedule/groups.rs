//! Differential learning rates: what earlier layers have learnt before is changed less.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

/// Layer groups: the backbone's earlier half, its later half, the head (golden rule, A4).
pub const GROUPS: usize = 3;

/// A learning rate for each layer group, earliest first.
pub type Rates = [f64; GROUPS];

/// How the rates of layer groups hang together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum LayerRates {
    /// Each group learns so many times slower than the one after it.
    Factor(f64),
    /// A number a group, earliest first; only their ratios count, so that rates may be written as
    /// in fast.ai, `[1e-4, 1e-3, 1e-2]`. The last group has the rate that was found.
    Ratios(Vec<f64>),
}

impl From<f64> for LayerRates {
    fn from(factor: f64) -> Self {
        Self::Factor(factor)
    }
}

/// The rate of each layer group, earliest first, when the last learns at `rate`.
///
/// Fails where there are not as many ratios as groups, or one of the numbers is not above zero.
pub fn rates_of(rate: f64, how: &LayerRates) -> Result<Rates> {
    let positive = |&x: &f64| x.is_finite() && x > 0.0;
    match how {
        LayerRates::Factor(factor) => {
            ensure!(positive(factor), "a factor between rates must be above 0, not `{factor}`");
            Ok(differential(rate, *factor))
        }
        LayerRates::Ratios(ratios) => {
            ensure!(
                ratios.len() == GROUPS && ratios.iter().all(positive),
                "the rates of {GROUPS} layer groups must be {GROUPS} numbers above 0, not \
                 `{ratios:?}`"
            );
            Ok(std::array::from_fn(|group| rate * ratios[group] / ratios[GROUPS - 1]))
        }
    }
}

/// The rate of each layer group, earliest first, when the last learns at `rate` and each one
/// before it `factor` times slower.
pub fn differential(rate: f64, factor: f64) -> Rates {
    std::array::from_fn(|group| rate / factor.powi((GROUPS - 1 - group) as i32))
}

/// What to multiply each layer's rate by, earliest first, when each layer learns `decay` times as
/// fast as the one after it and the last one at the full rate (ELECTRA, sec. 3.1:
/// <https://arxiv.org/abs/2003.10555>; timm's `layer_decay`).
pub fn layer_decay(decay: f64, n_layers: usize) -> Vec<f64> {
    (0..n_layers).rev().map(|layers_after| decay.powi(layers_after as i32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn earlier_groups_learn_slower() {
        assert_eq!(differential(9.0, 3.0), [1.0, 3.0, 9.0]);
        assert_eq!(rates_of(9.0, &3.0.into()).unwrap(), [1.0, 3.0, 9.0]);
    }

    #[test]
    fn ratios_are_scaled_to_the_last_group_s_rate() {
        // v0.7's np.array([1e-4, 1e-3, 1e-2]), at a found rate of 2e-2.
        let lesson_1 = LayerRates::Ratios(vec![1e-4, 1e-3, 1e-2]);
        let rates = rates_of(2e-2, &lesson_1).unwrap();
        for (rate, expected) in rates.into_iter().zip([2e-4, 2e-3, 2e-2]) {
            assert!((rate / expected - 1.0).abs() < 1e-12, "{rates:?}");
        }
    }

    #[test]
    fn bad_ratios_are_refused() {
        let refusal = |how: LayerRates| rates_of(1.0, &how).unwrap_err().to_string();
        assert_eq!(
            refusal(LayerRates::Ratios(vec![1.0, 2.0])),
            "the rates of 3 layer groups must be 3 numbers above 0, not `[1.0, 2.0]`"
        );
        refusal(LayerRates::Ratios(vec![0.0, 1.0, 2.0]));
        refusal(LayerRates::Ratios(vec![1.0, f64::NAN, 2.0]));
        assert_eq!(refusal(0.0.into()), "a factor between rates must be above 0, not `0`");
    }

    #[test]
    fn layers_decay_as_in_timm() {
        // list(0.5 ** (4 - 1 - i) for i in range(4)), from timm's param_groups_layer_decay
        assert_eq!(layer_decay(0.5, 4), [0.125, 0.25, 0.5, 1.0]);
        assert_eq!(layer_decay(0.5, 0), Vec::<f64>::new());
    }

    #[test]
    fn recipes_name_a_factor_or_ratios() {
        let read = |text: &str| -> LayerRates { serde_json::from_str(text).unwrap() };
        assert_eq!(read("3.0"), LayerRates::Factor(3.0));
        assert_eq!(read("[1, 3, 9]"), LayerRates::Ratios(vec![1.0, 3.0, 9.0]));
    }
}
