//! What Kaggle has, before anything is downloaded: its files by name, the heads of its tables, its metric.

use std::collections::VecDeque;
use std::path::Path;

use anyhow::Result;

use crate::archive;
use crate::infer::{self, Data, Entry, Listing, Table};
use crate::kaggle::{Client, CompetitionInfo, Error};
use crate::term;

/// Folders that are asked for: each is a call, and Kaggle counts these.
const MOST_FOLDERS: usize = 40;
/// So deep below the top they may lie.
const DEEPEST: usize = 4;
/// Folders of one folder that are looked into; the others are likely to be alike.
const OF_ONE: usize = 3;
/// Tables whose heads are asked for.
const MOST_TABLES: usize = 12;
/// Bytes of each.
const HEAD: u64 = 2 << 20;

/// A competition as Kaggle tells of it.
pub(super) struct Told {
    pub(super) data: Data,
    pub(super) info: CompetitionInfo,
    /// The text of its evaluation page.
    pub(super) page: String,
}

/// Asks for everything but the data. That it takes notebooks only is said before anything else.
pub(super) fn look(client: &Client, slug: &str) -> Result<Told> {
    let info = client.competition(slug)?;
    term::heading(format_args!("{slug}: {}", info.title));
    if info.is_kernels_submissions_only {
        term::warn(
            "it takes notebooks only, no CSV: what is trained here is attached to a notebook there",
        );
    }
    if info.submissions_disabled {
        term::warn("it takes no submissions any more");
    }
    // Without its page the metric has to be asked for.
    let page = client.competition_pages(slug).map(evaluation).unwrap_or_default();
    let listing = list(client, slug)?;
    let tables = tables(client, slug, &listing)?;
    Ok(Told { data: Data { listing, tables, ..Data::default() }, info, page })
}

fn evaluation(pages: Vec<crate::kaggle::Page>) -> String {
    let found = pages.into_iter().find(|page| page.name.to_lowercase().contains("evaluation"));
    found.map(|page| plain(&page.content)).unwrap_or_default()
}

/// HTML or Markdown as lines of text.
fn plain(content: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for sign in content.chars() {
        match sign {
            '<' => is_tag = true,
            '>' if is_tag => {
                is_tag = false;
                text.push(' ');
            }
            sign if !is_tag => text.push(sign),
            _ => {}
        }
    }
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// All files where they are few, else folder by folder, of each the first page.
fn list(client: &Client, slug: &str) -> Result<Listing> {
    let first = client.first_files(slug)?;
    let (mut entries, mut unseen) = (Vec::new(), Vec::new());
    if !first.more {
        for file in first.files {
            add(&mut entries, &mut unseen, file.name, file.total_bytes);
        }
        return Ok(Listing::new(entries, unseen).lifted());
    }
    let mut folders = VecDeque::from([(String::new(), 0)]);
    let mut n_asked = 0;
    while let Some((folder, depth)) = folders.pop_front() {
        if n_asked == MOST_FOLDERS || depth > DEEPEST {
            unseen.push(folder);
            continue;
        }
        n_asked += 1;
        let page = client.folder(slug, &folder)?;
        let inside = |name: &str| {
            if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
        };
        for file in page.files {
            // Some answers have the whole path.
            let name = file.name.strip_prefix(&format!("{folder}/")).unwrap_or(&file.name);
            add(&mut entries, &mut unseen, inside(name), file.total_bytes);
        }
        for (order, inner) in page.directories.iter().enumerate() {
            let path = inside(inner.name.trim_matches('/'));
            // At the top each may be another part.
            if depth == 0 || order < OF_ONE {
                folders.push_back((path, depth + 1));
            } else {
                unseen.push(path);
            }
        }
        if !page.next_page_token.is_empty() {
            unseen.push(folder);
        }
    }
    Ok(Listing::new(entries, unseen).lifted())
}

/// A file, or the folder that an archive becomes; a packed table is a table.
fn add(entries: &mut Vec<Entry>, unseen: &mut Vec<String>, name: String, bytes: u64) {
    let stem = archive::stem(Path::new(&name));
    let base = name.rsplit('/').next().unwrap_or(&name);
    let before = &name[..name.len() - base.len()];
    let whole = base.rsplit_once('.').map_or("", |(whole, _)| whole);
    if let Some((start, _)) = whole.split_once(".zip").filter(|(_, rest)| rest.is_empty()) {
        unseen.push(format!("{before}{start}"));
    } else if stem == base {
        entries.push(Entry::new(name, bytes));
    } else if infer::is_table(&stem) {
        entries
            .push(Entry { at: Some(name.clone()), ..Entry::new(format!("{before}{stem}"), bytes) });
    } else {
        unseen.push(format!("{before}{stem}"));
    }
}

/// The heads of the tables; one that cannot be had is passed over, and said, unless none can be: the
/// rules want to be accepted first.
fn tables(client: &Client, slug: &str, listing: &Listing) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for entry in listing.tables().into_iter().take(MOST_TABLES) {
        match client.file_head(slug, entry.place(), HEAD) {
            Ok(head) => tables.extend(table(&entry.path, &head)),
            Err(error @ Error::RulesNotAccepted { .. }) => return Err(error.into()),
            Err(error) => {
                let why = term::describe(&error.into()).0;
                term::warn(format_args!("`{}` was not looked at: {why}", entry.path));
            }
        }
    }
    Ok(tables)
}

/// A table out of its first bytes, which may be those of a zip.
fn table(path: &str, head: &[u8]) -> Option<Table> {
    let is_zip = head.starts_with(b"PK\x03\x04");
    let mut text = if is_zip { archive::unzipped_start(head) } else { head.to_vec() };
    let is_cut = head.len() as u64 == HEAD;
    if is_cut && !path.to_lowercase().ends_with(".json") {
        // The last line is a part of one.
        text.truncate(text.iter().rposition(|&byte| byte == b'\n')? + 1);
    }
    let table = Table::read(path, text.as_slice())?;
    Some(Table { is_whole: table.is_whole && !is_cut, ..table })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_as_text() {
        let text = plain("<h2>Evaluation</h2>\n\n<p>Scored by <b>MAP@5</b>:</p>\nrows");
        assert_eq!(text, "Evaluation\nScored by MAP@5 :\nrows");
    }

    #[test]
    fn packed_tables_are_tables_and_other_archives_folders() {
        let (mut entries, mut unseen) = (Vec::new(), Vec::new());
        for name in [
            "train.zip",
            "labels.csv.zip",
            "a.csv",
            "train.csv/train.csv",
            "test.zip.001",
            "test.zip.002",
        ] {
            add(&mut entries, &mut unseen, name.to_owned(), 1);
        }
        let listing = Listing::new(entries, unseen).lifted();
        let paths: Vec<(&str, &str)> =
            listing.entries.iter().map(|entry| (entry.path.as_str(), entry.place())).collect();
        assert_eq!(
            paths,
            [
                ("a.csv", "a.csv"),
                ("labels.csv", "labels.csv.zip"),
                ("train.csv", "train.csv/train.csv")
            ]
        );
        assert_eq!(listing.unseen, ["test", "train"]);
    }

    #[test]
    fn a_table_is_read_out_of_the_start_of_a_zip() {
        let bytes = archive::made::zip_of(
            zip::CompressionMethod::Deflated,
            &[("a.csv", b"id,label\n1,x\n2,y\n")],
        );
        let table = super::table("a.csv", &bytes).unwrap();
        assert_eq!((table.header.len(), table.rows.len()), (2, 2));
    }
}
