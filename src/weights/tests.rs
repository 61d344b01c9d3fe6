//! Files that the tests put together byte by byte, as `PyTorch` does and as nobody should.

use std::io::Write;

use zip::CompressionMethod;

use super::made::{
    MAGIC, PROTOCOL, SIX, View, archive, dict, floats, legacy, pickled, safetensors, tensor, text,
    zipped,
};
use super::*;

fn read_bytes(bytes: &[u8]) -> Result<BTreeMap<String, Stored>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.pt");
    // Not through `fs::write_atomic`: thousands of these need not reach the disk.
    fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    read(&path)
}

fn refused(bytes: &[u8]) -> String {
    format!("{:#}", read_bytes(bytes).unwrap_err())
}

#[test]
fn both_kinds_give_the_same_rows() {
    let views: [(&str, View, &[f32]); 6] = [
        ("all", (0, &[2, 3], &[3, 1]), &SIX),
        ("turned", (0, &[3, 2], &[1, 3]), &[0., 3., 1., 4., 2., 5.]),
        ("part", (1, &[2, 2], &[3, 1]), &[1., 2., 4., 5.]),
        ("repeated", (2, &[2, 2], &[0, 1]), &[2., 3., 2., 3.]),
        ("number", (5, &[], &[]), &[5.]),
        ("empty", (0, &[0, 3], &[3, 1]), &[]),
    ];
    for tail in [b"".as_slice(), b"N"] {
        let entries: Vec<(&str, Vec<u8>)> = views
            .iter()
            .map(|(name, view, _)| (*name, tensor("FloatStorage", "0", *view, tail)))
            .collect();
        let value = dict(&entries);
        let files = [archive(&value, &floats(&SIX)), legacy(&value, &floats(&SIX), 4)];
        for file in files {
            let found = read_bytes(&file).unwrap();
            assert_eq!(found.len(), views.len());
            for (name, (_, shape, _), numbers) in &views {
                let tensor = &found[*name];
                assert_eq!(tensor.dtype, Dtype::F32);
                assert!(tensor.shape.iter().map(|&side| side as i32).eq(shape.iter().copied()));
                assert_eq!(tensor.bytes, floats(numbers), "{name}");
            }
        }
    }
}

#[test]
fn a_view_of_a_storage_begins_where_it_says() {
    let tail = [b"(".to_vec(), text("1"), b"K\x02K\x03t".to_vec()].concat();
    let value = dict(&[("a", tensor("FloatStorage", "0", (1, &[2], &[1]), &tail))]);
    let found = read_bytes(&legacy(&value, &floats(&SIX), 4)).unwrap();
    assert_eq!(found["a"].bytes, floats(&[3., 4.]));
}

#[test]
fn every_kind_of_number_keeps_its_bytes() {
    for (storage, item, dtype) in [
        ("HalfStorage", 2, Some(Dtype::F16)),
        ("BFloat16Storage", 2, Some(Dtype::Bf16)),
        ("DoubleStorage", 8, Some(Dtype::F64)),
        ("LongStorage", 8, None),
        ("BoolStorage", 1, None),
    ] {
        let bytes: Vec<u8> = (0..2 * item).collect();
        let value = dict(&[("a", tensor(storage, "0", (0, &[2], &[1]), b""))]);
        for file in [archive(&value, &bytes), legacy(&value, &bytes, item.into())] {
            let found = read_bytes(&file).unwrap().remove("a");
            let expected =
                dtype.map(|dtype| Stored { dtype, shape: vec![2], bytes: bytes.clone() });
            assert_eq!(found, expected, "{storage}");
        }
    }
}

/// An optimiser's numbers lie between those of weights, and protocols from 4 on come in frames.
#[test]
fn a_legacy_checkpoint_may_hold_numbers_of_no_weight() {
    let weight = dict(&[("a", tensor("FloatStorage", "0", (4, &[2], &[1]), b"N"))]);
    let step = tensor("DoubleStorage", "1", (0, &[1], &[1]), b"N");
    let value = dict(&[("model", weight), ("optimizer", dict(&[("step", step)]))]);
    let keys = [b"](".to_vec(), text("1"), text("0"), b"e".to_vec()].concat();
    let machine = [b"}".to_vec(), text("little_endian"), b"\x88s".to_vec()].concat();
    let head = [b"\x80\x04\x95\x0d\0\0\0\0\0\0\0", &MAGIC[2..], PROTOCOL].concat();
    let pickles = [pickled(&machine), pickled(&value), pickled(&keys)].concat();
    let storages = [&1_u64.to_le_bytes()[..], &[9; 8], &6_u64.to_le_bytes(), &floats(&SIX)];
    let found = read_bytes(&[head, pickles, storages.concat()].concat()).unwrap();
    assert_eq!(found["a"].bytes, floats(&[4., 5.]));
}

#[test]
fn a_state_dict_is_found_in_a_checkpoint_and_unwrapped() {
    let one = || tensor("FloatStorage", "0", (0, &[6], &[1]), b"");
    let inner = dict(&[("module.fc.weight", one()), ("module.fc.bias", one())]);
    let parameter =
        [b"ctorch._utils\n_rebuild_parameter\n(".to_vec(), one(), b"\x88NtR".to_vec()].concat();
    let mean = dict(&[("fc.weight", parameter)]);
    let epoch = b"K\x07".to_vec();
    let both = dict(&[("epoch", epoch.clone()), ("state_dict", inner), ("model_ema", mean)]);
    let found = read_bytes(&archive(&both, &floats(&SIX))).unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["fc.weight"], "the means are what is meant");
    let inner = dict(&[("module.fc.weight", one()), ("module.fc.bias", one())]);
    let file =
        archive(&dict(&[("lr", b"G\0\0\0\0\0\0\0\0".to_vec()), ("model", inner)]), &floats(&SIX));
    let names = read_bytes(&file).unwrap();
    assert_eq!(names.keys().collect::<Vec<_>>(), ["fc.bias", "fc.weight"]);
    let message = refused(&archive(&dict(&[("epoch", epoch)]), &floats(&SIX)));
    assert!(message.contains("there is no state dict in it (`epoch`)"), "{message}");
}

#[test]
fn what_could_run_code_is_refused_by_its_name() {
    let call = b"cposix\nsystem\n(X\x04\0\0\0truetR".to_vec();
    let modern = [text("builtins"), text("eval"), b"\x93".to_vec()].concat();
    for (value, name) in [(&call, "posix.system"), (&modern, "builtins.eval")] {
        for file in [archive(value, &[]), legacy(value, &[], 4)] {
            let message = refused(&file);
            assert!(message.contains(&format!("it names `{name}`")), "{message}");
            assert!(message.contains("nothing was run") && message.contains("hint: "), "{message}");
        }
    }
    // INST, OBJ, NEWOBJ and the extension registry have other ways to the same.
    for code in [b"(ios\nsystem\n".as_slice(), b"(o", b"))\x81", b"\x82\x01"] {
        assert!(refused(&archive(code, &[])).contains("which no state dict needs"));
    }
}

#[test]
fn views_that_reach_too_far_are_refused() {
    let cases: [(View, &str); 7] = [
        ((0, &[7], &[1]), "over the end of its storage"),
        ((1, &[2, 3], &[3, 1]), "over the end of its storage"),
        ((0, &[2], &[i32::MAX]), "over the end of its storage"),
        ((-1, &[2], &[1]), "begins before its storage"),
        ((0, &[2], &[-1]), "shape is no shape"),
        ((0, &[i32::MAX; 4], &[0; 4]), "larger than any memory"),
        ((0, &[1 << 30], &[0]), "far larger than the file"),
    ];
    for (view, expected) in cases {
        let value = dict(&[("a", tensor("FloatStorage", "0", view, b""))]);
        for file in [archive(&value, &floats(&SIX)), legacy(&value, &floats(&SIX), 4)] {
            let message = refused(&file);
            assert!(message.contains(expected), "{view:?}: {message}");
        }
    }
    // A step along an axis of one is never gone, however long.
    let huge = [b"\x8a\x08".as_slice(), &u64::MAX.to_le_bytes()[..7], b"\x7f"].concat();
    let mut value = dict(&[("a", tensor("FloatStorage", "0", (0, &[1, 2, 2], &[9, 1, 2]), b""))]);
    let at = value.windows(5).rposition(|word| word == b"J\x09\0\0\0").unwrap();
    value.splice(at..at + 5, huge);
    let found = read_bytes(&archive(&value, &floats(&SIX))).unwrap();
    assert_eq!(found["a"].bytes, floats(&[0., 2., 1., 3.]));
    let value = dict(&[("a", tensor("FloatStorage", "1", (0, &[1], &[1]), b""))]);
    assert!(refused(&archive(&value, &floats(&SIX))).contains("its storage is not there"));
}

#[test]
fn no_cut_and_no_flipped_byte_brings_it_down() {
    let value = dict(&[
        ("a", tensor("FloatStorage", "0", (0, &[2, 3], &[3, 1]), b"")),
        ("b", tensor("FloatStorage", "0", (0, &[3, 2], &[1, 3]), b"")),
    ]);
    for file in [archive(&value, &floats(&SIX)), legacy(&value, &floats(&SIX), 4), safetensors()] {
        for end in 0..file.len() {
            assert!(read_bytes(&file[..end]).is_err(), "{end} of {} bytes", file.len());
        }
        for at in 0..file.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bad = file.clone();
                bad[at] ^= flip;
                // It may be right (in a number) or wrong, but it ends.
                let _ = read_bytes(&bad);
            }
        }
    }
}

#[test]
fn depth_and_cycles_do_no_harm() {
    // A tuple in a tuple in a tuple; a dictionary that is its own state dict.
    let deep = [b")".to_vec(), b"\x85".repeat(200_000)].concat();
    assert!(refused(&archive(&deep, &[])).contains("something else than tensors"));
    let own = [b"}q\x01".to_vec(), text("model"), b"h\x01s".to_vec()].concat();
    assert!(refused(&archive(&own, &[])).contains("too deep inside"));
    // A list of pairs that is copied again and again.
    let pairs = [b"](".to_vec(), b"NN\x86".repeat(1000), b"eq\x02".to_vec()].concat();
    let copies = b"ccollections\nOrderedDict\nh\x02\x85R0".repeat(2000);
    assert!(refused(&archive(&[pairs, copies].concat(), &[])).contains("copies without end"));
}

#[test]
fn other_zips_are_told_for_what_they_are() {
    let pickle = pickled(&dict(&[]));
    let stored = |entries: &[(&str, &[u8])]| zipped(entries, CompressionMethod::Stored);
    for (file, expected) in [
        (stored(&[("a.jpg", b"x")]), "not of `torch.save`"),
        (stored(&[("a/data.pkl", &pickle), ("a/constants.pkl", b"")]), "TorchScript"),
        (stored(&[("a/data.pkl", &pickle), ("a/byteorder", b"big")]), "big-endian"),
        (zipped(&[("a/data.pkl", &[b'x'; 99])], CompressionMethod::Deflated), "is packed"),
    ] {
        let message = refused(&file);
        assert!(message.contains(expected) && message.contains("weights.pt"), "{message}");
    }
}

#[test]
fn floats_of_safetensors_are_read() {
    let found = read_bytes(&safetensors()).unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b"], "counters are passed over");
    assert_eq!(found["a"].bytes, floats(&SIX[..2]));
    assert_eq!((found["b"].dtype, found["b"].shape.len()), (Dtype::Bf16, 0));
}

#[test]
fn other_libraries_names_become_timms() {
    let renamed = |name: &str, theirs: &[&str]| -> Vec<String> {
        let weights = theirs.iter().map(|name| ((*name).to_owned(), ())).collect();
        to_timm(crate::zoo::find(name).unwrap(), weights, |tensor| tensor).into_keys().collect()
    };
    let mobile = [
        ("features.0.0.weight", "conv_stem.weight"),
        ("features.0.1.bias", "bn1.bias"),
        ("features.1.conv.0.0.weight", "blocks.0.0.conv_dw.weight"),
        ("features.1.conv.0.1.running_var", "blocks.0.0.bn1.running_var"),
        ("features.1.conv.1.weight", "blocks.0.0.conv_pw.weight"),
        ("features.1.conv.2.weight", "blocks.0.0.bn2.weight"),
        ("features.3.conv.0.0.weight", "blocks.1.1.conv_pw.weight"),
        ("features.3.conv.1.0.weight", "blocks.1.1.conv_dw.weight"),
        ("features.17.conv.2.weight", "blocks.6.0.conv_pwl.weight"),
        ("features.17.conv.3.bias", "blocks.6.0.bn3.bias"),
        ("features.18.0.weight", "conv_head.weight"),
        ("features.18.1.weight", "bn2.weight"),
        ("classifier.1.bias", "classifier.bias"),
    ];
    let convnext = [
        ("features.0.0.weight", "stem.0.weight"),
        ("features.0.1.bias", "stem.1.bias"),
        ("features.1.0.layer_scale", "stages.0.blocks.0.gamma"),
        ("features.1.2.block.0.weight", "stages.0.blocks.2.conv_dw.weight"),
        ("features.4.1.weight", "stages.2.downsample.1.weight"),
        ("features.7.2.block.5.bias", "stages.3.blocks.2.mlp.fc2.bias"),
        ("classifier.0.weight", "head.norm.weight"),
        ("classifier.2.weight", "head.fc.weight"),
    ];
    for (name, pairs) in [("mobilenetv2_100", &mobile[..]), ("convnext_tiny", &convnext)] {
        let theirs: Vec<&str> = pairs.iter().map(|(theirs, _)| *theirs).collect();
        let mut expected: Vec<&str> = pairs.iter().map(|(_, timms)| *timms).collect();
        expected.sort_unstable();
        assert_eq!(renamed(name, &theirs), expected, "{name}");
    }
    assert_eq!(renamed("vit_small_patch14_dinov2", &["mask_token", "norm.bias"]), ["norm.bias"]);
    assert_eq!(renamed("resnet18", &["conv1.weight", "fc.bias"]), ["conv1.weight", "fc.bias"]);
}
