//! What a message tells to type next can be typed.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::process::{Command, Output};

use clap::Parser;
use image::{Rgb, RgbImage};
use kaggle_kit::competition;
use kaggle_kit::fs;
use kaggle_kit::program::Cli;

use crate::support::{self, Scratch};
use crate::tidy::{NONE, files_in};

/// The commands of a line between backticks, or after `next: `.
fn commands(told: &str) -> Vec<String> {
    let after = told.lines().filter_map(|line| line.strip_prefix("next: "));
    let quoted = told.split('`').skip(1).step_by(2).filter(|code| code.starts_with("kaggle-kit "));
    after.chain(quoted).map(str::to_owned).collect()
}

/// Types a command, and more words, as a person does.
fn typed(here: &Scratch, command: &str, more: &str) -> Output {
    let mut shell = Command::new("sh");
    let folder = support::program().parent().unwrap().to_owned();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    shell.args(["-c", &format!("{command} {more}")]).current_dir(here.path());
    shell.env("PATH", path).env("HOME", here.home()).env_remove("KAGGLE_KIT_ROOT");
    shell.output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A spec with a name that a shell takes apart, and its data in `src`.
fn with_spec(here: &Scratch, name: &str) {
    let source = competition::find("dogs-vs-cats").unwrap().source;
    here.write(name, source.replace("dogs-vs-cats-redux-kernels-edition", "mine"));
    for image in ["train/cat.1", "train/dog.1", "test/1"] {
        let path = here.write(&format!("src/{image}.jpg"), "");
        RgbImage::from_pixel(8, 8, Rgb([90, 120, 150])).save(path).unwrap();
    }
    here.write("src/sample_submission.csv", "id,label\n1,0.5\n");
}

#[test]
fn the_next_step_and_hints_name_the_spec_as_it_was_typed_and_the_root() {
    for (spec, root) in [
        ("./mine.toml", ""),
        ("'My spec (2).toml'", "--root 'my work'"),
        ("\"it's.toml\"", "--root ./work"),
    ] {
        let here = Scratch::new();
        with_spec(&here, spec.trim_matches(['\'', '"']).trim_start_matches("./"));

        let none = typed(&here, &format!("kaggle-kit train {spec} {root}"), "");
        let hints = commands(&stderr(&none));
        assert_eq!(hints.len(), 1, "{}", stderr(&none));
        let fetch = typed(&here, &hints[0], "--from src");
        assert!(fetch.status.success(), "{}: {}", hints[0], stderr(&fetch));

        let next = commands(&stderr(&fetch));
        assert_eq!(next.len(), 1, "{}", stderr(&fetch));
        let shown = typed(&here, &next[0], "--show-recipe");
        assert!(shown.status.success(), "{}: {}", next[0], stderr(&shown));
        assert!(next[0].contains("--root") != root.is_empty(), "{}", next[0]);

        let submit = typed(&here, &format!("kaggle-kit submit {spec} {root}"), "");
        let hints = commands(&stderr(&submit));
        let shown = typed(&here, &hints[0], "--show-recipe");
        assert!(shown.status.success(), "{}: {}", hints[0], stderr(&shown));

        let check = typed(&here, &format!("kaggle-kit fetch {spec} {root}"), "--check");
        assert!(check.status.success(), "{}", stderr(&check));
        fs::remove_dir_all(here.path().join(match root {
            "" => "data",
            "--root ./work" => "work/data",
            _ => "my work/data",
        }))
        .unwrap();
        let check = typed(&here, &format!("kaggle-kit fetch {spec} {root}"), "--check");
        let hints = commands(&stderr(&check));
        assert!(typed(&here, &hints[0], "--from src").status.success(), "{hints:?}");
    }
}

#[test]
fn a_root_may_be_given_twice_and_the_last_one_counts() {
    let here = Scratch::new();
    with_spec(&here, "mine.toml");
    for options in ["--root a --root b", "--root b"] {
        let none = typed(&here, &format!("kaggle-kit {options} train mine.toml"), "--root c");
        let hint = &commands(&stderr(&none))[0];
        assert_eq!(hint, "kaggle-kit fetch mine.toml --root c");
    }
}

/// Of every message in the code: its commands are those of the program, with their options.
#[test]
fn every_command_in_a_message_is_one() {
    let root = support::repository();
    let mut sources = files_in(&root.join("src"), "rs");
    sources.extend(files_in(&root.join("engine/src"), "rs"));
    sources.retain(|path| !path.ends_with("tests.rs"));
    let (mut wrong, mut n) = (Vec::new(), 0);
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        let code: Vec<&str> =
            text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        // A text that goes on in the next line.
        let code: String =
            code.join("\n").split("\\\n").map(|part| part.trim_start().to_owned()).collect();
        for command in code.split('`').filter(|code| code.starts_with("kaggle-kit ")) {
            // Of any command at all.
            if ["kaggle-kit <command>", "kaggle-kit {"].iter().any(|any| command.starts_with(any)) {
                continue;
            }
            n += 1;
            let place = format!("{}: `{command}`", path.display());
            let words: Vec<String> = command
                .split_whitespace()
                .map(
                    |word| {
                        if word.contains(['{', '<']) { "x".to_owned() } else { word.to_owned() }
                    },
                )
                .collect();
            // A competition is named as it was typed: `Competition::command`.
            let names_one = ["fetch", "train", "submissions", "runs"].contains(&words[1].as_str())
                && words.iter().skip(2).any(|word| word == "x");
            let known = Cli::try_parse_from(&words)
                .map(drop)
                .or_else(|error| if error.use_stderr() { Err(()) } else { Ok(()) });
            if names_one || known.is_err() {
                wrong.push(place);
            }
        }
    }
    assert_eq!(wrong, NONE);
    assert!(n > 5, "{n} commands found");
}

#[test]
fn options_of_other_programs_are_answered_with_ours() {
    for (option, expected) in [
        ("--lr", "`find-head-rate.rate`"),
        ("--epochs", "`head-with-augmentation.epochs`"),
        ("--bs", "`batch-size`"),
        ("--batch_size", "`batch-size`"),
        ("--arch", "`backbone`"),
        ("--max-cycles", "`whole-network.max-cycles`"),
    ] {
        let here = Scratch::new();
        let output = here.kaggle_kit().args(["train", "planet", option, "1"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let told = stderr(&output);
        assert!(told.contains("--set KEY=VALUE") && told.contains(expected), "{told}");
    }
    let long = format!("--{}", "y".repeat(100_000));
    let output = Scratch::new().kaggle_kit().args(["train", "planet", &long]).output().unwrap();
    assert!(stderr(&output).len() < 2000, "{}", stderr(&output).len());
}
