//! Data folders: what is found in good ones, and what is said about bad ones.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::path::PathBuf;

use image::{Rgb, RgbImage};
use kaggle_kit::competition::{self, Competition};
use kaggle_kit::dataset::{self, Dataset};
use kaggle_kit::fs;
use tempfile::TempDir;

mod bad_folders;
mod good_folders;
mod pictures;
mod told_apart;

/// Planet's rules among tags, as its spec has them.
const GROUPS: &str = "\
exclusive = [[\"clear\", \"cloudy\", \"haze\", \"partly_cloudy\"]]
alone = [\"cloudy\"]
# A small part of the images may lack a weather.
may-be-absent = true";

/// A data folder to spoil.
struct Folder {
    folder: TempDir,
    competition: Competition,
}

impl Folder {
    /// Twelve breed-like pictures in a table, four to predict.
    fn breeds() -> Self {
        let it = Self::of("dog-breed");
        for id in ["a1", "a2", "a10", "b"] {
            it.image(&format!("train/{id}.jpg"));
        }
        for id in ["t2", "t1"] {
            it.image(&format!("test/{id}.jpg"));
        }
        it.text("labels.csv", "id,breed\na10,beagle\na2,pug\na1,pug\nb,dingo\n");
        it.text("sample_submission.csv", "id,pug,beagle,dingo,husky\nt2,0,0,0,1\nt1,0,0,0,1\n");
        it
    }

    /// Cats and dogs, told by file names.
    fn pets() -> Self {
        let it = Self::of("dogs-vs-cats");
        for id in ["cat.0", "cat.10", "cat.9", "dog.0"] {
            it.image(&format!("train/{id}.jpg"));
        }
        for id in [1, 2, 10] {
            it.image(&format!("test/{id}.jpg"));
        }
        it.text("sample_submission.csv", "id,label\n1,0.5\n2,0.5\n10,0.5\n");
        it
    }

    /// Tagged tiles, the table in a folder of its own name as Kaggle serves it.
    fn tiles() -> Self {
        let it = Self::of("planet");
        for id in [0, 1, 2] {
            it.image(&format!("train-jpg/train_{id}.jpg"));
        }
        it.image("test-jpg/test_0.jpg");
        it.image("test-jpg-additional/file_0.jpg");
        it.text(
            "train_v2.csv/train_v2.csv",
            "image_name,tags\ntrain_0,water clear\ntrain_1,\ntrain_2,clear\n",
        );
        it.text("sample_submission_v2.csv", "image_name,tags\ntest_0,clear\nfile_0,clear\n");
        it
    }

    fn of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, competition: competition::find(name).unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn image(&self, name: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(8, 8, Rgb([90, 120, 150])).save(path).unwrap();
    }

    fn text(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write_atomic(path, text).unwrap();
    }

    fn remove(&self, name: &str) {
        let path = self.path(name);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }

    /// The competition with one piece of its spec replaced.
    fn with_spec(mut self, from: &str, to: &str) -> Self {
        let source = self.competition.source.replace(from, to);
        assert_ne!(source, self.competition.source);
        self.competition = Competition::parse(&self.competition.name, &source, "x.toml").unwrap();
        self
    }

    fn open(&self) -> Dataset {
        dataset::open(&self.competition, self.folder.path()).unwrap()
    }

    /// The error on opening, the folder's own path taken out.
    fn error(&self) -> String {
        let error = dataset::open(&self.competition, self.folder.path()).unwrap_err();
        format!("{error:#}").replace(self.folder.path().to_str().unwrap(), "DATA")
    }
}

fn ids(samples: &[dataset::Sample]) -> Vec<&str> {
    samples.iter().map(|sample| sample.id.as_str()).collect()
}
