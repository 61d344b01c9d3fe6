//! Runs that are killed, and the ones after them.

use std::process::Command;
use std::time::Duration;

use super::*;

#[test]
fn what_a_killed_run_left_is_cleared() {
    let folder = tempfile::tempdir().unwrap();
    let (archive, data) = (folder.path().join("a.zip"), folder.path().join("data"));
    fs::write_atomic(&archive, zip(&[("train/1.jpg", b"whole"), ("train/2.jpg", b"two")])).unwrap();
    fs::write_atomic(data.join(names::STAGING).join("0/train/1.jpg"), "ha").unwrap();
    fs::write_atomic(data.join("train/2.jpg"), "two").unwrap();
    extract(&archive, &data, &()).unwrap();
    assert_eq!(names(&folder), ["train/1.jpg", "train/2.jpg"]);
    assert_eq!(files(&folder)["train/1.jpg"], b"whole");
}

/// The test's own executable unpacks the archive and is killed again and again.
#[cfg(unix)]
#[test]
fn a_killed_run_is_made_good_by_the_next() {
    use std::os::unix::process::ExitStatusExt;
    const TASK: &str = "KAGGLE_KIT_TEST_UNPACK";
    const SIGKILL: i32 = 9;
    if let Some(archive) = std::env::var_os(TASK) {
        let archive = PathBuf::from(archive);
        extract(&archive, &archive.with_file_name("data"), &()).unwrap();
        return;
    }
    let images = noise(60_000);
    let names: Vec<String> = (0..400).map(|n| format!("train/{n}.jpg")).collect();
    let entries: Vec<(&str, &[u8])> =
        names.iter().enumerate().map(|(n, name)| (name.as_str(), &images[n..n + 20_000])).collect();
    let inner = stored_zip(&entries);
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("bundle.zip");
    fs::write_atomic(&archive, stored_zip(&[("train.zip", &inner), ("a.csv", b"id")])).unwrap();
    let this = format!("{}::a_killed_run_is_made_good_by_the_next", module_path!());
    let this = this.split_once("::").unwrap().1;
    let mut n_killed = 0;
    for delay in (0..).map(|n| n * n) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this])
            .env(TASK, &archive)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.signal() != Some(SIGKILL) {
            assert!(status.success());
            break;
        }
        // What has its final name is whole.
        for (name, content) in data_files(&folder) {
            if let Some(n) = name.strip_prefix("train/").and_then(|n| n.strip_suffix(".jpg")) {
                let n: usize = n.parse().unwrap();
                assert_eq!(content, images[n..n + 20_000], "{name} after {delay} ms");
            }
        }
        n_killed += 1;
    }
    assert!(n_killed > 0);
    assert_eq!(extract(&archive, &folder.path().join("data"), &()).unwrap(), 401);
    assert_eq!(files(&folder).len(), 401);
}

/// The files below `data/` that have their final names.
fn data_files(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let data = folder.path().join("data");
    let mut found = BTreeMap::new();
    if data.join("train").is_dir() {
        for entry in fs::read_dir(data.join("train")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            found.insert(format!("train/{name}"), fs::read(&path).unwrap());
        }
    }
    found
}
