//! What the stand-in draws is a data set.

use std::collections::BTreeMap;

use kaggle_kit::competition::{self, Competition};
use kaggle_kit::dataset;
use kaggle_kit::metric::Serving;
use kaggle_kit::submission::score_bytes;
use kaggle_kit_standin::miniature::{Miniature, Sizes};
use kaggle_kit_standin::own;

use crate::support::Scratch;

#[test]
fn a_miniature_of_every_spec_is_a_data_set_that_opens() {
    let mut specs = [competition::all().unwrap(), own::all().unwrap()].concat();
    // Layouts and labels that no competition of ours has.
    let text = |name: &str| specs.iter().find(|c| c.name == name).unwrap().source.clone();
    let (dogs, planet) = (text("dogs-vs-cats"), text("planet"));
    let folders =
        dogs.replace("[target.labels.file-name]\nseparator = \".\"", "[target.labels.folder]");
    let words = "kind = \"multi-label\"\nclasses = [\"cars\", \"trees\", \"water\", \"sand\"]";
    let tags = planet.replace("kind = \"multi-label\"", words);
    specs.push(Competition::parse("folders", &folders, "folders.toml").unwrap());
    specs.push(Competition::parse("tags", &tags, "tags.toml").unwrap());
    for spec in specs {
        let name = spec.name.clone();
        let sizes = Sizes::TINY;
        let miniature = Miniature::generate(&spec, sizes, 3).unwrap();
        let scratch = Scratch::new();
        miniature.write(scratch.path()).unwrap();
        let data = dataset::open(&spec, scratch.path()).unwrap();
        assert_eq!((data.train.len(), data.test.len()), (sizes.train, sizes.test), "{name}");
        let all: Vec<_> = data.train.iter().chain(&data.test).cloned().collect();
        assert!(dataset::find_broken(&all, scratch.path(), &()).is_empty(), "{name}");
        let ids: Vec<&str> = data.test.iter().map(|sample| sample.id.as_str()).collect();
        let hidden: Vec<&str> = miniature.solution.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, hidden, "{name}");
        assert!(data.train.iter().all(|sample| !sample.target.is_empty()), "{name}");
        let solution = miniature.solution_csv().unwrap();
        let sample = score_bytes(miniature.sample.as_bytes(), solution.as_bytes(), &spec).unwrap();
        let expected = match spec.metric.family().serves {
            Serving::Calibrated => (miniature.classes.len() as f64).ln(),
            // One level for all agrees no better than chance does.
            Serving::CutPoints => 0.0,
            _ => sample.value.clamp(0.2, 0.9),
        };
        assert!((sample.value - expected).abs() < 1e-6, "{name}: {}", sample.value);
    }
}

#[test]
fn a_tile_has_one_weather_and_cloud_hides_all_else() {
    let planet = competition::find("planet").unwrap();
    let sizes = Sizes { train: 1, test: 150, classes: 0 };
    let miniature = Miniature::generate(&planet, sizes, 5).unwrap();
    let names = miniature.classes.names();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (id, target) in &miniature.solution {
        let tags: Vec<&str> = target.iter().map(|&tag| names[tag].as_str()).collect();
        let weather = ["clear", "cloudy", "haze", "partly_cloudy"];
        assert_eq!(tags.iter().filter(|tag| weather.contains(tag)).count(), 1, "{id}: {tags:?}");
        assert!(!tags.contains(&"cloudy") || tags.len() == 1, "{id}: {tags:?}");
        for tag in tags {
            *counts.entry(tag).or_default() += 1;
        }
    }
    assert_eq!(miniature.classes.len(), 17);
    assert!(counts["primary"] > 100 && counts["road"] > 15 && counts["water"] > 10, "{counts:?}");
    let ids: Vec<&str> = miniature.solution.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(&ids[..3], ["test_0", "test_1", "test_2"]);
    // The additional images come in the order of their text, as in Kaggle's sample.
    let first = ids.iter().position(|id| id.starts_with("file_")).unwrap();
    assert_eq!(&ids[first..first + 4], ["file_0", "file_1", "file_10", "file_11"]);
}

#[test]
fn the_same_seed_draws_the_same_and_another_does_not() {
    let spec = competition::find("dog-breed").unwrap();
    let sizes = Sizes { train: 4, test: 2, classes: 2 };
    let draw = |seed| Miniature::generate(&spec, sizes, seed).unwrap().files;
    let bytes = |seed| -> Vec<Vec<u8>> { draw(seed).into_iter().map(|file| file.bytes).collect() };
    assert_eq!(bytes(1), bytes(1));
    let (one, other) = (draw(1), draw(2));
    assert!(one.iter().zip(&other).skip(2).all(|(a, b)| a.path != b.path && a.bytes != b.bytes));
}

#[test]
fn the_average_colour_does_not_tell_the_two_kinds_apart() {
    let spec = competition::find("dogs-vs-cats").unwrap();
    let sizes = Sizes { train: 120, test: 2, classes: 2 };
    let files = Miniature::generate(&spec, sizes, 11).unwrap().files;
    let mut kinds: [Vec<[f64; 3]>; 2] = [vec![], vec![]];
    for file in files.iter().filter(|file| file.path.starts_with("train/")) {
        let picture = image::load_from_memory(&file.bytes).unwrap().to_rgb8();
        let mut mean = [0.0; 3];
        for pixel in picture.pixels() {
            for channel in 0..3 {
                mean[channel] += f64::from(pixel[channel]);
            }
        }
        let n = f64::from(picture.width() * picture.height());
        kinds[usize::from(file.path.starts_with("train/dog"))].push(mean.map(|sum| sum / n));
    }
    // The nearest class mean, fitted on the very pictures that it is tried on.
    let centres = [0, 1].map(|kind: usize| {
        let n = kinds[kind].len() as f64;
        [0, 1, 2].map(|channel: usize| kinds[kind].iter().map(|m| m[channel]).sum::<f64>() / n)
    });
    let distance =
        |a: &[f64; 3], b: &[f64; 3]| -> f64 { a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum() };
    let n_right: usize = [0, 1]
        .iter()
        .map(|&kind: &usize| {
            let nearer = |mean: &&[f64; 3]| {
                distance(mean, &centres[kind]) < distance(mean, &centres[1 - kind])
            };
            kinds[kind].iter().filter(nearer).count()
        })
        .sum();
    assert!(n_right < 80, "{n_right} of 120 are told apart by colour");
}
