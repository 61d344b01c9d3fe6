//! What the fuzz targets call: the properties of the library that must hold for any input.

pub mod archives;
pub mod converted;
pub mod data_folder;
pub mod inferred;
pub mod labelled;
pub mod picture;
pub mod run_folder;
pub mod specs;
pub mod tables;

use std::path::Path;
use std::sync::Once;

use tempfile::TempDir;

/// A folder, in memory where the system has one for that.
pub(crate) fn place() -> TempDir {
    let shm = Path::new("/dev/shm");
    if shm.is_dir() { TempDir::new_in(shm) } else { TempDir::new() }.unwrap()
}

/// What decoders panic over becomes an error (`kaggle_kit::foreign`), and the fuzzer is not told: every
/// other panic ends it.
pub(crate) fn quiet_decoders() {
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
