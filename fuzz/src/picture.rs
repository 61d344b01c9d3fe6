//! Picture files: what is decoded is whole, what is not says why.

use kaggle_kit::dataset::decode;

use super::{place, quiet_decoders};

/// Decodes the bytes as commands do.
pub(super) fn check(bytes: &[u8]) {
    quiet_decoders();
    let place = place();
    let path = place.path().join("a.jpg");
    std::fs::write(&path, bytes).unwrap();
    match decode(&path) {
        Ok(image) => {
            let (width, height) = image.dimensions();
            assert_eq!(image.as_raw().len() as u64, u64::from(width) * u64::from(height) * 3);
            assert_eq!(decode(&path).unwrap(), image, "the same file is the same picture");
        }
        Err(error) => {
            let text = format!("{error:#}");
            assert!(text.contains("a.jpg"), "an error names its file: {text}");
        }
    }
}
