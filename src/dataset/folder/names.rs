//! What classes are called in reports: `target.names`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};

use super::json;
use super::missing;
use super::table::{Table, header_text};
use crate::competition::Competition;
use crate::fs;

/// The columns that hold labels, and those that hold their names.
const LABELS: [&str; 5] = ["id", "label", "category_id", "class", "class_id"];
const NAMES: [&str; 6] = ["name", "label_name", "class_name", "title", "description", "label"];

/// The name of each label, where the spec names a file of them; none where it does not.
///
/// COCO's `categories`, JSON of labels and names (`{"0": "blight"}`), a list of records, or a CSV: the first column of labels,
/// and one called `name` or, in a table of two, the other.
pub fn names(competition: &Competition, folder: &Path) -> Result<BTreeMap<String, String>> {
    let Some(file) = &competition.target.names else { return Ok(BTreeMap::new()) };
    let path = missing::find_table(competition, folder, file)?;
    let table = Table::open(&path)?;
    if table.is_json() {
        let pairs = json::categories(&fs::read(&path)?)?;
        if !pairs.is_empty() {
            return Ok(pairs.into_iter().collect());
        }
    }
    let find = |names: &[&str]| {
        names.iter().find_map(|name| table.header.iter().position(|known| known == name))
    };
    let label_at = find(&LABELS).unwrap_or(0);
    let others = || (0..table.header.len()).filter(|&at| at != label_at);
    let name_at = match find(&NAMES).filter(|&at| at != label_at) {
        Some(at) => at,
        None if others().count() == 1 => others().next().unwrap_or_default(),
        None => bail!(
            "`{}` has no column of names: `{}`\nhint: `target.names` wants one called `name` beside the \
             labels, or JSON such as {{\"0\": \"cat\"}}",
            table.path.display(),
            header_text(&table.header)
        ),
    };
    let pair =
        |(_, row): &(u64, csv::StringRecord)| (row[label_at].to_owned(), row[name_at].to_owned());
    Ok(table.rows.iter().map(pair).filter(|(_, name)| !name.is_empty()).collect())
}
