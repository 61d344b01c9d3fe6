//! Paths with braces: `train/{id}_{channel}`, `train/{experiment}/Plate{plate}/{well}_s1_w{channel}`.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::images::Images;
use super::place::{Place, Role, named_folder};
use super::table::Table;
use super::text;

/// Rows that a path is made from; it is then tried on all.
const EXAMPLES: usize = 24;
/// Columns that may be in a path: those of pixels are not.
const MOST_COLUMNS: usize = 24;
/// Stands for the name of a channel.
const CHANNEL: &str = "{channel}";
/// More files of a row are slices of something, of which rows need not have equally many.
const USUAL_CHANNELS: usize = 6;
/// Files that one row may have.
const MOST_FILES: usize = 64;

/// Files whose paths have the id between other words.
pub(super) fn around_ids(
    images: &Images,
    ids: &[&str],
    usable: &dyn Fn(usize) -> bool,
) -> Option<Place> {
    let step = ids.len().div_ceil(EXAMPLES).max(1);
    let examples: Vec<&str> = ids.iter().copied().step_by(step).collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let paths = images.paths();
    let mut bare: Vec<(&str, usize)> = paths.iter().map(|(path, n)| (*path, *n)).collect();
    bare.retain(|(_, n)| usable(*n));
    for id in &examples {
        let mut n_found = 0;
        for (path, _) in &bare {
            if let Some(filled) = with_braces(path, id, "{id}") {
                *counts.entry(filled).or_default() += 1;
                n_found += 1;
                if n_found > MOST_FILES {
                    return None;
                }
            }
        }
    }
    // Some images have no small copy, or lack a channel.
    let n_enough = (examples.len() * 2).div_ceil(3).max(1);
    let held: Vec<String> =
        counts.into_iter().filter(|(_, n)| *n >= n_enough).map(|(path, _)| path).collect();
    let fill = |template: &str, row: usize| Some(template.replace("{id}", ids[row]));
    chosen(&held, ids.len(), &paths, &fill, &|_| true)
}

/// A path in which a value, where it stands alone, is braces with a name.
fn with_braces(path: &str, value: &str, braces: &str) -> Option<String> {
    let starts = path.match_indices(value).map(|(start, _)| start);
    let alone: Vec<usize> = starts
        .filter(|&start| {
            let end = start + value.len();
            let before = path[..start].chars().next_back();
            let after = path[end..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
        .collect();
    if alone.is_empty() {
        return None;
    }
    let mut filled = String::new();
    let mut from = 0;
    for start in alone.into_iter().filter(|&start| start >= from).collect::<Vec<_>>() {
        filled.push_str(&path[from..start]);
        filled.push_str(braces);
        from = start + value.len();
    }
    filled.push_str(&path[from..]);
    Some(filled)
}

/// Paths made of what stands in columns.
pub(super) fn of_columns(
    images: &Images,
    table: &Table,
    id: usize,
    role: Role,
    usable: &dyn Fn(usize) -> bool,
) -> Option<Place> {
    let columns: Vec<usize> = (0..table.header.len().min(MOST_COLUMNS)).collect();
    let name = |column: usize| {
        if column == id { "{id}".to_owned() } else { format!("{{{}}}", table.header[column]) }
    };
    let paths = images.paths();
    let bare: Vec<(&str, usize)> =
        paths.iter().map(|(path, n)| (*path, *n)).filter(|(_, n)| usable(*n)).collect();
    let whole: HashMap<&str, &str> =
        bare.iter().map(|(path, n)| (images.all[*n].path, *path)).collect();
    let examples: Vec<usize> = table.spread(EXAMPLES).collect();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for &row in &examples {
        let mut values: Vec<(usize, &str)> = columns
            .iter()
            .map(|&column| (column, table.cell(row, column)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        values.sort_by_key(|(column, value)| (usize::MAX - value.len(), *column));
        let filled = of_row(&bare, &whole, &values, &name);
        if filled.len() <= MOST_FILES {
            for path in filled {
                *counts.entry(path).or_default() += 1;
            }
        }
    }
    let n_enough = (examples.len() * 2).div_ceil(3).max(1);
    let held: Vec<String> =
        counts.into_iter().filter(|(_, n)| *n >= n_enough).map(|(path, _)| path).collect();
    let fill = |template: &str, row: usize| {
        let used = columns.iter().map(|&column| (name(column), table.cell(row, column)));
        Some(filled(template, used, &whole))
    };
    // A table may have several rows about an image, which it then names.
    let is_path = |template: &str| {
        columns.iter().any(|&column| {
            template.contains(&name(column)) && table.cell(0, column).contains(['.', '/'])
        })
    };
    let mut place = chosen(&held, table.rows.len(), &paths, &fill, &is_path)?;
    place.places.sort_by_key(|path| role == Role::Test && !text::is_test(path));
    Some(place)
}

/// A path with a row's values in place of its braces.
fn filled<'v>(
    template: &str,
    values: impl Iterator<Item = (String, &'v str)>,
    whole: &HashMap<&str, &str>,
) -> String {
    let mut path = template.to_owned();
    for (braces, value) in values {
        if path.contains(&braces) {
            path = path.replace(&braces, value);
            // A name in a table may have its extension, and folders of another machine before it.
            let bare = ends(&path).find_map(|end| whole.get(end)).map(|bare| (*bare).to_owned());
            path = bare.unwrap_or(path);
        }
    }
    path
}

/// A path, and what is left of it without its first folders, as long as there is one.
fn ends(path: &str) -> impl Iterator<Item = &str> {
    let inner = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
    std::iter::once(path).chain(inner.filter(|end| end.contains('/')))
}

/// The paths of the files that have the most of a row's values in them, as braces.
fn of_row(
    bare: &[(&str, usize)],
    whole: &HashMap<&str, &str>,
    values: &[(usize, &str)],
    name: &dyn Fn(usize) -> String,
) -> Vec<String> {
    let mut best: Vec<String> = Vec::new();
    let mut most = 0;
    // A value that is a path, or a whole name, says it all.
    for &(column, value) in values.iter().filter(|(_, value)| value.contains(['.', '/'])) {
        let is_end = |path: &str| {
            let rest = path.strip_suffix(value)?;
            (rest.is_empty() || rest.ends_with('/')).then(|| format!("{rest}{}", name(column)))
        };
        best.extend(whole.keys().filter_map(|path| is_end(path)));
        best.extend(bare.iter().filter_map(|(path, _)| is_end(path)));
        if ends(value).skip(1).any(|end| whole.contains_key(end)) {
            best.push(name(column));
        }
    }
    if !best.is_empty() {
        return best;
    }
    for (path, _) in bare {
        // Each value once; longer ones first.
        let mut spans: Vec<(usize, usize, usize)> = Vec::new();
        for &(column, value) in values {
            if let Some(start) = place_of(path, value, &spans) {
                spans.push((start, start + value.len(), column));
            }
        }
        let n_letters: usize = spans.iter().map(|(start, end, _)| end - start).sum();
        let rank = spans.len() * 100 + n_letters;
        if spans.is_empty() || rank < most {
            continue;
        }
        if rank > most {
            best.clear();
            most = rank;
        }
        spans.sort_unstable();
        let mut filled = String::new();
        let mut from = 0;
        for (start, end, column) in spans {
            filled.push_str(&path[from..start]);
            filled.push_str(&name(column));
            from = end;
        }
        filled.push_str(&path[from..]);
        best.push(filled);
    }
    best
}

/// Where a value stands in a path as a word or a number of its own, outside of `spans`.
fn place_of(path: &str, value: &str, spans: &[(usize, usize, usize)]) -> Option<usize> {
    let is_digit = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_digit());
    let is_word = |sign: Option<char>| sign.is_some_and(char::is_alphanumeric);
    path.match_indices(value).map(|(start, _)| start).find(|&start| {
        let end = start + value.len();
        let before = path[..start].chars().next_back();
        let after = path[end..].chars().next();
        // `Plate1` has a 1, but `Plate12` has not.
        let starts =
            if is_digit(value.chars().next()) { !is_digit(before) } else { !is_word(before) };
        let is_free = spans.iter().all(|(from, to, _)| end <= *from || start >= *to);
        let is_whole = value.bytes().all(|byte| byte.is_ascii_digit());
        let ends = if is_whole { !is_digit(after) } else { !is_word(after) };
        starts && ends && is_free
    })
}

/// Of paths that hold for many rows, those that hold for nearly all; several that differ in one word are
/// the channels of one picture.
fn chosen(
    held: &[String],
    n_rows: usize,
    paths: &HashMap<&str, usize>,
    fill: &dyn Fn(&str, usize) -> Option<String>,
    is_path: &dyn Fn(&str) -> bool,
) -> Option<Place> {
    let file = |template: &str, row: usize| paths.get(fill(template, row)?.as_str()).copied();
    let mut good: Vec<(&String, Vec<usize>)> = held
        .iter()
        .filter(|path| path.contains('{') && !path.contains("{}"))
        .map(|path| (path, (0..n_rows).filter_map(|row| file(path, row)).collect::<Vec<_>>()))
        .filter(|(_, found)| found.len() * 2 >= n_rows.max(1))
        .filter(|(path, found)| tells_apart(found) || is_path(path))
        .collect();
    let most = good.iter().map(|(_, found)| found.len()).max()?;
    good.retain(|(_, found)| found.len() * 10 >= most * 9);
    // Of many slices those count that all rows have.
    if good.iter().any(|(_, found)| found.len() == n_rows) && good.len() > USUAL_CHANNELS {
        good.retain(|(_, found)| found.len() == n_rows);
    }
    // Names that say more of the row are better than such as lead to the same file by chance.
    let braces = |path: &str| path.matches('{').count();
    let n_braces = good.iter().map(|(path, _)| braces(path)).max()?;
    good.retain(|(path, _)| braces(path) == n_braces);
    let names: Vec<&str> = good.iter().map(|(path, _)| path.as_str()).collect();
    let found = |path: &str| good.iter().find(|(known, _)| *known == path).map(|(_, found)| found);
    let several = if names.len() > 1 { channels(&names) } else { None };
    let Some((path, channels)) = several else {
        let only = *names.first()?;
        let found = found(only)?.clone();
        let share = found.len() as f64 / n_rows.max(1) as f64;
        return Some(Place { places: vec![named_folder(only)], found, share, ..Place::default() });
    };
    let filled: Vec<String> = channels.iter().map(|name| path.replace(CHANNEL, name)).collect();
    let of_channels: Vec<&Vec<usize>> = filled.iter().filter_map(|path| found(path)).collect();
    let most = of_channels.iter().map(|found| found.len()).max().unwrap_or_default();
    let share = most as f64 / n_rows.max(1) as f64;
    let found = of_channels.into_iter().flatten().copied().collect();
    let is_left = |name: &&&str| !filled.iter().any(|path| path == **name);
    let aside = names.iter().filter(is_left).map(|name| (*name).to_owned()).collect();
    Some(Place { places: vec![path], channels, found, share, aside, ..Place::default() })
}

/// Whether a path leads rows to files of their own. One with a label in it that happens to be the number
/// of a file leads many rows to a few.
fn tells_apart(found: &[usize]) -> bool {
    let files: HashSet<usize> = found.iter().copied().collect();
    files.len() * 2 >= found.len()
}

/// `a_{channel}` and `red`, `green`, `blue` for `a_red`, `a_green`, `a_blue`. Where two words differ, the one
/// with more values counts, and the other is the first.
fn channels(paths: &[&str]) -> Option<(String, Vec<String>)> {
    let pieces: Vec<Vec<&str>> = paths.iter().map(|path| in_pieces(path)).collect();
    let width = pieces.first()?.len();
    let same: Vec<&Vec<&str>> = pieces.iter().filter(|one| one.len() == width).collect();
    let values = |at: usize| {
        let mut values: Vec<String> = same.iter().map(|one| one[at].to_owned()).collect();
        text::sort(&mut values);
        values.dedup();
        values
    };
    let varied: Vec<(usize, Vec<String>)> =
        (0..width).map(|at| (at, values(at))).filter(|(_, values)| values.len() > 1).collect();
    let (place, names) = varied.iter().max_by_key(|(_, values)| values.len())?;
    let names: Vec<String> = names.iter().filter(|name| !text::is_extra(name)).cloned().collect();
    let first: Vec<&str> = (0..width)
        .map(|at| match varied.iter().find(|(other, _)| *other == at) {
            Some((at, _)) if at == place => CHANNEL,
            Some((_, values)) => values[0].as_str(),
            None => same[0][at],
        })
        .collect();
    Some((first.concat(), in_order(names)))
}

/// Words, numbers, braces, and what is between.
fn in_pieces(path: &str) -> Vec<&str> {
    let kind = |sign: char| match sign {
        sign if sign.is_ascii_digit() => 0,
        sign if sign.is_alphabetic() => 1,
        _ => 2,
    };
    let mut pieces = Vec::new();
    let (mut from, mut last, mut inside) = (0, None, false);
    for (at, sign) in path.char_indices() {
        let now = if inside || sign == '{' { 3 } else { kind(sign) };
        inside = (inside || sign == '{') && sign != '}';
        if last.is_some_and(|last| last != now || now == 2) {
            pieces.push(&path[from..at]);
            from = at;
        }
        last = Some(now);
    }
    pieces.push(&path[from..]);
    pieces
}

/// Red, green and blue come first, as in a picture.
fn in_order(mut names: Vec<String>) -> Vec<String> {
    let usual = ["red", "green", "blue"];
    let rank = |name: &String| usual.iter().position(|usual| name.eq_ignore_ascii_case(usual));
    names.sort_by_key(|name| rank(name).unwrap_or(usual.len()));
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_the_word_that_differs() {
        let paths = ["t/{id}_blue", "t/{id}_green", "t/{id}_red", "t/{id}_yellow"];
        let (path, names) = channels(&paths).unwrap();
        assert_eq!(path, "t/{id}_{channel}");
        assert_eq!(names, ["red", "green", "blue", "yellow"]);
        let sites: Vec<String> = (1..=2)
            .flat_map(|site| {
                (1..=6).map(move |w| format!("t/{{e}}/Plate{{p}}/{{well}}_s{site}_w{w}"))
            })
            .collect();
        let sites: Vec<&str> = sites.iter().map(String::as_str).collect();
        let (path, names) = channels(&sites).unwrap();
        assert_eq!(path, "t/{e}/Plate{p}/{well}_s1_w{channel}");
        assert_eq!(names, ["1", "2", "3", "4", "5", "6"]);
    }

    #[test]
    fn ids_are_found_where_they_stand_alone() {
        let found = |path, id| with_braces(path, id, "{id}");
        assert_eq!(found("a/12_thumb", "12").as_deref(), Some("a/{id}_thumb"));
        assert_eq!(found("12/12_red", "12").as_deref(), Some("{id}/{id}_red"));
        assert_eq!(found("a/112_thumb", "12"), None);
        assert_eq!(place_of("Plate1/B03_s2", "1", &[]), Some(5));
        assert_eq!(place_of("Plate12/B03_s2", "1", &[]), None);
    }
}
