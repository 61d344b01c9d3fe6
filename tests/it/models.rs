//! `kaggle-kit models`: the table, and weights through every trouble of a hub on this machine.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use kaggle_kit::fs;
use kaggle_kit::hash::Hash;
use kaggle_kit::zoo;

use crate::kaggle::server::{Reply, Request, Server};
use crate::support::Scratch;

const TOKEN: &str = "hf_0123456789";

/// Bytes that stand for weights: which numbers they are does not matter to a download.
fn content() -> Vec<u8> {
    weights(400_000)
}

/// A safetensors file of so many bytes, with one tensor.
fn weights(bytes: usize) -> Vec<u8> {
    const HEADER: usize = 96;
    let n = bytes - 8 - HEADER;
    let header = format!(r#"{{"a":{{"dtype":"U8","shape":[{n}],"data_offsets":[0,{n}]}}}}"#);
    let numbers = (0..n as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
    let mut file = (HEADER as u64).to_le_bytes().to_vec();
    file.extend(format!("{header:HEADER$}").into_bytes());
    file.extend(numbers);
    file
}

fn sha256(bytes: &[u8]) -> String {
    Hash::of(bytes).to_string()
}

/// What the hub answers to `resolve`: the way to storage, on this machine's other name, and the hash.
fn to_storage(request: &Request, hash: &str) -> Reply {
    let storage = request.header("Host").unwrap().replace("127.0.0.1", "localhost");
    Reply::redirect(format!("http://{storage}/storage/weights?Signature=s3cret"))
        .with("X-Linked-ETag", format!("\"{hash}\""))
        .with("X-Linked-Size", content().len().to_string())
}

fn is_storage(request: &Request) -> bool {
    request.path.starts_with("/storage/")
}

/// A hub whose storage breaks off after so many bytes of each answer, and then no more.
fn hub(hash: String, cuts: &'static [usize]) -> Server {
    let served = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_, request| {
        if !is_storage(request) {
            return to_storage(request, &hash);
        }
        let n = served.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let reply = Reply::file(request, &content(), "\"1\"").without("x-goog-hash");
        reply.cut_at(cuts.get(n).copied().unwrap_or(usize::MAX))
    })
}

/// The command with an empty cache, asking `hub` and nobody else.
fn models(scratch: &Scratch, hub: &str, args: &[&str]) -> Command {
    let mut command = scratch.kaggle_kit();
    for name in ["HF_TOKEN_PATH", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "XDG_CACHE_HOME"] {
        command.env_remove(name);
    }
    command.env("HF_HOME", scratch.path().join("hf")).env("HF_TOKEN", TOKEN);
    command.env("HF_ENDPOINT", hub).env("KAGGLE_KIT_CACHE", scratch.path().join("models"));
    command.arg("models").args(args);
    command
}

fn cached(scratch: &Scratch, name: &str) -> PathBuf {
    scratch.path().join(format!("models/weights/{name}.safetensors"))
}

/// Where Hugging Face's own library keeps a file of weights.
fn snapshot_of(name: &str) -> String {
    let repository = zoo::find(name).unwrap().repository().replace('/', "--");
    format!("hf/hub/models--{repository}/snapshots/0a1b/model.safetensors")
}

/// What a download leaves: the weights, and their hash.
const FILES: [&str; 2] = ["resnet18.safetensors", "resnet18.safetensors.sha256"];

fn stderr(command: &mut Command, code: i32) -> String {
    let output = command.assert().code(code).get_output().stderr.clone();
    String::from_utf8(output).unwrap()
}

fn files_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn weights_come_whole_through_a_cut_and_only_once() {
    let scratch = Scratch::new();
    let server = hub(sha256(&content()), &[150_000]);
    let url = format!("{}/", server.url());
    let message = stderr(&mut models(&scratch, &url, &["pull", "resnet18", "resnet18"]), 0);
    assert!(message.contains("resnet18: 400.0 kB"), "{message}");
    assert!(fs::read(cached(&scratch, "resnet18")).unwrap() == content());
    assert_eq!(files_in(&scratch.path().join("models/weights")), FILES);
    let requests = server.requests();
    let repository = zoo::find("resnet18").unwrap().repository();
    assert_eq!(requests[0].path, format!("/{repository}/resolve/main/model.safetensors"));
    let starts: Vec<Option<usize>> =
        requests.iter().filter(|request| is_storage(request)).map(Request::start).collect();
    assert_eq!(starts, [None, Some(150_000)], "it goes on where it was, and asks no second time");
    for request in &requests {
        let expected = (!is_storage(request)).then(|| format!("Bearer {TOKEN}"));
        assert_eq!(request.header("Authorization"), expected.as_deref(), "{}", request.path);
    }
    let n = requests.len();
    stderr(&mut models(&scratch, &url, &["pull", "resnet18"]), 0);
    assert_eq!(server.requests().len(), n, "what is there is not asked for");
}

#[test]
fn other_bytes_than_the_hub_names_are_not_kept() {
    let scratch = Scratch::new();
    let server = hub(sha256(b"other weights"), &[]);
    let message = stderr(&mut models(&scratch, &server.url(), &["pull", "resnet18"]), 7);
    assert!(message.contains("its SHA-256 is not the one that the server announced"), "{message}");
    assert!(files_in(&scratch.path().join("models/weights")).is_empty());
    assert!(!message.contains("s3cret") && !message.contains(TOKEN), "{message}");
}

#[test]
fn weights_that_are_not_what_came_are_fetched_anew_when_it_is_asked_for() {
    let scratch = Scratch::new();
    let server = hub(sha256(&content()), &[]);
    let pull = || stderr(&mut models(&scratch, &server.url(), &["pull", "resnet18"]), 0);
    pull();
    let mut flipped = content();
    *flipped.last_mut().unwrap() ^= 0x80;
    for (bytes, what) in [
        (flipped, "has changed since it came: its SHA-256 is"),
        (Vec::new(), "it is empty"),
        (vec![0; 1000], "it is nothing but zeros in place of the file"),
        (content()[..399_999].to_vec(), "it is damaged"),
    ] {
        scratch.write("models/weights/resnet18.safetensors", bytes);
        let message = pull();
        assert!(message.contains(what) && message.contains("fetched anew"), "{message}");
        assert!(fs::read(cached(&scratch, "resnet18")).unwrap() == content());
        assert_eq!(files_in(&scratch.path().join("models/weights")), FILES);
        assert!(!pull().contains("anew"));
    }
}

#[test]
fn a_stub_from_the_hub_is_no_weights() {
    for stub in
        [&b""[..], &[0; 1000], b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"]
    {
        let scratch = Scratch::new();
        let server = Server::start(move |_, request| {
            if is_storage(request) {
                Reply::file(request, stub, "\"1\"")
            } else {
                to_storage(request, "")
            }
        });
        let message = stderr(&mut models(&scratch, &server.url(), &["pull", "resnet18"]), 1);
        assert!(message.contains("are no weights"), "{message}");
        assert!(files_in(&scratch.path().join("models/weights")).is_empty(), "{message}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_in_the_place_of_weights_is_told() {
    let scratch = Scratch::new();
    let path = cached(&scratch, "resnet18");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut pull = models(&scratch, "http://127.0.0.1:9", &["pull", "resnet18"]);
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    let message = stderr(&mut pull, 1);
    assert!(message.contains("is a device, no plain file"), "{message}");
    assert!(message.contains("hint: remove it, then run `kaggle-kit models pull"), "{message}");
    fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let message = stderr(&mut pull, 1);
    assert!(message.contains("is a pipe, no plain file"), "{message}");
    let table = models(&scratch, "http://127.0.0.1:9", &["resnet18"]).assert().success();
    let table = String::from_utf8(table.get_output().stdout.clone()).unwrap();
    assert!(table.contains("(unusable)"), "{table}");
    fs::remove_file(&path).unwrap();
    fs::create_dir_all(&path).unwrap();
    let message = stderr(&mut pull, 1);
    assert!(message.contains("is a folder, no plain file"), "{message}");
}

#[test]
fn a_refusal_says_what_to_do() {
    for (status, code, expected) in [
        (401, 3, "`HF_TOKEN`"),
        (403, 3, "`HF_TOKEN`"),
        (404, 5, "404"),
        (429, 6, "try again in 60 min"),
    ] {
        let scratch = Scratch::new();
        let server = Server::start(move |_, _| {
            let reply = Reply::new(status, "no");
            // More than anybody would wait for.
            if status == 429 { reply.with("Retry-After", "3600") } else { reply }
        });
        let message = stderr(&mut models(&scratch, &server.url(), &["pull", "resnet18"]), code);
        assert!(message.contains(expected) && !message.contains(TOKEN), "{message}");
        assert!(
            message.contains("no weights of `resnet18`") && message.contains(&server.url()),
            "{message}"
        );
        assert!(!message.contains("Kaggle "), "the hub is not Kaggle: {message}");
        assert_eq!(server.requests().len(), 1, "{status} is not asked for again");
    }
}

#[test]
fn storage_that_refuses_is_no_matter_of_tokens() {
    let scratch = Scratch::new();
    let server = Server::start(|_, request| {
        if is_storage(request) { Reply::new(403, "no") } else { to_storage(request, "0") }
    });
    let message = stderr(&mut models(&scratch, &server.url(), &["pull", "resnet18"]), 4);
    assert!(message.contains("/storage/weights`") && !message.contains("HF_TOKEN"), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
}

#[test]
fn a_hub_in_trouble_is_asked_some_times() {
    for (status, code, expected) in [(503, 7, "on the server's side"), (429, 6, "try again in 0 s")]
    {
        let scratch = Scratch::new();
        let server = Server::start(move |_, _| Reply::new(status, "busy").with("Retry-After", "0"));
        let message = stderr(&mut models(&scratch, &server.url(), &["pull", "resnet18"]), code);
        assert!(message.contains(expected), "{message}");
        assert_eq!(server.requests().len(), 6, "{status} may pass");
    }
}

#[test]
fn offline_nobody_is_asked_and_the_hubs_own_cache_is_enough() {
    let scratch = Scratch::new();
    let server = hub(sha256(&content()), &[]);
    let pull = || {
        let mut command = models(&scratch, &server.url(), &["pull", "resnet18"]);
        command.env("HF_HUB_OFFLINE", "1");
        command
    };
    let message = stderr(&mut pull(), 1);
    let lines: Vec<&str> = message.lines().collect();
    let start = "error: `HF_HUB_OFFLINE` is set, and there are no weights of `resnet18` at ";
    assert!(lines[0].starts_with(start), "{message}");
    assert!(lines[1].starts_with("hint: save `") && lines[1].ends_with("` there"), "{message}");
    assert_eq!(lines[2], "hint: or unset it and run `kaggle-kit models pull resnet18`");
    scratch.write("models/weights/tf_efficientnet_lite0.safetensors", weights(900));
    let message = stderr(&mut pull(), 1);
    assert!(message.contains("`--backbone tf_efficientnet_lite0` goes without"), "{message}");
    scratch.write(&snapshot_of("resnet18"), content());
    let message = stderr(&mut pull(), 0);
    assert!(message.contains("0a1b/model.safetensors"), "{message}");
    assert!(server.requests().is_empty());
}

#[test]
fn the_table_has_every_backbone_and_says_what_is_there() {
    let scratch = Scratch::new();
    scratch.write("models/weights/resnet50.safetensors", weights(1500));
    scratch.write(&snapshot_of("resnet34"), weights(900));
    let unreachable = "http://127.0.0.1:9";
    let output = models(&scratch, unreachable, &[]).assert().success().get_output().stdout.clone();
    let table = String::from_utf8(output).unwrap();
    let json = models(&scratch, unreachable, &["--json"]).assert().success();
    let json: serde_json::Value = serde_json::from_slice(&json.get_output().stdout).unwrap();
    let rows = json.as_array().unwrap();
    assert_eq!(rows.len(), zoo::architectures().count());
    assert_eq!(table.lines().count(), rows.len() + 1, "{table}");
    for (architecture, row) in zoo::architectures().zip(rows) {
        assert_eq!(row["name"], architecture.name);
        assert_eq!(row["parameters"], architecture.parameters);
        let square = architecture.square();
        assert_eq!((&row["size"], &row["crop"]), (&square.size.into(), &square.crop.into()));
        assert!(table.lines().any(|line| line.starts_with(architecture.name)), "{table}");
        let bytes = match architecture.name {
            "resnet50" => Some(1500),
            "resnet34" => Some(900),
            _ => None,
        };
        assert_eq!(row["bytes"].as_u64(), bytes);
    }
    let line = table.lines().find(|line| line.starts_with("resnet50")).unwrap();
    assert!(line.contains("1.5 kB") && line.contains("25.6 M"), "{line}");
    assert!(line.contains("  224 ") && line.contains("  8.2 "), "{line}");
    let lite2 = table.lines().find(|line| line.starts_with("tf_efficientnet_lite2")).unwrap();
    assert!(lite2.contains("  260 "), "{lite2}");
    let one = models(&scratch, unreachable, &["resnet50", "--json"]).assert().success();
    let one: serde_json::Value = serde_json::from_slice(&one.get_output().stdout).unwrap();
    assert_eq!(one.as_array().unwrap().len(), 1);
}

#[test]
fn a_name_that_is_nearly_one_is_answered() {
    let scratch = Scratch::new();
    for args in [&["convnext_tinny"][..], &["pull", "resnet18", "convnext_tinny"]] {
        let message = stderr(&mut models(&scratch, "http://127.0.0.1:9", args), 1);
        assert!(message.contains("did you mean `convnext_tiny`?"), "{message}");
    }
    assert!(
        !cached(&scratch, "resnet18").exists(),
        "names are looked at before anything is fetched"
    );
    models(&scratch, "http://127.0.0.1:9", &["pull"]).assert().code(2);
}
