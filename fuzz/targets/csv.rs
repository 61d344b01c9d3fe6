//! Tables, for the competition that the first byte picks.

#![no_main]

use kaggle_kit_fuzz::tables::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    check(*which, bytes);
});
