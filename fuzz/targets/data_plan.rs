//! A data folder whose `archives/plan.toml` holds any bytes.

#![no_main]

use kaggle_kit_fuzz::data_folder::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    check("archives/plan.toml", data);
});
