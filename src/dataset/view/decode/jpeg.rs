//! JPEG, by two decoders. Ordinary files go to `zune-jpeg`, the rest to libjpeg-turbo (in `mozjpeg`),
//! which PIL uses as well: `zune-jpeg` 0.5.15 makes green bands of a component in a scan of its own, and
//! refuses sampling by three and arithmetic coding.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context, Result, anyhow, bail};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::header::Header;
use super::{check_size, cleared};
use crate::room::{self, Taken};

/// Decodes into the memory of `pixels`, whatever it held.
pub(super) fn decode(bytes: &[u8], pixels: Vec<u8>) -> Result<(RgbImage, Taken<'static>)> {
    let Some(header) = Header::read(bytes) else { return by_zune(bytes, pixels, 0) };
    let [width, height] = header.sides;
    check_size([width, height])?;
    let coefficients = if header.is_in_several_scans() { header.coefficients() } else { 0 };
    if header.is_ordinary() {
        return by_zune(bytes, pixels, coefficients);
    }
    header.check_known()?;
    header.check_scans(bytes)?;
    by_libjpeg(bytes, &header, pixels)
}

/// The decoder that `image` uses, without what `image` adds: it reads a file's header three times
/// and copies the file.
fn by_zune(bytes: &[u8], pixels: Vec<u8>, coefficients: u64) -> Result<(RgbImage, Taken<'static>)> {
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| anyhow!("{error}"))?;
    let (width, height) = decoder.dimensions().context("it has no size")?;
    let (width, height) = (u32::try_from(width)?, u32::try_from(height)?);
    check_size([width, height])?;
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let taken = room::take(of_pixels([width, height], orientation) + coefficients)?;
    // What a damaged file leaves out is black, never the image before.
    let mut pixels = cleared(pixels, width as usize * height as usize * 3)?;
    decoder.decode_into(&mut pixels).map_err(|error| anyhow!("{error}"))?;
    upright([width, height], pixels, orientation, taken)
}

/// The decoder of everybody else.
fn by_libjpeg(
    bytes: &[u8],
    header: &Header,
    pixels: Vec<u8>,
) -> Result<(RgbImage, Taken<'static>)> {
    let orientation = header.exif.and_then(Orientation::from_exif_chunk);
    let [width, height] = header.sides;
    let inks = if header.is_of_inks() { u64::from(width) * u64::from(height) * 4 } else { 0 };
    let taken = room::take(of_pixels(header.sides, orientation) + header.coefficients() + inks)?;
    let pixels = cleared(pixels, width as usize * height as usize * 3)?;
    // The wrapper leaves libjpeg's errors by unwinding; its text is the payload, and no hook is asked.
    let decoded = catch_unwind(AssertUnwindSafe(|| libjpeg(bytes, header, pixels)));
    let pixels = match decoded {
        Ok(pixels) => pixels?,
        Err(payload) => match payload.downcast::<String>() {
            Ok(text) => bail!("{}", text.trim_start_matches("libjpeg fatal error: ")),
            Err(_) => bail!("libjpeg failed"),
        },
    };
    upright(header.sides, pixels, orientation, taken)
}

fn libjpeg(bytes: &[u8], header: &Header, mut pixels: Vec<u8>) -> Result<Vec<u8>> {
    let decoder = mozjpeg::Decompress::new_mem(bytes)?;
    if !header.is_of_inks() {
        decoder.rgb()?.read_scanlines_into(&mut pixels)?;
        return Ok(pixels);
    }
    let inks: Vec<[u8; 4]> =
        decoder.to_colorspace(mozjpeg::ColorSpace::JCS_CMYK)?.read_scanlines()?;
    for (pixel, ink) in pixels.as_chunks_mut().0.iter_mut().zip(&inks) {
        *pixel = of_inks(*ink);
    }
    Ok(pixels)
}

/// The colour of inks as Adobe's programs store them, and PIL takes all of them to be stored: how much
/// is left of the paper's white.
fn of_inks([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let white = i32::from(black);
    [cyan, magenta, yellow].map(|left| {
        // PIL's `MULDIV255`, to the last bit.
        let product = (255 - i32::from(left)) * white + 128;
        (white - (((product >> 8) + product) >> 8)).clamp(0, 255) as u8
    })
}

/// Bytes of the picture, and of its copy where it must be turned.
fn of_pixels([width, height]: [u32; 2], orientation: Option<Orientation>) -> u64 {
    let turned = orientation.is_some_and(|turn| turn != Orientation::NoTransforms);
    u64::from(width) * u64::from(height) * 3 * (1 + u64::from(turned))
}

fn upright(
    [width, height]: [u32; 2],
    pixels: Vec<u8>,
    orientation: Option<Orientation>,
    mut taken: Taken<'static>,
) -> Result<(RgbImage, Taken<'static>)> {
    let image = RgbImage::from_raw(width, height, pixels).context("too few pixels")?;
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    taken.keep(of_pixels([width, height], None));
    Ok((image.into_rgb8(), taken))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::Read;

    use super::*;
    use crate::fs;
    use crate::hash::Hash;

    /// How far the two decoders may be apart: they round the transform and spread the colours
    /// otherwise. By a pixel and on average, in levels.
    const APART: (u8, f64) = (12, 1.2);

    /// Of the corpus, which `scripts/jpegs.py` makes: each file, and PIL's row about it: width, height and
    /// the SHA-256 of its RGB pixels, or that it is refused.
    fn corpus() -> HashMap<String, (Vec<u8>, Vec<String>)> {
        let packed =
            fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/jpegs.tar.gz")).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&packed[..]));
        let mut files: HashMap<String, Vec<u8>> = HashMap::new();
        for entry in tar.entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(entry.path().unwrap().to_str().unwrap().to_owned(), bytes);
        }
        let expected = String::from_utf8(files.remove("expected.csv").unwrap()).unwrap();
        let row = |line: &str| {
            let mut fields = line.split(',').map(str::to_owned);
            let name = fields.next().unwrap();
            let bytes = files[&name].clone();
            (name, (bytes, fields.collect()))
        };
        expected.lines().skip(1).map(row).collect()
    }

    fn hash_of(image: &RgbImage) -> String {
        Hash::of(image.as_raw()).to_string()
    }

    /// The largest difference of two pictures, and the mean.
    fn apart(a: &RgbImage, b: &RgbImage) -> (u8, f64) {
        assert_eq!(a.dimensions(), b.dimensions());
        let differences = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b));
        let sum: f64 = differences.clone().map(f64::from).sum();
        (differences.max().unwrap(), sum / a.as_raw().len() as f64)
    }

    #[test]
    fn every_kind_of_jpeg_is_what_pil_makes_of_it_or_refused_by_name() {
        let (mut ordinary, mut wrong) = (0, Vec::new());
        let corpus = corpus();
        for (name, (bytes, expected)) in &corpus {
            let decoded = decode(bytes, Vec::new());
            if expected[0] == "refused" {
                let error = decoded.map(|_| ()).unwrap_err().to_string();
                assert!(!error.contains("libjpeg"), "{name}: {error}");
                continue;
            }
            let header = Header::read(bytes).unwrap();
            // PIL fills in what is not there.
            if name == "scan-missing.jpg" {
                let error = decoded.unwrap_err().to_string();
                assert!(error.contains("component 3 is missing"), "{error}");
                continue;
            }
            let (of_pil, _) = by_libjpeg(bytes, &header, Vec::new()).unwrap();
            let sides = [of_pil.width().to_string(), of_pil.height().to_string()];
            assert_eq!((&sides[..], &hash_of(&of_pil)), (&expected[..2], &expected[2]), "{name}");
            let difference = decoded.map(|(image, _)| apart(&image, &of_pil));
            ordinary += usize::from(header.is_ordinary());
            match difference {
                Ok((most, mean)) if most <= APART.0 && mean <= APART.1 => {}
                Ok(difference) => wrong.push(format!("{name}: {difference:?}")),
                Err(error) => wrong.push(format!("{name}: {error:#}")),
            }
        }
        wrong.sort();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(ordinary > 40 && corpus.len() > 200, "{ordinary} of {}", corpus.len());
    }

    #[test]
    fn what_the_common_decoder_gets_wrong_does_not_go_to_it() {
        let corpus = corpus();
        for name in
            ["420-separate", "440-separate", "311-plain", "coarse-y-plain", "420-arithmetic"]
        {
            let (bytes, _) = &corpus[&format!("{name}.jpg")];
            let header = Header::read(bytes).unwrap();
            assert!(!header.is_ordinary(), "{name}");
            let (right, _) = decode(bytes, Vec::new()).unwrap();
            // As long as this holds there is a reason for two decoders.
            let common = by_zune(bytes, Vec::new(), 0);
            assert!(common.is_err() || apart(&common.unwrap().0, &right).1 > 5.0, "{name}");
        }
    }

    #[test]
    fn a_damaged_file_of_a_rare_kind_is_an_error_and_no_panic() {
        let corpus = corpus();
        for name in ["420-separate", "420-arithmetic", "ycck-420-separate", "311-progressive"] {
            let (bytes, _) = &corpus[&format!("{name}.jpg")];
            for (at, value) in
                (2..bytes.len()).flat_map(|at| [(at, 0), (at, 0xff), (at, bytes[at] ^ 16)])
            {
                let mut spoilt = bytes.clone();
                spoilt[at] = value;
                // Whatever comes of it, it comes back.
                let _ = decode(&spoilt, Vec::new());
            }
        }
    }
}
