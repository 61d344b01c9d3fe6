//! What a run's files say, checked as it is read: a value that cannot be is told with file, line and
//! key, and with what to do about it. Whoever edits a file, or copies half of one, is told so here
//! and not by a panic, or by a CSV of nothing.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml_edit::{Document, Item};

use crate::metric::Metric;
use crate::relative::RelativePath;

/// Larger numbers are no losses, scores or times: nothing that is drawn or counted overflows below.
const LARGEST: f64 = 1e30;
/// What rounding may add to a mean.
const HAIR: f64 = 1e-6;
/// What rounding may take from a loss in single precision, or in less.
const ROUNDED: f64 = 1e-2;

/// A file whose values are checked as they are read.
pub trait Checked: DeserializeOwned {
    /// What to do where it cannot be used.
    const HINT: &'static str = "the file was edited or damaged: copy the run's folder again from \
                                where it was made, or train again with `--anew`";
    /// The layout that this program reads, where the file tells one.
    const VERSION: Option<u32> = None;

    /// Finds what types allow and the program cannot work with.
    fn check(&self) -> Result<(), Fault>;
}

/// A value that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it is: `candidates.0.nested`.
    key: String,
    /// What is wrong with it, behind its name: `is -1: it must be above 0`.
    what: String,
}

impl Fault {
    pub fn new(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self { key: key.into(), what: what.into() }
    }

    /// The same, of a value in a table or a place of a list.
    #[must_use]
    pub fn within(self, outer: impl std::fmt::Display) -> Self {
        Self { key: format!("{outer}.{}", self.key), ..self }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "`{}` {}", self.key, self.what)
    }
}

/// That something holds.
pub fn hold(is_so: bool, key: &str, what: impl FnOnce() -> String) -> Result<(), Fault> {
    if is_so { Ok(()) } else { Err(Fault::new(key, what())) }
}

/// A number of a size that can be reckoned with.
pub fn finite(key: &str, value: f64) -> Result<(), Fault> {
    hold(value.abs() <= LARGEST, key, || format!("is {value}, which is no number to work with"))
}

/// The same, from one end to another.
pub fn between(key: &str, value: f64, low: f64, high: f64) -> Result<(), Fault> {
    let what = || format!("is {value}: it must be from {low} to {high}");
    hold((low..=high).contains(&value), key, what)
}

/// A score, of which a metric says how much it can be.
pub fn score(key: &str, value: f64, metric: &Metric) -> Result<(), Fault> {
    finite(key, value)?;
    let (low, high) = metric.bounds();
    hold((low - HAIR..=high + HAIR).contains(&value), key, || {
        format!("is {value}: {} is from {low} to {high}", metric.name())
    })
}

/// A loss in the course of training: what was no number may be told as that, and nothing is below 0.
pub fn loss(key: &str, value: f64) -> Result<(), Fault> {
    let is_one = value.is_nan() || value >= -ROUNDED && finite(key, value).is_ok();
    hold(is_one, key, || format!("is {value}: it must be 0 or more"))
}

/// A duration in seconds.
pub fn seconds(key: &str, value: f64) -> Result<(), Fault> {
    finite(key, value)?;
    hold(value >= 0.0, key, || format!("is {value}: no time is below 0"))
}

/// Numbers of which each is one.
pub fn all_finite(key: &str, values: &[f64]) -> Result<(), Fault> {
    values.iter().enumerate().try_for_each(|(i, &value)| finite(&format!("{key}.{i}"), value))
}

/// Whether a text is the name of a file in a folder, and no way out of it.
pub fn is_file_name(name: &str) -> bool {
    let is_one_part = !name.contains('/') && name != ".";
    is_one_part && RelativePath::new(name).is_ok_and(|path| path.as_str() == name)
}

#[derive(Deserialize)]
struct Layout {
    version: u32,
}

/// A TOML file's value; `path` is told where it cannot be used.
pub fn parse<T: Checked>(text: &str, path: &Path) -> Result<T> {
    let file = path.display();
    if let Some(known) = T::VERSION
        && let Ok(Layout { version }) = toml::from_str(text)
    {
        ensure!(
            version == known,
            "`{file}`{} is of version {version}; this program reads version {known}\nhint: use the \
             kaggle-kit that made it, or train again with `--anew`",
            line_of(text, "version")
        );
    }
    let in_file = || format!("failed to read `{file}`\nhint: {}", T::HINT);
    let value: T = toml::from_str(text).with_context(in_file)?;
    value.check().map_err(|fault| {
        let (line, hint) = (line_of(text, &fault.key), T::HINT);
        anyhow!("`{file}`{line}: {fault}\nhint: {hint}")
    })?;
    Ok(value)
}

/// `, line 7`, as an editor counts; nothing where the key is in no line.
fn line_of(text: &str, key: &str) -> String {
    let Ok(document) = Document::parse(text) else { return String::new() };
    let mut item: &Item = document.as_item();
    let mut start = None;
    for part in key.split('.') {
        let inner = match part.parse::<usize>() {
            Ok(place) => item.get(place),
            Err(_) => item.get(part),
        };
        let Some(inner) = inner else { break };
        item = inner;
        start = item.span().map(|span| span.start).or(start);
    }
    match start.and_then(|start| text.get(..start)) {
        Some(before) => format!(", line {}", 1 + before.matches('\n').count()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Counted {
        #[expect(dead_code, reason = "the layout's number is read on its own")]
        version: u32,
        shares: Vec<f64>,
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        size: f64,
    }

    impl Checked for Counted {
        const HINT: &'static str = "count again";
        const VERSION: Option<u32> = Some(1);

        fn check(&self) -> Result<(), Fault> {
            all_finite("shares", &self.shares)?;
            between("size", self.inner.size, 0.0, 0.5).map_err(|fault| fault.within("inner"))
        }
    }

    fn told(text: &str) -> String {
        match parse::<Counted>(text, Path::new("a/shares.toml")) {
            Ok(_) => "no error".to_owned(),
            Err(error) => format!("{error:#}"),
        }
    }

    #[test]
    fn a_value_that_cannot_be_is_told_with_file_line_and_key() {
        let text = "version = 1\n# two\nshares = [\n  0.5,\n  0.5,\n]\n[inner]\nsize = 0.5\n";
        assert_eq!(told(text), "no error");
        for (old, new, expected) in [
            ("  0.5,\n]", "  nan,\n]", "`a/shares.toml`, line 5: `shares.1` is NaN"),
            ("size = 0.5", "size = 2.0", "line 8: `inner.size` is 2: it must be from 0 to 0.5"),
            ("size = 0.5", "size = -inf", "line 8: `inner.size` is -inf"),
            ("version = 1", "version = 9", "line 1 is of version 9; this program reads version 1"),
            ("size = 0.5", "size = \"big\"", "failed to read `a/shares.toml`"),
            ("size = 0.5", "size = ", "line 8"),
        ] {
            let error = told(&text.replacen(old, new, 1));
            assert!(error.contains(expected) && error.contains("hint: "), "{error}");
        }
    }

    #[test]
    fn a_file_s_name_is_no_way_out_of_its_folder() {
        for name in ["weights.safetensors", "cycle-8-1.safetensors", "..a"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "../a", "/a", "a/b", "./a", "a\\b", "C:a", "a\0"] {
            assert!(!is_file_name(name), "{name:?}");
        }
    }
}
