//! Images that belong together: a patient's, a driver's, those of one place. They must not be on both
//! sides of a split.

use std::collections::HashMap;

use super::columns::Columns;
use super::data::Data;
use super::guess::{Guess, NONE, Split, Wishes};
use super::images::Images;
use super::labels::{From, Labels};
use super::place::{self, ENOUGH, Role, Taken};
use super::sample::Sample;
use super::table::{Form, Table};
use super::text;

/// What such columns are called, the likeliest first.
const NAMES: [&str; 19] = [
    "patient",
    "subject",
    "driver",
    "person",
    "individual",
    "animal",
    "seq",
    "experiment",
    "location",
    "slide",
    "study",
    "case",
    "lesion",
    "donor",
    "specimen",
    "participant",
    "volunteer",
    "burst",
    "series",
];

/// Fills in the split, and tells about it.
pub(super) fn find(
    guess: &mut Guess,
    data: &Data,
    images: &Images,
    sample: &Sample,
    labels: &Labels,
    wishes: &Wishes,
) {
    if wishes.group.as_deref() == Some(NONE) {
        return;
    }
    let mut found = of_columns(data, images, sample, labels, wishes.group.as_deref());
    if let Some((column, table, n)) = found.first().cloned() {
        let where_at = table.as_ref().map_or_else(String::new, |(file, _)| format!(" of `{file}`"));
        let why = format!(
            "`{column}`{where_at} has {n} values for many images: theirs stay on one side of a split"
        );
        guess.note("split", found.len() == 1, why);
        if found.len() > 1 {
            found.dedup_by(|a, b| a.0 == b.0);
            let mut choices: Vec<String> =
                found.iter().map(|(column, ..)| column.clone()).collect();
            choices.push(NONE.to_owned());
            guess.ask(
                "group",
                "which images must stay together in a split: those with the same ..",
                choices,
            );
        }
        guess.split = Some(Split::Group { column, table });
        return;
    }
    if let Some(pattern) = of_ids(labels) {
        guess.note("split", true, "both eyes or sides of one patient stay on one side of a split");
        guess.split = Some(Split::Pattern(pattern));
    } else if let Some(n) = repeated_names(images, labels, sample) {
        let why = format!(
            "{n} files of each name, one in each folder, are one picture: they stay on one side of a split"
        );
        // Folders that are numbered from one each look like this as well.
        guess.note("split", false, why);
        guess.split = Some(Split::Pattern("([^/]+)$".to_owned()));
    } else if are_patients(data) {
        guess.note(
            "split",
            true,
            "several DICOM files name one patient: theirs stay on one side of a split",
        );
        guess.split = Some(Split::Group { column: "dicom:PatientID".to_owned(), table: None });
    }
}

type Found = (String, Option<(String, String)>, usize);

/// Columns of the label table, or of another that names the same images.
fn of_columns(
    data: &Data,
    images: &Images,
    sample: &Sample,
    labels: &Labels,
    wanted: Option<&str>,
) -> Vec<Found> {
    let mut found = Vec::new();
    let is_label = |table: &Table, column: usize| match &labels.from {
        From::Table { table: other, columns, .. } if other.path == table.path => match columns {
            Columns::One { column: label, .. } => *label == column,
            Columns::All(labels) | Columns::PerClass(labels) => labels.contains(&column),
        },
        _ => false,
    };
    let own = labels.from.table();
    if let Some((table, Some(id))) = own {
        let columns = group_columns(table, wanted);
        let fitting =
            columns.into_iter().filter(|(column, _)| *column != id && !is_label(table, *column));
        let fitting = wider_first(table, fitting.collect());
        found
            .extend(fitting.into_iter().map(|(column, n)| (table.header[column].clone(), None, n)));
    }
    if !found.is_empty() {
        return found;
    }
    let taken: Taken =
        sample.place().map(|place| place.found.iter().copied().collect()).unwrap_or_default();
    for table in &data.tables {
        let is_other = own.is_none_or(|(own, _)| own.path != table.path);
        if !is_other || table.path == sample.table.path || table.form == Form::Names {
            continue;
        }
        let columns = group_columns(table, wanted);
        if columns.is_empty() {
            continue;
        }
        let id = (0..table.header.len().min(16)).find(|&column| {
            let is_unique = table.values(column).len() * 10 >= table.rows.len() * 9;
            is_unique && place::share(images, true, (table, column), Role::Train, &taken) >= ENOUGH
        });
        let Some(id) = id else { continue };
        let file = (table.path.clone(), table.header[id].clone());
        let fitting = columns.into_iter().filter(|(column, _)| *column != id).collect();
        let of_it =
            |(column, n): (usize, usize)| (table.header[column].clone(), Some(file.clone()), n);
        found.extend(wider_first(table, fitting).into_iter().map(of_it));
    }
    found
}

/// The likeliest column first, unless all that it keeps together another does as well: the bursts of a camera
/// are all of one location.
fn wider_first(table: &Table, mut columns: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    /// Fewer groups are hard to hold some of out.
    const FEWEST: usize = 5;
    let Some(&(first, n_first)) = columns.first() else { return columns };
    let holds = |&(other, n): &(usize, usize)| {
        let mut of: HashMap<&str, &str> = HashMap::new();
        let mut pairs = table.cells(first).zip(table.cells(other));
        (FEWEST..n_first).contains(&n) && pairs.all(|(a, b)| *of.entry(a).or_insert(b) == b)
    };
    let widest =
        (1..columns.len()).filter(|&at| holds(&columns[at])).min_by_key(|&at| columns[at].1);
    if let Some(at) = widest {
        let column = columns.remove(at);
        columns.insert(0, column);
    }
    columns
}

/// Columns whose names say so, with more than two values, of which many occur again.
fn group_columns(table: &Table, wanted: Option<&str>) -> Vec<(usize, usize)> {
    let rank = |name: &str| {
        let words = text::words(name);
        NAMES.iter().position(|known| {
            words.iter().any(|word| word == known || word == &format!("{known}s"))
        })
    };
    let mut found: Vec<(usize, usize, usize)> = Vec::new();
    for (column, name) in table.header.iter().enumerate().take(128) {
        let rank = match wanted {
            Some(wanted) => (name == wanted).then_some(0),
            None => rank(name),
        };
        let Some(rank) = rank else { continue };
        let n = table.values(column).len();
        if wanted.is_some() || (n > 2 && n * 10 <= table.rows.len() * 9) {
            found.push((rank, column, n));
        }
    }
    found.sort_unstable();
    found.into_iter().map(|(_, column, n)| (column, n)).collect()
}

/// `10_left` and `10_right`.
fn of_ids(labels: &Labels) -> Option<String> {
    let (table, Some(id)) = labels.from.table()? else { return None };
    let is_side = |cell: &str| {
        let stem = super::data::stem(cell);
        let (start, side) = stem.rsplit_once('_').unwrap_or_default();
        let is_number = !start.is_empty() && start.bytes().all(|byte| byte.is_ascii_digit());
        is_number && matches!(side.to_lowercase().as_str(), "left" | "right" | "l" | "r")
    };
    let n = table.cells(id).filter(|cell| is_side(cell)).count();
    (n > 0 && n * 10 >= table.rows.len() * 9).then(|| r"^(\d+)_".to_owned())
}

/// How many folders hold a file of the same name, where nearly all names are in all of these.
fn repeated_names(images: &Images, labels: &Labels, sample: &Sample) -> Option<usize> {
    let From::Folder { .. } = labels.from else { return None };
    let taken: Taken =
        sample.place().map(|place| place.found.iter().copied().collect()).unwrap_or_default();
    let mut names: HashMap<&str, usize> = HashMap::new();
    for (n, image) in images.all.iter().enumerate() {
        if !image.is_test && !image.is_extra && !taken.contains(&n) {
            *names.entry(image.name).or_default() += 1;
        }
    }
    let most = names.values().max().copied().filter(|&most| most > 1)?;
    let n_in_all = names.values().filter(|&&n| n == most).count();
    (n_in_all * 10 >= names.len() * 9).then_some(most)
}

fn are_patients(data: &Data) -> bool {
    let mut n_of: HashMap<&str, usize> = HashMap::new();
    for (_, patient) in &data.patients {
        *n_of.entry(patient).or_default() += 1;
    }
    // Of many patients a few files hardly meet one twice.
    let n_again = data.patients.len() - n_of.len();
    n_of.len() > 1 && n_again > data.patients.len() / 100
}
