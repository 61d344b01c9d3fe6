//! Every place where credentials may be, their order, and what is said about bad ones.

use std::path::Path;
use std::sync::{Arc, Mutex};

use kaggle_kit::fs;
use kaggle_kit::kaggle::credentials::{Credentials, FoundCredentials, find, find_all};
use kaggle_kit::kaggle::{Class, Client, Environment, Error};

use super::QUICK;
use super::server::{Reply, Server};

const KAGGLE_JSON: &str = r#"{"username":"ada","key":"file-key"}"#;

/// Names and contents of files, or names and values of variables.
type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A home with these files (readable by their owner alone), and these variables.
fn search(files: Pairs, variables: Pairs) -> (tempfile::TempDir, Result<FoundCredentials, Error>) {
    let home = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write(&home.path().join(name), content, 0o600);
    }
    let found = find(&environment(home.path(), variables));
    (home, found)
}

/// `~` in a variable stands for the home.
fn environment(home: &Path, variables: Pairs) -> Environment {
    let home = home.to_str().unwrap();
    let mut all: Vec<(String, String)> = vec![("HOME".to_owned(), home.to_owned())];
    for (name, value) in variables {
        all.push(((*name).to_owned(), value.replace('~', home)));
    }
    all.into_iter().collect()
}

fn write(path: &Path, content: &str, mode: u32) {
    fs::write_atomic(path, content).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
}

fn token(text: &str) -> Credentials {
    Credentials::Token(text.into())
}

fn basic(username: &str, key: &str) -> Credentials {
    Credentials::Basic { username: username.to_owned(), key: key.into() }
}

#[test]
fn each_place_is_found() {
    let login = r#"{"access_token":"login","access_token_expiration":"2999-01-01T00:00:00.5Z"}"#;
    let cases: [(Pairs, Pairs, Credentials, &str); 12] = [
        (&[("t", "a\n")], &[("KAGGLE_API_V1_TOKEN", "~/t")], token("a"), "KAGGLE_API_V1_TOKEN"),
        (&[], &[("KAGGLE_API_TOKEN", "b")], token("b"), "`KAGGLE_API_TOKEN`"),
        (&[("t", "c\n")], &[("KAGGLE_API_TOKEN", "~/t")], token("c"), "KAGGLE_API_TOKEN"),
        (&[(".kaggle/access_token", "d\n")], &[], token("d"), ".kaggle/access_token`"),
        (&[(".kaggle/access_token.txt", "e")], &[], token("e"), "access_token.txt`"),
        (
            &[],
            &[("KAGGLE_USERNAME", "ada"), ("KAGGLE_KEY", "k")],
            basic("ada", "k"),
            "`KAGGLE_USERNAME` and `KAGGLE_KEY`",
        ),
        (
            &[(".kaggle/kaggle.json", KAGGLE_JSON)],
            &[],
            basic("ada", "file-key"),
            ".kaggle/kaggle.json`",
        ),
        (
            &[(".config/kaggle/kaggle.json", KAGGLE_JSON)],
            &[],
            basic("ada", "file-key"),
            ".config/kaggle/kaggle.json`",
        ),
        (
            &[("xdg/kaggle/kaggle.json", KAGGLE_JSON)],
            &[("XDG_CONFIG_HOME", "~/xdg")],
            basic("ada", "file-key"),
            "xdg/kaggle/kaggle.json`",
        ),
        (
            &[("own/kaggle.json", KAGGLE_JSON)],
            &[("KAGGLE_CONFIG_DIR", "~/own")],
            basic("ada", "file-key"),
            "own/kaggle.json`",
        ),
        (
            &[(".kaggle/kaggle.json", KAGGLE_JSON)],
            &[("KAGGLE_KEY", "new")],
            basic("ada", "new"),
            "`KAGGLE_KEY` and `",
        ),
        (&[(".kaggle/credentials.json", login)], &[], token("login"), "credentials.json`"),
    ];
    for (files, variables, credentials, source) in cases {
        let (_home, found) = search(files, variables);
        let found = found.unwrap();
        assert_eq!(found.credentials, credentials, "{source}");
        assert!(found.source.contains(source), "{} {source}", found.source);
        assert!(found.warnings.is_empty());
    }
}

#[test]
fn the_first_in_the_official_order_counts() {
    let mut files = vec![
        ("t", "1"),
        (".kaggle/access_token", "3"),
        (".kaggle/access_token.txt", "4"),
        (".kaggle/kaggle.json", KAGGLE_JSON),
        (
            ".kaggle/credentials.json",
            r#"{"access_token":"7","access_token_expiration":"2999-01-01T00:00:00Z"}"#,
        ),
    ];
    let mut variables = vec![
        ("KAGGLE_API_V1_TOKEN", "~/t"),
        ("KAGGLE_API_TOKEN", "2"),
        ("KAGGLE_USERNAME", "ada"),
        ("KAGGLE_KEY", "5"),
    ];
    let found = || search(&files, &variables).1.unwrap().credentials;
    assert_eq!(found(), token("1"));
    variables.remove(0);
    let found = || search(&files, &variables).1.unwrap().credentials;
    assert_eq!(found(), token("2"));
    variables.remove(0);
    for expected in [token("3"), token("4"), basic("ada", "5")] {
        assert_eq!(search(&files, &variables).1.unwrap().credentials, expected);
        files.remove(1);
    }
    // kaggle.json went with the last round: the pair of variables did not need it.
    assert_eq!(search(&files, &variables).1.unwrap().credentials, basic("ada", "5"));
    assert_eq!(search(&files, &[]).1.unwrap().credentials, token("7"));
}

#[test]
fn nothing_found_says_where_it_looked() {
    let expired = r#"{"access_token":"old","access_token_expiration":"2020-01-01T00:00:00Z"}"#;
    let files = [(".kaggle/credentials.json", expired), (".kaggle/access_token", " \n")];
    let (_home, found) = search(&files, &[("KAGGLE_USERNAME", "ada")]);
    let error = found.unwrap_err();
    assert!(matches!(error, Error::NoCredentials { .. }));
    let text = error.to_string();
    for place in [
        "`KAGGLE_API_TOKEN`",
        ".kaggle/access_token` (empty)",
        "access_token.txt`",
        "`KAGGLE_USERNAME` (set without its partner)",
        ".kaggle/kaggle.json`",
        ".config/kaggle/kaggle.json`",
        "credentials.json` (expired at `2020-01-01T00:00:00Z`",
        "hint: make a token on https://www.kaggle.com/settings",
    ] {
        assert!(text.contains(place), "{place}: {text}");
    }
}

#[test]
fn bad_files_are_named_without_their_content() {
    for (name, content, expected) in [
        (".kaggle/kaggle.json", "{\"username\":\"ada\",\"key\":hunter2}", "line 1"),
        (".kaggle/kaggle.json", "{\"username\":\"ada\",\"key\":[\"hunter2\"]}", "line 1"),
        (".kaggle/kaggle.json", "{\"username\":\"ada\"}", "`key` is empty"),
        (".kaggle/kaggle.json", "{\"username\":\"\",\"key\":\"hunter2\"}", "`username` is empty"),
        (".kaggle/access_token", "hunter2 hunter2", "spaces or signs"),
        (".kaggle/credentials.json", "hunter2", "line 1"),
    ] {
        let (_home, found) = search(&[(name, content)], &[]);
        let text = found.expect_err(content).to_string();
        assert!(text.contains(name) && text.contains(expected), "{content}: {text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let (_home, found) = search(&[(".kaggle/kaggle.json/x", "")], &[]);
    let text = found.unwrap_err().to_string();
    assert!(text.contains("kaggle.json`: it is a folder"), "{text}");
    let (_home, found) = search(&[], &[("KAGGLE_API_TOKEN", "/no/such/file")]);
    assert!(found.unwrap_err().to_string().contains("names a file that is not there"));
}

/// Whatever is wrong with a place, something can be done about it.
#[cfg(unix)]
#[test]
fn each_bad_place_has_a_hint() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".kaggle/kaggle.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    let told = |variables: &[(&str, &str)]| {
        find(&environment(home.path(), variables)).unwrap_err().to_string()
    };
    let of_pipe = told(&[]);
    assert!(of_pipe.contains("kaggle.json`: it is a pipe, no plain file\nhint: "), "{of_pipe}");
    let of_variable = told(&[("KAGGLE_API_TOKEN", "/no/such/file")]);
    assert!(of_variable.contains("not there\nhint: correct or unset it"), "{of_variable}");
    for (name, content) in [
        ("kaggle.json", "{\"username\":\"ada\"}"),
        ("access_token", "hunter2 hunter2"),
        ("credentials.json", "no"),
        ("kaggle.json/x", ""),
    ] {
        let (_home, found) = search(&[(&format!(".kaggle/{name}"), content)], &[]);
        let text = found.unwrap_err().to_string();
        assert!(text.contains("\nhint: "), "{text}");
    }
}

#[cfg(unix)]
#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn an_unreadable_file_is_an_error() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(".kaggle/kaggle.json");
    write(&path, KAGGLE_JSON, 0o000);
    if fs::read_to_string(&path).is_ok() {
        println!("skipped: root can read every file");
        return;
    }
    let text = find(&environment(home.path(), &[])).unwrap_err().to_string();
    assert!(text.contains("kaggle.json`: permission denied"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_warned_about() {
    for (name, content) in [(".kaggle/kaggle.json", KAGGLE_JSON), (".kaggle/access_token", "t")] {
        let home = tempfile::tempdir().unwrap();
        write(&home.path().join(name), content, 0o644);
        let found = find(&environment(home.path(), &[])).unwrap();
        assert_eq!(found.warnings.len(), 1);
        assert!(found.warnings[0].contains("chmod 600") && found.warnings[0].contains(name));
    }
}

#[test]
fn secrets_do_not_show() {
    let variables = [("KAGGLE_USERNAME", "ada"), ("KAGGLE_KEY", "hunter2")];
    for variables in [&variables[..], &[("KAGGLE_API_TOKEN", "hunter2")]] {
        let (_home, found) = search(&[], variables);
        let found = found.unwrap();
        assert!(format!("{found:?} {found:#?}").contains("***"));
        assert!(!format!("{found:?} {found:#?}").contains("hunter2"));
    }
}

#[test]
fn all_places_are_found_in_order_and_the_same_secret_once() {
    let files = [
        (".kaggle/access_token", "env"),
        (".kaggle/access_token.txt", "bad secret"),
        (".kaggle/kaggle.json", "{broken"),
        (".config/kaggle/kaggle.json", KAGGLE_JSON),
        (
            ".kaggle/credentials.json",
            r#"{"access_token":"7","access_token_expiration":"2999-01-01T00:00:00Z"}"#,
        ),
    ];
    let variables =
        [("KAGGLE_API_TOKEN", "env"), ("KAGGLE_USERNAME", "bob"), ("KAGGLE_KEY", "variable-key")];
    let home = tempfile::tempdir().unwrap();
    for (name, content) in files {
        write(&home.path().join(name), content, 0o600);
    }
    let all = find_all(&environment(home.path(), &variables)).unwrap();
    let credentials: Vec<_> = all.iter().map(|found| found.credentials.clone()).collect();
    let expected =
        [token("env"), basic("bob", "variable-key"), basic("ada", "file-key"), token("7")];
    assert_eq!(credentials, expected);
    // What is broken is told beside what comes after it.
    let warnings: Vec<_> = all.iter().map(|found| found.warnings.join(" ")).collect();
    assert!(warnings[0].is_empty() && warnings[3].is_empty(), "{warnings:?}");
    assert!(warnings[1].contains("access_token.txt`: it holds spaces"), "{warnings:?}");
    assert!(warnings[2].contains(".kaggle/kaggle.json`: it is not the JSON"), "{warnings:?}");
    assert!(!warnings.concat().contains("bad secret"));
}

/// A server that takes one `Authorization`, and a client with a wrong token and a kaggle.json.
fn fallen_through(
    accepted: &'static str,
) -> (Server, Result<Client, Error>, Vec<String>, tempfile::TempDir) {
    use base64::Engine;
    let header = format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(accepted));
    let server = Server::start(move |_, request| {
        if request.header("Authorization") == Some(&header) {
            return Reply::json("{}");
        }
        Reply::new(401, r#"{"code":401,"message":"Unauthenticated"}"#)
    });
    let home = tempfile::tempdir().unwrap();
    write(&home.path().join(".kaggle/kaggle.json"), KAGGLE_JSON, 0o644);
    let environment = environment(home.path(), &[("KAGGLE_API_TOKEN", "KGAT_wrong")]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    let client =
        Client::connect(Some(&server.url()), &environment).unwrap().with_retry_policy(QUICK);
    let client = client.with_warn(move |text| hears.lock().unwrap().push(text.to_owned()));
    let result = client.competition("x").map(|_| client);
    let told = told.lock().unwrap().clone();
    (server, result, told, home)
}

#[test]
fn a_wrong_token_falls_through_to_kaggle_json_with_a_warning() {
    let (server, client, told, _home) = fallen_through("ada:file-key");
    let client = client.unwrap();
    assert!(client.credentials().source.ends_with("kaggle.json`"));
    assert!(
        told[0].contains("from `KAGGLE_API_TOKEN` (Unauthenticated): going on with those from")
    );
    assert!(told[0].contains(".kaggle/kaggle.json`"), "{told:?}");
    if cfg!(unix) {
        assert!(told[1].contains("chmod 600"), "{told:?}");
    }
    assert!(!told.concat().contains("KGAT_wrong") && !told.concat().contains("file-key"));
    assert_eq!(server.requests().len(), 2);
    client.competition("x").unwrap();
    assert_eq!(server.requests().len(), 3, "the wrong token is not tried again");
}

#[test]
fn when_all_are_refused_all_are_named() {
    let (server, client, _, _home) = fallen_through("somebody:else");
    let Err(error) = client else { panic!("accepted") };
    assert_eq!(error.class(), Class::Credentials);
    let text = error.to_string();
    assert!(text.contains("from `KAGGLE_API_TOKEN`, then `"), "{text}");
    assert!(text.contains("kaggle.json` (Unauthenticated)"), "{text}");
    assert!(!text.contains("KGAT_wrong") && !text.contains("file-key"), "{text}");
    assert_eq!(server.requests().len(), 2);
}
