//! Image files: the bad ones that an audit names, and the odd ones that decode all the same.

use std::path::Path;

use image::{Rgb, RgbImage};
use kaggle_kit::dataset::{self, BadImages, Sample};
use kaggle_kit::fs;

use super::Folder;
use crate::support;

/// The error of a look at all images, the folder's own path taken out.
fn error_of(folder: &Folder, samples: &[Sample]) -> String {
    let error = dataset::find_twins(samples, &[], folder.folder.path(), &[], &()).unwrap_err();
    assert!(error.is::<BadImages>());
    format!("{error:#}").replace(folder.folder.path().to_str().unwrap(), "DATA")
}

#[test]
fn every_bad_file_is_named_in_one_round() {
    let folder = Folder::pets();
    let mut data = folder.open();
    let whole = fs::read(folder.path("train/dog.0.jpg")).unwrap();
    let more = ["dog.1", "dog.2", "dog.3", "dog.4"]
        .map(|id| Sample::new(id, folder.path(&format!("train/{id}.jpg")), vec![1]));
    data.train.extend(more);
    folder.remove("train/cat.0.jpg");
    folder.text("train/cat.9.jpg", "");
    folder.text("train/cat.10.jpg", "<!doctype html>\n<title>Sign in</title>");
    fs::write_atomic(folder.path("train/dog.0.jpg"), &whole[..whole.len() - 20]).unwrap();
    // Only decoding shows this one: its table of codes is gone.
    let mut spoilt = whole.clone();
    let table = spoilt.windows(2).position(|marker| marker == [0xff, 0xc4]).unwrap();
    spoilt[table + 1] = 0xfe;
    fs::write_atomic(folder.path("train/dog.1.jpg"), &spoilt).unwrap();
    fs::write_atomic(folder.path("train/dog.2.jpg"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
        .unwrap();
    fs::create_dir_all(folder.path("train/dog.3.jpg")).unwrap();
    fs::write_atomic(folder.path("train/dog.4.jpg"), &whole).unwrap();
    let error = error_of(&folder, &data.train);
    let of_decoder = error.lines().find(|line| line.contains("dog.1.jpg")).unwrap().to_owned();
    assert!(of_decoder.starts_with("  failed to decode `DATA/train/dog.1.jpg`: "), "{error}");
    assert_eq!(
        error.replace(&of_decoder, "  dog.1"),
        "7 of 8 images cannot be used:
  `DATA/train/cat.0.jpg` is missing
  `DATA/train/cat.9.jpg` is empty
  `DATA/train/cat.10.jpg` is not an image but an HTML page (of a login, perhaps)
  `DATA/train/dog.0.jpg` is cut short: the end of the JPG is missing
  dog.1
  `DATA/train/dog.2.jpg` is a HEIC (HEIF) photograph of a telephone
  `DATA/train/dog.3.jpg` is a folder, not a file
hint: get these files again, or take out a training image together with its label
hint: convert such pictures to PNG: ImageMagick has `magick old.tif new.png`, Pillow has `Image.open(\"old.tif\").convert(\"RGB\").save(\"new.png\")`
hint: take out what is no file
hint: all of them are listed in `DATA/.kaggle-kit/bad-images.csv`"
    );
    let list = fs::read_to_string(folder.path(".kaggle-kit/bad-images.csv")).unwrap();
    assert_eq!(list.lines().count(), 8, "{list}");
    let error = format!("{:#}", dataset::decode(&data.train[3].path).unwrap_err());
    assert!(error.contains("dog.0.jpg` is cut short"), "{error}");
    // Nothing is bad any more, and nothing is listed.
    let good: Vec<Sample> = data.train[7..].to_vec();
    dataset::find_twins(&good, &[], folder.folder.path(), &[], &()).unwrap();
    assert!(!folder.path(".kaggle-kit/bad-images.csv").exists());
}

#[test]
fn bad_test_images_do_not_stop_a_look_but_are_told_with_bad_training_images() {
    let folder = Folder::pets();
    folder.text("test/2.jpg", "");
    let data = folder.open();
    let look = || dataset::find_twins(&data.train, &data.test, folder.folder.path(), &[], &());
    let found = look().unwrap();
    let (place, bad) = &found.broken[0];
    assert_eq!((found.broken.len(), *place, bad.id.as_str()), (1, 1, "2"));
    assert!(folder.path(".kaggle-kit/bad-images.csv").is_file());
    folder.text("train/cat.0.jpg", "");
    let error = look().unwrap_err().to_string();
    assert!(error.starts_with("2 of 7 images cannot be used:\n"), "{error}");
    assert!(error.contains("cat.0.jpg` is empty") && error.contains("2.jpg` is empty"), "{error}");
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
