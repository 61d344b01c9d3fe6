//! Answers of Kaggle and of its storage.

#![no_main]

use kaggle_kit::kaggle::fuzzing::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    read(data);
});
