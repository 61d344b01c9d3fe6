//! Patterns that specs hold: regular expressions, and how an id and a class make one word.

use regex_lite::Regex;
use serde::{Deserialize, Serialize};

/// A regular expression.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern(Regex);

impl Pattern {
    /// The capture of that name, or else the first, or else all that matches.
    pub fn find<'t>(&self, text: &'t str, name: &str) -> Option<&'t str> {
        let captures = self.0.captures(text)?;
        let found = captures.name(name).or_else(|| captures.get(1)).or_else(|| captures.get(0));
        found.map(|found| found.as_str())
    }

    /// Whether it has a capture of that name.
    pub fn names(&self, name: &str) -> bool {
        self.0.capture_names().flatten().any(|known| known == name)
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match Regex::new(&text) {
            Ok(regex) => Ok(Self(regex)),
            Err(error) => Err(format!("`{text}` is no regular expression: {error}")),
        }
    }
}

/// How the id of an image and the name of a class make the id of a row: `{id}_{class}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RowPattern {
    before: String,
    between: String,
    after: String,
    /// Whether the id comes first.
    id_first: bool,
}

impl RowPattern {
    /// The id of a row.
    pub fn join(&self, id: &str, class: &str) -> String {
        let (first, second) = if self.id_first { (id, class) } else { (class, id) };
        format!("{}{first}{}{second}{}", self.before, self.between, self.after)
    }

    /// The id of the image, and the place of the class among `classes`: the longest one that fits, since
    /// `any` is also the end of `a_any`.
    pub fn split<'r>(&self, row: &'r str, classes: &[String]) -> Option<(&'r str, usize)> {
        let inner = self.inner(row)?;
        let id_of = |class: &String| {
            if self.id_first {
                inner.strip_suffix(class.as_str())?.strip_suffix(self.between.as_str())
            } else {
                inner.strip_prefix(class.as_str())?.strip_prefix(self.between.as_str())
            }
        };
        let fits = classes.iter().enumerate().filter_map(|(at, class)| Some((id_of(class)?, at)));
        fits.filter(|(id, _)| !id.is_empty()).max_by_key(|&(_, at)| classes[at].len())
    }

    /// Every way to cut a row in two: the id of an image and the name of a class. The shortest names come
    /// first.
    pub fn cuts<'r>(&self, row: &'r str) -> Vec<(&'r str, &'r str)> {
        let Some(inner) = self.inner(row) else { return Vec::new() };
        let places = inner.match_indices(self.between.as_str());
        let mut cuts: Vec<(&str, &str)> = places
            .map(|(at, between)| {
                let (first, second) = (&inner[..at], &inner[at + between.len()..]);
                if self.id_first { (first, second) } else { (second, first) }
            })
            .filter(|(id, class)| !id.is_empty() && !class.is_empty())
            .collect();
        cuts.sort_by_key(|(_, class)| class.len());
        cuts
    }

    fn inner<'r>(&self, row: &'r str) -> Option<&'r str> {
        row.strip_prefix(self.before.as_str())?.strip_suffix(self.after.as_str())
    }
}

impl TryFrom<String> for RowPattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` must name `{{id}}` and `{{class}}`, each once, with something between them, such \
                 as `{{id}}_{{class}}`"
            )
        };
        let id_first = text.find("{id}") < text.find("{class}");
        let (first, second) = if id_first { ("{id}", "{class}") } else { ("{class}", "{id}") };
        let (before, rest) = text.split_once(first).ok_or_else(wrong)?;
        let (between, after) = rest.split_once(second).ok_or_else(wrong)?;
        if between.is_empty() || [before, between, after].iter().any(|s| s.contains(['{', '}'])) {
            return Err(wrong());
        }
        let [before, between, after] = [before, between, after].map(str::to_owned);
        Ok(Self { before, between, after, id_first })
    }
}

impl From<RowPattern> for String {
    fn from(pattern: RowPattern) -> Self {
        pattern.join("{id}", "{class}")
    }
}

impl std::fmt::Display for RowPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&self.join("{id}", "{class}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Result<RowPattern, String> {
        text.to_owned().try_into()
    }

    #[test]
    fn a_row_is_cut_at_the_longest_class() {
        let pattern = row("{id}_{class}").unwrap();
        let classes = ["any", "patient_overall", "overall"].map(str::to_owned);
        assert_eq!(pattern.split("ID_1_any", &classes), Some(("ID_1", 0)));
        assert_eq!(pattern.split("12_c_patient_overall", &classes), Some(("12_c", 1)));
        assert_eq!(pattern.split("12_overall", &classes), Some(("12", 2)));
        assert_eq!(pattern.split("_any", &classes), None);
        assert_eq!(pattern.split("ID_1_none", &classes), None);
        assert_eq!(pattern.cuts("a_b_c"), [("a_b", "c"), ("a", "b_c")]);
        assert_eq!(pattern.join("a_b", "any"), "a_b_any");
        let turned = row("row:{class}/{id}.").unwrap();
        assert_eq!(turned.split("row:any/7.", &classes), Some(("7", 0)));
        assert_eq!(String::from(turned), "row:{class}/{id}.");
    }

    #[test]
    fn a_row_names_id_and_class_once() {
        for wrong in
            ["{id}", "{class}_x", "{id}{class}", "{id}_{id}_{class}", "{id}_{class}_{x}", ""]
        {
            assert!(row(wrong).unwrap_err().contains("such as `{id}_{class}`"), "{wrong}");
        }
    }

    #[test]
    fn a_capture_is_found_by_name_then_by_place() {
        let pattern = |text: &str| Pattern::try_from(text.to_owned());
        assert_eq!(pattern(r"^(\d+)_").unwrap().find("10_left", "group"), Some("10"));
        assert_eq!(pattern(r"^(a)(?P<group>b)").unwrap().find("abc", "group"), Some("b"));
        assert_eq!(pattern(r"^\w+?_").unwrap().find("abc_d", "group"), Some("abc_"));
        assert_eq!(pattern("x").unwrap().find("abc", "group"), None);
        assert!(pattern("(").unwrap_err().contains("`(` is no regular expression"));
    }
}
