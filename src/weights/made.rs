//! Files of weights, put together byte by byte, for tests and the fuzz targets' seeds.

#![allow(clippy::unwrap_used, reason = "for tests")]

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub const MAGIC: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
pub const PROTOCOL: &[u8] = b"\x80\x02M\xe9\x03.";

pub fn text(text: &str) -> Vec<u8> {
    [b"X".as_slice(), &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

pub fn tuple(numbers: &[i32]) -> Vec<u8> {
    let numbers = numbers.iter().flat_map(|n| [b"J".as_slice(), &n.to_le_bytes()].concat());
    [b"(".to_vec(), numbers.collect(), b"t".to_vec()].concat()
}

/// Where a view begins, its sides and its strides.
pub type View<'a> = (i32, &'a [i32], &'a [i32]);

/// `_rebuild_tensor_v2` of a view of storage `key`, in the kind that `tail` closes.
pub fn tensor(storage: &str, key: &str, view: View, tail: &[u8]) -> Vec<u8> {
    let (offset, shape, strides) = view;
    let parts = [
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        format!("ctorch\n{storage}\n").into_bytes(),
        text(key),
        text("cpu"),
        b"K\x06".to_vec(),
        tail.to_vec(),
        b"tQ".to_vec(),
        [b"J".as_slice(), &offset.to_le_bytes()].concat(),
        tuple(shape),
        tuple(strides),
        b"\x89ccollections\nOrderedDict\n)RtR".to_vec(),
    ];
    parts.concat()
}

pub fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries = entries.iter().map(|(name, value)| [text(name), value.clone()].concat());
    [
        b"ccollections\nOrderedDict\n)Rq\x00(".to_vec(),
        entries.collect::<Vec<_>>().concat(),
        b"u".to_vec(),
    ]
    .concat()
}

pub fn pickled(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

pub fn zipped(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub fn archive(value: &[u8], storage: &[u8]) -> Vec<u8> {
    let pickle = pickled(value);
    let entries: [(&str, &[u8]); 3] =
        [("a/data.pkl", &pickle), ("a/byteorder", b"little"), ("a/data/0", storage)];
    zipped(&entries, CompressionMethod::Stored)
}

pub fn legacy(value: &[u8], storage: &[u8], item: usize) -> Vec<u8> {
    let machine = [b"}".to_vec(), text("little_endian"), b"\x88s".to_vec()].concat();
    let keys = [b"](".to_vec(), text("0"), b"e".to_vec()].concat();
    let n = (storage.len() / item) as u64;
    let parts = [
        MAGIC,
        PROTOCOL,
        &pickled(&machine),
        &pickled(value),
        &pickled(&keys),
        &n.to_le_bytes(),
        storage,
    ];
    parts.concat()
}

pub fn floats(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

pub const SIX: [f32; 6] = [0., 1., 2., 3., 4., 5.];

pub fn safetensors() -> Vec<u8> {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"BF16","shape":[],"data_offsets":[8,10]},"n":{"dtype":"I64","shape":[],"data_offsets":[10,18]}}"#;
    let data = [&floats(&SIX)[..10], &7_i64.to_le_bytes()].concat();
    [(header.len() as u64).to_le_bytes().as_slice(), header.as_bytes(), &data].concat()
}
