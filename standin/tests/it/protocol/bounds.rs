//! What a client may not do: fill the memory, break a task, keep connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kaggle_kit_standin::{Fault, Faults};
use serde_json::json;

use super::{DOGS, ask, bundle, call, create, serve, start_upload};

#[test]
fn a_place_beyond_all_numbers_is_passed_over() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let (_, path) = start_upload(&server, DOGS, 100);
    for range in ["18446744073709551615-9/100", "18446744073709551610-18446744073709551615/100"] {
        let range = format!("Content-Range: bytes {range}");
        let reply = ask(&server, "PUT", &path, &[&range], &[b'a'; 64]);
        assert_eq!((reply.status, reply.headers.get("range")), (308, None), "{range}");
    }
    let reply = ask(&server, "PUT", &path, &["Content-Range: bytes 99999999999999999999-"], b"a");
    assert_eq!(reply.status, 400);
    assert_eq!(ask(&server, "PUT", &path, &[], &[b'a'; 100]).status, 200);
}

#[test]
fn what_is_kept_of_requests_has_an_end() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let long = format!("/x?{}", "a".repeat(50_000));
    let agent = format!("User-Agent: {}", "b".repeat(10_000));
    assert_eq!(ask(&server, "GET", &long, &[&agent], b"").status, 404);
    let request = server.requests().pop().unwrap();
    assert_eq!((request.path.len(), request.user_agent.unwrap().len()), (1_000, 1_000));
    let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    for n in 0..5_000 {
        stream.write_all(format!("GET /{n} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).unwrap();
        let mut answer = [0; 4096];
        assert!(stream.read(&mut answer).unwrap() > 0);
    }
    let requests = server.requests();
    assert_eq!((requests.len(), requests.last().unwrap().path.as_str()), (4096, "/4999"));
}

#[test]
fn uploads_that_are_too_large_or_too_many_are_refused() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let begin = |name: &str, length: u64| {
        let arguments =
            json!({ "competitionName": DOGS, "fileName": name, "contentLength": length });
        call(&server, "StartSubmissionUpload", &arguments)
    };
    for length in [(1 << 30) + 1, u64::MAX] {
        assert_eq!(begin("s.csv", length).json()["message"], "The file is too large");
    }
    assert_eq!(begin(&"n".repeat(256), 1).status, 400);
    let (_, oldest) = start_upload(&server, DOGS, 3);
    for _ in 0..256 {
        assert_eq!(begin("s.csv", 1 << 20).status, 200);
    }
    assert_eq!(ask(&server, "PUT", &oldest, &[], b"abc").status, 404);
    let huge = vec![b'a'; (64 << 20) + 1];
    let reply = create(&server, DOGS, &huge).json();
    let answer = call(&server, "GetSubmission", &json!({ "ref": reply["ref"] })).json();
    assert_eq!(answer["errorDescription"], "the file has 67.1 MB");
}

#[test]
fn what_was_submitted_stays_as_it_was() {
    let server = serve(&["dogs-vs-cats"], |_| {});
    let (token, path) = start_upload(&server, DOGS, 3);
    assert_eq!(ask(&server, "PUT", &path, &[], b"abc").status, 200);
    let arguments = json!({ "competitionName": DOGS, "blobFileTokens": token });
    assert_eq!(call(&server, "CreateSubmission", &arguments).status, 200);
    assert_eq!(ask(&server, "PUT", &path, &[], b"xyz").status, 404);
    assert_eq!(server.submissions()[0].csv.read().unwrap(), b"abc");
    let long = json!({ "competitionName": DOGS, "blobFileTokens": token, "submissionDescription": "d".repeat(4_001) });
    assert_eq!(call(&server, "CreateSubmission", &long).status, 400);
}

#[test]
fn a_connection_that_says_nothing_is_closed_but_not_while_it_is_answered() {
    let idle = Duration::from_millis(60);
    let server = serve(&["dogs-vs-cats"], |options| {
        options.idle = idle;
        options.faults = vec![Faults::from([Fault::Stall(1000)])];
    });
    let open = |text: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    // Closed, or broken off: either ends the reading.
    let ends = |mut stream: TcpStream| match stream.read_to_end(&mut Vec::new()) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    };
    assert!(ends(open("")), "nothing at all");
    assert!(ends(open("GET /x HTTP/1.1\r\nHost: x\r\n")), "half a head");
    assert!(ends(open("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")), "an answer, and then nothing");
    let (_, path) = start_upload(&server, DOGS, 10);
    let half = format!("PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    assert!(ends(open(&half)), "half an upload");

    let path = bundle(&server, DOGS);
    let mut stalled = open(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    stalled.set_read_timeout(Some(idle * 5)).unwrap();
    let error = stalled.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
}
