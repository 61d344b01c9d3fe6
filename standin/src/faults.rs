//! What goes wrong on purpose: troubles by name, each used up as it happens.

use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};

/// One trouble. It happens to the next request that it can happen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A download breaks off after so many bytes.
    Cut(u64),
    /// A download falls silent after so many bytes, and the connection stays open.
    Stall(u64),
    /// A download breaks off after so many bytes, and from then on the file is another one.
    Changed(u64),
    /// A download's address has expired: 400 from now on; a fresh one works.
    Expired,
    /// The same, said with 403.
    Denied,
    /// A download is announced with hashes that are not its own.
    WrongHash,
    /// A byte in the middle of a download is another one; the hashes are the right one's.
    Damaged,
    /// An error's JSON comes in a download's place, with status 200.
    ErrorBody,
    /// A page in HTML comes in a download's place, with status 200.
    LoginPage,
    /// A request is answered with this status.
    Status {
        /// What is asked.
        endpoint: Endpoint,
        /// The status; an upload's 404 or 410 ends its session as well.
        status: u16,
        /// The `Retry-After` header, in seconds.
        retry_after: Option<u32>,
    },
    /// An upload breaks off after so many bytes, which are kept.
    UploadCut(u64),
    /// An upload breaks off after so many bytes, which are lost.
    UploadLost(u64),
    /// A submission is taken, but the connection ends before the answer.
    LostAnswer,
    /// A submission is not taken, and the connection ends without an answer.
    LostRequest,
    /// A question for a submission is answered with `PENDING`.
    Pending,
    /// A data set's version is made, but the connection ends before the answer.
    LostDataset,
    /// Kaggle cannot use a data set's version.
    DatasetFails,
    /// A notebook is saved, but the connection ends before the answer.
    LostKernel,
    /// A notebook's run ends with an error.
    KernelFails,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Any call of the API.
    Api,
    /// A download from storage.
    Storage,
    /// A part of an upload.
    Upload,
    /// `CreateSubmission`.
    Submission,
    /// `GetSubmission`.
    Score,
    /// `CreateDataset` and `CreateDatasetVersion`.
    Dataset,
    /// `GetDatasetStatus`.
    DatasetStatus,
    /// `SaveKernel`.
    Kernel,
    /// `GetKernelSessionStatus`.
    KernelStatus,
}

/// Troubles to come, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

/// The names on a command line, and what each means.
pub(crate) const NAMES: &str = "\
  cut=BYTES           a download of more breaks off after so many bytes
  stall=BYTES         a download of more falls silent after so many bytes
  changed=BYTES       the same as cut, and the file is another one from then on
  expired             a download's address has expired (400); a fresh one works
  denied              the same, said with 403
  wrong-hash          a download is announced with hashes that are not its own
  damaged             a byte in the middle of a download is another one
  error-body          an error's JSON comes in a download's place, with status 200
  login-page          a page in HTML comes in a download's place, with status 200
  api-STATUS          a call of the API is answered so: api-503, api-429, or with
                      `Retry-After`: api-429=SECONDS
  storage-STATUS      the same for a download
  upload-STATUS       the same for an upload; 404 and 410 end its session
  submission-STATUS   the same for `CreateSubmission` and `CreateCodeSubmission`, which do not
                      happen
  score-STATUS        the same for `GetSubmission`
  upload-cut=BYTES    an upload breaks off after so many bytes, which are kept
  upload-lost=BYTES   an upload breaks off after so many bytes, which are lost
  lost-answer         a submission is taken, but the connection ends before the answer
  lost-request        a submission is not taken, and the connection ends
  pending             a question for a submission is answered with `PENDING`
  dataset-STATUS      `CreateDataset` or `CreateDatasetVersion` is answered so and does not happen
  lost-dataset        a version of a data set is made, but the connection ends before the answer
  dataset-fails       a data set cannot be used, says the next question for its status
  kernel-STATUS       `SaveKernel` is answered so and does not happen
  lost-kernel         a notebook is saved, but the connection ends before the answer
  kernel-fails        a notebook has failed, says the next question for its status";

impl Fault {
    fn endpoint(self) -> Endpoint {
        match self {
            Self::Status { endpoint, .. } => endpoint,
            Self::UploadCut(_) | Self::UploadLost(_) => Endpoint::Upload,
            Self::LostAnswer | Self::LostRequest => Endpoint::Submission,
            Self::Pending => Endpoint::Score,
            Self::LostDataset => Endpoint::Dataset,
            Self::DatasetFails => Endpoint::DatasetStatus,
            Self::LostKernel => Endpoint::Kernel,
            Self::KernelFails => Endpoint::KernelStatus,
            _ => Endpoint::Storage,
        }
    }
}

impl Faults {
    /// Takes the first one that can happen to such a request.
    pub(crate) fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        self.take_where(|fault| fault.endpoint() == endpoint)
    }

    /// Takes the first one that can happen to a download of so many bytes.
    ///
    /// None happens to a question for a single byte, by which a client asks how large a file is.
    pub(crate) fn take_for_download(&mut self, length: u64) -> Option<Fault> {
        if length == 1 {
            return None;
        }
        self.take_where(|fault| match fault {
            Fault::Cut(n) | Fault::Stall(n) | Fault::Changed(n) => n < length,
            fault => fault.endpoint() == Endpoint::Storage,
        })
    }

    fn take_where(&mut self, fits: impl Fn(Fault) -> bool) -> Option<Fault> {
        let at = self.0.iter().position(|&fault| fits(fault))?;
        Some(self.0.remove(at))
    }
}

impl<const N: usize> From<[Fault; N]> for Faults {
    fn from(faults: [Fault; N]) -> Self {
        Self(faults.into())
    }
}

/// One after the other.
impl FromIterator<Self> for Faults {
    fn from_iter<I: IntoIterator<Item = Self>>(parts: I) -> Self {
        Self(parts.into_iter().flat_map(|part| part.0).collect())
    }
}

/// `NAME`, `NAME=ARGUMENT`, and either with `*TIMES` behind it.
impl FromStr for Faults {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (one, times) = match text.split_once('*') {
            Some((one, times)) => {
                (one, times.parse().with_context(|| format!("`{times}` is not a number of times"))?)
            }
            None => (text, 1),
        };
        let fault: Fault = one.parse()?;
        Ok(Self(vec![fault; times]))
    }
}

impl FromStr for Fault {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, argument) = match text.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let bytes = || -> Result<u64> {
            let argument = argument.with_context(|| format!("`{name}` wants `=BYTES`"))?;
            argument.parse().with_context(|| format!("`{argument}` is not a number of bytes"))
        };
        let fault = match name {
            "cut" => Self::Cut(bytes()?),
            "stall" => Self::Stall(bytes()?),
            "changed" => Self::Changed(bytes()?),
            "upload-cut" => Self::UploadCut(bytes()?),
            "upload-lost" => Self::UploadLost(bytes()?),
            _ => return Self::without_bytes(name, argument),
        };
        Ok(fault)
    }
}

impl Fault {
    fn without_bytes(name: &str, argument: Option<&str>) -> Result<Self> {
        let status = name.split_once('-').and_then(|(endpoint, status)| {
            let endpoint = Endpoint::find(endpoint)?;
            Some((endpoint, status.parse().ok().filter(|status| (400..600).contains(status))?))
        });
        if let Some((endpoint, status)) = status {
            let seconds = |text: &str| {
                text.parse().with_context(|| format!("`{text}` is not a number of seconds"))
            };
            let retry_after = argument.map(seconds).transpose()?;
            return Ok(Self::Status { endpoint, status, retry_after });
        }
        let fault = match name {
            "expired" => Self::Expired,
            "denied" => Self::Denied,
            "wrong-hash" => Self::WrongHash,
            "damaged" => Self::Damaged,
            "error-body" => Self::ErrorBody,
            "login-page" => Self::LoginPage,
            "lost-answer" => Self::LostAnswer,
            "lost-request" => Self::LostRequest,
            "pending" => Self::Pending,
            "lost-dataset" => Self::LostDataset,
            "dataset-fails" => Self::DatasetFails,
            "lost-kernel" => Self::LostKernel,
            "kernel-fails" => Self::KernelFails,
            _ => bail!("there is no fault `{name}`; there are:\n{NAMES}"),
        };
        ensure!(argument.is_none(), "`{name}` takes no argument");
        Ok(fault)
    }
}

impl Endpoint {
    fn find(name: &str) -> Option<Self> {
        Some(match name {
            "api" => Self::Api,
            "storage" => Self::Storage,
            "upload" => Self::Upload,
            "submission" => Self::Submission,
            "score" => Self::Score,
            "dataset" => Self::Dataset,
            "kernel" => Self::Kernel,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_on_a_command_line() {
        let parse = |text: &str| text.parse::<Faults>();
        let too_many =
            |retry_after| Fault::Status { endpoint: Endpoint::Api, status: 429, retry_after };
        for (text, faults) in [
            ("cut=1000", vec![Fault::Cut(1000)]),
            ("expired", vec![Fault::Expired]),
            ("api-429", vec![too_many(None)]),
            ("api-429=3*2", vec![too_many(Some(3)), too_many(Some(3))]),
            ("upload-cut=7", vec![Fault::UploadCut(7)]),
        ] {
            assert_eq!(parse(text).unwrap().0, faults, "{text}");
        }
        for (text, message) in [
            ("cut", "`cut` wants `=BYTES`"),
            ("cut=all", "`all` is not a number of bytes"),
            ("expired=3", "`expired` takes no argument"),
            ("pending*many", "`many` is not a number of times"),
            ("api-200", "there is no fault `api-200`"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    #[test]
    fn every_name_in_the_help_is_one() {
        let names = NAMES.lines().filter(|line| !line.starts_with("     "));
        for line in names {
            let name = line.split_whitespace().next().unwrap();
            let text = name.replace("BYTES", "1").replace("STATUS", "503");
            assert!(text.parse::<Fault>().is_ok(), "{name}");
        }
    }

    #[test]
    fn each_happens_once_and_where_it_can() {
        let mut faults = Faults::from([Fault::Cut(1), Fault::Pending, Fault::Cut(2)]);
        assert_eq!(faults.take(Endpoint::Upload), None);
        assert_eq!(faults.take_for_download(1), None);
        assert_eq!(faults.take_for_download(100), Some(Fault::Cut(1)));
        assert_eq!(faults.take(Endpoint::Score), Some(Fault::Pending));
        assert_eq!(faults.take_for_download(2), None, "it would not be cut");
        assert_eq!(faults.take_for_download(3), Some(Fault::Cut(2)));
        assert_eq!(faults, Faults::default());
    }
}
