//! Embeds `competitions/*.toml`, so that adding one is adding a file.

#![expect(clippy::disallowed_methods, reason = "a build script has no crate::fs")]
#![expect(clippy::unwrap_used, reason = "a build script tells its errors by panicking")]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=competitions");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap()).join("competitions");
    let mut specs: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    specs.sort();
    let mut code = String::from("const EMBEDDED: &[(&str, &str)] = &[\n");
    for path in specs {
        let name = path.file_stem().unwrap().to_str().unwrap();
        writeln!(code, "    ({name:?}, include_str!({:?})),", path.to_str().unwrap()).unwrap();
    }
    code.push_str("];\n");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap()).join("competitions.rs"), code).unwrap();
}
