//! What a JPEG says about itself before its first pixel: how it is coded, which decides who can
//! decode it.

use anyhow::{Result, bail, ensure};

use crate::dataset::format::TO_PNG;

/// What a JPEG's header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// The process: the frame's marker less `0xc0`. 0 and 1 are baseline, 2 progressive, 9 and 10 the
    /// same with arithmetic coding.
    process: u8,
    /// Bits a sample.
    precision: u8,
    pub(super) sides: [u32; 2],
    components: Vec<Component>,
    /// Whether there is JFIF's mark: three components are then YCbCr.
    jfif: bool,
    /// Adobe's word on the colours: 0 as they are, 1 YCbCr, 2 YCCK.
    adobe: Option<u8>,
    /// How many components the first scan has.
    in_first_scan: usize,
    /// What the camera says, from the first byte of its TIFF.
    pub(super) exif: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Component {
    id: u8,
    /// Samples of it, across and down, where others have more or fewer.
    sampling: [u8; 2],
}

/// More scans than any file has a use for: each costs a pass over the whole picture.
const MOST_SCANS: usize = 200;

impl<'a> Header<'a> {
    /// Reads up to the first scan; `None` where the file is not made like that.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut header = Self::default();
        let mut rest = bytes.get(2..)?;
        loop {
            let (marker, segment, after) = next_segment(rest)?;
            rest = after;
            match marker {
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    header.frame(marker, segment)?;
                }
                0xe0 => header.jfif |= segment.starts_with(b"JFIF\0"),
                0xe1 if header.exif.is_none() => header.exif = segment.strip_prefix(b"Exif\0\0"),
                0xee if segment.starts_with(b"Adobe") => header.adobe = segment.get(11).copied(),
                0xda => {
                    header.in_first_scan = usize::from(*segment.first()?);
                    return (!header.components.is_empty()).then_some(header);
                }
                _ => {}
            }
        }
    }

    fn frame(&mut self, marker: u8, segment: &[u8]) -> Option<()> {
        let (fixed, components) = segment.split_at_checked(6)?;
        self.process = marker - 0xc0;
        self.precision = fixed[0];
        self.sides = [[fixed[3], fixed[4]], [fixed[1], fixed[2]]]
            .map(|side| u32::from(u16::from_be_bytes(side)));
        let component =
            |about: &[u8; 3]| Component { id: about[0], sampling: [about[1] >> 4, about[1] & 15] };
        self.components = components.as_chunks().0.iter().map(component).collect();
        (self.components.len() == usize::from(fixed[5])).then_some(())
    }

    /// Whether the file is of the kinds that nearly all are of, and that `zune-jpeg` decodes as the
    /// others do: `scripts/jpegs.py` makes one of each kind. What it does not, or not rightly: a
    /// component in a scan of its own in a baseline file, colours that are finer than the brightness,
    /// odd sampling, arithmetic coding.
    pub(super) fn is_ordinary(&self) -> bool {
        let sampling = |i: usize| self.components[i].sampling;
        let common = match self.components.len() {
            1 => true,
            3 => {
                matches!(sampling(0), [1 | 2, 1 | 2])
                    && sampling(1) == [1, 1]
                    && sampling(2) == [1, 1]
            }
            4 => (0..4).all(|i| sampling(i) == [1, 1]),
            _ => false,
        };
        self.process <= 2
            && self.precision == 8
            && common
            && self.in_first_scan == self.components.len()
            && self.has_plain_colours()
    }

    /// Whether all decoders agree on what the components are.
    fn has_plain_colours(&self) -> bool {
        let named_rgb = self.components.iter().map(|component| component.id).eq(*b"RGB");
        match (self.components.len(), self.adobe) {
            (3, Some(1)) => !named_rgb,
            (3, None) => !(self.jfif && named_rgb),
            (3, _) => false,
            (4, adobe) => matches!(adobe, None | Some(0 | 2)),
            _ => true,
        }
    }

    /// Whether it has four components, which are then inks.
    pub(super) fn is_of_inks(&self) -> bool {
        self.components.len() == 4
    }

    /// Fails for what no decoder here knows, and says what it is.
    pub(super) fn check_known(&self) -> Result<()> {
        let what = match (self.process, self.precision, self.components.len()) {
            (3 | 11, ..) => "lossless coding".to_owned(),
            (5..=7 | 13..=15, ..) => "hierarchical coding".to_owned(),
            (_, 8, 1 | 3 | 4) if self.samples_by_whole_numbers() => String::new(),
            (_, 8, 1 | 3 | 4) => "sampling by fractions".to_owned(),
            (_, 8, n) => format!("{n} components"),
            (_, bits, _) => format!("{bits} bits a sample"),
        };
        ensure!(
            what.is_empty(),
            "it is a kind of JPEG that is not read here ({what})\nhint: {TO_PNG}"
        );
        ensure!(self.sides.iter().all(|side| *side > 0), "its header does not tell its height");
        Ok(())
    }

    fn samples_by_whole_numbers(&self) -> bool {
        let divides = |axis: usize| {
            let most = self.most_samples(axis);
            self.components
                .iter()
                .all(|c| c.sampling[axis] > 0 && most.is_multiple_of(c.sampling[axis]))
        };
        divides(0) && divides(1)
    }

    /// Across or down, of the component that is sampled the finest.
    fn most_samples(&self, axis: usize) -> u8 {
        self.components.iter().map(|c| c.sampling[axis]).max().unwrap_or(1).max(1)
    }

    /// Fails where a component has no scan, or where there are so many scans that the file was made to
    /// waste time.
    pub(super) fn check_scans(&self, bytes: &[u8]) -> Result<()> {
        let (mut scans, mut scanned) = (0, [false; 256]);
        let mut rest = bytes.get(2..).unwrap_or_default();
        while let Some((marker, segment, after)) = next_segment(rest) {
            rest = after;
            if marker == 0xda {
                scans += 1;
                let components = segment.iter().skip(1).step_by(2);
                let n = segment.first().copied().unwrap_or_default();
                components.take(n.into()).for_each(|id| scanned[usize::from(*id)] = true);
            }
        }
        ensure!(scans <= MOST_SCANS, "it has {scans} scans, more than any picture needs");
        if let Some(missing) = self.components.iter().find(|c| !scanned[usize::from(c.id)]) {
            bail!("it is damaged: component {} is missing", missing.id);
        }
        Ok(())
    }

    /// Bytes that all coefficients take, where a file must be read to its end before the first row.
    pub(super) fn coefficients(&self) -> u64 {
        let (across, down) = (u64::from(self.most_samples(0)), u64::from(self.most_samples(1)));
        let pixels = u64::from(self.sides[0]) * u64::from(self.sides[1]);
        let share = |c: &Component| u64::from(c.sampling[0]) * u64::from(c.sampling[1]);
        let samples = self.components.iter().map(share).sum::<u64>() * pixels / (across * down);
        samples * 2
    }

    /// Whether it must.
    pub(super) fn is_in_several_scans(&self) -> bool {
        self.process % 4 == 2 || self.in_first_scan < self.components.len()
    }
}

/// The next marker that has a segment, its segment without the length, and what follows; what is
/// between two markers is passed over. `None` at the end of the picture, or of the file.
fn next_segment(mut rest: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    loop {
        let at = rest.iter().position(|&byte| byte == 0xff)?;
        rest = &rest[at + 1..];
        match rest.first()? {
            0xd9 => return None,
            // A stuffed zero, fill bytes, and the markers without a segment.
            0x00 | 0x01 | 0xd0..=0xd8 | 0xff => {}
            &marker => {
                let length = usize::from(u16::from_be_bytes([*rest.get(1)?, *rest.get(2)?]));
                let (segment, after) = rest[1..].split_at_checked(length.max(2))?;
                return Some((marker, &segment[2..], after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with a frame of these components and a first scan of so many.
    fn jpeg(marker: u8, samplings: &[u8], in_scan: u8, before: &[u8]) -> Vec<u8> {
        let n = samplings.len() as u8;
        let mut bytes = [&[0xff, 0xd8][..], before].concat();
        bytes.extend([0xff, marker, 0, 8 + 3 * n, 8, 0, 20, 0, 30, n]);
        bytes.extend(samplings.iter().zip(1..).flat_map(|(&s, id)| [id, s, 0]));
        bytes.extend([0xff, 0xff, 0xda, 0, 6 + 2 * in_scan, in_scan]);
        bytes.extend((1..=in_scan).flat_map(|id| [id, 0]));
        bytes.extend([0, 63, 0, 1, 2, 0xff, 0, 3, 0xff, 0xd9]);
        bytes
    }

    #[test]
    fn what_is_ordinary_is_told_by_the_header() {
        let adobe = |transform| {
            let mut bytes = vec![0xff, 0xee, 0, 14];
            bytes.extend(b"Adobe\0\x64\0\0\0\0");
            bytes.push(transform);
            bytes
        };
        for (marker, samplings, in_scan, before, expected) in [
            (0xc0, &[0x22, 0x11, 0x11][..], 3, Vec::new(), true),
            (0xc1, &[0x12, 0x11, 0x11], 3, Vec::new(), true),
            (0xc2, &[0x21, 0x11, 0x11], 3, adobe(1), true),
            (0xc0, &[0x11], 1, Vec::new(), true),
            (0xc0, &[0x11, 0x11, 0x11, 0x11], 4, adobe(2), true),
            (0xc0, &[0x22, 0x11, 0x11], 1, Vec::new(), false),
            (0xc2, &[0x22, 0x11, 0x11], 2, Vec::new(), false),
            (0xc0, &[0x31, 0x11, 0x11], 3, Vec::new(), false),
            (0xc0, &[0x11, 0x22, 0x22], 3, Vec::new(), false),
            (0xc0, &[0x11, 0x11, 0x11], 3, adobe(0), false),
            (0xc9, &[0x22, 0x11, 0x11], 3, Vec::new(), false),
            (0xc0, &[0x22, 0x11, 0x11, 0x22], 4, Vec::new(), false),
        ] {
            let bytes = jpeg(marker, samplings, in_scan, &before);
            let header = Header::read(&bytes).unwrap();
            assert_eq!(header.sides, [30, 20]);
            assert_eq!(header.is_ordinary(), expected, "{header:?}");
            assert!(header.check_known().is_ok());
            let whole = usize::from(in_scan) == samplings.len();
            assert_eq!(header.check_scans(&bytes).is_ok(), whole, "{header:?}");
        }
    }

    #[test]
    fn what_nobody_knows_is_named() {
        for (marker, n, what) in
            [(0xc3, 3, "lossless"), (0xc5, 3, "hierarchical"), (0xc0, 2, "2 components")]
        {
            let bytes = jpeg(marker, &vec![0x11; n], n as u8, &[]);
            let error = Header::read(&bytes).unwrap().check_known().unwrap_err().to_string();
            assert!(
                error.contains(what) && error.contains("hint: convert such pictures"),
                "{error}"
            );
        }
        let mut deep = jpeg(0xc1, &[0x11], 1, &[]);
        deep[6] = 12;
        let error = Header::read(&deep).unwrap().check_known().unwrap_err().to_string();
        assert!(error.contains("12 bits a sample"), "{error}");
    }

    #[test]
    fn a_header_cut_anywhere_is_none() {
        let bytes = jpeg(0xc0, &[0x22, 0x11, 0x11], 3, &[]);
        let scan = bytes.len() - 10;
        for length in 0..scan - 4 {
            assert_eq!(Header::read(&bytes[..length]), None, "{length}");
        }
        let many = [&bytes[..scan - 12], &bytes[scan - 12..bytes.len() - 2].repeat(300)].concat();
        let error = Header::read(&many).unwrap().check_scans(&many).unwrap_err().to_string();
        assert!(error.contains("300 scans"), "{error}");
    }
}
