//! Labels that no table has: folders, the names of files, what is in `TFRecords`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::data::{self, Data};
use super::super::images::{Image, Images};
use super::super::place::{self, Taken};
use super::super::{records, text};
use super::{From, Labels, plain};

/// Training images by folder: those that no test row asks for.
fn training<'i, 'a>(images: &'i Images<'a>, taken: &Taken) -> Vec<&'i Image<'a>> {
    let all = images.all.iter().enumerate();
    let free = all.filter(|(n, image)| !image.is_extra && !image.is_test && !taken.contains(n));
    free.map(|(_, image)| image).collect()
}

/// The folder that an image lies in.
pub(super) fn of_folders<'a>(data: &Data, images: &Images, taken: &Taken) -> Option<Labels<'a>> {
    let mut folders: BTreeMap<&str, usize> = BTreeMap::new();
    for image in training(images, taken) {
        *folders.entry(image.folder).or_default() += 1;
    }
    for folder in &data.listing.unseen {
        let is_class = folder.contains('/') && !text::is_test(folder) && !text::is_extra(folder);
        if is_class && data.listing.entries.iter().any(|entry| data::is_below(&entry.path, folder))
        {
            *folders.entry(folder).or_default() += 2;
        }
    }
    let mut parents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for folder in folders.keys().filter(|folder| !folder.is_empty()) {
        parents.entry(data::folder(folder)).or_default().insert(folder);
    }
    parents.retain(|_, folders| folders.len() > 1);
    let most = parents.values().map(BTreeSet::len).max()?;
    parents.retain(|_, folders| folders.len() * 2 >= most);
    let classes: BTreeSet<&str> =
        parents.values().flatten().map(|folder| data::base(folder)).collect();
    let n_images: usize = parents.values().flatten().map(|folder| folders[folder]).sum();
    if classes.len() * 2 > n_images && classes.len() > 2 {
        return None;
    }
    let mut places: Vec<String> = Vec::new();
    for (parent, inner) in &parents {
        if parent.is_empty() {
            places.extend(inner.iter().map(|folder| (*folder).to_owned()));
        } else {
            places.push((*parent).to_owned());
        }
    }
    // Training before validation.
    places.sort_by_key(|name| !text::is_train(name));
    let mut names: Vec<String> = classes.into_iter().map(str::to_owned).collect();
    text::sort(&mut names);
    let why = format!(
        "no table names training images, which lie in a folder a class: {}",
        text::few(&names)
    );
    let n_images = Some(n_images).filter(|_| data.listing.is_whole());
    Some(Labels { n_images, ..plain(From::Folder { names }, places, why) })
}

/// The word that a file's name begins with.
pub(super) fn of_names<'a>(images: &Images, taken: &Taken) -> Option<Labels<'a>> {
    let training = training(images, taken);
    let folders: BTreeSet<&str> = training.iter().map(|image| image.folder).collect();
    let places: Vec<String> = folders.into_iter().map(place::named_folder).collect();
    let is_few = |names: &BTreeSet<&str>| {
        let are_words = names.iter().all(|name| !name.is_empty() && text::number(name).is_none());
        (2..=50).contains(&names.len()) && are_words && names.len() * 2 <= training.len()
    };
    let n_images = Some(training.len());
    let owned = |names: BTreeSet<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    // `american_pit_bull_12.jpg`: what is before the number.
    let before: Option<BTreeSet<&str>> = training
        .iter()
        .map(|image| {
            let (word, number) = image.stem.rsplit_once('_')?;
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            (is_number && word.contains('_')).then_some(word).or(is_number.then_some(word))
        })
        .collect();
    for separator in [".", "_", "-"] {
        let first: Option<BTreeSet<&str>> = training
            .iter()
            .map(|image| {
                Some(image.name.split_once(separator)?.0).filter(|word| *word != image.stem)
            })
            .collect();
        let Some(first) = first.filter(|names| is_few(names)) else { continue };
        if let Some(before) = before.clone().filter(|names| is_few(names) && *names != first) {
            let names = owned(before);
            let why = format!("file names begin with the label: {}", text::few(&names));
            let pattern = r"^(?<label>.+)_\d+\.".to_owned();
            let from = From::Pattern { names, pattern };
            return Some(Labels { n_images, ..plain(from, places, why) });
        }
        let names = owned(first);
        let why = format!("file names begin with the label: {}", text::few(&names));
        let separator = separator.to_owned();
        let from = From::FileName { names, separator };
        return Some(Labels { n_images, ..plain(from, places, why) });
    }
    None
}

/// `TFRecords`, by the names of what is in them.
pub(super) fn of_records<'a>(data: &Data) -> Option<Labels<'a>> {
    let has = |wanted: &[&str]| {
        let mut names = wanted.iter().filter_map(|wanted| {
            data.features.iter().find(|name| name.eq_ignore_ascii_case(wanted))
        });
        names.next().cloned()
    };
    let label = has(&["class", "label", "target"])?;
    let id = has(&["id", "image_name", "image_id", "image/id"]).unwrap_or_else(|| "id".to_owned());
    let places = records::folders(data, false);
    if places.is_empty() {
        return None;
    }
    let why = format!("the records hold {}", text::few(&data.features));
    Some(plain(From::Record { id, label }, places, why))
}
