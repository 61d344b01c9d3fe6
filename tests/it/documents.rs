//! What the documents name exists, and what exists is named: commands, competitions, links, licences.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kaggle_kit::fs;

use crate::support::{self, kaggle_kit};
use crate::tidy::{NONE, files_in};

#[test]
fn competitions_parse_and_are_named_in_the_documents() {
    let documents = ["README.md", "competitions/README.md"];
    let texts = documents.map(|name| fs::read_to_string(support::repository().join(name)).unwrap());
    let mut n = 0;
    for path in files_in(&support::repository().join("competitions"), "toml") {
        let competition = kaggle_kit::competition::find(path.to_str().unwrap()).unwrap();
        for (document, text) in documents.iter().zip(&texts) {
            assert!(text.contains(&competition.name), "{document} lacks `{}`", competition.name);
        }
        n += 1;
    }
    assert!(n >= 3, "{n} competitions");
}

#[test]
fn the_readme_names_every_command_and_no_other() {
    let readme = fs::read_to_string(support::repository().join("README.md")).unwrap();
    let help = kaggle_kit().arg("--help").assert().success().get_output().stdout.clone();
    let commands = commands_in_help(&String::from_utf8(help).unwrap());
    let named = commands_in_code(&readme, "kaggle-kit");
    assert_eq!(named, commands);
    let makefile = fs::read_to_string(support::repository().join("Makefile")).unwrap();
    for target in commands_in_code(&readme, "make") {
        assert!(makefile.contains(&format!("\n{target}:")), "no `make {target}`");
    }
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let root = support::repository();
    let mut documents = Vec::new();
    for folder in ["", "docs", "competitions", "benches", "fuzz"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            documents.push(entry.unwrap().path());
        }
    }
    documents.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    assert!(documents.len() > 10, "only {} documents found", documents.len());
    let broken = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let of = |link: &String| format!("{}: `{link}`", path.display());
        links(&text).iter().filter(|link| !leads(path, link)).map(of).collect::<Vec<_>>()
    };
    assert_eq!(documents.iter().flat_map(broken).collect::<Vec<_>>(), NONE);
}

#[test]
fn there_is_one_version() {
    let root = support::repository();
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    let changelog = read("CHANGELOG.md");
    let newest = changelog.lines().find(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    assert!(newest.unwrap().starts_with(&format!("{version} (")), "{newest:?} is not {version}");
    let programs: toml::Table = toml::from_str(&read("programs/Cargo.toml")).unwrap();
    assert_eq!(programs["package"]["version"].as_str(), Some(version), "programs/");
    // The wheel's is that of programs/, which maturin takes.
    let wheel: toml::Table = toml::from_str(&read("programs/pyproject.toml")).unwrap();
    let project = &wheel["project"];
    assert_eq!(project["dynamic"][0].as_str(), Some("version"));
    assert!(project.get("version").is_none());
}

/// What is more belongs into `docs/`.
#[test]
fn the_readme_is_short() {
    let readme = fs::read_to_string(support::repository().join("README.md")).unwrap();
    assert!(readme.lines().count() <= 120, "{} lines", readme.lines().count());
}

#[test]
fn files_that_the_documents_name_exist() {
    let root = support::repository();
    let mut documents = files_in(&root.join("docs"), "md");
    documents.extend(["CONTRIBUTING.md", "SECURITY.md"].map(|name| root.join(name)));
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for code in text.split('`').skip(1).step_by(2) {
            let is_ours = ["src/", "engine/", "standin/", "scripts/", "tests/"]
                .into_iter()
                .any(|folder| code.starts_with(folder));
            if is_ours && !code.contains(['<', ' ', ':']) {
                assert!(root.join(code).exists(), "{}: `{code}`", document.display());
            }
        }
    }
}

/// What a document says that a test holds is held by one.
#[test]
fn tests_that_the_documents_name_exist() {
    let root = support::repository();
    let folders = ["src", "engine/src", "standin/tests", "tests/it"];
    let sources = folders.into_iter().flat_map(|folder| files_in(&root.join(folder), "rs"));
    let code: String = sources.map(|path| fs::read_to_string(path).unwrap()).collect();
    let text = fs::read_to_string(root.join("docs/several-gpus.md")).unwrap();
    let is_name = |code: &&str| {
        code.matches('_').count() > 2 && code.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(is_name).collect();
    assert!(named.len() > 12, "{named:?}");
    let missing: Vec<&str> =
        named.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert_eq!(missing, NONE);
}

#[test]
fn every_package_is_licensed_and_the_texts_are_here() {
    let root = support::repository();
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        assert!(root.join(licence).is_file(), "no {licence}");
    }
    for manifest in ["", "engine", "standin", "benches", "fuzz"] {
        let text = fs::read_to_string(root.join(manifest).join("Cargo.toml")).unwrap();
        assert!(text.contains("license"), "`{manifest}` has no licence");
    }
}

/// The rules themselves.
#[test]
fn names_and_links_are_found_in_a_text() {
    let help =
        "Usage: x\n\nCommands:\n  fetch  Gets data\n  help   Tells\n\nOptions:\n  -q  Quiet\n";
    assert_eq!(commands_in_help(help), BTreeSet::from(["fetch".to_owned()]));
    let text = "Run kaggle-kit daily.\n`kaggle-kit score a.csv`\n\n```\n$ kaggle-kit --root x\n./kaggle-kit fetch planet\n```\n";
    let named = BTreeSet::from(["fetch".to_owned(), "score".to_owned()]);
    assert_eq!(commands_in_code(text, "kaggle-kit"), named);

    let text = "[a](b.md#c) and `[no](link)`\n```\n[no](either)\n```\n[d](https://e.org) [f](#g)";
    assert_eq!(links(text), ["b.md#c", "#g"]);
    assert_eq!(anchor("## `--rows`, and Why it's so"), "--rows-and-why-its-so");
}

/// Where a Markdown text's links lead inside the repository.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let plain: String = line.split('`').step_by(2).collect();
        for rest in plain.split("](").skip(1).filter(|_| !fenced) {
            let link = rest.split(')').next().unwrap_or_default();
            if !link.contains("://") {
                found.push(link.to_owned());
            }
        }
    }
    found
}

/// Whether a link in a document names a file, and a heading in it.
fn leads(document: &Path, link: &str) -> bool {
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() { document.to_owned() } else { document.with_file_name(path) };
    let has_heading = || {
        let text = fs::read_to_string(&target).unwrap_or_default();
        text.lines().any(|line| line.starts_with('#') && anchor(line) == heading)
    };
    target.exists() && (heading.is_empty() || has_heading())
}

/// A heading's address, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The names under `Commands:`, without `help`.
fn commands_in_help(help: &str) -> BTreeSet<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// The words after `program` in a Markdown text's code.
fn commands_in_code(text: &str, program: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let pieces: Vec<&str> =
            if fenced { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        for piece in pieces {
            let mut words = piece.split_whitespace().map(|word| word.trim_start_matches("./"));
            while let Some(word) = words.next() {
                if word != program {
                    continue;
                }
                let next = words.next().unwrap_or_default();
                let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
                if next.starts_with(|c: char| c.is_ascii_lowercase()) && next.chars().all(is_name) {
                    names.insert(next.to_owned());
                }
            }
        }
    }
    names
}
