//! Archives that begin as a tar, in a file or out of a decoder: the first byte tells.

#![no_main]

use kaggle_kit_fuzz::archives::{mend_tar, unpack, unpack_packed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((how, bytes)) = data.split_first() else { return };
    let mut bytes = bytes.to_vec();
    mend_tar(&mut bytes);
    match how & 1 {
        0 => unpack("a.tar", &bytes),
        _ => unpack_packed("a.tar", &bytes),
    }
});
