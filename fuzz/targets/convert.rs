//! Images that are no picture files: DICOM, tables of pixels, records; the first byte tells which.

#![no_main]

use kaggle_kit_fuzz::converted::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((which, bytes)) = data.split_first() else { return };
    check(*which, bytes);
});
