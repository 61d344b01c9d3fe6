//! Files of weights of all three kinds: what is read is no more than a few times the file.

use kaggle_kit::weights;

use super::place;

/// Reads the bytes as a file of weights.
pub(super) fn check(bytes: &[u8]) {
    let folder = place();
    let path = folder.path().join("weights");
    std::fs::write(&path, bytes).unwrap();
    let Ok(tensors) = weights::read(&path) else { return };
    let mut read = 0;
    for tensor in tensors.values() {
        let n: usize = tensor.shape.iter().product();
        assert_eq!(tensor.bytes.len(), n * tensor.dtype.bytes());
        read += tensor.bytes.len();
    }
    assert!(read <= 4 * bytes.len() + (16 << 20), "{read} bytes out of {}", bytes.len());
}
