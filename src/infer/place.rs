//! Where the images of some ids are: in a folder, by their names, or on paths that ids and columns fill.

use std::collections::{HashMap, HashSet};

use super::data;
use super::images::{Form, Image, Images};
use super::paths;
use super::table::Table;
use super::text;

/// Whose images are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Train,
    Test,
}

/// Where the images of a list of ids are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Place {
    /// Folders, or paths with braces.
    pub(super) places: Vec<String>,
    /// What `{channel}` is, where an image is several files.
    pub(super) channels: Vec<String>,
    /// The images that were found: places in [`Images::all`].
    pub(super) found: Vec<usize>,
    /// The share of the ids that have an image.
    pub(super) share: f64,
    /// Places that have the same images in another form.
    pub(super) instead: Vec<Vec<String>>,
    /// Paths of further files of the ids, which are left out.
    pub(super) aside: Vec<String>,
}

/// Images that are spoken for: those of the test set, when training images are looked for.
pub(super) type Taken = HashSet<usize>;

/// The share of the ids that must have an image before a place is one.
pub(super) const ENOUGH: f64 = 0.5;
/// Rows that are looked at before all are.
pub(super) const EXAMPLES: usize = 300;

/// Finds where the images of a table's rows are.
pub(super) fn find(
    images: &Images,
    table: &Table,
    id: usize,
    role: Role,
    taken: &Taken,
) -> Option<Place> {
    let ids: Vec<&str> = unique(table.cells(id));
    let direct = by_names(images, &ids, role, taken).filter(|place| place.share >= ENOUGH);
    if let Some(mut place) = direct {
        place.instead.extend(small_copies(images, &ids, role, taken));
        return Some(place);
    }
    let usable = |n: usize| is_usable(images, n, role, taken);
    paths::around_ids(images, &ids, &usable)
        .or_else(|| paths::of_columns(images, table, id, role, &usable))
        .filter(|place| place.share >= ENOUGH)
}

/// Each once, in their order.
pub(super) fn unique<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    ids.filter(|id| !id.is_empty() && seen.insert(*id)).collect()
}

fn is_usable(images: &Images, n: usize, role: Role, taken: &Taken) -> bool {
    let image = &images.all[n];
    !image.is_extra && (role == Role::Test || (!image.is_test && !taken.contains(&n)))
}

/// The share of ids that name an image.
pub(super) fn share_named<'a>(
    images: &Images,
    ids: impl Iterator<Item = &'a str>,
    role: Role,
    taken: &Taken,
) -> f64 {
    let (mut n, mut n_found) = (0_usize, 0_usize);
    for id in ids {
        n += 1;
        let found = images.named(id);
        n_found += usize::from(found.iter().any(|&found| is_usable(images, found, role, taken)));
    }
    n_found as f64 / n.max(1) as f64
}

/// The same for a column of a table; where only some images are listed, it is the larger of that share and
/// the share of these whose name stands in the column.
pub(super) fn share(
    images: &Images,
    is_whole: bool,
    (table, column): (&Table, usize),
    role: Role,
    taken: &Taken,
) -> f64 {
    let cells = table.spread(EXAMPLES).map(|row| table.cell(row, column));
    let share = share_named(images, cells, role, taken);
    if is_whole || share >= ENOUGH {
        return share;
    }
    let ids = table.values(column);
    let is_id = |name: &str| ids.contains(name);
    let (mut n, mut n_found) = (0_usize, 0_usize);
    for (at, image) in images.all.iter().enumerate() {
        if (role == Role::Train || image.is_test) && is_usable(images, at, role, taken) {
            n += 1;
            n_found += usize::from(is_id(image.name) || is_id(image.stem));
        }
    }
    share.max(n_found as f64 / n.max(1) as f64)
}

/// Folders that hold an image for each id, by their names.
pub(super) fn by_names(images: &Images, ids: &[&str], role: Role, taken: &Taken) -> Option<Place> {
    let usable = |id: &&str| -> Vec<usize> {
        let all = images.named(id);
        all.iter().copied().filter(|&n| is_usable(images, n, role, taken)).collect()
    };
    let named: Vec<Vec<usize>> = ids.iter().map(usable).collect();
    let n_of = |form: Form| {
        named.iter().filter(|found| found.iter().any(|&n| images.all[n].form == form)).count()
    };
    // A picture is better than a DICOM of the same name, unless it is a rare one.
    let forms = [Form::Picture, Form::Tiff, Form::Dicom];
    let most = forms.map(n_of).into_iter().max().filter(|&most| most > 0)?;
    let form = forms.into_iter().find(|&form| n_of(form) * 10 >= most * 9)?;
    let of_form = |found: &Vec<usize>| -> Vec<usize> {
        found.iter().copied().filter(|&n| images.all[n].form == form).collect()
    };
    let named: Vec<Vec<usize>> = named.iter().map(of_form).collect();
    let roots = covering(images, &named, role);
    let (chosen, others) = roots.split_first()?;
    let found: Vec<usize> = named
        .iter()
        .filter_map(|found| found.iter().copied().find(|&n| is_in(&images.all[n], chosen)))
        .collect();
    let share = found.len() as f64 / ids.len().max(1) as f64;
    let matched: HashSet<usize> = found.iter().copied().collect();
    let places = folders(images, chosen, form, &matched);
    // The other part of the data has the same names by chance.
    let is_other = |root: &&&str| match role {
        Role::Test => text::is_train(root) && !text::is_test(root),
        Role::Train => text::is_test(root) && !text::is_train(root),
    };
    let others = others.iter().filter(|root| !is_other(root));
    let instead = others.map(|&root| vec![named_folder(root)]).collect();
    Some(Place { places, found, share, instead, ..Place::default() })
}

fn is_in(image: &Image, folder: &str) -> bool {
    image.folder == folder || data::is_below(image.path, folder)
}

/// The deepest folders that each hold nearly all of the ids, the likeliest first.
fn covering<'a>(images: &Images<'a>, named: &[Vec<usize>], role: Role) -> Vec<&'a str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for found in named {
        let mut above: HashSet<&str> = HashSet::new();
        for &n in found {
            let mut folder = images.all[n].folder;
            while above.insert(folder) && !folder.is_empty() {
                folder = data::folder(folder);
            }
        }
        for folder in above {
            *counts.entry(folder).or_default() += 1;
        }
    }
    let all = counts.get("").copied().unwrap_or_default();
    let full: Vec<&str> =
        counts.iter().filter(|(_, n)| **n * 50 >= all * 49).map(|(folder, _)| *folder).collect();
    let has_deeper =
        |folder: &str| full.iter().any(|other| *other != folder && data::is_below(other, folder));
    let mut deepest: Vec<&str> =
        full.iter().copied().filter(|folder| !has_deeper(folder)).collect();
    deepest.sort_by_key(|folder| (-liking(folder, role), folder.len(), *folder));
    deepest
}

/// How well a folder's name fits.
fn liking(folder: &str, role: Role) -> i64 {
    let (own, other) = match role {
        Role::Test => (text::is_test(folder), text::is_train(folder)),
        Role::Train => (text::is_train(folder), text::is_test(folder)),
    };
    let odd = text::is_small(folder) || text::is_extra(folder);
    8 * i64::from(own) - 8 * i64::from(other) - 2 * i64::from(odd)
}

/// A folder, or, where most that lies below it is something else, those in it that have the images.
fn folders(images: &Images, root: &str, form: Form, matched: &HashSet<usize>) -> Vec<String> {
    const MOST: usize = 8;
    let mut found = Vec::new();
    split(images, root, form, matched, &mut found);
    if found.is_empty() || found.len() > MOST {
        found = vec![root];
    }
    found.sort_unstable();
    found.into_iter().map(named_folder).collect()
}

fn split<'a>(
    images: &Images<'a>,
    root: &'a str,
    form: Form,
    matched: &HashSet<usize>,
    into: &mut Vec<&'a str>,
) {
    // The first image below it is somewhere in the list of all.
    let below = images.below(root);
    let Some(start) =
        below.first().map(|first| images.all.partition_point(|image| image.path < first.path))
    else {
        return;
    };
    let is_matched = |at: usize| matched.contains(&(start + at));
    let (mut n_all, mut n_matched, mut is_direct) = (0_usize, 0_usize, false);
    let mut inner: Vec<&str> = Vec::new();
    for (at, image) in below.iter().enumerate().filter(|(_, image)| image.form == form) {
        n_all += 1;
        let matched = is_matched(at);
        n_matched += usize::from(matched);
        is_direct |= matched && image.folder == root;
        if matched && image.folder != root {
            let skip = if root.is_empty() { 0 } else { root.len() + 1 };
            let end = image.path[skip..].find('/').map_or(image.path.len(), |end| skip + end);
            let child = &image.path[..end];
            if inner.last() != Some(&child) {
                inner.push(child);
            }
        }
    }
    if n_matched == 0 {
        return;
    }
    // The top has everything, and what else lies there is of the other part.
    let is_mixed = root.is_empty() && n_matched < n_all;
    if is_direct || (n_matched * 2 >= n_all && !is_mixed) {
        into.push(root);
    } else {
        for child in inner {
            split(images, child, form, matched, into);
        }
    }
}

/// A folder as specs name it: the top is `.`.
pub(super) fn named_folder(folder: &str) -> String {
    if folder.is_empty() { ".".to_owned() } else { folder.to_owned() }
}

/// Smaller copies of the images, whose names go on behind the id: `train_thumbnails/{id}_thumbnail`.
fn small_copies(images: &Images, ids: &[&str], role: Role, taken: &Taken) -> Option<Vec<String>> {
    if !images.all.iter().any(|image| image.is_small) {
        return None;
    }
    let usable = |n: usize| is_usable(images, n, role, taken) && images.all[n].is_small;
    let place = paths::around_ids(images, ids, &usable)?;
    (place.share >= ENOUGH && place.channels.is_empty()).then_some(place.places)
}
