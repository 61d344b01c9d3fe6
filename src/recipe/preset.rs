//! Recipes by how much time they may take.

use anyhow::Result;
use serde::Deserialize;

use super::Layer;

/// Networks of different kinds make different mistakes. A cycle takes twice the time of the one before: of seven that
/// had lowered the loss by 5 to 10 %, one was followed by a better one.
const BEST: &str = r#"
folds = 3
backbone = "tf_efficientnet_lite0,tf_efficientnet_lite2,mobilenetv2_100"
[whole-network]
max-cycles = 4
min-gain = 0.1
"#;

/// How much is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The head alone, on activations.
    Quick,
    /// The default: the whole golden rule.
    Good,
    /// The whole golden rule for each of three backbones, with other images held out and as many epochs as pay; each
    /// then once more on all images.
    Best,
}

impl Preset {
    /// The word that is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Good => "good",
            Self::Best => "best",
        }
    }

    /// This one, and those that take less, in turn.
    pub fn and_quicker(self) -> impl Iterator<Item = Self> {
        [Self::Best, Self::Good, Self::Quick].into_iter().filter(move |other| *other <= self)
    }

    /// What it sets, for what is typed besides to be laid over.
    pub fn layer(self) -> Result<Layer> {
        let settings = match self {
            Self::Quick => "[head-with-augmentation]\nrun = false\n[unfreeze]\nrun = false\n",
            Self::Good => "",
            Self::Best => BEST,
        };
        let layer = Layer::parse(format!("--preset {}", self.word()), settings)?;
        Ok(Layer { is_of_preset: true, ..layer })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::resolve;

    #[test]
    fn good_is_the_default_and_each_quicker_one_does_less() {
        let recipe = |preset: Preset| resolve(&[preset.layer().unwrap()]).unwrap();
        assert_eq!(recipe(Preset::Good), resolve(&[]).unwrap());
        assert!(!recipe(Preset::Quick).unfreeze.run);
        let cycles = |preset| recipe(preset).whole_network.max_cycles;
        assert!(cycles(Preset::Best) > cycles(Preset::Good));
        let quicker: Vec<Preset> = Preset::Good.and_quicker().collect();
        assert_eq!(quicker, [Preset::Good, Preset::Quick]);
        assert_eq!(Preset::Best.and_quicker().count(), 3);
    }
}
