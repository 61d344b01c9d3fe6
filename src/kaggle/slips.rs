//! What goes wrong with credentials before they are read: a name that is not quite the right one, the
//! wrong folder, the content of one file under the name of another, an editor's encoding.

use std::path::{Path, PathBuf};

use crate::fs;

/// More names of one folder are not looked at.
const MOST_NAMES: usize = 5_000;
/// So many files are pointed at.
const MOST_HINTS: usize = 3;

/// A hint for every file that looks like credentials but is not where, or called what, they should be.
/// `folders` are those where kaggle.json belongs.
pub(super) fn look_alikes(folders: &[PathBuf], home: Option<&Path>) -> Vec<String> {
    let mut hints = Vec::new();
    for folder in folders {
        for name in names(folder) {
            if let Some(right) = right_name(&name).filter(|right| *right != name) {
                let path = folder.join(&name);
                hints.push(format!("`{}` looks like it: rename it to `{right}`", path.display()));
            }
        }
    }
    let elsewhere = home.into_iter().flat_map(|home| [home.to_owned(), home.join("Downloads")]);
    let Some(usual) = folders.first() else { return hints };
    for folder in elsewhere.chain([PathBuf::from(".")]).filter(|one| !folders.contains(one)) {
        for name in names(&folder) {
            if right_name(&name) == Some("kaggle.json") {
                let (path, right) = (folder.join(&name), usual.join("kaggle.json"));
                let (path, right) = (path.display(), right.display());
                hints.push(format!("`{path}` looks like it: move it to `{right}`"));
            }
        }
    }
    hints.truncate(MOST_HINTS);
    hints
}

/// The ordinary files of a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let files = entries.take(MOST_NAMES).filter_map(|entry| {
        let entry = entry.ok()?;
        entry.path().is_file().then(|| entry.file_name().into_string().ok())?
    });
    let mut names: Vec<String> = files.collect();
    names.sort();
    names
}

/// What a file of such a name should be called: Windows hides endings, browsers number what is
/// downloaded twice.
fn right_name(name: &str) -> Option<&'static str> {
    let lower = name.to_lowercase();
    let bare = lower.trim_start_matches('.');
    let rest = |start: &str| bare.strip_prefix(start);
    let is_kaggle_json = rest("kaggle").is_some_and(|rest| {
        let rest = rest.trim_start_matches(|c: char| " ()-_".contains(c) || c.is_ascii_digit());
        matches!(rest, "" | ".txt") || rest.starts_with(".json") || rest.starts_with("json")
    });
    if is_kaggle_json {
        return Some("kaggle.json");
    }
    match rest("access_token").or_else(|| rest("access-token"))? {
        // That name is a place of its own.
        ".txt" if name == "access_token.txt" => None,
        "" | ".txt" | ".txt.txt" | ".json" => Some("access_token"),
        _ => None,
    }
}

/// A hint line, or nothing, for a kaggle.json that holds something else.
pub(super) fn of_pair(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.starts_with("KGAT_") {
        return Some("this is an access token: save it as `access_token` in the same folder");
    }
    of_page(text).or_else(|| {
        let typographic = text.contains(['“', '”', '„', '‘', '’']);
        typographic.then_some("its quotation marks are typographic: write plain ones, `\"`")
    })
}

/// The same for a token.
pub(super) fn of_token(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.starts_with('{') {
        return Some("this is what kaggle.json holds: save it as `kaggle.json` in `~/.kaggle`");
    }
    let quoted = text.len() > 1 && text.starts_with(['"', '\'']) && text.ends_with(['"', '\'']);
    of_page(text).or(quoted.then_some("leave the quotation marks around it out"))
}

fn of_page(text: &str) -> Option<&'static str> {
    text.starts_with('<').then_some("this is a web page: make the file anew on its site")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_nearly_right_are_told() {
        for (name, right) in [
            ("kaggle.json.txt", Some("kaggle.json")),
            ("kaggle.json.json", Some("kaggle.json")),
            ("kaggle (1).json", Some("kaggle.json")),
            ("kaggle(2).json", Some("kaggle.json")),
            ("Kaggle.JSON", Some("kaggle.json")),
            (".kaggle.json", Some("kaggle.json")),
            ("kaggle", Some("kaggle.json")),
            ("kaggle.txt", Some("kaggle.json")),
            ("kaggle_json", Some("kaggle.json")),
            ("access_token.txt.txt", Some("access_token")),
            ("Access_Token.txt", Some("access_token")),
            ("access-token", Some("access_token")),
            ("access_token.txt", None),
            ("kaggle-survey-2021.csv", None),
            ("kaggle_environment.yml", None),
            ("notes.txt", None),
        ] {
            assert_eq!(right_name(name), right, "{name}");
        }
    }

    #[test]
    fn files_beside_and_elsewhere_are_pointed_at() {
        let home = tempfile::tempdir().unwrap();
        let usual = home.path().join(".kaggle");
        for name in [".kaggle/kaggle.json.txt", "Downloads/kaggle (1).json", ".kaggle/other.txt"] {
            fs::write_atomic(home.path().join(name), "{}").unwrap();
        }
        let hints = look_alikes(std::slice::from_ref(&usual), Some(home.path()));
        let home = home.path().display();
        assert_eq!(
            hints,
            [
                format!(
                    "`{home}/.kaggle/kaggle.json.txt` looks like it: rename it to `kaggle.json`"
                ),
                format!(
                    "`{home}/Downloads/kaggle (1).json` looks like it: move it to `{}`",
                    usual.join("kaggle.json").display()
                ),
            ]
        );
    }
}
