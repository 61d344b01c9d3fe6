//! Specs.

#![no_main]

use kaggle_kit_fuzz::specs::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check(data);
});
