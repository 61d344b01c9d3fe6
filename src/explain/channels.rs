//! Ids that stand for several files each: `a` for `a_red`, `a_green` and `a_blue`.

use std::collections::BTreeSet;

/// So many ids are looked at.
const TRIED: usize = 20;
/// More files an image are something else.
const MOST: usize = 16;

/// What the files of an id are called behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Between the id and the name of a channel: `_`.
    pub between: String,
    /// In byte order.
    pub names: Vec<String>,
}

/// The endings that every id has files of, if there are several and they are the same for all of them.
pub fn channels(ids: &[&str], known: &[&str]) -> Option<Channels> {
    let apart = ids.len().div_ceil(TRIED).max(1);
    let tried: Vec<&str> = ids.iter().step_by(apart).copied().filter(|id| !id.is_empty()).collect();
    let endings = |id: &str| -> BTreeSet<String> {
        known.iter().filter_map(|name| name.strip_prefix(id)).map(str::to_owned).collect()
    };
    let first = endings(tried.first()?);
    if !(2..=MOST).contains(&first.len()) || tried.iter().any(|id| endings(id) != first) {
        return None;
    }
    let between = ["_", "-", "."].into_iter().find(|between| {
        first.iter().all(|ending| ending.len() > between.len() && ending.starts_with(between))
    })?;
    let names = first.iter().map(|ending| ending[between.len()..].to_owned()).collect();
    Some(Channels { between: between.to_owned(), names })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_begin_with_every_id_are_its_channels() {
        let known = ["a_red", "a_green", "b_red", "b_green", "c"];
        let found = channels(&["a", "b"], &known).unwrap();
        assert_eq!((found.between.as_str(), found.names.join(" ")), ("_", "green red".to_owned()));
        assert_eq!(channels(&["a", "c"], &known), None);
        assert_eq!(channels(&["x"], &known), None);
        assert_eq!(channels(&["b"], &["b_thumbnail"]), None);
        assert_eq!(channels(&[], &known), None);
    }
}
