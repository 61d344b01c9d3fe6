//! Files as `PyTorch` writes them, made here byte by byte, and files that mean harm.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

/// A little assembler of pickles.
struct Made(Vec<u8>);

impl Made {
    fn new() -> Self {
        Self(b"\x80\x02".to_vec())
    }

    fn op(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn text(self, text: &str) -> Self {
        self.op(b"X").op(&(text.len() as u32).to_le_bytes()).op(text.as_bytes())
    }

    fn name(self, module: &str, name: &str) -> Self {
        self.op(b"c").op(module.as_bytes()).op(b"\n").op(name.as_bytes()).op(b"\n")
    }

    fn tuple(self, sides: &[i32]) -> Self {
        sides.iter().fold(self.op(b"("), |made, n| made.op(b"J").op(&n.to_le_bytes())).op(b"t")
    }

    /// A view of a storage, as `torch.save` writes it; with a view of the storage in legacy files.
    fn tensor(
        self,
        kind: &str,
        key: &str,
        offset: i32,
        shape: &[i32],
        strides: &[i32],
        old: bool,
    ) -> Self {
        let made = self.name("torch._utils", "_rebuild_tensor_v2").op(b"((").text("storage");
        let made = made.name("torch", kind).text(key).text("cpu").op(b"K\x06");
        let made = if old { made.op(b"N") } else { made };
        let made = made.op(b"tQJ").op(&offset.to_le_bytes()).tuple(shape).tuple(strides);
        made.op(b"\x89").name("collections", "OrderedDict").op(b")RtR")
    }

    fn end(self) -> Vec<u8> {
        self.op(b".").0
    }
}

/// An ordered dictionary `{weight: 2x3, turned: 3x2 of the same numbers, count: an integer}` with
/// attributes, as a module's state is.
fn state(old: bool) -> Made {
    let made = Made::new().name("collections", "OrderedDict").op(b")Rq\x00(");
    let made = made.text("module.weight").tensor("FloatStorage", "0", 0, &[2, 3], &[3, 1], old);
    let made = made.text("module.turned").tensor("FloatStorage", "0", 0, &[3, 2], &[1, 3], old);
    let made = made.text("module.count").tensor("LongStorage", "1", 0, &[], &[], old).op(b"u");
    // Attributes, which say nothing about weights.
    made.op(b"}").text("_metadata").name("collections", "OrderedDict").op(b")Rsb")
}

fn numbers() -> Vec<u8> {
    (0_u8..6).flat_map(|n| f32::from(n).to_le_bytes()).collect()
}

fn zipped(pickle: &[u8], entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [("archive/data.pkl", pickle)].iter().chain(entries) {
        zip.start_file(*name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn legacy(state: Vec<u8>) -> Vec<u8> {
    let mut bytes = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    bytes.extend(Made::new().op(b"M\xe9\x03").end());
    bytes.extend(Made::new().op(b"}").text("little_endian").op(b"\x88s").end());
    bytes.extend(state);
    bytes.extend(Made::new().op(b"](").text("0").text("1").op(b"e").end());
    bytes.extend(6_u64.to_le_bytes());
    bytes.extend(numbers());
    bytes.extend(1_u64.to_le_bytes());
    bytes.extend(7_i64.to_le_bytes());
    bytes
}

fn read_bytes(bytes: &[u8]) -> Result<BTreeMap<String, Stored>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    fs::write_atomic(&path, bytes).unwrap();
    read(&path)
}

fn values(stored: &Stored) -> Vec<f32> {
    stored.bytes.as_chunks::<4>().0.iter().map(|n| f32::from_le_bytes(*n)).collect()
}

fn check(found: &BTreeMap<String, Stored>) {
    let names: Vec<&str> = found.keys().map(String::as_str).collect();
    assert_eq!(names, ["turned", "weight"]);
    assert_eq!(
        (values(&found["weight"]), found["weight"].shape.clone()),
        (vec![0., 1., 2., 3., 4., 5.], vec![2, 3])
    );
    assert_eq!(
        (values(&found["turned"]), found["turned"].shape.clone()),
        (vec![0., 3., 1., 4., 2., 5.], vec![3, 2])
    );
}

#[test]
fn both_files_of_pytorch_are_read() {
    let entries: [(&str, &[u8]); 3] = [
        ("archive/data/0", &numbers()),
        ("archive/data/1", &7_i64.to_le_bytes()),
        ("archive/byteorder", b"little"),
    ];
    check(&read_bytes(&zipped(&state(false).end(), &entries)).unwrap());
    check(&read_bytes(&legacy(state(true).end())).unwrap());
    // A checkpoint that holds more than weights.
    let made = Made::new().op(b"}(").text("epoch").op(b"K\x05").text("state_dict");
    let inner = &state(false).0[2..];
    let checkpoint = made.op(inner).op(b"u").end();
    check(&read_bytes(&zipped(&checkpoint, &entries)).unwrap());
    let big = [entries[0], entries[1], ("archive/byteorder", &b"big"[..])];
    let error = format!("{:#}", read_bytes(&zipped(&state(false).end(), &big)).unwrap_err());
    assert!(error.contains("big-endian"), "{error}");
}

#[test]
fn a_file_that_wants_to_run_something_is_refused() {
    for (module, name) in
        [("os", "system"), ("builtins", "eval"), ("torch", "load"), ("torch.hub", "load")]
    {
        let pickle = Made::new().name(module, name).text("true").op(b"\x85R").end();
        for bytes in [zipped(&pickle, &[]), legacy(pickle.clone())] {
            let error = format!("{:#}", read_bytes(&bytes).unwrap_err());
            assert!(error.contains(&format!("it asks for `{module}.{name}`")), "{error}");
        }
    }
    // The same by the newer opcode, and an object made without a call.
    let pickle = Made::new().text("os").text("system").op(b"\x93").end();
    assert!(
        format!("{:#}", read_bytes(&zipped(&pickle, &[])).unwrap_err()).contains("`os.system`")
    );
    let pickle = Made::new().name("collections", "OrderedDict").op(b")\x81").end();
    assert!(
        format!("{:#}", read_bytes(&zipped(&pickle, &[])).unwrap_err()).contains("opcode 0x81")
    );
}

#[test]
fn no_tensor_reaches_beyond_its_storage_and_none_fills_the_memory() {
    let harmful = |offset, shape: &[i32], strides: &[i32]| {
        let made = Made::new().op(b"}").text("w");
        let pickle = made.tensor("FloatStorage", "0", offset, shape, strides, false).op(b"s").end();
        let bytes = zipped(&pickle, &[("archive/data/0", &numbers())]);
        format!("{:#}", read_bytes(&bytes).unwrap_err())
    };
    assert!(harmful(1, &[2, 3], &[3, 1]).contains("over the end"));
    assert!(harmful(0, &[2, 3], &[i32::MAX, 1]).contains("over the end"));
    assert!(harmful(0, &[i32::MAX, i32::MAX, i32::MAX], &[0, 0, 0]).contains("larger than"));
    assert!(harmful(0, &[7], &[0]).contains("larger than"));
    assert!(harmful(-1, &[2], &[1]).contains("negative"));
    assert!(harmful(0, &[2], &[1, 1]).contains("sides"));
}

#[test]
fn files_cut_short_anywhere_are_errors_and_no_more() {
    let entries: [(&str, &[u8]); 2] =
        [("archive/data/0", &numbers()), ("archive/data/1", &7_i64.to_le_bytes())];
    for whole in [zipped(&state(false).end(), &entries), legacy(state(true).end())] {
        for end in 0..whole.len() {
            assert!(read_bytes(&whole[..end]).is_err(), "{end} of {}", whole.len());
        }
        // And a byte changed anywhere is read or refused, never a panic.
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x55;
            let _ = read_bytes(&changed);
        }
    }
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
