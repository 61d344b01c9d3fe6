//! Folders of DICOM files: a PNG for each, and a table of what they say of their patients.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use rayon::prelude::*;

use super::Source;
use super::dicom::{self, Failure};
use super::output::{Output, file_name};
use super::picture;
use super::place::DICOM;
use crate::competition::DICOM_EXTENSIONS;
use crate::fs;
use crate::hash::Hash;
use crate::relative::RelativePath;

/// Raised where the same file gives another picture.
const VERSION: u32 = 1;
/// The attributes that always have a column.
const USUAL: [&str; 2] = ["PatientID", "StudyInstanceUID"];
/// The first bytes of a file, enough to see that it is DICOM.
const START: u64 = 132;

/// Converts every DICOM file of the sources.
pub(super) fn convert(
    sources: &[Source],
    windows: &[[f64; 2]],
    attribute: Option<&str>,
    output: &Output,
) -> Result<()> {
    let attributes: Vec<&str> =
        USUAL.into_iter().chain(attribute.filter(|name| !USUAL.contains(name))).collect();
    let tags = attributes.iter().map(|name| {
        dicom::tag_of(name).with_context(|| {
            format!(
                "no attribute `{name}` of DICOM files is known\nhint: `dicom:` stands before one of {}, or \
                 before a tag such as 0010,0020",
                dicom::keywords()
            )
        })
    });
    let tags = tags.collect::<Result<Vec<_>>>()?;
    let mut files: Vec<(&Source, PathBuf)> = Vec::new();
    for source in sources {
        let before = files.len();
        for (path, _) in fs::below(&source.path, None)?.files {
            if is_dicom(&path)? {
                files.push((source, path));
            }
        }
        ensure!(
            files.len() > before,
            "no DICOM file in `{}`\nhint: without `files.windows`, and with `files.extension` as the files \
             have it, pictures are taken as they are",
            source.path.display()
        );
    }
    output.announce(files.len());
    let work = |(source, path): &(&Source, PathBuf)| one(source, path, windows, &tags, output);
    let rows: Vec<Result<Vec<String>>> = files.par_iter().map(work).collect();
    let mut csv = csv::Writer::from_writer(output.table(DICOM)?);
    csv.write_record(["id", "file"].iter().chain(&attributes))?;
    for row in rows {
        csv.write_record(row?)?;
    }
    if output.n_broken() == files.len() {
        bail!("not one of {} DICOM files gives a picture: {}", files.len(), output.first_broken());
    }
    csv.into_inner().map_err(csv::IntoInnerError::into_error)?.commit()
}

fn is_dicom(path: &Path) -> Result<bool> {
    if has_ending(path) {
        return Ok(true);
    }
    let mut start = Vec::new();
    fs::open(path)?.take(START).read_to_end(&mut start)?;
    Ok(dicom::is_dicom(&start))
}

fn has_ending(path: &Path) -> bool {
    let is = |known: &&str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(known));
    DICOM_EXTENSIONS.iter().any(is)
}

/// Converts one file; gives its row of the table.
fn one(
    source: &Source,
    path: &Path,
    windows: &[[f64; 2]],
    tags: &[u32],
    output: &Output,
) -> Result<Vec<String>> {
    // Only the ending is taken off: an id may have dots in it.
    let stem = if has_ending(path) { path.file_stem() } else { path.file_name() };
    let stem = stem.unwrap_or_default().to_string_lossy();
    let id = file_name(&stem).with_context(|| format!("`{}`", path.display()))?;
    let inside = path.strip_prefix(&source.path)?.with_file_name(format!("{id}.png"));
    let inside = RelativePath::named(&inside.to_string_lossy())?;
    let target = output.claim(&source.place, &inside)?;
    let bytes = fs::read(path)?;
    let stamp =
        Hash::of(format!("{VERSION} {windows:?} {}", Hash::of(&bytes)).as_bytes()).to_string();
    let is_kept = fs::read(&target).is_ok_and(|there| picture::is_stamped(&there, &stamp));
    let made = if is_kept {
        output.kept();
        dicom::attributes(&bytes, tags).map(|attributes| (None, attributes))
    } else {
        dicom::slice(&bytes, windows, tags).map(|slice| (Some(slice.picture), slice.attributes))
    };
    let attributes = match made {
        Ok((picture, attributes)) => {
            if let Some(picture) = picture {
                output.write(&target, &picture::stamp(&picture.to_png()?, &stamp))?;
            }
            attributes
        }
        Err(Failure::Broken(reason)) => {
            output.write_broken(&target, path, &reason)?;
            vec![String::new(); tags.len()]
        }
        Err(Failure::Unsupported(reason)) => bail!(
            "`{}` is not read: {reason}\nhint: convert such files with another program, such as \
             `gdcmconv --raw` or `dcmdjpeg`, and give their folder with `--from`",
            path.display()
        ),
    };
    let file = format!("{}/{inside}", source.place);
    Ok([id.to_owned(), file].into_iter().chain(attributes).collect())
}
