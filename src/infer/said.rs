//! Answers that were given beforehand and fit nothing: a slip of the hand must not be passed over.

use super::beyond::Beyond;
use super::data::{self, Data};
use super::guess::{Guess, NONE, Wishes};
use super::text;
use crate::explain;

/// Looks whether there are the columns and folders that were named.
pub(super) fn check(data: &Data, wishes: &Wishes) -> Result<(), Beyond> {
    let is_column = |name: &str| data.tables.iter().any(|table| table.column(name).is_some());
    let is_free = |name: &str| name == NONE || name.starts_with("dicom:");
    for (flag, wanted) in [("label", &wishes.label), ("group", &wishes.group)] {
        let Some(wanted) = wanted else { continue };
        let is_known = is_column(wanted) || (flag == "group" && is_free(wanted));
        if !is_known {
            let said = wanted.clone();
            let way_on = of_columns(data, wanted);
            return Err(Beyond::Unfit {
                flag,
                said,
                problem: "no table has such a column",
                way_on,
            });
        }
    }
    if let Some(wanted) = &wishes.images {
        let folder = wanted.trim_end_matches('/').split('{').next().unwrap_or_default();
        let is_there = |path: &String| data::is_below(path, folder) || path.starts_with(folder);
        let paths = data.listing.entries.iter().map(|entry| &entry.path);
        if !paths.chain(&data.listing.unseen).any(is_there) {
            return Err(Beyond::Unfit {
                flag: "images",
                said: wanted.clone(),
                problem: "nothing lies there",
                way_on: "give the folder as it is below that of the data".to_owned(),
            });
        }
    }
    Ok(())
}

/// Looks whether what was said has come to something.
pub(super) fn check_guess(guess: &Guess, wishes: &Wishes) -> Result<(), Beyond> {
    if let Some(wanted) = wishes.group.as_ref().filter(|wanted| *wanted != NONE)
        && guess.split.is_none()
    {
        return Err(Beyond::Unfit {
            flag: "group",
            said: wanted.clone(),
            problem: "no table with that column has the training images",
            way_on: "`--group none` leaves it out; a `[split]` may also be written by hand"
                .to_owned(),
        });
    }
    if let Some(wanted) = &wishes.positive {
        let is_named = guess.submission.class.as_ref() == Some(wanted)
            || guess.rename.iter().any(|(from, to)| from == wanted || to == wanted)
            || guess.classes.is_empty();
        if !is_named {
            return Err(Beyond::Unfit {
                flag: "positive",
                said: wanted.clone(),
                problem: "there is no such class",
                way_on: format!("there are {}", text::few(&guess.classes)),
            });
        }
    }
    Ok(())
}

/// The columns that there are, the nearest first.
fn of_columns(data: &Data, wanted: &str) -> String {
    let names = || data.tables.iter().flat_map(|table| table.header.iter().map(String::as_str));
    if let Some(near) = explain::nearest(wanted, names()) {
        return format!("did you mean `{near}`?");
    }
    let mut all: Vec<&str> = Vec::new();
    for name in names().filter(|name| !name.is_empty()) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    if all.is_empty() {
        "there is no table".to_owned()
    } else {
        format!("there are {}", text::few(&all))
    }
}
