//! What is left of a cache that something happened to.

use proptest::prelude::*;

use super::*;

/// What a kill, a power cut or a bad disk may leave of an unfinished cache.
#[derive(Clone, Debug)]
enum Harm {
    Cut(&'static str, f64),
    Flip(&'static str, f64),
    Lose(&'static str),
}

fn harm() -> impl Strategy<Value = Harm> {
    let name = prop::sample::select(vec![PART, SUMS]);
    prop_oneof![
        (name.clone(), 0.0..1.0).prop_map(|(name, at)| Harm::Cut(name, at)),
        (name.clone(), 0.0..1.0).prop_map(|(name, at)| Harm::Flip(name, at)),
        name.prop_map(Harm::Lose),
    ]
}

fn suffer(store: &Store, key: &ActivationsKey, harm: &Harm) {
    let (Harm::Cut(name, _) | Harm::Flip(name, _) | Harm::Lose(name)) = harm;
    let path = file(store, key, name);
    let mut bytes = fs::read(&path).unwrap();
    match harm {
        Harm::Lose(_) => return fs::remove_file(&path).unwrap(),
        Harm::Cut(_, at) => bytes.truncate((at * bytes.len() as f64) as usize),
        Harm::Flip(_, at) => {
            let place = (at * bytes.len() as f64) as usize;
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 4;
            }
        }
    }
    fs::write_atomic(&path, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_killed_writer_is_gone_on_from_to_the_same_bytes(
        stops in prop::collection::vec((0_usize..21, prop::option::of(harm())), 1..4),
    ) {
        let (_folder, store) = scratch();
        let key = key(|source| source.views = 3);
        drop(written(&store, &key));
        let undisturbed = fs::read(file(&store, &key, DATA)).unwrap();
        prop_assert_eq!(store.remove(key.name()).unwrap(), Removal::Removed);
        for (batches, harm) in stops {
            let Slot::Empty(mut writer) = store.claim(&key, &()) else { panic!() };
            compute(&mut writer, batches);
            drop(writer);
            if let Some(harm) = harm {
                suffer(&store, &key, &harm);
            }
        }
        assert_rows(&written(&store, &key));
        // A changed label in the header is nothing that a cache must notice.
        let bytes = fs::read(file(&store, &key, DATA)).unwrap();
        let head = bytes.len() - 3 * 300 * WIDTH * 4;
        prop_assert_eq!(&bytes[head..], &undisturbed[head..]);
        prop_assert_eq!(bytes.len(), undisturbed.len());
        prop_assert!(!file(&store, &key, PART).exists() && !file(&store, &key, SUMS).exists());
    }

    #[test]
    fn a_damaged_cache_never_gives_other_numbers(at in 0.0..1.0, bit in 0..8, cut in any::<bool>()) {
        let (_folder, store) = scratch();
        let key = key(|_| {});
        drop(written(&store, &key));
        let path = file(&store, &key, DATA);
        let mut bytes = fs::read(&path).unwrap();
        let place = (at * bytes.len() as f64) as usize;
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] ^= 1_u8 << bit;
        }
        fs::write_atomic(&path, bytes).unwrap();
        if let Some(rows) = store.open(&key) {
            assert_rows(&rows);
        } else {
            let notes = Notes::default();
            let Slot::Empty(mut writer) = store.claim(&key, &notes) else { panic!() };
            compute(&mut writer, usize::MAX);
            assert_rows(&writer.finish().unwrap());
            assert_rows(&found(&store, &key));
            let notes = notes.0.into_inner().unwrap();
            prop_assert!(notes[0].contains("safetensors` is damaged ("), "{notes:?}");
        }
    }
}

#[test]
fn damage_in_the_rows_or_their_checksums_is_always_noticed() {
    let (_folder, store) = scratch();
    let key = key(|_| {});
    drop(written(&store, &key));
    let path = file(&store, &key, DATA);
    let whole = fs::read(&path).unwrap();
    let rows = whole.len() - key.shape().bytes() - 4 * 4;
    for place in [rows, rows + 255 * 12, rows + 256 * 12, rows + 5000, whole.len() - 1] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        fs::write_atomic(&path, bytes).unwrap();
        assert!(store.open(&key).is_none(), "{place}");
    }
    fs::write_atomic(&path, whole).unwrap();
    assert!(store.open(&key).is_some());
}

#[test]
fn a_file_that_is_cut_short_in_use_is_an_error() {
    let (_folder, store) = scratch();
    let key = key(|_| {});
    let rows = written(&store, &key);
    let path = file(&store, &key, DATA);
    fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    let error = format!("{:#}", rows.rows(&[0]).unwrap_err());
    assert!(error.contains("safetensors` was changed by another program"), "{error}");
    drop(rows);
    assert!(matches!(store.claim(&key, &()), Slot::Empty(_)));
}
