//! What a fetch asks Kaggle for: the few files that the competition's layout names, or, where they
//! are many or unknown, the bundle of everything.
//!
//! Few files are better asked for one by one: each continues by itself, some arrive at once, and
//! what nobody needs stays where it is (planet's 30 GB of TIFF). Many are a trap: thousands of calls
//! run into Kaggle's rate limit.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::layout;
use crate::archive;
use crate::competition::{Competition, Files};
use crate::fs;
use crate::kaggle::{Client, FirstFiles};
use crate::relative::RelativePath;

/// More files than this are fetched as a bundle.
const MOST_FILES: usize = 20;
const NAME: &str = "plan.toml";

/// Everything that is to be downloaded. It is kept beside the downloads until they are unpacked, so
/// that a run that was stopped goes on with the same ones, and without a call where all are there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Kaggle's name of the competition.
    pub(super) slug: String,
    /// In the order in which they are unpacked.
    pub(super) downloads: Vec<Download>,
}

/// One download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Download {
    /// Its name in the folder of archives.
    pub(super) name: RelativePath,
    pub(super) what: What,
    /// Its size, as far as Kaggle tells: what it zips on the way is smaller.
    pub(super) bytes: Option<u64>,
}

/// What one download brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    /// All files of the competition.
    Bundle,
    File,
}

impl Plan {
    /// Asks Kaggle what there is, and chooses.
    pub(super) fn make(client: &Client, competition: &Competition) -> Result<Self> {
        let slug = &competition.slug;
        let failed = || format!("failed to fetch `{slug}`");
        let listed = client.first_files(slug).with_context(failed)?;
        let downloads = choose(competition, &listed).with_context(failed)?;
        let mut plan = Self { slug: slug.clone(), downloads };
        for download in plan.downloads.iter_mut().filter(|one| one.what == What::Bundle) {
            download.bytes = client.bundle_head(slug).with_context(failed)?.bytes;
        }
        Ok(plan)
    }

    /// The plan of a fetch that was stopped, if it is for the same competition.
    pub(super) fn read(archives: &Path, slug: &str) -> Option<Self> {
        // A plan that cannot be read is made again.
        let plan: Self = toml::from_str(&fs::read_to_string(archives.join(NAME)).ok()?).ok()?;
        Some(plan).filter(|plan| plan.slug == slug)
    }

    pub(super) fn write(&self, archives: &Path) -> Result<()> {
        fs::write_atomic(archives.join(NAME), toml::to_string(self)?)
    }

    /// Deletes the downloads, what there is of unfinished ones, and the plan itself; what a person
    /// has put beside them stays.
    pub(super) fn remove(archives: &Path, slug: &str) -> Result<()> {
        let Some(plan) = Self::read(archives, slug) else { return Ok(()) };
        for download in &plan.downloads {
            for path in download.files(archives) {
                // A link is removed, not what it leads to; a folder of that name is a person's.
                if fs::symlink_metadata(&path).is_ok_and(|there| !there.is_dir()) {
                    fs::remove_file(&path)?;
                }
            }
        }
        fs::remove_file(archives.join(NAME))?;
        remove_empty(archives)
    }
}

impl Download {
    /// Itself, what there is of it while it is unfinished, and what is known of that.
    pub(super) fn files(&self, archives: &Path) -> [PathBuf; 3] {
        ["", ".part", ".part.toml"].map(|suffix| archives.join(format!("{}{suffix}", self.name)))
    }
}

/// Whether downloads wait in a folder: what lies there has not got its place yet.
pub(super) fn is_of_downloads(folder: &Path) -> bool {
    folder.join(NAME).is_file()
}

/// Removes the folders below `folder` that hold nothing, and then itself if it does not either.
fn remove_empty(folder: &Path) -> Result<()> {
    let mut empty = true;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A link to a folder is a person's own.
        if entry.file_type()?.is_dir() {
            remove_empty(&entry.path())?;
        }
        empty &= fs::symlink_metadata(entry.path()).is_err();
    }
    if empty {
        fs::remove_dir(folder)?;
    }
    Ok(())
}

fn choose(competition: &Competition, listed: &FirstFiles) -> Result<Vec<Download>> {
    let mut needed: Vec<Download> = Vec::new();
    let mut seen = HashSet::new();
    for file in &listed.files {
        let name = RelativePath::named(&file.name).context(
            "Kaggle's list of files holds a name that is not taken: nothing was downloaded",
        )?;
        ensure!(
            !is_ours(&name),
            "Kaggle's list of files holds `{name}`, a name that kaggle-kit needs: nothing was downloaded"
        );
        if layout::is_named(competition, &name) && seen.insert(name.clone()) {
            needed.push(Download { name, what: What::File, bytes: Some(file.total_bytes) });
        }
    }
    if listed.more || needed.len() > MOST_FILES || !is_enough(competition, &needed) {
        let name = RelativePath::named(&format!("{}.zip", competition.slug))?;
        return Ok(vec![Download { name, what: What::Bundle, bytes: None }]);
    }
    Ok(needed)
}

/// Whether these files are all of the competition: images may be lacking where the spec says that
/// they can be.
fn is_enough(competition: &Competition, needed: &[Download]) -> bool {
    let has = |part: &RelativePath| needed.iter().any(|one| layout::belongs(&one.name, part));
    let has_images = |places: &[RelativePath]| Files::folders_of(places).iter().any(has);
    let files = &competition.files;
    layout::tables(competition).into_iter().all(has)
        && (files.if_missing.is_some() || (has_images(&files.train) && has_images(&files.test)))
}

/// Whether a download is an archive, by its name alone: what Kaggle zips on the way is found out
/// when it is there.
pub(super) fn is_packed(download: &Download) -> bool {
    download.what == What::Bundle || archive::stem(download.name.as_ref()) != download.name.base()
}

/// Whether a download of this name would lie where the plan or an unfinished download does.
fn is_ours(name: &RelativePath) -> bool {
    let name = name.to_lowercase();
    name == NAME || [".part", ".part.toml"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::competition;
    use crate::kaggle::DataFile;

    fn chosen(name: &str, files: &[&str], more: bool) -> Vec<String> {
        let competition = competition::find(name).unwrap();
        let file = |name: &&str| DataFile {
            name: (*name).to_owned(),
            total_bytes: 1,
            creation_date: String::new(),
        };
        let listed = FirstFiles { files: files.iter().map(file).collect(), more };
        let downloads = choose(&competition, &listed).unwrap();
        downloads.into_iter().map(|download| download.name.into()).collect()
    }

    const DOGS: [&str; 3] = ["sample_submission.csv", "test.zip", "train.zip"];

    #[test]
    fn few_files_come_one_by_one() {
        assert_eq!(chosen("dogs-vs-cats", &DOGS, false), DOGS);
    }

    #[test]
    fn what_nobody_needs_stays_there() {
        let files = [
            "Kaggle-planet-train-tif.torrent",
            "sample_submission_v2.csv/sample_submission_v2.csv",
            "test_v2_file_mapping.csv/test_v2_file_mapping.csv",
            "train-jpg.tar.7z",
            "train-tif-v2.tar.7z",
            "train_v2.csv/train_v2.csv",
        ];
        assert_eq!(chosen("planet", &files, false), [files[1], files[3], files[5]]);
        // Since 2019 without images: the spec expects that.
        assert_eq!(chosen("planet", &[files[1], files[5]], false), [files[1], files[5]]);
    }

    #[test]
    fn many_or_unknown_files_come_as_a_bundle() {
        let bundle = ["dogs-vs-cats-redux-kernels-edition.zip"];
        assert_eq!(chosen("dogs-vs-cats", &DOGS, true), bundle);
        assert_eq!(chosen("dogs-vs-cats", &["images.zip", "sample_submission.csv"], false), bundle);
        let images: Vec<String> = (0..30).map(|i| format!("train/{i}.jpg")).collect();
        let files: Vec<&str> = images.iter().map(String::as_str).chain(DOGS).collect();
        assert_eq!(chosen("dogs-vs-cats", &files, false), bundle);
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        let competition = competition::find("dogs-vs-cats").unwrap();
        for name in [
            "../sample_submission.csv",
            "/sample_submission.csv",
            "train/../../1.jpg",
            "a\\..\\..\\b",
            "C:/a.csv",
            "plan.toml",
            "train.zip.part",
        ] {
            // Whether or not anybody would want the file.
            let names = [DOGS[0], DOGS[1], DOGS[2], name];
            let file = |name: &&str| DataFile {
                name: (*name).to_owned(),
                total_bytes: 1,
                creation_date: String::new(),
            };
            let listed = FirstFiles { files: names.iter().map(file).collect(), more: false };
            let error = format!("{:#}", choose(&competition, &listed).unwrap_err());
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
        // Spellings of one name are one download.
        let twice = ["sample_submission.csv", "./sample_submission.csv", "test.zip", "train.zip"];
        assert_eq!(chosen("dogs-vs-cats", &twice, false), DOGS);
    }

    #[test]
    fn a_plan_from_elsewhere_deletes_nothing_outside() {
        let folder = tempfile::tempdir().unwrap();
        let archives = folder.path().join("data/archives");
        fs::write_atomic(folder.path().join("precious.txt"), "my thesis").unwrap();
        for name in ["../../precious.txt", "a/../../../precious.txt", "/precious.txt"] {
            let plan = format!(
                "slug = 'mini'\n[[downloads]]\nname = '{name}'\nwhat = 'file'\nbytes = 1\n"
            );
            fs::write_atomic(archives.join(NAME), plan).unwrap();
            assert_eq!(Plan::read(&archives, "mini"), None);
            Plan::remove(&archives, "mini").unwrap();
            assert!(folder.path().join("precious.txt").exists());
        }
    }

    #[test]
    fn a_plan_is_kept_and_removed_with_its_downloads() {
        let folder = tempfile::tempdir().unwrap();
        let archives = folder.path().join("archives");
        let competition = competition::find("planet").unwrap();
        let file = |name: &str| DataFile {
            name: name.to_owned(),
            total_bytes: 5,
            creation_date: String::new(),
        };
        let files = vec![file("train_v2.csv/train_v2.csv"), file("sample_submission_v2.csv")];
        let listed = FirstFiles { files, more: false };
        let downloads = choose(&competition, &listed).unwrap();
        let plan = Plan { slug: competition.slug.clone(), downloads };
        plan.write(&archives).unwrap();
        assert_eq!(Plan::read(&archives, &plan.slug), Some(plan.clone()));
        assert_eq!(Plan::read(&archives, "another"), None);
        fs::write_atomic(archives.join("train_v2.csv/train_v2.csv"), "x").unwrap();
        fs::write_atomic(archives.join("sample_submission_v2.csv.part"), "x").unwrap();
        fs::write_atomic(archives.join("mine.txt"), "x").unwrap();
        Plan::remove(&archives, &plan.slug).unwrap();
        let left: Vec<_> =
            fs::read_dir(&archives).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["mine.txt"]);
    }
}
