//! Rules of the code that no compiler holds: the layers, the two doors, who prints, lengths.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kaggle_kit::fs;

use crate::support;

/// From the top down. A module may use its own layer and the lower ones.
const LAYERS: &[&[&str]] = &[
    &["main", "program"],
    &["commands", "exit", "mishap", "session", "standin"],
    &["torch", "report", "submission", "decide"],
    &["learn"],
    &["kaggle", "archive", "cache", "convert", "dataset", "run", "weights"],
    &[
        "competition",
        "device",
        "infer",
        "outputs",
        "recipe",
        "schedule",
        "metric",
        "place",
        "table",
        "target",
        "zoo",
    ],
    &[
        "ended", "explain", "foreign", "fs", "hash", "json", "lines", "pixels", "term", "typed",
        "progress", "relative", "rng", "room", "sibling", "words",
    ],
];

/// The files of the layer of pure values that may read files.
const READERS: &[&str] = &["src/competition/registry.rs"];

const MAX_LINES: usize = 400;

#[test]
fn modules_use_lower_layers_only() {
    assert_eq!(in_sources(layering), NONE);
}

#[test]
fn one_door_to_libtorch_and_one_to_http() {
    let doors = |file: &Source| {
        let mut wrong = names_outside(file, "tch", "torch");
        wrong.extend(names_outside(file, "reqwest", "kaggle"));
        wrong
    };
    assert_eq!(in_sources(doors), NONE);
}

#[test]
fn only_term_and_report_print() {
    assert_eq!(in_sources(printing), NONE);
}

#[test]
fn pure_values_read_no_files() {
    assert_eq!(in_sources(reading), NONE);
}

#[test]
fn files_are_short() {
    assert_eq!(in_sources(length), NONE);
}

#[test]
fn every_module_is_in_the_table_of_layers() {
    let mut modules: BTreeSet<String> = sources().iter().map(|s| s.module.clone()).collect();
    modules.remove("lib");
    let table: BTreeSet<String> = LAYERS.concat().into_iter().map(str::to_owned).collect();
    assert_eq!(modules, table);
}

/// The rules themselves, on sources that break them.
#[test]
fn the_rules_can_be_broken() {
    let source = |path: &str, text: &str| Source::new(path, text);
    let bad = source("src/metric/fbeta.rs", "use crate::fs;\n\nlet x = crate::learn::fit(1);\n");
    assert_eq!(layering(&bad), ["src/metric/fbeta.rs:3: `metric` may not use `learn`"]);
    let group = source("src/learn/a.rs", "use crate::{fs, torch::{self, head},\n    run::Run};\n");
    assert_eq!(layering(&group), ["src/learn/a.rs:1: `learn` may not use `torch`"]);
    let unknown = source("src/target.rs", "use crate::helper;");
    assert_eq!(layering(&unknown).len(), 1);
    let up = "use crate::program::Cli;";
    assert_eq!(layering(&source("src/commands/train.rs", up)).len(), 1);
    assert_eq!(reading(&source("src/recipe/mod.rs", "use crate::fs;")).len(), 1);
    assert_eq!(reading(&source("src/run.rs", "use crate::fs;")), NONE);
    let main = source("src/main.rs", "use kaggle_kit::program;\nuse kaggle_kit::commands::train;");
    assert_eq!(layering(&main), NONE);
    let comment =
        source("src/target.rs", "//! See [`crate::learn`].\nlet a = 1; // crate::program\n");
    assert_eq!(layering(&comment), NONE);
    let allowed = source("src/competition/spec.rs", "use crate::target::Classes;");
    assert_eq!(layering(&allowed), NONE);

    let tensor = source("src/learn/a.rs", "fn f(t: &tch::Tensor) {}\nuse tch;\nuse watch::x;\n");
    assert_eq!(names_outside(&tensor, "tch", "torch").len(), 2);
    assert_eq!(names_outside(&source("src/torch/a.rs", "use tch::Kind;"), "tch", "torch"), NONE);

    let loud = source("src/run.rs", "fn f() {\n    eprintln!(\"x\");\n    let println = 1;\n}\n");
    assert_eq!(printing(&loud), ["src/run.rs:2: `eprintln!` outside `term` and `report`"]);
    assert_eq!(length(&source("src/run.rs", &"\n".repeat(MAX_LINES + 1))).len(), 1);
}

pub(crate) const NONE: [&str; 0] = [];

/// A file of the program, its comments taken out.
struct Source {
    path: String,
    module: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let inside = path.strip_prefix("engine/").unwrap_or(path);
        // `pixels/` is one module here, and so is all of the stand-in but its `main`.
        let inside = match path.split_once("/src/") {
            Some(("standin", "main.rs")) => "main",
            Some((package @ ("pixels" | "standin"), _)) => package,
            _ => inside.trim_start_matches("src/"),
        };
        let module = inside.split(['/', '.']).next().unwrap().to_owned();
        let code: Vec<&str> = text.lines().map(without_comment).collect();
        Self { path: path.to_owned(), module, code: code.join("\n") }
    }

    fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path, 1 + self.code[..offset].matches('\n').count())
    }

    /// Where `word` stands alone, not as a part of a longer name.
    fn places_of(&self, word: &str) -> Vec<usize> {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        self.code
            .match_indices(word)
            .map(|(start, _)| start)
            .filter(|&start| !self.code[..start].ends_with(is_part))
            .filter(|&start| !self.code[start + word.len()..].starts_with(is_part))
            .collect()
    }
}

/// `//` starts a comment where a space or nothing is before it; in an address a colon is.
fn without_comment(line: &str) -> &str {
    let starts = line.match_indices("//").map(|(at, _)| at);
    let at = starts.into_iter().find(|&at| at == 0 || line[..at].ends_with(char::is_whitespace));
    &line[..at.unwrap_or(line.len())]
}

fn sources() -> Vec<Source> {
    let root = support::repository();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
        Source::new(&name, &fs::read_to_string(path).unwrap())
    };
    let folders = ["src", "engine/src", "pixels/src", "standin/src"]
        .map(|folder| files_in(&root.join(folder), "rs"));
    let sources: Vec<Source> = folders.concat().into_iter().map(read).collect();
    assert!(sources.len() > 20, "only {} sources found", sources.len());
    sources
}

fn in_sources(rule: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    sources().iter().flat_map(rule).collect()
}

pub(crate) fn files_in(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn layering(file: &Source) -> Vec<String> {
    if file.module == "lib" {
        return Vec::new();
    }
    let layer = |module: &str| LAYERS.iter().position(|layer| layer.contains(&module));
    let mut wrong = Vec::new();
    let is_package = ["pixels", "standin"].contains(&file.module.as_str());
    let own: &[&str] = if is_package { &[] } else { &["crate", "kaggle_kit_engine"] };
    for root in own.iter().chain(&["kaggle_kit"]) {
        for start in file.places_of(root) {
            let Some(path) = file.code[start + root.len()..].strip_prefix("::") else { continue };
            for used in first_names(path) {
                // A name that is no module would be an item of lib.rs, which has none.
                if layer(&used) < layer(&file.module) {
                    let at = file.place(start);
                    wrong.push(format!("{at}: `{}` may not use `{used}`", file.module));
                }
            }
        }
    }
    wrong
}

/// `a` of `a::b`, and `a`, `c` of `{a::{b}, c}`.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = path.strip_prefix('{') else { return vec![name(path)] };
    let mut names = vec![name(group)];
    let mut depth = 0;
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn names_outside(file: &Source, library: &str, door: &str) -> Vec<String> {
    if file.module == door {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for start in file.places_of(library) {
        let after = &file.code[start + library.len()..];
        if after.starts_with("::") || file.code[..start].ends_with("use ") {
            wrong.push(format!("{}: `{library}` outside `{door}`", file.place(start)));
        }
    }
    wrong
}

fn printing(file: &Source) -> Vec<String> {
    if ["term", "report"].contains(&file.module.as_str()) {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for name in ["print", "println", "eprint", "eprintln", "dbg"] {
        for start in file.places_of(name) {
            if file.code[start + name.len()..].starts_with('!') {
                let at = file.place(start);
                wrong.push(format!("{at}: `{name}!` outside `term` and `report`"));
            }
        }
    }
    wrong
}

fn reading(file: &Source) -> Vec<String> {
    let is_pure = LAYERS[LAYERS.len() - 2].contains(&file.module.as_str());
    if !is_pure || READERS.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let places = file.places_of("fs").into_iter().chain(file.places_of("File"));
    places.map(|start| format!("{}: a pure value reads files", file.place(start))).collect()
}

fn length(file: &Source) -> Vec<String> {
    let n = file.code.matches('\n').count() + 1;
    if n > MAX_LINES { vec![format!("{}: {n} lines", file.path)] } else { Vec::new() }
}
