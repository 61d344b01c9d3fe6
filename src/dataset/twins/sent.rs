//! What was found about the training images, for another process: it need not look at them again.

use anyhow::{Context, Result, ensure};

use super::{PictureId, Twins};
use crate::hash::Hash;

/// Of a picture, in bytes.
const PICTURE: usize = 2 * 8 + 16 + 32;

impl Twins {
    /// The pictures of the training images, and which of these must not be parted. What else was found is
    /// for people, and not in it.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = (self.pictures.len() as u64).to_le_bytes().to_vec();
        for PictureId { sides, pixels, file } in &self.pictures {
            bytes.extend(sides.map(|side| (side as u64).to_le_bytes()).as_flattened());
            bytes.extend(pixels);
            bytes.extend(file.0);
        }
        serde_json::to_writer(&mut bytes, &self.groups)?;
        Ok(bytes)
    }

    /// What [`Twins::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (n, rest) = bytes.split_first_chunk().context("no number of pictures")?;
        let n = u64::from_le_bytes(*n) as usize;
        let length = n.checked_mul(PICTURE).filter(|length| *length <= rest.len());
        let (pictures, groups) = rest.split_at(length.context("not all pictures")?);
        let picture = |bytes: &[u8]| -> Option<PictureId> {
            let (sides, rest) = bytes.split_first_chunk::<16>()?;
            let (pixels, rest) = rest.split_first_chunk()?;
            let (sides, _) = sides.as_chunks();
            let side = |at: usize| u64::from_le_bytes(sides[at]) as usize;
            let file = Hash(*rest.first_chunk()?);
            Some(PictureId { sides: [side(0), side(1)], pixels: *pixels, file })
        };
        let pictures: Option<Vec<PictureId>> = pictures.chunks(PICTURE).map(picture).collect();
        let groups: Vec<Vec<usize>> = serde_json::from_slice(groups)?;
        ensure!(groups.iter().flatten().all(|&image| image < n), "an image that is not there");
        Ok(Self { pictures: pictures.context("half a picture")?, groups, ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_a_split_and_a_cache_go_by() {
        let picture = |i: usize| PictureId {
            sides: [640 + i, 480],
            pixels: [i as u8; 16],
            file: Hash([7 * i as u8; 32]),
        };
        let twins = Twins {
            pictures: (0..5).map(picture).collect(),
            groups: vec![vec![0, 3], vec![1, 4]],
            ..Twins::default()
        };
        let bytes = twins.to_bytes().unwrap();
        assert_eq!(Twins::from_bytes(&bytes).unwrap(), twins);
        let none = Twins::default();
        assert_eq!(Twins::from_bytes(&none.to_bytes().unwrap()).unwrap(), none);
        for cut in [0, 7, 40, bytes.len() - 1] {
            assert!(Twins::from_bytes(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
