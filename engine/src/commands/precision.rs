//! The numbers that a run computes with where its recipe leaves that to the device: on a processor with
//! instructions for bf16, by what `kaggle-kit models --bench` measured of the network there.

use kaggle_kit::commands::models::{HalfSpeed, measured_half};
use kaggle_kit::fs;
use kaggle_kit::recipe::{Precision, Recipe};

use crate::torch::{Device, device};

/// What is computed most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Predict,
    Train,
}

/// bf16 rounds, so that it must be clearly faster.
const WORTH_IT: f64 = 1.2;

/// The recipe with its precision settled for this device and work. What is not measured is f32 on a CPU.
pub(super) fn settled(recipe: &Recipe, on: Device, work: Work) -> Recipe {
    let mut recipe = recipe.clone();
    if recipe.optimizer.precision == Precision::Auto && on == Device::Cpu {
        let (cache, place) = (fs::cache_folder(), device::describe(on));
        let backbones = recipe.own_backbone().split('+');
        let measured = backbones.map(|name| measured_half(&cache, name.trim(), &place));
        if pays(measured, work) {
            recipe.optimizer.precision = Precision::Bf16;
        }
    }
    recipe.optimizer.precision = device::precision(on, recipe.optimizer.precision);
    recipe
}

/// Whether all of them are faster in bf16.
fn pays(mut measured: impl Iterator<Item = Option<HalfSpeed>>, work: Work) -> bool {
    measured.all(|half| {
        half.is_some_and(|HalfSpeed { predict, train, .. }| match work {
            Work::Predict => predict > WORTH_IT,
            Work::Train => train > WORTH_IT,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bf16_is_taken_where_it_was_measured_to_pay() {
        let half = |predict, train| {
            let [backbone, device] = ["resnet50", "CPU, 2 threads"].map(str::to_owned);
            Some(HalfSpeed { backbone, device, predict, train })
        };
        // EfficientNet-Lite0 and ResNet-50 on two cores with AMX.
        let (lite0, resnet50) = (half(1.4, 0.56), half(3.4, 2.8));
        let pays = |of: &[&Option<HalfSpeed>], work| pays(of.iter().map(|&one| one.clone()), work);
        assert!(pays(&[&lite0], Work::Predict) && !pays(&[&lite0], Work::Train));
        assert!(pays(&[&resnet50], Work::Train) && !pays(&[&resnet50, &lite0], Work::Train));
        assert!(!pays(&[&resnet50, &None], Work::Predict));
    }

    #[test]
    fn what_the_recipe_says_is_left_alone() {
        let mut recipe = kaggle_kit::recipe::resolve(&[]).unwrap();
        for precision in [Precision::F32, Precision::F16, Precision::Bf16] {
            recipe.optimizer.precision = precision;
            let settled = settled(&recipe, Device::Cpu, Work::Train);
            assert_eq!(settled.optimizer.precision, precision);
        }
    }
}
