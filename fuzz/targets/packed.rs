//! Files that begin as gzip, bzip2 or xz, in a file or out of a decoder: the first byte tells which.

#![no_main]

use kaggle_kit_fuzz::archives::check_packed;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    check_packed(*which, bytes);
});
