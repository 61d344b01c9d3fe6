//! A look at a competition before anything of it is downloaded: its folders, its pages, the first bytes
//! of its files.

use std::io::Read;

use reqwest::header::{HeaderMap, HeaderValue, RANGE};

use super::client::{Call, Signed};
use super::wire::{FileOf, FolderOf, FolderPage, Page, Pages};
use super::{Client, Error, error};

/// As many entries as Kaggle gives at once.
const PAGE_SIZE: u32 = 200;

impl Client {
    /// What is right in a folder of the data, or the first of it; the folder above all is the empty one.
    pub fn folder(&self, slug: &str, path: &str) -> Result<FolderPage, Error> {
        let body = FolderOf { competition_name: slug, path, page_size: PAGE_SIZE };
        let what = format!("`{path}` in `{slug}`");
        self.call(&Call::of("ListDataTreeFiles", slug, what, body))
    }

    /// What the competition's web page says.
    pub fn competition_pages(&self, slug: &str) -> Result<Vec<Page>, Error> {
        let pages: Pages = self.call(&Call::about("ListCompetitionPages", slug))?;
        Ok(pages.pages)
    }

    /// The first bytes of a data file, as they are sent: Kaggle packs larger tables into a zip.
    pub fn file_head(&self, slug: &str, name: &str, most: u64) -> Result<Vec<u8>, Error> {
        let body = FileOf { competition_name: slug, file_name: name };
        let what = format!("`{name}` in `{slug}`");
        let call = Call::of("DownloadDataFile", slug, what, body);
        let range = format!("bytes=0-{}", most.saturating_sub(1));
        let range = HeaderValue::from_str(&range).unwrap_or(HeaderValue::from_static("bytes=0-0"));
        let range = HeaderMap::from_iter([(RANGE, range)]);
        let once = || {
            let response = self.open(&call, &range, &Signed::default(), &self.warn)?;
            let url = response.url().clone();
            let mut head = Vec::new();
            // A server that knows no ranges sends everything.
            let read = response.take(most).read_to_end(&mut head);
            read.map_err(|error| Error::BadAnswer {
                url: error::shown(&url),
                reason: error.to_string(),
            })?;
            Ok(head)
        };
        self.retry_policy.retry(&self.warn, once)
    }
}
