//! DICOM slices and radiographs as pictures of eight bits, through windows.
//!
//! Stored values go through the rescale slope and intercept; a window of centre c and width w then takes
//! c - 0.5 - (w - 1) / 2 and below to 0, c - 0.5 + (w - 1) / 2 and above to 255 and what is between
//! linearly to the nearest byte (PS3.3 C.11.2.1.2.1, as pydicom's `apply_windowing` does it in floats).
//! MONOCHROME1 is inverted. VOI lookup tables are left aside.

mod elements;
mod packed;
mod pixels;
#[cfg(test)]
pub(super) mod tests;

use super::picture::{Picture, scaled};
use crate::room;
use elements::{Elements, Tag};
use pixels::{Pixels, Samples};

pub(super) use elements::is_dicom;

/// Why a file is no picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Sound perhaps, and of a kind that is not read here: so are most likely others beside it.
    Unsupported(String),
    Broken(String),
}

/// What a slice's picture is, and what its file says of it.
pub(super) struct Slice {
    pub(super) picture: Picture,
    /// The texts of the attributes that were asked for.
    pub(super) attributes: Vec<String>,
}

/// How stored values become light and dark.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Window {
    Linear([f64; 2]),
    /// Without the half and the one: `LINEAR_EXACT`.
    Exact([f64; 2]),
    Sigmoid([f64; 2]),
    /// From the least to the greatest that the bits can say.
    Whole([f64; 2]),
}

impl Window {
    fn byte(self, value: f64) -> u8 {
        match self {
            Self::Linear([centre, width]) => {
                let half = (width - 1.0) / 2.0;
                Self::between(value, centre - 0.5 - half, centre - 0.5 + half)
            }
            Self::Exact([centre, width]) => {
                Self::between(value, centre - width / 2.0, centre + width / 2.0)
            }
            Self::Sigmoid([centre, width]) => {
                let light = 1.0 / (1.0 + (-4.0 * (value - centre) / width).exp());
                scaled(light, [0.0, 1.0])
            }
            Self::Whole([low, high]) => scaled(value, [low, high]),
        }
    }

    fn between(value: f64, low: f64, high: f64) -> u8 {
        if value <= low {
            0
        } else if value > high {
            255
        } else {
            scaled(value, [low, high])
        }
    }
}

/// The picture of a file through each of the windows, or through its own where there is none; with
/// the values of some attributes.
pub(super) fn slice(
    bytes: &[u8],
    windows: &[[f64; 2]],
    attributes: &[Tag],
) -> Result<Slice, Failure> {
    let elements = Elements::read(bytes)?;
    let picture = picture(&elements, windows)?;
    let attributes = attributes.iter().map(|tag| elements.text(*tag)).collect();
    Ok(Slice { picture, attributes })
}

/// The texts of attributes alone.
pub(super) fn attributes(bytes: &[u8], attributes: &[Tag]) -> Result<Vec<String>, Failure> {
    let elements = Elements::read(bytes)?;
    Ok(attributes.iter().map(|tag| elements.text(*tag)).collect())
}

fn picture(elements: &Elements, windows: &[[f64; 2]]) -> Result<Picture, Failure> {
    let first_line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    let _taken = room::take(pixels::memory(elements)?)
        .map_err(|error| Failure::Broken(first_line(error.to_string())))?;
    let Pixels { width, height, samples } = pixels::read(elements)?;
    let (values, is_inverted) = match samples {
        Samples::Colours(_) if !windows.is_empty() => {
            let reason = "it is in colours, and windows are for what is grey";
            return Err(Failure::Unsupported(reason.to_owned()));
        }
        Samples::Colours(pixels) => return Ok(Picture { width, height, pixels }),
        Samples::Grey { values, is_inverted } => (values, is_inverted),
    };
    let slope = elements.decimal(tags::RESCALE_SLOPE).unwrap_or(1.0);
    let intercept = elements.decimal(tags::RESCALE_INTERCEPT).unwrap_or(0.0);
    let rescaled = |value: i64| value as f64 * slope + intercept;
    let windows: Vec<Window> = match windows {
        [] => vec![own_window(elements, rescaled)],
        windows => windows.iter().map(|window| Window::Linear(*window)).collect(),
    };
    let plane = |window: &Window| {
        let byte = |value: &i32| match window.byte(rescaled(i64::from(*value))) {
            byte if is_inverted => 255 - byte,
            byte => byte,
        };
        values.iter().map(byte).collect()
    };
    let planes: Vec<Vec<u8>> = windows.iter().map(plane).collect();
    Ok(Picture::of_planes(width, height, &planes))
}

/// The first window that the file names, else all that its bits can say.
fn own_window(elements: &Elements, rescaled: impl Fn(i64) -> f64) -> Window {
    let centre = elements.decimal(tags::WINDOW_CENTER);
    let width = elements.decimal(tags::WINDOW_WIDTH).filter(|width| *width > 0.0);
    match (centre, width, elements.text(tags::VOI_LUT_FUNCTION).as_str()) {
        (Some(centre), Some(width), "SIGMOID") => Window::Sigmoid([centre, width]),
        (Some(centre), Some(width), "LINEAR_EXACT") => Window::Exact([centre, width]),
        (Some(centre), Some(width), _) if width >= 1.0 => Window::Linear([centre, width]),
        _ => {
            let (least, greatest) = pixels::bounds(elements);
            let ends = [rescaled(least), rescaled(greatest)];
            // A falling slope turns the ends round, not the picture.
            Window::Whole([ends[0].min(ends[1]), ends[0].max(ends[1])])
        }
    }
}

/// The attributes that are read: their keywords (PS3.6).
const KEYWORDS: [(&str, Tag); 22] = [
    ("AccessionNumber", 0x0008_0050),
    ("BodyPartExamined", 0x0018_0015),
    ("FrameOfReferenceUID", 0x0020_0052),
    ("ImageLaterality", 0x0020_0062),
    ("InstanceNumber", 0x0020_0013),
    ("InstitutionName", 0x0008_0080),
    ("Laterality", 0x0020_0060),
    ("Manufacturer", 0x0008_0070),
    ("ManufacturerModelName", 0x0008_1090),
    ("Modality", 0x0008_0060),
    ("PatientAge", 0x0010_1010),
    ("PatientID", 0x0010_0020),
    ("PatientName", 0x0010_0010),
    ("PatientSex", 0x0010_0040),
    ("SOPInstanceUID", 0x0008_0018),
    ("SeriesInstanceUID", 0x0020_000e),
    ("SeriesNumber", 0x0020_0011),
    ("StationName", 0x0008_1010),
    ("StudyDate", 0x0008_0020),
    ("StudyID", 0x0020_0010),
    ("StudyInstanceUID", 0x0020_000d),
    ("ViewPosition", 0x0018_5101),
];

/// The tag of an attribute by its keyword (`PatientID`), or as hexadecimal digits (`0010,0020`).
pub(super) fn tag_of(name: &str) -> Option<Tag> {
    if let Some((_, tag)) = KEYWORDS.iter().find(|(keyword, _)| *keyword == name) {
        return Some(*tag);
    }
    let (group, number) = name.split_once(',')?;
    let four = |text: &str| {
        let is_hex = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| Tag::from_str_radix(text, 16).ok())?
    };
    Some(four(group)? << 16 | four(number)?)
}

/// The keywords that are known, for an error.
pub(super) fn keywords() -> String {
    KEYWORDS.map(|(keyword, _)| keyword).join(", ")
}

/// What a picture needs (PS3.6).
mod tags {
    use super::Tag;

    pub(super) const SAMPLES_PER_PIXEL: Tag = 0x0028_0002;
    pub(super) const PHOTOMETRIC_INTERPRETATION: Tag = 0x0028_0004;
    pub(super) const PLANAR_CONFIGURATION: Tag = 0x0028_0006;
    pub(super) const NUMBER_OF_FRAMES: Tag = 0x0028_0008;
    pub(super) const ROWS: Tag = 0x0028_0010;
    pub(super) const COLUMNS: Tag = 0x0028_0011;
    pub(super) const BITS_ALLOCATED: Tag = 0x0028_0100;
    pub(super) const BITS_STORED: Tag = 0x0028_0101;
    pub(super) const HIGH_BIT: Tag = 0x0028_0102;
    pub(super) const PIXEL_REPRESENTATION: Tag = 0x0028_0103;
    pub(super) const WINDOW_CENTER: Tag = 0x0028_1050;
    pub(super) const WINDOW_WIDTH: Tag = 0x0028_1051;
    pub(super) const RESCALE_INTERCEPT: Tag = 0x0028_1052;
    pub(super) const RESCALE_SLOPE: Tag = 0x0028_1053;
    pub(super) const VOI_LUT_FUNCTION: Tag = 0x0028_1056;
}
