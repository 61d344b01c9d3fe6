//! Files as they come with a competition: packed ones, pictures, DICOM, records, tables, specs.

use std::io::{Cursor, Write};

use image::DynamicImage;
use image::ImageFormat::{self, Bmp, Gif, Jpeg, Png, Tiff, WebP};

/// A target, the name of a seed, and its bytes.
type Seed = (&'static str, String, Vec<u8>);

/// All of them; `tar` is one to be packed.
pub(super) fn all(tar: &[u8]) -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut add = |target, bytes: Vec<u8>| {
        let n = seeds.len();
        seeds.push((target, n.to_string(), bytes));
    };
    for (of, content) in [(0, &b"id,label\n1,0.5\n"[..]), (0x80, tar)] {
        for how in [0, 0x40] {
            for packed in packed(content) {
                // The rest when divided by three picks the kind.
                let mut all = of | how..=u8::MAX;
                let which = all.find(|which| which % 3 == packed.0).unwrap();
                add("packed", [&[which], &packed.1[..]].concat());
            }
        }
    }
    for (which, bytes) in converted() {
        add("convert", [&[which], &bytes[..]].concat());
    }
    for bytes in pictures() {
        add("picture", bytes);
    }
    for (which, text) in TABLES {
        let bytes: Vec<u8> =
            text.bytes().map(|byte| if byte == b'~' { 0xff } else { byte }).collect();
        add("infer", [&[*which], &bytes[..]].concat());
        add("labels", [&[*which], &bytes[..]].concat());
    }
    for spec in SPECS {
        add("spec", (*spec).into());
    }
    for competition in kaggle_kit::competition::all().unwrap() {
        add("spec", competition.source.clone().into_bytes());
    }
    seeds
}

/// By gzip, bzip2 and xz, by what picks each; two of each one after another are one too.
fn packed(content: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(content).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(content).unwrap();
    let bzip2 = bzip2.finish().unwrap();
    let options = lzma_rust2::XzOptions::with_preset(0);
    let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    xz.write_all(content).unwrap();
    let xz = xz.finish().unwrap();
    vec![
        (0, [&gzip[..], &gzip].concat()),
        (0, gzip),
        (1, [&bzip2[..], &bzip2].concat()),
        (1, bzip2),
        (2, [&xz[..], &xz].concat()),
        (2, xz),
    ]
}

/// Files that pictures are made of, by the byte that picks their kind.
fn converted() -> Vec<(u8, Vec<u8>)> {
    let mut all: Vec<(u8, Vec<u8>)> = Vec::new();
    let grey = [0_u8, 24, 40, 41, 80, 200, 9, 8];
    let jpeg = jpeg();
    for windows in [0, 1] {
        for syntax in ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2"] {
            all.push((windows, dicom(syntax, (1, 16), "MONOCHROME2", [2, 2], &grey)));
            all.push((windows, dicom(syntax, (1, 8), "MONOCHROME1", [2, 4], &grey)));
        }
        let explicit = "1.2.840.10008.1.2.1";
        all.push((windows, dicom(explicit, (3, 8), "RGB ", [1, 2], &grey)));
        let mut lengths = vec![0; 64];
        (lengths[0], lengths[4]) = (1, 64);
        lengths.extend([3, 1, 2, 3, 4, 0xfd, 9]);
        all.push((windows, dicom("1.2.840.10008.1.2.5", (1, 8), "MONOCHROME2", [2, 4], &lengths)));
        let baseline = "1.2.840.10008.1.2.4.50";
        all.push((windows, dicom(baseline, (1, 8), "MONOCHROME2", [8, 8], &jpeg)));
        let code = hex(CODESTREAM);
        all.push((windows, dicom("1.2.840.10008.1.2.4.90", (1, 16), "MONOCHROME2", [2, 3], &code)));
    }
    all.push((2, b"label,pixel0,pixel1,pixel2,pixel3\r\n7,0,64,128,255\r\n1,9, 8,7,6\r\n".into()));
    all.push((2, b"Image,id\n0 1 2 3,a\n".into()));
    all.push((3, br#"[{"id":"a","band_1":[1,2,3,4],"band_2":[-1,2e0,3,4.5],"label":1}]"#.into()));
    all.push((
        3,
        br#"[{"id":7,"band_1":"1 2 3 4","band_2":[[1,2],[3,4]],"more":{"x":null}}]"#.into(),
    ));
    let list = |bytes: &[u8]| message(1, &message(1, bytes));
    let feature = |name: &str, list: Vec<u8>| {
        message(1, &[message(1, name.as_bytes()), message(2, &list)].concat())
    };
    let features = [
        feature("id", list(b"a7")),
        feature("image", list(&jpeg)),
        feature("class", message(3, &message(1, &[5]))),
    ];
    let example = message(1, &features.concat());
    // The target makes the checksums.
    let record = [&(example.len() as u64).to_le_bytes()[..], &[0; 4], &example, &[0; 4]].concat();
    all.push((4, [&record[..], &record].concat()));
    all.push((4, record));
    all
}

/// A small slice: samples a pixel and bits a sample, its kind of colours, its sides, its pixels.
fn dicom(
    syntax: &str,
    (samples, bits): (u16, u16),
    kind: &str,
    sides: [u16; 2],
    pixels: &[u8],
) -> Vec<u8> {
    let is_implicit = syntax == "1.2.840.10008.1.2";
    let is_packed = syntax.len() > "1.2.840.10008.1.2.1".len() || syntax.ends_with(".5");
    let element = |tag: u32, name: &str, value: &[u8], is_implicit: bool| {
        let mut value = value.to_vec();
        value.resize(value.len().next_multiple_of(2), 0);
        let tag = [((tag >> 16) as u16).to_le_bytes(), (tag as u16).to_le_bytes()].concat();
        let length = value.len() as u32;
        match name {
            _ if is_implicit => [tag, length.to_le_bytes().into(), value].concat(),
            "OW" => [tag, b"OW\0\0".into(), length.to_le_bytes().into(), value].concat(),
            name => {
                let length = (length as u16).to_le_bytes();
                [tag, name.as_bytes().into(), length.into(), value].concat()
            }
        }
    };
    let short = |tag, value: u16| element(tag, "US", &value.to_le_bytes(), is_implicit);
    let mut file = [&[0; 128][..], b"DICM"].concat();
    file.extend(element(0x0002_0010, "UI", syntax.as_bytes(), false));
    file.extend(element(0x0010_0020, "LO", b"patient 7", is_implicit));
    file.extend(short(0x0028_0002, samples));
    file.extend(element(0x0028_0004, "CS", kind.as_bytes(), is_implicit));
    file.extend([short(0x0028_0010, sides[0]), short(0x0028_0011, sides[1])].concat());
    file.extend([short(0x0028_0100, bits), short(0x0028_0101, bits)].concat());
    file.extend([short(0x0028_0102, bits - 1), short(0x0028_0103, 0)].concat());
    file.extend(element(0x0028_1050, "DS", b"40\\600", is_implicit));
    file.extend(element(0x0028_1051, "DS", b"80\\99", is_implicit));
    if is_packed {
        file.extend(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0\xfe\xff\0\xe0");
        file.extend((pixels.len() as u32).to_le_bytes());
        file.extend(pixels);
        file.extend(b"\xfe\xff\xdd\xe0\0\0\0\0");
    } else {
        file.extend(element(0x7fe0_0010, "OW", pixels, is_implicit));
    }
    file
}

fn jpeg() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let grey = image::GrayImage::from_fn(8, 8, |x, y| image::Luma([(x * 31 + y * 17) as u8]));
    grey.write_to(&mut bytes, Jpeg).unwrap();
    bytes.into_inner()
}

/// Small pictures of every kind that is read.
fn pictures() -> Vec<Vec<u8>> {
    let colour = |x: u32, y: u32| [(x * 31) as u8, (y * 17) as u8, (x * y) as u8];
    let rgb = image::RgbImage::from_fn(19, 11, |x, y| image::Rgb(colour(x, y)));
    let grey = DynamicImage::from(rgb.clone()).into_luma8();
    let deep = DynamicImage::from(rgb.clone()).into_rgb16();
    let clear = DynamicImage::from(rgb.clone()).into_rgba8();
    let (rgb, grey, clear) = (DynamicImage::from(rgb), DynamicImage::from(grey), clear.into());
    let deep = DynamicImage::from(deep);
    let all = [
        (&rgb, Bmp),
        (&rgb, Jpeg),
        (&grey, Jpeg),
        (&rgb, Png),
        (&grey, Png),
        (&deep, Png),
        (&clear, Png),
        (&clear, Gif),
        (&rgb, Tiff),
        (&grey, Tiff),
        (&deep, Tiff),
        (&rgb, WebP),
    ];
    let mut seeds: Vec<Vec<u8>> = all
        .iter()
        .map(|(picture, format): &(&DynamicImage, ImageFormat)| {
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, *format).unwrap();
            bytes.into_inner()
        })
        .collect();
    // Progressive, a component in a scan of its own, arithmetic, four inks; packed TIFFs, a palette.
    seeds.extend(
        [
            &include_bytes!("pictures/progressive.jpg")[..],
            include_bytes!("pictures/scans.jpg"),
            include_bytes!("pictures/inks.jpg"),
            include_bytes!("pictures/lzw.tiff"),
            include_bytes!("pictures/palette.tiff"),
            include_bytes!("pictures/float.tiff"),
            include_bytes!("pictures/palette.png"),
            include_bytes!("pictures/lossy.webp"),
        ]
        .map(Vec::from),
    );
    seeds
}

/// A field of bytes in protobuf, of less than 128 or of less than 16,384.
fn message(number: u8, bytes: &[u8]) -> Vec<u8> {
    let n = bytes.len();
    let length = if n < 128 { vec![n as u8] } else { vec![(n & 127) as u8 | 128, (n >> 7) as u8] };
    [&[number << 3 | 2], &length[..], bytes].concat()
}

fn hex(digits: &str) -> Vec<u8> {
    let byte = |i: usize| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap();
    (0..digits.len() / 2).map(byte).collect()
}

/// JPEG 2000 without loss, 3 x 2 (`src/convert/dicom/tests.rs` says how it was made).
const CODESTREAM: &str = "ff4fff510029000000000003000000020000000000000000000000030000000200000000000000000001\
    0f0101ff52000c00000001000004040001ff5c00044080ff640025000143726561746564206279204f70656e4a5045472076\
    657273696f6e20322e352e34ff90000a00000000001e0001ff93cffc30300890574ae6d48df00d30357fffd9";

/// A sample and labels, `~` between them.
const TABLES: &[(u8, &str)] = &[
    (0, "id,cat,dog\n1,0.5,0.5\n2,0.5,0.5\n~id,label\n1,cat\n2,dog\n"),
    (0, "id,label\n3,0\n4,0\n~id,label\n1,0\n2,1\n"),
    (1, "id,label\n1,x y\n2,x\n~id,label\n1,x y\n2,x z\n"),
    (
        1,
        "id,label\n3.jpg,x\n4.jpg,x\n~[{\"id\":\"1\",\"label\":\"x\"},{\"id\":\"2\",\"label\":\"y\"}]",
    ),
    (2, "id,label\n1,x\n2,x\n~[{\"id\":\"1\",\"label\":\"x\"},{\"id\":2,\"label\":\"y\"}]"),
    (2, "id\tlabel\n1\tx\n~image\tlevel\n1\t0\n2\t4\n"),
    (3, "id,a,b\n1,1,2\n2,3,4\n~id,a,b\n1,1.5,2\n2,3,-4e1\n"),
    (
        3,
        "id,label\n3,0\n~{\"images\":[{\"id\":\"1\",\"file_name\":\"1.jpg\"}],\"annotations\":[{\"image_id\":\"1\",\"category_id\":3}],\"categories\":[{\"id\":3,\"name\":\"cat\"}]}",
    ),
    (4, "\u{feff}id;label\r\n\"a b\";x\r\n~id;label\r\n1;x\r\nc.d;y\r\n"),
];

const SPECS: &[&str] = &[
    "title=\"T\"\nslug=\"t\"\nmetric={fbeta={beta=2}}\n[files]\ntrain=[\"train/{id}_{channel}.png\"]\ntest=[\"test\"]\nsample=\"s.csv\"\nchannels=[\"red\",\"green\"]\n[target]\nkind=\"multi-label\"\n[target.groups]\nexclusive=[[\"a\",\"b\"]]\n[target.labels.csv]\nfile=[\"a.csv\",\"b.csv\"]\nid=\"i\"\nlabel=\"l\"\nseparator=\"|\"\n[split]\ngroup=\"g\"\n[submission.tag-list]\nid=\"i\"\ncolumn=\"l\"\n[recipe]\nsize=64\n",
    "title=\"T\"\nslug=\"t\"\nmetric=\"kappa\"\n[files]\ntrain=[\"train.csv\"]\ntest=[\"test.csv\"]\nsample=\"s.csv\"\n[files.pixels]\ncolumns=\"pixel*\"\nshape=[28,28]\nrange=[0,1]\n[target]\nkind=\"ordinal\"\n[target.labels.csv]\nfile=\"train.csv\"\nlabel=\"l\"\n[submission.label]\nid=\"i\"\ncolumn=\"l\"\n",
    "title=\"T\"\nslug=\"t\"\nmetric=\"rmse\"\n[files]\ntrain=[\"a\"]\ntest=[\"b\"]\nsample=\"s.csv\"\nwindows=[[40,80]]\n[target]\nkind=\"number\"\nrange=[1,100]\n[target.labels.csv]\nfile=\"t.csv\"\nid=\"Id\"\n[submission.numbers]\nid=\"Id\"\n",
];
