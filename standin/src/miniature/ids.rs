//! Names and labels of images, in the way of the spec's layout.

use rand::Rng;
use rand::seq::SliceRandom;

use super::Image;
use super::tags::{self, Feature};
use kaggle_kit::competition::{Competition, Labels};
use kaggle_kit::rng::{Purpose, stream};
use kaggle_kit::target::{Classes, TargetKind};

/// Training images: in equal shares of the classes, in the order of a table.
pub(super) fn train(
    competition: &Competition,
    classes: &Classes,
    n: usize,
    seed: u64,
) -> Vec<Image> {
    let folders = &competition.files.train;
    let mut images = draw_targets(competition, classes, n, seed, 0);
    let mut counts = vec![0; classes.len()];
    for (i, image) in images.iter_mut().enumerate() {
        folders[i % folders.len()].as_str().clone_into(&mut image.folder);
        let class = image.target.first().copied().unwrap_or_default();
        image.stem = match &competition.target.labels {
            Labels::FileName { separator, .. } => {
                let separator = separator.as_deref().unwrap_or(".");
                counts[class] += 1;
                format!("{}{separator}{}", classes.names()[class], counts[class] - 1)
            }
            Labels::Folder {} => format!("{}/image_{i}", classes.names()[class]),
            Labels::Csv { .. } | Labels::Json { .. }
                if competition.target.kind == TargetKind::SingleLabel =>
            {
                hexadecimal(seed, image.number)
            }
            Labels::Csv { .. } | Labels::Json { .. } | Labels::Record { .. } => {
                format!("train_{i}")
            }
        };
    }
    images
}

/// Test images, in the order of Kaggle's sample: numeric, or by text for planet's second
/// folder (`file_0, file_1, file_10`) and for hexadecimal ids.
pub(super) fn test(
    competition: &Competition,
    classes: &Classes,
    n: usize,
    seed: u64,
) -> Vec<Image> {
    let folders = &competition.files.test;
    let mut images = draw_targets(competition, classes, n, seed, 1 << 32);
    // As at planet, the first folder has two thirds of them.
    let first = if folders.len() == 1 { n } else { n.div_ceil(3) * 2 };
    for (i, image) in images.iter_mut().enumerate() {
        let place = if i < first { 0 } else { 1 + (i - first) % (folders.len() - 1) };
        folders[place].as_str().clone_into(&mut image.folder);
        let named_by_hash = matches!(competition.target.labels, Labels::Csv { .. })
            && competition.target.kind == TargetKind::SingleLabel;
        image.stem = if named_by_hash {
            hexadecimal(seed, image.number)
        } else if competition.target.kind == TargetKind::SingleLabel {
            (i + 1).to_string()
        } else if place == 0 {
            format!("test_{i}")
        } else {
            format!("file_{}", i - first)
        };
    }
    if images.iter().any(|image| image.stem.len() == 32) {
        images.sort_by(|a, b| a.stem.cmp(&b.stem));
    } else {
        let rest = first.min(images.len());
        images[rest..].sort_by(|a, b| a.stem.cmp(&b.stem));
    }
    images
}

fn draw_targets(
    competition: &Competition,
    classes: &Classes,
    n: usize,
    seed: u64,
    first_number: u64,
) -> Vec<Image> {
    let mut rng = stream(Purpose::Draw, seed, 0, first_number);
    let mut order: Vec<usize> = (0..n).map(|i| i % classes.len()).collect();
    order.shuffle(&mut rng);
    let image = |(i, class): (usize, usize)| {
        let (features, target) = match competition.target.kind {
            TargetKind::SingleLabel | TargetKind::Ordinal | TargetKind::Number => {
                (vec![], vec![class])
            }
            TargetKind::MultiLabel => tagged(classes, &mut rng),
        };
        let number = first_number + i as u64;
        Image { number, folder: String::new(), stem: String::new(), target, features }
    };
    order.into_iter().enumerate().map(image).collect()
}

/// The features of a tile and the tags that say so.
///
/// Tags that our painters do not know are marks of their own on a quarter of the tiles.
fn tagged(classes: &Classes, rng: &mut impl Rng) -> (Vec<Feature>, Vec<usize>) {
    let feature_of = |name: &str| tags::TAGS.iter().find(|(tag, _)| *tag == name).map(|t| t.1);
    let mut features = tags::draw(rng);
    let known: Vec<Option<Feature>> = classes.names().iter().map(|n| feature_of(n)).collect();
    features.retain(|feature| known.contains(&Some(*feature)));
    for (class, feature) in known.iter().enumerate() {
        if feature.is_none() && rng.random_bool(0.25) {
            features.push(Feature::Marked(class));
        }
    }
    if features.is_empty() {
        let class = rng.random_range(0..classes.len());
        features.push(known[class].unwrap_or(Feature::Marked(class)));
    }
    let is_shown =
        |class: &usize| features.contains(&known[*class].unwrap_or(Feature::Marked(*class)));
    let target = (0..classes.len()).filter(is_shown).collect();
    (features, target)
}

/// 32 hexadecimal digits, as dog-breed's ids are.
fn hexadecimal(seed: u64, number: u64) -> String {
    let mut rng = stream(Purpose::Draw, seed, 2, number);
    format!("{:032x}", rng.random::<u128>())
}
