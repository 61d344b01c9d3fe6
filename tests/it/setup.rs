//! What set-up leaves: the script's own tests, the converted weights, and two programs.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;
use std::process::Command;

use kaggle_kit::fs;
use safetensors::SafeTensors;

use crate::support;

#[test]
fn the_set_up_script_passes_its_own_tests() {
    let output = Command::new("python3")
        .arg(support::repository().join("tests/it/setup_test.py"))
        .output()
        .expect("python3 runs, because set-up did");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("Ran ") && !told.contains("Ran 0 tests"), "{told}");
}

/// `../shared/weights` holds the same network, converted with `PyTorch`.
#[test]
fn the_converted_weights_equal_pytorchs() {
    let name = "tf_efficientnet_lite0.safetensors";
    let Some(reference) = support::shared(&format!("weights/{name}")) else { return };
    let ours = fs::read(fs::cache_folder().join("weights").join(name)).unwrap();
    let theirs = fs::read(reference).unwrap();
    let (ours, theirs) = (tensors(&ours), tensors(&theirs));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, tensor) in &ours {
        assert!(*tensor == theirs[name], "`{name}` differs");
    }
}

type Tensors<'a> = BTreeMap<String, (Vec<usize>, &'a [u8])>;

fn tensors(bytes: &[u8]) -> Tensors<'_> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    file.iter().map(|(name, t)| (name.to_owned(), (t.shape().to_vec(), t.data()))).collect()
}

/// libtorch takes longer to load than most commands take, and more memory than any of them.
#[test]
fn the_program_itself_is_not_linked_to_libtorch() {
    let program = fs::read(env!("CARGO_BIN_EXE_kaggle-kit")).unwrap();
    assert!(!program.windows(12).any(|window| window == b"libtorch_cpu"));
}

#[test]
fn without_the_others_beside_it_the_program_says_what_is_missing() {
    let scratch = support::Scratch::new();
    let alone = scratch.path().join("kaggle-kit");
    fs::copy(env!("CARGO_BIN_EXE_kaggle-kit"), &alone).unwrap();
    for (command, other) in [("doctor", "kaggle-kit-engine"), ("standin", "kaggle-kit-standin")] {
        let output = Command::new(&alone).arg(command).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(other) && told.contains("make build"), "{told}");
    }
}
