//! A run whose `events.jsonl` holds any bytes; the first one picks the competition.

#![no_main]

use kaggle_kit_fuzz::run_folder::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check("events.jsonl", data);
});
