//! `standin serve` as a program of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use kaggle_kit::fs;
use predicates::prelude::*;
use predicates::str::contains;

use crate::support::kaggle_kit;

#[test]
fn it_tells_its_address_first_and_ends_with_standard_input() {
    let kaggle_kit = kaggle_kit();
    let mut child = Command::new(kaggle_kit.get_program())
        .args(["standin", "serve", "--port", "0", "--competition", "dogs-vs-cats"])
        .args(["--train-images", "2", "--test-images", "1", "--until-stdin-ends"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let address = url.trim().strip_prefix("http://").expect("an address");
    drop(TcpStream::connect(address).unwrap());
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    TcpStream::connect(address).unwrap_err();
}

#[test]
fn its_help_is_that_of_the_program_that_is_typed() {
    let help = kaggle_kit().args(["standin", "serve", "--help"]).assert().success();
    help.stdout(
        contains("Usage: kaggle-kit standin serve [OPTIONS]")
            .and(contains("upload-lost=BYTES"))
            .and(contains("--no-progress")),
    );
    let wrong = kaggle_kit().args(["standin", "serve", "--fault", "cut"]).assert().code(2);
    wrong.stderr(contains("`cut` wants `=BYTES`"));
}

#[cfg(unix)]
#[test]
fn a_log_goes_into_a_log_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write_atomic(at("spec.toml"), "title = 'mine'\n").unwrap();
    std::os::unix::fs::symlink("spec.toml", at("link")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    for (name, is) in [
        ("spec.toml", "is no log of requests"),
        ("link", "is a link to `spec.toml`, no plain file"),
        ("pipe", "is a pipe, no plain file"),
    ] {
        let mut serve = kaggle_kit();
        serve.args(["standin", "serve", "--port", "0", "--competition", "dogs-vs-cats"]);
        serve.args(["--train-images", "2", "--test-images", "1", "--log"]).arg(at(name));
        serve.assert().code(1).stderr(contains(is).and(contains("hint: ")));
    }
    assert_eq!(fs::read_to_string(at("spec.toml")).unwrap(), "title = 'mine'\n");
}
