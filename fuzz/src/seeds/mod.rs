//! The small corpus that the targets start from.

mod files;

use std::io::Cursor;

use kaggle_kit::archive::made::{Entries, piped_zip, tar, zip_of as zip};
use kaggle_kit::weights::made as weights;
use sevenz_rust2::encoder_options::{EncoderOptions, Lzma2Options};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{backbone, data_folder, run_folder};

/// What a target starts from.
pub(super) struct Seed {
    pub(super) target: String,
    /// Among the target's.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// All of them.
pub(super) fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut write = |target: &str, name: &str, bytes: &[u8]| {
        seeds.push(Seed {
            target: target.to_owned(),
            name: name.to_owned(),
            bytes: bytes.to_vec(),
        });
    };
    let jpg = b"\xff\xd8\xff\xe0 not a picture".repeat(9);
    let entries: Entries = &[
        ("train/", b""),
        ("train/1.jpg", &jpg),
        ("A.csv", b"id,label\n1,0.5\n"),
        ("a/b/c.txt", b""),
    ];
    let loose: Entries = &[("1.jpg", &jpg), ("2.jpg", b"2")];
    let bad: Entries = &[("../e.txt", b"1"), ("a\\..\\b", b"2"), ("__MACOSX/x", b"3")];
    let (deflated, stored) = (CompressionMethod::Deflated, CompressionMethod::Stored);
    let mut zips = Vec::new();
    for method in [deflated, stored] {
        zips.extend([entries, loose, bad].map(|entries| zip(method, entries)));
        zips.push(piped_zip(method, entries));
        let inner: Entries = &[
            ("train.zip", &zip(deflated, loose)),
            ("p.zip", &piped_zip(method, loose)),
            ("t.tar", &tar(loose)),
            ("s.7z", &seven_z(loose, true)),
        ];
        zips.push(zip(method, inner));
    }
    let mut link = ZipWriter::new(Cursor::new(Vec::new()));
    link.add_symlink("link", "/etc", SimpleFileOptions::default()).unwrap();
    link.set_comment("a comment").unwrap();
    zips.push(link.finish().unwrap().into_inner());
    let nested: Entries = &[("a.zip", &zip(stored, loose)), ("b.csv", b"id\n")];
    let tars = [entries, loose, bad, nested].map(tar);
    let in_layers: Entries = &[("x.tar", &tar(loose))];
    let mut sevens = Vec::new();
    for solid in [true, false] {
        sevens.extend([entries, loose, bad, nested, in_layers].map(|e| seven_z(e, solid)));
    }
    for (target, archives) in [("zip", zips), ("tar", tars.into()), ("seven_z", sevens)] {
        for (n, archive) in archives.iter().enumerate() {
            for how in [0, 1] {
                let bytes = [&[how], archive.as_slice()].concat();
                write(target, &format!("{n}-{how}"), &bytes);
            }
        }
    }
    let tables: [(u8, &[u8]); 6] = [
        (0, b"id,label\n1,0.5\n2,0.25\n\xffid,label\n1,0.5\n2,0.5\n"),
        (0, b"\xef\xbb\xbfid,label\r\n\"1\",1e-3\r\n2,NaN\r\n\xffid,label\n1,1\n2,0\n"),
        (1, b"id,pug,boxer\na,0.5,0.5\nb,.1,.9\n\xffid,pug,boxer\na,.5,.5\nb,.5,.5\n"),
        (1, b"id,pug,boxer\na,0.5,0.5\n\xffid,breed\na,pug\n"),
        (2, b"image_name,tags\ntest_0,clear primary\n\xffimage_name,tags\ntest_0,primary clear\n"),
        (2, b"image_name,tags\nt,haze haze x\nt,\n\"u\n\",\n\xffimage_name,tags\nt,primary\n"),
    ];
    for (n, (which, bytes)) in tables.into_iter().enumerate() {
        write("csv", &n.to_string(), &[&[which], bytes].concat());
    }
    for (n, text) in ANSWERS.iter().enumerate() {
        write("json", &n.to_string(), text.as_bytes());
    }
    let view = |shape: &[i32], strides: &[i32], tail: &[u8]| {
        weights::tensor("FloatStorage", "0", (0, shape, strides), tail)
    };
    let state = |tail: &[u8]| {
        let entries = [
            ("module.a", view(&[2, 3], &[3, 1], tail)),
            ("module.b", view(&[3, 2], &[1, 3], tail)),
        ];
        weights::dict(&[("epoch", b"K\x07".to_vec()), ("state_dict", weights::dict(&entries))])
    };
    let numbers = weights::floats(&weights::SIX);
    let files = [
        weights::archive(&state(b""), &numbers),
        weights::legacy(&state(b"N"), &numbers, 4),
        weights::safetensors(),
    ];
    for (n, bytes) in files.iter().enumerate() {
        write("weights", &n.to_string(), bytes);
    }
    for (target, name, bytes) in files::all(&tar(loose)) {
        write(target, &name, &bytes);
    }
    for (target, file) in data_folder::FILES {
        write(&format!("data_{target}"), "0", data_folder::seed(file).as_bytes());
    }
    for (target, file) in run_folder::FILES {
        for (which, bytes) in run_folder::seeds(file).into_iter().enumerate() {
            let name = which.to_string();
            write(&format!("run_{target}"), &name, &[&[which as u8], &bytes[..]].concat());
        }
    }
    for (n, bytes) in backbone::seeds().iter().enumerate() {
        write("backbone", &n.to_string(), bytes);
    }
    seeds
}

const ANSWERS: [&str; 8] = [
    r#"{"code":403,"message":"You must accept this competition's rules"}"#,
    r#"{"error":{"code":429,"message":"Too many requests","status":"RESOURCE_EXHAUSTED"}}"#,
    "<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>old</Message></Error>",
    "<!DOCTYPE html><html><body>Sign in</body></html>",
    r#"{"files":[{"name":"a.csv","totalBytes":7,"creationDate":"2017"}],"nextPageToken":"x"}"#,
    r#"{"submissions":[{"ref":1,"status":"COMPLETE","publicScore":"0.5","privateScore":null}]}"#,
    r#"{"token":"t","createUrl":"http://localhost/u","numToday":1,"numAllowedNow":4}"#,
    r#"{"ref":"https://x","title":"T","maxDailySubmissions":5,"userHasEntered":true}"#,
];

/// One block for all entries, or one for each.
fn seven_z(entries: Entries, solid: bool) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    let method = if solid { EncoderMethod::LZMA2 } else { EncoderMethod::COPY };
    let mut configuration = EncoderConfiguration::new(method);
    if solid {
        configuration =
            configuration.with_options(EncoderOptions::Lzma2(Lzma2Options::from_level(0)));
    }
    writer.set_content_methods(vec![configuration]);
    let files = entries.iter().filter(|(name, _)| !name.ends_with('/'));
    if solid {
        let (entries, contents): (Vec<_>, Vec<_>) =
            files.map(|(name, content)| (ArchiveEntry::new_file(name), (*content).into())).unzip();
        writer.push_archive_entries(entries, contents).unwrap();
    } else {
        for (name, content) in files {
            writer.push_archive_entry(ArchiveEntry::new_file(name), Some(*content)).unwrap();
        }
        writer.push_archive_entry::<&[u8]>(ArchiveEntry::new_directory("d"), None).unwrap();
    }
    writer.finish().unwrap().into_inner()
}
