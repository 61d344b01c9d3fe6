//! A place of images as a pattern: `train/{experiment}/{well}_w{channel}`.

use crate::relative::RelativePath;

/// What stands for the id of an image.
pub const ID: &str = "id";
/// What stands for a channel of an image.
pub const CHANNEL: &str = "channel";

/// A path with names in braces: `{id}`, `{channel}`, and columns of the table that describes the images.
/// The extension may be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
}

impl Template {
    /// The template that a place is, if it has braces; an error says what is wrong with them.
    pub fn of(place: &RelativePath) -> Result<Option<Self>, &'static str> {
        if !place.contains(['{', '}']) {
            return Ok(None);
        }
        let mut parts = Vec::new();
        let mut rest = place.as_str();
        while let Some(open) = rest.find('{') {
            let (text, from) = rest.split_at(open);
            let Some((field, behind)) = from[1..].split_once('}') else {
                return Err("a `{` without a `}`");
            };
            if text.contains('}') {
                return Err("a `}` without a `{`");
            }
            if field.trim().is_empty() || field.contains('{') {
                return Err("between `{` and `}` stands the name of a column, or `id`");
            }
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            parts.push(Part::Field(field.to_owned()));
            rest = behind;
        }
        if rest.contains('}') {
            return Err("a `}` without a `{`");
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Some(Self { parts }))
    }

    /// The names in braces, in order.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The path with values in place of names; the first name that has none is the error.
    pub fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Result<String, &str> {
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Field(name) => path.push_str(&value(name).ok_or(name.as_str())?),
            }
        }
        Ok(path)
    }

    /// The folder that a place is in for certain: all of it, or what lies before the first brace.
    pub fn folder_of(place: &RelativePath) -> RelativePath {
        let Some((before, _)) = place.split_once('{') else { return place.clone() };
        let folder = before.rsplit_once('/').map_or(".", |(folder, _)| folder);
        RelativePath::new(folder).unwrap_or_else(|_| place.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> RelativePath {
        RelativePath::new(name).unwrap()
    }

    #[test]
    fn names_in_braces_are_filled() {
        let place = path("train/{experiment}/Plate{plate}/{well}_s1_w{channel}");
        let template = Template::of(&place).unwrap().unwrap();
        assert_eq!(
            template.fields().collect::<Vec<_>>(),
            ["experiment", "plate", "well", "channel"]
        );
        let value = |name: &str| match name {
            "experiment" => Some("HEPG2-01".to_owned()),
            "plate" => Some("1".to_owned()),
            "well" => Some("B03".to_owned()),
            _ => None,
        };
        assert_eq!(template.fill(value), Err("channel"));
        let all = |name: &str| if name == CHANNEL { Some("6".to_owned()) } else { value(name) };
        assert_eq!(template.fill(all).unwrap(), "train/HEPG2-01/Plate1/B03_s1_w6");
        assert_eq!(Template::folder_of(&place), "train");
        assert_eq!(Template::folder_of(&path("a/b{id}")), "a");
        assert_eq!(Template::folder_of(&path("{id}")), ".");
        assert_eq!(Template::folder_of(&path("a/b")), "a/b");
    }

    #[test]
    fn braces_come_in_pairs() {
        assert_eq!(Template::of(&path("train")), Ok(None));
        for wrong in ["a/{id", "a/id}", "a/{}", "a/{ }", "a/{x{y}}", "}a{id}", "{id}}"] {
            assert!(Template::of(&path(wrong)).is_err(), "{wrong}");
        }
    }
}
