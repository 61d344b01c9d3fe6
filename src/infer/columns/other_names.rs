//! Columns that the sample calls otherwise than the table: `X4` and `X4_mean`, `Normal` and `normal`.

use super::super::table::Table;

/// A column for each of the names, in their order, under the same letters and digits, or with the same
/// ending behind each.
pub(super) fn find(table: &Table, others: &[usize], names: &[&str]) -> Option<Vec<usize>> {
    let same: Option<Vec<usize>> = names.iter().map(|name| alike(table, others, name)).collect();
    same.or_else(|| {
        let first = names.first()?;
        let endings = others.iter().filter_map(|&column| {
            table.header[column].strip_prefix(first).filter(|rest| is_ending(rest))
        });
        // A mean goes before its deviation.
        let mut endings: Vec<&str> = endings.collect();
        endings.sort_by_key(|ending| !ending.to_lowercase().contains("mean"));
        endings.into_iter().find_map(|ending| {
            let column = |name: &&str| {
                let wanted = format!("{name}{ending}");
                others.iter().copied().find(|&column| table.header[column] == wanted)
            };
            names.iter().map(column).collect()
        })
    })
}

/// The only column of the same letters and digits.
fn alike(table: &Table, others: &[usize], name: &str) -> Option<usize> {
    let letters = |name: &str| -> String {
        name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let wanted = letters(name);
    let mut found = others.iter().copied().filter(|&at| letters(&table.header[at]) == wanted);
    found.next().filter(|_| found.next().is_none() && !wanted.is_empty())
}

/// `_mean` goes on behind a name; `1` makes another of it.
fn is_ending(rest: &str) -> bool {
    rest.chars().next().is_some_and(|sign| !sign.is_alphanumeric())
}
