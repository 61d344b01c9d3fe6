//! Layouts of real competitions, drawn as names and tables, and what follows from them.
//!
//! Names, headers and forms of ids are the real ones; how many files there are does not matter.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod beyond;
mod fifteen;
mod fifteen_more;
mod forms;
mod others;
mod others_more;
mod slips;

use super::*;
use crate::competition::Competition;

/// A competition's files.
#[derive(Default)]
struct Drawn {
    files: Vec<String>,
    tables: Vec<(String, String)>,
    unseen: Vec<String>,
    patients: Vec<(String, String)>,
    features: Vec<String>,
}

impl Drawn {
    /// Files without content, such as images.
    fn files(mut self, paths: impl IntoIterator<Item = String>) -> Self {
        self.files.extend(paths);
        self
    }

    /// A table.
    fn table(
        mut self,
        path: &str,
        header: &str,
        rows: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Self {
        let rows: Vec<String> = rows.into_iter().map(|row| format!("{}\n", row.as_ref())).collect();
        self.files.push(path.to_owned());
        self.tables.push((path.to_owned(), format!("{header}\n{}", rows.concat())));
        self
    }

    fn json(mut self, path: &str, text: String) -> Self {
        self.files.push(path.to_owned());
        self.tables.push((path.to_owned(), text));
        self
    }

    fn data(&self) -> Data {
        let entries = self.files.iter().map(|path| Entry::new(path, 1)).collect();
        let read = |(path, text): &(String, String)| Table::read(path, text.as_bytes());
        Data {
            listing: Listing::new(entries, self.unseen.clone()),
            tables: self.tables.iter().filter_map(read).collect(),
            unread: Vec::new(),
            patients: self.patients.clone(),
            features: self.features.clone(),
        }
    }

    fn guess(&self) -> Guess {
        self.with(&Wishes::default())
    }

    fn with(&self, wishes: &Wishes) -> Guess {
        infer(&self.data(), "mine", wishes, None).unwrap()
    }

    fn scored_by(&self, metric: &str) -> Guess {
        self.with(&Wishes { metric: Some(metric.to_owned()), ..Wishes::default() })
    }

    /// The spec as a table, for a look at its fields.
    fn spec(&self, metric: &str) -> toml::Table {
        let text = super::toml(&self.scored_by(metric));
        Competition::parse("mine", &text, "mine.toml").unwrap_or_else(|e| panic!("{e:?}\n{text}"));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

fn images(folder: &str, ids: &[String], rest: &str) -> Vec<String> {
    ids.iter().map(|id| format!("{folder}/{id}{rest}")).collect()
}

fn rows(ids: &[String], rest: impl Fn(usize) -> String) -> Vec<String> {
    ids.iter().enumerate().map(|(i, id)| format!("{id}{}", rest(i))).collect()
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| i.to_string()).collect()
}

/// `n` ids that look like hashes.
fn hashes(from: usize, n: usize) -> Vec<String> {
    let hash = |i: usize| format!("{:08x}", (i as u32 + 1).wrapping_mul(2_654_435_761));
    (from..from + n).map(hash).collect()
}

/// What a spec says without its name, as TOML.
fn expect(spec: &toml::Table, wanted: &str) {
    let mut spec = spec.clone();
    for name in ["title", "slug", "metric"] {
        spec.remove(name);
    }
    let wanted: toml::Table = toml::from_str(wanted).unwrap();
    assert_eq!(spec, wanted, "{spec}\nwanted\n{wanted}");
}
