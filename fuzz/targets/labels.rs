//! A data folder with any labels and any sample; the first byte picks their kind.

#![no_main]

use kaggle_kit_fuzz::labelled::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    check(*which, bytes);
});
