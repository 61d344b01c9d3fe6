//! What a person types and gets back: usage, names, exit codes.

use clap::Parser;
use kaggle_kit::program::{Cli, Command};
use kaggle_kit::recipe::{self, Recipe};
use predicates::prelude::*;
use predicates::str::contains;

use crate::support::{Scratch, kaggle_kit};

#[test]
fn help_tells_every_command_and_ends_with_examples() {
    let help = kaggle_kit().arg("--help").assert().success();
    let text = String::from_utf8(help.get_output().stdout.clone()).unwrap();
    for command in [
        "fetch",
        "train",
        "submit",
        "decide",
        "submissions",
        "leaderboard",
        "score",
        "list",
        "doctor",
        "demo",
        "standin",
    ] {
        assert!(text.contains(&format!("\n  {command} ")), "{text}");
        kaggle_kit().args([command, "--help"]).assert().success().stdout(contains("Usage:"));
    }
    assert!(text.contains("Examples:") && text.contains("Exit codes:"), "{text}");
}

#[test]
fn wrong_usage_exits_with_2() {
    for wrong in [
        vec!["frobnicate"],
        vec!["fetch"],
        vec!["train", "planet", "--device", "gpu"],
        vec!["submit", "--upload"],
        vec!["score", "a.csv"],
    ] {
        kaggle_kit().args(&wrong).assert().code(2).stderr(contains("Usage:").or(contains("help")));
    }
}

#[test]
fn an_unknown_competition_is_answered_with_the_known_ones() {
    for command in ["fetch", "train", "submit", "demo"] {
        let here = Scratch::new();
        here.kaggle_kit().args([command, "planets"]).assert().code(1).stderr(
            contains("unknown competition `planets`").and(contains("did you mean `planet`?")),
        );
    }
}

#[test]
fn without_data_or_runs_the_next_command_is_named() {
    let here = Scratch::new();
    let train = here.kaggle_kit().args(["train", "planet"]).assert().code(1);
    train.stderr(contains("no data for `planet`").and(contains("kaggle-kit fetch planet")));
    let submit = here.kaggle_kit().arg("submit").assert().code(1);
    submit.stderr(contains("no finished run").and(contains("kaggle-kit train")));
    here.kaggle_kit().arg("list").assert().success().stdout(contains("dog-breed"));
    let list = here.kaggle_kit().args(["list", "--json"]).assert().success();
    let rows: serde_json::Value = serde_json::from_slice(&list.get_output().stdout).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 7);
}

#[test]
fn the_recipe_can_be_seen_and_set() {
    let typed = ["train", "planet", "--show-recipe", "--set", "whole-network.max-cycles=1"];
    let shown = contains("max-cycles = 1").and(contains("augment = \"top-down\""));
    kaggle_kit().args(typed).assert().success().stdout(shown);
    // Its own size, but planet's crop.
    let lite2 = ["train", "planet", "--show-recipe", "--backbone", "tf_efficientnet_lite2"];
    let shown = contains("\nsize = 260 ").and(contains("\ncrop = 1.0 "));
    kaggle_kit().args(lite2).assert().success().stdout(shown);
    let wrong = ["train", "planet", "--show-recipe", "--set", "sizes=1"];
    kaggle_kit().args(wrong).assert().code(1).stderr(contains("did you mean `size`?"));
}

/// The recipe that `train` or `lr-find` would use.
fn recipe_of(typed: &[&str]) -> Recipe {
    let cli = Cli::try_parse_from([&["kaggle-kit"], typed].concat()).unwrap();
    let settings = match cli.command {
        Command::Train(args) => args.recipe.layers(),
        Command::LrFind(args) => args.recipe.layers(),
        other => panic!("{other:?}"),
    };
    recipe::resolve(&settings.unwrap()).unwrap()
}

#[test]
fn backbone_and_weights_have_options_of_their_own() {
    for command in ["train", "lr-find"] {
        let path = "my \"best\" run's = #1/[model].safetensors+\\other.pth";
        let both = "resnet18+vit_small_patch14_dinov2";
        let recipe = recipe_of(&[command, "planet", "--backbone", both, "--weights", path]);
        assert_eq!((recipe.backbone.as_str(), recipe.weights.as_str()), (both, path));
        assert_eq!((recipe.size, recipe.crop), (224, 1.0));
        // What would be a number in TOML is a name here.
        assert_eq!(recipe_of(&[command, "planet", "--weights", "7"]).weights, "7");
    }
}

#[test]
fn a_set_backbone_is_laid_over_the_option_and_both_over_a_file() {
    let here = Scratch::new();
    here.write("mine.toml", "backbone = \"resnet101\"\nbatch-size = 8\n");
    let file = here.path().join("mine.toml").display().to_string();
    let set = ["--set", "backbone=resnet34"];
    let typed = ["train", "planet", "--backbone", "resnet18", "--recipe", &file];
    let recipe = recipe_of(&typed);
    assert_eq!((recipe.backbone.as_str(), recipe.batch_size), ("resnet18", 8));
    assert_eq!(recipe_of(&[&typed[..], &set].concat()).backbone, "resnet34");
    assert_eq!(recipe_of(&[&typed[..2], &set, &typed[2..]].concat()).backbone, "resnet34");
}

#[test]
fn an_unknown_backbone_is_answered_with_the_known_ones() {
    let typed = ["train", "planet", "--show-recipe", "--backbone", "resnet18+convnext_tinny"];
    kaggle_kit().args(typed).assert().code(1).stderr(
        contains("`--backbone resnet18+convnext_tinny` does not fit")
            .and(contains("unknown architecture `convnext_tinny`"))
            .and(contains("did you mean `convnext_tiny`?")),
    );
}

#[test]
fn the_root_is_an_option_or_a_variable() {
    let (here, there) = (Scratch::new(), Scratch::new());
    let expected = there.path().join("data").display().to_string();
    let option = ["train", "planet", "--root", there.path().to_str().unwrap()];
    here.kaggle_kit().args(option).assert().code(1).stderr(contains(&expected));
    let mut by_variable = here.kaggle_kit();
    by_variable.env("KAGGLE_KIT_ROOT", there.path()).args(["train", "planet"]);
    by_variable.assert().code(1).stderr(contains(&expected));
}

#[cfg(unix)]
#[test]
fn a_spec_or_a_recipe_that_has_no_end_is_refused_at_once() {
    let here = Scratch::new();
    for name in ["pipe.toml", "recipe.toml"] {
        let made = std::process::Command::new("mkfifo").arg(here.path().join(name)).status();
        assert!(made.unwrap().success());
    }
    here.write("not-utf-8.toml", b"title = \"caf\xe9\"\n");
    here.write("huge.toml", vec![b'#'; 3 << 20]);
    here.write("folder.toml/x", "");
    for (arguments, expected) in [
        (&["train", "./pipe.toml"][..], "is a pipe"),
        (&["train", "planet", "--recipe", "recipe.toml"], "is a pipe"),
        (&["train", "./folder.toml"], "is a folder"),
        (&["train", "./not-utf-8.toml"], "line 1: not UTF-8"),
        (&["train", "./huge.toml"], "is longer than 1.0 MB"),
    ] {
        let mut command = here.kaggle_kit();
        command.args(arguments).arg("--show-recipe").timeout(std::time::Duration::from_secs(60));
        command.assert().code(1).stderr(contains(expected));
    }
}

#[test]
fn no_number_on_the_command_line_is_without_bounds() {
    for typed in [
        &["--max-minutes", "1e300"][..],
        &["--max-minutes", "inf"],
        &["--folds", "101"],
        &["--checkpoint-every", "-1"],
    ] {
        kaggle_kit().args(["train", "planet"]).args(typed).assert().code(2);
    }
    for setting in ["size=100000", "folds=9223372036854775807", "crop=1e-320", "head.width=1e9"] {
        let typed = ["train", "planet", "--show-recipe", "--set", setting];
        let name = setting.split('=').next().unwrap();
        kaggle_kit().args(typed).assert().code(1).stderr(contains(format!("`{name}` is")));
    }
}

#[test]
fn where_json_is_asked_for_json_comes() {
    let here = Scratch::new();
    here.write("solution.csv", "id,label\n1,1\n");
    here.write("a.csv", "id,label\n1,0.9\n");
    for words in [
        &["train", "planet", "--show-recipe", "--json", "--set", "size=96"][..],
        &["list", "--json"],
        &["runs", "--json"],
        &["models", "--json"],
        &["cache", "--json"],
        &["cache", "list", "--json"],
        &["cache", "clean", "--json"],
        &["score", "a.csv", "--solution", "solution.csv", "--json"],
    ] {
        let done = here.kaggle_kit().args(words).assert().success();
        let read: Result<serde_json::Value, _> = serde_json::from_slice(&done.get_output().stdout);
        assert!(read.is_ok(), "{words:?}");
        if words[0] == "train" {
            assert_eq!(read.unwrap()["size"], 96);
        }
    }
}

#[test]
fn a_spec_is_meant_by_its_name_where_it_lies_here() {
    let here = Scratch::new();
    let planet = kaggle_kit::competition::find("planet").unwrap();
    here.write("tiny.toml", planet.source);
    for words in
        [&["train", "tiny"][..], &["fetch", "tiny"], &["submit", "tiny"], &["decide", "tiny"]]
    {
        let told = here.kaggle_kit().args(words).assert().code(1);
        told.stderr(contains("did you mean the spec `./tiny.toml`?"));
    }
    here.kaggle_kit().args(["runs", "./tiny.toml"]).assert().success();
}

#[test]
fn tables_are_as_wide_as_the_terminal_and_whole_in_a_pipe() {
    let here = Scratch::new();
    let lines = |words: &[&str], columns: Option<&str>| {
        let mut command = here.kaggle_kit();
        command.args(words).env_remove("COLUMNS");
        command.envs(columns.map(|columns| ("COLUMNS", columns)));
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let widest = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    for words in [["models"], ["list"]] {
        let whole = lines(&words, None);
        let narrow = lines(&words, Some("80"));
        assert!(widest(&whole) > 80 && widest(&narrow) <= 80, "{words:?}: {narrow}");
        assert_eq!(whole.lines().count(), narrow.lines().count());
        assert_eq!(lines(&words, Some("1000")), whole);
    }
}

#[test]
fn a_shell_that_asks_is_answered_with_what_there_is_here() {
    let here = Scratch::new();
    here.write("data/my-photos/archives/a", "");
    let asked = |typed: &[&str]| {
        let mut program = kaggle_kit();
        program.env("COMPLETE", "bash").env("_CLAP_IFS", "\n").current_dir(here.path());
        program.env("_CLAP_COMPLETE_INDEX", typed.len().to_string());
        let told = program.arg("--").arg("kaggle-kit").args(typed).assert().success();
        String::from_utf8(told.get_output().stdout.clone()).unwrap()
    };
    assert!(asked(&["train", "my"]).contains("my-photos"));
    assert!(asked(&["train", "planet", "--backbone", "resnet18+conv"]).contains("+convnext_tiny"));
    assert!(asked(&["train", "planet", "--set", "whole"]).contains("whole-network.max-cycles="));
    // In a notebook what there is lies where its files are kept, not where it happens to be.
    here.write("kept/data/notebook-photos/archives/a", "");
    let kept = here.path().join("kept");
    let asked_there = |typed: &[&str]| {
        let mut program = kaggle_kit();
        program.env("COMPLETE", "bash").env("_CLAP_IFS", "\n").current_dir(here.path());
        program.env("KAGGLE_KERNEL_RUN_TYPE", "Batch").env("KAGGLE_KIT_WORKING", &kept);
        program.env("_CLAP_COMPLETE_INDEX", typed.len().to_string());
        let told = program.arg("--").arg("kaggle-kit").args(typed).assert().success();
        String::from_utf8(told.get_output().stdout.clone()).unwrap()
    };
    let told = asked_there(&["train", ""]);
    assert!(told.contains("notebook-photos") && !told.contains("my-photos"), "{told}");
    let script = kaggle_kit().args(["completions", "zsh"]).assert().success();
    assert!(
        contains("#compdef kaggle-kit").eval(&String::from_utf8_lossy(&script.get_output().stdout))
    );
    let pages = here.path().join("man");
    kaggle_kit().args(["completions", "--man"]).arg(&pages).assert().success();
    let page = kaggle_kit::fs::read_to_string(pages.join("kaggle-kit-train.1")).unwrap();
    assert!(page.contains(".TH kaggle-kit-train") && page.contains("checkpoint"), "{page}");
}
