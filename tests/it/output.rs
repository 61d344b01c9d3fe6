//! What comes out: on a full disk, into a closed pipe, with names and messages that mean no good.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use predicates::prelude::*;
use predicates::str::contains;

use crate::kaggle::server::{Reply, Server};
use crate::support::{Scratch, kaggle_kit};

/// Commands that say something on stdout and need nothing.
const TALKATIVE: [&[&str]; 7] = [
    &["list"],
    &["list", "--json"],
    &["runs", "--json"],
    &["models"],
    &["train", "planet", "--show-recipe"],
    &["--help"],
    &["--version"],
];

fn started(args: &[&str], stdout: impl Into<Stdio>) -> std::process::Output {
    let command = kaggle_kit();
    let mut plain = Command::new(command.get_program());
    plain.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    plain.args(args).stdout(stdout).stderr(Stdio::piped());
    plain.spawn().unwrap().wait_with_output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_stdout_is_an_error() {
    for args in TALKATIVE {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = started(args, full);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {told}");
        let expected = "error: failed to write to the standard output: No space left on device\n";
        assert!(told.ends_with(expected), "{args:?}: {told}");
    }
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    for args in TALKATIVE {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = started(args, writer);
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{args:?}");
    }
}

#[test]
fn a_server_does_not_write_to_the_terminal() {
    let evil = r"\u001b]0;pwned\u0007\u001b]52;c;ZXZpbA==\u0007\u001b[2J\u009b31m\rrules";
    let server =
        Server::start(move |_, _| Reply::new(403, format!(r#"{{"code":403,"message":"{evil}"}}"#)));
    let here = Scratch::new();
    let mut command = here.kaggle_kit();
    // As on a terminal; a pipe would strip colours, and what looks like them.
    command.env("CLICOLOR_FORCE", "1").env("KAGGLE_API_TOKEN", "KGAT_0123456789");
    command.args(["fetch", "dog-breed", "--endpoint", &server.url()]);
    let output = command.assert().code(4).get_output().stderr.clone();
    let told = String::from_utf8(output).unwrap();
    assert!(told.contains("\u{1b}[1m"), "it is in colour: {told:?}");
    // Ours are `\e[..m` of digits; take those away, and nothing is left that steers.
    let mut rest = told.as_str();
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        let end = after.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap();
        assert_eq!(&after[end..=end], "m", "{told:?}");
        plain.push_str(before);
        rest = &after[end + 1..];
    }
    plain.push_str(rest);
    assert!(!plain.chars().any(|c| c.is_control() && c != '\n'), "{plain:?}");
    assert!(plain.contains("]52;c;ZXZpbA=="), "shown as what it is: {plain:?}");
}

#[test]
fn what_is_endless_does_not_flood_the_screen() {
    let here = Scratch::new();
    let long = "y".repeat(100_000);
    let lists = [
        vec!["train", "planet", "--show-recipe", "--set"],
        vec!["fetch"],
        vec!["train", "--backbone"],
        vec!["submit", "--run"],
        vec!["runs", "--filter"],
        vec!["score", "--solution"],
        vec!["nonsense"],
    ];
    for mut args in lists {
        let setting = format!("{long}=1");
        args.push(if args.contains(&"--set") { &setting } else { &long });
        let output = here.kaggle_kit().args(&args).assert().failure().get_output().stderr.clone();
        assert!(!output.is_empty() && output.len() < 4096, "{}: {}", args[0], output.len());
    }
    let evil =
        here.kaggle_kit().arg("\u{1b}]0;x\u{7}").assert().code(2).get_output().stderr.clone();
    assert!(!String::from_utf8(evil).unwrap().contains(['\u{1b}', '\u{7}']));
}

#[test]
fn a_path_that_is_no_text_is_named_in_json_as_python_names_it() {
    let here = Scratch::new();
    let name = OsStr::from_bytes(b"r\xff");
    let folder = here.path().join(name);
    let mut command = here.kaggle_kit();
    command.env("KAGGLE_KIT_CACHE", &folder).args(["cache", "--json"]);
    let text = String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap();
    assert!(text.contains("/r\\udcff"), "{text}");
    command.assert().stderr(contains("a path is not UTF-8"));
    let script = "import json, os, sys; print(os.fsencode(json.loads(sys.argv[1])['folder']))";
    let python = Command::new("python3").args(["-c", script, &text]).output().unwrap();
    assert!(String::from_utf8(python.stdout).unwrap().contains("/r\\xff"));
    // A plain path is plain, without a word.
    let mut command = here.kaggle_kit();
    command.env("KAGGLE_KIT_CACHE", here.path().join("ré")).args(["cache", "--json"]);
    command.assert().success().stdout(contains("/ré")).stderr(contains("UTF-8").not());
}

#[test]
fn secrets_in_addresses_are_not_shown() {
    let here = Scratch::new();
    let server = Server::start(|_, _| Reply::new(404, ""));
    let told = |command: &mut assert_cmd::Command| {
        let output = command.assert().failure().get_output().clone();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    };
    for (variable, value, args) in [
        (
            "HF_ENDPOINT",
            server.url().replace("://", "://me:hunter2@"),
            vec!["models", "pull", "resnet18"],
        ),
        (
            "HF_ENDPOINT",
            "http://me:hunter2@198.51.100.7".to_owned(),
            vec!["models", "pull", "resnet18"],
        ),
        ("HF_ENDPOINT", "me:hunter2@198.51.100.7".to_owned(), vec!["models", "pull", "resnet18"]),
        (
            "KAGGLE_API_ENDPOINT",
            "https://me:hunter2@kaggle.com".to_owned(),
            vec!["submissions", "planet"],
        ),
        (
            "KAGGLE_API_ENDPOINT",
            "https://me:hun/ter2@kaggle.com".to_owned(),
            vec!["submissions", "planet"],
        ),
        (
            "KAGGLE_API_ENDPOINT",
            "https://kaggle.com/?key=hunter2".to_owned(),
            vec!["submissions", "planet"],
        ),
    ] {
        let mut command = here.kaggle_kit();
        command.env("KAGGLE_API_TOKEN", "KGAT_0123456789").env("HF_HOME", here.path());
        command.env("KAGGLE_KIT_CACHE", here.path().join("empty")).env(variable, &value);
        let told = told(command.args(&args));
        assert!(!told.contains("hunter2") && !told.contains("ter2"), "{value}: {told}");
    }
    let mut command = here.kaggle_kit();
    command.env("KAGGLE_API_V1_TOKEN", "KGAT_0123456789");
    let told = told(command.args(["submissions", "planet"]));
    assert!(told.contains("names no file") && !told.contains("KGAT_0123456789"), "{told}");
}

#[test]
fn a_pipe_or_a_device_is_no_file_of_credentials() {
    let here = Scratch::new();
    for name in ["access_token", "kaggle.json", "credentials.json"] {
        let path = here.home().join(".kaggle").join(name);
        kaggle_kit::fs::create_dir_all(path.parent().unwrap()).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        let mut command = here.kaggle_kit();
        command.timeout(std::time::Duration::from_secs(20)).args(["submissions", "planet"]);
        command.assert().code(3).stderr(contains(name).and(contains("pipe")));
        kaggle_kit::fs::remove_file(&path).unwrap();
    }
    for variable in ["KAGGLE_API_TOKEN", "KAGGLE_API_V1_TOKEN"] {
        let mut command = here.kaggle_kit();
        command.timeout(std::time::Duration::from_secs(20)).env(variable, "/dev/zero");
        command.args(["submissions", "planet"]).assert().code(3).stderr(contains("device"));
    }
}

/// A program whose library is gone stands for an engine whose libtorch is.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn an_engine_that_cannot_be_loaded_is_told_and_the_rest_is_found() {
    let here = Scratch::new();
    let run = |program: &str, args: &[&str]| {
        let done = Command::new(program).args(args).current_dir(here.path()).status();
        assert!(done.unwrap().success(), "{program} {args:?}");
    };
    here.write("gone.c", "int gone(void) { return 0; }");
    here.write("main.c", "int gone(void); int main(void) { return gone(); }");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    run(&compiler, &["-shared", "-fPIC", "-o", "libtorch_cpu.so", "gone.c"]);
    let rpath = format!("-Wl,-rpath,{}/elsewhere", here.path().display());
    run(&compiler, &["main.c", "-o", "kaggle-kit-engine", "-L.", "-l:libtorch_cpu.so", &rpath]);
    let program = here.path().join("kaggle-kit");
    kaggle_kit::fs::copy(kaggle_kit().get_program(), &program).unwrap();
    let told = |args: &[&str]| {
        let output = Command::new(&program)
            .args(args)
            .current_dir(here.path())
            .env("HOME", here.home())
            .env_remove("LD_LIBRARY_PATH")
            .output()
            .unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let folder = here.path().join("elsewhere");
    let expected = format!("no libtorch at `{}`", folder.display());
    for args in [&["doctor"][..], &["train", "planet"], &["submit"]] {
        let (code, text) = told(args);
        assert_eq!(code, Some(1), "{args:?}: {text}");
        assert!(text.contains(&expected) && text.contains("make setup"), "{args:?}: {text}");
        assert_eq!(text.contains("credentials"), args == ["doctor"], "{args:?}: {text}");
    }
    let (_, json) = told(&["doctor", "--json"]);
    assert!(json.contains("\"libtorch\": null") && json.contains("\"fatal\": true"), "{json}");
    // With its library where it looks for it, it is started as ever.
    kaggle_kit::fs::create_dir_all(&folder).unwrap();
    kaggle_kit::fs::copy(here.path().join("libtorch_cpu.so"), folder.join("libtorch_cpu.so"))
        .unwrap();
    assert_eq!(told(&["doctor"]), (Some(0), String::new()));
    assert!(Path::new(&program).is_file());
}
