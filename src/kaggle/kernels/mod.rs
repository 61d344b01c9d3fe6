//! Notebooks on Kaggle ("kernels" in its API): pushed, run there, looked after. `submit.rs` submits one.

mod pending;
mod submit;

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use self::pending::Pending;
use super::client::Call;
use super::datasets::DataSet;
use super::endpoint::Service;
use super::{Class, Client, Error, KnownBy};
use crate::hash::Hash;
use crate::progress::Progress;
use crate::term;

/// A notebook's address: `owner/slug`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    pub owner: String,
    /// What Kaggle makes of the title.
    pub slug: String,
}

/// A notebook to be run on Kaggle, private and without internet.
#[derive(Clone, Debug)]
pub struct KernelPush<'a> {
    pub kernel: &'a Kernel,
    /// Five characters at least.
    pub title: &'a str,
    /// An `.ipynb`.
    pub text: &'a str,
    pub data_set: &'a DataSet,
    /// The hash of what is in the data set now.
    pub content: &'a str,
    /// The competition's slug.
    pub competition: &'a str,
    /// `NvidiaTeslaT4`, say; none is a machine without an accelerator.
    pub machine: Option<&'a str>,
}

/// How far a run of a notebook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KernelState {
    Queued,
    Running,
    Complete,
    /// With Kaggle's words, if it has any.
    Failed(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfKernel<'a> {
    user_name: &'a str,
    kernel_slug: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_label: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SaveKernel<'a> {
    slug: String,
    new_title: &'a str,
    text: &'a str,
    language: &'static str,
    kernel_type: &'static str,
    dataset_data_sources: [String; 1],
    competition_data_sources: [&'a str; 1],
    is_private: bool,
    enable_gpu: bool,
    enable_internet: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    machine_shape: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Saved {
    version_number: Option<u32>,
    error: Option<String>,
    invalid_dataset_sources: Vec<String>,
    invalid_competition_sources: Vec<String>,
}

#[derive(Deserialize)]
struct Described {
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    current_version_number: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    #[serde(default)]
    status: String,
    #[serde(default)]
    failure_message: Option<String>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    log: Option<String>,
}

impl KernelPush<'_> {
    /// Stands for all that a version depends on.
    pub fn key(&self) -> String {
        let Self { kernel, text, data_set, content, competition, machine, .. } = self;
        let whole = format!("{kernel}\n{data_set}\n{content}\n{competition}\n{machine:?}\n{text}");
        Hash::of(whole.as_bytes()).to_string()
    }
}

impl Client {
    /// Saves a version of a notebook, which Kaggle then runs; gives its number. What is known of it is kept
    /// beside `folder`, in `.<name>.kernel.toml`: a second call for the same saves no other.
    pub fn push_kernel(
        &self,
        push: &KernelPush,
        folder: &Path,
        progress: &dyn Progress,
    ) -> Result<(u32, KnownBy), Error> {
        let kernel = push.kernel;
        let endpoint = self.endpoint().to_string();
        let (kept, key) = (Pending::read(folder), push.key());
        let kept = kept.filter(|kept| kept.endpoint == endpoint && kept.key == key);
        if let Some(version) = kept.as_ref().and_then(|kept| kept.version) {
            return Ok((version, KnownBy::Before));
        }
        let now = self.kernel_version(kernel)?;
        let mut pending = Pending::new(endpoint, key, now);
        let (version, known_by) = match kept {
            Some(kept) if now > kept.before => (now, KnownBy::InList),
            _ => {
                pending.write(folder)?;
                match self.save(push) {
                    Ok(version) => (version, KnownBy::Answered),
                    Err(error) if error.leaves_doubt() => {
                        progress.note(&format!(
                            "the notebook may have been saved ({}): looking for it",
                            error.first_line()
                        ));
                        let ask = || self.kernel_version(kernel);
                        let newer = self.retry_policy.look_for_newer(now, ask)?;
                        (Some(newer.ok_or(error)?), KnownBy::InList)
                    }
                    Err(error) => {
                        Pending::remove(folder)?;
                        return Err(error);
                    }
                }
            }
        };
        // Where it does not say which, it is the next one.
        let version = version.unwrap_or_else(|| now.unwrap_or(0) + 1);
        pending.version = Some(version);
        pending.write(folder)?;
        Ok((version, known_by))
    }

    /// Forgets a version that is of no use: the next call of [`Client::push_kernel`] saves another one.
    pub fn forget_kernel(&self, folder: &Path) -> Result<(), Error> {
        Pending::remove(folder)
    }

    fn save(&self, push: &KernelPush) -> Result<Option<u32>, Error> {
        let body = SaveKernel {
            slug: push.kernel.to_string(),
            new_title: push.title,
            text: push.text,
            language: "python",
            kernel_type: "notebook",
            dataset_data_sources: [push.data_set.to_string()],
            competition_data_sources: [push.competition],
            is_private: true,
            enable_gpu: push.machine.is_some(),
            enable_internet: false,
            machine_shape: push.machine,
        };
        let call = call("SaveKernel", push.kernel, body);
        let saved: Saved = self.call_once(&call, self.credentials())?;
        let missing =
            saved.invalid_dataset_sources.iter().chain(&saved.invalid_competition_sources);
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        let message = match saved.error.filter(|said| !said.is_empty()) {
            Some(said) => term::one_line(&said, 300),
            None if missing.is_empty() => return Ok(saved.version_number),
            None => {
                let missing = term::one_line(&missing.join(", "), 300);
                format!("it cannot attach {missing} to the notebook")
            }
        };
        Err(Error::Refused { url: self.endpoint().to_string(), status: 200, message })
    }

    /// The number of a notebook's newest version; none where there is none.
    fn kernel_version(&self, kernel: &Kernel) -> Result<Option<u32>, Error> {
        match self.call::<_, Described>(&call("GetKernel", kernel, of(kernel, None))) {
            Ok(Described { metadata }) => {
                Ok(Some(metadata.and_then(|it| it.current_version_number).unwrap_or(1)))
            }
            Err(error) if matches!(error.class(), Class::NotFound | Class::Rules) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How far the run of a version is.
    pub fn kernel_state(&self, kernel: &Kernel, version: u32) -> Result<KernelState, Error> {
        let body = of(kernel, Some(version));
        let session: Session = self.call(&call("GetKernelSessionStatus", kernel, body))?;
        let said = term::one_line(&session.failure_message.unwrap_or_default(), 300);
        Ok(match session.status.to_ascii_uppercase().as_str() {
            "QUEUED" => KernelState::Queued,
            "COMPLETE" => KernelState::Complete,
            "ERROR" => KernelState::Failed(said),
            "CANCEL_REQUESTED" | "CANCEL_ACKNOWLEDGED" => {
                KernelState::Failed("it was cancelled".to_owned())
            }
            _ => KernelState::Running,
        })
    }

    /// What the run of a version printed, as far as Kaggle has it.
    pub fn kernel_log(&self, kernel: &Kernel, version: u32) -> Result<String, Error> {
        let body = of(kernel, Some(version));
        let output: Output = self.call(&call("ListKernelSessionOutput", kernel, body))?;
        Ok(printed(&output.log.unwrap_or_default()))
    }
}

fn of(kernel: &Kernel, version: Option<u32>) -> OfKernel<'_> {
    let version_label = version.map(|version| format!("v{version}"));
    OfKernel { user_name: &kernel.owner, kernel_slug: &kernel.slug, version_label }
}

fn call<'a, B>(method: &'a str, kernel: &Kernel, body: B) -> Call<'a, B> {
    let what = format!("notebook `{kernel}`");
    Call { service: Service::Kernels, method, slug: "", what, body }
}

/// The text of a log: a list of what went to which stream when, or the text itself.
fn printed(log: &str) -> String {
    #[derive(Deserialize)]
    struct Piece {
        #[serde(default)]
        data: String,
    }
    match serde_json::from_str::<Vec<Piece>>(log) {
        Ok(pieces) => pieces.into_iter().map(|piece| piece.data).collect(),
        Err(_) => log.to_owned(),
    }
}

impl Kernel {
    /// The address of its page.
    pub fn page(&self) -> String {
        format!("https://www.kaggle.com/code/{self}")
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.slug)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_pieces_or_a_text() {
        let pieces = r#"[{"stream_name":"stdout","time":1.5,"data":"a\n"},{"data":"b"}]"#;
        assert_eq!(printed(pieces), "a\nb");
        assert_eq!(printed("a\nb"), "a\nb");
    }
}
