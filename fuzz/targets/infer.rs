//! What `new` reads of a folder; the first byte picks its names.

#![no_main]

use kaggle_kit_fuzz::inferred::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    check(*which, bytes);
});
