//! Archives that begin as a zip, in a file or out of a decoder: the first byte tells.

#![no_main]

use kaggle_kit_fuzz::archives::{unpack, unpack_packed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    match how & 1 {
        0 => unpack("a.zip", bytes),
        _ => unpack_packed("a.zip", bytes),
    }
});
