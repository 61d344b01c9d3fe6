//! The leaderboard: as a zip, and page by page where there is no zip.

use std::io::{Cursor, Write};

use super::server::{Reply, Server};
use super::{SLUG, client};

const CSV: &str = "Rank,TeamId,TeamName,LastSubmissionDate,Score,SubmissionCount,\
                   TeamMemberUserNames\n1,7,ada,2018-02-26 21:00:00,0.05,3,ada\n\
                   2,8,bob,2018-02-26 22:00:00,0.5,1,bob\n";

fn zipped() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("board.csv", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(CSV.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

#[test]
fn it_comes_as_a_zip_at_once_or_from_storage() {
    for redirects in [false, true] {
        let server = Server::start(move |n, request| {
            if redirects && request.method == "POST" {
                return Reply::redirect(format!("/storage/board.zip?Signature={n}"));
            }
            // The first answer breaks off.
            Reply::new(200, zipped()).cut_at(if n < 2 { 30 } else { usize::MAX })
        });
        let board = client(&server).leaderboard(SLUG, &()).unwrap();
        assert_eq!(board.len(), 2);
        assert_eq!((board[1].rank, board[1].team.as_str(), board[1].score), (2, "bob", 0.5));
        assert_eq!(board[0].date, "2018-02-26 21:00:00");
    }
}

#[test]
fn it_is_read_page_by_page_where_there_is_no_zip() {
    let server = Server::start(|_, request| match request.call() {
        "DownloadLeaderboard" => Reply::new(404, ""),
        _ if request.json()["pageToken"] == "" => Reply::json(
            r#"{"submissions":[{"teamId":7,"teamName":"ada","score":"0.05"}],"nextPageToken":"2"}"#,
        ),
        _ => Reply::json(
            r#"{"submissions":[{"teamName":"none","score":""},{"teamName":"bob","score":"0.5"}]}"#,
        ),
    });
    let board = client(&server).leaderboard(SLUG, &()).unwrap();
    let rows: Vec<_> = board.iter().map(|s| (s.rank, s.team.as_str(), s.score)).collect();
    assert_eq!(rows, [(1, "ada", 0.05), (2, "bob", 0.5)]);
    assert_eq!(server.requests().len(), 3);
}
