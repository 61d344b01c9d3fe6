//! A competition's public leaderboard: the whole of it as Kaggle's CSV, or page by page.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::client::{Call, Signed};
use super::{Client, Error, error, wire};
use crate::progress::Progress;
use crate::term;

/// No leaderboard is larger; what is, is something else.
const MOST_BYTES: u64 = 64 << 20;

#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// From 1, the best.
    pub rank: u32,
    pub team: String,
    pub score: f64,
    /// When that was sent, as Kaggle writes it.
    pub date: String,
}

/// A page of `GetLeaderboard`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default)]
    submissions: Vec<PageEntry>,
    #[serde(default)]
    next_page_token: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageEntry {
    #[serde(default)]
    team_name: String,
    #[serde(default)]
    submission_date: String,
    #[serde(default, deserialize_with = "wire::score")]
    score: Option<f64>,
}

/// A line of the CSV; columns that are not named here are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CsvEntry {
    rank: Option<u32>,
    team_name: String,
    #[serde(default)]
    last_submission_date: String,
    score: String,
}

impl Client {
    /// Every team with a score, the best first.
    pub fn leaderboard(&self, slug: &str, progress: &dyn Progress) -> Result<Vec<Standing>, Error> {
        match self.downloaded_leaderboard(slug, progress) {
            // Whatever came, the pages may still tell.
            Err(
                Error::NotFound { .. }
                | Error::Refused { .. }
                | Error::BadAnswer { .. }
                | Error::File(_),
            ) => self.paged_leaderboard(slug),
            result => result,
        }
    }

    fn downloaded_leaderboard(
        &self,
        slug: &str,
        progress: &dyn Progress,
    ) -> Result<Vec<Standing>, Error> {
        let call = Call::about("DownloadLeaderboard", slug);
        let note = |text: &str| progress.note(text);
        let signed = Signed::default();
        let bytes = self.retry_policy.retry(&note, || {
            let response = self.open(&call, &HeaderMap::new(), &signed, &note)?;
            let url = response.url().clone();
            let cut = |error: std::io::Error| Error::Network {
                url: error::shown(&url),
                reason: format!("the connection broke ({})", error.kind()),
            };
            let mut bytes = Vec::new();
            response.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(cut)?;
            if bytes.len() as u64 > MOST_BYTES {
                let reason = format!("a leaderboard of more than {}", term::bytes(MOST_BYTES));
                return Err(Error::BadAnswer { url: error::shown(&url), reason });
            }
            Ok(bytes)
        })?;
        progress.advance(bytes.len() as u64);
        Ok(standings(&bytes)?)
    }

    fn paged_leaderboard(&self, slug: &str) -> Result<Vec<Standing>, Error> {
        let rows = self
            .pages("GetLeaderboard", slug, |page: Page| (page.submissions, page.next_page_token))?;
        let scored = rows.into_iter().filter_map(|row| Some((row.score?, row)));
        let standing = |(i, (score, row)): (usize, (f64, PageEntry))| Standing {
            rank: i as u32 + 1,
            team: row.team_name,
            score,
            date: row.submission_date,
        };
        Ok(scored.enumerate().map(standing).collect())
    }
}

/// Reads the CSV, which comes in a zip.
fn standings(bytes: &[u8]) -> Result<Vec<Standing>> {
    let mut csv = Vec::new();
    if bytes.starts_with(b"PK") {
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).context("a damaged zip")?;
        let names = zip.file_names().filter_map(Result::ok);
        let name = names.map(Cow::into_owned).find(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
        });
        let Some(name) = name else { bail!("the leaderboard's zip holds no CSV") };
        zip.by_name(&name)?.take(MOST_BYTES + 1).read_to_end(&mut csv).context("a damaged zip")?;
        ensure!(csv.len() as u64 <= MOST_BYTES, "the leaderboard in the zip is without an end");
    } else {
        csv.extend_from_slice(bytes);
    }
    let text = csv.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&csv);
    let mut lines = csv::Reader::from_reader(text);
    let mut all: Vec<Standing> = Vec::new();
    for line in lines.deserialize() {
        let line: CsvEntry = line.context("the leaderboard's CSV has other columns than usual")?;
        let Ok(score) = line.score.trim().parse() else { continue };
        let rank = line.rank.unwrap_or(all.len() as u32 + 1);
        let (team, date) = (line.team_name, line.last_submission_date);
        all.push(Standing { rank, team, score, date });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const CSV: &str = "\u{feff}Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,\
                       TeamMemberUserNames\n1,7,\"a, b\",2018-02-26 21:00:00,0.05,3,ada\n\
                       2,8,c,2018-02-26 22:00:00,,1,bob\n3,9,d,2018-02-26 23:00:00,1.5,1,cy\n";

    #[test]
    fn the_csv_is_read_zipped_or_plain() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("x-publicleaderboard.csv", zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(CSV.as_bytes()).unwrap();
        let zipped = zip.finish().unwrap().into_inner();
        for bytes in [zipped.as_slice(), CSV.as_bytes()] {
            let standings = standings(bytes).unwrap();
            assert_eq!(standings.len(), 2);
            assert_eq!((standings[0].rank, standings[0].team.as_str()), (1, "a, b"));
            assert_eq!((standings[1].rank, standings[1].score), (3, 1.5));
        }
    }

    #[test]
    fn something_else_is_no_leaderboard() {
        for bytes in [&b"<html></html>"[..], b"PK broken", b"a,b\n1,2\n"] {
            assert!(standings(bytes).and_then(|s| s.first().cloned().context("none")).is_err());
        }
    }
}
