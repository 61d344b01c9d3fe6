//! Pictures that a person names, files and folders, which belong to no competition.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use rayon::prelude::*;

use super::bad_image::BadImage;
use super::folder::natural_order;
use super::format;
use super::sample::Sample;
use super::view::decode;
use crate::fs;
use crate::progress::Progress;

/// The pictures at these places, each once: files as they are named, of folders whatever has a picture's
/// ending, at any depth, as people count (`2.jpg` before `10.jpg`). Whether a file is a picture is not
/// known yet: [`unreadable`] tells.
pub fn photos(places: &[PathBuf]) -> Result<Vec<Sample>> {
    let (mut samples, mut known) = (Vec::new(), HashSet::new());
    let mut add = |path: PathBuf| {
        if known.insert(path.clone()) {
            samples.push(Sample::new(path.display().to_string(), path, Vec::new()));
        }
    };
    for place in places {
        if !place.is_dir() {
            add(place.clone());
            continue;
        }
        let mut found: Vec<PathBuf> =
            fs::below(place, None)?.files.into_iter().map(|(path, _)| path).collect();
        found.retain(|path| is_picture(path));
        ensure!(
            !found.is_empty(),
            "no pictures in `{}`\nhint: pictures end with .{}; name a file to have it read whatever it \
             ends with",
            place.display(),
            format::ENDINGS.join(", .")
        );
        found.sort_by(|a, b| natural_order(&a.to_string_lossy(), &b.to_string_lossy()));
        found.into_iter().for_each(&mut add);
    }
    Ok(samples)
}

/// Whether a file has a picture's ending, in any case of letters.
fn is_picture(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        format::ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending))
    })
}

/// Those that cannot be used, by their places in `samples`; `progress` counts images.
pub fn unreadable(samples: &[Sample], progress: &dyn Progress) -> Vec<(usize, BadImage)> {
    progress.total(samples.len() as u64);
    let look = |(place, sample): (usize, &Sample)| {
        let seen = decode(&sample.path);
        progress.advance(1);
        seen.err().map(|error| (place, BadImage::new(sample, &error)))
    };
    samples.par_iter().enumerate().filter_map(look).collect()
}

#[cfg(test)]
mod tests {
    use image::RgbImage;

    use super::*;

    #[test]
    fn files_come_as_named_and_folders_as_people_count() {
        let here = tempfile::tempdir().unwrap();
        let at = |name: &str| here.path().join(name);
        fs::create_dir_all(at("more/deep")).unwrap();
        for name in ["more/10.png", "more/2.PNG", "more/deep/1.jpg", "more/.hidden.png", "one"] {
            fs::write_atomic(at(name), "").unwrap();
        }
        fs::write_atomic(at("more/notes.txt"), "").unwrap();
        let found = photos(&[at("one"), at("more"), at("more/10.png"), at("absent.png")]).unwrap();
        let names: Vec<PathBuf> = found.into_iter().map(|sample| sample.path).collect();
        let expected = ["one", "more/2.PNG", "more/10.png", "more/deep/1.jpg", "absent.png"];
        assert_eq!(names, expected.map(at));

        fs::create_dir_all(at("empty")).unwrap();
        let error = photos(&[at("one"), at("empty")]).unwrap_err().to_string();
        assert!(error.starts_with("no pictures in") && error.contains("hint: "), "{error}");
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_place() {
        let here = tempfile::tempdir().unwrap();
        let at = |name: &str| here.path().join(name);
        RgbImage::new(3, 2).save(at("good.png")).unwrap();
        fs::write_atomic(at("page.jpg"), "<html>").unwrap();
        let samples = photos(&[at("page.jpg"), at("good.png"), at("absent.png")]).unwrap();
        let bad = unreadable(&samples, &());
        let places: Vec<usize> = bad.iter().map(|(place, _)| *place).collect();
        assert_eq!(places, [0, 2]);
        assert!(bad[0].1.problem.contains("an HTML page"), "{bad:?}");
        assert!(bad[1].1.problem.ends_with("is missing"), "{bad:?}");
    }
}
