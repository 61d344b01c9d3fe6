//! The variables that the client reads, as a value, so that a test can say what they are.

use std::collections::HashMap;
use std::path::PathBuf;

/// Environment variables; an empty one counts as unset.
#[derive(Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// Those of this process that matter here; values that are no text are passed over.
    pub fn of_process() -> Self {
        let wanted = |name: &str| {
            name.starts_with("KAGGLE_")
                || name.starts_with("MLFLOW_")
                || matches!(name, "HOME" | "USERPROFILE" | "XDG_CONFIG_HOME")
                || matches!(name, "RAYON_NUM_THREADS" | "OMP_NUM_THREADS")
        };
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        pairs.filter(|(name, _)| wanted(name)).collect()
    }

    /// The value of a variable, if it has one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The person's own folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.get("HOME").or_else(|| self.get("USERPROFILE")).map(PathBuf::from)
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect()
    }
}
