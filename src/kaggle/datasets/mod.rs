//! Data sets: what Kaggle says of them, and their download. `send.rs` brings folders there.

mod parcel;
mod send;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use self::send::{About, SentDataSet};
use super::client::Call;
use super::endpoint::Service;
use super::{Class, Client, Error, Received};
use crate::progress::Progress;

/// A data set's address: `owner/slug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataSet {
    pub owner: String,
    pub slug: String,
}

/// How far Kaggle is with a data set's newest version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataSetState {
    /// It can be attached.
    Ready,
    /// It is being unpacked and copied.
    Working,
    /// Kaggle could not use it.
    Failed,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfDataSet<'a> {
    owner_slug: &'a str,
    dataset_slug: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionOf<'a> {
    owner_slug: &'a str,
    dataset_slug: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset_version_number: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    current_version_number: Option<u32>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    status: String,
}

impl Client {
    /// The number of a data set's newest version; none where there is no such data set, or none of ours.
    pub fn data_set_version(&self, data_set: &DataSet) -> Result<Option<u32>, Error> {
        let call = about("GetDataset", data_set);
        match self.call::<_, Described>(&call) {
            Ok(described) => Ok(Some(described.current_version_number.unwrap_or(1))),
            // A data set that does not exist and one without permission look the same.
            Err(error) if matches!(error.class(), Class::NotFound | Class::Rules) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn data_set_state(&self, data_set: &DataSet) -> Result<DataSetState, Error> {
        let Status { status } = self.call(&about("GetDatasetStatus", data_set))?;
        Ok(match status.to_ascii_uppercase().as_str() {
            "READY" => DataSetState::Ready,
            "FAILED" | "DELETED" => DataSetState::Failed,
            _ => DataSetState::Working,
        })
    }

    /// Downloads all of a data set, or of one version of it, as one zip; goes on where an earlier call
    /// was stopped.
    pub fn download_data_set(
        &self,
        data_set: &DataSet,
        version: Option<u32>,
        path: &Path,
        progress: &dyn Progress,
    ) -> Result<Received, Error> {
        let DataSet { owner, slug } = data_set;
        let body =
            VersionOf { owner_slug: owner, dataset_slug: slug, dataset_version_number: version };
        self.download(&call("DownloadDataset", data_set, body), path, None, progress)
    }
}

fn about<'a>(method: &'a str, data_set: &'a DataSet) -> Call<'a, OfDataSet<'a>> {
    let DataSet { owner, slug } = data_set;
    call(method, data_set, OfDataSet { owner_slug: owner, dataset_slug: slug })
}

fn call<'a, B>(method: &'a str, data_set: &DataSet, body: B) -> Call<'a, B> {
    let what = format!("data set `{data_set}`");
    Call { service: Service::Datasets, method, slug: "", what, body }
}

impl DataSet {
    /// The address of its page.
    pub fn page(&self) -> String {
        format!("https://www.kaggle.com/datasets/{self}")
    }
}

impl fmt::Display for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.slug)
    }
}

impl FromStr for DataSet {
    type Err = String;

    /// `owner/slug`, or the address of its page.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim().trim_end_matches('/');
        let after = |mark: &str| text.split_once(mark).map(|(_, rest)| rest);
        let name = after("kaggle.com/datasets/").or_else(|| after("kaggle.com/")).unwrap_or(text);
        let is_name = |name: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            !name.is_empty() && name.chars().all(fits)
        };
        match name.split('/').collect::<Vec<_>>()[..] {
            [owner, slug] if is_name(owner) && is_name(slug) => {
                Ok(Self { owner: owner.to_owned(), slug: slug.to_owned() })
            }
            _ => Err("a data set is named as in its address: `owner/name`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_is_named_as_in_its_address() {
        for text in [
            "ada/my-pack",
            "https://www.kaggle.com/datasets/ada/my-pack/",
            "kaggle.com/ada/my-pack",
        ] {
            assert_eq!(text.parse::<DataSet>().unwrap().to_string(), "ada/my-pack", "{text}");
        }
        for text in ["my-pack", "ada/", "ada/../x", "ada/my pack", "a/b/c", ""] {
            assert!(text.parse::<DataSet>().is_err(), "{text}");
        }
    }
}
