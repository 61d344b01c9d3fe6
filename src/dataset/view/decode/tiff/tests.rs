use image::RgbImage;

use super::*;

/// A TIFF put together number by number: one strip, and these tags (which have two bytes a number).
#[derive(Clone)]
struct Made {
    is_big: bool,
    is_little: bool,
    sides: [u32; 2],
    tags: Vec<(u16, Vec<u16>)>,
    pixels: Vec<u8>,
}

const BITS: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const SAMPLES: u16 = 277;
const PLANAR: u16 = 284;
const COLOR_MAP: u16 = 320;
const EXTRA: u16 = 338;
const FORMAT: u16 = 339;
const ORIENTATION: u16 = 274;

impl Made {
    fn new(sides: [u32; 2], tags: &[(u16, &[u16])], pixels: Vec<u8>) -> Self {
        let tags = tags.iter().map(|(tag, values)| (*tag, values.to_vec())).collect();
        Self { is_big: false, is_little: true, sides, tags, pixels }
    }

    fn number(&self, number: u64, size: usize) -> Vec<u8> {
        let bytes = number.to_le_bytes()[..size].to_vec();
        if self.is_little { bytes } else { bytes.into_iter().rev().collect() }
    }

    fn bytes(&self) -> Vec<u8> {
        let place = if self.is_big { 8 } else { 4 };
        let mut file = if self.is_little { b"II".to_vec() } else { b"MM".to_vec() };
        file.extend(self.number(if self.is_big { 43 } else { 42 }, 2));
        if self.is_big {
            file.extend(self.number(8, 2));
            file.extend(self.number(0, 2));
        }
        let start = file.len() + place;
        // The pixels, then what does not fit in an entry, then the directory.
        let mut rest = self.pixels.clone();
        rest.resize(rest.len().next_multiple_of(2), 0);
        let long = |number: u64| (4_u16, vec![number]);
        let mut entries: Vec<(u16, (u16, Vec<u64>))> = vec![
            (256, long(self.sides[0].into())),
            (257, long(self.sides[1].into())),
            (278, long(self.sides[1].into())),
        ];
        let planes = self.tags.iter().find(|(tag, _)| *tag == PLANAR).map_or(1, |_| 2);
        let strip = self.pixels.len() as u64 / planes;
        entries.push((273, (4, (0..planes).map(|i| start as u64 + i * strip).collect())));
        entries.push((279, (4, vec![strip; planes as usize])));
        for (tag, values) in &self.tags {
            entries.push((*tag, (3, values.iter().map(|value| u64::from(*value)).collect())));
        }
        entries.sort();
        let mut directory = self.number(entries.len() as u64, if self.is_big { 8 } else { 2 });
        for (tag, (kind, values)) in entries {
            directory.extend(self.number(tag.into(), 2));
            directory.extend(self.number(kind.into(), 2));
            directory.extend(self.number(values.len() as u64, place));
            let size = if kind == 3 { 2 } else { 4 };
            let mut value: Vec<u8> =
                values.iter().flat_map(|value| self.number(*value, size)).collect();
            if value.len() > place {
                let at = self.number((start + rest.len()) as u64, place);
                rest.extend(std::mem::replace(&mut value, at));
            }
            value.resize(place, 0);
            directory.extend(value);
        }
        directory.extend(vec![0; place]);
        file.extend(self.number((start + rest.len()) as u64, place));
        [file, rest, directory].concat()
    }
}

fn decoded(made: &Made) -> RgbImage {
    decode(&made.bytes()).unwrap_or_else(|error| panic!("{error:#}")).image
}

fn refused(made: &Made) -> String {
    let error = decode(&made.bytes()).map(|decoded| decoded.image).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("\nhint: "), "{error}");
    error
}

fn pixels(image: &RgbImage) -> Vec<[u8; 3]> {
    image.pixels().map(|pixel| pixel.0).collect()
}

#[test]
fn big_and_little_files_of_either_order_are_one_picture() {
    let gray = Made::new([3, 1], &[(BITS, &[8]), (PHOTOMETRIC, &[1])], vec![0, 100, 255]);
    for (is_big, is_little) in [(false, true), (false, false), (true, true), (true, false)] {
        let made = Made { is_big, is_little, ..gray.clone() };
        assert_eq!(pixels(&decoded(&made)), [[0; 3], [100; 3], [255; 3]]);
        let format = crate::dataset::format::check(&made.bytes());
        assert_eq!(format, Ok(ImageFormat::Tiff));
    }
}

#[test]
fn numbers_of_colours_become_colours() {
    // Red, green and blue of four colours, as PIL writes them: 255 is 65,280.
    let map = [0, 255, 0, 10, 0, 0, 255, 20, 0, 0, 0, 30].map(|value: u16| value << 8);
    let expected = [[10, 20, 30], [0; 3], [255, 0, 0], [0, 255, 0], [10, 20, 30]];
    for (is_big, is_little) in [(false, true), (true, false)] {
        let tags: [(u16, &[u16]); 3] = [(BITS, &[2]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &map)];
        // Four to a byte, and a row begins with one.
        let made = Made::new([5, 1], &tags, vec![0b11_00_01_10, 0b11_00_00_00]);
        let made = Made { is_big, is_little, ..made };
        assert_eq!(pixels(&decoded(&made)), expected);
    }
    let mut map = [[0_u16; 256]; 3];
    map[0][7] = 200;
    let tags: [(u16, &[u16]); 3] =
        [(BITS, &[8]), (PHOTOMETRIC, &[3]), (COLOR_MAP, map.as_flattened())];
    let made = Made::new([2, 1], &tags, vec![7, 0]);
    assert_eq!(pixels(&decoded(&made)), [[200, 0, 0], [0; 3]], "a map of bytes");
    let short =
        Made::new([2, 1], &[(BITS, &[8]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &[0; 6])], vec![7, 0]);
    let error = decode(&short.bytes()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("a colour that its map has not"), "{error}");
}

#[test]
fn gray_of_few_bits_and_with_opacity_is_gray() {
    let small =
        Made::new([3, 2], &[(BITS, &[4]), (PHOTOMETRIC, &[1])], vec![0x0f, 0x80, 0x12, 0x30]);
    let expected = [0, 255, 136, 17, 34, 51].map(|value| [value; 3]);
    assert_eq!(pixels(&decoded(&small)), expected);
    let tags: [(u16, &[u16]); 4] =
        [(BITS, &[8, 8]), (PHOTOMETRIC, &[1]), (SAMPLES, &[2]), (EXTRA, &[2])];
    let with = Made::new([2, 1], &tags, vec![9, 255, 200, 0]);
    assert_eq!(pixels(&decoded(&with)), [[9; 3], [200; 3]]);
    let planes = Made::new([2, 1], &[&tags[..], &[(PLANAR, &[2])]].concat(), vec![9, 200, 255, 0]);
    assert_eq!(pixels(&decoded(&planes)), [[9; 3], [200; 3]]);
    let tags: [(u16, &[u16]); 3] = [(BITS, &[16, 16]), (PHOTOMETRIC, &[1]), (SAMPLES, &[2])];
    let deep = Made::new([2, 1], &tags, vec![0xff, 0x0f, 1, 0, 0x01, 0x01, 0xff, 0xff]);
    let found = decode(&deep.bytes()).unwrap();
    assert_eq!((pixels(&found.image), found.brightest), (vec![[16; 3], [1; 3]], Some(0x0fff)));
}

#[test]
fn floating_point_numbers_are_read_where_they_say_what_is_white() {
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let gray: [(u16, &[u16]); 3] = [(BITS, &[32]), (PHOTOMETRIC, &[1]), (FORMAT, &[3])];
    let made = |values: &[f32]| Made::new([values.len() as u32, 1], &gray, bytes(values));
    assert_eq!(pixels(&decoded(&made(&[0.0, 0.5, 1.0]))), [[0; 3], [128; 3], [255; 3]]);
    let two = [&gray[..], &[(SAMPLES, &[2][..]), (PLANAR, &[2])]].concat();
    let planes = Made::new([2, 1], &two, bytes(&[0.2, 1.0, 0.0, 0.0]));
    assert_eq!(pixels(&decoded(&planes)), [[51; 3], [255; 3]]);
    let colour: [(u16, &[u16]); 4] =
        [(BITS, &[32; 3]), (PHOTOMETRIC, &[2]), (SAMPLES, &[3]), (FORMAT, &[3; 3])];
    let red = Made::new([1, 1], &colour, bytes(&[1.0, 0.0, 0.25]));
    assert_eq!(pixels(&decoded(&red)), [[255, 0, 64]]);
    for (values, what) in [
        (&[0.0, 231.5][..], "numbers from 0 to 231.5, and nothing says"),
        (&[-0.5, 0.5], "numbers from -0.5 to 0.5, and nothing says"),
        (&[f32::NAN, 0.5], "some of its values are no numbers"),
    ] {
        let error = refused(&made(values));
        assert!(error.contains(what) && error.contains("for the whole data set"), "{error}");
    }
    let error = refused(&Made::new([1, 1], &colour, bytes(&[1.0, 0.0, 200.0])));
    assert!(error.contains("numbers from 0 to 200"), "{error}");
}

#[test]
fn what_is_not_read_is_refused_in_a_plain_sentence() {
    for (tags, what) in [
        (&[(COMPRESSION, 50000)][..], "packed with Zstandard, which is not read here"),
        (&[(COMPRESSION, 34925)], "packed with LZMA"),
        (&[(COMPRESSION, 3)], "packed as faxes are (CCITT Group 3)"),
        (&[(COMPRESSION, 12345)], "packed in a way that is not known here (12345)"),
        (&[(BITS, 32)], "its values have 32 bits, and nothing says which is black"),
        (&[(FORMAT, 2), (BITS, 16)], "its values may be below zero, and nothing says"),
        (&[(BITS, 12)], "1 values of 12 bits a pixel"),
        (&[(PHOTOMETRIC, 6), (SAMPLES, 3)], "its colours are YCbCr without JPEG"),
        (&[(PHOTOMETRIC, 8), (SAMPLES, 3)], "its colours are L*a*b*"),
        (&[(SAMPLES, 4)], "it has 4 bands, and does not say which are red, green and blue"),
    ] {
        let mut made = Made::new([2, 1], &[], vec![0; 64]);
        made.tags = tags.iter().map(|(tag, value)| (*tag, vec![*value])).collect();
        for (tag, usual) in [(BITS, 8), (PHOTOMETRIC, 1)] {
            if !tags.iter().any(|(set, _)| *set == tag) {
                made.tags.push((tag, vec![usual]));
            }
        }
        let error = refused(&made);
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn a_picture_lies_as_the_camera_was_held() {
    let tags: [(u16, &[u16]); 4] =
        [(BITS, &[8, 8]), (PHOTOMETRIC, &[1]), (SAMPLES, &[2]), (ORIENTATION, &[6])];
    let made = Made::new([2, 1], &tags, vec![9, 255, 200, 0]);
    let image = decoded(&made);
    assert_eq!((image.dimensions(), image.get_pixel(0, 1).0), ((1, 2), [200; 3]));
}

#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    let map: Vec<u16> = (0..48).map(|value| value << 8).collect();
    let palette: [(u16, &[u16]); 3] = [(BITS, &[4]), (PHOTOMETRIC, &[3]), (COLOR_MAP, &map)];
    let gray: [(u16, &[u16]); 3] = [(BITS, &[8, 8]), (PHOTOMETRIC, &[1]), (SAMPLES, &[2])];
    let floats: [(u16, &[u16]); 3] = [(BITS, &[32]), (PHOTOMETRIC, &[1]), (FORMAT, &[3])];
    for tags in [palette, gray, floats] {
        for is_big in [false, true] {
            let made = Made { is_big, ..Made::new([4, 3], &tags, vec![0; 48]) };
            let whole = made.bytes();
            for (at, value) in
                (2..whole.len()).flat_map(|at| [(at, 0), (at, 0xff), (at, whole[at] ^ 16), (at, 1)])
            {
                let mut spoilt = whole.clone();
                spoilt[at] = value;
                // Whatever comes of it, it comes back.
                let _ = decode(if value == 0 { &whole[..at] } else { &spoilt });
            }
        }
    }
}
