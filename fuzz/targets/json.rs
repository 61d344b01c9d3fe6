//! Answers of Kaggle and of its storage.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    kaggle_kit_fuzz::kaggle::read(data);
});
