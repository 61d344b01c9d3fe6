//! Archives that begin as a 7z, in a file or out of a decoder: the first byte tells.

#![no_main]

use kaggle_kit_fuzz::archives::{mend_seven_z, unpack, unpack_packed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    let mut bytes = bytes.to_vec();
    mend_seven_z(&mut bytes);
    match how & 1 {
        0 => unpack("a.7z", &bytes),
        _ => unpack_packed("a.7z", &bytes),
    }
});
