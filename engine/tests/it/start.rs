//! The program starts on its own, without environment variables.

use std::process::Command;

#[test]
fn the_engine_finds_libtorch_without_environment_variables() {
    let output = Command::new(env!("CARGO_BIN_EXE_kaggle-kit-engine"))
        .arg("--version")
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("kaggle-kit "));
}
