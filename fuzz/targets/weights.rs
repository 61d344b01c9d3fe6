//! Files of weights of all three kinds: what is read is no more than a few times the file.

#![no_main]

use kaggle_kit::weights;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weights");
    std::fs::write(&path, data).expect("a file");
    let Ok(tensors) = weights::read(&path) else { return };
    let mut bytes = 0;
    for tensor in tensors.values() {
        let n: usize = tensor.shape.iter().product();
        assert_eq!(tensor.bytes.len(), n * tensor.dtype.bytes());
        bytes += tensor.bytes.len();
    }
    assert!(bytes <= 4 * data.len() + (16 << 20), "{bytes} bytes out of {}", data.len());
});
