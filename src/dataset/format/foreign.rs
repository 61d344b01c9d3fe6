//! What a file is that is none of the images read here, as a person would call it.

use super::Help;

/// What begins with these bytes at this place.
const SIGNATURES: &[(usize, &[u8], &str, Help)] = &[
    (0, b"%PDF-", "a PDF", Help::Convert),
    (0, b"8BPS", "a Photoshop document", Help::Convert),
    (0, b"gimp xcf", "a picture of GIMP's", Help::Convert),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000", Help::Convert),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000", Help::Convert),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL", Help::Convert),
    (0, b"\xff\x0a", "a JPEG XL", Help::Convert),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR picture", Help::Convert),
    (0, b"#?RADIANCE", "a Radiance picture", Help::Convert),
    (0, b"qoif", "a QOI picture", Help::Convert),
    (0, b"DDS ", "a DDS texture", Help::Convert),
    (0, b"farbfeld", "a farbfeld picture", Help::Convert),
    (0, b"\0\0\x01\0", "an icon", Help::Convert),
    (0, b"FUJIFILMCCD-RAW", "a camera's raw picture", Help::Convert),
    (128, b"DICM", "a DICOM picture", Help::Convert),
    (0, b"SIMPLE  =", "a FITS picture", Help::Convert),
    (0, b"\x93NUMPY", "an array of NumPy's", Help::Convert),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", Help::Convert),
    (0, b"SQLite format 3\0", "a database of SQLite's", Help::GetAgain),
    (0, b"PAR1", "a Parquet table", Help::GetAgain),
    (0, b"PK\x03\x04", "a zip archive", Help::Unpack),
    (0, b"PK\x05\x06", "a zip archive without files", Help::GetAgain),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", Help::Unpack),
    (0, b"Rar!\x1a\x07", "a RAR archive", Help::Unpack),
    (0, b"\x1f\x8b", "packed with gzip", Help::Unpack),
    (0, b"\xfd7zXZ\0", "packed with xz", Help::Unpack),
    (0, b"BZh", "packed with bzip2", Help::Unpack),
    (0, b"\x28\xb5\x2f\xfd", "packed with zstd", Help::Unpack),
    (0, b"\x04\x22\x4d\x18", "packed with lz4", Help::Unpack),
    (0, b"LZIP", "packed with lzip", Help::Unpack),
    (0, b"\x1f\x9d", "packed with compress", Help::Unpack),
    (257, b"ustar", "a tar archive", Help::Unpack),
    (0, b"\x1a\x45\xdf\xa3", "a film", Help::GetAgain),
    (0, b"OggS", "a recording", Help::GetAgain),
    (0, b"ID3", "a recording", Help::GetAgain),
    (0, b"\x7fELF", "a program", Help::GetAgain),
    (0, b"MZ", "a program", Help::GetAgain),
    (0, b"version https://git-lfs", "a Git LFS pointer to one", Help::GetAgain),
];

/// What files of the ISO base media format are, by their brand.
const BRANDS: &[(&[u8], &str, Help)] = &[
    (b"avif", "an AVIF picture", Help::Convert),
    (b"avis", "an AVIF picture", Help::Convert),
    (b"crx ", "a camera's raw picture", Help::Convert),
    (b"heic", HEIC, Help::Convert),
    (b"heix", HEIC, Help::Convert),
    (b"heim", HEIC, Help::Convert),
    (b"heis", HEIC, Help::Convert),
    (b"hevc", HEIC, Help::Convert),
    (b"hevx", HEIC, Help::Convert),
    (b"mif1", HEIC, Help::Convert),
    (b"msf1", HEIC, Help::Convert),
];

const HEIC: &str = "a HEIC (HEIF) photograph of a telephone";

/// How text begins that is markup, in any case.
const TEXTS: &[(&str, &str)] = &[
    ("<!doctype html", HTML),
    ("<html", HTML),
    ("<head", HTML),
    ("<body", HTML),
    ("<script", HTML),
    ("<!--", HTML),
    ("<svg", "an SVG drawing"),
    ("<?xml", "XML (an error of the storage, perhaps)"),
    ("<error", "XML (an error of the storage, perhaps)"),
    ("{\"", "JSON (an error of a server, perhaps)"),
    ("{", "JSON (an error of a server, perhaps)"),
];

const HTML: &str = "an HTML page (of a login, perhaps)";

/// What a person would call it by its first bytes, and what helps.
pub(super) fn describe(head: &[u8]) -> (&'static str, Help) {
    let at = |place: usize| head.get(place..).unwrap_or_default();
    if let Some(brand) = head.get(8..12).filter(|_| at(4).starts_with(b"ftyp")) {
        return of_brand(brand, at(12));
    }
    if at(0).starts_with(b"RIFF") {
        return ("a film or a recording", Help::GetAgain);
    }
    let signature = SIGNATURES.iter().find(|(place, magic, ..)| at(*place).starts_with(magic));
    if let Some((.., what, help)) = signature {
        return (what, *help);
    }
    if let [b'P', b'1'..=b'7', b' ' | b'\t' | b'\r' | b'\n', ..] = head {
        return ("a PNM picture", Help::Convert);
    }
    of_text(head)
}

/// The brand, or, where that says little, one of those that the file is compatible with.
fn of_brand(brand: &[u8], others: &[u8]) -> (&'static str, Help) {
    let known = |brand: &[u8]| BRANDS.iter().find(|(known, ..)| *known == brand);
    let general = matches!(brand, b"mif1" | b"msf1");
    let others = others.get(4..).unwrap_or_default().as_chunks::<4>().0;
    let particular = |brand: &&[u8; 4]| !matches!(*brand, b"mif1" | b"msf1");
    let told = others.iter().take(8).filter(|_| general).filter(particular).find_map(|b| known(b));
    match told.or_else(|| known(brand)) {
        Some((_, what, help)) => (what, *help),
        None => ("a film", Help::GetAgain),
    }
}

fn of_text(head: &[u8]) -> (&'static str, Help) {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let starts = |prefix: &str| {
        text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    if let Some((_, what)) = TEXTS.iter().find(|(prefix, _)| starts(prefix)) {
        let help = if starts("<svg") { Help::Convert } else { Help::GetAgain };
        return (what, help);
    }
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    let what = if head.iter().all(|byte| *byte == 0) {
        "nothing but zeros"
    } else if head.iter().all(printable) || head.starts_with(&[0xff, 0xfe]) {
        "text"
    } else {
        "something unknown"
    };
    (what, Help::GetAgain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_image_is_named() {
        let tar = [&[b'a'; 257][..], b"ustar\0"].concat();
        let dicom = [&[0; 128][..], b"DICM\x02"].concat();
        for (head, what, help) in [
            (&b"\n <!DOCTYPE HTML><title>Sign in"[..], HTML, Help::GetAgain),
            (b"<!-- a comment --><html>", HTML, Help::GetAgain),
            (
                b"<?xml version='1.0'?><Error>",
                "XML (an error of the storage, perhaps)",
                Help::GetAgain,
            ),
            (b"{\"code\":404}", "JSON (an error of a server, perhaps)", Help::GetAgain),
            (b"<svg xmlns='http'>", "an SVG drawing", Help::Convert),
            (b"not an image\n", "text", Help::GetAgain),
            (b"PK\x03\x04\x14\0", "a zip archive", Help::Unpack),
            (b"Rar!\x1a\x07\x01\0", "a RAR archive", Help::Unpack),
            (b"\x1f\x8b\x08\0", "packed with gzip", Help::Unpack),
            (b"\xfd7zXZ\0\0\x04", "packed with xz", Help::Unpack),
            (&tar, "a tar archive", Help::Unpack),
            (&dicom, "a DICOM picture", Help::Convert),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", HEIC, Help::Convert),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", HEIC, Help::Convert),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "an AVIF picture", Help::Convert),
            (b"\0\0\0\x18ftypmif1\0\0\0\0miaf", HEIC, Help::Convert),
            (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "an AVIF picture", Help::Convert),
            (b"\0\0\0\x18ftypisom\0\0\0\0mp41", "a film", Help::GetAgain),
            (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000", Help::Convert),
            (b"\xff\x0a\0\0", "a JPEG XL", Help::Convert),
            (b"%PDF-1.4\n", "a PDF", Help::Convert),
            (b"P6\n2 2\n255\n", "a PNM picture", Help::Convert),
            (&[0; 64], "nothing but zeros", Help::GetAgain),
            (b"\x7fELF\x02\x01", "a program", Help::GetAgain),
            (b"\x01\x02\x03", "something unknown", Help::GetAgain),
        ] {
            assert_eq!(describe(head), (what, help), "{head:?}");
        }
    }
}
