//! The fuzz targets: the properties of the library that must hold for any input, and what each of them
//! starts from.
//!
//! `main.rs` lets libFuzzer call them. The library's own tests have this file as a module as well and
//! try the seeds, so that a change of the library that breaks a target breaks the build.

#![allow(clippy::disallowed_methods, reason = "an error of the system ends a target anyway")]
#![allow(clippy::unwrap_used, reason = "what must hold")]

mod archives;
mod backbone;
mod converted;
mod data_folder;
mod inferred;
mod labelled;
mod picture;
mod run_folder;
mod seeds;
mod specs;
mod tables;
mod weights;

use std::path::Path;
use std::sync::Once;

use tempfile::TempDir;

/// What is tried with any bytes.
pub struct Target {
    pub name: String,
    pub check: Check,
}

/// Panics where what must hold does not.
pub type Check = Box<dyn Fn(&[u8]) + Send + Sync>;

/// All targets, in the order in which they run.
pub fn targets() -> Vec<Target> {
    fn target(name: &str, check: impl Fn(&[u8]) + Send + Sync + 'static) -> Target {
        Target { name: name.to_owned(), check: Box::new(check) }
    }
    /// The first byte picks what the others stand for.
    fn picked(check: fn(u8, &[u8])) -> impl Fn(&[u8]) + Send + Sync + 'static {
        move |bytes| {
            if let Some((which, bytes)) = bytes.split_first() {
                check(*which, bytes);
            }
        }
    }
    let mut targets = vec![
        target("zip", picked(archives::check_zip)),
        target("tar", picked(archives::check_tar)),
        target("seven_z", picked(archives::check_seven_z)),
        target("packed", picked(archives::check_packed)),
        target("csv", picked(tables::check)),
        target("json", kaggle_kit::kaggle::fuzzing::read),
        target("weights", weights::check),
        target("convert", picked(converted::check)),
        target("picture", picture::check),
        target("infer", picked(inferred::check)),
        target("labels", picked(labelled::check)),
        target("spec", specs::check),
        target("backbone", picked(backbone::check)),
    ];
    let of_run = run_folder::FILES.map(|(name, file)| {
        target(&format!("run_{name}"), move |bytes| run_folder::check(file, bytes))
    });
    let of_data = data_folder::FILES.map(|(name, file)| {
        target(&format!("data_{name}"), move |bytes| data_folder::check(file, bytes))
    });
    targets.extend(of_run);
    targets.extend(of_data);
    targets
}

/// Writes what a target starts from into a folder.
pub fn write_seeds(target: &str, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for seed in seeds::all().into_iter().filter(|seed| seed.target == target) {
        std::fs::write(folder.join(format!("seed-{}", seed.name)), seed.bytes).unwrap();
    }
}

/// A folder where `TMPDIR` says, else in memory where the system has a place for that: what is flushed
/// there costs nothing.
fn place() -> TempDir {
    let in_memory = Path::new("/dev/shm");
    let chosen = std::env::var_os("TMPDIR").is_some() || !in_memory.is_dir();
    if chosen { TempDir::new() } else { TempDir::new_in(in_memory) }.unwrap()
}

/// What decoders panic over becomes an error (`kaggle_kit::foreign`), and the fuzzer is not told: every
/// other panic ends it.
fn quiet_decoders() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !kaggle_kit::foreign::is_guarded() {
                tell(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Seeds, and each of them cut short, with a byte more and with one changed: a fuzzer's first steps.
    #[test]
    fn every_target_holds_for_what_it_starts_from() {
        let seeds = seeds::all();
        let targets = targets();
        let unknown = seeds.iter().find(|seed| targets.iter().all(|t| t.name != seed.target));
        assert!(unknown.is_none(), "seeds of `{}`, which is no target", unknown.unwrap().target);
        let mut broken = Vec::new();
        for Target { name, check } in targets {
            let of_target = seeds.iter().filter(|seed| seed.target == name);
            let mut n = 0;
            for seed in of_target {
                n += 1;
                let (whole, half) = (&seed.bytes, seed.bytes.len() / 2);
                let mut other = whole.clone();
                other[half] ^= 4;
                for bytes in [&whole[..], &whole[..half], &[&whole[..], b"\n"].concat(), &other] {
                    if catch_unwind(AssertUnwindSafe(|| check(bytes))).is_err() {
                        broken.push(format!("{name}, seed {}", seed.name));
                    }
                }
            }
            assert!(n > 0, "`{name}` starts from nothing");
        }
        assert!(broken.is_empty(), "{broken:?}");
    }
}
