//! Where the labels are, and where the images that they are of.

mod names;

use super::beyond::{self, Beyond};
use super::columns::{self, Columns};
use super::data::{self, Data};
use super::images::{Image, Images};
use super::place::{self, ENOUGH, EXAMPLES, Place, Role, Taken};
use super::sample::{self, Asks, Sample};
use super::table::{Form, Table};
use super::text;

/// The labels of a competition.
pub(super) struct Labels<'a> {
    pub(super) from: From<'a>,
    /// Folders, paths, or the table of pixels.
    pub(super) places: Vec<String>,
    pub(super) channels: Vec<String>,
    pub(super) instead: Vec<Vec<String>>,
    /// Paths of further files of the images, which are left out.
    pub(super) aside: Vec<String>,
    /// How many images have a label, where that is known.
    pub(super) n_images: Option<usize>,
    /// Why these, in words.
    pub(super) why: String,
    pub(super) is_sure: bool,
}

/// What tells the label of an image.
pub(super) enum From<'a> {
    Table {
        table: &'a Table,
        /// None where rows are numbered.
        id: Option<usize>,
        columns: Columns,
        /// A row is an image and a class.
        is_long: bool,
        photos: Option<Photos<'a>>,
    },
    Folder {
        names: Vec<String>,
    },
    FileName {
        names: Vec<String>,
        separator: String,
    },
    Pattern {
        names: Vec<String>,
        pattern: String,
    },
    Record {
        id: String,
        label: String,
    },
}

/// A table that says which images belong to which id of the labels.
#[derive(Clone, Copy)]
pub(super) struct Photos<'a> {
    pub(super) table: &'a Table,
    pub(super) image: usize,
    pub(super) of: usize,
}

impl From<'_> {
    /// The table and its column of ids.
    pub(super) fn table(&self) -> Option<(&Table, Option<usize>)> {
        match self {
            Self::Table { table, id, .. } => Some((table, *id)),
            _ => None,
        }
    }
}

pub(super) fn find<'a>(
    data: &'a Data,
    images: &Images,
    sample: &Sample<'a>,
    label: Option<&str>,
) -> Result<Labels<'a>, Beyond> {
    if let Asks::Pixels(pixels) = &sample.asks {
        let table = pixels.train;
        let id = table.column(sample.id_name());
        let left_out = |column: usize| pixels.is_pixel(&table.header[column]);
        let columns = columns::find(table, id, sample, label, &left_out)
            .ok_or_else(|| beyond::of_labels(data, images, sample))?;
        let why = format!("`{}` has the pixels and the label", table.path);
        let from = From::Table { table, id, columns, is_long: false, photos: None };
        let n_images = Some(table.rows.len()).filter(|_| table.is_whole);
        return Ok(Labels { n_images, ..plain(from, vec![table.path.clone()], why) });
    }
    let taken: Taken =
        sample.place().map(|place| place.found.iter().copied().collect()).unwrap_or_default();
    let found = of_photos(data, images, sample, &taken, label)
        .or_else(|| of_tables(data, images, sample, &taken, label))
        .or_else(|| of_unseen(data, images, sample, label))
        .or_else(|| names::of_folders(data, images, &taken))
        .or_else(|| names::of_names(images, &taken))
        .or_else(|| names::of_records(data));
    let unseen = sample::unseen(data, images, Role::Train);
    found.ok_or_else(|| match unseen {
        Some(unseen) if !data.listing.is_whole() => Beyond::PackedLabels(text::few(&unseen)),
        _ => beyond::of_labels(data, images, sample),
    })
}

fn plain(from: From<'_>, places: Vec<String>, why: String) -> Labels<'_> {
    Labels {
        from,
        places,
        channels: Vec::new(),
        instead: Vec::new(),
        aside: Vec::new(),
        n_images: None,
        why,
        is_sure: true,
    }
}

/// Whether a table may be one of labels.
fn may_tell(table: &Table, sample: &Sample) -> bool {
    let is_asked = match &sample.asks {
        Asks::Table { table: other, .. } | Asks::Pool { table: other, .. } => {
            other.path == table.path
        }
        _ => false,
    };
    table.path != sample.table.path
        && !is_asked
        && table.header.len() > 1
        && !text::has_word(data::base(&table.path), &["sample", "submission"])
}

/// The table whose rows name training images, each about once.
fn of_tables<'a>(
    data: &'a Data,
    images: &Images,
    sample: &Sample<'a>,
    taken: &Taken,
    label: Option<&str>,
) -> Option<Labels<'a>> {
    let is_whole = data.listing.is_whole();
    let mut best: Option<(f64, Labels)> = None;
    for table in data.tables.iter().filter(|table| may_tell(table, sample)) {
        let Some((id, share, is_long)) = id_column(images, is_whole, table, sample, taken) else {
            continue;
        };
        let Some(columns) = columns::find(table, Some(id), sample, label, &|_| false) else {
            continue;
        };
        let score = share + liking(table, id, sample, is_long);
        if best.as_ref().is_some_and(|(other, _)| *other >= score) {
            continue;
        }
        let place = if is_long {
            let ids: Vec<&str> =
                table.cells(id).filter_map(|cell| Some(cut(images, cell)?.0)).collect();
            place::by_names(images, &place::unique(ids.into_iter()), Role::Train, taken)
        } else {
            place::find(images, table, id, Role::Train, taken).or_else(|| {
                let ids = place::unique(table.cells(id));
                place::by_names(images, &ids, Role::Train, taken)
            })
        };
        let Some(Place { places, channels, instead, share, found, aside }) = place else {
            continue;
        };
        // The files of one picture are one image.
        let n_images = Some(found.len() / channels.len().max(1));
        let (file, name, of) = (&table.path, &table.header[id], (share * 100.0).round());
        let why = if is_whole {
            format!("`{file}` has a row an image: {of} % of its `{name}` name one")
        } else {
            format!("`{file}` has a row an image: its `{name}` names those that are listed")
        };
        let from = From::Table { table, id: Some(id), columns, is_long, photos: None };
        let is_sure = true;
        let labels = Labels { from, places, channels, instead, aside, n_images, why, is_sure };
        best = Some((score, labels));
    }
    best.map(|(_, labels)| labels)
}

/// How likely a table is the one of labels, beside the share of its rows that name images.
fn liking(table: &Table, id: usize, sample: &Sample, is_long: bool) -> f64 {
    let names = sample.names();
    let n_same = names.iter().filter(|name| table.column(name).is_some()).count();
    let mut score = 2.0 * n_same as f64 / names.len().max(1) as f64;
    let name = data::base(&table.path);
    score += f64::from(u8::from(text::is_train(name) || text::has_word(name, &["label"])));
    score -= 2.0 * f64::from(u8::from(text::is_extra_table(name) || text::is_test(name)));
    score -= f64::from(u8::from(table.form == Form::Names));
    let n_unique = table.values(id).len() as f64;
    if !is_long && n_unique < 0.6 * table.rows.len() as f64 {
        score -= 2.0;
    }
    // Of two alike the longer one.
    score + (table.rows.len().max(1) as f64).log10() / 10.0
}

/// The column that names training images, the share of its rows that do, and whether these have a class
/// behind the id.
fn id_column(
    images: &Images,
    is_whole: bool,
    table: &Table,
    sample: &Sample,
    taken: &Taken,
) -> Option<(usize, f64, bool)> {
    const FEWEST: f64 = 0.3;
    if let (Asks::Long { .. }, Some(id)) = (&sample.asks, table.column(sample.id_name())) {
        let rows: Vec<usize> = table.spread(EXAMPLES).collect();
        let n = rows.iter().filter(|&&row| cut(images, table.cell(row, id)).is_some()).count();
        let share = n as f64 / rows.len().max(1) as f64;
        if share >= FEWEST {
            return Some((id, share, true));
        }
    }
    let is_training =
        |(n, image): &(usize, &Image)| !image.is_extra && !image.is_test && !taken.contains(n);
    let n_training = if is_whole && table.is_whole {
        images.all.iter().enumerate().filter(is_training).count()
    } else {
        0
    };
    let mut best: Option<(f64, usize, f64)> = None;
    for column in 0..table.header.len().min(64) {
        let share = place::share(images, is_whole, (table, column), Role::Train, taken);
        if share < FEWEST {
            continue;
        }
        let n_unique = table.values(column).len() as f64;
        let is_id = table.header[column] == sample.id_name();
        let is_plain = matches!(table.form, Form::Csv | Form::Names);
        if !is_id && is_plain && is_by_chance(table, column, n_training) {
            continue;
        }
        let score = share * (0.5 + 0.5 * n_unique / table.rows.len().max(1) as f64)
            + 0.3 * f64::from(u8::from(is_id))
            + 0.1 * f64::from(u8::from(column == 0));
        if best.is_none_or(|(other, ..)| score > other) {
            best = Some((score, column, share));
        }
    }
    if let Some((_, column, share)) = best {
        return Some((column, share, false));
    }
    // Names that go on behind the id, or paths made of columns: only where it is worth the search.
    let id = table.column(sample.id_name()).or_else(|| {
        let name = data::base(&table.path);
        (text::is_train(name) || text::has_word(name, &["label"])).then_some(0)
    })?;
    if text::is_test(data::base(&table.path)) || text::is_extra_table(&table.path) {
        return None;
    }
    let place = place::find(images, table, id, Role::Train, taken)?;
    (place.share >= ENOUGH).then_some((id, place.share, false))
}

/// Whether the cells are labels that happen to be the names of some files, as `0` and `1` are where images
/// are numbered, or the numbers of classes: an image has one row, and most have one, unless they are named
/// by their whole names.
fn is_by_chance(table: &Table, column: usize, n_training: usize) -> bool {
    const ROWS_AN_IMAGE: usize = 4;
    const IMAGES_A_ROW: usize = 8;
    let (n_rows, n_unique) = (table.rows.len(), table.values(column).len());
    let is_path = table.cell(0, column).contains(['.', '/']);
    !is_path && (n_unique * ROWS_AN_IMAGE < n_rows || n_rows * IMAGES_A_ROW < n_training)
}

/// An id that names an image, and the class behind it.
fn cut<'c>(images: &Images, cell: &'c str) -> Option<(&'c str, &'c str)> {
    let places = cell.rmatch_indices('_').map(|(at, _)| at);
    let cuts = places.map(|at| (&cell[..at], &cell[at + 1..]));
    cuts.into_iter().find(|(id, _)| !images.named(id).is_empty())
}

/// Labels of groups of images, which a third table lists.
fn of_photos<'a>(
    data: &'a Data,
    images: &Images,
    sample: &Sample<'a>,
    taken: &Taken,
    label: Option<&str>,
) -> Option<Labels<'a>> {
    let Asks::Pool { .. } = &sample.asks else { return None };
    for table in data.tables.iter().filter(|table| may_tell(table, sample)) {
        let Some(id) = table.column(sample.id_name()) else { continue };
        if place::share(images, true, (table, id), Role::Train, taken) >= ENOUGH {
            continue;
        }
        let Some(columns) = columns::find(table, Some(id), sample, label, &|_| false) else {
            continue;
        };
        let Some(photos) = photos_of(data, images, table, id, taken) else { continue };
        if photos.table.path == table.path {
            continue;
        }
        let ids = place::unique(photos.table.cells(photos.image));
        let place = place::by_names(images, &ids, Role::Train, taken)?;
        let why = format!(
            "`{}` has the labels of groups of images, and `{}` says which these are",
            table.path, photos.table.path
        );
        let from =
            From::Table { table, id: Some(id), columns, is_long: false, photos: Some(photos) };
        let n_images = Some(place.found.len());
        let labels = plain(from, place.places, why);
        return Some(Labels { channels: place.channels, n_images, ..labels });
    }
    None
}

fn photos_of<'a>(
    data: &'a Data,
    images: &Images,
    labels: &Table,
    id: usize,
    taken: &Taken,
) -> Option<Photos<'a>> {
    let ids = labels.values(id);
    data.tables.iter().filter(|table| table.path != labels.path).find_map(|table| {
        let columns = 0..table.header.len().min(16);
        let image = columns.clone().find(|&column| {
            place::share(images, true, (table, column), Role::Train, taken) >= ENOUGH
        })?;
        let of = columns.filter(|&column| column != image).find(|&column| {
            let values = table.values(column);
            let n = ids.iter().filter(|id| values.contains(*id)).count();
            n * 10 >= ids.len() * 9 && n > 0
        })?;
        Some(Photos { table, image, of })
    })
}

/// The table that says by its name or its columns that it has the labels, where images are not to be
/// seen.
fn of_unseen<'a>(
    data: &'a Data,
    images: &Images,
    sample: &Sample<'a>,
    label: Option<&str>,
) -> Option<Labels<'a>> {
    if data.listing.is_whole() {
        return None;
    }
    let places = sample::unseen(data, images, Role::Train)?;
    let rank = |table: &&Table| {
        let name = data::base(&table.path);
        let named = text::is_train(name) || text::has_word(name, &["label"]);
        let n_same = sample.names().iter().filter(|name| table.column(name).is_some()).count();
        (table.column(sample.id_name()).is_some(), named, n_same, table.rows.len())
    };
    let tells = |table: &&Table| {
        may_tell(table, sample) && !text::is_test(data::base(&table.path)) && {
            let (has_id, is_named, ..) = rank(table);
            has_id || is_named
        }
    };
    let table = data.tables.iter().filter(tells).max_by_key(rank)?;
    let id = table.column(sample.id_name()).unwrap_or(0);
    let columns = columns::find(table, Some(id), sample, label, &|_| false)?;
    let is_long = matches!(&sample.asks, Asks::Unseen { classes, .. } if !classes.is_empty())
        && sample::parts(table, id).is_some();
    let why = format!("by the names in `{}`: the images are still packed", table.path);
    let from = From::Table { table, id: Some(id), columns, is_long, photos: None };
    Some(Labels { is_sure: false, ..plain(from, places, why) })
}
