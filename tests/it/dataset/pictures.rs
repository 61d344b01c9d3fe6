//! Image files: the bad ones that an audit names, and the odd ones that decode all the same.

use std::path::Path;

use image::{Rgb, RgbImage};
use kaggle_kit::{dataset, fs};

use super::Folder;
use crate::support;

#[test]
fn the_audit_names_every_bad_file() {
    let folder = Folder::pets();
    dataset::audit(&folder.open().train, &()).unwrap();
    let data = folder.open();
    folder.remove("train/cat.0.jpg");
    folder.text("train/cat.9.jpg", "");
    folder.text("train/cat.10.jpg", "<!doctype html>\n<title>Sign in</title>");
    let whole = fs::read(folder.path("train/dog.0.jpg")).unwrap();
    fs::write_atomic(folder.path("train/dog.0.jpg"), &whole[..whole.len() - 20]).unwrap();
    let error = format!("{:#}", dataset::audit(&data.train, &()).unwrap_err());
    let error = error.replace(folder.folder.path().to_str().unwrap(), "DATA");
    assert_eq!(
        error,
        "4 of 4 images cannot be used:
  `DATA/train/cat.0.jpg` is missing
  `DATA/train/cat.9.jpg` is empty
  `DATA/train/cat.10.jpg` is not an image but an HTML page (of a login, perhaps)
  `DATA/train/dog.0.jpg` is cut short: the end of the JPG is missing
hint: get these files again, or take out a training image together with its label"
    );
    let error = format!("{:#}", dataset::decode(&data.train[3].path).unwrap_err());
    assert!(error.contains("dog.0.jpg` is cut short"), "{error}");
}

#[test]
fn the_audit_names_ten_and_counts_all() {
    let folder = Folder::pets();
    let mut samples = folder.open().train;
    let gone = samples[0].clone();
    samples.extend(
        (0..13).map(|i| dataset::Sample { path: format!("gone-{i}").into(), ..gone.clone() }),
    );
    let error = dataset::audit(&samples, &()).unwrap_err().to_string();
    assert!(
        error.starts_with("13 of 17 images cannot be used:\n  `gone-0` is missing\n"),
        "{error}"
    );
    assert!(error.contains("`gone-9` is missing\n  and 3 more\nhint: "), "{error}");
}

#[test]
fn a_camera_held_upright() {
    // EXIF orientation 6: the stored picture is to be turned clockwise.
    let folder = Folder::pets();
    let path = folder.path("train/dog.0.jpg");
    RgbImage::from_fn(16, 8, |x, _| Rgb([if x < 8 { 250 } else { 5 }; 3])).save(&path).unwrap();
    let plain = fs::read(&path).unwrap();
    let tiff = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let segment = [&[0xff, 0xe1, 0, tiff.len() as u8 + 2][..], tiff].concat();
    fs::write_atomic(&path, [&plain[..2], &segment, &plain[2..]].concat()).unwrap();
    let image = dataset::decode(&path).unwrap();
    assert_eq!(image.dimensions(), (8, 16));
    assert!(image.get_pixel(4, 2).0[0] > 200 && image.get_pixel(4, 13).0[0] < 50);
}

#[test]
fn four_components_without_a_marker() {
    // Planet's JPEGs: R, G, B, 255 as four components, and nothing that says so.
    let folder = Folder::pets();
    for (stored, expected) in
        [([200, 100, 50, 255], [200, 100, 50]), ([200, 100, 50, 128], [100, 50, 25])]
    {
        let path = folder.path("train/dog.0.jpg");
        fs::write_atomic(&path, four_component_jpeg(stored)).unwrap();
        dataset::audit(&folder.open().train, &()).unwrap();
        let image = dataset::decode(&path).unwrap();
        assert_eq!(image.dimensions(), (8, 8));
        for pixel in image.pixels() {
            let close = |(a, b): (&u8, &u8)| a.abs_diff(*b) <= 2;
            assert!(pixel.0.iter().zip(&expected).all(close), "{pixel:?} {expected:?}");
        }
    }
}

/// A baseline JPEG of one block, all pixels alike, with four components and no Adobe marker.
fn four_component_jpeg(values: [u8; 4]) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8];
    let mut segment = |marker: u8, body: &[u8]| {
        jpeg.extend([0xff, marker]);
        jpeg.extend((body.len() as u16 + 2).to_be_bytes());
        jpeg.extend(body);
    };
    // Quantisation by one; 8 x 8 pixels, components 1 to 4 without subsampling.
    segment(0xdb, &[&[0][..], &[1; 64]].concat());
    let components = (1..=4).flat_map(|id| [id, 0x11, 0]);
    segment(0xc0, &[8, 0, 8, 0, 8, 4].into_iter().chain(components).collect::<Vec<u8>>());
    // DC: twelve codes of four bits, one for each length of a difference, in order. AC: one code
    // of one bit, the end of the block.
    segment(0xc4, &[&[0x00, 0, 0, 0, 12][..], &[0; 12], &(0..12).collect::<Vec<u8>>()].concat());
    segment(0xc4, &[&[0x10, 1][..], &[0; 15], &[0]].concat());
    let scan = (1..=4).flat_map(|id| [id, 0x00]);
    let scan = [4].into_iter().chain(scan).chain([0, 63, 0]);
    segment(0xda, &scan.collect::<Vec<u8>>());
    let coded = values.map(|value| {
        // The block's mean is 128 + DC / 8.
        let dc = (i32::from(value) - 128) * 8;
        let length = (32 - dc.unsigned_abs().leading_zeros()) as usize;
        let bits = if dc < 0 { dc - 1 } else { dc } & ((1 << length) - 1);
        let bits = if length == 0 { String::new() } else { format!("{bits:0length$b}") };
        format!("{length:04b}{bits}0")
    });
    let mut bits = coded.concat();
    bits += &"1".repeat(bits.len().next_multiple_of(8) - bits.len());
    for byte in bits.as_bytes().chunks(8) {
        let byte = byte.iter().fold(0, |byte, bit| byte << 1 | (bit - b'0'));
        jpeg.push(byte);
        if byte == 0xff {
            jpeg.push(0);
        }
    }
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

#[test]
fn awkward_pictures_decode_as_in_pil() {
    let Some(folder) = support::shared("data/quirks") else { return };
    let mut table = csv::Reader::from_path(folder.join("expected_decode.csv")).unwrap();
    for row in table.records() {
        let row = row.unwrap();
        let path: &Path = &folder.join(&row[0]);
        let decoded = dataset::decode(path);
        if &row[1] == "BROKEN" {
            assert!(decoded.is_err(), "{}", path.display());
            continue;
        }
        let image = decoded.unwrap();
        let n = image.pixels().len() as f64;
        for channel in 0..3 {
            let mean = image.pixels().map(|pixel| f64::from(pixel.0[channel])).sum::<f64>() / n;
            let expected: f64 = row[6 + channel].parse().unwrap();
            assert!((mean - expected).abs() < 1.5, "{}: {mean} {expected}", path.display());
        }
    }
}
