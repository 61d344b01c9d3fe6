//! Small competitions of our own: pictures drawn by seed, laid out as a spec says Kaggle does.
//!
//! What is drawn follows from the spec alone: two given classes become two kinds of animals, a few more
//! become leaves, other single labels breeds, many labels tiles seen from above, and levels eyes.

mod animal;
mod brush;
mod canvas;
mod colour;
mod eye;
mod ids;
mod land;
mod leaf;
mod noise;
mod tables;
mod tags;
mod tile;

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use self::tags::Feature;
use kaggle_kit::competition::Competition;
use kaggle_kit::fs;
use kaggle_kit::rng::{Purpose, stream};
use kaggle_kit::target::{Classes, TargetKind};

/// How many pictures of a competition are drawn, of how many classes
#[derive(Args, Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// How many training images to draw
    #[arg(long = "train-images", value_name = "N", default_value_t = Self::TINY.train)]
    pub train: usize,
    /// How many test images to draw
    #[arg(long = "test-images", value_name = "N", default_value_t = Self::TINY.test)]
    pub test: usize,
    /// How many classes to draw where the spec does not name them: breeds
    #[arg(long, value_name = "N", default_value_t = Self::TINY.classes)]
    pub classes: usize,
}

impl Sizes {
    /// Enough to go through every step.
    pub const TINY: Self = Self { train: 36, test: 12, classes: 3 };
}

/// A file of the data folder.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// Relative to the data folder, with `/`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A drawn competition, with the answers that Kaggle keeps to itself.
#[derive(Clone, Debug)]
pub struct Miniature {
    /// The spec that it follows.
    pub competition: Competition,
    /// The vocabulary.
    pub classes: Classes,
    /// Tables first, then images, in the spec's layout.
    pub files: Vec<DataFile>,
    /// The sample submission's text.
    pub sample: String,
    /// The test images' ids in the sample's order, and their classes.
    pub solution: Vec<(String, Vec<usize>)>,
}

impl Miniature {
    /// Draws one; the same seed draws the same.
    pub fn generate(competition: &Competition, sizes: Sizes, seed: u64) -> Result<Self> {
        ensure!(sizes.train > 0 && sizes.test > 0, "a miniature needs training and test images");
        let classes = vocabulary(competition, sizes);
        ensure!(classes.len() > 1, "a miniature needs two classes or more");
        let train = ids::train(competition, &classes, sizes.train, seed);
        let test = ids::test(competition, &classes, sizes.test, seed);

        let extension = competition.files.extension.first().map_or("jpg", String::as_str);
        let pictures: Vec<DataFile> = train
            .par_iter()
            .chain(test.par_iter())
            .map(|image| {
                let mut rng = stream(Purpose::Draw, seed, 1, image.number);
                let sheet = picture(competition, &classes, image, &mut rng);
                let path = format!("{}/{}.{extension}", image.folder, image.stem);
                Ok(DataFile { path, bytes: sheet.jpeg(90)? })
            })
            .collect::<Result<_>>()?;

        let solution: Vec<(String, Vec<usize>)> =
            test.iter().map(|image| (image.id().to_owned(), image.target.clone())).collect();
        let sample = tables::sample(competition, &classes, &solution)?;
        let mut files = tables::labels(competition, &classes, &train)?;
        files.extend(tables::groups(competition, &train)?);
        files.extend(tables::class_names(competition, &classes));
        let path = competition.files.sample.to_string();
        files.push(DataFile { path, bytes: sample.clone().into_bytes() });
        files.extend(pictures);
        Ok(Self { competition: competition.clone(), classes, files, sample, solution })
    }

    /// Lays the data folder out on disk, as after `fetch`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for file in &self.files {
            let path = folder.join(&file.path);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write_atomic(&path, &file.bytes)?;
        }
        Ok(())
    }

    /// The test labels as a table like the sample's: what `score --solution` reads.
    pub fn solution_csv(&self) -> Result<String> {
        tables::solution(&self.competition, &self.classes, &self.solution)
    }
}

/// An image to draw.
struct Image {
    /// The number of its stream of random numbers.
    number: u64,
    folder: String,
    /// The path below the folder, without the extension.
    stem: String,
    /// Sorted class indices.
    target: Vec<usize>,
    features: Vec<Feature>,
}

impl Image {
    /// The file's stem.
    fn id(&self) -> &str {
        self.stem.rsplit('/').next().unwrap_or(&self.stem)
    }
}

fn vocabulary(competition: &Competition, sizes: Sizes) -> Classes {
    if !competition.target.classes.is_empty() {
        return competition.target.classes.clone().into();
    }
    match competition.target.kind {
        TargetKind::SingleLabel | TargetKind::Ordinal | TargetKind::Number => {
            animal::breeds(sizes.classes).into()
        }
        TargetKind::MultiLabel => {
            tags::TAGS.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>().into()
        }
    }
}

/// Three given classes, or as many more as leaves may look.
fn is_of_leaves(competition: &Competition) -> bool {
    (3..=leaf::MARKS.len()).contains(&competition.target.classes.len())
}

fn picture(
    competition: &Competition,
    classes: &Classes,
    image: &Image,
    rng: &mut ChaCha8Rng,
) -> canvas::Canvas {
    match (competition.target.kind, image.target.as_slice()) {
        (TargetKind::MultiLabel, _) => tile::picture(&image.features, rng),
        (TargetKind::Ordinal, [level]) => eye::picture(*level, classes.len() - 1, rng),
        (_, [class]) if competition.target.classes.len() == 2 => {
            animal::cat_or_dog(*class == 1, rng)
        }
        (_, [class]) if is_of_leaves(competition) => leaf::picture(*class, rng),
        (_, target) => {
            let class = target.first().copied().unwrap_or_default();
            animal::dog_of_breed(&classes.names()[class], class, rng)
        }
    }
}
