//! `TFRecords` of `tf.train.Example` (`[target.labels.record]`): each image becomes a file of its own, its
//! bytes as they were, and what else is known of the training images a table.

mod example;
mod framing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;
use image::ImageFormat;
use rayon::prelude::*;

use super::Source;
use super::output::{Output, file_name};
use crate::competition::RECORDS;
use crate::fs;
use crate::term;
use example::{Example, Feature};

const BUFFER: usize = 1 << 18;
/// A text that is longer is no label.
const LONGEST_TEXT: usize = 1000;
/// Characters of names that an error shows.
const SHOWN: usize = 200;

/// What a training record says besides its image, by the names of its features.
type Facts = BTreeMap<String, String>;

/// Unpacks all records of the sources; `id` and `label` are features.
pub(super) fn convert(
    sources: &[Source],
    id: &str,
    label: Option<&str>,
    output: &Output,
) -> Result<()> {
    let mut rows: BTreeMap<String, Facts> = BTreeMap::new();
    for source in sources {
        let files = files_of(source)?;
        let unpack = |file: &PathBuf| unpack(source, file, id, label, output);
        let facts = files.par_iter().map(unpack).collect::<Vec<Result<Vec<(String, Facts)>>>>();
        for facts in facts {
            let facts = facts?;
            if source.is_train {
                rows.extend(facts);
            }
        }
    }
    let columns: BTreeSet<&String> = rows.values().flat_map(BTreeMap::keys).collect();
    let mut csv = csv::Writer::from_writer(output.table(RECORDS)?);
    csv.write_record([id].into_iter().chain(columns.iter().map(|name| name.as_str())))?;
    for (id, facts) in &rows {
        let others = columns.iter().map(|name| facts.get(*name).map_or("", String::as_str));
        csv.write_record([id.as_str()].into_iter().chain(others))?;
    }
    csv.into_inner().map_err(csv::IntoInnerError::into_error)?.commit()
}

/// The files of a place that hold records.
fn files_of(source: &Source) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for (path, _) in fs::below(&source.path, None)?.files {
        let mut start = Vec::new();
        open(&path)?.take(framing::HEAD as u64).read_to_end(&mut start)?;
        if framing::is_head(&start) {
            files.push(path);
        }
    }
    ensure!(
        !files.is_empty(),
        "no TFRecord in `{}`\nhint: with `target.labels.record`, `files.train` and `files.test` are folders \
         of them",
        source.path.display()
    );
    Ok(files)
}

/// Records may be packed as a whole.
fn open(path: &Path) -> Result<Box<dyn Read>> {
    let mut file = fs::open(path)?;
    let mut start = Vec::new();
    file.by_ref().take(2).read_to_end(&mut start)?;
    let whole = BufReader::with_capacity(BUFFER, fs::open(path)?);
    Ok(if start == [0x1f, 0x8b] { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

fn unpack(
    source: &Source,
    file: &Path,
    id: &str,
    label: Option<&str>,
    output: &Output,
) -> Result<Vec<(String, Facts)>> {
    let mut reader = open(file)?;
    let mut all = Vec::new();
    for number in 1.. {
        let place = || format!("`{}`, record {number}", file.display());
        let next = framing::next(&mut reader).with_context(place);
        let Some(bytes) = next.context("hint: get the file again")? else { break };
        let example = example::read(&bytes).with_context(place)?;
        all.push(one(source, &example, id, label, output).with_context(place)?);
    }
    Ok(all)
}

fn one(
    source: &Source,
    example: &Example,
    id: &str,
    label: Option<&str>,
    output: &Output,
) -> Result<(String, Facts)> {
    let named = example.get(id).and_then(Feature::text).with_context(|| missing(example, id))?;
    let (image_of, format, bytes) = image_in(example)?;
    // An id may have its ending with it.
    let name = match Path::new(&named).extension() {
        Some(ending) if ImageFormat::from_extension(ending) == Some(format) => named.clone(),
        _ => format!("{named}.{}", format.extensions_str()[0]),
    };
    let path = output.claim(&source.place, file_name(&name)?)?;
    output.write(&path, bytes)?;
    if let (Some(label), true) = (label, source.is_train) {
        ensure!(example.contains_key(label), missing(example, label));
    }
    let others = example.iter().filter(|(name, _)| **name != id && **name != image_of);
    let fact = |(name, feature): (&&str, &Feature)| {
        let text = feature.text().filter(|text| text.len() <= LONGEST_TEXT)?;
        Some(((*name).to_owned(), text))
    };
    Ok((named, others.filter_map(fact).collect()))
}

/// The feature that is a picture, by its first bytes.
fn image_in<'a>(example: &Example<'a>) -> Result<(&'a str, ImageFormat, &'a [u8])> {
    let mut found = example.iter().filter_map(|(name, feature)| {
        let Feature::Bytes(values) = feature else { return None };
        let [bytes] = values.as_slice() else { return None };
        let format = image::guess_format(bytes).ok()?;
        Some((*name, format, *bytes))
    });
    let first = found
        .next()
        .with_context(|| format!("no picture among its features {}", names(example)))?;
    match found.next() {
        None => Ok(first),
        Some((other, ..)) => bail!("two pictures, `{}` and `{other}`", first.0),
    }
}

fn missing(example: &Example, name: &str) -> String {
    format!(
        "no feature `{name}` among {}\nhint: `target.labels.record` in the spec names those of id and label",
        names(example)
    )
}

fn names(example: &Example) -> String {
    let names: Vec<String> = example.keys().map(|name| format!("`{name}`")).collect();
    term::short(&names.join(", "), SHOWN)
}
