//! The unfinished file: its bytes so far, what they are bytes of, and who is at work on it.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use reqwest::header::{HeaderMap, HeaderValue, IF_RANGE, RANGE};
use serde::{Deserialize, Serialize};

use super::super::error::Error;
use super::announced::{Announced, Version, content_range};
use super::hashes::Hashes;
use super::lock::open_locked;
use crate::fs;

/// `<path>.part`, locked for as long as this value lives.
pub(super) struct PartialFile {
    path: PathBuf,
    temporary: PathBuf,
    sidecar: PathBuf,
    file: fs::Locked,
    /// What is downloaded, in words.
    what: String,
    /// Of which version the bytes are, once there are any.
    version: Option<Version>,
    kept: u64,
    hashes: Hashes,
    whole: bool,
    /// How long it is by somebody else's word.
    listed: Option<u64>,
    /// It has its name: what is called `.part` now is not this one.
    finished: bool,
}

/// A download whose length nobody announced stops while so much of the disk is free.
const SPARE_BYTES: u64 = 100_000_000;
/// So often that is looked at.
const LOOK_EVERY: u64 = 32 * 1024 * 1024;

/// How a new answer goes together with the bytes that are there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resume {
    /// Behind them.
    Append,
    /// It brings so many of them again, and then what is missing.
    SkipThenAppend(u64),
    /// They are gone: it is another version of the file.
    Restart,
}

/// What the sidecar holds.
#[derive(Serialize, Deserialize)]
struct Sidecar {
    what: String,
    #[serde(flatten)]
    version: Version,
}

impl PartialFile {
    /// Opens what there is of `what`, or begins it.
    pub(super) fn open(path: &Path, what: &str) -> Result<Self, Error> {
        let (temporary, sidecar) = (with_suffix(path, ".part"), with_suffix(path, ".part.toml"));
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = open_locked(&temporary, path)?;
        let kept = file.metadata()?.len();
        // A sidecar that cannot be read is none.
        let known = fs::read_to_string(&sidecar).ok();
        let known = known.and_then(|text| toml::from_str::<Sidecar>(&text).ok());
        let version = known.filter(|known| known.what == what).map(|known| known.version);
        let version = version.filter(|version| version.length.is_none_or(|n| kept <= n));
        let mut part = Self {
            path: path.to_owned(),
            temporary,
            sidecar,
            file,
            what: what.to_owned(),
            version,
            kept,
            hashes: Hashes::default(),
            whole: false,
            listed: None,
            finished: false,
        };
        part.whole = part.version.as_ref().is_some_and(|version| version.length == Some(kept));
        part.whole &= kept > 0;
        if !part.whole && !part.can_go_on() {
            part.clear()?;
        }
        Ok(part)
    }

    /// The same, with its size as a list tells it; a list that says nothing says 0.
    pub(super) fn listed_with(mut self, listed: Option<u64>) -> Self {
        self.listed = listed.filter(|bytes| *bytes > 0);
        self
    }

    /// Whether the server told a length or a hash.
    pub(super) fn is_announced(&self) -> bool {
        self.version.as_ref().is_some_and(|version| version.length.is_some() || version.has_hash())
    }

    /// Whether a later attempt can ask for the rest: the server will know whether it is of the same
    /// version, or the hash of the whole will tell.
    fn can_go_on(&self) -> bool {
        let version = self.version.as_ref();
        version.is_some_and(|version| version.validator().is_some() || version.has_hash())
    }

    pub(super) fn kept(&self) -> u64 {
        self.kept
    }

    /// Whether nothing more is to come.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    pub(super) fn clear(&mut self) -> Result<(), Error> {
        self.file.set_len(0)?;
        self.version = None;
        self.kept = 0;
        self.hashes = Hashes::default();
        self.whole = false;
        Ok(())
    }

    /// The headers that ask for what is missing, and for all of it if the file has changed.
    pub(super) fn range(&mut self) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        if self.kept == 0 {
            return Ok(headers);
        }
        let version = self.version.as_ref().filter(|_| self.can_go_on());
        let Some(version) = version else {
            self.clear()?;
            return Ok(headers);
        };
        if let Some(validator) = version.validator() {
            headers
                .insert(IF_RANGE, HeaderValue::from_str(validator).map_err(anyhow::Error::from)?);
        }
        let range = HeaderValue::try_from(format!("bytes={}-", self.kept));
        headers.insert(RANGE, range.map_err(anyhow::Error::from)?);
        Ok(headers)
    }

    /// Decides what the announced bytes are to the ones that are there, and makes room for them.
    pub(super) fn accept(&mut self, announced: &Announced, url: &str) -> Result<Resume, Error> {
        let known = self.version.as_ref().filter(|_| self.kept > 0);
        let same = known.and_then(|known| known.is_same(&announced.version));
        let resume = match (announced.start, same) {
            (Some(start), Some(true) | None) if start == self.kept => Resume::Append,
            (Some(_), _) => {
                self.clear()?;
                // The next attempt asks for all of it.
                return Err(Error::Network {
                    url: url.to_owned(),
                    reason: "it sent another part of the file than was asked for".to_owned(),
                });
            }
            (None, _) if self.kept == 0 => Resume::Append,
            (None, Some(true)) => Resume::SkipThenAppend(self.kept),
            (None, _) => {
                self.clear()?;
                Resume::Restart
            }
        };
        if self.kept == 0 {
            self.version = Some(announced.version.clone());
        }
        if let Some(length) = announced.length().filter(|_| !announced.version.has_hash()) {
            self.check_listed(length)?;
        }
        self.check_space(announced.length())?;
        if self.kept == 0 {
            self.write_sidecar()?;
        }
        self.file.seek(SeekFrom::Start(self.kept))?;
        Ok(resume)
    }

    /// Asks the disk before the network: a download that will not fit need not begin.
    fn check_space(&self, length: Option<u64>) -> Result<(), Error> {
        let Some(needed) = length.map(|length| length.saturating_sub(self.kept)) else {
            return Ok(());
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        match fs::free_space(folder) {
            Some(free) if free < needed => Err(self.no_space(Some(needed), Some(free))),
            _ => Ok(()),
        }
    }

    fn no_space(&self, needed: Option<u64>, free: Option<u64>) -> Error {
        let kept = self.kept > 0 && self.can_go_on();
        Error::NoSpace { path: self.path.clone(), needed, free, kept }
    }

    /// Refuses a file of so many bytes that is far larger than listed: it is another one, or has no end.
    /// What a server packs on the way may become a little larger.
    fn check_listed(&self, bytes: u64) -> Result<(), Error> {
        let Some(listed) = self.listed else { return Ok(()) };
        if bytes <= listed.saturating_add(listed / 8).saturating_add(1_000_000) {
            return Ok(());
        }
        let reason = format!("{bytes} bytes or more, and {listed} are listed");
        Err(Error::Damaged { url: self.origin(), reason })
    }

    /// Where it comes from, as errors name it.
    fn origin(&self) -> String {
        let host = self.version.as_ref().map(|version| version.host.clone());
        host.filter(|host| !host.is_empty()).unwrap_or_else(|| self.what.clone())
    }

    /// Before bytes that nobody announced: whether they stay within what is listed, and the disk.
    fn check_unannounced(&self, more: u64) -> Result<(), Error> {
        if self.version.as_ref().is_some_and(|version| version.length.is_some()) {
            return Ok(());
        }
        let bytes = self.kept.saturating_add(more);
        self.check_listed(bytes)?;
        if bytes / LOOK_EVERY == self.kept / LOOK_EVERY {
            return Ok(());
        }
        match fs::free_space(fs::folder_of(&self.path)) {
            Some(free) if free < SPARE_BYTES => Err(self.no_space(None, Some(free))),
            _ => Ok(()),
        }
    }

    fn write_sidecar(&self) -> Result<(), Error> {
        let Some(version) = &self.version else { return Ok(()) };
        let sidecar = Sidecar { what: self.what.clone(), version: version.clone() };
        let text = toml::to_string(&sidecar).map_err(anyhow::Error::from)?;
        Ok(fs::write_atomic(&self.sidecar, text)?)
    }

    /// Adds bytes that have arrived. They survive the end of this process as soon as they are
    /// written; that they survive the end of the power as well is seen to once, in the end.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.check_unannounced(bytes.len() as u64)?;
        self.file.write_all(bytes).map_err(|error| self.unwritten(error))?;
        if let Some(version) = self.version.as_ref().filter(|_| self.hashes.n == self.kept) {
            self.hashes.update(bytes, version);
        }
        self.kept += bytes.len() as u64;
        Ok(())
    }

    fn unwritten(&self, error: io::Error) -> Error {
        if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            return self.no_space(None, None);
        }
        error.into()
    }

    /// The server has said all that it had to say.
    pub(super) fn ended(&mut self, url: &str) -> Result<(), Error> {
        let length = self.version.as_ref().and_then(|version| version.length);
        if length.is_some_and(|length| self.kept < length) {
            let reason = format!("the connection broke after {}", self.so_far());
            return Err(Error::Network { url: url.to_owned(), reason });
        }
        if let Some(listed) = self.listed.filter(|listed| *listed != self.kept)
            && !self.is_announced()
            && !self.is_packed_on_the_way()?
        {
            let reason = format!("it ended after {} bytes, and {listed} are listed", self.kept);
            return Err(Error::Network { url: url.to_owned(), reason });
        }
        self.whole = true;
        Ok(())
    }

    /// Whether it is a zip under the name of something else, whose size is not the listed one.
    fn is_packed_on_the_way(&mut self) -> Result<bool, Error> {
        let is_zip = self.path.extension().is_some_and(|found| found.eq_ignore_ascii_case("zip"));
        let mut start = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        Read::by_ref(&mut *self.file).take(4).read_to_end(&mut start)?;
        Ok(!is_zip && start == *b"PK\x03\x04")
    }

    /// What it is when the bytes end too early.
    pub(super) fn broken_off(&self, url: &str, error: &io::Error) -> Error {
        let silent = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<reqwest::Error>())
            .is_some_and(reqwest::Error::is_timeout);
        let what = if silent { "nothing more came" } else { "the connection broke" };
        Error::Network { url: url.to_owned(), reason: format!("{what} after {}", self.so_far()) }
    }

    fn so_far(&self) -> String {
        match self.version.as_ref().and_then(|version| version.length) {
            Some(length) => format!("{} of {length} bytes", self.kept),
            None => format!("{} bytes", self.kept),
        }
    }

    /// The server has nothing behind the bytes that are there: they are all, or they are wrong.
    pub(super) fn range_not_satisfiable(
        &mut self,
        headers: &HeaderMap,
        url: &str,
    ) -> Result<(), Error> {
        let total = content_range(headers).and_then(|range| range.total);
        if total == Some(self.kept) && self.kept > 0 {
            self.whole = true;
            return Ok(());
        }
        self.clear()?;
        Err(Error::Network {
            url: url.to_owned(),
            reason: "the file is shorter than what had arrived of it".to_owned(),
        })
    }

    /// Compares length and hashes with what was announced.
    pub(super) fn verify(&mut self) -> Result<(), Error> {
        self.hash_kept()?;
        let Some(version) = &self.version else { return Ok(()) };
        let damaged = |reason: String| Err(Error::Damaged { url: self.origin(), reason });
        if let Some(length) = version.length.filter(|&length| length != self.kept) {
            return damaged(format!("{} bytes instead of {length}", self.kept));
        }
        if let Some(name) = self.hashes.wrong(version) {
            return damaged(format!("its {name} is not the one that the server announced"));
        }
        Ok(())
    }

    /// Hashes what has not been hashed as it came: the bytes of an earlier process, and those after.
    fn hash_kept(&mut self) -> Result<(), Error> {
        let Some(version) = self.version.clone().filter(Version::has_hash) else { return Ok(()) };
        let place = || format!("failed to read `{}`", self.temporary.display());
        self.file.seek(SeekFrom::Start(self.hashes.n)).with_context(place)?;
        let mut piece = vec![0; super::PIECE];
        while self.hashes.n < self.kept {
            let n = self.file.read(&mut piece).with_context(place)?;
            if n == 0 {
                return Err(anyhow!("`{}` has become shorter", self.temporary.display()).into());
            }
            self.hashes.update(&piece[..n], &version);
        }
        Ok(())
    }

    /// Gives the file its name; its length and the host it came from.
    pub(super) fn finish(mut self) -> Result<(u64, String), Error> {
        self.file.sync_all().map_err(|error| self.unwritten(error))?;
        // The sidecar goes last: whole bytes without it would be fetched again.
        fs::rename_flushed(&self.temporary, &self.path)?;
        self.finished = true;
        if self.sidecar.exists() {
            fs::remove_file(&self.sidecar)?;
        }
        let host = self.version.take().map(|version| version.host).unwrap_or_default();
        Ok((self.kept, host))
    }
}

impl Drop for PartialFile {
    /// Where there is nothing to go on from, nothing is left.
    fn drop(&mut self) {
        if !self.finished && (self.kept == 0 || !self.whole && !self.can_go_on()) {
            let _ = fs::remove_file(&self.temporary);
            let _ = fs::remove_file(&self.sidecar);
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests;
