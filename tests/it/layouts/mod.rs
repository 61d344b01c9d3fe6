//! The language of specs: what each of its words finds in a data folder that is drawn for it, the page that
//! teaches it, and miniatures of real competitions.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "these are tests")]

use std::path::PathBuf;

use kaggle_kit::competition::Competition;
use kaggle_kit::dataset::{self, Dataset};
use kaggle_kit::fs;
use tempfile::TempDir;

mod groups;
mod labels;
mod miniatures;
mod page;
mod places;
mod specs;
mod tables;

/// A data folder that is drawn file by file. Nothing here looks into an image, so that they are empty.
struct Drawn {
    folder: TempDir,
}

/// The parts of a spec that a test does not care about.
struct Spec<'s> {
    metric: &'s str,
    files: &'s str,
    target: &'s str,
    labels: &'s str,
    split: &'s str,
    submission: &'s str,
}

/// Classes of images in `train`, told by `train.csv`.
const USUAL: Spec = Spec {
    metric: "\"accuracy\"",
    files: "train = [\"train\"]\ntest = [\"test\"]\nsample = \"sample.csv\"",
    target: "kind = \"single-label\"",
    labels: "[target.labels.csv]\nfile = \"train.csv\"\nid = \"id\"\nlabel = \"label\"",
    split: "",
    submission: "[submission.label]\nid = \"id\"\ncolumn = \"label\"",
};

/// Tags of such images.
const TAGS: Spec = Spec {
    metric: "\"mean-f1\"",
    target: "kind = \"multi-label\"",
    submission: "[submission.tag-list]\nid = \"id\"\ncolumn = \"label\"",
    ..USUAL
};

impl Spec<'_> {
    fn text(&self) -> String {
        let Self { metric, files, target, labels, split, submission } = self;
        format!(
            "title = \"Drawn\"\nslug = \"drawn\"\nmetric = {metric}\n\n[files]\n{files}\n\n[target]\n\
             {target}\n\n{labels}\n\n{split}\n\n{submission}\n"
        )
    }

    fn parse(&self) -> anyhow::Result<Competition> {
        Competition::parse("drawn", &self.text(), "drawn.toml")
    }

    fn error(&self) -> String {
        format!("{:#}", self.parse().unwrap_err())
    }
}

impl Drawn {
    /// Images by their paths, separated by blanks.
    fn new(images: &str) -> Self {
        let it = Self { folder: tempfile::tempdir().unwrap() };
        for name in images.split_whitespace() {
            it.text(name, "");
        }
        it
    }

    /// With a file besides.
    fn with(self, name: &str, text: &str) -> Self {
        self.text(name, text);
        self
    }

    fn text(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write_atomic(path, text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn try_open(&self, spec: &Spec) -> anyhow::Result<Dataset> {
        dataset::open(&spec.parse()?, self.folder.path())
    }

    fn open(&self, spec: &Spec) -> Dataset {
        match self.try_open(spec) {
            Ok(dataset) => dataset,
            Err(error) => panic!("{error:#}\n{}", spec.text()),
        }
    }

    /// The error on opening, the folder's own path taken out.
    fn error(&self, spec: &Spec) -> String {
        let error = self.try_open(spec).unwrap_err();
        format!("{error:#}").replace(self.folder.path().to_str().unwrap(), "DATA")
    }

    /// The paths of an image, in the data folder.
    fn paths(&self, sample: &dataset::Sample) -> Vec<String> {
        let inside = |path: &PathBuf| {
            path.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().replace('\\', "/")
        };
        std::iter::once(&sample.path).chain(&sample.planes).map(inside).collect()
    }
}

/// `id:label+label`, an image a word.
fn told(data: &Dataset) -> String {
    let of = |sample: &dataset::Sample| {
        let labels: Vec<&str> =
            sample.target.iter().map(|&class| data.classes.names()[class].as_str()).collect();
        format!("{}:{}", sample.id, labels.join("+"))
    };
    data.train.iter().map(of).collect::<Vec<_>>().join(" ")
}

fn ids(samples: &[dataset::Sample]) -> String {
    samples.iter().map(|sample| sample.id.as_str()).collect::<Vec<_>>().join(" ")
}
