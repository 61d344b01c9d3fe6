//! How a recipe comes about: layers of partial settings laid over the defaults, then checked.

use anyhow::{Context, Result, anyhow, bail};
use toml::{Table, Value};

use super::{Recipe, names};
use crate::lines;
use crate::term;
use crate::zoo;

/// Characters of what was typed that an error repeats.
const SHOWN: usize = 100;

/// The commented defaults.
pub const DEFAULT: &str = include_str!("default.toml");

/// A few settings and where they came from, for errors.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Such as `--recipe mine.toml`.
    pub origin: String,
    pub settings: Table,
}

impl Layer {
    /// A recipe file's text.
    pub fn parse(origin: impl Into<String>, text: &str) -> Result<Self> {
        let origin = origin.into();
        let settings = lines::parse_toml(text, &origin)?;
        Ok(Self { origin, settings })
    }

    /// One setting that is a text, whatever is in it.
    pub fn text(origin: impl Into<String>, key: &str, text: &str) -> Self {
        let settings = Table::from_iter([(key.to_owned(), Value::String(text.to_owned()))]);
        Self { origin: origin.into(), settings }
    }

    /// `key=value` as typed: `whole-network.max-cycles=2`. What is no TOML value is a string.
    pub fn assignment(typed: &str) -> Result<Self> {
        let (key, value) = typed.split_once('=').ok_or_else(|| {
            let typed = term::short(typed, SHOWN);
            anyhow!("`--set {typed}` has no `=`\nhint: write `--set batch-size=16`")
        })?;
        let value = value.trim();
        let value = toml::from_str::<Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        let mut parts: Vec<&str> = key.trim().split('.').collect();
        let last = parts.pop().unwrap_or_default();
        let mut settings = Table::from_iter([(last.to_owned(), value)]);
        for part in parts.into_iter().rev() {
            settings = Table::from_iter([(part.to_owned(), Value::Table(settings))]);
        }
        Ok(Self { origin: format!("--set {}", term::short(typed, SHOWN)), settings })
    }
}

/// Lays the layers over the defaults, in order, and then fills in what is the backbone's own.
///
/// An unknown key or a value of the wrong kind is an error that names the layer it came from.
pub fn resolve(layers: &[Layer]) -> Result<Recipe> {
    let mut settings: Table = toml::from_str(DEFAULT).context("the default recipe")?;
    for layer in layers {
        overlay(&mut settings, &layer.settings, "")
            .and_then(|()| read(&settings).map(drop))
            .with_context(|| format!("`{}` does not fit the recipe", layer.origin))?;
    }
    read(&settings)
}

/// The defaults, with the size and crop that `backbone` has by default: what a run of it is compared
/// with, so that only what somebody chose is told as a difference.
pub fn defaults_for(backbone: &str) -> Result<Recipe> {
    let square = zoo::square_of(&zoo::find_all(backbone)?);
    Ok(Recipe { size: square.size, crop: square.crop, ..resolve(&[])? })
}

fn overlay(base: &mut Table, over: &Table, path: &str) -> Result<()> {
    for (key, value) in over {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let known: Vec<String> = base.keys().cloned().collect();
        let Some(old) = base.get_mut(key) else {
            let full = term::short(&full, SHOWN);
            let hint = match (names::meant(&full), near_miss(key, &known)) {
                (None, near) => format!("{near}known are `{}`", known.join("`, `")),
                (Some(meant), near) if is_near(key, &known) => {
                    format!("{meant}; {}", near.trim_end())
                }
                (Some(meant), _) => meant,
            };
            bail!("unknown setting `{full}`\nhint: {hint}");
        };
        match (old, value) {
            (Value::Table(old), Value::Table(new)) => overlay(old, new, &full)?,
            (Value::Table(old), _) => {
                let keys: Vec<String> = old.keys().map(|k| format!("`{full}.{k}`")).collect();
                bail!("`{full}` is a group of settings\nhint: set one of {}", keys.join(", "))
            }
            // 1 is a fine way to write 1.0.
            (old @ Value::Float(_), Value::Integer(whole)) => *old = Value::Float(*whole as f64),
            (old, value) if old.same_type(value) => *old = value.clone(),
            (old, value) => bail!(
                "`{full}` is `{}`, of type {}, where the recipe has `{old}`, of type {}",
                term::short(&value.to_string(), SHOWN),
                value.type_str(),
                old.type_str()
            ),
        }
    }
    Ok(())
}

/// The most alike of the known names, unless nothing is alike in so long a name.
fn near_miss(key: &str, known: &[String]) -> String {
    let likeness = |name: &String| strsim::jaro_winkler(name, key);
    let near = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let near = near.filter(|_| key.len() <= SHOWN);
    near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default()
}

/// Whether one of the known names was probably meant.
fn is_near(key: &str, known: &[String]) -> bool {
    known.iter().any(|name| strsim::jaro_winkler(name, key) > 0.9)
}

fn read(settings: &Table) -> Result<Recipe> {
    let mut recipe: Recipe = settings.clone().try_into()?;
    recipe.fill_in()?;
    recipe.check()?;
    Ok(recipe)
}

impl Recipe {
    /// Puts the backbone's own size and crop in the place of 0. A backbone that there is not is found
    /// here, whether or not anything is missing: before a command does anything else.
    fn fill_in(&mut self) -> Result<()> {
        let square = zoo::square_of(&zoo::find_all(&self.backbone)?);
        if self.size == 0 {
            self.size = square.size;
        }
        if self.crop == 0.0 {
            self.crop = square.crop;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_laid_over_the_defaults_in_order() {
        let layers = ["size=128", "whole-network.max-cycles=1", "backbone=resnet18", "size=96"]
            .map(|typed| Layer::assignment(typed).unwrap());
        let recipe = resolve(&layers).unwrap();
        assert_eq!((recipe.size, recipe.whole_network.max_cycles), (96, 1));
        assert_eq!(recipe.backbone, "resnet18");
    }

    #[test]
    fn what_was_typed_is_not_repeated_at_any_length() {
        let long = "y".repeat(100_000);
        for typed in [
            format!("{long}=1"),
            format!("size={long}"),
            format!("head.{long}=2"),
            format!("{long}.x=1"),
        ] {
            let told = format!("{:#}", resolve(&[Layer::assignment(&typed).unwrap()]).unwrap_err());
            assert!(told.len() < 2_000, "{}", told.len());
        }
        let told = Layer::assignment(&long).unwrap_err().to_string();
        assert!(told.len() < 400, "{}", told.len());
        let told =
            format!("{:#}", Layer::parse("a.toml", &format!("size = {long}\n")).unwrap_err());
        assert!(told.len() < 2_000 && told.contains("a.toml"), "{}", told.len());
    }

    #[test]
    fn a_wrong_setting_names_its_origin_and_the_known_ones() {
        for (typed, expected) in [
            ("sise=128", "did you mean `size`?"),
            ("whole-network=1", "`whole-network.max-cycles`"),
            ("size=big", "of type string"),
            ("batch-size=1", "at least 2"),
            ("crop=1.5", "at most 1"),
            ("crop=-0.1", "above 0"),
            ("size=31", "at least 32"),
            ("size=-1", "`-1`"),
            ("backbone=resnet3", "did you mean `resnet34`?"),
            ("backbone=resnet18+resnet18", "names `resnet18` twice"),
            ("augment=sideways", "side-on"),
        ] {
            let error = resolve(&[Layer::assignment(typed).unwrap()]).unwrap_err();
            let text = format!("{error:#}");
            assert!(text.contains(expected) && text.contains(typed), "{text}");
        }
    }

    fn square(typed: &[&str]) -> (usize, f64) {
        let layers: Vec<Layer> =
            typed.iter().map(|typed| Layer::assignment(typed).unwrap()).collect();
        let recipe = resolve(&layers).unwrap();
        (recipe.size, recipe.crop)
    }

    #[test]
    fn size_and_crop_are_the_backbones_unless_they_are_set() {
        assert_eq!(square(&[]), (224, 0.875));
        let lite2 = "backbone=tf_efficientnet_lite2";
        assert_eq!(square(&[lite2]), (260, 0.89));
        // Whichever comes first: what is filled in is filled in at the end.
        assert_eq!(square(&["size=160", lite2]), (160, 0.89));
        assert_eq!(square(&[lite2, "crop=1"]), (260, 1.0));
        assert_eq!(square(&["size=160", "crop=0.5", lite2, "size=0", "crop=0"]), (260, 0.89));
        assert_eq!(square(&["backbone=resnet18+vit_small_patch14_dinov2"]), (224, 1.0));
        let defaults = defaults_for("tf_efficientnet_lite2").unwrap();
        assert_eq!((defaults.size, defaults.crop), (260, 0.89));
        assert_eq!(Recipe { size: 224, crop: 0.875, ..defaults }, resolve(&[]).unwrap());
    }

    #[test]
    fn a_saved_recipe_reads_back() {
        for typed in ["seed=7", "backbone=tf_efficientnet_lite2", "backbone=convnext_small"] {
            let recipe = resolve(&[Layer::assignment(typed).unwrap()]).unwrap();
            let text = toml::to_string(&recipe).unwrap();
            assert_eq!(resolve(&[Layer::parse("saved", &text).unwrap()]).unwrap(), recipe);
        }
        // Of an older version, whose defaults were the same for all backbones.
        let old = "backbone = \"resnet34\"\nsize = 224\ncrop = 0.875\n";
        let recipe = resolve(&[Layer::parse("old", old).unwrap()]).unwrap();
        assert_eq!((recipe.size, recipe.crop), (224, 0.875));
    }
}
