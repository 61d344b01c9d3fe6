//! What the tests share: the real binary in an empty home, and scratch folders.

#![allow(dead_code, reason = "which helpers are in use changes with the tests")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use kaggle_kit::competition::Competition;
use kaggle_kit::fs;

#[allow(unused_imports, reason = "which helpers are in use changes with the tests")]
pub(crate) use self::shared::{repository, shared};

mod shared;

/// The built binary as a stranger has it: an empty home, no credentials, no settings, no library
/// path. Only the weights in the cache are the real ones.
pub(crate) fn kaggle_kit() -> Command {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("empty-home");
    fs::create_dir_all(&home).unwrap();
    in_home(&home)
}

/// The program: this package's own, or the one that Cargo puts where it puts those of all packages.
pub(crate) fn program() -> PathBuf {
    option_env!("CARGO_BIN_EXE_kaggle-kit").map_or_else(
        || {
            let test = std::env::current_exe().unwrap();
            let folder = test.ancestors().nth(2).unwrap();
            let program = folder.join(format!("kaggle-kit{}", std::env::consts::EXE_SUFFIX));
            assert!(program.is_file(), "no `{}`: run `cargo build`", program.display());
            program
        },
        PathBuf::from,
    )
}

/// A competition of which a test cares about these parts: `metric`, what stands in `[target]`, and the
/// table of the submission.
#[track_caller]
pub(crate) fn competition(metric: &str, target: &str, submission: &str) -> Competition {
    let text = format!(
        "title = \"T\"\nslug = \"t\"\nmetric = {metric}\n[files]\ntrain = [\"train\"]\ntest = \
         [\"test\"]\nsample = \"sample.csv\"\ntest-table = \"test.csv\"\n[target]\n{target}\n\
         [target.labels.csv]\nfile = \"train.csv\"\nid = \"id\"\nlabel = \"label\"\n{submission}\n"
    );
    Competition::parse("t", &text, "t.toml").unwrap_or_else(|error| panic!("{error:#}"))
}

fn in_home(home: &Path) -> Command {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KAGGLE_") {
            command.env_remove(name);
        }
    }
    for name in ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBTORCH", "XDG_CONFIG_HOME", "NO_COLOR"]
    {
        command.env_remove(name);
    }
    command.env("HOME", home).env("KAGGLE_KIT_CACHE", cache_in(home));
    // Several tests train at once: threads that wait for work should not spin meanwhile.
    command.env("OMP_WAIT_POLICY", "passive");
    command
}

/// A cache of a test's own, but for the weights, which set-up has put into the real one.
pub(crate) fn cache_in(home: &Path) -> PathBuf {
    let cache = home.join("cache");
    fs::create_dir_all(&cache).unwrap();
    let (real, here) = (fs::cache_folder().join("weights"), cache.join("weights"));
    // Another test may have been here first.
    if let Err(error) = std::os::unix::fs::symlink(real, &here) {
        assert!(here.exists(), "{error}");
    }
    cache
}

/// An empty folder of one test, deleted when dropped.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("kaggle-kit-test-").tempdir().unwrap();
        fs::create_dir_all(folder.path().join("home")).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where the binary's home is, to put credentials into.
    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    /// Writes a file, with the folders above it; returns its path.
    pub(crate) fn write(&self, relative: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write_atomic(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path().join(relative)).unwrap()
    }

    /// The binary in this folder, with its own home.
    pub(crate) fn kaggle_kit(&self) -> Command {
        let mut command = in_home(&self.home());
        command.current_dir(self.path());
        command
    }
}
