//! How a recipe comes about: layers of partial settings laid over the defaults, then checked.

use anyhow::{Context, Result, anyhow, bail, ensure};
use toml::{Table, Value};

use super::{Recipe, Statistics, backbones_of_folds, names};
use crate::explain;
use crate::lines;
use crate::term;
use crate::typed;
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
    /// Whether a preset sets them: a competition's own lie over these.
    pub(super) is_of_preset: bool,
}

impl Layer {
    /// A recipe file's text.
    pub fn parse(origin: impl Into<String>, text: &str) -> Result<Self> {
        let origin = origin.into();
        let settings = lines::parse_toml(text, &origin)?;
        Ok(Self { origin, settings, is_of_preset: false })
    }

    /// One setting that is a text, whatever is in it.
    pub fn text(origin: impl Into<String>, key: &str, text: &str) -> Self {
        let settings = Table::from_iter([(key.to_owned(), Value::String(text.to_owned()))]);
        Self { origin: origin.into(), settings, is_of_preset: false }
    }

    /// `key=value` as typed: `whole-network.max-cycles=2`. What is no TOML value is a string.
    pub fn assignment(typed: &str) -> Result<Self> {
        let (key, value) = typed.split_once('=').ok_or_else(|| {
            let typed = term::short(typed, SHOWN);
            anyhow!("`--set {typed}` has no `=`\nhint: write `--set batch-size=16`")
        })?;
        let value = value.trim();
        let value = match toml::from_str::<Table>(&format!("value = {value}")) {
            Ok(mut table) if table.len() == 1 => table.remove("value"),
            // What follows on further lines would be dropped without a word.
            Ok(_) => bail!(several(typed)),
            Err(_) => None,
        }
        .unwrap_or_else(|| Value::String(value.to_owned()));
        let mut parts: Vec<&str> = key.trim().split('.').collect();
        let last = parts.pop().unwrap_or_default();
        let mut settings = Table::from_iter([(last.to_owned(), value)]);
        for part in parts.into_iter().rev() {
            settings = Table::from_iter([(part.to_owned(), Value::Table(settings))]);
        }
        let origin = format!("--set {}", term::short(typed, SHOWN));
        Ok(Self { origin, settings, is_of_preset: false })
    }
}

/// Lays the layers over the defaults, in order, and then fills in what is the backbone's own.
///
/// An unknown key or a value of the wrong kind is an error that names the layer it came from.
pub fn resolve(layers: &[Layer]) -> Result<Recipe> {
    let recipe = laid_over(layers)?;
    // Of the last word on it: a layer in between may fit a backbone that another one names, or folds.
    recipe.suits()?;
    Ok(recipe)
}

/// The same, whether or not a backbone takes what is asked for.
pub(crate) fn laid_over(layers: &[Layer]) -> Result<Recipe> {
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
    let square = zoo::square_of(&backbones_of_folds(backbone)?);
    Ok(Recipe { size: square.size, crop: square.crop, ..resolve(&[])? })
}

fn overlay(base: &mut Table, over: &Table, path: &str) -> Result<()> {
    for (key, value) in over {
        let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let known: Vec<String> = base.keys().cloned().collect();
        let Some(old) = base.get_mut(key) else {
            let full = term::short(&full, SHOWN);
            let near = explain::did_you_mean(key, known.iter().map(String::as_str));
            let hint = match names::meant(&full) {
                None => format!("{near}known are `{}`", known.join("`, `")),
                Some(meant) if near.is_empty() => meant,
                Some(meant) => format!("{meant}; {}", near.trim_end()),
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
            (old, value) => {
                let shown = term::short(&value.to_string(), SHOWN);
                let hint = match old {
                    Value::Array(_) => format!("\nhint: a list has brackets: `[{shown}]`"),
                    _ => String::new(),
                };
                bail!(
                    "`{full}` is `{shown}`, of type {}, where the recipe has `{old}`, of type \
                     {}{hint}",
                    value.type_str(),
                    old.type_str()
                )
            }
        }
    }
    Ok(())
}

/// What to say of a `--set` with settings on several lines.
fn several(typed: &str) -> String {
    let each: Vec<String> = typed
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("--set {}", typed::quoted(&term::short(line, SHOWN))))
        .collect();
    format!(
        "`--set {}` is more than one setting\nhint: give each its own: `{}`",
        term::one_line(typed, SHOWN),
        term::short(&each.join(" "), 4 * SHOWN)
    )
}

fn read(settings: &Table) -> Result<Recipe> {
    let mut recipe: Recipe = settings.clone().try_into()?;
    recipe.fill_in()?;
    recipe.check()?;
    Ok(recipe)
}

impl Recipe {
    /// An error where a backbone cannot be shown or trained what is asked for.
    pub(crate) fn suits(&self) -> Result<()> {
        self.check_backbones()?;
        for backbone in backbones_of_folds(&self.backbone)? {
            for &size in std::iter::once(&self.size).chain(&self.whole_network.sizes) {
                backbone.takes(size)?;
            }
            ensure!(
                backbone.imported().is_none() || self.unfreeze.statistics == Statistics::Fixed,
                "`unfreeze.statistics = \"moving\"` is not for `{}`: what timm's network does was kept as it \
                 predicts, with the statistics of its norms as pretrained\nhint: leave it at \"fixed\"",
                backbone.name
            );
            ensure!(
                backbone.imported().is_none() || self.unfreeze.drop_path == 0.0,
                "`unfreeze.drop-path` is not for `{}`: where its residual blocks are is not known of a \
                 network that was imported\nhint: leave it at 0",
                backbone.name
            );
        }
        Ok(())
    }

    /// Puts the backbone's own size and crop in the place of 0. A backbone that there is not is found
    /// here, whether or not anything is missing: before a command does anything else.
    fn fill_in(&mut self) -> Result<()> {
        let square = zoo::square_of(&backbones_of_folds(&self.backbone)?);
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
            ("whole-network.sizes=96", "hint: a list has brackets: `[96]`"),
            ("head.dropout=0.5", "hint: a list has brackets: `[0.5]`"),
        ] {
            let error = resolve(&[Layer::assignment(typed).unwrap()]).unwrap_err();
            let text = format!("{error:#}");
            assert!(text.contains(expected) && text.contains(typed), "{text}");
        }
    }

    #[test]
    fn one_set_is_one_setting() {
        for typed in [
            "size=96\nbatch-size=3",
            "size=96\n\nbatch-size = 3\n",
            "size=96\r\nbatch-size=3",
            "size=96\n[head]\nwidth=0",
            "whole-network.sizes=[64,\n96]\nsize=96",
        ] {
            let told = Layer::assignment(typed).unwrap_err().to_string();
            assert!(told.contains("is more than one setting\nhint: give each its own"), "{told}");
            assert!(told.contains("`--set size=96 --set ") || !typed.starts_with("size=96\nb"));
        }
        // A list may have several lines, and a setting a comment.
        for (typed, sizes) in [
            ("whole-network.sizes=[64,\n96]", vec![64, 96]),
            ("whole-network.sizes=[] # none", vec![]),
        ] {
            let recipe = resolve(&[Layer::assignment(typed).unwrap()]).unwrap();
            assert_eq!(recipe.whole_network.sizes, sizes);
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
