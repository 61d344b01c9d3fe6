//! A recipe as names and values, and where two differ.

use anyhow::Result;

use super::Recipe;

/// A setting in which two recipes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Its full name: `whole-network.max-cycles`.
    pub key: String,
    /// What the other has; empty where it has none.
    pub other: String,
    /// What this one has; empty where it has none.
    pub value: String,
}

/// The settings in which two recipes differ, `other` against `own`, in the recipe's order.
pub fn changed(other: &Recipe, own: &Recipe) -> Result<Vec<Setting>> {
    let (other, own) = (settings(other)?, settings(own)?);
    let find = |settings: &[(String, String)], key: &str| {
        settings.iter().find(|(k, _)| k == key).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let mut keys: Vec<&String> = own.iter().map(|(key, _)| key).collect();
    keys.extend(other.iter().map(|(key, _)| key).filter(|key| !own.iter().any(|(k, _)| k == *key)));
    let setting = |key: &String| Setting {
        key: key.clone(),
        other: find(&other, key),
        value: find(&own, key),
    };
    Ok(keys.into_iter().map(setting).filter(|setting| setting.other != setting.value).collect())
}

/// A recipe's settings as full names (`whole-network.max-cycles`) and values as TOML.
pub fn settings(recipe: &Recipe) -> Result<Vec<(String, String)>> {
    fn collect(table: &toml::Table, path: &str, into: &mut Vec<(String, String)>) {
        for (key, value) in table {
            let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                toml::Value::Table(inner) => collect(inner, &full, into),
                value => into.push((full, value.to_string())),
            }
        }
    }
    let mut settings = Vec::new();
    collect(&toml::Table::try_from(recipe)?, "", &mut settings);
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::super::{Layer, resolve};
    use super::*;

    #[test]
    fn recipes_differ_where_they_differ() {
        let default = resolve(&[]).unwrap();
        assert_eq!(changed(&default, &default).unwrap(), []);
        let layer = Layer::parse("test", "size = 64\n[whole-network]\nmax-cycles = 1\n").unwrap();
        let own = resolve(&[layer]).unwrap();
        let changed = changed(&default, &own).unwrap();
        let told: Vec<(&str, &str)> =
            changed.iter().map(|s| (s.key.as_str(), s.value.as_str())).collect();
        assert_eq!(told, [("size", "64"), ("whole-network.max-cycles", "1")]);
    }
}
