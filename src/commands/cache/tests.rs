//! What is listed and removed, and in which words.

use tempfile::TempDir;

use super::*;
use crate::cache::{ActivationRows, ActivationsKey, ActivationsSource, Slot};
use crate::fs;
use crate::hash::Hash;

fn backbone(row: &Row) -> &str {
    match &row.what {
        Some(What::Activations { backbone, .. }) => backbone,
        _ => "",
    }
}

const DAY: Duration = Duration::from_secs(86_400);

/// A cache of two images, last used so many days ago.
fn cached(store: &Store, backbone: &str, days: u32, rows: &[f32]) -> Option<ActivationRows> {
    let key = ActivationsKey::new(&ActivationsSource {
        label: "dogs-vs-cats",
        backbone,
        weights: Hash([1; 32]),
        engine: "libtorch on cpu",
        transform: "centre",
        size: 224,
        images: &[Hash([2; 32]), Hash([3; 32])],
        views: 1,
        width: 2,
        dtype: Dtype::F32,
    });
    let Slot::Empty(mut writer) = store.claim(&key, &()) else { panic!("it is there") };
    writer.append(rows).unwrap();
    let rows = writer.finish().ok();
    let stamp = store.folder().join(key.name()).join("in-use");
    let stamp = fs::File::options().write(true).open(stamp).unwrap();
    stamp.set_modified(SystemTime::now() - days * DAY).unwrap();
    rows
}

/// One in use, one used a week ago, one unfinished, one of another version.
fn filled() -> (TempDir, Store, ActivationRows) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("activations"), Some(1_000_000));
    let rows = cached(&store, "resnet34", 0, &[1.0; 4]).unwrap();
    cached(&store, "resnet50", 7, &[1.0; 4]);
    cached(&store, "resnet18", 1, &[1.0; 2]);
    let other = store.folder().join("0123456789abcdef0123456789abcdef");
    fs::write_atomic(other.join("activations.safetensors"), "another version").unwrap();
    (folder, store, rows)
}

#[test]
fn the_list_says_what_for_and_how_long_ago() {
    let (_folder, store, _rows) = filled();
    let listing = list(&store).unwrap();
    assert_eq!(listing.limit, 1_000_000);
    assert_eq!(listing.bytes, listing.caches.iter().map(|row| row.bytes).sum::<u64>());
    let (header, rows) = table(&listing.caches, SystemTime::now() + DAY);
    let table = term::giving(&header, &rows, &GIVES);
    let line = |name: &str| {
        let line = table.lines().find(|line| line.contains(name)).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>()
    };
    let bytes = |name: &str| {
        let has_name = |row: &&Row| backbone(row) == name;
        term::bytes(listing.caches.iter().find(has_name).unwrap().bytes)
    };
    assert_eq!(
        line("resnet34")[..8],
        [
            "dogs-vs-cats",
            "resnet34 at 224",
            "2",
            "1",
            "2 f32",
            &bytes("resnet34"),
            "24 h ago",
            "24 h ago"
        ]
    );
    assert_eq!(line("resnet34")[8], "in use");
    assert_eq!(line("resnet50")[7], "8 days ago");
    assert_eq!(line("resnet18")[8], "unfinished");
    assert_eq!(line("unusable")[0], "?");
    assert!(line("unusable").contains(&"01234567"));
    let json = serde_json::to_value(&listing).unwrap();
    let find = |name: &str| {
        let caches = json["caches"].as_array().unwrap();
        caches.iter().find(|cache| cache["backbone"] == name).unwrap()
    };
    assert_eq!(find("resnet34")["in_use"], true);
    assert_eq!(find("resnet18")["state"], "unfinished");
    assert_eq!(find("resnet50")["dtype"], "f32");
    assert_eq!(find("resnet50")["images"], 2);
}

#[test]
fn ages_are_in_the_unit_that_fits() {
    let then = SystemTime::now();
    let cases = [
        (59, "now"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (172_799, "47 h ago"),
        (172_800, "2 days ago"),
    ];
    for (seconds, expected) in cases {
        assert_eq!(ago(then + Duration::from_secs(seconds), then), expected);
    }
    assert_eq!(ago(then, then + DAY), "now");
}

#[test]
fn cleaning_removes_what_was_meant_and_nothing_in_use() {
    let older_than = |days| Clean { older_than: Some(days), all: false };
    let cases = [
        (Clean::default(), 2, 0, "resnet34 resnet50"),
        (older_than(8), 2, 0, "resnet34 resnet50"),
        (older_than(6), 3, 0, "resnet34"),
        (Clean { older_than: None, all: true }, 3, 1, "resnet34"),
    ];
    for (which, removed, in_use, left) in cases {
        let (_folder, store, rows) = filled();
        let before = list(&store).unwrap().bytes;
        let cleaned = clean(&store, which, SystemTime::now()).unwrap();
        let counts = (cleaned.removed.len(), cleaned.in_use.len());
        assert_eq!(counts, (removed, in_use), "{which:?}");
        let listing = list(&store).unwrap();
        assert_eq!(listing.bytes, before - cleaned.bytes);
        let mut names: Vec<&str> = listing.caches.iter().map(backbone).collect();
        names.sort_unstable();
        assert_eq!(names.join(" "), left, "{which:?}");
        assert_eq!(rows.rows(&[1]).unwrap(), [1.0, 1.0]);
    }
}

#[test]
fn what_was_cleaned_is_summed_up() {
    let mut cleaned = Cleaned::default();
    assert_eq!(cleaned.summary(), "nothing to remove");
    cleaned.in_use.push("a".to_owned());
    assert_eq!(cleaned.summary(), "nothing to remove; in use, and left: 1");
    (cleaned.removed, cleaned.bytes) = (vec!["b".to_owned(); 2], 1_200_000_000);
    assert_eq!(cleaned.summary(), "2 caches removed, 1.2 GB; in use, and left: 1");
}
