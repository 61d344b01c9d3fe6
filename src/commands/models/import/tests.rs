//! The way around Python, with a shell in its place that gives what Python once gave
//! (`engine/tests/imported/make.py`).

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::os::unix::fs::PermissionsExt;

use super::*;

const NEAR: Parity = Parity { features: 1e-7, gradients: 1e-6 };

/// A program that does this with what it is asked.
fn python(folder: &Path, does: &str) -> PathBuf {
    let path = folder.join("python");
    fs::write_atomic(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path
}

/// One that imports the small network of the engine's tests.
fn good_python(folder: &Path) -> PathBuf {
    let made = concat!(env!("CARGO_MANIFEST_DIR"), "/engine/tests/imported");
    let does = format!(
        "folder=$(sed 's/.*\"folder\":\"\\([^\"]*\\)\".*/\\1/')\n\
         cp {made}/network.pt {made}/weights.safetensors {made}/check.safetensors $folder\n\
         echo noise\ntr -d '\\n' < {made}/told.json"
    );
    python(folder, &does)
}

fn args(python: PathBuf) -> Args {
    Args { name: "netling".to_owned(), checkpoint: None, random: true, size: None, python }
}

#[test]
fn what_was_traced_and_compared_is_kept_with_its_hashes() {
    let (cache, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let args = args(good_python(programs.path()));
    for _ in 0..2 {
        let made = make(&args, cache.path()).unwrap();
        assert_eq!(made.architecture.name, "timm:netling");
        assert!(made.check().is_file() && made.parameters.len() == 11);
        keep(made, NEAR, cache.path()).unwrap();
        assert_eq!(imported::names(cache.path()), ["timm:netling"]);
    }
    let found = imported::look_in("netling", cache.path()).unwrap().unwrap();
    assert!(imported::graph(found.imported().unwrap()).is_ok());
    assert!(matches!(cached::check(found, cache.path()), Ok(Some(cached::Cached::Right { .. }))));
    let folder = imported::folder("netling", cache.path());
    let mut files: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    let kept = ["network.pt", "network.toml", "weights.safetensors", "weights.safetensors.sha256"];
    assert_eq!(files, kept);
    // One flipped bit of the weights is noticed as it is of any others.
    let path = folder.join(WEIGHTS);
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write_atomic(&path, bytes).unwrap();
    let told = format!("{:#}", cached::check(found, cache.path()).unwrap_err());
    assert!(told.contains("run `kaggle-kit models import netling` again"), "{told}");
}

#[test]
fn what_the_engine_computes_otherwise_is_not_kept() {
    let (cache, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let args = args(good_python(programs.path()));
    for far in [Parity { features: 2e-4, ..NEAR }, Parity { gradients: f64::NAN, ..NEAR }] {
        let made = make(&args, cache.path()).unwrap();
        let told = keep(made, far, cache.path()).unwrap_err().to_string();
        assert!(told.contains("does not compute what Python does"), "{told}");
        assert_eq!(fs::read_dir(cache.path().join("imported")).unwrap().count(), 0);
    }
}

#[test]
fn what_python_refuses_is_told_with_what_to_do() {
    let (cache, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let told = |does: &str| {
        let args = args(python(programs.path(), does));
        make(&args, cache.path()).unwrap_err().to_string()
    };
    let refused = r#"cat > /dev/null; echo '{"error":"no timm","hint":"install it"}'"#;
    assert_eq!(told(refused), "no timm\nhint: install it");
    let crashed = told("echo 'Boom: it broke' >&2; exit 3");
    assert!(crashed.contains("Boom: it broke") && crashed.contains("--python PROGRAM"));
    let none = make(&args("/no/such/python".into()), cache.path()).unwrap_err().to_string();
    assert!(none.contains("does not start\nhint: name one that has timm"), "{none}");
    let named = Args { name: "../up".to_owned(), ..args("python3".into()) };
    assert!(make(&named, cache.path()).unwrap_err().to_string().contains("no name of timm's"));
}
