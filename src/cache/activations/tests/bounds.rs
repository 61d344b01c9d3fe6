//! Many runs, and little room.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::*;

#[test]
fn one_run_computes_and_the_others_wait_for_it() {
    let (_folder, store) = scratch();
    let (key, computed, notes) = (key(|_| {}), AtomicUsize::new(0), Notes::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| match store.claim(&key, &notes) {
                Slot::Ready(rows) => assert_rows(&rows),
                Slot::Empty(mut writer) => {
                    std::thread::sleep(Duration::from_millis(300));
                    compute(&mut writer, usize::MAX);
                    computed.fetch_add(1, Ordering::Relaxed);
                    let rows = writer.finish().unwrap();
                    // It reads on for a while: nobody waits for that.
                    std::thread::sleep(Duration::from_millis(100));
                    assert_rows(&rows);
                    assert_eq!(notes.0.lock().unwrap().len(), 3);
                }
            });
        }
    });
    assert_eq!(computed.into_inner(), 1);
}

#[test]
fn who_waits_for_a_writer_that_fails_takes_over() {
    let (_folder, store) = scratch();
    let key = key(|_| {});
    let Slot::Empty(mut writer) = store.claim(&key, &()) else { panic!() };
    compute(&mut writer, 9);
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| match store.claim(&key, &()) {
            Slot::Ready(_) => panic!("nobody has finished"),
            Slot::Empty(writer) => writer.missing(),
        });
        std::thread::sleep(Duration::from_millis(200));
        drop(writer);
        assert_eq!(waiter.join().unwrap(), [(0, 256..300), (1, 0..300)]);
    });
}

#[test]
fn a_file_that_vanished_under_its_reader_stops_nobody() {
    let (_folder, store) = scratch();
    let key = key(|_| {});
    let reader = written(&store, &key);
    fs::remove_file(file(&store, &key, DATA)).unwrap();
    let rows = written(&store, &key);
    assert_rows(&rows);
    assert!(rows.unsaved().unwrap().contains("nothing to read"), "{rows:?}");
    assert_rows(&reader);
}

#[test]
fn damage_under_a_reader_is_not_repaired_before_it_has_gone() {
    let (_folder, store) = scratch();
    let key = key(|_| {});
    let reader = written(&store, &key);
    let path = file(&store, &key, DATA);
    // Another file under the same name: the reader keeps the one it has.
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write_atomic(&path, bytes).unwrap();
    let rows = written(&store, &key);
    assert!(rows.unsaved().unwrap().contains("in use, and damaged"), "{rows:?}");
    assert_rows(&reader);
    drop(reader);
    assert_eq!(written(&store, &key).unsaved(), None);
    assert_rows(&found(&store, &key));
}

/// A cache of its own, last used so many days ago.
fn old(store: &Store, size: usize, days: u64) -> ActivationsKey {
    let key = key(|source| source.size = size);
    drop(written(store, &key));
    let lock = fs::File::options().write(true).open(file(store, &key, "in-use")).unwrap();
    lock.set_modified(SystemTime::now() - Duration::from_secs(days * 86_400)).unwrap();
    key
}

#[test]
fn the_longest_unused_make_room_and_those_in_use_stay() {
    let folder = tempfile::tempdir().unwrap();
    let unlimited = Store::new(folder.path(), None);
    let [first, second, third, fourth] =
        [(1, 4), (2, 3), (3, 2), (4, 1)].map(|(size, days)| old(&unlimited, size, days));
    let each = unlimited.entries().unwrap()[0].bytes;
    let reader = found(&unlimited, &first);
    let limited = Store::new(folder.path(), Some(3 * each));
    // Four are there and three fit, with the new one: two go, and not the one that is read.
    let new = key(|source| source.size = 5);
    drop(written(&limited, &new));
    let left: Vec<String> = limited.entries().unwrap().into_iter().map(|e| e.key).collect();
    assert_eq!(left.len(), 3);
    for (key, stays) in [(&first, true), (&second, false), (&third, false), (&fourth, true)] {
        assert_eq!(left.iter().any(|name| name == key.name()), stays, "{key:?}");
    }
    assert_rows(&reader);
    drop(reader);
    assert_eq!(limited.remove(first.name()).unwrap(), Removal::Removed);
}

#[test]
fn what_does_not_fit_is_held_in_memory_and_nothing_is_removed_in_vain() {
    let folder = tempfile::tempdir().unwrap();
    let kept = old(&Store::new(folder.path(), None), 1, 100);
    let limited = Store::new(folder.path(), Some(1000));
    let large = key(|source| source.dtype = Dtype::F16);
    for _ in 0..2 {
        let rows = written(&limited, &large);
        assert_rows(&rows);
        let reason = rows.unsaved().unwrap();
        assert!(reason.contains("3.6 kB, of at most 1.0 kB"), "{reason}");
    }
    assert_eq!(limited.entries().unwrap().len(), 1);
    assert_rows(&found(&limited, &kept));
}

#[test]
fn where_no_folder_can_be_made_rows_are_held_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("activations");
    fs::write_atomic(&path, "a file").unwrap();
    let store = Store::new(&path, None);
    let rows = written(&store, &key(|_| {}));
    assert_rows(&rows);
    assert!(rows.unsaved().unwrap().contains("activations"), "{rows:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "a file");
}

#[test]
fn only_what_is_ours_is_listed_and_removed() {
    let (folder, store) = scratch();
    assert_eq!(states(&store), []);
    let key = key(|_| {});
    let rows = written(&store, &key);
    fs::write_atomic(store.folder().join("notes.txt"), "mine").unwrap();
    fs::write_atomic(file(&store, &key, "mine.txt"), "mine").unwrap();
    let entry = store.entries().unwrap().remove(0);
    assert!(entry.in_use && entry.state == CacheState::Finished);
    let Some(Holds::Activations(about, _)) = entry.holds else { panic!("{:?}", entry.holds) };
    assert_eq!(about.label, "dogs");
    assert_eq!(store.remove(key.name()).unwrap(), Removal::InUse);
    drop(rows);
    assert!(!store.entries().unwrap()[0].in_use);
    assert_eq!(store.remove(key.name()).unwrap(), Removal::Removed);
    let left = |path: &Path| fs::read_dir(path).unwrap().count();
    assert_eq!(left(&store.folder().join(key.name())), 1);
    assert_eq!(left(store.folder()), 2);
    assert_eq!(left(folder.path()), 1);
}
