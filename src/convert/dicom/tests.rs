//! Files written here, byte by byte.

use std::io::{Cursor, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::*;

const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(in crate::convert) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const RUN_LENGTHS: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.50";
const LOSSLESS_JPEG: &str = "1.2.840.10008.1.2.4.70";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const PIXEL_DATA: Tag = 0x7fe0_0010;
/// A sequence that ends with a delimiter, and in it one that does too.
const SEQUENCE: Tag = 0x0008_1140;

/// An element: its type, and its value with its low byte first.
type Element = (Tag, &'static str, Vec<u8>);

/// A file of one slice: what a test changes comes instead of what is usual.
pub(in crate::convert) fn file(syntax: &str, changes: &[Element]) -> Vec<u8> {
    let short = |tag, value: u16| (tag, "US", value.to_le_bytes().to_vec());
    let text = |tag, kind, text: &str| (tag, kind, text.as_bytes().to_vec());
    let values: [i16; 6] = [-1000, 0, 39, 40, 80, 3000];
    let usual = [
        (SEQUENCE, "SQ", Vec::new()),
        text(0x0010_0020, "LO", "patient 7 "),
        short(tags::SAMPLES_PER_PIXEL, 1),
        text(tags::PHOTOMETRIC_INTERPRETATION, "CS", "MONOCHROME2 "),
        short(tags::ROWS, 2),
        short(tags::COLUMNS, 3),
        short(tags::BITS_ALLOCATED, 16),
        short(tags::BITS_STORED, 16),
        short(tags::HIGH_BIT, 15),
        short(tags::PIXEL_REPRESENTATION, 1),
        (PIXEL_DATA, "OW", values.iter().flat_map(|value| value.to_le_bytes()).collect()),
    ];
    let mut elements: Vec<Element> = usual.to_vec();
    for change in changes {
        elements.retain(|(tag, ..)| *tag != change.0);
        elements.push(change.clone());
    }
    elements.sort_by_key(|(tag, ..)| *tag);
    let mut uid = syntax.as_bytes().to_vec();
    if uid.len() % 2 == 1 {
        uid.push(0);
    }
    let mut meta = Vec::new();
    write(&mut meta, EXPLICIT, &(0x0002_0010, "UI", uid));
    let mut body = Vec::new();
    for element in &elements {
        write(&mut body, syntax, element);
    }
    if syntax == DEFLATED {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&body).unwrap();
        body = packed.finish().unwrap();
    }
    [vec![0; 128], b"DICM".to_vec(), meta, body].concat()
}

fn write(to: &mut Vec<u8>, syntax: &str, (tag, kind, value): &Element) {
    let is_big = syntax == BIG_ENDIAN;
    let two = |n: u16| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
    let four = |n: u32| if is_big { n.to_be_bytes() } else { n.to_le_bytes() };
    let head = |tag: Tag| [two((tag >> 16) as u16), two(tag as u16)].concat();
    let is_packed = *tag == PIXEL_DATA && packed::name_of(syntax).is_some();
    let is_long = matches!(*kind, "OW" | "OB" | "SQ" | "UN");
    let length = if is_packed || *tag == SEQUENCE { u32::MAX } else { value.len() as u32 };
    to.extend(head(*tag));
    if syntax == IMPLICIT {
        to.extend(four(length));
    } else if is_long {
        to.extend(kind.as_bytes());
        to.extend([0, 0]);
        to.extend(four(length));
    } else {
        to.extend(kind.as_bytes());
        to.extend(two(length as u16));
    }
    let item = |tag: Tag, length: u32| [head(tag), four(length).to_vec()].concat();
    if *tag == SEQUENCE {
        // An item with an end of its own, with the sequence in it once more; an item with a length.
        to.extend(item(0xfffe_e000, u32::MAX));
        if value.is_empty() {
            write(to, syntax, &(SEQUENCE, "SQ", vec![0; 8]));
        }
        to.extend(item(0xfffe_e00d, 0));
        to.extend(item(0xfffe_e000, 8));
        to.extend([0x55; 8]);
        to.extend(item(0xfffe_e0dd, 0));
    } else if is_packed {
        // No table of offsets, and two fragments.
        let (one, other) = value.split_at(value.len() / 4 * 2);
        to.extend(item(0xfffe_e000, 0));
        for part in [one, other] {
            to.extend(item(0xfffe_e000, part.len() as u32));
            to.extend(part);
        }
        to.extend(item(0xfffe_e0dd, 0));
    } else if is_big && matches!(*kind, "US" | "OW") {
        to.extend(value.chunks(2).flat_map(|two| [two[1], two[0]]));
    } else {
        to.extend(value);
    }
}

fn short(tag: Tag, value: u16) -> Element {
    (tag, "US", value.to_le_bytes().to_vec())
}

fn text(tag: Tag, kind: &'static str, text: &str) -> Element {
    (tag, kind, text.as_bytes().to_vec())
}

fn pixels(bytes: &[u8], windows: &[[f64; 2]]) -> Vec<u8> {
    slice(bytes, windows, &[]).unwrap().picture.pixels
}

fn failure(bytes: &[u8], windows: &[[f64; 2]]) -> Failure {
    slice(bytes, windows, &[]).err().expect("it is refused")
}

#[test]
fn windows_go_by_the_standards_formula() {
    // import numpy as np; from pydicom.pixels import apply_windowing; the 8-bit form of its formula:
    // x = np.array([-1000, 0, 39, 40, 80, 3000.]); c, w = 40 - .5, 80 - 1
    // np.where(x <= c - w / 2, 0, np.where(x > c + w / 2, 255, ((x - c) / w + .5) * 255)).round()
    let bytes = file(EXPLICIT, &[]);
    assert_eq!(pixels(&bytes, &[[40.0, 80.0]]), [0, 0, 126, 129, 255, 255]);
    let three =
        slice(&bytes, &[[40.0, 80.0], [80.0, 200.0], [600.0, 2800.0]], &[0x0010_0020]).unwrap();
    assert_eq!(three.attributes, ["patient 7"]);
    assert_eq!((three.picture.width, three.picture.height), (3, 2));
    assert_eq!(three.picture.pixels[6..12], [126, 76, 76, 129, 77, 77]);
    // Through a slope and an intercept.
    let rescaled =
        [text(tags::RESCALE_SLOPE, "DS", "2 "), text(tags::RESCALE_INTERCEPT, "DS", "-40 ")];
    assert_eq!(pixels(&file(EXPLICIT, &rescaled), &[[40.0, 80.0]]), [0, 0, 123, 129, 255, 255]);
    // A width of one is a threshold.
    assert_eq!(pixels(&bytes, &[[40.0, 1.0]]), [0, 0, 0, 255, 255, 255]);
}

#[test]
fn every_way_to_write_it_is_read() {
    let expected = pixels(&file(EXPLICIT, &[]), &[[40.0, 80.0]]);
    for syntax in [IMPLICIT, DEFLATED, BIG_ENDIAN] {
        assert_eq!(pixels(&file(syntax, &[]), &[[40.0, 80.0]]), expected, "{syntax}");
    }
    // Without a preamble, and without a header of any kind.
    assert_eq!(pixels(&file(EXPLICIT, &[])[132..], &[[40.0, 80.0]]), expected);
    for syntax in [IMPLICIT, EXPLICIT] {
        let header = 132 + 8 + syntax.len().next_multiple_of(2);
        assert_eq!(pixels(&file(syntax, &[])[header..], &[[40.0, 80.0]]), expected);
    }
}

#[test]
fn without_windows_the_files_own_counts_and_then_its_bits() {
    let own =
        [text(tags::WINDOW_CENTER, "DS", "40\\600 "), text(tags::WINDOW_WIDTH, "DS", "80\\99 ")];
    let bytes = file(EXPLICIT, &own);
    assert_eq!(pixels(&bytes, &[]), [0, 0, 126, 129, 255, 255]);
    assert_eq!(pixels(&bytes, &[[0.0, 1.0]]), [0, 255, 255, 255, 255, 255]);
    // round((x - 0) / 80 * 255); round(255 / (1 + exp(-4 * (x - 40) / 80)))
    let function = |name: &str| {
        let named = text(tags::VOI_LUT_FUNCTION, "CS", name);
        pixels(&file(EXPLICIT, &[own[0].clone(), own[1].clone(), named]), &[])
    };
    assert_eq!(function("LINEAR_EXACT"), [0, 0, 124, 128, 255, 255]);
    assert_eq!(function("SIGMOID "), [0, 30, 124, 128, 225, 255]);
    // Twelve bits with a sign: from -2048 to 2047, and what lies above them is not a part of the value.
    let twelve = [short(tags::BITS_STORED, 12), short(tags::HIGH_BIT, 11)];
    // python3 -c "print([round((x + 2048) / 4095 * 255) for x in [-1000, 0, 39, 40, 80, 3000 - 4096]])"
    assert_eq!(pixels(&file(EXPLICIT, &twelve), &[]), [65, 128, 130, 130, 133, 59]);
    let eight = [&eight_bits()[..], &[(PIXEL_DATA, "OB", vec![0, 1, 127, 128, 254, 255])]].concat();
    assert_eq!(pixels(&file(EXPLICIT, &eight), &[]), [0, 1, 127, 128, 254, 255]);
    let inverted = text(tags::PHOTOMETRIC_INTERPRETATION, "CS", "MONOCHROME1 ");
    let inverted = [eight, vec![inverted]].concat();
    assert_eq!(pixels(&file(EXPLICIT, &inverted), &[]), [255, 254, 128, 127, 1, 0]);
}

fn eight_bits() -> [Element; 4] {
    let bits = [(tags::BITS_ALLOCATED, 8), (tags::BITS_STORED, 8), (tags::HIGH_BIT, 7)];
    let [a, b, c] = bits.map(|(tag, n)| short(tag, n));
    [a, b, c, short(tags::PIXEL_REPRESENTATION, 0)]
}

fn colours(photometric: &str, planes: u16, pixels: [u8; 6]) -> Vec<Element> {
    vec![
        short(tags::SAMPLES_PER_PIXEL, 3),
        text(tags::PHOTOMETRIC_INTERPRETATION, "CS", photometric),
        short(tags::PLANAR_CONFIGURATION, planes),
        short(tags::ROWS, 1),
        short(tags::COLUMNS, 2),
        short(tags::BITS_ALLOCATED, 8),
        short(tags::BITS_STORED, 8),
        short(tags::HIGH_BIT, 7),
        short(tags::PIXEL_REPRESENTATION, 0),
        (PIXEL_DATA, "OB", pixels.to_vec()),
    ]
}

#[test]
fn colours_are_red_green_and_blue() {
    let beside = colours("RGB ", 0, [1, 2, 3, 4, 5, 6]);
    assert_eq!(pixels(&file(EXPLICIT, &beside), &[]), [1, 2, 3, 4, 5, 6]);
    let planes = colours("RGB ", 1, [1, 4, 2, 5, 3, 6]);
    assert_eq!(pixels(&file(EXPLICIT, &planes), &[]), [1, 2, 3, 4, 5, 6]);
    // Red (76, 85, 255) and grey.
    let ybr = colours("YBR_FULL", 0, [76, 85, 255, 90, 128, 128]);
    assert_eq!(pixels(&file(EXPLICIT, &ybr), &[]), [254, 0, 0, 90, 90, 90]);
    let Failure::Unsupported(reason) = failure(&file(EXPLICIT, &beside), &[[40.0, 80.0]]) else {
        panic!()
    };
    assert!(reason.contains("windows are for what is grey"), "{reason}");
    let palette = colours("PALETTE COLOR ", 0, [0; 6]);
    let reason = failure(&file(EXPLICIT, &palette), &[]);
    assert_eq!(reason, Failure::Unsupported("it is PALETTE COLOR".to_owned()));
}

#[test]
fn run_lengths_are_unpacked() {
    let values: [i16; 6] = [-1000, 0, 39, 40, 80, 3000];
    let plane = |at: usize| values.map(|value| value.to_be_bytes()[at]);
    // The high bytes as they are; the low ones with a repetition in front that covers none of them.
    let high = [vec![5], plane(0).to_vec()].concat();
    let low = [vec![0x80_u8], vec![5], plane(1).to_vec()].concat();
    let mut header = vec![0; 64];
    header[0] = 2;
    header[4] = 64;
    header[8] = 64 + high.len() as u8;
    let mut packed = [header, high, low].concat();
    packed.resize(packed.len().next_multiple_of(2), 0);
    let expected = pixels(&file(EXPLICIT, &[]), &[[40.0, 80.0]]);
    let change = [(PIXEL_DATA, "OB", packed.clone())];
    assert_eq!(pixels(&file(RUN_LENGTHS, &change), &[[40.0, 80.0]]), expected);
    // Six times the same: 0x0101, two planes in one byte each.
    packed[64..68].copy_from_slice(&[0xfb, 1, 0xfb, 1]);
    packed[8] = 66;
    let change = [(PIXEL_DATA, "OB", packed[..68].to_vec())];
    assert_eq!(pixels(&file(RUN_LENGTHS, &change), &[[257.0, 1.0]]), [255; 6]);
    let cut = [(PIXEL_DATA, "OB", packed[..66].to_vec())];
    assert!(matches!(failure(&file(RUN_LENGTHS, &cut), &[]), Failure::Broken(_)));
}

/// Lossless JPEG of one component (ITU-T T.81 H): each value as its difference to the left one, the first
/// of a row to the one above. The number of its bits has a code of five bits that is the number itself.
fn lossless_jpeg(width: u16, values: &[u16]) -> Vec<u8> {
    let height = values.len() as u16 / width;
    let [h, w] = [height, width].map(u16::to_be_bytes);
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xc3, 0, 11, 16, h[0], h[1], w[0], w[1], 1, 1, 0x11, 0];
    bytes.extend([0xff, 0xc4, 0, 36, 0, 0, 0, 0, 0, 17]);
    bytes.extend([0; 11]);
    bytes.extend(0..17);
    bytes.extend([0xff, 0xda, 0, 8, 1, 1, 0, 1, 0, 0]);
    let mut bits = String::new();
    for (i, value) in values.iter().enumerate() {
        let predicted = match i {
            0 => 1 << 15,
            i if i % usize::from(width) == 0 => values[i - usize::from(width)],
            i => values[i - 1],
        };
        let difference = i32::from(value.wrapping_sub(predicted).cast_signed());
        let n = (32 - difference.unsigned_abs().leading_zeros()) as usize;
        let coded = if difference < 0 { difference - 1 + (1 << n) } else { difference };
        bits += &format!("{n:05b}");
        if n > 0 {
            bits += &format!("{coded:0n$b}");
        }
    }
    bits += &"1".repeat(bits.len().next_multiple_of(8) - bits.len());
    for at in (0..bits.len()).step_by(8) {
        let byte = u8::from_str_radix(&bits[at..at + 8], 2).unwrap();
        bytes.push(byte);
        if byte == 0xff {
            bytes.push(0);
        }
    }
    bytes.extend([0xff, 0xd9]);
    bytes.resize(bytes.len().next_multiple_of(2), 0);
    bytes
}

#[test]
fn lossless_jpeg_has_sixteen_bits() {
    let values: [i16; 6] = [-1000, 0, 39, 40, 80, 3000];
    let packed = lossless_jpeg(3, &values.map(i16::cast_unsigned));
    let bytes = file(LOSSLESS_JPEG, &[(PIXEL_DATA, "OB", packed)]);
    let expected = pixels(&file(EXPLICIT, &[]), &[[40.0, 80.0]]);
    assert_eq!(pixels(&bytes, &[[40.0, 80.0]]), expected);
    let other = file(LOSSLESS_JPEG, &[(PIXEL_DATA, "OB", lossless_jpeg(2, &[1; 6]))]);
    assert!(matches!(failure(&other, &[]), Failure::Broken(_)));
}

/// Without loss, 3 x 2, by Pillow 12 and `OpenJPEG` 2.5.4:
/// a = np.array([[24, 1024, 1063], [1064, 1104, 4024]], '<u2'); im = Image.frombytes('I;16', (3, 2), `a.tobytes()`)
/// im.save('x.j2k', `no_jp2=True`, irreversible=False, `num_resolutions=1`)
const CODESTREAM: &str = "ff4fff510029000000000003000000020000000000000000000000030000000200000000000000000001\
    0f0101ff52000c00000001000004040001ff5c00044080ff640025000143726561746564206279204f70656e4a5045472076\
    657273696f6e20322e352e34ff90000a00000000001e0001ff93cffc30300890574ae6d48df00d30357fffd9";

#[test]
fn jpeg_2000_has_the_files_own_values() {
    let bytes: Vec<u8> = (0..CODESTREAM.len() / 2)
        .map(|i| u8::from_str_radix(&CODESTREAM[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    let changes = [
        short(tags::PIXEL_REPRESENTATION, 0),
        text(tags::RESCALE_INTERCEPT, "DS", "-1024 "),
        (PIXEL_DATA, "OB", bytes.clone()),
    ];
    let expected = pixels(&file(EXPLICIT, &[]), &[[40.0, 80.0]]);
    assert_eq!(pixels(&file(JPEG_2000, &changes), &[[40.0, 80.0]]), expected);
    // The same values less half the range, as the decoder takes them, where the first byte of its sizes
    // says that they have a sign.
    let mut signed = bytes;
    signed[42] |= 0x80;
    let changes = [text(tags::RESCALE_INTERCEPT, "DS", "31744 "), (PIXEL_DATA, "OB", signed)];
    assert_eq!(pixels(&file(JPEG_2000, &changes), &[[40.0, 80.0]]), expected);
    let cut = [short(tags::COLUMNS, 4), (PIXEL_DATA, "OB", vec![0xff, 0x4f, 0xff, 0x51])];
    assert!(matches!(failure(&file(JPEG_2000, &cut), &[]), Failure::Broken(_)));
}

#[test]
fn jpeg_of_eight_bits_is_decoded() {
    let mut packed = Cursor::new(Vec::new());
    let pixels_of = [200_u8; 64];
    JpegEncoder::new_with_quality(&mut packed, 100)
        .write_image(&pixels_of, 8, 8, ExtendedColorType::L8)
        .unwrap();
    let packed = packed.into_inner();
    let changes = [short(tags::ROWS, 8), short(tags::COLUMNS, 8), (PIXEL_DATA, "OB", packed)];
    let bytes = file(JPEG, &[&eight_bits()[..], &changes].concat());
    assert_eq!(pixels(&bytes, &[]), pixels_of);
}

#[test]
fn what_is_not_read_is_refused_by_its_name() {
    let packed = file(JPEG_LS, &[(PIXEL_DATA, "OB", vec![0; 8])]);
    let Failure::Unsupported(reason) = failure(&packed, &[]) else { panic!() };
    assert_eq!(reason, "it is packed with JPEG-LS Lossless (1.2.840.10008.1.2.4.80)");
    let film = file(EXPLICIT, &[text(tags::NUMBER_OF_FRAMES, "IS", "12")]);
    assert_eq!(failure(&film, &[]), Failure::Unsupported("it is a film of 12 frames".to_owned()));
    let huge = [short(tags::ROWS, 60_000), short(tags::COLUMNS, 60_000)];
    assert!(matches!(failure(&file(EXPLICIT, &huge), &[]), Failure::Broken(_)));
    assert!(matches!(failure(b"a text", &[]), Failure::Broken(_)));
}

#[test]
fn a_small_file_takes_room_for_what_it_unpacks_to() {
    let sides = [tags::ROWS, tags::COLUMNS].map(|tag| short(tag, 16_000));
    let packed = file(JPEG_2000, &[&sides[..], &[(PIXEL_DATA, "OB", vec![0; 8])]].concat());
    // A value: two bytes, two floats, a number of four bytes, and two pictures of three.
    let room = 256_000_000 * (2 + 8 + 4 + 6);
    assert_eq!(pixels::memory(&Elements::read(&packed).unwrap()), Ok(room));
}

#[test]
fn cut_and_damaged_files_are_told() {
    for syntax in [EXPLICIT, IMPLICIT, LOSSLESS_JPEG] {
        let change =
            (syntax == LOSSLESS_JPEG).then(|| (PIXEL_DATA, "OB", lossless_jpeg(3, &[7; 6])));
        let whole = file(syntax, change.as_slice());
        for cut in 0..whole.len() - 1 {
            assert!(slice(&whole[..cut], &[], &[]).is_err(), "{syntax} {cut}");
        }
        for at in 132..whole.len() {
            let mut other = whole.clone();
            other[at] ^= 0xff;
            // It may be another picture, but comes to an end.
            let _ = slice(&other, &[], &[]);
        }
    }
}

#[test]
fn attributes_have_names_and_numbers() {
    assert_eq!(tag_of("PatientID"), Some(0x0010_0020));
    assert_eq!(tag_of("0028,1050"), Some(tags::WINDOW_CENTER));
    for name in ["Patient", "0028", "28,1050", "+028,1050", ""] {
        assert_eq!(tag_of(name), None, "{name}");
    }
    assert!(keywords().contains("StudyInstanceUID, ViewPosition"));
}
