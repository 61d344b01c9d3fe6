//! Records written here, with their checksums.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::relative::RelativePath;

fn varint(mut n: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
    bytes
}

fn message(number: u64, bytes: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn bytes_list(bytes: &[u8]) -> Vec<u8> {
    message(1, &message(1, bytes))
}

fn number_list(numbers: &[i64]) -> Vec<u8> {
    let packed: Vec<u8> = numbers.iter().flat_map(|n| varint(n.cast_unsigned())).collect();
    message(3, &message(1, &packed))
}

fn float_list(floats: &[f32]) -> Vec<u8> {
    let packed: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
    message(2, &message(1, &packed))
}

fn an_example(features: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<Vec<u8>> = features
        .iter()
        .map(|(name, feature)| {
            message(1, &[message(1, name.as_bytes()), message(2, feature)].concat())
        })
        .collect();
    message(1, &entries.concat())
}

fn a_record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    let sums = [framing::masked(&length), framing::masked(bytes)].map(u32::to_le_bytes);
    [&length[..], &sums[0], bytes, &sums[1]].concat()
}

fn picture(format: ImageFormat, shade: u8) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::GrayImage::from_pixel(3, 2, image::Luma([shade])).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn source(folder: &Path, place: &str, is_train: bool) -> Source {
    let place = RelativePath::new(place).unwrap();
    Source { path: place.under(folder), place, is_train }
}

#[test]
fn checksums_are_those_of_tensorflow() {
    // CRC-32C of "123456789" is e3069283; the mask is from record_writer.h.
    let rotated = 0xe306_9283_u32.rotate_right(15);
    assert_eq!(framing::masked(b"123456789"), rotated.wrapping_add(0xa282_ead8));
    assert!(framing::is_head(&a_record(b"x")) && !framing::is_head(&[0; 12]));
}

#[test]
fn features_are_read_packed_and_one_by_one() {
    let unpacked = message(3, &[varint(1 << 3), varint(300), varint(1 << 3), varint(5)].concat());
    let bytes = an_example(&[
        ("id", bytes_list(b"a1")),
        ("class", number_list(&[-2, 7])),
        ("area", float_list(&[0.5, 2.0])),
        ("old", unpacked),
        ("nothing", Vec::new()),
        ("raw", bytes_list(&[0xff, 0xfe])),
    ]);
    let example = example::read(&bytes).unwrap();
    let text = |name: &str| example[name].text();
    assert_eq!(example.keys().copied().collect::<Vec<_>>(), ["area", "class", "id", "old", "raw"]);
    assert_eq!(text("id").as_deref(), Some("a1"));
    assert_eq!(text("class").as_deref(), Some("-2 7"));
    assert_eq!(text("area").as_deref(), Some("0.5 2"));
    assert_eq!(text("old").as_deref(), Some("300 5"));
    assert_eq!(text("raw"), None);
    for cut in 1..bytes.len() {
        assert!(example::read(&bytes[..cut]).is_err(), "{cut}");
    }
}

#[test]
fn records_become_pictures_and_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let (jpeg, png) = (picture(ImageFormat::Jpeg, 90), picture(ImageFormat::Png, 20));
    let one = an_example(&[
        ("image", bytes_list(&jpeg)),
        ("id", bytes_list(b"a.jpg")),
        ("class", number_list(&[4])),
        ("sex", bytes_list(b"f")),
    ]);
    let two = an_example(&[
        ("image", bytes_list(&png)),
        ("id", number_list(&[12])),
        ("class", number_list(&[0])),
    ]);
    let test = an_example(&[("image", bytes_list(&jpeg)), ("id", bytes_list(b"t.1"))]);
    fs::write_atomic(data.join("train/00-1.tfrec"), a_record(&one)).unwrap();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&a_record(&two)).unwrap();
    fs::write_atomic(data.join("train/more/01-1.tfrec.gz"), packed.finish().unwrap()).unwrap();
    fs::write_atomic(data.join("train/notes.txt"), "not a record, and long enough").unwrap();
    fs::write_atomic(data.join("test/00-1.tfrec"), a_record(&test)).unwrap();
    let sources = [source(data, "train", true), source(data, "test", false)];
    let output = Output::open(data, &()).unwrap();
    convert(&sources, "id", Some("class"), &output).unwrap();
    let images = super::super::place::images(data);
    assert_eq!(fs::read(images.join("train/a.jpg")).unwrap(), jpeg);
    assert_eq!(fs::read(images.join("train/12.png")).unwrap(), png);
    assert_eq!(fs::read(images.join("test/t.1.jpg")).unwrap(), jpeg);
    let table = super::super::place::tables(data).join(RECORDS);
    assert_eq!(fs::read_to_string(table).unwrap(), "id,class,sex\n12,0,\na.jpg,4,f\n");
}

#[test]
fn records_that_are_no_good_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let file = data.join("train/a.tfrec");
    let error = |bytes: &[u8]| {
        fs::write_atomic(&file, bytes).unwrap();
        let output = Output::open(data, &()).unwrap();
        let done = convert(&[source(data, "train", true)], "id", Some("class"), &output);
        format!("{:#}", done.unwrap_err())
    };
    let good = an_example(&[
        ("image", bytes_list(&picture(ImageFormat::Png, 1))),
        ("id", bytes_list(b"a")),
        ("class", number_list(&[1])),
    ]);
    let whole = a_record(&good);
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    assert!(
        error(&flipped).contains("a.tfrec`, record 1: its checksum is wrong"),
        "{}",
        error(&flipped)
    );
    assert!(error(&whole[..whole.len() - 1]).contains("it is cut off"));
    assert!(error(&[whole.clone(), whole.clone()].concat()).contains("are called `a.png`"));
    assert!(error(b"just a text of some length").contains("no TFRecord in"));
    let text = error(&a_record(&an_example(&[("id", bytes_list(b"a"))])));
    assert!(text.contains("no picture among its features `id`"), "{text}");
    let text = error(&a_record(&an_example(&[("image", bytes_list(b"x"))])));
    assert!(text.contains("no feature `id` among `image`\nhint: "), "{text}");
    let leaves = an_example(&[
        ("image", bytes_list(&picture(ImageFormat::Png, 1))),
        ("id", bytes_list(b"../a")),
        ("class", number_list(&[1])),
    ]);
    assert!(error(&a_record(&leaves)).contains("cannot be the name of a file"));
    let unlabelled = an_example(&[
        ("image", bytes_list(&picture(ImageFormat::Png, 1))),
        ("id", bytes_list(b"a")),
    ]);
    assert!(error(&a_record(&unlabelled)).contains("no feature `class` among"));
}
