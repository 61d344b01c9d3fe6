//! What a file is, told from its first bytes, as a person would call it: the one table for pictures,
//! tables, archives and weights. What is read here is told elsewhere; this is for all the rest.

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileKind {
    /// As it follows `is`: `a PDF`.
    pub name: &'static str,
    pub class: Class,
}

/// What can be done with a file of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A picture, or numbers that are one: a program that shows it can convert it.
    Picture,
    /// Pages: they may be converted as well, but are hardly what was meant.
    Document,
    /// A spreadsheet's own format.
    Workbook,
    /// Files in one, or a single one that is packed, of the kinds that `fetch` unpacks.
    Archive,
    /// The same of another kind; what unpacks it.
    Packed(&'static str),
    /// What a server or a program leaves in the place of a file.
    Instead,
    /// What is of no use here.
    Other,
}

use Class::{Archive, Document, Instead, Other, Packed, Picture, Workbook};

const ANY: &str = "another program (`unrar x`, 7-Zip)";
/// Of an address that does not answer with what it should.
const PAGE: &str = "an HTML page (of a login, perhaps)";
const HEIC: &str = "a HEIC (HEIF) photograph of a telephone";
const RAW: &str = "a camera's raw picture";
const JSON: &str = "JSON (an error of a server, perhaps)";
const XML: &str = "XML (an error of the storage, perhaps)";

/// What begins with these bytes at this place.
const SIGNATURES: &[(usize, &[u8], &str, Class)] = &[
    // Pictures and what becomes one.
    (0, b"8BPS", "a Photoshop document", Picture),
    (0, b"gimp xcf", "a picture of GIMP's", Picture),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000", Picture),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000", Picture),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL", Picture),
    (0, b"\xff\x0a", "a JPEG XL", Picture),
    (0, b"\xff\xd8\xff\xf7", "a JPEG-LS", Picture),
    (0, b"\xff\xd8\xff", "a JPEG picture", Picture),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture", Picture),
    (0, b"GIF8", "a GIF picture", Picture),
    (0, b"II*\0", "a TIFF picture", Picture),
    (0, b"MM\0*", "a TIFF picture", Picture),
    (0, b"II+\0", "a TIFF picture", Picture),
    (0, b"MM\0+", "a TIFF picture", Picture),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture", Picture),
    (0, b"#?RADIANCE", "a Radiance picture", Picture),
    (0, b"qoif", "a QOI picture", Picture),
    (0, b"DDS ", "a DDS texture", Picture),
    (0, b"farbfeld", "a farbfeld picture", Picture),
    (0, b"\0\0\x01\0", "an icon", Picture),
    (0, b"icns", "an icon of Apple's (ICNS)", Picture),
    (0, b"\x01\xda\0\x01", SGI, Picture),
    (0, b"\x01\xda\0\x02", SGI, Picture),
    (0, b"\x01\xda\x01\x01", SGI, Picture),
    (0, b"\x01\xda\x01\x02", SGI, Picture),
    (0, b"\x59\xa6\x6a\x95", "a Sun raster picture", Picture),
    (0, b"\x8aMNG\r\n\x1a\n", "an MNG animation", Picture),
    (0, b"BPG\xfb", "a BPG picture", Picture),
    (0, b"FLIF", "a FLIF picture", Picture),
    (0, b"AT&TFORM", "a DjVu document", Document),
    (0, b"\xd7\xcd\xc6\x9a", "a drawing of Windows' (WMF)", Picture),
    (0, b"/* XPM */", "an XPM picture", Picture),
    (0, b"FUJIFILMCCD-RAW", RAW, Picture),
    (0, b"IIU\0", RAW, Picture),
    (0, b"IIRO", RAW, Picture),
    (128, b"DICM", "a DICOM picture", Picture),
    (344, b"n+1\0", "a NIfTI volume", Picture),
    (0, b"SIMPLE  =", "a FITS picture", Picture),
    (0, b"\x93NUMPY", "a NumPy array", Picture),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", Picture),
    (0, b"MATLAB 5.0 MAT", "a MATLAB file", Picture),
    (0, b"%PDF-", "a PDF", Document),
    (0, b"%!PS", "a PostScript document", Document),
    // Tables in formats of their own.
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)", Workbook),
    (0, b"PAR1", "a Parquet table", Other),
    (0, b"ARROW1", "an Arrow (feather) table", Other),
    (0, b"FEA1", "an Arrow (feather) table", Other),
    (0, b"SQLite format 3\0", "an SQLite database", Other),
    (0, b"\x80\x02", "a pickled Python object", Other),
    (0, b"\x80\x03", "a pickled Python object", Other),
    (0, b"\x80\x04\x95", "a pickled Python object", Other),
    (0, b"\x80\x05\x95", "a pickled Python object", Other),
    // Archives, and what is packed.
    (0, b"PK\x03\x04", "a zip archive", Archive),
    (0, b"PK\x05\x06", "a zip archive without files", Other),
    (0, b"PK\x07\x08", "a zip archive in several parts", Packed(ANY)),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", Archive),
    (0, b"Rar!\x1a\x07", "a RAR archive", Packed(ANY)),
    (0, b"\x1f\x8b", "a gzip archive", Archive),
    (0, b"\xfd7zXZ\0", "an xz archive", Archive),
    (0, b"BZh", "a bzip2 archive", Archive),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive", Packed("`zstd -d`")),
    (0, b"\x04\x22\x4d\x18", "an LZ4 archive", Packed("`lz4 -d`")),
    (0, b"LZIP\x01", "an lzip archive", Packed("`lzip -d`")),
    (0, b"\x1f\x9d", "an archive of `compress` (.Z)", Packed("`gunzip`")),
    (0, b"MSCF\0\0\0\0", "a Windows cabinet", Packed(ANY)),
    (0, b"\x60\xea", "an ARJ archive", Packed(ANY)),
    (0, b"!<arch>\n", "an `ar` archive", Packed(ANY)),
    (0, b"\xc7\x71", "a cpio archive", Packed(ANY)),
    (0, b"070701", "a cpio archive", Packed(ANY)),
    (0, b"070702", "a cpio archive", Packed(ANY)),
    (0, b"070707", "a cpio archive", Packed(ANY)),
    (257, b"ustar", "a tar archive", Archive),
    // The rest.
    (0, b"\x1a\x45\xdf\xa3", "a film", Other),
    (0, b"\0\0\x01\xba", "a film", Other),
    (0, b"FLV\x01", "a film", Other),
    (0, b"RIFF", "a film or a recording", Other),
    (0, b"OggS", "a recording", Other),
    (0, b"fLaC", "a recording", Other),
    (0, b"ID3", "a recording", Other),
    (0, b"\x7fELF", "a program", Other),
    (0, b"MZ", "a program", Other),
    (0, b"version https://git-lfs", "a Git LFS pointer (`git lfs pull` gets the file)", Instead),
];

const SGI: &str = "an SGI picture";

/// What files of the ISO base media format are, by their brand.
const BRANDS: &[(&[u8], &str)] = &[
    (b"avif", "an AVIF picture"),
    (b"avis", "an AVIF picture"),
    (b"crx ", RAW),
    (b"heic", HEIC),
    (b"heix", HEIC),
    (b"heim", HEIC),
    (b"heis", HEIC),
    (b"hevc", HEIC),
    (b"hevx", HEIC),
    (b"mif1", HEIC),
    (b"msf1", HEIC),
];

/// How text begins that is markup, in any case.
const TEXTS: &[(&str, &str, Class)] = &[
    ("<!doctype html", PAGE, Instead),
    ("<html", PAGE, Instead),
    ("<head", PAGE, Instead),
    ("<body", PAGE, Instead),
    ("<script", PAGE, Instead),
    ("<!--", PAGE, Instead),
    ("<svg", "an SVG drawing", Picture),
    ("<?xml", XML, Instead),
    ("<error", XML, Instead),
    ("{", JSON, Instead),
];

/// Names that only a workbook's archive has in it, early on.
const IN_WORKBOOKS: [&[u8]; 2] = [b"[Content_Types].xml", b"\0xl/"];
/// Where they are looked for.
const EARLY: usize = 2000;
/// So much of a file's beginning tells whether it is text.
const TELLING: usize = 512;

/// What a file is by its first bytes; `None` where nothing tells.
pub fn kind(head: &[u8]) -> Option<FileKind> {
    by_signature(head).or_else(|| of_text(head)).or_else(|| without_signature(head))
}

/// The same for a file that should be text: `None` where it may be. Letters that only happen to begin a
/// word, as in `ID3,label`, tell nothing there.
pub(super) fn kind_of_no_text(head: &[u8]) -> Option<FileKind> {
    let kind = by_signature(head)?;
    (!is_text(head) || kind.class == Document).then_some(kind)
}

fn by_signature(head: &[u8]) -> Option<FileKind> {
    let at = |place: usize| head.get(place..).unwrap_or_default();
    if let Some(brand) = head.get(8..12).filter(|_| at(4).starts_with(b"ftyp")) {
        return Some(of_brand(brand, at(12)));
    }
    let found = SIGNATURES.iter().find(|(place, magic, ..)| at(*place).starts_with(magic));
    if let Some(&(_, magic, name, class)) = found {
        let early = &head[..head.len().min(EARLY)];
        let has = |name: &&[u8]| early.windows(name.len()).any(|part| part == *name);
        if magic == b"PK\x03\x04" && IN_WORKBOOKS.iter().any(has) {
            return Some(FileKind { name: "an Excel workbook (.xlsx)", class: Workbook });
        }
        return Some(FileKind { name, class });
    }
    let (name, class) = match head {
        [b'P', b'1'..=b'7', b' ' | b'\t' | b'\r' | b'\n', ..] => ("a PNM picture", Picture),
        [_, _, b'-', b'l', b'h', _, b'-', ..] => ("an LZH archive", Packed(ANY)),
        // Its properties, then a dictionary of a round size.
        [0x5d, 0, 0, _, 0, ..] => ("an LZMA archive", Packed("`unlzma`")),
        _ => return None,
    };
    Some(FileKind { name, class })
}

/// The brand, or, where that says little, one of those that the file is compatible with.
fn of_brand(brand: &[u8], others: &[u8]) -> FileKind {
    let known = |brand: &[u8]| BRANDS.iter().find(|(known, _)| *known == brand);
    let general = matches!(brand, b"mif1" | b"msf1");
    let others = others.get(4..).unwrap_or_default().as_chunks::<4>().0;
    let particular = |brand: &&[u8; 4]| !matches!(*brand, b"mif1" | b"msf1");
    let told = others.iter().take(8).filter(|_| general).filter(particular).find_map(|b| known(b));
    match told.or_else(|| known(brand)) {
        Some((_, name)) => FileKind { name, class: Picture },
        None => FileKind { name: "a film", class: Other },
    }
}

fn of_text(head: &[u8]) -> Option<FileKind> {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let starts = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    if let Some(&(_, name, class)) = TEXTS.iter().find(|(prefix, ..)| starts(prefix)) {
        return Some(FileKind { name, class });
    }
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    let (name, class) = if head.is_empty() {
        ("empty", Instead)
    } else if head.iter().all(|byte| *byte == 0) {
        ("nothing but zeros", Instead)
    } else if head.iter().all(printable) || head.starts_with(&[0xff, 0xfe]) {
        ("text", Other)
    } else {
        return None;
    };
    Some(FileKind { name, class })
}

/// Old formats of pictures, which begin with their sides and such: only for what is nothing else.
fn without_signature(head: &[u8]) -> Option<FileKind> {
    let name = match head {
        [0x0a, 0 | 2..=5, 0 | 1, 1 | 2 | 4 | 8, ..] if head.len() >= 128 => "a PCX picture",
        // How many there are; a TGA of true colour has nothing there.
        [0, 0, 2, 0, n, 0, ..] if *n > 0 => "a mouse pointer",
        // A map of colours or none, how it is packed, where the map is, the place, the sides, bits.
        [
            _,
            0,
            2 | 3 | 10 | 11,
            0,
            0,
            0,
            0,
            0,
            _,
            _,
            _,
            _,
            w,
            wh,
            h,
            hh,
            8 | 15 | 16 | 24 | 32,
            bits,
            ..,
        ]
        | [
            _,
            1,
            1 | 9,
            _,
            _,
            _,
            _,
            15 | 16 | 24 | 32,
            _,
            _,
            _,
            _,
            w,
            wh,
            h,
            hh,
            8 | 16,
            bits,
            ..,
        ] if bits & 0xc0 == 0 && (*w, *wh) != (0, 0) && (*h, *hh) != (0, 0) => "a TGA picture",
        _ => return None,
    };
    Some(FileKind { name, class: Picture })
}

/// Whether the beginning could be that of a table.
fn is_text(head: &[u8]) -> bool {
    let start = &head[..head.len().min(TELLING)];
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f);
    // A character may be cut in two, and later ones may be Latin-1.
    let first = std::str::from_utf8(&start[..start.len().min(4)]);
    let begins = first.map_or_else(|error| error.error_len().is_none(), |_| true);
    begins && !start.iter().any(is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_first_bytes() {
        let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
        let dicom = [&[0; 128][..], b"DICM\x02"].concat();
        let pcx = [&b"\x0a\x05\x01\x08"[..], &[0; 124]].concat();
        for (head, name, class) in [
            (&b"\n <!DOCTYPE HTML><title>Sign in"[..], PAGE, Instead),
            (b"<!-- a comment --><html>", PAGE, Instead),
            (b"<?xml version='1.0'?><Error>", XML, Instead),
            (b"{\"code\":404}", JSON, Instead),
            (b"<svg xmlns='http'>", "an SVG drawing", Picture),
            (b"not an image\n", "text", Other),
            (b"", "empty", Instead),
            (b"PK\x03\x04\x14\0", "a zip archive", Archive),
            (b"PK\x03\x04..[Content_Types].xml", "an Excel workbook (.xlsx)", Workbook),
            (b"Rar!\x1a\x07\x01\0", "a RAR archive", Packed(ANY)),
            (b"\x1f\x8b\x08\0", "a gzip archive", Archive),
            (b"\xfd7zXZ\0\0\x04", "an xz archive", Archive),
            (&tar, "a tar archive", Archive),
            (b"..-lh5-..", "an LZH archive", Packed(ANY)),
            (&dicom, "a DICOM picture", Picture),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", HEIC, Picture),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", HEIC, Picture),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "an AVIF picture", Picture),
            (b"\0\0\0\x18ftypmif1\0\0\0\0miaf", HEIC, Picture),
            (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "an AVIF picture", Picture),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp41", "a film", Other),
            (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000", Picture),
            (b"\xff\x0a\0\0", "a JPEG XL", Picture),
            (b"%PDF-1.4\n", "a PDF", Document),
            (b"P6\n2 2\n255\n", "a PNM picture", Picture),
            (b"\0\0\x02\0\0\0\0\0\0\0\0\0\x20\0\x18\0\x18\0data", "a TGA picture", Picture),
            (b"\0\0\x02\0\x01\0\x20\x20\0\0\x02\0\x02\0\x30\x10\0\0", "a mouse pointer", Picture),
            (b"\x05\0\x02\0\0\0\0\0\0\0\0\0\x20\0\x18\0\x18\x20", "a TGA picture", Picture),
            (b"\0\x01\x01\0\0\0\x01\x18\0\0\0\0\x20\0\x18\0\x08\0", "a TGA picture", Picture),
            (&pcx, "a PCX picture", Picture),
            (b"\x01\xda\x01\x01\0\x03", SGI, Picture),
            (b"icns\0\0\0\x10", "an icon of Apple's (ICNS)", Picture),
            (&[0; 64], "nothing but zeros", Instead),
            (b"\x7fELF\x02\x01", "a program", Other),
        ] {
            assert_eq!(kind(head), Some(FileKind { name, class }), "{head:?}");
        }
        assert_eq!(kind(b"\x01\x02\x03"), None);
    }

    #[test]
    fn a_table_may_begin_with_any_letters() {
        for table in
            ["ID3,label\n", "MZ,a\n", "070701,cat\n", "P5 \n1", "PAR1,2", "icns\n", "é,ID3"]
        {
            assert_eq!(kind_of_no_text(table.as_bytes()), None, "{table}");
        }
        assert_eq!(kind_of_no_text(b""), None);
        for other in [&b"PAR1\x15\x04"[..], b"MZ\x90\0", b"%PDF-1.4\n", b"BZh91AY&SY\x07"] {
            assert!(kind_of_no_text(other).is_some(), "{other:?}");
        }
    }
}
