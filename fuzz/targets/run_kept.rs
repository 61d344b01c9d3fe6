//! A run whose `test-predictions.toml` holds any bytes; the first one picks the competition.

#![no_main]

use kaggle_kit_fuzz::run_folder::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check("test-predictions.toml", data);
});
