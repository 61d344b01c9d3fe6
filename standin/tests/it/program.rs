//! `standin serve` as a program of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};

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
