//! Files in which a row is an image and a class: `ID_12cadc6af_epidural,0.5`.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result, bail};

use super::header::shown;
use crate::competition::RowPattern;
use crate::target::Classes;

/// Such rows as a table of images and classes.
#[derive(Debug, PartialEq)]
pub(super) struct Grid {
    /// In the order of their first rows.
    pub(super) images: Vec<String>,
    pub(super) classes: Classes,
    /// The place among the rows of each image and class: `[images, classes]`, row-major.
    pub(super) rows: Vec<usize>,
}

/// Takes the ids of rows apart; every image must have a row of every class. `known` classes may be none:
/// then they are those that the ids have.
pub(super) fn grid(ids: &[String], pattern: &RowPattern, known: &[String]) -> Result<Grid> {
    let found;
    let (names, is_known) = if known.is_empty() {
        found = classes_in(ids, pattern);
        (&found[..], false)
    } else {
        (known, true)
    };
    let classes: Classes = names.to_vec().into();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut images: Vec<&str> = Vec::new();
    let mut rows: Vec<Option<usize>> = Vec::new();
    for (row, id) in ids.iter().enumerate() {
        let (image, class) =
            pattern.split(id, names).with_context(|| unlike(id, pattern, names))?;
        let place = *places.entry(image).or_insert_with(|| {
            images.push(image);
            rows.resize(images.len() * names.len(), None);
            images.len() - 1
        });
        rows[place * names.len() + class] = Some(row);
    }
    let absent = rows.iter().position(Option::is_none);
    if let Some(place) = absent {
        let row = pattern.join(images[place / names.len()], &names[place % names.len()]);
        let hint = if is_known {
            "every image needs a row of each of `target.classes`"
        } else {
            "every image needs a row of every class: name them in `target.classes` if these ids are not \
             what they seem"
        };
        bail!("no row `{}`\nhint: {hint}", shown(row));
    }
    let rows = rows.into_iter().flatten().collect();
    Ok(Grid { images: images.into_iter().map(str::to_owned).collect(), classes, rows })
}

/// What is wrong with the id of a row that names no class.
pub(super) fn unlike(id: &str, pattern: &RowPattern, classes: &[String]) -> String {
    let few = classes.iter().take(3).map(|class| format!("`{}`", shown(class)));
    let few = few.collect::<Vec<_>>().join(", ");
    let more = if classes.len() > 3 { ", .." } else { "" };
    format!(
        "`{}` is no image and class, as in `{pattern}`\nhint: the {} {few}{more}",
        shown(id),
        if classes.len() == 1 { "class is" } else { "classes are" }
    )
}

/// The classes that ids of rows end in (or begin with): what stands behind the last mark, as `epidural`
/// in `ID_1_epidural`, unless the image before it is another image and a part of a class, as in
/// `7_patient_overall` beside `7_C1`. In the order in which they are met.
fn classes_in(ids: &[String], pattern: &RowPattern) -> Vec<String> {
    let cuts: Vec<Vec<(&str, &str)>> = ids.iter().map(|id| pattern.cuts(id)).collect();
    let images: HashSet<&str> = cuts.iter().filter_map(|cuts| Some(cuts.first()?.0)).collect();
    let (mut seen, mut classes) = (HashSet::new(), Vec::new());
    for cuts in &cuts {
        let longest = cuts.iter().rev().find(|(image, _)| images.contains(image));
        if let Some(&(_, class)) = longest
            && seen.insert(class)
        {
            classes.push(class.to_owned());
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern() -> RowPattern {
        "{id}_{class}".to_owned().try_into().unwrap()
    }

    fn of(ids: &str, known: &str) -> Result<Grid> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        grid(&words(ids), &pattern(), &words(known))
    }

    #[test]
    fn rows_become_a_table_whatever_their_order() {
        let grid = of("ID_1_any ID_2_sub ID_1_sub ID_2_any", "sub any").unwrap();
        assert_eq!(grid.images, ["ID_1", "ID_2"]);
        assert_eq!(grid.classes.names(), ["sub", "any"]);
        assert_eq!(grid.rows, [2, 0, 1, 3]);
    }

    #[test]
    fn classes_are_found_in_the_ids() {
        let grid = of("ID_1_any ID_1_sub ID_2_any ID_2_sub", "").unwrap();
        assert_eq!(
            (grid.images.len(), grid.classes.names()),
            (2, &["any", "sub"].map(str::to_owned)[..])
        );
        let overall =
            of("1.2_C1 1.2_C2 1.2_patient_overall 3_C1 3_C2 3_patient_overall", "").unwrap();
        assert_eq!(overall.images, ["1.2", "3"]);
        assert_eq!(overall.classes.names(), ["C1", "C2", "patient_overall"]);
    }

    #[test]
    fn what_is_missing_or_unlike_is_told() {
        let error = |ids, known| format!("{:#}", of(ids, known).unwrap_err());
        assert!(error("a_x a_y b_x", "x y").starts_with("no row `b_y`\nhint: every image needs"));
        assert!(error("a_x a_y b_x", "").contains("name them in `target.classes`"));
        let unlike = error("a_x a_z", "x y");
        assert_eq!(
            unlike,
            "`a_z` is no image and class, as in `{id}_{class}`\nhint: the classes are `x`, `y`"
        );
    }
}
