//! Commands that a person can type: quoted for a shell, with the options that this call was given.

use std::path::{Path, PathBuf};
use std::sync::RwLock;

/// The folder that `--root` has to name for a command to mean what this call meant.
static ROOT: RwLock<Option<PathBuf>> = RwLock::new(None);

/// Keeps the folder that commands have to name; none where they find it by themselves.
pub fn keep_root(root: Option<PathBuf>) {
    if let Ok(mut kept) = ROOT.write() {
        *kept = root;
    }
}

/// `kaggle-kit` with these words, and with `--root` as it was given.
pub fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let root = ROOT.read().ok().and_then(|root| root.clone());
    line(words, root.as_deref())
}

fn line<'a>(words: impl IntoIterator<Item = &'a str>, root: Option<&Path>) -> String {
    let mut typed: Vec<String> = std::iter::once("kaggle-kit").chain(words).map(quoted).collect();
    if let Some(root) = root {
        typed.push("--root".to_owned());
        typed.push(quoted(&root.to_string_lossy()));
    }
    typed.join(" ")
}

/// A word as a shell takes it: in quotes where something in it means something to a shell.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_quoted_and_names_the_root() {
        let line = |spec| line(["train", spec], None);
        assert_eq!(line("./mine.toml"), "kaggle-kit train ./mine.toml");
        assert_eq!(line("Mein Wettbewerb (2).toml"), "kaggle-kit train 'Mein Wettbewerb (2).toml'");
        assert_eq!(line("it's.toml"), r"kaggle-kit train 'it'\''s.toml'");
        assert_eq!(line("$HOME`x`.toml"), "kaggle-kit train '$HOME`x`.toml'");
        assert_eq!(line(""), "kaggle-kit train ''");
        assert_eq!(
            super::line(["runs"], Some(Path::new("/my data"))),
            "kaggle-kit runs --root '/my data'"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_what_was_meant() {
        for word in ["plain", "a b", "it's", "\"x\"", "$(x)", "*?", "a\\b", "", "~", "#", "ä;|&"] {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }
}
