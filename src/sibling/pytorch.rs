//! The libtorch of a Python environment: what the engine loads where `pip install` brought it.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::fs;

/// What the engine is made for; a libtorch of another minor version has other symbols.
const VERSION: &str = "2.13";

/// The folder of `PyTorch`'s libraries that belongs to a program at `program`: beside it in its
/// environment, else of the Python that comes first.
pub(super) fn libraries(program: &Path) -> Result<PathBuf> {
    let mut other = None;
    let beside = beside(program).into_iter();
    for package in beside.chain(std::iter::once_with(|| of_python(program)).flatten()) {
        match version(&package) {
            Some(found) if is_ours(&found) => return Ok(package.join("lib")),
            Some(found) => other = other.or(Some((found, package))),
            None => {}
        }
    }
    match other {
        Some((found, package)) => bail!(
            "PyTorch {found} at `{}`: `{}` is made for {VERSION}\nhint: `python -m pip install \
             torch=={VERSION}.*`",
            package.display(),
            name(program),
        ),
        None => bail!(
            "no PyTorch in the Python environment of `{}`, and `{}` needs its libraries\nhint: \
             `python -m pip install torch=={VERSION}.*`, in the environment that has kaggle-kit; in \
             a clone, `make setup` and `make build`",
            program.parent().unwrap_or(program).display(),
            name(program),
        ),
    }
}

fn name(program: &Path) -> String {
    program.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// `bin/program` and `lib/python3.12/site-packages/torch`; Debian, and with it Kaggle's and Colab's
/// notebooks, has `dist-packages`.
fn beside(program: &Path) -> Vec<PathBuf> {
    let Some(prefix) = program.parent().and_then(Path::parent) else { return Vec::new() };
    let mut found = Vec::new();
    for lib in ["lib", "lib64"] {
        let Ok(entries) = fs::read_dir(prefix.join(lib)) else { continue };
        let pythons = entries.filter_map(|entry| Some(entry.ok()?.path()));
        for python in pythons.filter(|path| named(path).starts_with("python3")) {
            for packages in ["site-packages", "dist-packages"] {
                found.push(python.join(packages).join("torch"));
            }
        }
    }
    found.retain(|package| package.is_dir());
    found.sort();
    found
}

fn named(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Where Python would import it from: the one beside the program, that of the active environment, the
/// first in `PATH`.
fn of_python(program: &Path) -> Option<PathBuf> {
    const ASK: &str = "import importlib.util as u; s = u.find_spec('torch'); \
                       print(s.submodule_search_locations[0] if s else '')";
    let beside = program.with_file_name("python3");
    let active = env::var_os("VIRTUAL_ENV").map(|folder| Path::new(&folder).join("bin/python3"));
    let pythons = [Some(beside).filter(|path| path.exists()), active, Some("python3".into())];
    let ask = |python: &Path| {
        let output = Command::new(python)
            .args([OsStr::new("-c"), OsStr::new(ASK)])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Some(PathBuf::from(told)).filter(|package| package.is_dir())
    };
    pythons.into_iter().flatten().find_map(|python| ask(&python))
}

/// `torch/version.py` has a line `__version__ = '2.13.0+cu130'`.
fn version(package: &Path) -> Option<String> {
    let text = fs::read_to_string(package.join("version.py")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__"))?;
    let value = line.trim_start_matches([' ', '=']).trim();
    Some(value.trim_matches(['\'', '"']).to_owned())
}

fn is_ours(version: &str) -> bool {
    version.strip_prefix(VERSION).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An environment with a program and a `PyTorch` of some version.
    fn environment(packages: &str, version: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join(packages).join("torch");
        fs::create_dir_all(package.join("lib")).unwrap();
        let text =
            format!("from typing import Optional\n__version__ = '{version}'\ndebug = False\n");
        fs::write_atomic(package.join("version.py"), text).unwrap();
        let program = folder.path().join("bin/kaggle-kit-engine");
        (folder, program)
    }

    #[test]
    fn pytorch_is_found_beside_the_program() {
        for (packages, version) in [
            ("lib/python3.12/site-packages", "2.13.0+cu130"),
            ("lib/python3.11/dist-packages", "2.13.1"),
        ] {
            let (folder, program) = environment(packages, version);
            let expected = folder.path().join(packages).join("torch/lib");
            assert_eq!(libraries(&program).unwrap(), expected);
        }
    }

    #[test]
    fn another_version_is_named_and_so_is_what_to_install() {
        let (folder, program) = environment("lib/python3.12/site-packages", "2.130.0");
        assert!(!is_ours("2.130.0") && is_ours("2.13"));
        // A Python on this machine may have the right one.
        if let Err(error) = libraries(&program) {
            let error = error.to_string();
            let place = folder.path().display().to_string();
            for part in ["PyTorch 2.130.0", &place, "pip install torch==2.13.*"] {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
